//! Epoch-based reclamation: crossbeam-epoch.

/// A pinned thread.
pub(crate) struct Guard(crossbeam_epoch::Guard);

#[inline]
pub(crate) fn pin() -> Guard {
    Guard(crossbeam_epoch::pin())
}

impl Guard {
    /// Calls `free` when no thread is pinned any more that is pinned now.
    ///
    /// # Safety
    ///
    /// What it frees is retired once, and cannot be reached by a thread that pins from now on. It may be called on any thread,
    /// and after the end of any lifetime.
    #[inline]
    pub(crate) unsafe fn retire(&self, free: impl FnOnce()) {
        // SAFETY: the caller's promise.
        unsafe { self.0.defer_unchecked(free) };
    }

    /// Hands on what was retired, and frees what may be.
    pub(crate) fn flush(&self) {
        self.0.flush();
    }
}
