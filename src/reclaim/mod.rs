//! When may an object that other threads may still be reading be freed?

#[cfg(feature = "epoch")]
pub(crate) mod epoch;
#[cfg(all(feature = "alloc", target_has_atomic = "64"))]
pub mod hazard;
#[cfg(target_has_atomic = "64")]
pub mod tagged;

#[cfg(target_has_atomic = "64")]
pub use tagged::{AtomicTagged, Tagged};
