//! The API of `haphazard` 0.1 over [`linchpin::hazard`], whose page says what differs: lists of retired objects are each thread's, no
//! scan is due by the clock, and a null pointer may be retired.
#![no_std]

pub use linchpin::hazard::{
    AtomicPtr, Domain, Global, HazardPointer, HazardPointerArray, Replaced, Singleton, raw, static_unique_domain,
    unique_domain,
};
