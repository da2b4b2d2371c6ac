//! `LocalCounter` and its handles.

use super::*;
use linchpin::counter::LocalCounter;
use std::mem;
use std::sync::mpsc;

#[test]
fn nothing_is_lost() {
    let _watchdog = watchdog();
    for &threads in THREAD_COUNTS {
        let adds = times(1 << 16, 64) / threads;
        let counters = LocalCounter::new();
        on_threads(threads, |index| {
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
    for &threads in THREAD_COUNTS {
        let counters = LocalCounter::new();
        let rounds = times(2048, 16) / threads;
        on_threads(threads, |_| {
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
    let counters = LocalCounter::new();
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
        on_threads(2, |_| {
            (0..times(5000, 20)).for_each(|_| counters.register().increment())
        });
        adding.store(false, Ordering::Relaxed);
    });
    assert_eq!(counters.sum(), 2 * times(5000, 20) as u64);
}

#[test]
fn it_wraps() {
    let counters = LocalCounter::default();
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
    let counters = LocalCounter::new();
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
    let counters = LocalCounter::new();
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
    let counters = LocalCounter::new();
    on_threads(2, |_| {
        for _ in 0..times(10_000, 50) {
            counters.register().increment();
        }
    });
    assert_eq!(counters.sum(), 2 * times(10_000, 50) as u64);
}

#[test]
fn a_handle_that_dies_with_its_thread_leaves_its_share() {
    let counters = LocalCounter::new();
    thread::scope(|scope| {
        let dying = scope.spawn(|| {
            let local = counters.register();
            local.add(5);
            common::die();
        });
        assert!(dying.join().is_err());
    });
    assert_eq!(counters.sum(), 5);
}

#[test]
fn it_fits_in_a_static_and_thread_local_destructors_may_add() {
    static COUNTERS: LocalCounter = LocalCounter::new();
    on_threads(4, |_| {
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
    let counters = LocalCounter::new();
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
    let counters = LocalCounter::new();
    let local = counters.register();
    local.add(7);
    assert_eq!(format!("{counters:?}"), "LocalCounter { sum: 7 }");
    assert_eq!(format!("{local:?}"), "LocalCounterHandle { .. }");
}
