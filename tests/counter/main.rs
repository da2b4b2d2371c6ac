//! The counters under native threads: nothing that was added is ever lost.
#![cfg(target_has_atomic = "64")]

#[path = "../stage/mod.rs"]
mod stage;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use linchpin::counter::Counter;
use stage::{CROWDS, at_thread_exit, crowd, times, watchdog};

mod striped;

#[cfg(feature = "alloc")]
mod local;

#[cfg(feature = "alloc")]
mod approximate;
