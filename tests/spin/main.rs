//! The spin locks under native threads: one body for each behaviour, one line for each lock.
//!
//! Nothing here asserts a time. A test that would hang is ended by a watchdog.

mod exclusion;
#[path = "../stage/lock.rs"]
mod lock;
mod rwlock;
mod rwlock_life;
#[path = "../stage/mod.rs"]
mod stage;

use std::any::Any;
use std::fmt::Debug;
use std::mem;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Barrier};
use std::thread;

use linchpin::spin::{
    RawMutex, RawRwLock, RawTasMutex, RawTicketMutex, RwLock, RwLockReadGuard, RwLockUpgradableReadGuard,
    RwLockWriteGuard,
};
use linchpin::wait::Spin;
use lock::{Raw, Section, Upgraded, Writer, nothing_is_touched_after};
use stage::{CROWDS, Drops, at_thread_exit, await_that, crowd, die, times, watchdog};

/// The locks that exclude: the three mutexes, and both ways in which a reader-writer lock makes a writer.
macro_rules! mutexes {
    ($($name:ident: $raw:ty;)*) => {$(
        mod $name {
            use super::*;

            behaviours! { exclusion, $raw:
                nothing_is_lost_and_nobody_overlaps,
                eight_threads_on_one_cpu_make_progress,
                try_lock_fails_while_it_is_held_and_only_then,
                a_free_lock_is_never_refused,
                tries_that_succeed_exclude,
                a_panic_releases_it,
                a_thread_that_dies_releases_it,
                a_panic_in_map_releases_it,
                into_inner_returns_the_value,
                get_mut_needs_no_lock,
                unsized_values_work,
                forgetting_a_guard_leaves_it_locked_and_nothing_worse,
                a_value_is_dropped_once,
                debug_shows_the_value_or_that_it_is_locked,
                default_and_from_make_it_unlocked,
                a_guard_may_be_dropped_on_another_thread,
                a_mapped_guard_holds_it,
                a_leaked_guard_holds_it,
                unlocked_lets_others_in,
                thread_local_destructors_may_lock,
                unlock_touches_nothing_after_the_last_instant,
                thousands_at_once,
                two_locks_are_independent,
            }

            static STATIC: lock_api::Mutex<$raw, u64> = lock_api::Mutex::new(0);

            #[test]
            fn it_fits_in_a_static() {
                crowd(4, |_| *STATIC.lock() += 1);
                assert_eq!(*STATIC.lock(), 4);
            }

            #[test]
            fn from_raw_is_const() {
                static LOCK: lock_api::Mutex<$raw, u64> = lock_api::Mutex::from_raw(<$raw>::new(), 7);
                assert_eq!(*LOCK.lock(), 7);
            }
        }
    )*};
}

macro_rules! behaviours {
    ($module:ident, $raw:ty: $($behaviour:ident,)*) => {$(
        #[test]
        fn $behaviour() {
            let _watchdog = watchdog();
            $module::$behaviour::<$raw>();
        }
    )*};
}

mutexes! {
    mutex: RawMutex;
    tas_mutex: RawTasMutex;
    ticket_mutex: RawTicketMutex;
    rwlock_writer: Writer<RawRwLock>;
    rwlock_upgraded: Upgraded<RawRwLock>;
}

/// The lock for places without a scheduler is named by its raw type, and does what the others do.
#[test]
fn a_mutex_that_only_spins_is_named_by_its_raw_lock() {
    let _watchdog = watchdog();
    fn add<R: Raw>() {
        static SPINS: lock_api::Mutex<RawMutex<Spin>, ()> = lock_api::Mutex::new(());
        assert!(SPINS.try_lock().is_some());
        let total = lock_api::Mutex::<R, _>::new(0);
        crowd(2, |_| (0..times(1000, 10)).for_each(|_| *total.lock() += 1));
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
