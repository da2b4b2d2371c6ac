//! What several families need and no user sees.

mod chance;
#[cfg(feature = "std")]
mod immortal;
mod word_lock;

pub(crate) use chance::one_in;
#[cfg(feature = "std")]
pub(crate) use immortal::{bury, immortal};
pub(crate) use word_lock::WordLock;
