//! The little that a stack needs of epoch-based reclamation: to pin, and to retire.

use crate::backend::epoch;

/// Keeps what is retired from now on from being freed, until it is dropped.
pub(crate) struct Guard(epoch::Guard);

/// Pins this thread: a store to a line of its own, and a full fence.
#[inline]
pub(crate) fn pin() -> Guard {
    Guard(epoch::pin())
}

impl Guard {
    /// Calls `free` when no thread is pinned any more that is pinned now.
    ///
    /// # Safety
    ///
    /// What it frees is retired once, and cannot be reached by a thread that pins from now on. It may be called on another thread,
    /// and after the end of any lifetime.
    #[inline]
    pub(crate) unsafe fn retire(&self, free: impl FnOnce()) {
        // SAFETY: the caller's promise.
        unsafe { self.0.retire(free) };
    }

    /// Hands on what was retired, and frees what may be.
    pub(crate) fn flush(&self) {
        self.0.flush();
    }
}
