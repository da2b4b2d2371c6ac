//! The traits of `lock_api`.

use core::time::Duration;

use lock_api::GuardSend;

use super::state::Retain;
use super::{RawRwLockOf, ReadGuardState};
use crate::backend::const_init;
use crate::backend::time::{self, Instant};

// SAFETY: a reader is inside if it is counted in the word, by a compare-exchange from a state without `WRITER`; or if its
// slot names the lock and it has seen, after the fence, a biased word without `WRITER`. A writer is inside after it has
// claimed `WRITER` alone, and has then seen the count at 0 and, after the fence, no slot that names the lock. Only the
// holder takes its own mark away. Acquire and Release order the sections. The one panic (too many readers) happens before
// anything is changed. Forgetting a guard leaves its mark.
unsafe impl<const RECURSIVE: bool> lock_api::RawRwLock for RawRwLockOf<RECURSIVE> {
    const INIT: Self = const_init!(Self::unlocked());

    type SharedGuard = ReadGuardState;
    type ExclusiveGuard = GuardSend;

    #[inline]
    fn lock_shared(&self) -> ReadGuardState {
        self.try_read()
            .or_else(|| self.read_contended(None))
            .expect("without a deadline it waits until it has the lock")
    }

    #[inline]
    fn try_lock_shared(&self) -> Option<ReadGuardState> {
        self.try_read()
    }

    #[inline]
    unsafe fn unlock_shared(&self, held: ReadGuardState) {
        match held.slot {
            Some(slot) => self.leave_slot(slot),
            None => self.unlock_counted_read(),
        }
    }

    #[inline]
    fn lock_exclusive(&self) -> GuardSend {
        if !self.try_write_fast() {
            self.write_until(None);
        }
        GuardSend::new()
    }

    #[inline]
    fn try_lock_exclusive(&self) -> Option<GuardSend> {
        (self.try_write_fast() || self.try_write_slow(Retain::Nothing)).then(GuardSend::new)
    }

    #[inline]
    unsafe fn unlock_exclusive(&self, _guard: GuardSend) {
        self.unlock_write(Retain::Nothing);
    }

    fn is_locked(&self) -> bool {
        let state = self.state();
        !state.is_free() || self.is_read_in_slots(state)
    }

    #[inline]
    fn is_locked_exclusive(&self) -> bool {
        let state = self.state();
        state.has_writer() && !state.is_draining() && !self.is_read_in_slots(state)
    }
}

/// Acquires again what a guard has given up, and still stands for: if there is no room any more, the process ends.
fn or_abort<R>(acquire: impl FnOnce() -> R) -> R {
    struct Lost;
    impl Drop for Lost {
        fn drop(&mut self) {
            std::eprintln!("linchpin: `bump` has lost its place in a RwLock: other readers have filled it meanwhile");
            std::process::abort();
        }
    }
    let lost = Lost;
    let acquired = acquire();
    core::mem::forget(lost);
    acquired
}

// SAFETY: each lets go as its plain counterpart does, or leaves the lock to sleepers that are told so.
unsafe impl<const RECURSIVE: bool> lock_api::RawRwLockFair for RawRwLockOf<RECURSIVE> {
    unsafe fn unlock_shared_fair(&self, held: ReadGuardState) {
        // A waiting writer has claimed the lock already, and is next.
        // SAFETY: the caller's promise.
        unsafe { lock_api::RawRwLock::unlock_shared(self, held) };
    }

    unsafe fn unlock_exclusive_fair(&self, _guard: GuardSend) {
        self.unlock_write_fair();
    }

    unsafe fn bump_shared(&self, held: &mut ReadGuardState) {
        if self.state().has_writer() {
            let mine = ReadGuardState { slot: held.slot };
            // SAFETY: the caller's promise, and `held` is given a new acquisition, or the process ends.
            unsafe { lock_api::RawRwLock::unlock_shared(self, mine) };
            *held = or_abort(|| lock_api::RawRwLock::lock_shared(self));
        }
    }

    unsafe fn bump_exclusive(&self, guard: &mut GuardSend) {
        if self.hints().is_queued() {
            self.unlock_write_fair();
            *guard = lock_api::RawRwLock::lock_exclusive(self);
        }
    }
}

// SAFETY: the writer becomes a reader in one step, so no other writer gets in between; Release shows later acquisitions
// what it has written.
unsafe impl<const RECURSIVE: bool> lock_api::RawRwLockDowngrade for RawRwLockOf<RECURSIVE> {
    #[inline]
    unsafe fn downgrade(&self, _guard: GuardSend) -> ReadGuardState {
        self.unlock_write(Retain::Read);
        ReadGuardState::COUNTED
    }
}

// SAFETY: a wait that ends at its deadline leaves the queue before, or takes the lock that it is handed; a writer that has
// claimed the lock takes its claim back.
unsafe impl<const RECURSIVE: bool> lock_api::RawRwLockTimed for RawRwLockOf<RECURSIVE> {
    type Duration = Duration;
    type Instant = Instant;

