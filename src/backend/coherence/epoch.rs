//! Epoch-based reclamation, billed as crossbeam-epoch does it while nothing is collected: to pin is to load the epoch, to
//! store to a line of the thread's own and to pass a full fence; to unpin is a store. What is retired is kept beside the
//! simulation.

use super::atomic::{AtomicU64, Relaxed, Release, SeqCst, fence};
use crate::backend::Global;
use crate::backend::simulated::epochs::{Epochs, Free};
use crossbeam_utils::CachePadded;

struct Shared {
    epoch: CachePadded<AtomicU64>,
    epochs: Epochs,
}

super::global! {
    fn shared() -> Shared = Shared { epoch: CachePadded::new(AtomicU64::new(1)), epochs: Epochs::default() };
}

super::per_thread! {
    static PINNED: CachePadded<AtomicU64> = CachePadded::new(AtomicU64::new(0));
}

/// A pinned thread.
pub(crate) struct Guard {
    number: u64,
    shared: Global<Shared>,
}

pub(crate) fn pin() -> Guard {
    let shared = shared();
    let epoch = shared.epoch.load(Relaxed);
    let _ = PINNED.try_with(|pinned| pinned.store(epoch, Relaxed));
    fence(SeqCst);
    let number = shared.epochs.pin();
    Guard { number, shared }
}

impl Guard {
    /// Calls `free` when no thread is pinned any more that is pinned now.
    ///
    /// # Safety
    ///
    /// What it frees is retired once, and cannot be reached by a thread that pins from now on. It may be called on any thread,
    /// and after the end of any lifetime.
    pub(crate) unsafe fn retire(&self, free: impl FnOnce()) {
        // SAFETY: the caller's promise.
        self.shared.epochs.retire(unsafe { Free::new(free) });
    }

    /// Nothing is kept that could be freed.
    pub(crate) fn flush(&self) {}
}

impl Drop for Guard {
    fn drop(&mut self) {
        let _ = PINNED.try_with(|pinned| pinned.store(0, Release));
        self.shared.epochs.unpin(self.number).into_iter().for_each(Free::call);
    }
}
