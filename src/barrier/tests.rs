//! Barriers whose counts come round.

use core::time::Duration;
use std::boxed::Box;
use std::sync::{Arc, Mutex, mpsc};
use std::vec::Vec;

use super::arrivals::{Left, TakenBack};
use super::gate::{Episode, Offer};
use super::*;

#[cfg(test)]
use std::thread;

/// The last episodes before 2^28, before 2^31 (flags) and before 2^32 (participants).
const STARTS: [u32; 3] = [(1 << 28) - 3, (1 << 31) - 3, u32::MAX - 2];

fn meet(waits: Vec<Box<dyn FnMut() -> BarrierWaitResult + Send>>) {
    let phases = Mutex::new(std::vec![0; waits.len()]);
    let leaders = Mutex::new(0);
    thread::scope(|scope| {
        for (me, mut wait) in waits.into_iter().enumerate() {
            let (phases, leaders) = (&phases, &leaders);
            scope.spawn(move || {
                for episode in 1..=8 {
                    phases.lock().unwrap()[me] = episode;
                    let leads = wait().is_leader();
                    *leaders.lock().unwrap() += usize::from(leads);
                    assert!(
                        phases
                            .lock()
                            .unwrap()
                            .iter()
                            .all(|phase| (episode..=episode + 1).contains(phase))
                    );
                }
            });
        }
    });
    assert_eq!(leaders.into_inner().unwrap(), 8);
}

#[test]
fn episodes_of_the_central_barrier_come_round() {
    for start in STARTS {
        let barrier = Arc::new(Barrier::starting_at(start, 3, NoStep));
        let wait = |_| {
            let barrier = Arc::clone(&barrier);
            Box::new(move || barrier.wait()) as _
        };
        meet((0..3).map(wait).collect());
    }
}

/// In the last episode and in the first, an arrival is taken back, a participant leaves, and one poisons.
#[test]
fn all_else_works_where_they_come_round() {
    for before in 0..3 {
        let barrier = Barrier::starting_at((1 << 28) - 1 - before, 2, NoStep);
        for _ in 0..=before {
            assert_eq!(barrier.wait_timeout(Duration::from_millis(1)), Err(WaitError::TimedOut));
            let early = barrier.arrive();
            assert!(barrier.wait().is_leader());
            assert!(!early.wait().unwrap().is_leader());
        }
        barrier.arrive_and_drop();
        assert!(barrier.wait().is_leader());
        barrier.poison();
        assert_eq!(barrier.wait_checked(), Err(Poisoned));
    }
}

#[test]
fn episodes_of_participants_come_round() {
    fn waits<K: Kind + Send + Sync + 'static>(participants: Vec<Participant<K>>) {
        let wait = |mut participant: Participant<K>| Box::new(move || participant.wait().unwrap()) as _;
        meet(participants.into_iter().map(wait).collect());
    }
    for start in STARTS {
        waits(CombiningBarrier::starting_at(start, 5, NoStep));
        waits(TreeBarrier::starting_at(start, 5, WakeUp::Tree, NoStep));
        waits(TreeBarrier::starting_at(start, 5, WakeUp::Global, NoStep));
        waits(TournamentBarrier::starting_at(start, 5, WakeUp::Tree, NoStep));
        waits(DisseminationBarrier::starting_at(start, 5));
    }
}

/// The episode that breaks is told right where the numbers come round.
#[test]
fn a_break_is_told_where_they_come_round() {
    for start in [u32::MAX - 1, u32::MAX, 0] {
        let mut participants = TreeBarrier::starting_at(start, 2, WakeUp::Tree, NoStep);
        let mut other = participants.pop().unwrap();
        thread::scope(|scope| {
            scope.spawn(move || {
                for _ in 0..2 {
                    participants[0].wait().unwrap();
                }
            });
            for _ in 0..2 {
                other.wait().unwrap();
            }
            assert_eq!(other.wait(), Err(Poisoned));
        });
    }
}

/// As if so many episodes had passed.
fn skip(barrier: &Barrier, episodes: u32) {
    barrier.arrivals.skip(episodes);
    barrier.gate.skip(episodes);
}

/// An arrival that is kept for longer than the numbers of episodes can tell is not taken back from others, nor from nothing.
#[test]
fn an_arrival_is_kept_for_many_episodes() {
    const LAP: u32 = 1 << Episode::BITS;
    for (episodes, waits) in [
        (1, true),
        (LAP / 2, true),
        (LAP - (1 << 20) - 2, true),
        (LAP - (1 << 20), false),
        (LAP - 2, false),
    ] {
        let barrier = Arc::new(Barrier::new(2));
        let [timed, waited] = [(); 2].map(|()| {
            let kept = barrier.arrive();
            assert!(barrier.wait().is_leader());
            kept
        });
        skip(&barrier, episodes);
        assert!(timed.wait_timeout(Duration::from_millis(1)).is_ok(), "{episodes}");
        if waits {
            assert!(!waited.wait().unwrap().is_leader(), "{episodes}");
        }
        assert_eq!(barrier.arrivals.counts(), (0, 2), "{episodes}");
        assert_eq!(barrier.wait_timeout(Duration::ZERO), Err(WaitError::TimedOut));
        let early = barrier.arrive();
        assert!(barrier.wait().is_leader() && !early.wait().unwrap().is_leader());
    }
}

