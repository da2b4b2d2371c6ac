//! Participants that fail: by poison, in another thread than the one that made them, borrowed.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use linchpin::barrier::{
    Barrier, CombiningBarrier, DisseminationBarrier, Kind, Participant, Poisoned, TournamentBarrier, TreeBarrier,
    WakeUp,
};

use crate::common::watchdog;
use crate::{ends, ignore};

/// The first poisons while the others wait, and then waits itself: the episode completes for none.
fn poisons<K: Kind + Send + Sync + 'static>(participants: Vec<Participant<K>>) {
    let _alive = watchdog();
    let mut participants = participants.into_iter();
    let mut first = participants.next().unwrap();
    thread::scope(|scope| {
        let others: Vec<_> = participants
            .map(|mut other| {
                scope.spawn(move || {
                    let result = other.wait();
                    (result, other)
                })
            })
            .collect();
        thread::sleep(Duration::from_millis(20));
        first.poison();
        let others: Vec<_> = others.into_iter().map(|other| other.join().unwrap()).collect();
        assert!(others.iter().all(|(result, _)| *result == Err(Poisoned)));
        assert_eq!(first.wait(), Err(Poisoned), "it has poisoned this episode itself");
        assert_eq!(first.wait(), Err(Poisoned));
    });
}

#[test]
fn a_participant_that_poisons_does_not_complete_the_episode() {
    for n in [1, 2, 3, 6] {
        poisons(CombiningBarrier::new(n));
        for wake_up in [WakeUp::Tree, WakeUp::Global] {
            poisons(TreeBarrier::with_wake_up(n, wake_up));
            poisons(TournamentBarrier::with_wake_up(n, wake_up));
        }
        poisons(DisseminationBarrier::new(n));
    }
}

#[test]
fn no_step_runs_after_poison() {
    fn runs<K: Kind + Send + Sync + 'static>(make: impl Fn(Box<dyn FnMut() + Send>) -> Vec<Participant<K>>) {
        let steps = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&steps);
        poisons(make(Box::new(move || _ = count.fetch_add(1, Relaxed))));
        assert_eq!(steps.load(Relaxed), 0);
    }
    runs(|step| CombiningBarrier::with_step(3, step));
    runs(|step| TreeBarrier::with_step(3, WakeUp::Tree, step));
    runs(|step| TreeBarrier::with_step(3, WakeUp::Global, step));
    runs(|step| TournamentBarrier::with_step(3, WakeUp::Tree, step));
    runs(|step| TournamentBarrier::with_step(3, WakeUp::Global, step));
    // The last to arrive at a central barrier, and the last to leave one.
    for arrives in [true, false] {
        let steps = AtomicUsize::new(0);
        let barrier = Barrier::with_step(1, || _ = steps.fetch_add(1, Relaxed));
        barrier.poison();
        if arrives {
            assert_eq!(barrier.wait_checked(), Err(Poisoned));
        } else {
            barrier.arrive_and_drop();
        }
        assert_eq!(steps.load(Relaxed), 0);
    }
}

/// Runs `act` while this thread unwinds.
fn unwinding<T>(act: impl FnOnce() -> T) -> T {
    struct Acts<'act>(Option<Box<dyn FnOnce() + 'act>>);
    impl Drop for Acts<'_> {
        fn drop(&mut self) {
            self.0.take().unwrap()();
        }
    }
    let mut result = None;
    let unwinds = catch_unwind(AssertUnwindSafe(|| {
        let _acts = Acts(Some(Box::new(|| result = Some(act()))));
        panic!("on purpose");
    }));
    assert!(unwinds.is_err());
    result.unwrap()
}

/// What is made during a panic in one thread, and dropped by a panic in another, poisons.
#[test]
fn what_is_made_while_a_thread_unwinds_poisons_elsewhere() {
    static BARRIERS: [Barrier; 2] = [const { Barrier::new(2) }; 2];
    let fail = |what: Box<dyn Send>| {
        let failing = thread::spawn(move || {
            let _what = what;
            panic!("on purpose");
        });
        assert!(failing.join().is_err());
    };
    let (arrival, guard) = unwinding(|| (BARRIERS[0].arrive(), BARRIERS[1].poison_on_panic()));
    fail(Box::new(arrival));
    fail(Box::new(guard));
    assert!(BARRIERS.iter().all(Barrier::is_poisoned));

    let mut participants = unwinding(|| CombiningBarrier::new(2));
    fail(Box::new(participants.pop()));
    assert_eq!(participants[0].wait(), Err(Poisoned));
    // In the thread that was unwinding they do as much when the panic is over.
    let participants = unwinding(|| CombiningBarrier::new(3));
    let [mut first, second, third] = participants.try_into().unwrap();
    unwinding(|| drop(second));
    assert!(
        !first.is_poisoned(),
        "dropped in the thread that made it unwinding: it leaves"
    );
    thread::scope(|scope| {
        scope.spawn(move || unwinding(|| drop(third)));
    });
    assert!(first.is_poisoned() && first.wait().is_err());
}

