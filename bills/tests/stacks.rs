//! Stacks on simulated cores, where operations are interrupted between any two accesses: each history is one that a sequential
//! stack could have had. A schedule is found again by its seed.
#![cfg(linchpin_coherence)]

#[path = "../../tests/stack/history.rs"]
mod history;

use std::sync::Mutex;

use bills::Random;
use coherence::Machine;
use linchpin::CachePadded;
use linchpin::stack::{EpochStack, HazardStack, TaggedStack};

use history::{Clock, Done, Operation, is_linearizable};

const SEEDS: u64 = 1_500;
const EACH: usize = 5;

/// What the histories need of a stack.
struct Stack<'stack> {
    push: &'stack (dyn Fn(u32) + Sync),
    pop: &'stack (dyn Fn() -> Option<u32> + Sync),
    pop_all: &'stack (dyn Fn() -> Vec<u32> + Sync),
    is_empty: &'stack (dyn Fn() -> bool + Sync),
}

impl Stack<'_> {
    fn act(&self, random: &Random, value: u32) -> Done {
        match random.below(16) {
            0..8 => {
                (self.push)(value);
                Done::Pushed(value)
            }
            8..14 => Done::Popped((self.pop)()),
            14 => Done::PoppedAll((self.pop_all)()),
            _ => Done::WasEmpty((self.is_empty)()),
        }
    }

    /// A history of so many threads, for the seed.
    fn record(&self, machine: &Machine, threads: usize, seed: u64) -> Vec<Operation> {
        let clock = Clock::default();
        let history = Mutex::new(Vec::new());
        coherence::run(machine, threads, |thread| {
            let random = Random::new(seed, thread);
            for round in 0..EACH {
                let value = u32::try_from(thread * EACH + round).expect("a small number");
                random.pause(12);
                let operation = clock.time(|| (), || self.act(&random, value));
                history.lock().expect("no thread panics here").push(operation);
            }
        });
        history.into_inner().expect("no thread panics here")
    }
}

/// Explores a stack that `with` makes anew for each seed.
fn explore(with: impl Fn(&mut dyn FnMut(&Stack<'_>))) {
    let machines = [Machine::flat(6), Machine::two_cores(), Machine::epyc_9654()];
    let mut at_once = 0;
    for seed in 0..SEEDS {
        let threads = 3 + (seed % 4) as usize;
        let machine = &machines[(seed / 4 % 3) as usize];
        with(&mut |stack| {
            let history = stack.record(machine, threads, seed);
            let overlaps = |one: &Operation| {
                history
                    .iter()
                    .any(|other| one.begin < other.begin && other.begin < one.end)
            };
            at_once += u64::from(history.iter().any(overlaps));
            assert!(is_linearizable(&history), "seed {seed}: no order explains {history:#?}");
        });
    }
    assert!(
        at_once > SEEDS / 2,
        "operations overlapped in {at_once} of {SEEDS} histories"
    );
}

macro_rules! explores {
    ($stack:expr, $value:expr, $read:expr) => {
        explore(|look| {
            let stack = $stack;
            look(&Stack {
                push: &|value| stack.push($value(value)),
                pop: &|| stack.pop().map($read),
                pop_all: &|| stack.pop_all().map($read).collect(),
                is_empty: &|| stack.is_empty(),
            });
        })
    };
}

#[test]
fn histories_of_a_tagged_stack_are_those_of_a_sequential_one() {
    explores!(TaggedStack::new(), |value: u32| value, |value: u32| value);
}

#[test]
fn histories_of_a_bounded_stack_are_those_of_a_sequential_one() {
    explores!(TaggedStack::bounded(64), |value: u32| value, |value: u32| value);
}

#[test]
fn histories_of_an_epoch_stack_are_those_of_a_sequential_one() {
    explores!(EpochStack::new(), CachePadded::new, CachePadded::into_inner);
}

#[test]
fn histories_of_a_hazard_stack_are_those_of_a_sequential_one() {
    explores!(HazardStack::new(), CachePadded::new, CachePadded::into_inner);
}

/// The nodes of a tagged stack are freed in large pieces, and plain values in them need not be looked at one by one.
#[test]
fn a_tagged_stack_of_plain_values_is_dropped_at_once() {
    let accesses = |values: u32| {
        let stack = TaggedStack::with_capacity(200);
        (0..values).for_each(|value| stack.push(value));
        let stack = Mutex::new(Some(stack));
        let report = coherence::run(&Machine::flat(1), 1, |_| {
            drop(stack.lock().expect("no thread panics here").take());
        });
        report.total().hits() + report.total().transactions()
    };
    assert!(accesses(10) > 0);
    assert_eq!(accesses(200), accesses(10));
}
