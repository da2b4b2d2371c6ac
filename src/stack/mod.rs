//! Stacks.
mod api;
mod contention;
#[cfg(feature = "epoch")]
pub mod epoch;
mod policy;
pub mod tagged;
mod treiber;
#[cfg(feature = "epoch")]
pub use epoch::EpochStack;
pub use tagged::TaggedStack;
