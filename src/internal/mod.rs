//! What several families need and no user sees.

mod chance;
pub(crate) mod thread_number;
mod word_lock;

pub(crate) use chance::one_in;
pub(crate) use word_lock::WordLock;