/// An arrival that is one too many may have been counted upon before it is refused, and so stays counted.
#[test]
fn an_arrival_too_many_poisons() {
    let barrier = Barrier::new(2);
    barrier.arrivals.fill();
    let (before, expected) = barrier.arrivals.counts();
    let panic = std::panic::catch_unwind(|| barrier.wait()).unwrap_err();
    assert!(panic.downcast_ref::<&str>().unwrap().contains("at once"));
    assert_eq!(barrier.arrivals.counts(), (before + 1, expected));
    assert!(barrier.is_poisoned());
    assert_eq!(barrier.wait_checked(), Err(Poisoned));
}

/// In a poisoned barrier no arrival is undone on which the completion of the present episode rests.
#[test]
fn a_complete_episode_stays_complete() {
    let barrier = Barrier::new(2);
    let early: std::vec::Vec<_> = (0..2).map(|_| barrier.arrivals.arrive()).collect();
    assert!(early.iter().all(Result::is_ok));
    for _ in 0..3 {
        barrier.arrivals.undo();
    }
    assert_eq!(barrier.arrivals.counts(), (2, 2));
}

/// Nor does the count run over where each arrival is refused, since all have left.
#[test]
fn an_arrival_after_the_last_has_left_counts_for_nothing() {
    let barrier = Barrier::new(1);
    barrier.arrive_and_drop();
    for _ in 0..3 {
        assert!(std::panic::catch_unwind(|| barrier.wait()).is_err());
    }
    assert_eq!(barrier.arrivals.counts(), (0, 0));
}

/// A thread that comes to look at a poisoned barrier only when the episode of its early arrival is over is through.
#[test]
fn an_early_arrival_is_through_where_its_episode_was_over_before_poison() {
    let barrier = Barrier::new(1);
    assert!(barrier.arrivals.arrive().is_ok());
    let early = barrier.arrivals.arrive().unwrap_err();
    // The owner of its episode goes on to the next.
    for goes_on in [true, false] {
        assert_eq!(barrier.arrivals.close(1), goes_on);
        let sleepers = barrier.gate.open(Offer::NOTHING, || {}).unwrap();
        barrier.gate.wake(sleepers);
    }
    barrier.poison();
    assert!(barrier.count_early(early).is_ok());
}

/// An arrival ahead that another thread has undone is not taken back from those that the present episode rests on.
#[test]
fn an_arrival_that_was_undone_is_not_taken_back() {
    let barrier = Barrier::new(2);
    assert!((0..2).all(|_| barrier.arrivals.arrive().is_ok()));
    let early = barrier.arrivals.arrive().unwrap_err();
    let counted = barrier.arrivals.place(early).unwrap();
    barrier.arrivals.undo();
    assert_eq!(barrier.arrivals.take_back(counted.episode), TakenBack::Unknown);
    assert_eq!(barrier.arrivals.counts(), (2, 2));
}

/// The owner of an episode waits until the gate is open for the one before, and leaves the leadership of that to a waiter.
#[test]
fn an_owner_does_not_lead_the_episode_before() {
    let (sender, receiver) = mpsc::channel();
    let barrier = Barrier::starting_at(0, 2, move || receiver.recv().unwrap());
    let arrival = barrier.arrive();
    // A thread that leaves has closed the episode, and not yet opened the gate.
    assert!(matches!(barrier.arrivals.leave(), Ok(Left::Last { others: true, .. })));
    assert!(!barrier.arrivals.close(1));
    thread::scope(|scope| {
        let owner = scope.spawn(|| barrier.wait().is_leader());
        while barrier.arrivals.counts().0 == 0 {
            thread::yield_now();
        }
        thread::sleep(Duration::from_millis(10)); // Probably it waits.
        let offer = Offer {
            leadership: true,
            completion: false,
        };
        let sleepers = barrier.gate.open(offer, || {}).unwrap();
        barrier.gate.wake(sleepers);
        thread::sleep(Duration::from_millis(10)); // Probably its step runs.
        let leads = arrival.wait().unwrap().is_leader();
        sender.send(()).unwrap();
        assert!(leads && owner.join().unwrap());
    });
}
