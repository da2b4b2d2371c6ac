//! When may an object that other threads may still be reading be freed?

#[cfg(all(feature = "alloc", target_has_atomic = "64"))]
pub mod hazard;