/// Nor does a participant leave by a panic that has arrived and not waited.
#[test]
fn a_panic_between_arriving_and_waiting_poisons_a_combining_barrier() {
    let [mut one, mut other] = CombiningBarrier::new(2).try_into().unwrap();
    drop(one.arrive().unwrap());
    let unwinds = catch_unwind(AssertUnwindSafe(move || {
        let _one = one;
        panic!("on purpose");
    }));
    assert!(unwinds.is_err() && other.is_poisoned());
    assert_eq!(other.wait(), Err(Poisoned));
}

/// A borrowed participant outlives the panic of its thread: a guard poisons for it.
#[test]
fn a_borrowed_participant_poisons_by_its_guard() {
    fn fails<K: Kind + Send + Sync + 'static>(make: fn(usize) -> Vec<Participant<K>>) {
        let results = ends(move || {
            let results = Mutex::new(vec![]);
            let mut participants = make(3);
            let scope = catch_unwind(AssertUnwindSafe(|| {
                thread::scope(|scope| {
                    for (me, participant) in participants.iter_mut().enumerate() {
                        let results = &results;
                        scope.spawn(move || {
                            let mut participant = participant.poison_on_panic();
                            participant.wait().unwrap();
                            assert!(me != 1, "on purpose");
                            results.lock().unwrap().push(participant.wait().is_ok());
                        });
                    }
                });
            }));
            assert!(scope.is_err() && participants.iter().all(Participant::is_poisoned));
            assert!(participants.iter_mut().all(|participant| participant.wait().is_err()));
            results.into_inner().unwrap()
        });
        assert_eq!(results.unwrap(), [false; 2]);
    }
    fails(CombiningBarrier::new);
    fails(TreeBarrier::new);
    fails(TournamentBarrier::new);
    fails(DisseminationBarrier::new);
}

#[test]
fn a_participants_guard_that_sees_no_panic_does_nothing() {
    let mut participants = CombiningBarrier::new(1);
    ignore(participants[0].poison_on_panic().wait().unwrap());
    unwinding(|| ignore(participants[0].poison_on_panic().wait().unwrap()));
    let guard = participants[0].poison_on_panic();
    assert!(format!("{guard:?}").contains("Participant"));
    drop(guard);
    assert!(!participants[0].is_poisoned() && participants[0].wait().is_ok());
}

/// All participants in one thread: one has arrived and not waited, and leaves when the episode is over.
#[test]
fn participants_that_have_arrived_are_dropped_in_any_order() {
    for n in [1, 2, 3, 5, 21] {
        for arrive in 0..n {
            for reverse in [false, true] {
                let all_dropped = ends(move || {
                    let mut participants = CombiningBarrier::new(n);
                    for participant in &mut participants[..arrive] {
                        drop(participant.arrive().unwrap());
                    }
                    if reverse {
                        participants.reverse();
                    }
                    drop(participants);
                });
                all_dropped.unwrap();
            }
        }
    }
}

/// Those that stay go on without those that were dropped before the episode was over.
#[test]
fn participants_that_have_arrived_leave_when_the_episode_is_over() {
    for n in [2, 3, 5, 21] {
        for stays in [0, n / 2, n - 1] {
            let leads = ends(move || {
                let mut participants = CombiningBarrier::new(n);
                let mut stays = participants.remove(stays);
                for mut participant in participants {
                    drop(participant.arrive().unwrap());
                    participant.arrive_and_drop();
                }
                (0..5)
                    .map(|_| usize::from(stays.wait().unwrap().is_leader()))
                    .sum::<usize>()
            });
            assert_eq!(leads.unwrap(), 5);
        }
    }
}
