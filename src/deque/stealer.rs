//! The thieves' side.

use alloc::sync::Arc;
use core::fmt;
use core::ptr::NonNull;

use super::buffer::Buffer;
use super::claims::Claim;
use super::shared::{Shared, distance};
use super::steal::Steal;
use crate::backend::atomic::{Acquire, Relaxed, Release, SeqCst, fence_after_rmw};

/// The handle of a thief: steals from the front of a [`Worker`](super::Worker)'s deque.
///
/// Made by [`Worker::stealer`](super::Worker::stealer). It may be cloned, sent and shared; a clone for each thread is faster than
/// one for all, since each has a line of its own on which it announces what it reads.
///
/// It outlives the worker: what was left in the deque can still be stolen.
///
/// # Examples
///
/// ```
/// use linchpin::deque::{Steal, Worker};
///
/// let worker = Worker::new_lifo();
/// worker.push(1);
/// worker.push(2);
///
/// let stealer = worker.stealer();
/// assert_eq!(stealer.steal(), Steal::Success(1));
/// assert_eq!(stealer.steal(), Steal::Success(2));
/// assert_eq!(stealer.steal(), Steal::Empty);
/// ```
pub struct Stealer<T> {
    pub(super) shared: Arc<Shared<T>>,
    /// The claim this stealer tries first. It lives as long as `shared`.
    claim: NonNull<Claim>,
}

// SAFETY: a thief moves elements from one thread to another, so `T: Send` is needed; it never shares one. All that is shared
// of a claim is atomic.
unsafe impl<T: Send> Send for Stealer<T> {}
// SAFETY: as above; `steal` takes `&self`, and two threads that use one stealer lease different claims.
unsafe impl<T: Send> Sync for Stealer<T> {}

impl<T> core::panic::UnwindSafe for Stealer<T> {}
impl<T> core::panic::RefUnwindSafe for Stealer<T> {}

/// A thief that has announced from where it reads, and found at least one element.
pub(super) struct Reader<'a, T> {
    pub(super) shared: &'a Shared<T>,
    claim: &'a Claim,
    buffer: NonNull<Buffer<T>>,
    /// The first element that is not claimed yet.
    pub(super) front: u64,
    /// How many elements there were when `back` was last looked at.
    pub(super) len: usize,
}

impl<T> Drop for Reader<'_, T> {
    #[inline]
    fn drop(&mut self) {
        self.claim.withdraw();
    }
}

impl<T> Reader<'_, T> {
    /// Claims `count` elements from `front` on; false if another thread has claimed the first.
    ///
    /// # Safety
    ///
    /// There are so many elements (`len`). If there is more than one, the owner never pops one without moving `front`.
    #[inline]
    pub(super) unsafe fn claim(&mut self, count: usize) -> bool {
        let next = self.front.wrapping_add(count as u64);
        // Release: synchronizes with the Acquire load in `Worker::make_more_room`: an owner that
        // knows the elements to be claimed sees the announcement.
        // survivor: the fence before it releases as much; sanitizers know no fences.
        self.shared
            .front
            .compare_exchange(self.front, next, Release, Relaxed)
            .is_ok()
    }

    /// After a claim of one element: looks for another one behind it.
    #[inline]
    pub(super) fn advance(&mut self) -> bool {
        self.front = self.front.wrapping_add(1);
        // SeqCst: as in `Stealer::reader`, for the `front` that the compare-exchange has just
        // stored.
        // model: deque::batch_publishes
        fence_after_rmw(SeqCst);
        self.look()
    }

    /// Looks whether there are elements from `front` on, and whether they are in `buffer`.
    #[inline]
    fn look(&mut self) -> bool {
        // Acquire: synchronizes with the Release stores to it by the owner: the elements before it
        // are in their slots. The fence does as much for those that an earlier look found, and not
        // for others.
        // model: deque::batch_publishes
        let back = self.shared.back.index.load(Acquire);
        self.len = usize::try_from(distance(self.front, back)).unwrap_or(0);
        self.len > 0 && self.is_current()
    }

    /// Whether `buffer` is still the current one; after `back` was loaded, so that no element that it counts is elsewhere.
    #[inline]
    fn is_current(&self) -> bool {
        // Acquire: synchronizes with the Release store in `replace`.
        // survivor: the fence does as much, for the buffer that the load before it found.
        self.shared.place.buffer.load(Acquire) == self.buffer.as_ptr()
    }

    /// Takes the element of `index` out of the deque.
    ///
    /// # Safety
    ///
    /// This thread has claimed it and takes it once.
    #[inline]
    pub(super) unsafe fn take(&self, index: u64) -> core::mem::MaybeUninit<T> {
        // SAFETY: invariants 2 and 4: the buffer is announced, and was current after that; what is claimed in it is written
        // again only when the claim is withdrawn.
        unsafe { self.buffer.as_ref().read(index) }
    }
}

