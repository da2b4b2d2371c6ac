#![cfg_attr(feature = "std", doc = include_str!("../README.md"))]
#![cfg_attr(
    not(feature = "std"),
    doc = "Concurrency primitives that carry their proof; without `std`, those that need none. The README says which."
)]
#![no_std]
#![deny(missing_debug_implementations, unreachable_pub)]
#![deny(clippy::multiple_unsafe_ops_per_block)]

#[cfg(feature = "alloc")]
extern crate alloc;
#[cfg(any(feature = "std", test))]
extern crate std;

mod backend;
#[cfg(target_has_atomic = "64")]
pub mod barrier;
#[cfg(target_has_atomic = "64")]
pub mod counter;
#[cfg(all(feature = "alloc", target_has_atomic = "64"))]
#[allow(
    clippy::multiple_unsafe_ops_per_block,
    reason = "its SAFETY comments argue some of them together"
)]
pub mod deque;
#[cfg(feature = "std")]
pub mod futex;
mod internal;
#[cfg(feature = "std")]
pub mod membarrier;
pub mod queue;
#[allow(
    clippy::multiple_unsafe_ops_per_block,
    reason = "its SAFETY comments argue some of them together"
)]
pub mod reclaim;
pub mod spin;
pub mod wait;

#[doc(hidden)]
pub use backend::models;
pub use crossbeam_utils::CachePadded;
/// The crate whose raw locks these are: for what is generic over locks, and for `RawMutex` and its like in signatures.
pub use lock_api;
#[cfg(all(feature = "alloc", target_has_atomic = "64"))]
pub use reclaim::hazard;
