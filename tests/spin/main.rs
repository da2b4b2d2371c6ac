//! What the spin locks do beyond excluding, under native threads. That they exclude is in `tests/mutual_exclusion`.
//!
//! Nothing here asserts a time. A test that would hang is ended by a watchdog.

mod aliases;
#[path = "../common/mod.rs"]
mod common;
#[cfg(all(feature = "std", target_os = "linux", not(miri)))]
mod real_time;
mod rwlock;
mod rwlock_life;

use std::fmt::Debug;
use std::mem;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Barrier;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;

use common::{
    Drops, THREAD_COUNTS, at_thread_exit, await_that, die, nothing_is_touched_after, on_threads, times, watchdog,
};
use linchpin::spin::{
    RawMutex, RawRwLock, RawTasMutex, RawTicketMutex, RwLock, RwLockReadGuard, RwLockUpgradableReadGuard,
    RwLockWriteGuard,
};
use linchpin::wait::Spin;

/// The lock for places without a scheduler is named by its raw type, and does what the others do.
#[test]
fn a_mutex_that_only_spins_is_named_by_its_raw_lock() {
    let _watchdog = watchdog();
    fn add<R: lock_api::RawMutex + Sync>() {
        static SPINS: lock_api::Mutex<RawMutex<Spin>, ()> = lock_api::Mutex::new(());
        assert!(SPINS.try_lock().is_some());
        let total = lock_api::Mutex::<R, _>::new(0);
        on_threads(2, |_| (0..times(1000, 10)).for_each(|_| *total.lock() += 1));
        assert_eq!(total.into_inner(), 2 * times(1000, 10));
    }
    add::<RawMutex<Spin>>();
    add::<RawTasMutex<Spin>>();
    if cfg!(not(miri)) {
        add::<RawTicketMutex<Spin>>();
    }
}

/// What a migration from `spin` finds: the same names, with the same meaning.
#[test]
fn the_names_of_the_spin_crate_work() {
    let _watchdog = watchdog();
    macro_rules! program {
        ($krate:ident) => {{
            let mutex: $krate::Mutex<Vec<i32>> = $krate::Mutex::new(vec![1]);
            mutex.lock().push(2);
            let count = mutex.try_lock().map(|held| held.len());
            let rwlock: $krate::RwLock<i32> = $krate::RwLock::new(1);
            *rwlock.write() += 1;
            let read = *rwlock.read();
            (mutex.into_inner(), count, read, rwlock.into_inner())
        }};
    }
    use linchpin::spin as ours;
    let expected = (vec![1, 2], Some(2), 2, 2);
    assert_eq!(program!(ours), expected);
    assert_eq!(program!(spin), expected);
}
