//! What only the kernel can tell: that a thread would wait for itself, and that a thread is no more.

use std::mem;
use std::sync::Barrier;
use std::thread;
use std::time::Duration;

use linchpin::futex::{PiError, PiMutex, PiMutexGuard};

use crate::common::{THREAD_COUNTS, on_threads, watchdog};
use crate::{A_WHILE, AN_HOUR};

fn is_deadlock<T>(outcome: Result<T, PiError<T>>) -> bool {
    matches!(outcome, Err(PiError::Deadlock))
}

#[test]
fn a_thread_does_not_wait_for_itself() {
    let _watchdog = watchdog();
    let mutex = PiMutex::new(0);
    for awaited in [false, true] {
        let mut held = mutex.lock().expect("it is free");
        if awaited {
            // It leaves the mark of the waiters behind.
            thread::scope(|scope| _ = scope.spawn(|| assert!(mutex.try_lock_for(Duration::ZERO).is_err())));
        }
        assert!(is_deadlock(mutex.lock()) && is_deadlock(mutex.try_lock()));
        assert!(is_deadlock(mutex.try_lock_for(AN_HOUR)) && is_deadlock(mutex.try_lock_for(Duration::ZERO)));
        *held += 1;
    }
    assert_eq!(
        *mutex.try_lock().expect("that has not unlocked it, nor locked it twice"),
        2
    );
}

/// Threads that each hold one and lock the next, in a circle: at least one is told, and then all the others get
/// through.
#[test]
fn a_circle_is_found() {
    let _watchdog = watchdog();
    for length in [2, 3, 8] {
        let mutexes: Vec<_> = (0..length).map(|_| PiMutex::new(0)).collect();
        let told = PiMutex::new(0);
        let all_hold_one = Barrier::new(length);
        on_threads(length, |index| {
            let _held = mutexes[index].lock().expect("it is free");
            all_hold_one.wait();
            match mutexes[(index + 1) % length].lock() {
                Ok(mut next) => *next += 1,
                Err(PiError::Deadlock) => *told.lock().expect("it is free now and then") += 1,
                Err(error) => panic!("{error}"),
            }
        });
        let told = told.into_inner();
        let passed: usize = mutexes.into_iter().map(PiMutex::into_inner).sum();
        assert!(
            told >= 1 && told + passed == length,
            "{told} told, {passed} passed, of {length}"
        );
    }
}

/// Locks it for ever, on a thread that ends, with the value half changed; `meanwhile` runs while that thread lives.
fn abandon(mutex: &PiMutex<u32>, meanwhile: impl FnOnce()) {
    let (held, done) = (Barrier::new(2), Barrier::new(2));
    thread::scope(|scope| {
        let owner = scope.spawn(|| {
            let mut guard = mutex
                .lock()
                .or_else(|error| error.into_guard().ok_or(()))
                .expect("locked");
            *guard = 666;
            mem::forget(guard);
            held.wait();
            done.wait();
        });
        held.wait();
        meanwhile();
        done.wait();
        // The scope would only wait for the end of the closure.
        owner.join().expect("it only locks");
    });
}

/// Asserts that the owner is reported dead until it is repaired, by every way to lock.
fn is_reported_until_repaired(mutex: &PiMutex<u32>) {
    type Locks = fn(&PiMutex<u32>) -> Result<PiMutexGuard<'_, u32>, PiError<PiMutexGuard<'_, u32>>>;
    let ways: [Locks; 4] = [
        PiMutex::lock,
        PiMutex::try_lock,
        |mutex| mutex.try_lock_for(Duration::ZERO),
        |mutex| mutex.try_lock_for(AN_HOUR),
    ];
    for lock in ways.into_iter().chain(ways) {
        let error = lock(mutex).expect_err("the value is half changed");
        assert_eq!(format!("{error:?}"), "OwnerDied(..)");
        assert!(error.to_string().contains("ended while it held"), "{error}");
        assert_eq!(*error.into_guard().expect("it is locked"), 666);
    }
    assert_eq!(format!("{mutex:?}"), "PiMutex { value: 666, owner_died: true }");
    let mut guard = mutex
        .lock()
        .expect_err("the value is half changed")
        .into_guard()
        .expect("it is locked");
    *guard = 1;
    PiMutexGuard::mark_repaired(&mut guard);
    assert!(is_deadlock(mutex.lock()));
    drop(guard);
    for lock in ways {
        assert_eq!(lock(mutex).map(|value| *value).expect("it is repaired"), 1);
    }
}

#[test]
fn an_owner_that_died_unnoticed_is_reported() {
    let _watchdog = watchdog();
    let mutex = PiMutex::new(0);
    for _ in 0..100 {
        abandon(&mutex, || {});
        is_reported_until_repaired(&mutex);
    }
}

#[test]
fn an_owner_that_died_after_its_waiters_gave_up_is_reported() {
    let _watchdog = watchdog();
    let mutex = PiMutex::new(0);
    for _ in 0..20 {
        abandon(&mutex, || {
            assert!(matches!(mutex.try_lock(), Err(PiError::WouldBlock)));
            assert!(matches!(
                mutex.try_lock_for(Duration::from_micros(100)),
                Err(PiError::TimedOut)
            ));
        });
        is_reported_until_repaired(&mutex);
    }
}

#[test]
fn a_death_is_found_by_each_way_to_lock_first() {
    let _watchdog = watchdog();
    let mutex = PiMutex::new(0);
    abandon(&mutex, || {});
    assert!(matches!(mutex.try_lock(), Err(PiError::OwnerDied(_))));
    abandon(&mutex, || {});
    assert!(matches!(mutex.try_lock_for(Duration::ZERO), Err(PiError::OwnerDied(_))));
    is_reported_until_repaired(&mutex);
}

/// Waiters sleep when the owner dies: the kernel wakes the first, which hears of it, and so do the others.
#[test]
fn an_owner_that_dies_while_others_wait_is_reported() {
    let _watchdog = watchdog();
    for &waiters in THREAD_COUNTS {
        let mutex = PiMutex::new(0);
        let inherited = PiMutex::new(0);
        thread::scope(|scope| {
            abandon(&mutex, || {
                for index in 0..waiters {
                    let (mutex, inherited) = (&mutex, &inherited);
                    scope.spawn(move || {
                        let timeout = if index % 2 == 0 { AN_HOUR } else { Duration::MAX };
                        let guard = mutex.try_lock_for(timeout).expect_err("an owner has died").into_guard();
                        assert_eq!(*guard.expect("it is locked"), 666);
                        *inherited.lock().expect("no thread dies here") += 1;
                    });
                }
                thread::sleep(A_WHILE);
            });
        });
        assert_eq!(inherited.into_inner(), waiters);
        is_reported_until_repaired(&mutex);
    }
}

/// Threads die one after the other, and all at once come for it: one owner at a time.
#[test]
fn many_die() {
    let _watchdog = watchdog();
    for &threads in THREAD_COUNTS {
        let mutex = PiMutex::new(0);
        on_threads(threads, |_| {
            let mut guard = match mutex.lock() {
                Ok(guard) | Err(PiError::OwnerDied(guard)) => guard,
                Err(error) => panic!("{error}"),
            };
            *guard += 1;
            mem::forget(guard);
        });
        let count = mutex.lock().expect_err("they have died").into_guard();
        assert_eq!(*count.expect("it is locked"), threads);
    }
}
