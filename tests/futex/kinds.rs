//! The mutexes that are made of the one, and constructors.

use std::cell::Cell;
use std::mem;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use linchpin::futex::{
    FairMutex, Mutex, ReentrantMutex, ReentrantMutexGuard, RwLock, const_fair_mutex, const_mutex,
    const_reentrant_mutex, const_rwlock,
};

use super::common::{await_that, on_threads, times, watchdog};

#[test]
fn a_reentrant_mutex_is_locked_again_by_its_holder_alone() {
    let _watchdog = watchdog();
    let total = ReentrantMutex::new(Cell::new(0));
    on_threads(4, |_| {
        for _ in 0..times(1000, 5) {
            let outer = total.lock();
            outer.set(outer.get() + 1);
            let inner = total.try_lock().expect("it is this thread's");
            assert!(total.is_owned_by_current_thread());
            inner.set(inner.get() + 1);
            drop(outer);
            inner.set(inner.get() + 1);
        }
    });
    assert!(!total.is_locked());
    assert_eq!(total.into_inner().get(), 4 * 3 * times(1000, 5));
}

#[test]
fn a_reentrant_mutex_is_refused_to_others() {
    let lock = ReentrantMutex::new(());
    let mut held = lock.lock();
    thread::scope(|scope| {
        scope.spawn(|| {
            assert!(lock.try_lock().is_none() && !lock.is_owned_by_current_thread());
            assert!(lock.try_lock_for(Duration::from_millis(1)).is_none());
        });
    });
    ReentrantMutexGuard::bump(&mut held);
    assert!(!ReentrantMutexGuard::unlocked(&mut held, || lock.is_locked()));
    assert!(lock.is_owned_by_current_thread());
}

/// A thread that has ended with its guard forgotten leaves the lock locked: none that comes later is taken for it.
#[test]
fn no_thread_is_taken_for_one_that_has_ended() {
    let lock = ReentrantMutex::new(());
    thread::scope(|scope| {
        let forgetful = scope.spawn(|| mem::forget(lock.lock()));
        forgetful.join().expect("it only forgets");
        for _ in 0..times(100, 3) {
            let later = scope.spawn(|| lock.try_lock().is_none());
            assert!(later.join().expect("it only tries"));
        }
    });
}

/// Two threads that each lock in a loop take turns once one of them is parked: each unlock hands off.
#[test]
fn a_fair_mutex_is_handed_to_the_thread_that_is_parked() {
    let _watchdog = watchdog();
    let (lock, is_over) = (FairMutex::new(0), AtomicBool::new(false));
    thread::scope(|scope| {
        let greedy = scope.spawn(|| {
            while !is_over.load(Ordering::Relaxed) {
                *lock.lock() += 1;
            }
        });
        await_that(|| *lock.lock() > 0);
        for _ in 0..times(100, 2) {
            assert!(
                lock.try_lock_for(Duration::from_secs(50)).is_some(),
                "its turn does not come"
            );
        }
        is_over.store(true, Ordering::Relaxed);
        greedy.join().expect("it only locks");
    });
    assert!(!lock.is_locked());
}

#[test]
fn statics_are_made_by_the_names_of_parking_lot_012() {
    static MUTEX: Mutex<u32> = const_mutex(1);
    static FAIR: FairMutex<u32> = const_fair_mutex(2);
    static REENTRANT: ReentrantMutex<u32> = const_reentrant_mutex(3);
    static RWLOCK: RwLock<u32> = const_rwlock(4);
    assert_eq!(
        [*MUTEX.lock(), *FAIR.lock(), *REENTRANT.lock(), *RWLOCK.read()],
        [1, 2, 3, 4]
    );
}

/// The crate whose raw locks these are can be named through this one.
#[test]
fn lock_api_is_named_through_the_crate() {
    fn add<R: linchpin::lock_api::RawMutex>(lock: &linchpin::lock_api::Mutex<R, u32>) -> u32 {
        *lock.lock() += 1;
        *lock.lock()
    }
    assert_eq!(
        add(&Mutex::new(1)) + add(&FairMutex::new(1)) + add(&linchpin::spin::Mutex::new(1)),
        6
    );
}

#[cfg(feature = "arc_lock")]
#[test]
fn guards_that_own_their_lock_are_named_as_in_parking_lot() {
    use linchpin::futex::{
        ArcMutexGuard, ArcReentrantMutexGuard, ArcRwLockWriteGuard, RawMutex, RawRwLock, RawThreadId,
    };
    use std::sync::Arc;

    let guard: ArcMutexGuard<RawMutex, u32> = Arc::new(Mutex::new(1)).lock_arc();
    let reentrant: ArcReentrantMutexGuard<RawMutex, RawThreadId, u32> = Arc::new(ReentrantMutex::new(2)).lock_arc();
    let writer: ArcRwLockWriteGuard<RawRwLock, u32> = Arc::new(RwLock::new(3)).write_arc();
    assert_eq!((*guard, *reentrant, *writer), (1, 2, 3));
}
