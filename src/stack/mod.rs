//! Stacks.
mod api;
mod boxed;
mod contention;
#[cfg(feature = "epoch")]
pub mod epoch;
pub mod hazard;
mod memory;
mod policy;
pub mod tagged;
mod treiber;
#[cfg(feature = "epoch")]
pub use epoch::EpochStack;
pub use hazard::HazardStack;
pub use tagged::TaggedStack;
