//! The little that a stack needs of epoch-based reclamation: to pin, and to retire a box.

use alloc::boxed::Box;

use crate::backend::epoch;

/// Keeps what is retired from now on from being freed, until it is dropped.
pub(crate) struct Guard(epoch::Guard);

/// Pins this thread: a store to a line of its own, and a full fence.
#[inline]
pub(crate) fn pin() -> Guard {
    Guard(epoch::pin())
}

impl Guard {
    /// Frees a box when no thread is pinned any more that is pinned now.
    ///
    /// # Safety
    ///
    /// It comes from `Box::into_raw` or an allocation like a box's, is retired once, and cannot be reached by a thread that pins
    /// from now on. What it holds may be dropped on another thread, and after the end of any lifetime.
    #[inline]
    pub(crate) unsafe fn retire<T>(&self, retired: *mut T) {
        // SAFETY: the caller's promise.
        unsafe { self.0.retire(move || drop(Box::from_raw(retired))) };
    }
}
