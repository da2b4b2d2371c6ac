//! The counters under native threads: nothing that was added is ever lost.
#![cfg(target_has_atomic = "64")]

mod stage;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use linchpin::counter::Counter;
use stage::{CROWDS, at_thread_exit, crowd, times, watchdog};

mod striped {
    use super::*;

    /// One body for each number of stripes.
    macro_rules! stripes {
        ($($name:ident: $stripes:literal;)*) => {$(
            #[test]
            fn $name() {
                let _watchdog = watchdog();
                nothing_is_lost::<$stripes>();
                nothing_is_lost_or_counted_twice_by_resets::<$stripes>();
                it_wraps::<$stripes>();
                it_shows_its_sum::<$stripes>();
                thread_local_destructors_may_add::<$stripes>();
            }
        )*};
    }

    stripes! {
        one_stripe: 1;
        two_stripes: 2;
        four_stripes: 4;
        eight_stripes: 8;
        sixteen_stripes: 16;
        thirty_two_stripes: 32;
        sixty_four_stripes: 64;
    }

    fn nothing_is_lost<const STRIPES: usize>() {
        for &threads in CROWDS {
            let adds = times(1 << 16, 64) / threads;
            let counter = Counter::<STRIPES>::with_stripes();
            crowd(threads, |index| {
                for _ in 0..adds {
                    counter.increment();
                    counter.add(index as u64);
                }
            });
            let each: usize = (0..threads).map(|index| index + 1).sum();
            assert_eq!(counter.sum(), (adds * each) as u64, "{threads} threads");
            assert_eq!(counter.sum(), (adds * each) as u64, "a sum takes nothing away");
        }
    }

    fn nothing_is_lost_or_counted_twice_by_resets<const STRIPES: usize>() {
        let counter = Counter::<STRIPES>::with_stripes();
        let adding = AtomicBool::new(true);
        let adds = times(10_000, 40);
        thread::scope(|scope| {
            let resets: Vec<_> = (0..2)
                .map(|_| {
                    scope.spawn(|| {
                        let mut total = 0;
                        while adding.load(Ordering::Relaxed) {
                            total += counter.reset();
                            thread::yield_now();
                        }
                        total
                    })
                })
                .collect();
            crowd(4, |_| (0..adds).for_each(|_| counter.increment()));
            adding.store(false, Ordering::Relaxed);
            let taken: u64 = resets
                .into_iter()
                .map(|reset| reset.join().expect("it only resets"))
                .sum();
            assert_eq!(taken + counter.reset(), 4 * adds as u64);
            assert_eq!((counter.sum(), counter.reset()), (0, 0));
        });
    }

    fn it_wraps<const STRIPES: usize>() {
        let counter = Counter::<STRIPES>::default();
        counter.add(u64::MAX);
        assert_eq!(counter.sum(), u64::MAX);
        counter.increment();
        assert_eq!(counter.sum(), 0);
        // In different stripes too, where it is the sum that wraps.
        crowd(times(8, 3), |_| counter.add(u64::MAX));
        let expected = 0_u64.wrapping_sub(times(8, 3) as u64);
        assert_eq!((counter.sum(), counter.reset(), counter.sum()), (expected, expected, 0));
    }

    fn it_shows_its_sum<const STRIPES: usize>() {
        let counter = Counter::<STRIPES>::with_stripes();
        counter.add(7);
        assert_eq!(format!("{counter:?}"), "Counter { sum: 7 }");
    }

    fn thread_local_destructors_may_add<const STRIPES: usize>() {
        let counter = Arc::new(Counter::<STRIPES>::with_stripes());
        crowd(2, |index| {
            let (before, after) = (Arc::clone(&counter), Arc::clone(&counter));
            at_thread_exit(move || before.increment());
            if index == 0 {
                counter.increment();
                at_thread_exit(move || after.increment());
            }
        });
        assert_eq!(counter.sum(), 4);
    }

    #[test]
    fn it_fits_in_a_static() {
        static COUNTER: Counter = Counter::new();
        static SMALL: Counter<1> = Counter::with_stripes();
        crowd(4, |_| {
            COUNTER.increment();
            SMALL.add(2);
        });
        assert_eq!((COUNTER.sum(), SMALL.sum()), (4, 8));
    }

