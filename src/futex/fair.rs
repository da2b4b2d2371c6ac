//! A mutex whose every unlock is the fair one.

use core::fmt;
use core::time::Duration;

use lock_api::{RawMutex as _, RawMutexFair, RawMutexTimed};

use super::mutex::{MutexGuardState, RawMutex};
use crate::backend::time::Instant;
use crate::backend::{const_fn, const_init};
use crate::internal::debug_lock;

/// A [`Mutex`](super::Mutex) whose every unlock is the fair one: it hands off to the first parked waiter.
///
/// * **Guarantee**: as [`Mutex`](super::Mutex); and while threads are parked, each unlock makes the first of them the holder, so that no
///   thread takes the lock twice while others are parked. A thread that still spins may pass them only where the lock is free. No
///   poisoning.
/// * **Cost**: four bytes. Alone that of [`Mutex`](super::Mutex). With waiters each hand-over is a wake-up and a context switch: a
///   lock that is passed on a hundred times as seldom is no surprise.
/// * **Not for**: throughput ([`Mutex`](super::Mutex), which bounds the unfairness to turns of 0.3 ms); strict first come, first served
///   ([`queue::McsMutex`](crate::queue::McsMutex)).
///
/// ```
/// use linchpin::futex::FairMutex;
///
/// let jobs = FairMutex::new(vec![1]);
/// jobs.lock().push(2);
/// assert_eq!(jobs.into_inner(), [1, 2]);
/// ```
pub type FairMutex<T> = lock_api::Mutex<RawFairMutex, T>;
/// Holds a [`FairMutex`] locked, and hands it off when dropped.
pub type FairMutexGuard<'a, T> = lock_api::MutexGuard<'a, RawFairMutex, T>;
/// Holds a [`FairMutex`] locked for a part of its value.
pub type MappedFairMutexGuard<'a, T> = lock_api::MappedMutexGuard<'a, RawFairMutex, T>;

/// The raw lock of [`FairMutex`].
#[derive(Default)]
pub struct RawFairMutex(RawMutex);

impl RawFairMutex {
    const_fn! {
        /// An unlocked lock.
        #[must_use]
        pub const fn new() -> Self {
            RawFairMutex(RawMutex::new())
        }
    }
}

impl fmt::Debug for RawFairMutex {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        debug_lock(formatter, "RawFairMutex", self.0.is_locked())
    }
}

// SAFETY: each of these is that of the lock inside, and `unlock` is another of its unlocks.
unsafe impl lock_api::RawMutex for RawFairMutex {
    const INIT: Self = const_init!(Self::new());

    type Guard = MutexGuardState;

    #[inline]
    fn lock(&self) -> MutexGuardState {
        self.0.lock()
    }

    #[inline]
    fn try_lock(&self) -> Option<MutexGuardState> {
        self.0.try_lock()
    }

    #[inline]
    unsafe fn unlock(&self, held: MutexGuardState) {
        // SAFETY: the caller's promise.
        unsafe { self.0.unlock_fair(held) };
    }

    #[inline]
    fn is_locked(&self) -> bool {
        self.0.is_locked()
    }
}

// SAFETY: as above.
unsafe impl RawMutexFair for RawFairMutex {
    #[inline]
    unsafe fn unlock_fair(&self, held: MutexGuardState) {
        // SAFETY: the caller's promise.
        unsafe { self.0.unlock_fair(held) };
    }

    #[inline]
    unsafe fn bump(&self, held: &mut MutexGuardState) {
        // SAFETY: the caller's promise.
        unsafe { self.0.bump(held) };
    }
}

// SAFETY: as above.
unsafe impl RawMutexTimed for RawFairMutex {
    type Duration = Duration;
    type Instant = Instant;

    #[inline]
    fn try_lock_for(&self, timeout: Duration) -> Option<MutexGuardState> {
        self.0.try_lock_for(timeout)
    }

    #[inline]
    fn try_lock_until(&self, timeout: Instant) -> Option<MutexGuardState> {
        self.0.try_lock_until(timeout)
    }
}
