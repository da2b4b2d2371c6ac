//! The central barrier.

// std's: loom's own aborts the process if it is dropped after a deadlock, which a fault may lead to.
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use linchpin::barrier::{Barrier, NoStep, Step, WaitError};
use loom::sync::atomic::AtomicU32;
use loom_tests::{Bounds, Watched, explore_beyond_to, explore_to, explore_within_to, spawn};

/// What each thread writes before an episode and all read after it.
struct Meeting<S = NoStep> {
    barrier: Barrier<S>,
    marks: Vec<Watched>,
}

impl Meeting {
    fn of(threads: usize) -> Arc<Self> {
        Meeting::with(threads, Barrier::new(threads))
    }
}

impl<S: Step> Meeting<S> {
    fn with(threads: usize, barrier: Barrier<S>) -> Arc<Self> {
        let marks = (0..threads).map(|_| Watched::default()).collect();
        Arc::new(Meeting { barrier, marks })
    }

    /// Sees what all others have written before the episode, and none after it: loom panics at a mark that is written
    /// by a thread that is ahead.
    fn all_have(&self, value: u32) {
        assert!(self.marks.iter().all(|mark| mark.get() == value));
    }
}

/// So many threads, so many episodes. A thread reads the marks between two waits, and writes its own after the second:
/// that makes two barrier episodes of each round. The outcome is how many leaders there were.
pub fn central_meets(threads: usize, episodes: u32, preemptions: usize) -> usize {
    explore_within_to(preemptions, [episodes], move || {
        let meeting = Meeting::of(threads);
        let body = move |meeting: &Meeting, me: usize| {
            let mut leads = 0;
            for episode in 1..=episodes {
                // A mark is written in odd episodes, and read in even ones.
                if episode % 2 == 1 {
                    meeting.marks[me].add(1);
                } else {
                    meeting.all_have(episode / 2);
                }
                leads += u32::from(meeting.barrier.wait().is_leader());
            }
            leads
        };
        let others: Vec<_> = (1..threads)
            .map(|me| {
                let meeting = Arc::clone(&meeting);
                spawn(move || body(&meeting, me))
            })
            .collect();
        let mut leads = body(&meeting, 0);
        for other in others {
            leads += other.join().expect("it only waits");
        }
        leads
    })
}

/// One episode of two threads: each sees the other's mark. (Neither is the main thread: loom 0.7 overlooks that a
/// compare-exchange may come before another thread's load if a load of its own thread lies between, tokio-rs/loom#166.)
pub fn central_hands_over() -> usize {
    explore_to([(true, false), (false, true)], || {
        let meeting = Meeting::of(2);
        let body = |meeting: &Meeting, me: usize| {
            meeting.marks[me].add(1);
            let leads = meeting.barrier.wait().is_leader();
            meeting.all_have(1);
            leads
        };
        let both = [0, 1].map(|me| {
            let meeting = Arc::clone(&meeting);
            spawn(move || body(&meeting, me))
        });
        both.map(|thread| thread.join().expect("it only waits")).into()
    })
}

/// The completion step sees what all did, is seen by all, and runs once for each episode.
pub fn central_step() -> usize {
    explore_to([2], || {
        let marks: Arc<[Watched; 3]> = Arc::default();
        let step = {
            let marks = Arc::clone(&marks);
            move || {
                assert_eq!(marks[0].get(), marks[1].get());
                marks[2].add(1);
            }
        };
        let barrier = Arc::new(Barrier::with_step(2, step));
        let other = spawn({
            let (barrier, marks) = (Arc::clone(&barrier), Arc::clone(&marks));
            move || {
                for episode in 1..=2 {
                    marks[1].add(1);
                    barrier.wait();
                    assert_eq!(marks[2].get(), episode);
                }
            }
        });
        for episode in 1..=2 {
            marks[0].add(1);
            barrier.wait();
            assert_eq!(marks[2].get(), episode);
        }
        other.join().expect("it only waits");
        marks[2].get()
    })
}

/// A time-out against the last arrival. Either the episode is complete for both, with one leader, or the arrival is
/// taken back and the episode completes with the next.
pub fn central_times_out() -> usize {
    let through = [(false, true, 1), (false, false, 1), (true, false, 1), (true, true, 1)];
    explore_to(through, || {
        let meeting = Meeting::of(2);
        let other = spawn({
            let meeting = Arc::clone(&meeting);
            move || {
                meeting.marks[1].add(1);
                meeting.barrier.wait().is_leader()
            }
        });
        let first = meeting.barrier.wait_timeout(Duration::from_secs(1));
        let (timed_out, leads) = match first {
            Ok(result) => (false, result.is_leader()),
            Err(WaitError::TimedOut) => (true, meeting.barrier.wait().is_leader()),
            Err(WaitError::Poisoned) => unreachable!("nothing poisons it"),
        };
        assert_eq!(meeting.marks[1].get(), 1);
        let other_leads = other.join().expect("it only waits");
        (timed_out, leads, u32::from(leads) + u32::from(other_leads))
    })
}

