//! `ApproximateCounter` and its handles.

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
        for &threads in THREAD_COUNTS {
            let adds = times(1 << 14, 32) / threads;
            let counter = ApproximateCounter::new(batch);
            let quiet = std::sync::Barrier::new(threads);
            on_threads(threads, |index| {
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
        on_threads(4, |_| {
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
            common::die();
        });
        assert!(dying.join().is_err());
    });
    assert_eq!((counter.estimate(), counter.exact()), (11, 11));
}

#[test]
fn it_fits_in_a_static_and_thread_local_destructors_may_add() {
    static COUNTER: ApproximateCounter = ApproximateCounter::new(10);
    on_threads(4, |_| {
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
