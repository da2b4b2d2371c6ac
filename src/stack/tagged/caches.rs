//! The free nodes that each thread keeps of one stack, by the number of the thread.
//!
//! A cache is used by the one thread that has its number, without any atomic operation. It holds two chains of at most
//! [`CHAIN`] nodes each: one that is taken from and put to, and one in reserve, so that a thread which goes up and down by a
//! few nodes never leaves its cache (the magazines of Bonwick and Adams, USENIX 2001).

use core::alloc::Layout;
use core::ptr::{self, NonNull};

use alloc::alloc::{alloc, dealloc};
use crossbeam_utils::CachePadded;

use super::arena::NONE;
use crate::backend::atomic::{Acquire, AtomicPtr, Relaxed, Release};
use crate::backend::cell::UnsafeCell;
use crate::backend::{array, const_fn, hint};
use crate::internal::thread_number;

/// The first group is of the numbers below this; the numbers below the end of each further group are `GROWTH` times as many.
const FIRST: u32 = hint::tuned(8, 4);
const GROWTH_BITS: u32 = 3;
const GROUPS: usize = ((thread_number::MOST / FIRST as usize).ilog2() / GROWTH_BITS + 2) as usize;

/// What one thread keeps.
pub(super) struct Cache {
    /// The node that was put here last; `NONE` if it was taken.
    pub(super) last: u32,
    /// The first node of the chain in use; `NONE` if it is empty.
    pub(super) top: u32,
    /// No less than its nodes.
    pub(super) count: u32,
    /// The first node of the chain in reserve; `NONE` if there is none.
    pub(super) reserve: u32,
}

/// On lines of its own.
type Slot = CachePadded<UnsafeCell<Cache>>;

/// The caches of all threads, in groups that are made together.
pub(super) struct Caches {
    /// Where the cache of number 0 would be. Each on a line of its own: to make a further group is no concern of threads with
    /// lower numbers.
    groups: [CachePadded<AtomicPtr<Slot>>; GROUPS],
}

impl Caches {
    const_fn! {
        pub(super) const fn new() -> Self {
            Caches { groups: array![CachePadded::new(AtomicPtr::new(ptr::null_mut())); GROUPS] }
        }
    }

    /// Lends this thread's cache to `act`, which calls nothing that may come back here; `None` if this thread has none.
    #[inline]
    pub(super) fn with<R>(&self, act: impl FnOnce(&mut Cache) -> R) -> Option<R> {
        self.slot()?.with_mut(|cache| {
            // SAFETY: no other thread has the number now. The last one that had it is done: the number was taken by a
            // synchronization. And `act` does not come back.
            Some(act(unsafe { &mut *cache }))
        })
    }

    #[inline]
    fn slot(&self) -> Option<&Slot> {
        // Few programs have more threads; their group need not be looked for.
        let number = thread_number::known();
        if number.wrapping_sub(1) < FIRST - 1
            && let Some(slot) = self.slot_in(0, number)
        {
            return Some(slot);
        }
        self.find_slot()
    }

    #[cold]
    #[inline(never)]
    fn find_slot(&self) -> Option<&Slot> {
        let number = thread_number::current()?.get();
        let group = Self::group_of(number);
        self.slot_in(group, number).or_else(|| {
            self.make(group).then_some(())?;
            self.slot_in(group, number)
        })
    }

    /// The slot of a number in its group, if the group is there.
    #[inline(always)]
    fn slot_in(&self, group: usize, number: u32) -> Option<&Slot> {
        // Acquire: synchronizes with the Release in `make`, so that the caches are seen as they
        // were made.
        // model: stack::caches_are_made_by_another
        let origin = self.groups[group].load(Acquire);
        // SAFETY: the group has a slot of that number, and stays as long as `self`.
        (!origin.is_null()).then(|| unsafe { &*origin.wrapping_add(number as usize) })
    }

    const fn group_of(number: u32) -> usize {
        if number < FIRST {
            0
        } else {
            ((number / FIRST).ilog2() / GROWTH_BITS + 1) as usize
        }
    }

    /// The first number of a group, and how many there are.
    const fn extent(group: usize) -> (usize, usize) {
        if group == 0 {
            (0, FIRST as usize)
        } else {
            let first = (FIRST as usize) << (GROWTH_BITS as usize * (group - 1));
            (first, (first << GROWTH_BITS) - first)
        }
    }

    fn layout(group: usize) -> Option<Layout> {
        Layout::array::<Slot>(Self::extent(group).1).ok()
    }

    /// Makes a group, if another thread has not; false if there is no memory.
    fn make(&self, group: usize) -> bool {
        let Some(layout) = Self::layout(group) else {
            return false;
        };
        // SAFETY: a slot has a size.
        let Some(memory) = NonNull::new(unsafe { alloc(layout) }.cast::<Slot>()) else {
            return false;
        };
        for place in 0..Self::extent(group).1 {
            let cache = Cache {
                last: NONE,
                top: NONE,
                count: 0,
                reserve: NONE,
            };
            // SAFETY: within what was allocated above.
            let slot = unsafe { memory.add(place) };
            // SAFETY: as above.
            unsafe { slot.write(CachePadded::new(UnsafeCell::new(cache))) };
        }
        let origin = memory.as_ptr().wrapping_sub(Self::extent(group).0);
        // Release: synchronizes with the Acquire in `slot_in`.
        // model: stack::caches_are_made_by_another
        let made = self.groups[group].compare_exchange(ptr::null_mut(), origin, Release, Relaxed);
        if made.is_err() {
            // SAFETY: made above, and seen by no other thread.
            unsafe { Self::free(memory, group, layout) };
        }
        true
    }

    /// Frees a group.
    ///
    /// # Safety
    ///
    /// It was made by `make`, and is used no more.
    unsafe fn free(memory: NonNull<Slot>, group: usize, layout: Layout) {
        if core::mem::needs_drop::<Slot>() {
            let slots = ptr::slice_from_raw_parts_mut(memory.as_ptr(), Self::extent(group).1);
            // SAFETY: the caller's promise.
            unsafe { slots.drop_in_place() };
        }
        // SAFETY: as above, and nothing is in it any more.
        unsafe { dealloc(memory.as_ptr().cast(), layout) };
    }
}

impl Drop for Caches {
    fn drop(&mut self) {
        if hint::is_abandoned() {
            return;
        }
        for (group, place) in self.groups.iter().enumerate() {
            // Relaxed: no other thread uses the stack any more.
            let memory = place.load(Relaxed).wrapping_add(Self::extent(group).0);
            if place.load(Relaxed).is_null() {
                continue;
            }
            if let (Some(memory), Some(layout)) = (NonNull::new(memory), Self::layout(group)) {
                // SAFETY: made by `make`, and no thread is left to use it.
                unsafe { Self::free(memory, group, layout) };
            }
        }
    }
}
