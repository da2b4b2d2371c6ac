//! Epoch-based reclamation in a model: what it promises, as early as it may.

use super::{global, hint};
use crate::backend::Global;
use crate::backend::simulated::epochs::{Epochs, Free};

/// The word orders pins, retirements and the ends of pins: what comes before a retirement is seen by threads that pin
/// after it, and what a pinned thread does comes before what waits for it.
struct Shared {
    order: loom::sync::atomic::AtomicUsize,
    epochs: Epochs,
}

global! {
    fn shared() -> Shared = Shared { order: loom::sync::atomic::AtomicUsize::new(0), epochs: Epochs::default() };
}

impl Shared {
    fn next(&self) {
        self.order.fetch_add(1, super::atomic::AcqRel);
    }
}

/// A pinned thread.
pub(crate) struct Guard {
    number: u64,
    shared: Global<Shared>,
}

pub(crate) fn pin() -> Guard {
    let shared = shared();
    shared.next();
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
        self.shared.next();
        // SAFETY: the caller's promise.
        self.shared.epochs.retire(unsafe { Free::new(free) });
    }

    /// Nothing is kept that could be freed.
    pub(crate) fn flush(&self) {}
}

impl Drop for Guard {
    fn drop(&mut self) {
        if hint::is_abandoned() {
            return;
        }
        self.shared.next();
        self.shared.epochs.unpin(self.number).into_iter().for_each(Free::call);
    }
}
