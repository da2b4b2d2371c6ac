//! What epoch-based reclamation promises, and no more: what is retired is freed as soon as every guard is gone that was there
//! when it was retired. A model that frees as early as that finds a missing guard sooner than the real thing, which waits for
//! dozens of pins.

use std::boxed::Box;
use std::sync::{Mutex, PoisonError};
use std::vec::Vec;

/// Guards, and what waits for them.
#[derive(Default)]
pub(crate) struct Epochs {
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    next: u64,
    guards: Vec<u64>,
    retired: Vec<(Vec<u64>, Free)>,
}

/// Frees something that was retired.
pub(crate) struct Free(Box<dyn FnOnce()>);

// SAFETY: what a thread retires may be freed by any: `Guard::retire` says so.
unsafe impl Send for Free {}

impl Free {
    /// # Safety
    ///
    /// It is called after anything that `free` borrows, on any thread.
    pub(crate) unsafe fn new<'any>(free: impl FnOnce() + 'any) -> Self {
        let free: Box<dyn FnOnce() + 'any> = Box::new(free);
        // SAFETY: the lifetime only; the caller's promise.
        Free(unsafe { core::mem::transmute::<Box<dyn FnOnce() + 'any>, Box<dyn FnOnce() + 'static>>(free) })
    }

    pub(crate) fn call(self) {
        (self.0)();
    }
}

impl Epochs {
    fn with<R>(&self, act: impl FnOnce(&mut State) -> R) -> R {
        act(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// A new guard.
    pub(crate) fn pin(&self) -> u64 {
        self.with(|state| {
            state.next += 1;
            state.guards.push(state.next);
            state.next
        })
    }

    /// Waits for every guard there is.
    pub(crate) fn retire(&self, free: Free) {
        self.with(|state| state.retired.push((state.guards.clone(), free)));
    }

    /// The guard is gone. What waited for no other is to be freed.
    pub(crate) fn unpin(&self, guard: u64) -> Vec<Free> {
        self.with(|state| {
            state.guards.retain(|&other| other != guard);
            for (guards, _) in &mut state.retired {
                guards.retain(|&other| other != guard);
            }
            let (free, retired) = core::mem::take(&mut state.retired)
                .into_iter()
                .partition::<Vec<_>, _>(|(guards, _)| guards.is_empty());
            state.retired = retired;
            free.into_iter().map(|(_, free)| free).collect()
        })
    }
}
