#![cfg_attr(feature = "std", doc = include_str!("../README.md"))]
#![cfg_attr(
    not(feature = "std"),
    doc = "Concurrency primitives that carry their proof; without `std`, those that need none. The README says which."
)]
#![no_std]

#[cfg(feature = "alloc")]
extern crate alloc;
#[cfg(any(feature = "std", test))]
extern crate std;

#[doc(hidden)]
pub mod backend;
#[cfg(target_has_atomic = "64")]
pub mod barrier;
#[cfg(target_has_atomic = "64")]
pub mod counter;
#[cfg(feature = "std")]
pub mod futex;
#[cfg(feature = "std")]
mod internal;
#[cfg(feature = "std")]
pub mod membarrier;
pub mod queue;
pub mod reclaim;
pub mod spin;
#[cfg(all(feature = "alloc", target_has_atomic = "64"))]
pub mod stack;
pub mod wait;

pub use crossbeam_utils::CachePadded;
#[cfg(all(feature = "alloc", target_has_atomic = "64"))]
pub use reclaim::hazard;
