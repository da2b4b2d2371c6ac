//! A thread is held up at each point of an operation, with them all between its look at the top and its compare-exchange, while
//! others make thousands of operations: nodes are used again or freed, and come back to the top. Then it goes on, and
//! nothing is lost or comes twice.

use std::sync::atomic::{AtomicPtr, Ordering::Relaxed};
use std::thread;
use std::time::Duration;

use crate::allocator;
use crate::kinds::{Hazard, Kind, Stack, Tagged};
use crate::process::alone_for;
use crate::step::Victim;
use crate::system::leak;

/// A hang fails; a slow machine does not.
const LIMIT: Duration = Duration::from_secs(300);
/// How many instructions are stepped in one test, as a trap may take 40 us: as many as there are points of an optimized
/// operation, and a part of the points of one that is not.
const STEPS: u64 = 40_000;
/// What each of two threads does meanwhile: enough for a scan, or for a batch of nodes to be freed.
const MEANWHILE: u64 = 2_500;
/// What is there before: the top, what it is linked to, and one more.
const BEFORE: u64 = 3;

/// What was pushed and popped.
#[derive(Default)]
struct Did {
    pushed: Vec<u64>,
    popped: Vec<u64>,
}

impl Did {
    fn push<S: Stack<u64>>(&mut self, stack: &S, value: u64) {
        stack.push(value);
        self.pushed.push(value);
    }

    fn pop<S: Stack<u64>>(&mut self, stack: &S) {
        self.popped.extend(stack.pop());
    }

    fn and(mut self, other: Self) -> Self {
        self.pushed.extend(other.pushed);
        self.popped.extend(other.popped);
        self
    }

    /// Pushes values from `first` on and pops, at random: more of the latter, so that the same few nodes are on top again.
    fn work<S: Stack<u64>>(&mut self, stack: &S, mut random: u64, first: u64) {
        for value in first..first + MEANWHILE {
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            if random >> 60 < 7 {
                self.push(stack, value);
            } else {
                self.pop(stack);
            }
        }
    }
}

/// Two threads push and pop.
fn others<S: Stack<u64>>(stack: &S, seed: u64) -> Did {
    thread::scope(|scope| {
        let other = scope.spawn(move || {
            let mut did = Did::default();
            did.work(stack, seed, 2_000_000);
            did
        });
        let mut did = Did::default();
        did.work(stack, !seed, 1_000_000);
        did.and(other.join().expect("it pushes and pops"))
    })
}

/// The node that was on top is on top again, linked to another one: this thread has popped it and the third, and uses
/// first the one that it has popped last; another thread has the second.
fn node_comes_back<S: Stack<u64>>(stack: &S, _seed: u64) -> Did {
    let mut did = Did::default();
    did.pop(stack);
    thread::scope(|scope| scope.spawn(|| did.pop(stack)).join()).expect("it only pops");
    did.pop(stack);
    did.push(stack, 1_000_000);
    did.push(stack, 1_000_001);
    did
}

/// The memory of the node that was on top is on top again, in a new node with another link, if it was freed: this thread has
/// retired it, retires thousands of others, and looks at each push and pop whether it is there. Another thread has the
/// second node.
fn memory_comes_back<S: Stack<u64>>(stack: &S, _seed: u64) -> Did {
    const { assert!(size_of::<S>() >= size_of::<usize>() && align_of::<S>() >= align_of::<usize>()) };
    // SAFETY: such a stack is its head, an atomic pointer that is looked at here, and padding.
    let head = unsafe { &*std::ptr::from_ref(stack).cast::<AtomicPtr<u8>>() };
    let seen = head.load(Relaxed);
    let mut did = Did::default();
    did.pop(stack);
    thread::scope(|scope| scope.spawn(|| did.pop(stack)).join()).expect("it only pops");
    did.pop(stack);
    assert!(head.load(Relaxed).is_null(), "this is not where the top is");
    let mut next = 1_000_000;
    for _ in 0..20 {
        for step in 0..600 {
            if step < 300 {
                did.push(stack, next);
                next += 1;
            } else {
                did.pop(stack);
            }
            if head.load(Relaxed) == seen {
                return did;
            }
        }
    }
    did
}

