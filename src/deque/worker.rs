//! The owner's side.

use alloc::sync::Arc;
use core::cell::Cell;
use core::fmt;
use core::marker::PhantomData;
use core::mem::MaybeUninit;
use core::ptr::NonNull;

use super::buffer::Buffer;
use super::shared::{Flavor, SMALLEST, Shared, distance};
use super::stealer::Stealer;
use crate::backend::atomic::{Relaxed, Release, SeqCst, fence};

/// Of a [`Worker`]: its deque grows as need be.
#[derive(Debug)]
pub enum Unbounded {}

/// Of a [`Worker`]: its deque holds no more than it was made for, and a push may fail.
#[derive(Debug)]
pub enum Bounded {}

/// The handle of the owner: pushes to the back of a deque, and pops from it.
///
/// A LIFO worker pops what it pushed last, a FIFO worker what it pushed first. Stealers take what was pushed first from either.
///
/// It may be sent to another thread, but not shared. When it is dropped, what is in the deque can still be stolen, and is
/// dropped with the last stealer.
///
/// # Examples
///
/// ```
/// use linchpin::deque::{Steal, Worker};
///
/// let worker = Worker::new_lifo();
/// let stealer = worker.stealer();
/// for task in 1..=3 {
///     worker.push(task);
/// }
/// assert_eq!(worker.pop(), Some(3));
/// assert_eq!(stealer.steal(), Steal::Success(1));
/// assert_eq!(worker.len(), 1);
/// ```
pub struct Worker<T, C = Unbounded> {
    pub(super) shared: Arc<Shared<T>>,
    /// The current buffer.
    pub(super) buffer: Cell<NonNull<Buffer<T>>>,
    /// Slots of lesser indices may be written: see `make_room`. No more than `ready`, nor than the bound allows.
    pub(super) limit: Cell<u64>,
    /// Slots of lesser indices have been read, if they ever were written.
    pub(super) ready: Cell<u64>,
    /// The buffer shrinks no further: see `smallest`.
    pub(super) smallest: Cell<usize>,
    /// What the owner last knew of the shared `front`, which only grows: to look costs a transfer when thieves are at work.
    pub(super) front: Cell<u64>,
    /// The most elements that the deque holds.
    pub(super) bound: usize,
    capacity: PhantomData<C>,
}

// SAFETY: the worker and its stealers move elements between threads, for which `T: Send` is needed. A worker is not `Sync`, so
// there is one owner at a time, and sending it is the synchronization between one and the next.
unsafe impl<T: Send, C> Send for Worker<T, C> {}

impl<T, C> core::panic::UnwindSafe for Worker<T, C> {}

impl<T> Worker<T> {
    /// An empty deque whose owner pops what it pushed first.
    ///
    /// ```
    /// let worker = linchpin::deque::Worker::new_fifo();
    /// worker.push(1);
    /// worker.push(2);
    /// assert_eq!(worker.pop(), Some(1));
    /// ```
    #[must_use]
    pub fn new_fifo() -> Self {
        Self::starting_at(Flavor::Fifo, 0, SMALLEST, usize::MAX)
    }

    /// An empty deque whose owner pops what it pushed last.
    ///
    /// ```
    /// let worker = linchpin::deque::Worker::new_lifo();
    /// worker.push(1);
    /// worker.push(2);
    /// assert_eq!(worker.pop(), Some(2));
    /// ```
    #[must_use]
    pub fn new_lifo() -> Self {
        Self::starting_at(Flavor::Lifo, 0, SMALLEST, usize::MAX)
    }

    /// Pushes `value` to the back.
    ///
    /// # Panics
    ///
    /// If the deque would become larger than memory can be.
    #[inline]
    pub fn push(&self, value: T) {
        let Ok(()) = self.try_push(value) else {
            unreachable!("an unbounded deque has room");
        };
    }
}

