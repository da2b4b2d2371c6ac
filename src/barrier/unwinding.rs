//! Whether a panic drops a value, or is only going on while it is made and dropped.

use crate::backend::thread;

/// Remembers the thread that was unwinding when this was made, if it was.
///
/// In that thread, which makes and drops the value in a destructor, a panic is no failure of the value's user; in any other
/// it is, as the value may have been sent there.
#[derive(Debug)]
pub(super) struct Unwinding(Option<thread::Id>);

impl Unwinding {
    #[inline]
    pub(super) fn now() -> Self {
        Unwinding(thread::is_unwinding().then(thread::id))
    }

    /// Whether a panic drops the value that is being dropped.
    #[inline]
    pub(super) fn has_begun(&self) -> bool {
        thread::is_unwinding() && self.0 != Some(thread::id())
    }
}