    #[test]
    fn departed_threads_keep_their_share() {
        let _watchdog = watchdog();
        let counter = Counter::new();
        // One after the other: each takes over the number of the one before.
        for _ in 0..times(200, 5) {
            crowd(1, |_| counter.increment());
        }
        assert_eq!(counter.sum(), times(200, 5) as u64);
    }

    /// What an adder has told of, by a lock, a channel or the end of its thread, a sum sees.
    #[test]
    fn a_sum_sees_all_that_happened_before_it() {
        let _watchdog = watchdog();
        let counter = Counter::new();
        let (tell, told) = std::sync::mpsc::sync_channel(0);
        thread::scope(|scope| {
            let counter = &counter;
            scope.spawn(move || {
                for round in 1..=times(2000, 10) as u64 {
                    counter.increment();
                    tell.send(round).expect("the other listens");
                }
            });
            for round in told {
                let sum = counter.sum();
                assert!(sum == round || sum == round + 1, "{sum} after {round} adds");
            }
        });
    }
}

#[cfg(feature = "alloc")]
mod local {
    use super::*;
    use linchpin::counter::LocalCounters;
    use std::mem;
    use std::sync::mpsc;

    #[test]
    fn nothing_is_lost() {
        let _watchdog = watchdog();
        for &threads in CROWDS {
            let adds = times(1 << 16, 64) / threads;
            let counters = LocalCounters::new();
            crowd(threads, |index| {
                let local = counters.register();
                for _ in 0..adds {
                    local.increment();
                    local.add(index as u64);
                }
            });
            let each: usize = (0..threads).map(|index| index + 1).sum();
            assert_eq!(counters.sum(), (adds * each) as u64, "{threads} threads");
        }
    }

    #[test]
    fn handles_that_come_and_go_leave_their_share() {
        let _watchdog = watchdog();
        for &threads in CROWDS {
            let counters = LocalCounters::new();
            let rounds = times(2048, 16) / threads;
            crowd(threads, |_| {
                for _ in 0..rounds {
                    let one = counters.register();
                    let other = counters.register();
                    one.add(1);
                    other.add(2);
                    drop(one);
                    other.add(3);
                }
            });
            assert_eq!(counters.sum(), (threads * rounds * 6) as u64, "{threads} threads");
        }
    }

    #[test]
    fn a_sum_never_goes_down_while_handles_come_and_go() {
        let _watchdog = watchdog();
        let counters = LocalCounters::new();
        let adding = AtomicBool::new(true);
        thread::scope(|scope| {
            scope.spawn(|| {
                let mut last = 0;
                while adding.load(Ordering::Relaxed) {
                    let sum = counters.sum();
                    assert!(sum >= last, "{sum} after {last}");
                    last = sum;
                }
            });
            crowd(2, |_| {
                (0..times(5000, 20)).for_each(|_| counters.register().increment())
            });
            adding.store(false, Ordering::Relaxed);
        });
        assert_eq!(counters.sum(), 2 * times(5000, 20) as u64);
    }

    #[test]
    fn it_wraps() {
        let counters = LocalCounters::default();
        let local = counters.register();
        local.add(u64::MAX);
        local.add(2);
        assert_eq!(counters.sum(), 1);
        let other = counters.register();
        other.add(u64::MAX);
        assert_eq!(counters.sum(), 0, "the sum over the handles wraps too");
    }

    #[test]
    fn a_forgotten_handle_keeps_its_share_and_no_other_gets_its_slot() {
        let counters = LocalCounters::new();
        let forgotten = counters.register();
        forgotten.add(1);
        mem::forget(forgotten);
        let local = counters.register();
        local.add(2);
        assert_eq!(counters.sum(), 3);
        drop(local);
        assert_eq!(counters.sum(), 3);
    }

    #[test]
    fn a_handle_may_move_to_another_thread() {
        let _watchdog = watchdog();
        let counters = LocalCounters::new();
        let mut local = counters.register();
        for _ in 0..times(100, 4) {
            local.increment();
            local = thread::scope(|scope| {
                let moved = scope.spawn(move || {
                    local.increment();
                    local
                });
                moved.join().expect("it only adds")
            });
        }
        assert_eq!(counters.sum(), 2 * times(100, 4) as u64);
    }

