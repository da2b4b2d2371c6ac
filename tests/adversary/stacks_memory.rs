//! The memory of stacks is flat: it does not grow with the number of operations, also while a thread is held up.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use linchpin::stack::{HazardStack, TaggedStack};

use crate::allocator;
use crate::kinds::Stack;
use crate::process::{alone, alone_for};
use crate::system::{Actor, HoldUp, leak, until};

const THREADS: usize = 3;

/// A value too large for a thread to keep its nodes, and small enough for the stack of an actor.
type Large = [u64; 60];

/// Threads that push and pop.
struct Flat {
    done: &'static [AtomicU64; THREADS],
    is_over: &'static AtomicBool,
    actors: Vec<Actor>,
}

impl Flat {
    fn start<T: Send + 'static, S: Stack<T> + 'static>(stack: S, value: fn() -> T) -> Self {
        let (stack, is_over) = (leak(stack), leak(AtomicBool::new(false)));
        let done = leak([const { AtomicU64::new(0) }; THREADS]);
        let actors = (0..THREADS).map(|number| {
            Actor::start(move || {
                while !is_over.load(Relaxed) {
                    for _ in 0..16 {
                        stack.push(value());
                        drop(stack.pop());
                    }
                    done[number].fetch_add(16, Relaxed);
                }
            })
        });
        Flat {
            done,
            is_over,
            actors: actors.collect(),
        }
    }

    /// Holds one thread up after the other, wherever it is, until the others have made `operations` each. `check` is called
    /// meanwhile.
    fn hold_up(&self, rounds: usize, operations: u64, mut check: impl FnMut()) {
        for round in 0..rounds {
            let held = round % THREADS;
            let at_least = |number: usize, than: u64| self.done[number].load(Relaxed) >= than;
            let then = self.done.each_ref().map(|done| done.load(Relaxed));
            until("all are at work", || {
                (0..THREADS).all(|number| at_least(number, then[number] + 16))
            });
            let _held = HoldUp::of([&self.actors[held]]);
            let then = self.done.each_ref().map(|done| done.load(Relaxed));
            let mut goal = 0;
            while goal < operations {
                goal = operations.min(goal + 5_000);
                until("the others go on", || {
                    check();
                    (0..THREADS).all(|number| number == held || at_least(number, then[number] + goal))
                });
            }
        }
    }

    fn end(self) {
        self.is_over.store(true, Relaxed);
        self.actors.into_iter().for_each(Actor::join);
    }
}

/// Live nodes of a [`HazardStack`], counted while one thread after the other is held up: they have a bound, which does not
/// depend on how many operations the others make.
fn hazard_stays_flat(rounds: usize, operations: u64) {
    allocator::without_locks();
    // What each thread may have retired, what it may have pushed and not popped, and what it holds; a hundred for what else there
    // is of that size.
    const BOUND: isize = (THREADS * (1_000 + 2) + 100) as isize;
    let flat = Flat::start(HazardStack::<Large>::new(), || [7; 60]);
    let mut most = 0;
    flat.hold_up(rounds, operations, || {
        most = most.max(allocator::live(size_of::<Large>()));
    });
    flat.end();
    println!("{most} nodes at most, of {BOUND} that may be");
    assert!(most > 500 && most <= BOUND, "{most} nodes at once");
}

/// Allocations of a [`TaggedStack`] in all: none, once its threads have all been held up before.
fn tagged_stays_flat(rounds: usize, operations: u64) {
    allocator::without_locks();
    let flat = Flat::start(TaggedStack::<u64>::new(), || 7);
    flat.hold_up(2 * THREADS, 100, || ());
    let before = allocator::allocations();
    flat.hold_up(rounds, operations, || ());
    let after = allocator::allocations();
    flat.end();
    assert_eq!(after - before, 0, "it allocates in the steady state");
}

#[test]
fn memory_of_a_hazard_stack_stays_flat() {
    alone(|| hazard_stays_flat(6, 5_000));
}

#[test]
fn memory_of_a_tagged_stack_stays_flat() {
    alone(|| tagged_stays_flat(6, 5_000));
}

const LONG: Duration = Duration::from_secs(1_200);

#[test]
#[ignore = "a minute: `cargo xtask verify` runs it"]
fn memory_of_a_hazard_stack_stays_flat_for_a_minute() {
    alone_for(LONG, || hazard_stays_flat(12, 10_000_000));
}

#[test]
#[ignore = "a minute: `cargo xtask verify` runs it"]
fn memory_of_a_tagged_stack_stays_flat_for_a_minute() {
    alone_for(LONG, || tagged_stays_flat(12, 30_000_000));
}
