//! When may a node be freed that other threads may still look at?
#[cfg(feature = "epoch")]
pub(crate) mod epoch;
pub mod tagged;
pub use tagged::{AtomicTagged, Tagged};
