//! When may an object be freed that other threads may still be reading?
//!
//! * [`hazard`]: a reader says which object it reads. The memory that is kept has a bound, also behind a reader that never
//!   lets go.

#[cfg(feature = "epoch")]
pub(crate) mod epoch;
#[cfg(all(feature = "alloc", target_has_atomic = "64"))]
pub mod hazard;
#[cfg(target_has_atomic = "64")]
pub mod tagged;

#[cfg(target_has_atomic = "64")]
pub use tagged::{AtomicTagged, Tagged};
