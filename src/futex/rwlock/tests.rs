//! What needs to see the word.

use core::time::Duration;

use super::*;
use lock_api::{
    RawRwLock as _, RawRwLockDowngrade as _, RawRwLockTimed as _, RawRwLockUpgrade as _, RawRwLockUpgradeDowngrade as _,
};
use std::panic::{AssertUnwindSafe, catch_unwind};

/// A lock that `readers` hold already.
fn crowded(readers: u32) -> RawRwLock {
    RawRwLock {
        state: AtomicU32::new(State::FREE.with_readers(readers).bits()),
        ..RawRwLock::new()
    }
}

#[test]
#[should_panic(expected = "readers hold this lock, and that is its limit")]
fn one_reader_too_many_panics() {
    let _ = crowded(MAX_READERS).lock_shared();
}

#[test]
fn at_the_limit_the_lock_stays_what_it_was() {
    let lock = crowded(MAX_READERS);
    assert!(catch_unwind(AssertUnwindSafe(|| lock.try_lock_shared())).is_err());
    assert!(catch_unwind(AssertUnwindSafe(|| lock.try_lock_shared_for(Duration::ZERO))).is_err());
    assert_eq!(lock.state(), State::FREE.with_readers(MAX_READERS));
    assert!(!lock.is_locked_exclusive() && lock.try_lock_exclusive().is_none());
    // SAFETY: `crowded` made a lock that this many readers hold; this is one of them.
    unsafe { lock.unlock_shared(ReadGuardState::COUNTED) };
    assert!(lock.try_lock_shared().is_some());
}

#[test]
fn an_upgradable_reader_fits_beside_the_last_reader_and_may_become_one() {
    let lock = crowded(MAX_READERS);
    let guard = lock.try_lock_upgradable().expect("no writer, no upgradable reader");
    // SAFETY: `guard` is the upgradable acquisition of this lock, made above.
    let _share = unsafe { lock.downgrade_upgradable(guard) };
    assert_eq!(lock.state().readers(), state::COUNT_LIMIT);
    assert!(!lock.is_locked_exclusive());
    // A second one would carry the count over into nothing: an unlocked lock, with readers in it.
    assert!(catch_unwind(AssertUnwindSafe(|| lock.try_lock_upgradable())).is_err());
    assert!(lock.try_lock_exclusive().is_none());
}

#[test]
fn a_write_leaves_nothing_but_how_readers_register() {
    for before in [State::FREE, State::FREE_SLOTTED, State::FREE_SLOTTED.with_biased()] {
        let lock = RawRwLock::new();
        lock.state.store(before.bits(), Relaxed);
        let guard = lock.lock_exclusive();
        assert!(lock.is_locked_exclusive());
        // SAFETY: the acquisition just made.
        let share = unsafe { lock.downgrade(guard) };
        assert_eq!(lock.state().readers(), 1);
        // SAFETY: what it has become.
        unsafe { lock.unlock_shared(share) };
        assert!(
            [State::FREE, State::FREE_SLOTTED].contains(&lock.state()),
            "{:?}",
            lock.state()
        );
    }
}
