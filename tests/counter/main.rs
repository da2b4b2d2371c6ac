//! The counters under native threads: nothing that was added is ever lost.
#![cfg(target_has_atomic = "64")]

#[path = "../common/mod.rs"]
mod common;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use common::{THREAD_COUNTS, at_thread_exit, on_threads, times, watchdog};
use linchpin::counter::Counter;

mod striped;

#[cfg(feature = "alloc")]
mod local;

#[cfg(feature = "alloc")]
mod approximate;
