//! A thread is held up at each point of an operation, with them all between its look at the top and its compare-exchange, while
//! others make thousands of operations: nodes are used again or freed, and come back to the top. Then it goes on, and
//! nothing is lost or comes twice.

use std::ops::Range;
use std::thread;
use std::time::Duration;

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
/// What is there before: the top, and what it is linked to.
const BEFORE: u64 = 3;

/// What another thread does meanwhile: it pushes values from `first` on and pops, more of the latter; so the same few
/// nodes are on top again and again. Returns what it has pushed and popped.
fn others<S: Stack<u64>>(stack: &S, seed: u64, first: u64) -> (Range<u64>, Vec<u64>) {
    let (mut random, mut next, mut popped) = (seed, first, Vec::new());
    for _ in 0..MEANWHILE {
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        if random >> 60 < 7 {
            stack.push(next);
            next += 1;
        } else {
            popped.extend(stack.pop());
        }
    }
    (first..next, popped)
}

/// The thread does `act`, and what that returns is `taken` when it is free again. `pushed`: what it pushes.
fn at_each_point<S: Stack<u64> + 'static, R: Send + 'static>(
    act: fn(&'static S) -> R,
    taken: fn(R) -> Vec<u64>,
    pushed: Option<u64>,
) {
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
    for point in (0..points).map(|number| 1 + number * length / points) {
        fill();
        let mut meanwhile = Vec::new();
        let outcome = victim.act_held_up(point, || {
            meanwhile = thread::scope(|scope| {
                let other = scope.spawn(|| others(stack, point, 2_000_000));
                let one = others(stack, !point, 1_000_000);
                Vec::from([one, other.join().expect("it pushes and pops")])
            });
        });
        let mine = taken(outcome);
        if pushed.is_none() && !meanwhile.is_empty() {
            let is_top = mine.first() == Some(&(BEFORE - 1));
            took_the_top += usize::from(is_top);
            took_another += usize::from(!is_top);
        }
        let mut expected: Vec<u64> = (0..BEFORE).chain(pushed).collect();
        let mut all = mine;
        for (pushed, popped) in meanwhile {
            expected.extend(pushed);
            all.extend(popped);
        }
        all.extend(stack.pop_all());
        all.sort_unstable();
        expected.sort_unstable();
        assert!(all == expected, "held up after {point} of {length} instructions");
    }
    println!("{points} of {length} points; the top as it was: {took_the_top}, another: {took_another}");
    assert!(
        pushed.is_some() || took_the_top > 0 && took_another > 0,
        "held up both before and after it took effect"
    );
}

type Of<K> = <K as Kind>::Of<u64>;

fn pops<K: Kind>() {
    at_each_point::<Of<K>, _>(|stack| stack.pop(), |popped| popped.into_iter().collect(), None);
}

fn pushes<K: Kind>() {
    at_each_point::<Of<K>, _>(|stack| stack.push(99), |()| Vec::new(), Some(99));
}

fn takes_all<K: Kind>() {
    at_each_point::<Of<K>, _>(|stack| stack.pop_all(), |all| all.collect(), None);
}

#[test]
fn a_pop_from_a_tagged_stack() {
    alone_for(LIMIT, || {
        pops::<Tagged>();
    });
}

#[test]
fn a_pop_from_a_hazard_stack() {
    alone_for(LIMIT, || {
        pops::<Hazard>();
    });
}

#[cfg(feature = "epoch")]
#[test]
fn a_pop_from_an_epoch_stack() {
    alone_for(LIMIT, || {
        pops::<crate::kinds::Epoch>();
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
