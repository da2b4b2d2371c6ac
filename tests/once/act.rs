//! `futex::Once`.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use linchpin::futex::{Once, OnceState};

use super::common::{THREAD_COUNTS, await_that, die, on_threads, times, watchdog};
use super::fails;

#[test]
fn one_of_many_acts_and_all_see_it() {
    let _watchdog = watchdog();
    for &threads in THREAD_COUNTS {
        for _ in 0..times(50, 2) {
            let (once, acts) = (Once::new(), AtomicUsize::new(0));
            on_threads(threads, |_| {
                once.call_once(|| {
                    thread::yield_now();
                    acts.fetch_add(1, Ordering::Relaxed);
                });
                assert_eq!(acts.load(Ordering::Relaxed), 1);
                assert!(once.is_completed());
            });
        }
    }
}

#[test]
fn a_panic_poisons_until_a_forced_call_succeeds() {
    let _watchdog = watchdog();
    let once = Once::new();
    assert_eq!(
        (once.state(), format!("{once:?}").as_str()),
        (OnceState::New, "Once { state: New }")
    );
    assert!(fails(|| once.call_once(|| die())));
    assert_eq!(once.state(), OnceState::Poisoned);
    assert!(once.state().poisoned() && once.state().is_poisoned() && !once.state().done());
    assert!(fails(|| once.call_once(|| ())) && fails(|| once.wait()));
    assert!(fails(|| once.call_once_force(|state| {
        assert_eq!((state, once.state()), (OnceState::Poisoned, OnceState::InProgress));
        die()
    })));
    assert_eq!(once.state(), OnceState::Poisoned);
    let mut seen = None;
    once.call_once_force(|state| seen = Some(state));
    assert_eq!(seen, Some(OnceState::Poisoned));
    assert!(once.state().done() && once.state().is_completed());
    once.call_once_force(|_| unreachable!("it has happened"));
    once.wait();
    assert!(Once::new_completed().is_completed());
}

/// Those that wait for a closure that panics: a plain call panics too, a forced one takes over, and a wait that ignores poisoning
/// sleeps on until then.
#[test]
fn those_that_wait_hear_of_a_panic() {
    let _watchdog = watchdog();
    for _ in 0..times(50, 2) {
        let (once, log) = (Once::new(), Mutex::new(Vec::new()));
        let note = |what| log.lock().expect("no thread panics while it notes").push(what);
        thread::scope(|scope| {
            let sleeper = scope.spawn(|| {
                once.wait_force();
                note("woken");
            });
            let (first, is_running) = (&once, AtomicUsize::new(0));
            let is_running = &is_running;
            thread::scope(|inner| {
                inner.spawn(move || {
                    assert!(fails(|| first.call_once(|| {
                        is_running.store(1, Ordering::Release);
                        thread::yield_now();
                        die()
                    })));
                });
                await_that(|| is_running.load(Ordering::Acquire) == 1);
                assert!(fails(|| once.call_once(|| ())));
            });
            note("poisoned");
            once.call_once_force(|state| {
                assert!(state.is_poisoned());
                note("forced");
            });
            sleeper.join().expect("it only waits");
        });
        assert_eq!(log.into_inner().expect("as above"), ["poisoned", "forced", "woken"]);
    }
}

#[test]
fn the_names_of_parking_lot_work() {
    let _watchdog = watchdog();
    macro_rules! program {
        ($krate:ident) => {{
            use $krate::{FairMutex, FairMutexGuard, MappedFairMutexGuard, Once, OnceState, ReentrantMutex};
            use $krate::{MappedReentrantMutexGuard, ReentrantMutexGuard};
            static START: Once = Once::new();
            let mut count = 0;
            (0..2).for_each(|_| START.call_once(|| count += 1));
            START.call_once_force(|_: OnceState| count += 1);
            let fair = FairMutex::new((1, 2));
            let held: FairMutexGuard<'_, _> = fair.lock();
            let mapped: MappedFairMutexGuard<'_, i32> = FairMutexGuard::map(held, |pair| &mut pair.1);
            let second = *mapped;
            drop(mapped);
            let reentrant = ReentrantMutex::new((1, 2));
            let outer: ReentrantMutexGuard<'_, _> = reentrant.lock();
            let inner: MappedReentrantMutexGuard<'_, i32> = ReentrantMutexGuard::map(reentrant.lock(), |pair| &pair.1);
            let sum = outer.0 + *inner;
            let owned = reentrant.is_owned_by_current_thread();
            (
                count,
                START.state().is_completed(),
                second,
                sum,
                owned,
                fair.try_lock().is_some(),
            )
        }};
    }
    use linchpin::futex as ours;
    let expected = (1, true, 2, 3, true, true);
    assert_eq!(program!(ours), expected);
    assert_eq!(program!(parking_lot), expected);
}
