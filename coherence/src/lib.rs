//! What concurrent code would cost on 64 cores, and every false-sharing miss named.
#![doc = include_str!("../README.md")]
#![deny(missing_debug_implementations)]

pub mod cell;
mod counts;
mod engine;
pub mod futex;
mod global;
pub mod hint;
mod local;
mod machine;
mod report;
mod simulation;
pub mod sync;
pub mod thread;
pub mod time;

pub use counts::Counts;
pub use engine::{Failure, Waiting, phase};
pub use global::Global;
pub use machine::{MAX_CORES, Machine, MachineBuilder, MachineError};
pub use report::{Core, Line, Report, Section, Site};
pub use simulation::{Simulation, model, run, try_model, try_run};
