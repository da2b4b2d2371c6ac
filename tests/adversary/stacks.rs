//! The stacks: a thread that is stopped anywhere keeps no other from going on, for however long; memory behind it; and
//! a child that is forked in the middle of operations.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::thread;
use std::time::Duration;

#[cfg(feature = "epoch")]
use linchpin::stack::EpochStack;
use linchpin::stack::{HazardStack, TaggedStack};

use crate::allocator;
use crate::kinds::Stack;
use crate::process::{Child, alone_for, in_a_fork};
use crate::system::{Actor, HoldUp, leak, until};

/// How often a thread is stopped.
const STOPS: usize = 150;
const THREADS: u64 = 4;
const LIMIT: Duration = Duration::from_secs(300);

struct Work<S> {
    stack: S,
    /// Of each thread.
    done: [AtomicU64; THREADS as usize],
    is_over: AtomicBool,
    pushed: AtomicU64,
    popped: AtomicU64,
}

impl<S: Stack<u64> + 'static> Work<S> {
    fn start() -> (&'static Self, Vec<Actor>) {
        let work: &Self = leak(Work {
            stack: S::default(),
            done: Default::default(),
            is_over: AtomicBool::new(false),
            pushed: AtomicU64::new(0),
            popped: AtomicU64::new(0),
        });
        let actors = (0..THREADS)
            .map(|number| Actor::start(move || work.go_on(number)))
            .collect();
        (work, actors)
    }

    /// Pushes and pops, now more of the one and now of the other, and takes all at times.
    fn go_on(&self, number: u64) {
        let (mut pushed, mut popped, mut round) = (0, 0, number);
        while !self.is_over.load(Relaxed) {
            round += 1;
            for step in 0..8 {
                if (round + step) % 16 < 8 {
                    self.stack.push(round);
                    pushed += round;
                } else if let Some(value) = self.stack.pop() {
                    popped += value;
                }
            }
            if round % 1000 == 0 {
                popped += self.stack.pop_all().sum::<u64>();
            }
            self.done[number as usize].fetch_add(1, Relaxed);
        }
        self.pushed.fetch_add(pushed, Relaxed);
        self.popped.fetch_add(popped, Relaxed);
    }

    /// Stops each of the threads in turn, wherever it is, and wants each of the others to go on meanwhile.
    fn stop_one_after_the_other() {
        allocator::without_locks();
        let (work, actors) = Self::start();
        let done = |number: usize| work.done[number].load(Relaxed);
        until("all threads are at work", || {
            (0..actors.len()).all(|number| done(number) > 100)
        });
        for stop in 0..STOPS {
            let stopped = stop % actors.len();
            let hold_up = HoldUp::of([&actors[stopped]]);
            let before = done(stopped);
            let then: Vec<u64> = (0..actors.len()).map(done).collect();
            until("the others go on", || {
                (0..actors.len()).all(|number| number == stopped || done(number) > then[number] + 50)
            });
            assert_eq!(done(stopped), before, "it was stopped");
            drop(hold_up);
        }
        work.is_over.store(true, Relaxed);
        actors.into_iter().for_each(Actor::join);
        let left = work.stack.pop_all().sum::<u64>();
        assert_eq!(work.pushed.load(Relaxed), work.popped.load(Relaxed) + left);
    }

    /// Children that are forked while the threads are anywhere use the stack that these were at, and one of their own.
    fn fork_in_the_middle() {
        let (work, actors) = Self::start();
        for _ in 0..20 {
            thread::sleep(Duration::from_millis(3));
            let child = in_a_fork(60, || {
                let own = S::default();
                (0..2_000).all(|value| {
                    own.push(value);
                    work.stack.push(value);
                    own.pop() == Some(value) && work.stack.pop() == Some(value)
                })
            });
            assert_eq!(child, Child::Right);
        }
        work.is_over.store(true, Relaxed);
        actors.into_iter().for_each(Actor::join);
    }
}

#[test]
fn a_stopped_thread_keeps_no_other_from_a_tagged_stack() {
    alone_for(LIMIT, || {
        Work::<TaggedStack<u64>>::stop_one_after_the_other();
    });
}

#[test]
fn a_stopped_thread_keeps_no_other_from_a_hazard_stack() {
    alone_for(LIMIT, || {
        Work::<HazardStack<u64>>::stop_one_after_the_other();
    });
}

#[cfg(feature = "epoch")]
#[test]
fn a_stopped_thread_keeps_no_other_from_an_epoch_stack() {
    alone_for(LIMIT, || {
        Work::<EpochStack<u64>>::stop_one_after_the_other();
    });
}

#[test]
fn a_child_of_a_fork_uses_a_tagged_stack() {
    alone_for(LIMIT, || {
        Work::<TaggedStack<u64>>::fork_in_the_middle();
    });
}
