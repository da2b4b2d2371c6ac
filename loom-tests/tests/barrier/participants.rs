//! The barriers that have participants. In a model their trees are so slender that three participants have a middle.

use std::sync::Arc;

use linchpin::barrier::{CombiningBarrier, Kind, NoStep, Participant, Poisoned};
use loom_tests::{Watched, explore_to, explore_within_to, spawn};

/// The participants for so many threads.
type Make<K> = fn(usize) -> Vec<Participant<K>>;

fn marks<const N: usize>() -> Arc<[Watched; N]> {
    Arc::new(std::array::from_fn(|_| Watched::default()))
}

/// Two episodes of `threads`: all see what each did before the first, and one is the leader of each.
fn episodes<K: Kind + Send + Sync + 'static, const N: usize>(preemptions: usize, make: Make<K>) -> usize {
    explore_within_to(preemptions, [2], move || {
        let marks = marks::<N>();
        let threads: Vec<_> = make(N)
            .into_iter()
            .enumerate()
            .map(|(me, mut participant)| {
                let marks = Arc::clone(&marks);
                spawn(move || {
                    let mut leads = 0;
                    let mut wait = || leads += u32::from(participant.wait().expect("none fails").is_leader());
                    marks[me].add(1);
                    wait();
                    assert!(marks.iter().all(|mark| mark.get() == 1));
                    wait();
                    marks[me].add(1);
                    // Kept until all are through: a participant that goes ends later episodes only.
                    (leads, participant)
                })
            })
            .collect();
        threads
            .into_iter()
            .map(|thread| thread.join().expect("it only waits").0)
            .sum::<u32>()
    })
}

/// Three threads.
pub fn meet<K: Kind + Send + Sync + 'static>(preemptions: usize, make: Make<K>) -> usize {
    episodes::<K, 3>(preemptions, make)
}

/// Two threads.
pub fn two<K: Kind + Send + Sync + 'static>(make: Make<K>) -> usize {
    episodes::<K, 2>(3, make)
}

/// Makes the participants of a barrier with that completion step.
pub type MakeWithStep<K> = fn(Box<dyn FnMut() + Send>) -> Vec<Participant<K>>;

/// The completion step sees what all did, and all see what it did.
pub fn step<K: Kind + Send + Sync + 'static>(make: MakeWithStep<K>) -> usize {
    explore_within_to(1, [1], move || {
        let marks = marks::<4>();
        let seen = Arc::clone(&marks);
        let participants = make(Box::new(move || {
            assert!((0..3).all(|other| seen[other].get() == 1));
            seen[3].add(1);
        }));
        let threads: Vec<_> = participants
            .into_iter()
            .enumerate()
            .map(|(me, mut participant)| {
                let marks = Arc::clone(&marks);
                spawn(move || {
                    marks[me].add(1);
                    participant.wait().expect("none fails");
                    assert_eq!(marks[3].get(), 1);
                    participant
                })
            })
            .collect();
        for thread in threads {
            drop(thread.join().expect("it only waits"));
        }
        marks[3].get()
    })
}

/// A participant goes after the first episode, and if it does not leave by that, it poisons the barrier. The first
/// episode completes for the others all the same, and the second for none of them; they see what the one that goes did
/// before.
pub fn breaks<K: Kind + Send + Sync + 'static>(preemptions: usize, by_drop: bool, make: Make<K>) -> usize {
    explore_within_to(preemptions, [[(true, false); 2]], move || {
        let gone = Arc::new(Watched::default());
        let mut participants = make(3);
        let mut first = participants.remove(0);
        let others = participants.into_iter().map(|mut participant| {
            let gone = Arc::clone(&gone);
            spawn(move || {
                let first = participant.wait();
                let second = participant.wait();
                assert_eq!(second, Err(Poisoned));
                assert_eq!(gone.get(), 1);
                assert!(participant.is_poisoned() && participant.wait().is_err());
                (first.is_ok(), second.is_ok())
            })
        });
        let others: Vec<_> = others.collect();
        first.wait().expect("all arrive");
        gone.add(1);
        if by_drop {
            drop(first);
        } else {
            first.poison();
            // Nor for the one that has poisoned it, which comes to it last.
            assert_eq!(first.wait(), Err(Poisoned));
        }
        let mut outcomes = others.into_iter().map(|other| other.join().expect("it only waits"));
        [(); 2].map(|()| outcomes.next().expect("there are two"))
    })
}

