//! The reader-writer lock that sleeps: what any lock of its kind does, by the bodies of the spin locks' tests, and what it
//! does beyond.
#![cfg(feature = "std")]

#[path = "../spin/exclusion.rs"]
mod exclusion;
#[path = "../stage/lock.rs"]
mod lock;
mod modes;
#[path = "../spin/rwlock.rs"]
mod rwlock;
#[path = "../spin/rwlock_life.rs"]
mod rwlock_life;
#[path = "../stage/mod.rs"]
mod stage;
mod waits;

use std::any::Any;
use std::fmt::Debug;
use std::mem;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Barrier};
use std::thread;
use std::time::{Duration, Instant};

use linchpin::futex::{RawRwLock, RwLock, RwLockReadGuard, RwLockUpgradableReadGuard, RwLockWriteGuard};
use lock::{Raw, Section, Upgraded, Writer, nothing_is_touched_after};
use stage::{CROWDS, Drops, at_thread_exit, await_that, crowd, die, times, watchdog};

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
    writer: Writer<RawRwLock>;
    upgraded: Upgraded<RawRwLock>;
}
