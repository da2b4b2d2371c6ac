//! Memory for nodes that are allocated one by one.
//!
//! Small nodes go through lists of the thread's own, by their size in steps of [`STEP`] bytes: reclamation frees them by the
//! hundred, where an allocator keeps a handful for the next allocations of the thread and returns the others at the price of a
//! lock. A list keeps [`KEPT`] bytes at most, and is freed when its thread ends.

use core::alloc::Layout;
use core::ptr::NonNull;

use alloc::alloc::{alloc, dealloc};

#[cfg(feature = "epoch")]
use super::batches;
#[cfg(feature = "std")]
use super::lists::{self, Lists};
#[cfg(feature = "epoch")]
use crate::reclaim::epoch::Guard;

/// Memory for a `T`, if there is any.
#[inline]
pub(super) fn allocate<T>() -> Option<NonNull<T>> {
    #[cfg(feature = "std")]
    if let Some(class) = const { lists::class(Layout::new::<T>()) }
        && let Some(memory) = Lists::take(class)
    {
        return Some(memory.cast());
    }
    // SAFETY: the caller's types have a size, which is checked where it is compiled.
    NonNull::new(unsafe { alloc(const { layout::<T>() }) }).map(NonNull::cast)
}

/// Frees it.
///
/// # Safety
///
/// It comes from `allocate::<T>`, on any thread, and nothing that needs to be dropped is in it.
#[inline]
pub(super) unsafe fn free<T>(memory: NonNull<T>) {
    #[cfg(feature = "std")]
    if let Some(class) = const { lists::class(Layout::new::<T>()) } {
        // SAFETY: the caller's promise.
        unsafe { Lists::put(class, memory.cast()) };
        return;
    }
    // SAFETY: the caller's promise.
    unsafe { dealloc(memory.as_ptr().cast(), const { layout::<T>() }) };
}

/// Frees a node once its grace period is over.
///
/// # Safety
///
/// It comes from `allocate`, was retired once and by a thread that is pinned, and `link` links it to what it is given.
#[cfg(feature = "epoch")]
#[inline]
pub(super) unsafe fn retire<T>(
    guard: &Guard,
    node: NonNull<T>,
    link: impl FnOnce(*mut lists::Link),
    free: unsafe fn(NonNull<T>),
) {
    if batches::ARE_KEPT
        && let Some(class) = const { lists::class(Layout::new::<T>()) }
        // SAFETY: the caller's promise.
        && unsafe { batches::retire(guard, class, node.cast(), link) }
    {
        return;
    }
    let free = move || {
        // SAFETY: retired once, by the caller's promise, and its grace period is over when this is called.
        unsafe { free(node) };
    };
    // SAFETY: the caller's promise.
    unsafe { guard.retire(free) };
}

/// What is asked of the allocator for a `T`: the same for all that share a list.
#[inline]
const fn layout<T>() -> Layout {
    let layout = Layout::new::<T>();
    assert!(layout.size() > 0, "a node has a size");
    #[cfg(feature = "std")]
    if let Some(class) = lists::class(layout) {
        return lists::layout(class);
    }
    layout
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::vec::Vec;

    /// Memory that is freed comes again, for its own size, and is nowhere twice.
    #[test]
    fn what_is_freed_comes_again() {
        fn of<T>() {
            for _ in 0..2 {
                let all: Vec<NonNull<T>> = (0..3000).map(|_| allocate().expect("there is memory")).collect();
                let mut places: Vec<usize> = all.iter().map(|memory| memory.addr().get()).collect();
                places.sort_unstable();
                assert!(places.windows(2).all(|two| two[1] - two[0] >= size_of::<T>()));
                assert!(places.iter().all(|place| place.is_multiple_of(align_of::<T>())));
                for memory in all {
                    // SAFETY: from above, the whole of it.
                    unsafe { memory.as_ptr().cast::<u8>().write_bytes(0xA5, size_of::<T>()) };
                    // SAFETY: from above, and used no more.
                    unsafe { free(memory) };
                }
            }
        }
        std::thread::spawn(|| {
            of::<u8>();
            of::<[u64; 2]>();
            of::<[u64; 3]>();
            of::<[u64; 32]>();
            of::<[u64; 33]>();
            of::<crossbeam_utils::CachePadded<u64>>();
        })
        .join()
        .expect("all is as it should be");
    }
}