impl<T> Worker<T, Bounded> {
    /// An empty deque for at most `capacity` elements, whose owner pops what it pushed last.
    ///
    /// Its buffer has a quarter more slots, and 64, and so many that their number is a power of two. It is replaced by one as large
    /// only when a thief is held up in the middle of a steal for as long as others take as many elements as there are slots to
    /// spare.
    ///
    /// ```
    /// let worker = linchpin::deque::Worker::bounded(1);
    /// assert_eq!(worker.push("one"), Ok(()));
    /// assert_eq!(worker.push("two"), Err("two"));
    /// ```
    ///
    /// # Panics
    ///
    /// If an address space cannot hold so many elements. If memory cannot, it fails as that of a `Vec` does.
    #[must_use]
    pub fn bounded(capacity: usize) -> Self {
        Self::bounded_at(Flavor::Lifo, capacity)
    }

    /// An empty deque for at most `capacity` elements, whose owner pops what it pushed first.
    ///
    /// # Panics
    ///
    /// As [`bounded`](Self::bounded).
    #[must_use]
    pub fn bounded_fifo(capacity: usize) -> Self {
        Self::bounded_at(Flavor::Fifo, capacity)
    }

    fn bounded_at(flavor: Flavor, capacity: usize) -> Self {
        // Some to spare, so that thieves that are reading an element need not have done so before the next is pushed.
        let slots = capacity.saturating_add(capacity / 4).saturating_add(SMALLEST);
        let slots = slots.checked_next_power_of_two().unwrap_or(usize::MAX);
        Self::starting_at(flavor, 0, slots, capacity)
    }

    /// Pushes `value` to the back, unless the deque is full.
    ///
    /// # Errors
    ///
    /// The value, if the deque holds as many elements as it was made for.
    #[inline]
    pub fn push(&self, value: T) -> Result<(), T> {
        self.try_push(value)
    }

    /// How many elements the deque holds at most.
    #[must_use]
    pub fn capacity(&self) -> usize {
        self.bound
    }
}

impl<T, C> Worker<T, C> {
    /// An empty deque with that first index.
    pub(super) fn starting_at(flavor: Flavor, start: u64, slots: usize, bound: usize) -> Self {
        let shared = Arc::new(Shared::new(flavor, start, slots));
        let buffer = NonNull::new(shared.place.buffer.load(Relaxed)).expect("a deque has a buffer");
        Worker {
            shared,
            buffer: Cell::new(buffer),
            limit: Cell::new(start.wrapping_add(slots.min(bound) as u64)),
            ready: Cell::new(start.wrapping_add(slots as u64)),
            smallest: Cell::new(SMALLEST),
            front: Cell::new(start),
            bound,
            capacity: PhantomData,
        }
    }

    /// A new stealer of this deque.
    #[must_use]
    pub fn stealer(&self) -> Stealer<T> {
        Stealer::new(Arc::clone(&self.shared))
    }

    /// Whether the deque is empty.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How many elements are in the deque. Thieves may take some at any moment.
    #[must_use]
    pub fn len(&self) -> usize {
        let back = self.back();
        distance(self.shared.front.load(Relaxed), back).max(0) as usize
    }

    #[inline]
    fn try_push(&self, value: T) -> Result<(), T> {
        let back = self.back();
        if back == self.limit.get() && self.make_room(back, 1) == 0 {
            return Err(value);
        }
        // SAFETY: this is the owner, and `back` is before `limit` (invariant 3).
        unsafe { self.buffer().write(back, MaybeUninit::new(value)) };
        self.publish(back.wrapping_add(1));
        Ok(())
    }

    /// The index of the next element.
    #[inline]
    pub(super) fn back(&self) -> u64 {
        self.shared.back.index.load(Relaxed)
    }

    pub(super) fn flavor(&self) -> Flavor {
        self.shared.place.flavor
    }

