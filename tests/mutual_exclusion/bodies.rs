//! What every lock does that admits one holder.

use super::*;
use lock_api::{MappedMutexGuard, Mutex, MutexGuard};

pub fn nothing_is_lost_and_nobody_overlaps<R: Raw>() {
    let acquisitions = times(1 << 16, 64);
    for &threads in THREAD_COUNTS {
        let lock = Mutex::<R, _>::new(Section::default());
        on_threads(threads, |_| {
            (0..acquisitions / threads).for_each(|_| lock.lock().pass())
        });
        assert_eq!(lock.into_inner().acquisitions, acquisitions, "with {threads} threads");
    }
}

/// The shape of crossbeam #821: with the holder preempted, a thread that only spins stands still.
pub fn eight_threads_on_one_cpu_make_progress<R: Raw>() {
    if cfg!(any(miri, not(feature = "std"))) {
        return; // Miri has no processors to pin to; without `std` no thread yields.
    }
    let cpu = core_affinity::get_core_ids().and_then(|all| all.first().copied());
    let lock = Mutex::<R, _>::new(Section::default());
    on_threads(8, |_| {
        if let Some(cpu) = cpu {
            core_affinity::set_for_current(cpu);
        }
        for _ in 0..1000 {
            let mut section = lock.lock();
            section.pass();
            if section.acquisitions % 100 == 0 {
                thread::yield_now(); // the others now find a holder that is not running
            }
        }
    });
    assert_eq!(lock.into_inner().acquisitions, 8000);
}

pub fn try_lock_fails_while_it_is_held_and_only_then<R: Raw>() {
    let lock = Mutex::<R, _>::new(1);
    assert!(!lock.is_locked());
    let mut held = lock.try_lock().expect("it is free");
    assert!(lock.is_locked());
    assert!(lock.try_lock().is_none());
    on_threads(4, |_| assert!(lock.try_lock().is_none()));
    *held += 1;
    drop(held);
    assert!(!lock.is_locked());
    assert_eq!(lock.try_lock().as_deref(), Some(&2));
    assert_eq!(*lock.lock(), 2);
}

/// The shape of once_cell #186: a weak compare-exchange may fail where no thread is in the way.
pub fn a_free_lock_is_never_refused<R: Raw>() {
    let lock = Mutex::<R, _>::new(0);
    for round in 0..times(10_000, 200) {
        *lock.try_lock().expect("no thread holds it") += 1;
        assert_eq!(*lock.lock(), round + 1);
    }
}

pub fn tries_that_succeed_exclude<R: Raw>() {
    let lock = Mutex::<R, _>::new(Section::default());
    let successes = AtomicUsize::new(0);
    on_threads(4, |index| {
        for _ in 0..times(2000, 20) {
            if index == 0 {
                lock.lock().pass();
            } else if let Some(mut section) = lock.try_lock() {
                section.pass();
            } else {
                continue;
            }
            successes.fetch_add(1, Ordering::Relaxed);
        }
    });
    assert!(!lock.is_locked());
    assert_eq!(lock.into_inner().acquisitions, successes.into_inner());
}

pub fn a_panic_releases_it<R: Raw>() {
    let lock = Mutex::<R, _>::new(0);
    let outcome = catch_unwind(AssertUnwindSafe(|| {
        let mut held = lock.lock();
        *held = 1;
        die();
    }));
    assert!(outcome.is_err());
    assert_eq!(
        lock.try_lock().as_deref(),
        Some(&1),
        "free, not poisoned, and with what was written"
    );
}

pub fn a_thread_that_dies_releases_it<R: Raw>() {
    let lock = Arc::new(Mutex::<R, _>::new(0));
    for round in 1..=times(100, 4) {
        let dying = thread::spawn({
            let lock = Arc::clone(&lock);
            move || {
                let mut held = lock.lock();
                *held += 1;
                die();
            }
        });
        // Locks while the other may be about to die, not only after.
        assert!(*lock.lock() + 1 >= round);
        assert!(dying.join().is_err());
        assert_eq!(*lock.lock(), round);
    }
}

