//! Deadlines of the spin locks that have no queue.

use core::time::Duration;

use lock_api::{GuardSend, RawMutex as _, RawRwLock as _};

use super::mutex::RawSpinMutex;
use super::rwlock::RawRwLock;
use crate::backend::time::{self, Instant};
use crate::wait::{Backoff, Wait};

/// Polls until `try_now` succeeds or the deadline has passed; once at least.
#[cold]
fn poll_until<W: Wait>(deadline: Option<Instant>, try_now: impl Fn() -> Option<GuardSend>) -> Option<GuardSend> {
    let mut backoff = Backoff::new();
    loop {
        if let Some(held) = try_now() {
            return Some(held);
        }
        if deadline.is_some_and(time::has_passed) {
            return None;
        }
        backoff.wait::<W>();
    }
}

// SAFETY: each is `try_lock`, again and again.
unsafe impl<const TEST_FIRST: bool, W: Wait> lock_api::RawMutexTimed for RawSpinMutex<TEST_FIRST, W> {
    type Duration = Duration;
    type Instant = Instant;

    fn try_lock_for(&self, timeout: Duration) -> Option<GuardSend> {
        poll_until::<W>(time::after(timeout), || self.try_lock())
    }

    fn try_lock_until(&self, timeout: Instant) -> Option<GuardSend> {
        poll_until::<W>(Some(timeout), || self.try_lock())
    }
}

// SAFETY: each is `try_lock_shared` or `try_lock_exclusive`, again and again. A writer that may give up does not hold off readers:
// it would have to let them in again without knowing whether another writer waits.
unsafe impl<W: Wait> lock_api::RawRwLockTimed for RawRwLock<W> {
    type Duration = Duration;
    type Instant = Instant;

    fn try_lock_shared_for(&self, timeout: Duration) -> Option<GuardSend> {
        poll_until::<W>(time::after(timeout), || self.try_lock_shared())
    }

    fn try_lock_shared_until(&self, timeout: Instant) -> Option<GuardSend> {
        poll_until::<W>(Some(timeout), || self.try_lock_shared())
    }

    fn try_lock_exclusive_for(&self, timeout: Duration) -> Option<GuardSend> {
        poll_until::<W>(time::after(timeout), || self.try_lock_exclusive())
    }

    fn try_lock_exclusive_until(&self, timeout: Instant) -> Option<GuardSend> {
        poll_until::<W>(Some(timeout), || self.try_lock_exclusive())
    }
}
