//! The queue that all threads push to.

mod batch;
mod segment;
mod spare;

use core::fmt;
use core::marker::PhantomData;
use core::mem::MaybeUninit;
use core::ptr::NonNull;

use crossbeam_utils::CachePadded;

use self::segment::{SEGMENT, Segment};
use self::spare::{Fresh, Spare};
use super::shared::distance;
use super::steal::Steal;
use crate::backend::atomic::{Acquire, AtomicPtr, AtomicU64, Relaxed, Release, SeqCst, fence};
use crate::backend::hint;
use crate::wait::{Backoff, DefaultWait};

/// In the word of an end: the thread that has claimed the last index of a segment is about to move on to the next segment.
const MOVING: u64 = 1;
/// In the word of the front: the back is in a later segment, so that all elements to the end of this one are there.
const BEHIND: u64 = 2;
/// What one index is in the word of an end.
const ONE: u64 = 4;
/// The bits below the index.
const MARKS: u64 = ONE - 1;

/// One end of the queue.
struct End<T> {
    /// The next index, times `ONE`, and the marks.
    word: CachePadded<AtomicU64>,
    /// The segment of that index, while it is not `MOVING`.
    segment: CachePadded<AtomicPtr<Segment<T>>>,
}

/// A FIFO queue that any thread pushes to and steals from: where tasks enter a scheduler.
///
/// A push and a steal are one RMW each. Elements lie in segments of 64; a segment is reused or freed when all its elements have been
/// taken.
///
/// A push that is held up in the middle holds up the consumer that has claimed its element; the others go on. A push that is held
/// up at the end of a segment, between two stores, holds up other pushes, as in `crossbeam-deque`. Both waits yield the processor.
///
/// A segment of which a consumer is still reading stays until that consumer has left and the next segment is used up.
///
/// # Examples
///
/// ```
/// use linchpin::deque::{Injector, Steal};
///
/// let tasks = Injector::new();
/// tasks.push(1);
/// tasks.push(2);
/// assert_eq!(tasks.steal(), Steal::Success(1));
/// assert_eq!(tasks.steal(), Steal::Success(2));
/// assert_eq!(tasks.steal(), Steal::Empty);
/// ```
pub struct Injector<T> {
    front: End<T>,
    back: End<T>,
    spare: CachePadded<Spare<T>>,
    elements: PhantomData<T>,
}

// SAFETY: elements pass from thread to thread, for which `T: Send` is needed; none is shared.
unsafe impl<T: Send> Send for Injector<T> {}
// SAFETY: as above. Which thread may use a slot is decided by which thread claims its index.
unsafe impl<T: Send> Sync for Injector<T> {}

impl<T> core::panic::UnwindSafe for Injector<T> {}
impl<T> core::panic::RefUnwindSafe for Injector<T> {}

impl<T> Default for Injector<T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T> Injector<T> {
    /// An empty queue.
    #[must_use]
    pub fn new() -> Self {
        Self::starting_at(0)
    }

    /// The same with a first index, which counts modulo 2^62.
    pub(super) fn starting_at(start: u64) -> Self {
        let segment = Segment::new().as_ptr();
        let end = || End {
            word: CachePadded::new(AtomicU64::new(start.wrapping_mul(ONE))),
            segment: CachePadded::new(AtomicPtr::new(segment)),
        };
        Injector {
            front: end(),
            back: end(),
            spare: CachePadded::new(Spare::new()),
            elements: PhantomData,
        }
    }

    /// Pushes `value` to the back.
    #[inline]
    pub fn push(&self, value: T) {
        let mut backoff = Backoff::new();
        loop {
            // Acquire: synchronizes with the Release store in `move_on`: the segment must be found
            // made.
            // model: deque::injector_hands_over
            let word = self.back.word.load(Acquire);
            if word & MOVING != 0 {
                backoff.wait::<DefaultWait>();
                continue;
            }
            // Newer than `word` at most, and then the claim fails.
            let segment = self.back.segment.load(Relaxed);
            let index = word / ONE;
            let is_last = index % SEGMENT == SEGMENT - 1;
            let next = if is_last { Some(Fresh::new(&self.spare)) } else { None };
            let claimed = word.wrapping_add(ONE) | if is_last { MOVING } else { 0 };
            // Relaxed: what a consumer needs it learns from the slot. It must not be torn.
            // model: deque::injector
            if self
                .back
                .word
                .compare_exchange_weak(word, claimed, Relaxed, Relaxed)
                .is_err()
            {
                backoff.wait::<DefaultWait>();
                continue;
            }
            // SAFETY: the index is claimed, so its segment stays until the element has been written and taken.
            let segment = unsafe { &*segment };
            if let Some(next) = next {
                let next = next.take();
                segment.link(next);
                move_on(&self.back, claimed, next);
            }
            // SAFETY: claimed, just now.
            unsafe { segment.write(index, value) };
            return;
        }
    }

