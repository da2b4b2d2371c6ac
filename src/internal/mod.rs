//! What several families need and no user sees.

#[cfg(feature = "std")]
mod chance;
#[cfg(feature = "std")]
mod immortal;
#[cfg(feature = "alloc")]
mod leased;
#[cfg(feature = "std")]
mod pool;
#[cfg(feature = "std")]
mod word_lock;

#[cfg(feature = "std")]
pub(crate) use chance::one_in;
#[cfg(feature = "std")]
pub(crate) use immortal::{bury, immortal};
#[cfg(feature = "alloc")]
pub(crate) use leased::{LeasedList, Padded};
#[cfg(feature = "std")]
pub(crate) use pool::{Pool, Pooled, Stack};
#[cfg(feature = "std")]
pub(crate) use word_lock::WordLock;