/// The thread does `act`, and what that returns is `taken` when it is free again. `pushed`: what it pushes.
fn at_each_point<S: Stack<u64> + 'static, R: Send + 'static>(
    act: fn(&'static S) -> R,
    taken: fn(R) -> Vec<u64>,
    pushed: Option<u64>,
    meanwhile: &[fn(&S, u64) -> Did],
) {
    // A thread that is held up while it allocates keeps no other from it.
    allocator::without_locks();
    let stack: &'static S = leak(S::default());
    let victim = Victim::new(move || act(stack));
    let fill = || (0..BEFORE).for_each(|value| stack.push(value));
    // Its first time is longer: the thread allocates what it keeps.
    let mut length = 0;
    for _ in 0..3 {
        fill();
        let (outcome, steps) = victim.act();
        drop(taken(outcome));
        stack.pop_all().for_each(drop);
        length = steps;
    }
    assert!(length > 10, "{length} instructions: this processor does not step");
    let points = (2 * STEPS / length).min(length);
    let (mut took_the_top, mut took_another) = (0, 0);
    for number in 0..points {
        let point = 1 + number * length / points;
        for act_meanwhile in meanwhile {
            fill();
            let mut did = None;
            let outcome = victim.act_held_up(point, || did = Some(act_meanwhile(stack, point)));
            let mine = taken(outcome);
            if pushed.is_none() && did.is_some() {
                let is_top = mine.first() == Some(&(BEFORE - 1));
                took_the_top += usize::from(is_top);
                took_another += usize::from(!is_top);
            }
            let did = did.unwrap_or_default();
            let mut expected: Vec<u64> = (0..BEFORE).chain(pushed).chain(did.pushed).collect();
            // More than there can be are as wrong as a circle.
            let most = expected.len() + 1;
            let mut all: Vec<u64> = mine.into_iter().chain(did.popped).collect();
            all.extend(stack.pop_all().take(most));
            all.sort_unstable();
            expected.sort_unstable();
            assert!(all == expected, "held up after {point} of {length} instructions");
        }
    }
    println!("{points} of {length} points; the top as it was: {took_the_top}, another: {took_another}");
    assert!(
        pushed.is_some() || took_the_top > 0 && took_another > 0,
        "held up both before and after it took effect"
    );
}

type Of<K> = <K as Kind>::Of<u64>;

fn pops<K: Kind>(comes_back: fn(&Of<K>, u64) -> Did) {
    let taken = |popped: Option<u64>| popped.into_iter().collect();
    at_each_point::<Of<K>, _>(|stack| stack.pop(), taken, None, &[others, comes_back]);
}

fn pushes<K: Kind>() {
    at_each_point::<Of<K>, _>(|stack| stack.push(99), |()| Vec::new(), Some(99), &[others]);
}

fn takes_all<K: Kind>() {
    at_each_point::<Of<K>, _>(|stack| stack.pop_all(), |all| all.collect(), None, &[others]);
}

#[test]
fn a_pop_from_a_tagged_stack() {
    alone_for(LIMIT, || {
        pops::<Tagged>(node_comes_back);
    });
}

#[test]
fn a_pop_from_a_hazard_stack() {
    alone_for(LIMIT, || {
        pops::<Hazard>(memory_comes_back);
    });
}

#[cfg(feature = "epoch")]
#[test]
fn a_pop_from_an_epoch_stack() {
    alone_for(LIMIT, || {
        pops::<crate::kinds::Epoch>(memory_comes_back);
    });
}

#[test]
fn a_push_to_a_tagged_stack() {
    alone_for(LIMIT, || {
        pushes::<Tagged>();
    });
}

#[test]
fn a_push_to_a_hazard_stack() {
    alone_for(LIMIT, || {
        pushes::<Hazard>();
    });
}

#[cfg(feature = "epoch")]
#[test]
fn a_push_to_an_epoch_stack() {
    alone_for(LIMIT, || {
        pushes::<crate::kinds::Epoch>();
    });
}

#[test]
fn all_of_a_tagged_stack() {
    alone_for(LIMIT, || {
        takes_all::<Tagged>();
    });
}

#[test]
fn all_of_a_hazard_stack() {
    alone_for(LIMIT, || {
        takes_all::<Hazard>();
    });
}

#[cfg(feature = "epoch")]
#[test]
fn all_of_an_epoch_stack() {
    alone_for(LIMIT, || {
        takes_all::<crate::kinds::Epoch>();
    });
}
