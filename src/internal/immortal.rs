//! Values that are never freed, in memory of the system's allocator.
//!
//! Never of the global one: that may be guarded by one of our locks, and a thread that waits for a lock, or has claimed
//! one and waits for its readers, would need the lock for what it waits with.

use core::ptr::NonNull;
use std::alloc::{GlobalAlloc, Layout, System, handle_alloc_error};

/// A value that lives for ever, unless it is [buried](bury).
pub(crate) fn immortal<T>(value: T) -> NonNull<T> {
    const { assert!(size_of::<T>() > 0) };
    let layout = Layout::new::<T>();
    // SAFETY: the layout has a size, by the assertion.
    let memory = unsafe { System.alloc(layout) }.cast::<T>();
    let Some(place) = NonNull::new(memory) else {
        handle_alloc_error(layout)
    };
    // SAFETY: allocated above, for a `T`.
    unsafe { place.write(value) };
    place
}

/// Gives the memory of a value back, which is not dropped. For models, each execution of which ends.
///
/// # Safety
///
/// `place` comes from [`immortal`], and no thread uses it any more.
pub(crate) unsafe fn bury<T>(place: NonNull<T>) {
    // SAFETY: allocated by `immortal` with this layout, by the caller's promise.
    unsafe { System.dealloc(place.as_ptr().cast(), Layout::new::<T>()) };
}
