//! The engine: runs simulations, and counts what their threads do to the cache lines of the
//! machine.
//!
//! From the top: `driver` runs a simulation and `entry` lets its threads in; `spawn` and `panics`
//! are what they need around a thread's body. Below them lies `simulation`, the state, and one
//! `impl` of it for each thing that a thread does. Below that lie the parts of the state, which
//! know nothing of each other's users. No module imports one above it.

mod access;
mod cores;
mod diagnosis;
mod directory;
mod driver;
mod entry;
mod events;
mod failure;
mod futex;
mod globals;
mod lifecycle;
mod livelock;
mod locals;
mod measurements;
mod panics;
mod phases;
mod run_queue;
mod simulation;
mod spawn;
mod stacks;
mod stale;
mod suspension;
mod tally;
mod thread;
mod turns;
mod unwinding;
mod window;

pub(crate) use access::{Effect, Kind, Site};
pub(crate) use directory::Line;
pub(crate) use driver::{Body, Settings, simulate};
pub use entry::phase;
pub(crate) use entry::{
    access, access_object, cores, current, fence, futex_wait, futex_wake, now, spin_hint, with_globals, with_locals,
    yield_now,
};
pub use failure::{Failure, Waiting};
pub(crate) use lifecycle::MAX_THREADS;
pub use locals::AccessError;
pub(crate) use locals::{Locals, Value};
pub(crate) use measurements::Measurements;
pub(crate) use simulation::END_OF_TIME;
pub(crate) use spawn::{Spawned, join, spawn};
pub(crate) use tally::Tally;
pub use thread::Wakeup;