pub fn a_panic_in_map_releases_it<R: Raw>() {
    let lock = Mutex::<R, _>::new((1, 2));
    let outcome = catch_unwind(AssertUnwindSafe(|| {
        let _ = MutexGuard::map(lock.lock(), |_| -> &mut i32 { die() });
    }));
    assert!(outcome.is_err());
    assert_eq!(lock.try_lock().as_deref(), Some(&(1, 2)));
}

pub fn into_inner_returns_the_value<R: Raw>() {
    let drops = Drops::default();
    let lock = Mutex::<R, _>::new(drops.counted());
    drop(lock.lock());
    let value = lock.into_inner();
    assert_eq!(drops.count(), 0);
    drop(value);
    assert_eq!(drops.count(), 1);
}

pub fn get_mut_needs_no_lock<R: Raw>() {
    let mut lock = Mutex::<R, _>::new(1);
    *lock.get_mut() += 1;
    assert!(!lock.is_locked());
    mem::forget(lock.lock());
    *lock.get_mut() += 1;
    assert_eq!(lock.into_inner(), 3);
}

pub fn unsized_values_work<R: Raw>() {
    let array = Mutex::<R, _>::new([1, 2, 3]);
    let slice: &Mutex<R, [i32]> = &array;
    slice.lock()[1] = 5;
    assert_eq!(slice.lock().len(), 3);
    assert_eq!(*array.lock(), [1, 5, 3]);

    let boxed: Box<Mutex<R, dyn Any + Send>> = Box::new(Mutex::new(String::from("axle")));
    on_threads(2, |_| {
        boxed.lock().downcast_mut::<String>().expect("a string").push('s')
    });
    assert_eq!(boxed.lock().downcast_ref::<String>().expect("a string"), "axless");
    assert!(boxed.try_lock().is_some());
}

pub fn forgetting_a_guard_leaves_it_locked_and_nothing_worse<R: Raw>() {
    let drops = Drops::default();
    let lock = Mutex::<R, _>::new(drops.counted());
    mem::forget(lock.lock());
    assert!(lock.is_locked());
    on_threads(2, |_| assert!(lock.try_lock().is_none()));
    assert_eq!(drops.count(), 0);
    drop(lock);
    assert_eq!(drops.count(), 1);

    let lock = Mutex::<R, _>::new(drops.counted());
    mem::forget(lock.try_lock());
    drop(lock.into_inner());
    assert_eq!(drops.count(), 2);
}

pub fn a_value_is_dropped_once<R: Raw>() {
    let drops = Drops::default();
    let lock = Mutex::<R, _>::new(drops.counted());
    drop(lock.lock());
    on_threads(2, |_| {
        *lock.lock() = drops.counted();
    });
    assert_eq!(drops.count(), 2, "those that were replaced");
    drop(lock);
    assert_eq!(drops.count(), 3);
}

pub fn debug_shows_the_value_or_that_it_is_locked<R: Raw>() {
    let lock = Mutex::<R, _>::new(7);
    assert_eq!(format!("{lock:?}"), "Mutex { data: 7 }");
    let held = lock.lock();
    assert_eq!(format!("{lock:?}"), "Mutex { data: <locked> }");
    assert_eq!(format!("{held:?} {held}"), "7 7");
    drop(held);
    assert_eq!(format!("{lock:?}"), "Mutex { data: 7 }", "and it has let go again");
}

pub fn default_and_from_make_it_unlocked<R: Raw>() {
    let default = Mutex::<R, String>::default();
    assert!(!default.is_locked() && default.lock().is_empty());
    let from = Mutex::<R, _>::from(vec![1]);
    assert!(!from.is_locked());
    assert_eq!(from.into_inner(), [1]);
}

pub fn a_guard_may_be_dropped_on_another_thread<R: Traveller>() {
    let lock = Mutex::<R, _>::new(0);
    for round in 1..=times(100, 4) {
        let mut held = lock.lock();
        thread::scope(|scope| {
            scope.spawn(move || *held += 1);
            // Waits here for the other thread to let go.
            assert_eq!(*lock.lock(), round);
        });
    }
}

