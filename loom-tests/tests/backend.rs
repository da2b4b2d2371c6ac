//! Models of the backend boundary itself: the fence pair of "announce, then check".
#![cfg(linchpin_loom)]

use linchpin::models::{asymmetric, fence};
use loom::sync::Arc;
use loom::sync::atomic::AtomicBool;
use loom_tests::{explore_to, models, spawn};
use std::sync::atomic::Ordering;

models! {
    backend, sources: ["loom-tests/tests/backend.rs"],
    fences_meet => fences_meet(),
    pair_meets => pair_meets(),
}

/// Two threads announce and then check, with these fences between; loom chooses what each sees of the other.
fn announce_and_check(here: fn(), there: fn()) -> (bool, bool) {
    // Relaxed, all: the fences alone order these.
    let announced = Arc::new([AtomicBool::new(false), AtomicBool::new(false)]);
    let other = spawn({
        let announced = Arc::clone(&announced);
        move || {
            announced[1].store(true, Ordering::Relaxed);
            there();
            announced[0].load(Ordering::Relaxed)
        }
    });
    announced[0].store(true, Ordering::Relaxed);
    here();
    let seen = announced[1].load(Ordering::Relaxed);
    (seen, other.join().expect("it only checks"))
}

/// All there is: never do both miss the other.
const ONE_SEES: [(bool, bool); 3] = [(false, true), (true, false), (true, true)];

fn fences_meet() -> usize {
    explore_to(ONE_SEES, || {
        announce_and_check(
            // SeqCst: one of the two fences comes first, and what is announced before it is seen
            // after the other. Less lets both miss.
            // model: backend::fences_meet
            || fence(Ordering::SeqCst),
            // SeqCst: as above, with the sides changed.
            // model: backend::fences_meet
            || fence(Ordering::SeqCst),
        )
    })
}

fn pair_meets() -> usize {
    explore_to(ONE_SEES, || {
        announce_and_check(
            // SeqCst: what it stands for.
            // model: backend::pair_meets
            || asymmetric::light(),
            // SeqCst: what it stands for.
            // model: backend::pair_meets
            || asymmetric::heavy(),
        )
    })
}