    #[inline]
    pub(super) fn buffer(&self) -> &Buffer<T> {
        // SAFETY: the current buffer is freed only when another one has become current, by this owner, or with the deque.
        unsafe { self.buffer.get().as_ref() }
    }

    /// Lets thieves have all elements before `back`.
    #[inline]
    pub(super) fn publish(&self, back: u64) {
        // Release: synchronizes with the Acquire load in `Reader::look`: the elements must be in
        // their slots.
        // model: deque::last_element
        self.shared.back.index.store(back, Release);
    }

    /// Pops an element: the newest of a LIFO worker, the oldest of a FIFO worker.
    #[inline]
    pub fn pop(&self) -> Option<T> {
        match self.flavor() {
            Flavor::Lifo => self.pop_back(),
            Flavor::Fifo => self.pop_front(),
        }
    }

    #[inline]
    fn pop_back(&self) -> Option<T> {
        let shared = &*self.shared;
        let back = self.back();
        // There are no more elements than this.
        let most = distance(self.front.get(), back);
        if most <= 1 {
            // The last element is claimed as a thief claims it: that takes no fence.
            let last = if most == 1 { self.claim() } else { None };
            // Not by `map`: an element may be large, and then that copies as much where there is none.
            let Some(index) = last else {
                self.shrink(0);
                return None;
            };
            // SAFETY: claimed, just now.
            let value = unsafe { self.take(index) };
            self.shrink(0);
            return Some(value);
        }
        let last = back.wrapping_sub(1);
        // Release: a thief may find this value and not the one that `push` stored; the elements
        // before it must be in their slots.
        // survivor: loom changes threads at no fence, and one follows.
        shared.back.index.store(last, Release);
        // SeqCst: with the fence in `Stealer::reader`. If this one comes first, no thief that looks
        // from then on finds the element of `last`. If a thief's comes first, its `front` is found
        // here.
        // model: deque::last_of_two
        fence(SeqCst);
        self.front.set(shared.front.load(Relaxed));
        let rest = distance(self.front.get(), last);
        if rest > 0 {
            // SAFETY: `front` is before `last`, so no thief can claim it (see the fence).
            let value = unsafe { self.take(last) };
            self.shrink(rest as usize);
            return Some(value);
        }
        // Thieves have come as far as this element, or past it.
        let claimed = if rest == 0 { self.claim() } else { None };
        // Relaxed: the deque is empty, so no thief that finds this value claims anything.
        shared.back.index.store(back, Relaxed);
        let index = claimed?;
        // SAFETY: claimed, just now.
        Some(unsafe { self.take(index) })
    }

    #[inline]
    fn pop_front(&self) -> Option<T> {
        let back = self.back();
        loop {
            let most = distance(self.front.get(), back);
            if most <= 0 {
                self.shrink(0);
                return None;
            }
            if let Some(index) = self.claim() {
                // SAFETY: claimed, just now.
                let value = unsafe { self.take(index) };
                self.shrink(most as usize - 1);
                return Some(value);
            }
        }
    }

    /// Claims the oldest element, in competition with thieves; there is one, as far as the owner knows.
    #[inline]
    fn claim(&self) -> Option<u64> {
        let front = self.front.get();
        let next = front.wrapping_add(1);
        // Release: synchronizes with the fence in `Shared::ends`: a thread that finds this `front`
        // finds no `back` from before it. It must not be torn.
        // model: deque::length
        let claimed = self.shared.front.compare_exchange(front, next, Release, Relaxed);
        self.front.set(claimed.map_or_else(|now| now, |_| next));
        claimed.ok()
    }

    /// # Safety
    ///
    /// The element of `index` is the owner's, and is taken once.
    #[inline]
    unsafe fn take(&self, index: u64) -> T {
        // SAFETY: the owner wrote it, and is the only thread that writes to slots; the caller's promise.
        unsafe { self.buffer().read(index).assume_init() }
    }
}

impl<T, C> fmt::Debug for Worker<T, C> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad("Worker { .. }")
    }
}