pub fn a_mapped_guard_holds_it<R: Raw>() {
    let lock = Mutex::<R, _>::new((1, [2, 3]));
    let mut second = MappedMutexGuard::map(MutexGuard::map(lock.lock(), |pair| &mut pair.1), |pair| &mut pair[0]);
    *second += 10;
    assert!(lock.try_lock().is_none());
    drop(second);
    assert_eq!(lock.try_lock().as_deref(), Some(&(1, [12, 3])));

    let unmapped = MutexGuard::try_map(lock.lock(), |_| None::<&mut i32>);
    assert!(lock.is_locked());
    drop(unmapped);
    assert!(!lock.is_locked());
}

pub fn a_mapped_guard_may_be_dropped_on_another_thread<R: Traveller>() {
    let lock = Mutex::<R, _>::new((1, [2, 3]));
    let second = MutexGuard::map(lock.lock(), |pair| &mut pair.1);
    thread::scope(|scope| {
        scope.spawn(move || drop(second));
    });
    assert_eq!(lock.try_lock().as_deref(), Some(&(1, [2, 3])));
}

pub fn a_leaked_guard_holds_it<R: Raw>() {
    let mut lock = Mutex::<R, _>::new(1);
    *MutexGuard::leak(lock.lock()) = 2;
    assert!(lock.try_lock().is_none());
    assert_eq!(*lock.get_mut(), 2);
}

pub fn unlocked_lets_others_in<R: Raw>() {
    let lock = Mutex::<R, _>::new(0);
    let mut held = lock.lock();
    MutexGuard::unlocked(&mut held, || on_threads(2, |_| *lock.lock() += 1));
    assert!(lock.is_locked());
    assert_eq!(*held, 2);
    let outcome = catch_unwind(AssertUnwindSafe(|| MutexGuard::unlocked(&mut held, || die())));
    assert!(outcome.is_err() && lock.is_locked(), "relocked on the way out");
    drop(held);
    assert!(!lock.is_locked());
}

pub fn thread_local_destructors_may_lock<R: Raw>() {
    let lock = Arc::new(Mutex::<R, _>::new(0));
    let threads: Vec<_> = (0..2)
        .map(|_| {
            let lock = Arc::clone(&lock);
            thread::spawn(move || {
                let again = Arc::clone(&lock);
                at_thread_exit(move || *again.lock() += 1);
                *lock.lock() += 1;
            })
        })
        .collect();
    for thread in threads {
        thread.join().expect("it only adds");
    }
    assert_eq!(*lock.lock(), 4);
}

/// The shape of RUSTSEC-2026-0005 (oneshot): the thread that comes next may free the lock while `unlock` has not
/// returned.
pub fn unlock_touches_nothing_after_the_last_instant<R: Raw>() {
    nothing_is_touched_after(
        || Mutex::<R, _>::new(0),
        |lock, inside| {
            // SAFETY: it lives until this has let go.
            let mut held = unsafe { &*lock }.lock();
            inside.store(true, Ordering::Release);
            *held = 1;
        },
        |lock, inside| {
            await_that(|| inside.load(Ordering::Acquire));
            assert_eq!(*lock.lock(), 1);
        },
    );
}

pub fn thousands_at_once<R: Raw>() {
    let locks: Vec<_> = (0..times(5000, 50)).map(|_| Mutex::<R, _>::new(0)).collect();
    let held: Vec<_> = locks.iter().map(Mutex::lock).collect();
    assert!(locks.iter().all(Mutex::is_locked));
    drop(held);
    on_threads(4, |_| locks.iter().for_each(|lock| *lock.lock() += 1));
    assert!(locks.into_iter().all(|lock| lock.into_inner() == 4));
}

pub fn two_locks_are_independent<R: Raw>() {
    let (one, other) = (Mutex::<R, _>::new(1), Mutex::<R, _>::new(2));
    let held = one.lock();
    assert!(other.try_lock().is_some_and(|other| *held + *other == 3));
}