    /// A slot that one thread has given back and another takes over goes on from where it was, also when nothing but the
    /// slot orders the two.
    #[test]
    fn a_slot_that_changes_hands_goes_on_from_where_it_was() {
        let _watchdog = watchdog();
        let counters = LocalCounters::new();
        crowd(2, |_| {
            for _ in 0..times(10_000, 50) {
                counters.register().increment();
            }
        });
        assert_eq!(counters.sum(), 2 * times(10_000, 50) as u64);
    }

    #[test]
    fn a_handle_that_dies_with_its_thread_leaves_its_share() {
        let counters = LocalCounters::new();
        thread::scope(|scope| {
            let dying = scope.spawn(|| {
                let local = counters.register();
                local.add(5);
                stage::die();
            });
            assert!(dying.join().is_err());
        });
        assert_eq!(counters.sum(), 5);
    }

    #[test]
    fn it_fits_in_a_static_and_thread_local_destructors_may_add() {
        static COUNTERS: LocalCounters = LocalCounters::new();
        crowd(4, |_| {
            let local = COUNTERS.register();
            local.increment();
            at_thread_exit(move || local.increment());
            at_thread_exit(|| COUNTERS.register().increment());
        });
        assert_eq!(COUNTERS.sum(), 12);
    }

    #[test]
    fn a_sum_sees_all_that_happened_before_it() {
        let _watchdog = watchdog();
        let counters = LocalCounters::new();
        let (tell, told) = mpsc::sync_channel(0);
        thread::scope(|scope| {
            let counters = &counters;
            scope.spawn(move || {
                for round in 1..=times(2000, 10) as u64 {
                    counters.register().increment();
                    tell.send(round).expect("the other listens");
                }
            });
            for round in told {
                let sum = counters.sum();
                assert!(sum == round || sum == round + 1, "{sum} after {round} adds");
            }
        });
    }

    #[test]
    fn debug_shows_the_sum_and_no_pointer() {
        let counters = LocalCounters::new();
        let local = counters.register();
        local.add(7);
        assert_eq!(format!("{counters:?}"), "LocalCounters { sum: 7 }");
        assert_eq!(format!("{local:?}"), "LocalCounter { .. }");
    }
}

#[cfg(feature = "alloc")]
mod approximate {
    use super::*;
    use linchpin::counter::ApproximateCounter;
    use std::mem;

    const BATCHES: [u64; 5] = [1, 2, 7, 1 << 16, u64::MAX];

    /// Checks the bound while the adders are quiet.
    fn check(counter: &ApproximateCounter, expected: u64) {
        assert_eq!(counter.exact(), expected, "{counter:?}");
        let behind = expected.wrapping_sub(counter.estimate());
        assert!(behind <= counter.error_bound(), "{counter:?} is behind by {behind}");
    }

    #[test]
    fn the_bound_holds_and_nothing_is_lost() {
        let _watchdog = watchdog();
        for batch in BATCHES {
            for &threads in CROWDS {
                let adds = times(1 << 14, 32) / threads;
                let counter = ApproximateCounter::new(batch);
                let quiet = std::sync::Barrier::new(threads);
                crowd(threads, |index| {
                    let handle = counter.register();
                    for _ in 0..adds {
                        handle.increment();
                        handle.add(index as u64);
                    }
                    let so_far: usize = (0..threads).map(|index| adds * (index + 1)).sum();
                    quiet.wait();
                    assert_eq!(counter.error_bound(), (threads as u64).saturating_mul(batch - 1));
                    check(&counter, so_far as u64);
                    quiet.wait();
                });
                let total: usize = (0..threads).map(|index| adds * (index + 1)).sum();
                assert_eq!(counter.error_bound(), 0, "no handles");
                assert_eq!((counter.estimate(), counter.exact()), (total as u64, total as u64));
            }
        }
    }

    /// Amounts about the batch, beyond it, and beyond what fits in what a handle holds back.
    #[test]
    fn the_bound_holds_for_each_amount() {
        for batch in BATCHES {
            let amounts = [
                0,
                1,
                2,
                batch - 1,
                batch,
                batch.saturating_add(1),
                batch / 2 + 1,
                1 << 63,
                u64::MAX - 1,
                u64::MAX,
            ];
            for first in amounts {
                for second in amounts {
                    let counter = ApproximateCounter::new(batch);
                    let handle = counter.register();
                    let mut total = 0_u64;
                    for amount in [first, second, first, second, second] {
                        handle.add(amount);
                        total = total.wrapping_add(amount);
                        check(&counter, total);
                    }
                    handle.flush();
                    assert_eq!(counter.estimate(), total);
                    drop(handle);
                    assert_eq!((counter.estimate(), counter.exact()), (total, total));
                }
            }
        }
    }

