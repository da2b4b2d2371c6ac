//! Deadlines and hand-overs of the mutex.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use linchpin::futex::{Mutex, MutexGuard};

use super::common::{on_threads, times, watchdog};
use super::{TIMES, long_ago};

/// Long enough for a thread to begin to wait and fall asleep; Miri takes its time.
const FALLS_ASLEEP: Duration = Duration::from_millis(if cfg!(miri) { 5000 } else { 100 });

#[test]
fn a_held_lock_is_waited_for_as_long_as_was_said() {
    let _watchdog = watchdog();
    let lock = Mutex::new(0);
    let held = lock.lock();
    on_threads(2, |_| {
        for time in TIMES {
            let start = Instant::now();
            assert!(lock.try_lock_for(time).is_none());
            assert!(start.elapsed() >= time, "after {:?} of {time:?}", start.elapsed());
            assert!(lock.try_lock_until(start).is_none(), "a deadline that has passed");
        }
        assert!(lock.try_lock_until(long_ago()).is_none());
    });
    drop(held);
    assert!(lock.try_lock().is_some(), "those that gave up have left nothing behind");
}

#[test]
fn a_free_lock_is_had_whatever_the_deadline() {
    let lock = Mutex::new(0);
    for time in TIMES.into_iter().chain([Duration::MAX]) {
        *lock.try_lock_for(time).expect("it is free") += 1;
    }
    *lock.try_lock_until(long_ago()).expect("it is free") += 1;
    assert_eq!(lock.into_inner(), 6);
}

#[test]
fn the_longest_deadline_is_one() {
    let _watchdog = watchdog();
    let lock = Mutex::new(0);
    let held = lock.lock();
    thread::scope(|scope| {
        let waiter = scope.spawn(|| lock.try_lock_for(Duration::MAX).map(|mut value| *value += 1));
        thread::sleep(Duration::from_millis(20));
        drop(held);
        assert!(waiter.join().expect("it only waits").is_some());
    });
    assert_eq!(lock.into_inner(), 1);
}

/// A wake-up that reaches a thread in the instant in which it gives up goes on to the next.
#[test]
fn a_wait_that_gives_up_takes_no_wake_up_with_it() {
    let _watchdog = watchdog();
    let lock = Mutex::new(0);
    let rounds = times(300, 5);
    on_threads(6, |index| {
        for round in 0..rounds {
            let time = Duration::from_micros((round % 50) as u64);
            match index {
                0 => {
                    let mut held = lock.lock();
                    thread::sleep(Duration::from_micros(20));
                    *held += 1;
                }
                1..=3 => drop(lock.try_lock_for(time)),
                _ => *lock.lock() += 1,
            }
        }
    });
    assert_eq!(lock.into_inner(), 3 * rounds);
}

/// The sleeper has the lock before the thread that let it go can have it again.
#[test]
#[cfg_attr(
    miri,
    ignore = "the look for waiters is Relaxed, and Miri lets it miss them for any time"
)]
fn unlock_fair_hands_the_lock_over() {
    let _watchdog = watchdog();
    for contended_before in [false, true] {
        let order = Mutex::new(Vec::new());
        if contended_before {
            let held = order.lock();
            thread::scope(|scope| {
                scope.spawn(|| drop(order.lock()));
                thread::sleep(Duration::from_millis(20));
                drop(held);
            });
        }
        let held = order.lock();
        thread::scope(|scope| {
            scope.spawn(|| order.lock().push("the sleeper"));
            thread::sleep(FALLS_ASLEEP);
            MutexGuard::unlock_fair(held);
            order.lock().push("the thread that let go");
        });
        assert_eq!(order.into_inner(), ["the sleeper", "the thread that let go"]);
    }
}

#[test]
#[cfg_attr(
    miri,
    ignore = "the look for waiters is Relaxed, and Miri lets it miss them for any time"
)]
fn bump_lets_a_sleeper_in_and_returns_with_the_lock() {
    let _watchdog = watchdog();
    let order = Mutex::new(Vec::new());
    let mut held = order.lock();
    MutexGuard::bump(&mut held);
    thread::scope(|scope| {
        scope.spawn(|| order.lock().push(1));
        thread::sleep(FALLS_ASLEEP);
        MutexGuard::bump(&mut held);
        held.push(2);
        drop(held);
    });
    assert_eq!(order.into_inner(), [1, 2]);
}

/// `parking_lot` handed a lock over after half a millisecond, until 0.13. With a holder that comes back at once, the
/// thread that waits would otherwise depend on luck: when it wakes up, the lock is taken again.
#[test]
fn a_thread_that_has_waited_long_is_not_passed_for_ever() {
    let _watchdog = watchdog();
    for section in [Duration::from_micros(200), Duration::from_millis(2)] {
        let lock = Mutex::new(0);
        let (acquisitions, over) = (AtomicUsize::new(0), AtomicBool::new(false));
        thread::scope(|scope| {
            scope.spawn(|| {
                while !over.load(Ordering::Relaxed) {
                    let mut held = lock.lock();
                    thread::sleep(section);
                    *held += 1;
                    drop(held);
                    acquisitions.fetch_add(1, Ordering::Relaxed);
                }
            });
            while acquisitions.load(Ordering::Relaxed) == 0 {
                thread::yield_now();
            }
            for _ in 0..times(10, 1) {
                let before = acquisitions.load(Ordering::Relaxed);
                drop(lock.lock());
                let passed = acquisitions.load(Ordering::Relaxed) - before;
                // Some sleeps end late on a machine that is busy; without a hand-over it is thousands.
                assert!(passed < 200, "{passed} times passed, by sections of {section:?}");
            }
            over.store(true, Ordering::Relaxed);
        });
    }
}

/// Sleepers of different locks share buckets, and do not mix them up.
#[test]
fn sleepers_of_a_thousand_locks_find_their_own() {
    let _watchdog = watchdog();
    let locks: Vec<Mutex<usize>> = (0..times(1000, 8)).map(|_| Mutex::new(0)).collect();
    let held: Vec<_> = locks.iter().map(Mutex::lock).collect();
    thread::scope(|scope| {
        for index in 0..32 {
            let locks = &locks;
            scope.spawn(move || {
                for lock in locks.iter().skip(index % locks.len()).step_by(32) {
                    *lock.lock() += 1;
                }
            });
        }
        thread::sleep(Duration::from_millis(50));
        drop(held);
    });
    let total: usize = locks.into_iter().map(Mutex::into_inner).sum();
    let expected: usize = (0..32)
        .map(|index| times(1000, 8).saturating_sub(index % times(1000, 8)).div_ceil(32))
        .sum();
    assert_eq!(total, expected);
}
