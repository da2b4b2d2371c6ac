//! What becomes of the others when a participant goes, fails or is forgotten.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::thread;
use std::time::Duration;

use linchpin::barrier::{
    CombiningBarrier, DisseminationBarrier, Kind, Participant, Poisoned, TournamentBarrier, TreeBarrier, WakeUp,
};

use crate::common::{times, watchdog};
use crate::ignore;

/// Participants that come late find the others asleep.
fn a_while() {
    thread::sleep(Duration::from_millis(5));
}

/// One of `n` panics after `before` episodes, and the others get an error in the next, and all in the same.
fn panics<K: Kind + Send + Sync + 'static>(
    make: fn(usize) -> Vec<Participant<K>>,
    n: usize,
    fails: usize,
    sleep: bool,
) {
    let _alive = watchdog();
    const BEFORE: usize = 3;
    thread::scope(|scope| {
        for (me, mut participant) in make(n).into_iter().enumerate() {
            scope.spawn(move || {
                for _ in 0..BEFORE {
                    participant.wait().expect("all are there");
                }
                if me == fails {
                    if sleep {
                        a_while();
                    }
                    let unwinds = catch_unwind(AssertUnwindSafe(move || {
                        let _mine = participant;
                        panic!("on purpose");
                    }));
                    assert!(unwinds.is_err());
                } else {
                    assert_eq!(participant.wait(), Err(Poisoned));
                    assert_eq!(participant.wait(), Err(Poisoned), "for good");
                    assert!(participant.is_poisoned());
                }
            });
        }
    });
}

fn panic_everywhere<K: Kind + Send + Sync + 'static>(make: fn(usize) -> Vec<Participant<K>>) {
    for n in [2, 3, 7, 22] {
        for fails in [0, 1, n / 2, n - 1] {
            for sleep in [false, true] {
                panics(make, n, fails, sleep);
            }
        }
    }
}

#[test]
#[cfg_attr(miri, ignore = "too many threads for Miri")]
fn a_panic_reaches_all() {
    panic_everywhere(CombiningBarrier::new);
    panic_everywhere(|n| TreeBarrier::with_wake_up(n, WakeUp::Tree));
    panic_everywhere(|n| TreeBarrier::with_wake_up(n, WakeUp::Global));
    panic_everywhere(|n| TournamentBarrier::with_wake_up(n, WakeUp::Tree));
    panic_everywhere(DisseminationBarrier::new);
}

/// Those that are quicker end the barrier for later episodes, and never for one that they have completed.
fn ends<K: Kind + Send + Sync + 'static>(make: fn(usize) -> Vec<Participant<K>>) {
    for _ in 0..times(200, 3) {
        let _alive = watchdog();
        thread::scope(|scope| {
            for mut participant in make(5) {
                scope.spawn(move || (0..4).for_each(|_| ignore(participant.wait().expect("each has been complete"))));
            }
        });
    }
}

#[test]
fn what_is_complete_for_one_is_complete_for_all() {
    ends(CombiningBarrier::new);
    ends(|n| TreeBarrier::with_wake_up(n, WakeUp::Tree));
    ends(|n| TreeBarrier::with_wake_up(n, WakeUp::Global));
    ends(|n| TournamentBarrier::with_wake_up(n, WakeUp::Tree));
    ends(DisseminationBarrier::new);
}

#[test]
fn participants_leave_a_combining_barrier() {
    for n in [2, 5, 17, 40] {
        let _alive = watchdog();
        let leaders = AtomicUsize::new(0);
        thread::scope(|scope| {
            for (me, mut participant) in CombiningBarrier::new(n).into_iter().enumerate() {
                let leaders = &leaders;
                scope.spawn(move || {
                    for _ in 0..20 * (1 + me * 7 % n) {
                        leaders.fetch_add(usize::from(participant.wait().unwrap().is_leader()), Relaxed);
                    }
                });
            }
        });
        assert_eq!(
            leaders.into_inner(),
            20 * n,
            "as many episodes as the last has waited for"
        );
    }
}

#[test]
fn an_arrival_without_a_wait_is_made_good() {
    let _alive = watchdog();
    let [mut one, mut other]: [_; 2] = CombiningBarrier::new(2).try_into().unwrap();
    thread::scope(|scope| {
        scope.spawn(move || {
            drop(one.arrive().unwrap());
            let arrival = std::mem::ManuallyDrop::new(one.arrive().unwrap());
            assert!(format!("{arrival:?}").contains("PendingArrival"));
            one.wait().unwrap();
            drop(one.arrive().unwrap());
            // It goes in the fifth episode, when the fourth is over.
        });
        for _ in 0..6 {
            a_while();
            other.wait().unwrap();
        }
        assert!(other.wait().unwrap().is_leader());
    });
}

#[test]
fn the_step_of_each_runs_once() {
    fn count<K: Kind + Send + Sync + 'static>(make: impl Fn(Box<dyn FnMut() + Send>) -> Vec<Participant<K>>) {
        let _alive = watchdog();
        let (sender, steps) = std::sync::mpsc::channel();
        let participants = make(Box::new(move || sender.send(()).unwrap()));
        thread::scope(|scope| {
            for mut participant in participants {
                scope.spawn(move || (0..100).for_each(|_| ignore(participant.wait().unwrap())));
            }
        });
        assert_eq!(steps.iter().count(), 100);
    }
    count(|step| CombiningBarrier::with_step(5, step));
    count(|step| TreeBarrier::with_step(5, WakeUp::Tree, step));
    count(|step| TreeBarrier::with_step(5, WakeUp::Global, step));
    count(|step| TournamentBarrier::with_step(5, WakeUp::Auto, step));
}

#[test]
fn a_step_that_panics_poisons_each() {
    fn fail<K: Kind + Send + Sync + 'static>(make: impl Fn(fn()) -> Vec<Participant<K>>) {
        let _alive = watchdog();
        thread::scope(|scope| {
            let participants = make(|| panic!("on purpose")).into_iter();
            let waits: Vec<_> = participants
                .map(|mut participant| {
                    scope.spawn(move || {
                        let wait = catch_unwind(AssertUnwindSafe(|| participant.wait()));
                        assert_eq!(participant.wait(), Err(Poisoned));
                        wait
                    })
                })
                .collect();
            let results: Vec<_> = waits.into_iter().map(|wait| wait.join().unwrap()).collect();
            assert_eq!(
                results.iter().filter(|result| result.is_err()).count(),
                1,
                "one has run the step"
            );
            assert!(results.into_iter().flatten().all(|wait| wait == Err(Poisoned)));
        });
    }
    fail(|step| CombiningBarrier::with_step(6, step));
    fail(|step| TreeBarrier::with_step(6, WakeUp::Tree, step));
    fail(|step| TreeBarrier::with_step(6, WakeUp::Global, step));
    fail(|step| TournamentBarrier::with_step(6, WakeUp::Auto, step));
}

#[test]
fn numbers_out_of_range_are_refused() {
    for n in [0, 65_536, usize::MAX] {
        assert!(catch_unwind(|| CombiningBarrier::new(n)).is_err());
        assert!(catch_unwind(|| TreeBarrier::new(n)).is_err());
        assert!(catch_unwind(|| TournamentBarrier::new(n)).is_err());
        assert!(catch_unwind(|| DisseminationBarrier::new(n)).is_err());
    }
}
