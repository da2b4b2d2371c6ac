//! Stacks, on native threads: what goes in comes out, once, the last first; and what becomes of it where something goes wrong
//! in the middle.
//!
//! | file | what it is about |
//! |---|---|
//! | `behaviour`, `drops`, `re_entered` | one thread: what a stack does, values that panic or use the stack while they are dropped |
//! | `threads`, `linearizable` with `history` | many threads: nothing is lost or comes twice, and each short history is one that a sequential stack could have had |
//! | `tagged` | what only `TaggedStack` has |
//! | `memory` | what is allocated, and what is kept |
//! | `held_up` with `step` | a thread that is held up after each instruction of an operation |
//! | `adversary` | children of a fork, a sandbox, memory behind threads that are held up |

#![cfg(feature = "alloc")]

#[cfg(all(feature = "std", target_os = "linux", not(miri)))]
mod adversary;
mod behaviour;
mod drops;
#[cfg(all(feature = "std", target_os = "linux", target_arch = "x86_64", not(miri)))]
mod held_up;
mod history;
mod kinds;
mod linearizable;
mod memory;
#[cfg(all(feature = "std", target_os = "linux", not(miri)))]
#[allow(dead_code, reason = "a part of it is used here")]
#[path = "../adversary/process.rs"]
mod process;
mod re_entered;
#[cfg(all(feature = "std", target_os = "linux", not(miri)))]
#[allow(dead_code, reason = "a part of it is used here")]
#[path = "../adversary/seccomp.rs"]
mod seccomp;
#[cfg(all(feature = "std", target_os = "linux", target_arch = "x86_64", not(miri)))]
mod step;
#[cfg(all(feature = "std", target_os = "linux", not(miri)))]
#[allow(dead_code, reason = "a part of it is used here")]
#[path = "../adversary/system.rs"]
mod system;
mod tagged;
mod threads;
