//! The reader-writer lock that sleeps: what any lock of its kind does, by the bodies of the spin locks' tests, and what
//! it does beyond.
#![cfg(feature = "std")]

#[path = "../common/mod.rs"]
mod common;
mod modes;
#[path = "../spin/rwlock.rs"]
mod rwlock;
#[path = "../spin/rwlock_life.rs"]
mod rwlock_life;
mod waits;

use std::fmt::Debug;
use std::mem;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Barrier};
use std::thread;
use std::time::{Duration, Instant};

use common::{
    Drops, THREAD_COUNTS, at_thread_exit, await_that, die, nothing_is_touched_after, on_threads, times, watchdog,
};
use linchpin::futex::{RawRwLock, RwLock, RwLockReadGuard, RwLockUpgradableReadGuard, RwLockWriteGuard};
