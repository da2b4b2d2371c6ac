//! A back-off in which a thread that is one too many sleeps: for locks whose waiters are in no queue.

use crate::wait::{Backoff, Wait};
#[cfg(feature = "std")]
use crate::wait::{WhenExhausted, restrict};

/// A [`Backoff`] with concurrency restriction.
pub(super) struct RestrictedBackoff {
    backoff: Backoff,
    #[cfg(feature = "std")]
    long: Option<restrict::LongWait>,
}

impl RestrictedBackoff {
    pub(super) const fn new() -> Self {
        RestrictedBackoff {
            backoff: Backoff::new(),
            #[cfg(feature = "std")]
            long: None,
        }
    }

    /// Waits one round for the lock at the address `key`.
    #[inline]
    pub(super) fn wait<W: Wait>(&mut self, key: usize) {
        #[cfg(not(feature = "std"))]
        let _ = key;
        #[cfg(feature = "std")]
        if self.backoff.is_exhausted() && !matches!(W::WHEN_EXHAUSTED, WhenExhausted::Spin) {
            if self.long.is_none() && restrict::throttle_arrival::<W>(key) {
                self.backoff.reset();
                return;
            }
            self.long.get_or_insert_with(|| restrict::LongWait::new(key));
        }
        self.backoff.wait::<W>();
    }
}