    #[inline]
    fn try_lock_shared_for(&self, timeout: Duration) -> Option<ReadGuardState> {
        // A deadline beyond what the clock can say is none.
        self.try_read().or_else(|| self.read_contended(time::after(timeout)))
    }

    #[inline]
    fn try_lock_shared_until(&self, timeout: Instant) -> Option<ReadGuardState> {
        self.try_read().or_else(|| self.read_contended(Some(timeout)))
    }

    #[inline]
    fn try_lock_exclusive_for(&self, timeout: Duration) -> Option<GuardSend> {
        (self.try_write_fast() || self.write_until(time::after(timeout))).then(GuardSend::new)
    }

    #[inline]
    fn try_lock_exclusive_until(&self, timeout: Instant) -> Option<GuardSend> {
        (self.try_write_fast() || self.write_until(Some(timeout))).then(GuardSend::new)
    }
}

// SAFETY: there is at most one owner: it comes only where there is none. It keeps writers out, so that an upgrade finds
// what was read unchanged; the upgrade then waits for all readers as any writer does. One that fails leaves the
// upgradable reader.
unsafe impl<const RECURSIVE: bool> lock_api::RawRwLockUpgrade for RawRwLockOf<RECURSIVE> {
    type UpgradableGuard = GuardSend;

    #[inline]
    fn lock_upgradable(&self) -> GuardSend {
        if !self.upgradable_fast() {
            self.upgradable_contended(None);
        }
        GuardSend::new()
    }

    #[inline]
    fn try_lock_upgradable(&self) -> Option<GuardSend> {
        self.upgradable_fast().then(GuardSend::new)
    }

    #[inline]
    unsafe fn unlock_upgradable(&self, _guard: GuardSend) {
        self.unlock_owner(Retain::Nothing, false);
    }

    #[inline]
    unsafe fn upgrade(&self, _guard: GuardSend) -> GuardSend {
        self.upgrade_until(None);
        GuardSend::new()
    }

    #[inline]
    unsafe fn try_upgrade(&self, guard: GuardSend) -> Result<GuardSend, GuardSend> {
        if self.try_write_slow(Retain::Upgradable) {
            Ok(guard)
        } else {
            Err(guard)
        }
    }
}

// SAFETY: as `RawRwLockFair`.
unsafe impl<const RECURSIVE: bool> lock_api::RawRwLockUpgradeFair for RawRwLockOf<RECURSIVE> {
    unsafe fn unlock_upgradable_fair(&self, _guard: GuardSend) {
        self.unlock_owner(Retain::Nothing, true);
    }

    unsafe fn bump_upgradable(&self, guard: &mut GuardSend) {
        if self.state().is_parked() {
            self.unlock_owner(Retain::Nothing, true);
            *guard = or_abort(|| lock_api::RawRwLockUpgrade::lock_upgradable(self));
        }
    }
}

// SAFETY: neither change lets a writer in between: the holder's mark is replaced in one step.
unsafe impl<const RECURSIVE: bool> lock_api::RawRwLockUpgradeDowngrade for RawRwLockOf<RECURSIVE> {
    #[inline]
    unsafe fn downgrade_upgradable(&self, _guard: GuardSend) -> ReadGuardState {
        self.unlock_owner(Retain::Read, false);
        ReadGuardState::COUNTED
    }

    #[inline]
    unsafe fn downgrade_to_upgradable(&self, _guard: GuardSend) -> GuardSend {
        self.unlock_write(Retain::Upgradable);
        GuardSend::new()
    }
}

// SAFETY: as `RawRwLockTimed`.
unsafe impl<const RECURSIVE: bool> lock_api::RawRwLockUpgradeTimed for RawRwLockOf<RECURSIVE> {
    #[inline]
    fn try_lock_upgradable_for(&self, timeout: Duration) -> Option<GuardSend> {
        (self.upgradable_fast() || self.upgradable_contended(time::after(timeout))).then(GuardSend::new)
    }

    #[inline]
    fn try_lock_upgradable_until(&self, timeout: Instant) -> Option<GuardSend> {
        (self.upgradable_fast() || self.upgradable_contended(Some(timeout))).then(GuardSend::new)
    }

    #[inline]
    unsafe fn try_upgrade_for(&self, guard: GuardSend, timeout: Duration) -> Result<GuardSend, GuardSend> {
        if self.upgrade_until(time::after(timeout)) {
            Ok(guard)
        } else {
            Err(guard)
        }
    }

    #[inline]
    unsafe fn try_upgrade_until(&self, guard: GuardSend, timeout: Instant) -> Result<GuardSend, GuardSend> {
        if self.upgrade_until(Some(timeout)) {
            Ok(guard)
        } else {
            Err(guard)
        }
    }
}
