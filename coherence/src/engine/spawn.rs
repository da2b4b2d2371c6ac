//! What runs around a simulated thread's body: the panic it ends with, and the value for `join`.

use core::panic::AssertUnwindSafe;
use std::panic::{catch_unwind, resume_unwind};
use std::sync::{Arc, Mutex, PoisonError};

use super::access::Site;
use super::entry::act;
use super::failure::Failure;
use super::lifecycle::MAX_THREADS;
use super::panics::message;
use super::simulation::Simulation;
use super::suspension::Step;

/// Where a spawned thread leaves what it returned, for `join`.
type Packet<T> = Arc<Mutex<Option<std::thread::Result<T>>>>;

/// A simulated thread that was spawned and may be joined.
pub(crate) struct Spawned<T> {
    pub(crate) index: usize,
    simulation: u64,
    packet: Packet<T>,
}

/// Starts a simulated thread; gives the closure back outside a simulation.
pub(crate) fn spawn<F, T>(body: F) -> Result<Spawned<T>, F>
where
    F: FnOnce() -> T + Send + 'static,
    T: Send + 'static,
{
    let Some(spawned) = act(Simulation::spawn) else {
        return Err(body);
    };
    let Some((index, simulation)) = spawned else {
        panic!("a simulation has at most {MAX_THREADS} threads");
    };
    let packet: Packet<T> = Arc::new(Mutex::new(None));
    let theirs = Arc::clone(&packet);
    let run = Box::new(move || {
        let result = catch_unwind(AssertUnwindSafe(body));
        if let Err(payload) = &result {
            let message = message(payload.as_ref());
            act(|s| {
                s.me().panic = Some(message.clone());
                Step::Done(())
            });
        }
        *theirs.lock().unwrap_or_else(PoisonError::into_inner) = Some(result);
    });
    let mut run: Option<Box<dyn FnOnce()>> = Some(run);
    act(|s| {
        s.spawned.extend(run.take());
        Step::Done(())
    });
    Ok(Spawned {
        index,
        simulation,
        packet,
    })
}

/// Waits for a thread's end.
pub(crate) fn join<T>(thread: Spawned<T>, site: Site) -> std::thread::Result<T> {
    act(|s| {
        if s.id == thread.simulation {
            s.join(thread.index, site)
        } else {
            // The index is that of another thread here.
            Step::Done(())
        }
    });
    let result = thread.packet.lock().unwrap_or_else(PoisonError::into_inner).take();
    result.unwrap_or_else(|| {
        panic!(
            "simulated thread {} is joined outside its simulation, in which it has not ended",
            thread.index
        )
    })
}

/// Runs the destructors of the thread's thread-locals; the last thing a simulated thread does.
pub(crate) fn end_of_thread() {
    while let Some(Some(value)) = act(|s| Step::Done(s.me().locals.pop())) {
        value.destroy();
    }
}

/// Runs code of a thread whose panic no `join` can take over: the panic ends the simulation.
pub(crate) fn unjoinable(body: impl FnOnce()) {
    if let Err(payload) = catch_unwind(AssertUnwindSafe(body)) {
        let message = message(payload.as_ref());
        let outside = act(|s| {
            let thread = s.current();
            s.failure.get_or_insert(Failure::Panicked {
                thread,
                message: message.clone(),
            });
            Step::Done(())
        });
        if outside.is_none() {
            resume_unwind(payload);
        }
        // Its destructor may panic too, and there is nothing left to catch that.
        core::mem::forget(payload);
    }
}
