//! Stand-ins for [`std::sync`].

pub mod atomic;

/// The reference counts of an `Arc` are not billed: it is std's own.
pub use std::sync::Arc;
