//! The mutex with priority inheritance under native threads: exclusion, deadlines, and what only the kernel can tell.
//!
//! Nothing here asserts that something is fast. A test that would hang is ended by a watchdog.
#![cfg(all(feature = "std", any(target_os = "linux", target_os = "android"), not(miri)))]

#[path = "../common/mod.rs"]
mod common;
mod fork;
mod kernel;
mod life;
mod priority;
mod sandbox;

use std::sync::Barrier;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::thread;
use std::time::{Duration, Instant};

use common::{THREAD_COUNTS, on_threads, watchdog};
use linchpin::futex::{PiError, PiMutex};

const A_WHILE: Duration = Duration::from_millis(20);
const AN_HOUR: Duration = Duration::from_secs(3600);

#[test]
fn nothing_is_lost_and_holders_do_not_overlap() {
    let _watchdog = watchdog();
    for &threads in THREAD_COUNTS {
        let each = 20_000 / threads;
        let mutex = PiMutex::new(0_usize);
        let inside = AtomicUsize::new(0);
        on_threads(threads, |_| {
            for _ in 0..each {
                let mut total = mutex.lock().expect("no thread dies");
                assert_eq!(inside.swap(1, Relaxed), 0, "alone");
                *total += 1;
                inside.store(0, Relaxed);
            }
        });
        assert_eq!(mutex.into_inner(), each * threads, "{threads} threads");
    }
}

/// Every way to lock, mixed: those that give up leave marks behind, which the others must not stumble over.
#[test]
fn nothing_is_lost_where_many_give_up() {
    let _watchdog = watchdog();
    for &threads in THREAD_COUNTS {
        let mutex = PiMutex::new(0_usize);
        let (locked, gave_up) = (AtomicUsize::new(0), AtomicUsize::new(0));
        on_threads(threads, |index| {
            for round in 0..4000 / threads {
                let outcome = match (index + round) % 4 {
                    0 => mutex.lock(),
                    1 => mutex.try_lock(),
                    2 => mutex.try_lock_for(Duration::from_nanos(round as u64)),
                    _ => mutex.try_lock_until(Instant::now() + Duration::from_micros(50)),
                };
                match outcome {
                    Ok(mut total) => {
                        let before = *total;
                        if round % 16 == 0 {
                            thread::yield_now();
                        }
                        *total = before + 1;
                        locked.fetch_add(1, Relaxed);
                    }
                    Err(PiError::WouldBlock | PiError::TimedOut) => _ = gave_up.fetch_add(1, Relaxed),
                    Err(error) => panic!("{error}"),
                }
            }
        });
        assert_eq!(*mutex.try_lock().expect("it is free in the end"), locked.load(Relaxed));
        assert_eq!(locked.into_inner() + gave_up.into_inner(), 4000 / threads * threads);
    }
}

/// Holds `mutex` on another thread while `act` runs.
fn while_held<T: Send>(mutex: &PiMutex<T>, act: impl FnOnce()) {
    let (held, done) = (Barrier::new(2), Barrier::new(2));
    thread::scope(|scope| {
        scope.spawn(|| {
            let _guard = mutex.lock().expect("it is free");
            held.wait();
            done.wait();
        });
        held.wait();
        // Also if it panics: otherwise the scope would wait for ever.
        let outcome = std::panic::catch_unwind(std::panic::AssertUnwindSafe(act));
        done.wait();
        if let Err(panic) = outcome {
            std::panic::resume_unwind(panic);
        }
    });
}

#[test]
fn a_try_fails_while_it_is_held_and_only_then() {
    let _watchdog = watchdog();
    let mutex = PiMutex::new(0);
    for round in 0..100 {
        while_held(&mutex, || {
            assert!(matches!(mutex.try_lock(), Err(PiError::WouldBlock)));
            assert!(
                matches!(mutex.try_lock(), Err(PiError::WouldBlock)),
                "the first has left it as it was"
            );
        });
        let mut guard = mutex.try_lock().expect("it is free");
        assert_eq!(*guard, round);
        *guard += 1;
    }
}

#[test]
fn a_deadline_passes_and_not_before() {
    let _watchdog = watchdog();
    let mutex = PiMutex::new(());
    while_held(&mutex, || {
        for timeout in [
            Duration::ZERO,
            Duration::from_nanos(1),
            Duration::from_nanos(999_999_999) / 50,
            A_WHILE,
        ] {
            let start = Instant::now();
            assert!(matches!(mutex.try_lock_for(timeout), Err(PiError::TimedOut)));
            assert!(start.elapsed() >= timeout, "{:?} of {timeout:?}", start.elapsed());
            let deadline = Instant::now() + timeout;
            assert!(matches!(mutex.try_lock_until(deadline), Err(PiError::TimedOut)));
            assert!(Instant::now() >= deadline);
        }
        let past = Instant::now().checked_sub(A_WHILE).expect("this system is older");
        assert!(matches!(mutex.try_lock_until(past), Err(PiError::TimedOut)));
    });
    for timeout in [Duration::ZERO, Duration::from_nanos(1), AN_HOUR, Duration::MAX] {
        drop(mutex.try_lock_for(timeout).expect("it is free, and no time is needed"));
    }
}

#[test]
fn a_far_deadline_is_waited_for_no_longer_than_needed() {
    let _watchdog = watchdog();
    let mutex = PiMutex::new(0);
    let mut farthest = u64::MAX;
    while Instant::now().checked_add(Duration::from_secs(farthest)).is_none() {
        farthest /= 2;
    }
    for timeout in [AN_HOUR, Duration::from_secs(farthest), Duration::MAX] {
        let mut held = mutex.lock().expect("it is free");
        let begun = Barrier::new(2);
        thread::scope(|scope| {
            let waiter = scope.spawn(|| {
                begun.wait();
                mutex.try_lock_for(timeout).map(|mut value| *value += 1).is_ok()
            });
            begun.wait();
            thread::sleep(A_WHILE / 4);
            *held += 1;
            drop(held);
            assert!(waiter.join().expect("it only waits"), "{timeout:?}");
        });
    }
    assert_eq!(mutex.into_inner(), 6);
}
