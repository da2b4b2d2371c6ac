//! The traits of `lock_api`.

use core::time::Duration;

use super::{FREE, MutexGuardState, QUEUED, RawMutex};
use crate::backend::const_init;
use crate::backend::time::{self, Instant};

// SAFETY: a thread holds the lock after its compare-exchange turned `FREE` into a held state, or after it was told that the
// lock is its own. Only its unlock makes the state `FREE`, or hands off to exactly one other. Acquire and Release order the
// sections, and the flag of a waiter those of a hand-off to it. Forgetting a guard leaves the state as it is; nothing panics.
unsafe impl lock_api::RawMutex for RawMutex {
    const INIT: Self = const_init!(Self::new());

    type Guard = MutexGuardState;

    #[inline]
    fn lock(&self) -> MutexGuardState {
        self.try_lock_fast().unwrap_or_else(|| self.lock_contended())
    }

    #[inline]
    fn try_lock(&self) -> Option<MutexGuardState> {
        // Looks first, so that a loop of failing tries does not take the line from the holder.
        if self.state() == FREE {
            self.try_lock_fast()
        } else {
            None
        }
    }

    #[inline]
    unsafe fn unlock(&self, held: MutexGuardState) {
        self.release(&held);
    }

    #[inline]
    fn is_locked(&self) -> bool {
        self.state() != FREE
    }
}

// SAFETY: `unlock_and_wake` unlocks as `unlock` does, or keeps the lock held for one waiter, which is told so.
unsafe impl lock_api::RawMutexFair for RawMutex {
    unsafe fn unlock_fair(&self, held: MutexGuardState) {
        if held.fast && self.hints() == 0 {
            return self.release(&held);
        }
        // A waiter that relies on the look of an unlock in fast mode is in the queue, or finds the lock free.
        self.unlock_and_wake(false, true);
    }

    unsafe fn bump(&self, held: &mut MutexGuardState) {
        if self.hints() & QUEUED != 0 {
            // SAFETY: the caller's promise, and `held` is given a new acquisition.
            unsafe { self.unlock_fair(held.again()) };
            *held = lock_api::RawMutex::lock(self);
        }
    }
}

// SAFETY: a wait that ends at its deadline leaves the queue before, or takes the lock that it is handed.
unsafe impl lock_api::RawMutexTimed for RawMutex {
    type Duration = Duration;
    type Instant = Instant;

    #[inline]
    fn try_lock_for(&self, timeout: Duration) -> Option<MutexGuardState> {
        // A deadline beyond what the clock can say is none.
        self.try_lock_fast()
            .or_else(|| self.lock_contended_until(time::after(timeout)))
    }

    #[inline]
    fn try_lock_until(&self, timeout: Instant) -> Option<MutexGuardState> {
        self.try_lock_fast()
            .or_else(|| self.lock_contended_until(Some(timeout)))
    }
}
