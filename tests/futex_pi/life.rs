//! The life of the mutex, its value and its guards.

use std::error::Error;
use std::mem;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::thread;
use std::time::Duration;

use linchpin::futex::{PiError, PiMutex, PiMutexGuard};

use crate::common::{Drops, at_thread_exit, die, on_threads, watchdog};
use crate::while_held;

static STATIC: PiMutex<u64> = PiMutex::new(0);

#[test]
fn it_fits_in_a_static() {
    on_threads(4, |_| *STATIC.lock().expect("no thread dies") += 1);
    assert_eq!(*STATIC.lock().expect("no thread dies"), 4);
}

#[test]
fn a_panic_releases_it() {
    let mutex = PiMutex::new(0);
    let outcome = catch_unwind(AssertUnwindSafe(|| {
        let mut guard = mutex.lock().expect("it is free");
        *guard = 1;
        die();
    }));
    assert!(outcome.is_err());
    assert_eq!(*mutex.try_lock().expect("neither held nor poisoned"), 1);
}

#[test]
fn a_thread_that_panics_releases_it() {
    let _watchdog = watchdog();
    let mutex = PiMutex::new(0);
    thread::scope(|scope| {
        let dying = scope.spawn(|| {
            let _guard = mutex.lock().expect("it is free");
            die();
        });
        assert!(dying.join().is_err());
    });
    assert_eq!(*mutex.lock().expect("neither held nor poisoned"), 0);
}

#[test]
fn a_value_is_dropped_once() {
    let drops = Drops::default();
    let mutex = PiMutex::new(drops.counted());
    drop(mutex.lock().expect("it is free"));
    *mutex.lock().expect("it is free") = drops.counted();
    assert_eq!(drops.count(), 1, "the old value");
    drop(mutex);
    assert_eq!(drops.count(), 2);
    drop(PiMutex::new(drops.counted()).into_inner());
    assert_eq!(drops.count(), 3);
    let held = PiMutex::new(drops.counted());
    mem::forget(held.lock().expect("it is free"));
    drop(held);
    assert_eq!(drops.count(), 4, "also of a mutex that is held for ever");
}

#[test]
fn guards_are_dropped_in_any_order() {
    let mutexes = [const { PiMutex::new(0) }; 3];
    for order in [[0, 1, 2], [2, 1, 0], [1, 2, 0]] {
        let mut guards = [0, 1, 2].map(|place| Some(mutexes[place].lock().expect("it is free")));
        for place in order {
            *guards[place].take().expect("once") += 1;
            drop(mutexes[place].try_lock().expect("this one is free"));
        }
    }
    assert!(mutexes.into_iter().all(|mutex| mutex.into_inner() == 3));
}

#[test]
fn exclusive_access_needs_no_lock() {
    let mut mutex = PiMutex::new(1);
    mem::forget(mutex.lock().expect("it is free"));
    *mutex.get_mut() += 1;
    assert_eq!(mutex.into_inner(), 2);
    assert_eq!(PiMutex::from(3).into_inner() + *PiMutex::<i32>::default().get_mut(), 3);
}

#[test]
fn one_that_is_moved_stays_locked() {
    let _watchdog = watchdog();
    let mutex = Box::new(PiMutex::new(0));
    mem::forget(mutex.lock().expect("it is free"));
    let is_held = |mutex: &PiMutex<i32>| {
        thread::scope(|scope| {
            let other = scope.spawn(|| matches!(mutex.try_lock_for(Duration::from_millis(1)), Err(PiError::TimedOut)));
            other.join().expect("it only tries")
        })
    };
    // With a mark of the waiters, that is.
    assert!(is_held(&mutex));
    let moved = *mutex;
    assert!(is_held(&moved) && matches!(moved.lock(), Err(PiError::Deadlock)));
}

#[test]
fn unsized_values_work() {
    let mutex: &PiMutex<[i32]> = &PiMutex::new([1, 2, 3]);
    mutex.lock().expect("it is free").reverse();
    assert_eq!(format!("{mutex:?}"), "PiMutex { value: [3, 2, 1] }");
}

#[test]
fn it_shows_the_value_or_that_it_is_locked() {
    let _watchdog = watchdog();
    let mutex = PiMutex::new("text");
    let free = r#"PiMutex { value: "text" }"#;
    assert_eq!(format!("{mutex:?}"), free);
    let guard = mutex.lock().expect("it is free");
    assert_eq!(
        format!("{guard:?} {guard} {mutex:?}"),
        r#""text" text PiMutex { value: <locked> }"#
    );
    drop(guard);
    while_held(&mutex, || {
        assert_eq!(format!("{mutex:?}"), "PiMutex { value: <locked> }")
    });
    assert_eq!(format!("{mutex:?}"), free, "showing it unlocks it");
}

#[test]
fn thread_local_destructors_may_lock() {
    let _watchdog = watchdog();
    static COUNT: PiMutex<u32> = PiMutex::new(0);
    for locks_before in [false, true] {
        on_threads(4, |_| {
            if locks_before {
                *COUNT.lock().expect("no thread dies") += 1;
            }
            at_thread_exit(|| *COUNT.lock().expect("no thread dies") += 1);
            *COUNT.lock().expect("no thread dies") += 1;
        });
    }
    assert_eq!(*COUNT.lock().expect("no thread dies"), 4 * 2 + 4 * 3);
}

#[test]
fn errors_are_sentences_and_print_no_value() {
    type Refused = PiError<PiMutexGuard<'static, u64>>;
    let errors: [Refused; 4] = [
        PiError::Deadlock,
        PiError::WouldBlock,
        PiError::TimedOut,
        PiError::Refused { errno: 38 },
    ];
    let names = ["Deadlock", "WouldBlock", "TimedOut", "Refused { errno: 38 }"];
    for (error, name) in errors.into_iter().zip(names) {
        assert_eq!(format!("{error:?}"), name);
        let sentence = (&error as &dyn Error).to_string();
        assert!(sentence.len() > 20 && !sentence.contains(name), "{sentence}");
        assert!(error.into_guard().is_none());
    }
}