    #[test]
    fn a_batch_is_told_when_it_is_full_and_not_before() {
        let counter = ApproximateCounter::new(4);
        let handle = counter.register();
        let estimates: Vec<_> = (0..9)
            .map(|_| {
                handle.increment();
                counter.estimate()
            })
            .collect();
        assert_eq!(estimates, [0, 0, 0, 4, 4, 4, 4, 8, 8]);
        handle.flush();
        assert_eq!(counter.estimate(), 9);
        handle.flush();
        assert_eq!(counter.estimate(), 9, "there was nothing left to tell");
        handle.add(3);
        assert_eq!(counter.estimate(), 9, "a flush begins the batch anew");
    }

    #[test]
    fn a_batch_of_one_makes_the_estimate_exact() {
        let counter = ApproximateCounter::new(1);
        let handles = [counter.register(), counter.register()];
        assert_eq!(counter.error_bound(), 0);
        for (handle, total) in handles.iter().cycle().zip(1..=10) {
            handle.increment();
            assert_eq!((counter.estimate(), counter.exact()), (total, total));
        }
    }

    #[test]
    fn the_error_bound_counts_each_handle_there_is() {
        let counter = ApproximateCounter::new(8);
        assert_eq!(counter.error_bound(), 0);
        let one = counter.register();
        let other = counter.register();
        assert_eq!(counter.error_bound(), 14);
        drop(one);
        assert_eq!(counter.error_bound(), 7);
        let again = counter.register();
        assert_eq!(counter.error_bound(), 14);
        again.add(5);
        other.add(6);
        check(&counter, 11);
        mem::forget(other);
        drop(again);
        assert_eq!(counter.error_bound(), 7, "a forgotten handle holds back what it held");
        check(&counter, 11);
        assert_eq!(counter.estimate(), 5);

        let counter = ApproximateCounter::new(u64::MAX);
        let _handles = [counter.register(), counter.register()];
        assert_eq!(counter.error_bound(), u64::MAX, "it saturates");
    }

    #[test]
    fn handles_that_come_and_go_tell_all() {
        let _watchdog = watchdog();
        for batch in BATCHES {
            let counter = ApproximateCounter::new(batch);
            crowd(4, |_| {
                for _ in 0..times(1000, 10) {
                    counter.register().add(3);
                }
            });
            let total = 12 * times(1000, 10) as u64;
            assert_eq!(
                (counter.estimate(), counter.exact(), counter.error_bound()),
                (total, total, 0)
            );
        }
    }

    #[test]
    fn a_handle_that_moves_or_dies_tells_all() {
        let counter = ApproximateCounter::new(100);
        let handle = counter.register();
        handle.add(5);
        thread::scope(|scope| {
            let dying = scope.spawn(move || {
                handle.add(6);
                stage::die();
            });
            assert!(dying.join().is_err());
        });
        assert_eq!((counter.estimate(), counter.exact()), (11, 11));
    }

    #[test]
    fn it_fits_in_a_static_and_thread_local_destructors_may_add() {
        static COUNTER: ApproximateCounter = ApproximateCounter::new(10);
        crowd(4, |_| {
            let handle = COUNTER.register();
            handle.increment();
            at_thread_exit(move || handle.increment());
            at_thread_exit(|| COUNTER.register().increment());
        });
        assert_eq!((COUNTER.estimate(), COUNTER.exact()), (12, 12));
    }

    #[test]
    #[should_panic(expected = "ApproximateCounter: `batch` must be at least 1, and was 0")]
    fn a_batch_of_nothing_is_refused() {
        let _ = ApproximateCounter::new(std::hint::black_box(0));
    }

    #[test]
    fn debug_shows_what_it_has_and_no_pointer() {
        let counter = ApproximateCounter::new(4);
        let handle = counter.register();
        handle.add(6);
        handle.add(1);
        assert_eq!(
            format!("{counter:?}"),
            "ApproximateCounter { estimate: 6, exact: 7, batch: 4 }"
        );
        let shown = format!("{handle:?}");
        assert!(
            shown.starts_with("ApproximateHandle {") && shown.ends_with(".. }") && !shown.contains("0x"),
            "{shown}"
        );
    }
}
