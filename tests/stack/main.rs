//! Stacks, on native threads: what goes in comes out, once, the last first; and what becomes of it where something goes wrong
//! in the middle.
//!
//! | file | what it is about |
//! |---|---|
//! | `behaviour`, `drops`, `re_entered` | one thread: what a stack does, values that panic or use the stack while they are dropped |
//! | `threads`, `linearizable` with `history` | many threads: nothing is lost or comes twice, and each short history is one that a sequential stack could have had |
//! | `comes_back` | nodes whose memory is used again while another thread holds their address |
//! | `tagged` | what only `TaggedStack` has |
//! | `memory` | what is allocated, and what is kept |
//! | `adversary` | children of a fork, a sandbox; threads that are held up are in `tests/adversary` |

#![cfg(feature = "alloc")]

#[cfg(all(feature = "std", target_os = "linux", not(miri)))]
mod adversary;
mod behaviour;
mod comes_back;
mod drops;
mod history;
#[cfg(all(feature = "std", target_os = "linux", not(miri)))]
#[allow(dead_code, reason = "a part of it is used here")]
#[path = "../adversary/host.rs"]
mod host;
mod kinds;
mod linearizable;
mod memory;
mod re_entered;
mod tagged;
mod threads;

#[cfg(all(feature = "std", target_os = "linux", not(miri)))]
use host::{process, seccomp, system};