/// A thread gives up among three, then one arrives in its place: no arrival is lost and none is left over.
pub fn central_times_out_among_three() -> usize {
    explore_within_to(2, [1], || {
        let barrier = Arc::new(Barrier::new(2));
        let others = [(); 2].map(|()| {
            let barrier = Arc::clone(&barrier);
            spawn(move || barrier.wait_timeout(Duration::from_secs(1)))
        });
        let mine = barrier.wait_timeout(Duration::from_secs(1));
        let mut all = others.map(|other| other.join().expect("it only waits")).to_vec();
        all.push(mine);
        let through = all.iter().filter(|result| result.is_ok()).count();
        let leaders = all
            .iter()
            .filter(|result| result.is_ok_and(|result| result.is_leader()))
            .count();
        // Two meet, or none; and what is left over shows in the next episode.
        assert!(through == 0 || through == 2, "{all:?}");
        assert_eq!(leaders * 2, through, "{all:?}");
        assert_eq!(barrier.wait_timeout(Duration::ZERO), Err(WaitError::TimedOut));
        1
    })
}

/// A thread leaves while another waits: the episode completes, with a leader among those that wait.
pub fn central_leave() -> usize {
    explore_within_to(2, [(1, 1)], || {
        let meeting = Meeting::of(3);
        let leaver = spawn({
            let meeting = Arc::clone(&meeting);
            move || {
                meeting.marks[2].add(1);
                meeting.barrier.arrive_and_drop();
            }
        });
        let body = |meeting: &Meeting, me: usize| {
            meeting.marks[me].add(1);
            let first = meeting.barrier.wait().is_leader();
            meeting.all_have(1);
            let second = meeting.barrier.wait().is_leader();
            (u32::from(first), u32::from(second))
        };
        let other = spawn({
            let meeting = Arc::clone(&meeting);
            move || body(&meeting, 1)
        });
        let mine = body(&meeting, 0);
        let others = other.join().expect("it only waits");
        leaver.join().expect("it only leaves");
        (mine.0 + others.0, mine.1 + others.1)
    })
}

/// All leave, one after the other: each time the episode completes, and its step runs, and sees what all did before.
pub fn central_leave_step() -> usize {
    explore_to([2], || {
        let marks: Arc<[Watched; 3]> = Arc::default();
        let step = {
            let marks = Arc::clone(&marks);
            move || {
                assert_eq!(marks[0].get() + marks[1].get(), 2 + marks[2].get());
                marks[2].add(1);
            }
        };
        let barrier = Arc::new(Barrier::with_step(2, step));
        let other = spawn({
            let (barrier, marks) = (Arc::clone(&barrier), Arc::clone(&marks));
            move || {
                marks[1].add(1);
                barrier.wait();
                marks[1].add(1);
                barrier.arrive_and_drop();
            }
        });
        marks[0].add(1);
        barrier.arrive_and_drop();
        other.join().expect("it only waits");
        marks[2].get()
    })
}

/// A thread leaves while another waits with a time-out: that one leads the episode, or the next one if its arrival was taken
/// back; it is through when the step has run.
pub fn central_leave_times_out() -> usize {
    explore_to([false, true], || {
        let steps = Arc::new(Watched::default());
        let barrier = Arc::new(Barrier::with_step(2, {
            let steps = Arc::clone(&steps);
            move || steps.add(1)
        }));
        let leaver = spawn({
            let barrier = Arc::clone(&barrier);
            move || barrier.arrive_and_drop()
        });
        let first = barrier.wait_timeout(Duration::from_secs(1));
        let timed_out = first == Err(WaitError::TimedOut);
        let result = first.unwrap_or_else(|_| barrier.wait());
        assert!(result.is_leader());
        assert_eq!(steps.get(), 1);
        leaver.join().expect("it only leaves");
        timed_out
    })
}

/// Poisoning against a wait: the waiter is through, or sees what the poisoner did; and no wait succeeds afterwards.
pub fn central_poison() -> usize {
    explore_within_to(2, [(false, false), (true, false), (true, true)], || {
        let meeting = Meeting::of(2);
        let poisoner = spawn({
            let meeting = Arc::clone(&meeting);
            move || {
                meeting.marks[0].add(1);
                meeting.barrier.poison();
            }
        });
        let other = spawn({
            let meeting = Arc::clone(&meeting);
            move || meeting.barrier.wait_checked()
        });
        let mine = meeting.barrier.wait_checked();
        if mine.is_err() {
            assert_eq!(meeting.marks[0].get(), 1);
        }
        assert_eq!(mine.is_ok(), other.join().expect("it only waits").is_ok());
        poisoner.join().expect("it only poisons");
        assert!(meeting.barrier.wait_checked().is_err() && meeting.barrier.wait_checked().is_err());
        (mine.is_ok(), mine.is_ok_and(|result| result.is_leader()))
    })
}

