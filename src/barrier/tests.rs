//! Barriers whose counts come round.

use core::time::Duration;
use std::boxed::Box;
use std::sync::{Arc, Mutex};
use std::vec::Vec;

use super::gate::Episode;
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
