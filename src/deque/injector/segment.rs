//! The pieces of an injector's list.

use alloc::boxed::Box;
use core::mem::MaybeUninit;
use core::ptr::{NonNull, null_mut};

use crate::backend::atomic::{Acquire, AtomicPtr, AtomicU32, Relaxed, Release};
use crate::backend::cell::UnsafeCell;
use crate::backend::hint;
use crate::wait::{Backoff, DefaultWait};

/// How many elements a segment holds.
pub(super) const SEGMENT: u64 = hint::tuned(64, 2);

/// Nothing has been written to the slot yet.
const EMPTY: u32 = 0;
/// The element is there.
const WRITTEN: u32 = 1;
/// The element has been taken.
const TAKEN: u32 = 2;

struct Slot<T> {
    value: UnsafeCell<MaybeUninit<T>>,
    state: AtomicU32,
}

/// `SEGMENT` slots, each for one element, and the link to the next segment.
///
/// A slot belongs to the producer that has claimed its index until it is written, then to the consumer that has claimed it until
/// it is taken. A segment of which all slots are taken belongs to the thread that finds them so.
pub(super) struct Segment<T> {
    /// The segment behind this one; in the list of retired segments, the one that was retired before.
    next: AtomicPtr<Segment<T>>,
    slots: [Slot<T>; SEGMENT as usize],
}

impl<T> Segment<T> {
    /// A segment of empty slots. It is made where it lies: with large elements it is larger than a stack.
    pub(super) fn new() -> NonNull<Self> {
        let segment = Box::into_raw(Box::<Self>::new_uninit()).cast::<Self>();
        // SAFETY: the memory is this function's; each field but `value` is written, whose bytes may be anything.
        unsafe {
            (&raw mut (*segment).next).write(AtomicPtr::new(null_mut()));
            let slots = (&raw mut (*segment).slots).cast::<Slot<T>>();
            for slot in 0..SEGMENT as usize {
                let slot = slots.add(slot);
                (&raw mut (*slot).value).write(UnsafeCell::new(MaybeUninit::uninit()));
                (&raw mut (*slot).state).write(AtomicU32::new(EMPTY));
            }
            NonNull::new_unchecked(segment)
        }
    }

    /// Makes it as new.
    ///
    /// # Safety
    ///
    /// No other thread refers to it, and all its elements have been taken.
    pub(super) unsafe fn reset(&self) {
        self.next.store(null_mut(), Relaxed);
        for slot in &self.slots {
            slot.state.store(EMPTY, Relaxed);
        }
    }

    /// # Safety
    ///
    /// Made by [`new`](Self::new), and no thread refers to it any more.
    pub(super) unsafe fn free(segment: NonNull<Self>) {
        // SAFETY: the caller's promise.
        drop(unsafe { Box::from_raw(segment.as_ptr()) });
    }

    #[inline]
    fn slot(&self, index: u64) -> &Slot<T> {
        &self.slots[(index % SEGMENT) as usize]
    }

    /// # Safety
    ///
    /// The caller has claimed `index` as a producer, and writes once.
    #[inline]
    pub(super) unsafe fn write(&self, index: u64, value: T) {
        let slot = self.slot(index);
        // SAFETY: the caller's promise: until `state` says so, no other thread is at this slot.
        slot.value
            .with_mut(|place| unsafe { place.write(MaybeUninit::new(value)) });
        // Release: synchronizes with the Acquire load in `take`: the element must be there.
        // model: deque::injector
        slot.state.store(WRITTEN, Release);
    }

    /// Takes the element of `index`, as soon as its producer has written it.
    ///
    /// # Safety
    ///
    /// The caller has claimed `index` as a consumer, and takes it once. If the index is the last, it may not use the segment
    /// afterwards, except to retire it.
    #[inline]
    pub(super) unsafe fn take(&self, index: u64) -> MaybeUninit<T> {
        let slot = self.slot(index);
        let mut backoff = Backoff::new();
        // Acquire: synchronizes with the Release store in `write`.
        // model: deque::injector
        while slot.state.load(Acquire) != WRITTEN {
            backoff.wait::<DefaultWait>();
        }
        // SAFETY: written, and claimed by the caller.
        let value = slot.value.with(|place| unsafe { place.read() });
        // Release: synchronizes with the Acquire load in `is_taken`: a segment that is reused has
        // been read.
        // model: deque::injector_reuses
        slot.state.store(TAKEN, Release);
        value
    }

    /// Whether all elements have been taken.
    pub(super) fn is_taken(&self) -> bool {
        // Acquire: synchronizes with the Release store in `take`.
        // model: deque::injector_reuses
        self.slots.iter().all(|slot| slot.state.load(Acquire) == TAKEN)
    }

    /// Links `next` behind this segment.
    pub(super) fn link(&self, next: NonNull<Self>) {
        // Release: synchronizes with the Acquire load in `await_next`: the segment must be found
        // made.
        // survivor: what it consists of are atomics, and cells that those hand over, which loom
        // knows to be made.
        self.next.store(next.as_ptr(), Release);
    }

    /// The segment behind this one, as soon as it is linked.
    pub(super) fn await_next(&self) -> NonNull<Self> {
        let mut backoff = Backoff::new();
        loop {
            // Acquire: synchronizes with the Release store in `link`.
            // survivor: as there.
            if let Some(next) = NonNull::new(self.next.load(Acquire)) {
                return next;
            }
            backoff.wait::<DefaultWait>();
        }
    }

    /// The link of a segment that is in no queue any more.
    pub(super) fn retired_link(&self) -> &AtomicPtr<Self> {
        &self.next
    }
}