impl<T> Stealer<T> {
    pub(super) fn new(shared: Arc<Shared<T>>) -> Self {
        let claim = NonNull::from(shared.place.claims.assign());
        Stealer { shared, claim }
    }

    /// Whether the deque is empty, at some moment during the call.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.shared.is_empty()
    }

    /// How many elements are in the deque, at some moment during the call.
    ///
    /// If elements leave all the while, it is only a lower bound of how many there were at some moment; 0 is always exact.
    #[must_use]
    pub fn len(&self) -> usize {
        self.shared.len()
    }

    /// How many elements there are, in a look that costs nothing while there is nothing to steal. It may be answered by values of
    /// different moments, as may any look; what is acted upon is looked at again.
    #[inline]
    pub(super) fn glance(&self) -> usize {
        let front = self.shared.front.load(Relaxed);
        usize::try_from(distance(front, self.shared.back.index.load(Relaxed))).unwrap_or(0)
    }

    /// Announces a read from the front. The outcome is a success if there is something to claim.
    #[inline]
    pub(super) fn reader(&self) -> Steal<Reader<'_, T>> {
        let shared = &*self.shared;
        let front = shared.front.load(Relaxed);
        // As in `glance`.
        if distance(front, shared.back.index.load(Relaxed)) <= 0 {
            return Steal::Empty;
        }
        let buffer = shared.place.buffer.load(Relaxed);
        // SAFETY: a claim of `shared`, which frees it when it is dropped.
        let mut claim = unsafe { self.claim.as_ref() };
        if !claim.announce(buffer.cast()) {
            claim = shared.place.claims.announce(buffer.cast());
        }
        // SeqCst: with two fences of the owner.
        // That of an owner that pops: if this one comes first, the owner finds this `front` or a
        // later one, and competes for the last element by compare-exchange; if the other comes
        // first, `back` is found without the element that was popped.
        // That of an owner that frees buffers: see `Shared::reclaim`.
        // model: deque::last_of_two, deque::growth
        fence_after_rmw(SeqCst);
        claim.set_index(front);
        let mut reader = Reader {
            shared,
            claim,
            buffer: NonNull::new(buffer).expect("a deque has a buffer"),
            front,
            len: 0,
        };
        if reader.look() {
            Steal::Success(reader)
        } else if reader.len == 0 {
            Steal::Empty
        } else {
            Steal::Retry
        }
    }

    /// Steals the oldest element.
    #[inline]
    pub fn steal(&self) -> Steal<T> {
        let mut reader = match self.reader() {
            Steal::Success(reader) => reader,
            Steal::Empty => return Steal::Empty,
            Steal::Retry => return Steal::Retry,
        };
        // SAFETY: the reader has found one.
        if unsafe { reader.claim(1) } {
            // SAFETY: claimed by this thread, just now.
            Steal::Success(unsafe { reader.take(reader.front).assume_init() })
        } else {
            Steal::Retry
        }
    }
}

impl<T> Clone for Stealer<T> {
    fn clone(&self) -> Self {
        Stealer::new(Arc::clone(&self.shared))
    }
}

impl<T> Drop for Stealer<T> {
    fn drop(&mut self) {
        // SAFETY: a claim of `shared`, which frees it when it is dropped.
        self.shared.place.claims.unassign(unsafe { self.claim.as_ref() });
    }
}

impl<T> fmt::Debug for Stealer<T> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad("Stealer { .. }")
    }
}
