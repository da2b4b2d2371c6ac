//! The sleeping locks under an adversary: threads that are stopped, guards that are forgotten, locks that are moved,
//! freed and replaced at their address, forks, sandboxes, and thousands of bystanders.
//!
//! | file | property | row of issue 9, table B |
//! |---|---|---|
//! | `identity` | a lock that is moved stays locked; a forgotten reader holds only the lock that it has read | 2, 3 |
//! | `hold_ups` | a woken thread that does not run bars no other from a free lock | 4 |
//! | `cost` | what bystanders do (read once, park, share a bucket) does not decide what an operation costs | 5, 6, 7, 16 |
//! | `fences` | how many `membarrier` calls and wake-ups an operation causes; what happens when the kernel refuses them | 8, 9, 10 |
//! | `forks` | a child that is forked in the middle of contention can use locks of its own | 2, 11 |
//! | `readers` | which locks become read-mostly; which readers a waiting writer bars | 12, 13 |
//! | `turns` | threads that take turns beside busy processes | 17 |
//! | `stacks` | a thread that is stopped within an operation keeps no other from the stack (issue 13) | |
//! | `stacks_held_up`, by `step` | the same at each instruction of an operation: nothing is lost or comes twice | |
//! | `stacks_memory` | the memory of stacks does not grow while a thread is held up | |
//! | `stress` | all of it at random | |
//!
//! Each test runs in a process of its own (`process::alone`), with a time limit, so that a hang or an abort is a failed
//! test. Where a row is about cost, the test counts its cause where it can (system calls, context switches, CPU time of
//! one thread), and leaves a factor of ten where it must compare times.
//!
//! `cargo xtask verify` runs also those that are ignored here, and `stress` for longer.
#![cfg(all(feature = "std", target_os = "linux", not(miri)))]

mod allocator;
mod common;
mod cost;
mod fences;
mod forks;
mod hold_ups;
mod identity;
#[allow(dead_code, unused_imports, unused_macros, reason = "a part of it is used here")]
#[path = "../stack/kinds.rs"]
mod kinds;
mod new_api;
mod process;
mod readers;
mod seccomp;
mod stacks;
#[cfg(target_arch = "x86_64")]
mod stacks_held_up;
mod stacks_memory;
#[cfg(target_arch = "x86_64")]
mod step;
mod stress;
mod stress_subjects;
mod system;
mod turns;
