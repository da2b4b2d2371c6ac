//! The traits of `lock_api`.

use core::time::Duration;

use lock_api::GuardSend;

use super::{DRAINING, OWNER, PARKED, READER, READERS, RawRwLock, Share, UPGRADABLE, WAITING, WRITER, leave_slot};
use crate::backend::const_init;
use crate::backend::time::{self, Instant};
use crate::futex::lot;

// SAFETY: a reader is inside if it is counted in the word, by a compare-exchange from a state without `WRITER`; or if its
// slot names the lock and it has seen, after the fence, a biased word without `WRITER`. A writer is inside after it has
// claimed `WRITER` alone, and has then seen the count at 0 and, after the fence, no slot that names the lock. Only the
// holder takes its own mark away. Acquire and Release order the sections. The one panic (too many readers) happens before
// anything is changed. Forgetting a guard leaves its mark.
unsafe impl lock_api::RawRwLock for RawRwLock {
    const INIT: Self = const_init!(Self::new());

    type SharedGuard = Share;
    type ExclusiveGuard = GuardSend;

    #[inline]
    fn lock_shared(&self) -> Share {
        match self.read_now() {
            Some(share) => share,
            None => self.read_contended(),
        }
    }

    #[inline]
    fn try_lock_shared(&self) -> Option<Share> {
        self.read_now()
    }

    #[inline]
    unsafe fn unlock_shared(&self, share: Share) {
        match share.slot {
            Some(slot) => leave_slot(slot, self.address()),
            None => self.end_counted_read(),
        }
    }

    #[inline]
    fn lock_exclusive(&self) -> GuardSend {
        if !self.write_now() {
            self.write_until(None);
        }
        GuardSend::new()
    }

    #[inline]
    fn try_lock_exclusive(&self) -> Option<GuardSend> {
        (self.write_now() || self.try_claim(0)).then(GuardSend::new)
    }

    #[inline]
    unsafe fn unlock_exclusive(&self, _guard: GuardSend) {
        self.end_write(0);
    }

    fn is_locked(&self) -> bool {
        let state = self.state();
        state & (OWNER | READERS) != 0 || self.is_read_in_slots(state)
    }

    #[inline]
    fn is_locked_exclusive(&self) -> bool {
        let state = self.state();
        state & (WRITER | DRAINING) == WRITER && !self.is_read_in_slots(state)
    }
}

// SAFETY: each lets go as its plain counterpart does, or leaves the lock to sleepers that are told so.
unsafe impl lock_api::RawRwLockFair for RawRwLock {
    unsafe fn unlock_shared_fair(&self, share: Share) {
        // A waiting writer has claimed the lock already, and is next.
        // SAFETY: the caller's promise.
        unsafe { lock_api::RawRwLock::unlock_shared(self, share) };
    }

    unsafe fn unlock_exclusive_fair(&self, _guard: GuardSend) {
        self.end_write_fair();
    }

    unsafe fn bump_shared(&self, share: &mut Share) {
        if self.state() & (WRITER | WAITING) != 0 {
            let mine = Share { slot: share.slot };
            // SAFETY: the caller's promise, and `share` is given a new acquisition. That cannot panic: there was room.
            unsafe { lock_api::RawRwLock::unlock_shared(self, mine) };
            *share = lock_api::RawRwLock::lock_shared(self);
        }
    }

    unsafe fn bump_exclusive(&self, guard: &mut GuardSend) {
        if self.state() & PARKED != 0 || lot::bucket(self.queue()).has_sleepers() {
            self.end_write_fair();
            *guard = lock_api::RawRwLock::lock_exclusive(self);
        }
    }
}

// SAFETY: the writer becomes a reader in one step, so no other writer gets in between; Release shows later acquisitions
// what it has written.
unsafe impl lock_api::RawRwLockDowngrade for RawRwLock {
    #[inline]
    unsafe fn downgrade(&self, _guard: GuardSend) -> Share {
        self.end_write(READER);
        Share::COUNTED
    }
}

