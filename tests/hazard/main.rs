//! Hazard pointers under native threads: what is protected is not freed, what is not protected is, and no more than the
//! bound is kept.
//!
//! | file | what it is about |
//! |---|---|
//! | `drop_in` | programs for `haphazard` |
//! | `bound` | how many objects are kept |
//! | `drops` | destructors that panic, retire, protect, scan; values of all sizes |
//! | `corners` | null, the last address, destructors that come back to the domain being dropped |
//! | `memory` | how much memory domains and lists take, what a hazard pointer costs beside thousands |
//! | `threads` | hazard pointers that are sent or forgotten, threads that end, domains that are dropped meanwhile |
//! | `stress` | readers and writers |
//! | `adversary` | thousands of threads, threads that are held up, a fork, a sandbox |
#![cfg(all(feature = "alloc", target_has_atomic = "64"))]

#[cfg(all(feature = "std", target_os = "linux", not(miri)))]
mod adversary;
mod bound;
mod common;
mod corners;
mod drop_in;
mod drops;
#[cfg(all(feature = "std", target_os = "linux", not(miri)))]
#[allow(dead_code, reason = "a part of it is used here")]
#[path = "../adversary/host.rs"]
mod host;
#[cfg(all(feature = "std", target_os = "linux", not(miri)))]
mod memory;
mod stress;
mod threads;

#[cfg(all(feature = "std", target_os = "linux", not(miri)))]
use host::{process, seccomp, system};