    /// Claims up to `most` elements, about half of those there are, of one segment. `most` is 1 at least.
    #[inline]
    fn claim(&self, most: usize) -> Steal<Claimed<'_, T>> {
        // Acquire: synchronizes with the Release store in `move_on`: the segment of this index must
        // be found. And with the Release below: then `back` is not found where it was before that
        // claim.
        // model: deque::injector_keeps
        let mut word = self.front.word.load(Acquire);
        if word & MOVING != 0 {
            return Steal::Retry;
        }
        let segment = self.front.segment.load(Relaxed);
        let first = word / ONE;
        let in_segment = SEGMENT - first % SEGMENT;
        let mut there = in_segment;
        let found = word;
        if word & BEHIND == 0 {
            let back = self.back.word.load(Relaxed) / ONE;
            if distance(word, back * ONE) <= 0 {
                return Steal::Empty;
            }
            if back / SEGMENT == first / SEGMENT {
                there = back - first;
            } else {
                word |= BEHIND;
            }
        }
        // All that the segment has left are at most half of what there is, or nearly, if the back is in a later one.
        let half = if word & BEHIND == 0 { there.div_ceil(2) } else { there };
        let count = half.min(most as u64);
        let is_last = count == in_segment;
        let claimed = word.wrapping_add(count * ONE) | if is_last { MOVING } else { 0 };
        // Release: synchronizes with the Acquire load above.
        // survivor: a consumer that finds nothing loses nothing. Not weak: it fails only if another
        // thread was faster.
        if self
            .front
            .word
            .compare_exchange(found, claimed, Release, Relaxed)
            .is_err()
        {
            return Steal::Retry;
        }
        // SAFETY: an index of it is claimed, so it stays until that element has been taken.
        let segment = unsafe { NonNull::new_unchecked(segment) };
        if is_last {
            // SAFETY: as above.
            move_on(&self.front, claimed, unsafe { segment.as_ref() }.await_next());
        }
        Steal::Success(Claimed {
            injector: self,
            segment,
            first,
            count,
            is_last,
        })
    }

    /// Steals the oldest element.
    #[inline]
    pub fn steal(&self) -> Steal<T> {
        match self.claim(1) {
            // SAFETY: one has been claimed; an element that is taken from its slot is whole.
            Steal::Success(claimed) => Steal::Success(unsafe { claimed.take(0).assume_init() }),
            Steal::Empty => Steal::Empty,
            Steal::Retry => Steal::Retry,
        }
    }

    /// Whether the queue is empty, at some moment during the call.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How many elements are in the queue, at some moment during the call.
    #[must_use]
    pub fn len(&self) -> usize {
        // SeqCst: a thread that has announced that it will sleep, and one that pushes and then
        // looks for sleepers, expect it.
        // survivor: a wrong length is no wrong outcome, being about a moment ago.
        fence(SeqCst);
        loop {
            let back = self.back.word.load(Relaxed) & !MARKS;
            // Acquire: so that `back` is looked at again after it.
            // survivor: as above.
            let front = self.front.word.load(Acquire) & !MARKS;
            if self.back.word.load(Relaxed) & !MARKS == back {
                return (distance(front, back).max(0) / ONE as i64) as usize;
            }
        }
    }
}

/// Completes the move of an end, whose word is `claimed`, to segment `next`.
fn move_on<T>(end: &End<T>, claimed: u64, next: NonNull<Segment<T>>) {
    end.segment.store(next.as_ptr(), Relaxed);
    // Release: synchronizes with the Acquire loads of the word: its segment must be found, and
    // found made.
    // model: deque::injector_hands_over
    end.word.store(claimed & !MARKS, Release);
}

/// Elements that this thread has claimed.
struct Claimed<'a, T> {
    injector: &'a Injector<T>,
    segment: NonNull<Segment<T>>,
    first: u64,
    count: u64,
    /// Whether the last element of the segment is among them, so that this thread retires it.
    is_last: bool,
}

impl<T> Claimed<'_, T> {
    /// # Safety
    ///
    /// `offset` is less than `count`, and each element is taken once.
    #[inline]
    unsafe fn take(&self, offset: u64) -> MaybeUninit<T> {
        // SAFETY: the segment stays while an element is claimed and not taken, or not retired by this thread.
        unsafe { self.segment.as_ref().take(self.first + offset) }
    }
}

impl<T> Drop for Claimed<'_, T> {
    /// All elements have been taken.
    #[inline]
    fn drop(&mut self) {
        if self.is_last {
            self.injector.spare.retire(self.segment);
        }
    }
}

impl<T> Drop for Injector<T> {
    fn drop(&mut self) {
        /// The elements that are left, and their segments.
        struct Rest<T> {
            segment: NonNull<Segment<T>>,
            front: u64,
            back: u64,
        }
        impl<T> Rest<T> {
            fn drop_all(&mut self) {
                while self.front != self.back {
                    // SAFETY: not freed yet, since `front` is in it.
                    let segment = unsafe { self.segment.as_ref() };
                    let index = self.front;
                    // Before the destructor runs: an element whose destructor panics is not dropped again.
                    self.front = self.front.wrapping_add(1) & (u64::MAX / ONE);
                    // SAFETY: pushed, not taken, and this is the last thread that has the queue.
                    let value = unsafe { segment.take(index) };
                    if index % SEGMENT == SEGMENT - 1 {
                        let used_up = core::mem::replace(&mut self.segment, segment.await_next());
                        // SAFETY: all its elements are taken, and no other thread is left.
                        unsafe { Segment::free(used_up) };
                    }
                    // SAFETY: taken from its slot.
                    drop(unsafe { value.assume_init() });
                }
            }
        }
        impl<T> Drop for Rest<T> {
            fn drop(&mut self) {
                // Only if a destructor has panicked is there anything left. If another one panics, that aborts.
                self.drop_all();
                // SAFETY: the last segment; no other thread is left.
                unsafe { Segment::free(self.segment) };
            }
        }

        if hint::is_abandoned() {
            return;
        }
        let segment = self.front.segment.load(Relaxed);
        let mut rest = Rest {
            // SAFETY: an end has a segment.
            segment: unsafe { NonNull::new_unchecked(segment) },
            front: self.front.word.load(Relaxed) / ONE,
            back: self.back.word.load(Relaxed) / ONE,
        };
        rest.drop_all();
    }
}

impl<T> fmt::Debug for Injector<T> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad("Injector { .. }")
    }
}