/// More threads than participants: each arrival counts for one episode, and each episode has its step and its leader.
pub fn central_surplus(preemptions: usize, threads: usize, participants: usize) -> usize {
    central_surplus_within(Bounds::SMALL, preemptions, threads, participants)
}

/// The same where an owner does not go on: each episode that is complete beforehand is handed on.
pub fn central_hands_on() -> usize {
    let hands_on = Bounds {
        decides: false,
        ..Bounds::SMALL
    };
    central_surplus_within(hands_on, 2, 3, 1)
}

fn central_surplus_within(bounds: Bounds, preemptions: usize, threads: usize, participants: usize) -> usize {
    explore_beyond_to(bounds, preemptions, [(threads / participants) as u32], move || {
        let steps = Arc::new(Watched::default());
        let counted = Arc::clone(&steps);
        let barrier = Arc::new(Barrier::with_step(participants, move || counted.add(1)));
        let others: Vec<_> = (1..threads)
            .map(|_| {
                let barrier = Arc::clone(&barrier);
                spawn(move || u32::from(barrier.wait().is_leader()))
            })
            .collect();
        let mut leads = u32::from(barrier.wait().is_leader());
        for other in others {
            leads += other.join().expect("it only waits");
        }
        assert_eq!(steps.get(), leads);
        leads
    })
}

/// The owner of an episode goes on to later ones, and hands on: each step sees as many arrivals as it takes. The first
/// thread arrives once more, without waiting.
pub fn central_goes_on(preemptions: usize, threads: usize, participants: u32) -> usize {
    let arrivals = u32::try_from(threads).expect("there are few") + 1;
    explore_within_to(preemptions, [arrivals / participants], move || {
        let (arrived, steps) = (Arc::new(AtomicU32::new(0)), Arc::new(Watched::default()));
        let step = {
            let (arrived, steps) = (Arc::clone(&arrived), Arc::clone(&steps));
            move || {
                steps.add(1);
                // Relaxed: it orders nothing, so that the barrier has to.
                let seen = arrived.load(Relaxed);
                assert!(seen >= steps.get() * participants, "{seen} arrivals");
            }
        };
        let barrier = Arc::new(Barrier::with_step(participants as usize, step));
        let wait = |barrier: &Barrier<_>, arrived: &AtomicU32| {
            arrived.fetch_add(1, Relaxed);
            u32::from(barrier.wait().is_leader())
        };
        let others: Vec<_> = (1..threads)
            .map(|_| {
                let (barrier, arrived) = (Arc::clone(&barrier), Arc::clone(&arrived));
                spawn(move || wait(&barrier, &arrived))
            })
            .collect();
        arrived.fetch_add(1, Relaxed);
        drop(barrier.arrive());
        wait(&barrier, &arrived);
        others
            .into_iter()
            .for_each(|other| _ = other.join().expect("it only waits"));
        steps.get()
    })
}

/// Work between arriving and waiting, and an arrival that is dropped.
pub fn central_split() -> usize {
    explore_to([(1, 1), (1, 0)], || {
        let meeting = Meeting::of(2);
        let other = spawn({
            let meeting = Arc::clone(&meeting);
            move || {
                meeting.marks[1].add(1);
                let arrival = meeting.barrier.arrive();
                let first = arrival.wait().expect("nothing poisons it").is_leader();
                drop(meeting.barrier.arrive());
                u32::from(first)
            }
        });
        let arrival = meeting.barrier.arrive();
        meeting.marks[0].add(1);
        let mut first = u32::from(arrival.wait().expect("nothing poisons it").is_leader());
        assert_eq!(meeting.marks[1].get(), 1);
        let second = u32::from(meeting.barrier.arrive().wait().expect("nothing poisons it").is_leader());
        first += other.join().expect("it only waits");
        (first, second)
    })
}

/// A thread that is held up between arriving and waiting: the others are through, and its first look at the gate sees
/// what they did.
pub fn central_held_up() -> usize {
    explore_to([true], || {
        let meeting = Meeting::of(2);
        let is_through = Arc::new(loom::sync::atomic::AtomicBool::new(false));
        let arrival = meeting.barrier.arrive();
        let other = spawn({
            let (meeting, is_through) = (Arc::clone(&meeting), Arc::clone(&is_through));
            move || {
                meeting.marks[1].add(1);
                let leads = meeting.barrier.wait().is_leader();
                // Relaxed: it orders nothing, so that the gate has to.
                is_through.store(true, Relaxed);
                leads
            }
        });
        while !is_through.load(Relaxed) {
            loom::thread::yield_now();
        }
        assert!(!arrival.wait().expect("nothing poisons it").is_leader());
        assert_eq!(meeting.marks[1].get(), 1);
        other.join().expect("it only waits")
    })
}
