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

#[cfg(not(target_has_atomic = "ptr"))]
compile_error!(
    "linchpin needs a processor with compare-and-swap; this target has none (thumbv6m, riscv32imc and the like)"
);

#[cfg(target_has_atomic = "ptr")]
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
#[cfg(target_has_atomic = "ptr")]
mod internal;
#[cfg(feature = "std")]
pub mod membarrier;
#[cfg(target_has_atomic = "ptr")]
pub mod queue;
#[cfg(target_has_atomic = "ptr")]
#[allow(
    clippy::multiple_unsafe_ops_per_block,
    reason = "its SAFETY comments argue some of them together"
)]
pub mod reclaim;
#[cfg(target_has_atomic = "ptr")]
pub mod spin;
#[cfg(all(feature = "alloc", target_has_atomic = "64"))]
pub mod stack;
#[cfg(target_has_atomic = "ptr")]
pub mod wait;

#[cfg(target_has_atomic = "ptr")]
#[doc(hidden)]
pub use backend::models;
pub use crossbeam_utils::CachePadded;
/// The crate whose raw locks these are: for what is generic over locks, and for `RawMutex` and its like in signatures.
pub use lock_api;
#[cfg(all(feature = "alloc", target_has_atomic = "64"))]
pub use reclaim::hazard;
