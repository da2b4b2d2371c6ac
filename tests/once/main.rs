//! What happens once, and values that are made once, under native threads: outcomes, never times.

#[cfg(feature = "std")]
mod act;
#[path = "../common/mod.rs"]
mod common;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use common::{Drops, THREAD_COUNTS, await_that, die, on_threads, times, watchdog};
use linchpin::wait::{DefaultPark, DefaultWait, LazyLock, OnceLock, Spin, Wait};

fn fails(act: impl FnOnce()) -> bool {
    catch_unwind(AssertUnwindSafe(act)).is_err()
}

/// Runs `test` with each policy.
macro_rules! with_each_policy {
    ($($test:ident)*) => {$(
        #[test]
        fn $test() {
            let _watchdog = watchdog();
            policies::$test::<DefaultPark>();
            policies::$test::<DefaultWait>();
            policies::$test::<Spin>();
        }
    )*};
}

with_each_policy! {
    one_of_many_makes_it_and_all_have_it
    a_closure_that_fails_leaves_the_place_to_the_next
    a_panic_poisons_and_reaches_those_that_wait
    a_wait_ends_when_the_value_comes
    a_poll_waits_only_for_what_is_being_made
    a_value_is_dropped_once_if_it_was_made
    a_lazy_value_is_made_when_it_is_used
    a_lazy_value_whose_closure_panics_is_poisoned
}

mod policies {
    use super::*;

    pub(super) fn one_of_many_makes_it_and_all_have_it<W: Wait>() {
        // Waiters that spin for ever pass whole time slices where they outnumber the cores.
        for &threads in THREAD_COUNTS
            .iter()
            .take(if std::any::type_name::<W>().ends_with("Spin") {
                1
            } else {
                4
            })
        {
            for _ in 0..times(50, 2) {
                let (value, makers) = (OnceLock::<usize, W>::new(), AtomicUsize::new(0));
                on_threads(threads, |index| {
                    let seen = *value.call_once(|| {
                        makers.fetch_add(1, Ordering::Relaxed);
                        thread::yield_now();
                        index + 1
                    });
                    assert_eq!(value.get(), Some(&seen));
                });
                assert_eq!(makers.into_inner(), 1);
                assert!(value.is_completed() && value.try_into_inner().is_some_and(|made| made <= threads));
            }
        }
    }

    pub(super) fn a_closure_that_fails_leaves_the_place_to_the_next<W: Wait>() {
        let (value, failures) = (OnceLock::<u32, W>::new(), AtomicUsize::new(0));
        on_threads(4, |_| {
            let tried = value.try_call_once(|| match failures.fetch_add(1, Ordering::Relaxed) {
                3 => Ok(7),
                failure => Err(failure),
            });
            assert!(matches!(tried, Ok(&7) | Err(0..3)));
        });
        assert_eq!(value.call_once(|| 8), &7);
    }

    pub(super) fn a_panic_poisons_and_reaches_those_that_wait<W: Wait>() {
        let value = OnceLock::<u32, W>::new();
        let is_running = AtomicUsize::new(0);
        thread::scope(|scope| {
            let waiter = scope.spawn(|| fails(|| _ = value.wait()));
            let maker = scope.spawn(|| {
                fails(|| {
                    value.call_once(|| {
                        is_running.store(1, Ordering::Release);
                        thread::yield_now();
                        die()
                    });
                })
            });
            await_that(|| is_running.load(Ordering::Acquire) == 1);
            assert!(
                fails(|| _ = value.call_once(|| 1)),
                "it waits for the maker, or comes after it"
            );
            assert!(waiter.join().expect("it only waits") && maker.join().expect("it is caught"));
        });
        assert!(fails(|| _ = value.poll()) && fails(|| _ = value.wait()));
        assert_eq!((value.get(), value.is_completed()), (None, false));
    }

    pub(super) fn a_wait_ends_when_the_value_comes<W: Wait>() {
        for _ in 0..times(50, 2) {
            let value = OnceLock::<Vec<u32>, W>::new();
            thread::scope(|scope| {
                let waiters = [(), ()].map(|()| scope.spawn(|| value.wait().len()));
                thread::yield_now();
                value.call_once(|| vec![1, 2, 3]);
                for waiter in waiters {
                    assert_eq!(waiter.join().expect("it only waits"), 3);
                }
            });
        }
    }

    pub(super) fn a_poll_waits_only_for_what_is_being_made<W: Wait>() {
        let (value, is_running) = (OnceLock::<u32, W>::new(), AtomicUsize::new(0));
        assert_eq!(value.poll(), None);
        thread::scope(|scope| {
            scope.spawn(|| {
                value.call_once(|| {
                    is_running.store(1, Ordering::Release);
                    thread::yield_now();
                    5
                });
            });
            await_that(|| is_running.load(Ordering::Acquire) == 1);
            assert_eq!(value.poll(), Some(&5));
        });
    }

    pub(super) fn a_value_is_dropped_once_if_it_was_made<W: Wait>() {
        let drops = Drops::default();
        drop(OnceLock::<common::Counted, W>::new());
        assert_eq!(drops.count(), 0);
        let made = OnceLock::<_, W>::new();
        made.call_once(|| drops.counted());
        drop(made);
        assert_eq!(drops.count(), 1);
        let taken = OnceLock::<_, W>::initialized(drops.counted()).try_into_inner();
        assert_eq!(drops.count(), 1);
        drop(taken);
        assert_eq!(drops.count(), 2);
        assert!(OnceLock::<u32, W>::new().try_into_inner().is_none());
    }

    pub(super) fn a_lazy_value_is_made_when_it_is_used<W: Wait>() {
        let makers = AtomicUsize::new(0);
        let lazy = LazyLock::<_, _, W>::new(|| makers.fetch_add(1, Ordering::Relaxed) + 41);
        assert_eq!(LazyLock::get(&lazy), None);
        assert_eq!(format!("{lazy:?}"), "LazyLock(<uninit>)");
        on_threads(2, |_| assert_eq!(*lazy, 41));
        assert_eq!((LazyLock::get(&lazy), makers.load(Ordering::Relaxed)), (Some(&41), 1));
        assert_eq!(format!("{lazy:?}"), "LazyLock(41)");
        assert_eq!(*LazyLock::<String, fn() -> String, W>::default(), "");
    }

    pub(super) fn a_lazy_value_whose_closure_panics_is_poisoned<W: Wait>() {
        let lazy = LazyLock::<u32, _, W>::new(|| die());
        assert!(fails(|| _ = *lazy) && fails(|| _ = LazyLock::force(&lazy)));
        assert_eq!(LazyLock::get(&lazy), None);
    }
}

#[test]
fn the_value_is_had_by_reference_and_by_pointer() {
    let mut value = OnceLock::<u32>::from(1);
    *value.get_mut().expect("it is there") += 1;
    // SAFETY: no other thread knows it, and it is there.
    unsafe { *value.as_mut_ptr() += 1 };
    // SAFETY: it is there.
    assert_eq!(unsafe { *value.get_unchecked() }, 3);
    assert_eq!((format!("{value:?}"), value.init_from_ref(&9)), ("Once(3)".into(), &3));
    let mut empty = OnceLock::<u32>::default();
    assert_eq!(empty.get_mut(), None);
    assert_eq!(format!("{empty:?}"), "Once(<uninit>)");
    assert_eq!(empty.init_from_ref(&9), &9);
}
