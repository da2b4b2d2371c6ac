//! What every lock does that admits one holder, under native threads: one body for each behaviour, one line for each
//! lock.
//!
//! Nothing here asserts a time. A test that would hang is ended by a watchdog.

mod bodies;
#[path = "../common/mod.rs"]
mod common;
#[path = "../common/lock.rs"]
mod lock;

use std::any::Any;
use std::mem;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use common::{
    Drops, THREAD_COUNTS, at_thread_exit, await_that, die, nothing_is_touched_after, on_threads, times, watchdog,
};
use linchpin::spin::{RawMutex, RawRwLock, RawTasMutex, RawTicketMutex};
use lock::{Raw, Section, Traveller, Upgraded, Writer};

/// What each of them does.
macro_rules! mutexes {
    ($($name:ident: $raw:ty;)*) => {$(
        mod $name {
            use super::*;

            behaviours! { bodies, $raw:
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
                on_threads(4, |_| *STATIC.lock() += 1);
                assert_eq!(*STATIC.lock(), 4);
            }

            #[test]
            fn from_raw_is_const() {
                static LOCK: lock_api::Mutex<$raw, u64> = lock_api::Mutex::new(7);
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

#[cfg(feature = "std")]
mutexes! {
    futex_mutex: linchpin::futex::RawMutex;
    futex_fair_mutex: linchpin::futex::RawFairMutex;
    futex_rwlock_writer: Writer<linchpin::futex::RawRwLock>;
    futex_rwlock_upgraded: Upgraded<linchpin::futex::RawRwLock>;
    mcs_mutex: linchpin::queue::RawMcsMutex;
    mcs_mutex_that_yields: linchpin::queue::RawMcsMutex<linchpin::wait::SpinThenYield>;
    clh_mutex: linchpin::queue::RawClhMutex;
    clh_mutex_that_yields: linchpin::queue::RawClhMutex<linchpin::wait::SpinThenYield>;
}

/// What those do beside whose guards may travel to another thread.
macro_rules! travellers {
    ($($name:ident: $raw:ty;)*) => {$(
        mod $name {
            use super::*;

            behaviours! { bodies, $raw:
                a_guard_may_be_dropped_on_another_thread,
                a_mapped_guard_may_be_dropped_on_another_thread,
            }
        }
    )*};
}

travellers! {
    mutex_travels: RawMutex;
    tas_mutex_travels: RawTasMutex;
    ticket_mutex_travels: RawTicketMutex;
    rwlock_writer_travels: Writer<RawRwLock>;
    rwlock_upgraded_travels: Upgraded<RawRwLock>;
}

#[cfg(feature = "std")]
travellers! {
    futex_mutex_travels: linchpin::futex::RawMutex;
    futex_fair_mutex_travels: linchpin::futex::RawFairMutex;
    futex_rwlock_writer_travels: Writer<linchpin::futex::RawRwLock>;
    futex_rwlock_upgraded_travels: Upgraded<linchpin::futex::RawRwLock>;
}