/// One of three leaves while two wait, alone at its counter or not: each episode has its leader among those that wait.
pub fn combining_leaves() -> usize {
    leaves(0) + leaves(2)
}

fn leaves(leaver: usize) -> usize {
    explore_within_to(2, [2], move || {
        let marks = marks::<3>();
        let mut participants: Vec<_> = CombiningBarrier::new(3).into_iter().enumerate().collect();
        let (gone, leaver) = participants.remove(leaver);
        let others: Vec<_> = participants
            .into_iter()
            .map(|(me, mut participant)| {
                let marks = Arc::clone(&marks);
                spawn(move || {
                    marks[me].add(1);
                    let first = participant.wait().expect("none fails").is_leader();
                    assert_eq!(marks.iter().map(Watched::get).sum::<u32>(), 3);
                    let second = participant.wait().expect("none fails").is_leader();
                    (u32::from(first) + u32::from(second), participant)
                })
            })
            .collect();
        marks[gone].add(1);
        leaver.arrive_and_drop();
        others
            .into_iter()
            .map(|other| other.join().expect("it only waits").0)
            .sum::<u32>()
    })
}

/// Two of three leave, which empties a counter: the third goes on alone.
pub fn combining_leaves_empty() -> usize {
    explore_within_to(2, [1], || {
        let mut participants = CombiningBarrier::new(3);
        let mut stays = participants.pop().expect("there are three");
        let leavers: Vec<_> = participants
            .into_iter()
            .map(|participant| spawn(move || drop(participant)))
            .collect();
        let leads = u32::from(stays.wait().expect("none fails").is_leader());
        for leaver in leavers {
            leaver.join().expect("it only leaves");
        }
        assert!(stays.wait().expect("none fails").is_leader());
        leads
    })
}

/// Work between arriving and waiting, and an arrival that is never waited with.
pub fn combining_split() -> usize {
    explore_to([true], || {
        let marks = marks::<2>();
        let [mut one, mut other]: [Participant<CombiningBarrier<NoStep>>; 2] =
            CombiningBarrier::new(2).try_into().expect("there are two");
        let thread = spawn({
            let marks = Arc::clone(&marks);
            move || {
                marks[1].add(1);
                other.arrive().expect("none fails").wait().expect("none fails");
                assert_eq!(marks[0].get(), 1);
                drop(other.arrive().expect("none fails"));
                other
            }
        });
        marks[0].add(1);
        let arrival = one.arrive().expect("none fails");
        arrival.wait().expect("none fails");
        assert_eq!(marks[1].get(), 1);
        one.wait().expect("none fails");
        let mut other = thread.join().expect("it only waits");
        // The third episode: the other's first wait ends what is left of the second.
        let arrival = one.arrive().expect("none fails");
        other.wait().expect("none fails");
        arrival.wait().is_ok()
    })
}

/// Two of three have arrived and not waited, and are dropped at any time: they leave when the episode is over, and the third
/// goes on alone. It then sees what they did before they were dropped.
pub fn combining_drops() -> usize {
    explore_within_to(2, [2], || {
        let marks = marks::<2>();
        let mut participants = CombiningBarrier::new(3);
        // It shares its counter with one of the others.
        let mut stays = participants.remove(0);
        let leavers: Vec<_> = participants
            .into_iter()
            .enumerate()
            .map(|(me, mut participant)| {
                let marks = Arc::clone(&marks);
                spawn(move || {
                    drop(participant.arrive().expect("none fails"));
                    marks[me].add(1);
                    drop(participant);
                })
            })
            .collect();
        stays.wait().expect("none fails");
        let second = stays.wait().expect("none fails").is_leader();
        let seen = marks.iter().map(Watched::get).sum::<u32>();
        for leaver in leavers {
            leaver.join().expect("it only leaves");
        }
        assert!(second && stays.wait().expect("none fails").is_leader());
        seen
    })
}
