//! Barriers under native threads: no thread is ever an episode ahead or behind, and one is the leader.
#![cfg(all(feature = "std", target_has_atomic = "64"))]

#[path = "../common/mod.rs"]
mod common;

mod adversary;
mod central;
mod participants;
mod phases;
mod traits;

/// For a result that is of no interest.
fn ignore<T>(_result: T) {}