// SAFETY: a wait that ends at its deadline leaves the queue before, or takes the lock that it is handed; a writer that has
// claimed the lock takes its claim back.
unsafe impl lock_api::RawRwLockTimed for RawRwLock {
    type Duration = Duration;
    type Instant = Instant;

    #[inline]
    fn try_lock_shared_for(&self, timeout: Duration) -> Option<Share> {
        // A deadline beyond what the clock can say is none.
        self.read_now().or_else(|| self.read_until(time::after(timeout)))
    }

    #[inline]
    fn try_lock_shared_until(&self, timeout: Instant) -> Option<Share> {
        self.read_now().or_else(|| self.read_until(Some(timeout)))
    }

    #[inline]
    fn try_lock_exclusive_for(&self, timeout: Duration) -> Option<GuardSend> {
        (self.write_now() || self.write_until(time::after(timeout))).then(GuardSend::new)
    }

    #[inline]
    fn try_lock_exclusive_until(&self, timeout: Instant) -> Option<GuardSend> {
        (self.write_now() || self.write_until(Some(timeout))).then(GuardSend::new)
    }
}

// SAFETY: there is at most one owner: it comes only where there is none. It keeps writers out, so that an upgrade finds
// what was read unchanged; the upgrade then waits for all readers as any writer does. One that fails leaves the
// upgradable reader.
unsafe impl lock_api::RawRwLockUpgrade for RawRwLock {
    type UpgradableGuard = GuardSend;

    #[inline]
    fn lock_upgradable(&self) -> GuardSend {
        if !self.upgradable_now() {
            self.upgradable_contended(None);
        }
        GuardSend::new()
    }

    #[inline]
    fn try_lock_upgradable(&self) -> Option<GuardSend> {
        self.upgradable_now().then(GuardSend::new)
    }

    #[inline]
    unsafe fn unlock_upgradable(&self, _guard: GuardSend) {
        self.let_go(0, false);
    }

    #[inline]
    unsafe fn upgrade(&self, _guard: GuardSend) -> GuardSend {
        self.upgrade_until(None);
        GuardSend::new()
    }

    #[inline]
    unsafe fn try_upgrade(&self, guard: GuardSend) -> Result<GuardSend, GuardSend> {
        if self.try_claim(UPGRADABLE) {
            Ok(guard)
        } else {
            Err(guard)
        }
    }
}

// SAFETY: as `RawRwLockFair`.
unsafe impl lock_api::RawRwLockUpgradeFair for RawRwLock {
    unsafe fn unlock_upgradable_fair(&self, _guard: GuardSend) {
        self.let_go(0, true);
    }

    unsafe fn bump_upgradable(&self, guard: &mut GuardSend) {
        if self.state() & PARKED != 0 {
            self.let_go(0, true);
            *guard = lock_api::RawRwLockUpgrade::lock_upgradable(self);
        }
    }
}

// SAFETY: neither change lets a writer in between: the holder's mark is replaced in one step.
unsafe impl lock_api::RawRwLockUpgradeDowngrade for RawRwLock {
    #[inline]
    unsafe fn downgrade_upgradable(&self, _guard: GuardSend) -> Share {
        self.let_go(READER, false);
        Share::COUNTED
    }

    #[inline]
    unsafe fn downgrade_to_upgradable(&self, _guard: GuardSend) -> GuardSend {
        self.end_write(UPGRADABLE);
        GuardSend::new()
    }
}

// SAFETY: as `RawRwLockTimed`.
unsafe impl lock_api::RawRwLockUpgradeTimed for RawRwLock {
    #[inline]
    fn try_lock_upgradable_for(&self, timeout: Duration) -> Option<GuardSend> {
        (self.upgradable_now() || self.upgradable_contended(time::after(timeout))).then(GuardSend::new)
    }

    #[inline]
    fn try_lock_upgradable_until(&self, timeout: Instant) -> Option<GuardSend> {
        (self.upgradable_now() || self.upgradable_contended(Some(timeout))).then(GuardSend::new)
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
