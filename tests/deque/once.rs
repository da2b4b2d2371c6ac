//! Exactly once: whatever the owner and the thieves do, each element comes out in one place.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;

use linchpin::deque::{Steal, Stealer, Worker};

use crate::common::{times, watchdog};
use crate::ledger::{Ledger, in_bursts};

const ELEMENTS: usize = times(1 << 21, 1 << 8);

/// How a thief steals.
#[derive(Clone, Copy, Debug)]
enum Manner {
    One,
    Batch,
    BatchAndPop,
    /// Each in turn.
    Mixed,
}

/// Steals once; says whether it should come back later.
fn steal(stealer: &Stealer<usize>, own: &Worker<usize>, manner: Manner, turn: usize, ledger: &Ledger) -> bool {
    let manner = match manner {
        Manner::Mixed => [Manner::One, Manner::Batch, Manner::BatchAndPop][turn % 3],
        other => other,
    };
    let outcome = match manner {
        Manner::Batch => match stealer.steal_batch_with_limit(own, 1 + turn % 40) {
            Steal::Success(()) => own.pop().map_or(Steal::Retry, Steal::Success),
            Steal::Empty => Steal::Empty,
            Steal::Retry => Steal::Retry,
        },
        Manner::BatchAndPop => stealer.steal_batch_and_pop(own),
        _ => stealer.steal(),
    };
    match outcome {
        Steal::Success(element) => {
            ledger.note(element);
            own.drain().for_each(|element| ledger.note(element));
            false
        }
        Steal::Empty => true,
        Steal::Retry => false,
    }
}

/// The owner pushes all elements and pops some of them, in bursts that let the deque grow, shrink and run empty.
fn exactly_once(make: fn() -> Worker<usize>, thieves: usize, manner: Manner, elements: usize) {
    let worker = make();
    let ledger = Ledger::new(elements);
    let is_done = AtomicBool::new(false);
    let stolen = AtomicUsize::new(0);
    thread::scope(|scope| {
        for thief in 0..thieves {
            let (stealer, ledger, is_done, stolen) = (worker.stealer(), &ledger, &is_done, &stolen);
            scope.spawn(move || {
                let own = if thief % 2 == 0 {
                    Worker::new_fifo()
                } else {
                    Worker::new_lifo()
                };
                let mut turn = thief;
                loop {
                    let was_done = is_done.load(Ordering::Acquire);
                    let is_empty = steal(&stealer, &own, manner, turn, ledger);
                    turn += 1;
                    if is_empty && was_done {
                        break;
                    }
                    if is_empty {
                        thread::yield_now();
                    }
                }
                stolen.fetch_add(turn - thief, Ordering::Relaxed);
            });
        }
        let pop = || worker.pop().into_iter().for_each(|element| ledger.note(element));
        in_bursts(elements, |element| worker.push(element), pop);
        is_done.store(true, Ordering::Release);
    });
    worker.drain().for_each(|element| ledger.note(element));
    ledger.assert_complete();
    assert!(stolen.load(Ordering::Relaxed) >= thieves, "each thief has tried");
}

#[test]
fn with_one_thief() {
    let _watchdog = watchdog();
    for make in [Worker::new_lifo, Worker::new_fifo] {
        for manner in [Manner::One, Manner::Batch, Manner::BatchAndPop] {
            exactly_once(make, 1, manner, ELEMENTS);
        }
    }
}

#[test]
fn with_many_thieves() {
    let _watchdog = watchdog();
    for make in [Worker::new_lifo, Worker::new_fifo] {
        for thieves in times(15, 3)..=times(15, 3) {
            exactly_once(make, thieves, Manner::Mixed, ELEMENTS);
        }
        exactly_once(make, 2, Manner::Mixed, ELEMENTS / 2);
    }
}

#[cfg(not(miri))]
#[test]
fn with_64_thieves() {
    let _watchdog = watchdog();
    for make in [Worker::new_lifo, Worker::new_fifo] {
        exactly_once(make, 64, Manner::Mixed, ELEMENTS / 4);
    }
}

/// All thieves through one handle.
#[test]
fn with_a_shared_stealer() {
    let _watchdog = watchdog();
    let worker = Worker::new_lifo();
    let stealer = worker.stealer();
    let ledger = Ledger::new(ELEMENTS / 4);
    let is_done = AtomicBool::new(false);
    thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| {
                loop {
                    let was_done = is_done.load(Ordering::Acquire);
                    match stealer.steal() {
                        Steal::Success(element) => ledger.note(element),
                        Steal::Empty if was_done => break,
                        Steal::Empty => thread::yield_now(),
                        Steal::Retry => {}
                    }
                }
            });
        }
        for element in 0..ELEMENTS / 4 {
            worker.push(element);
            if element % 3 == 0 {
                worker.pop().into_iter().for_each(|element| ledger.note(element));
            }
        }
        is_done.store(true, Ordering::Release);
    });
    ledger.assert_complete();
}

/// The worker goes from thread to thread while thieves steal.
#[test]
fn with_a_worker_that_moves() {
    let _watchdog = watchdog();
    let mut worker = Worker::new_lifo();
    let owners = times(64, 4);
    let each = ELEMENTS / 4 / owners;
    let ledger = Ledger::new(owners * each);
    let is_done = AtomicBool::new(false);
    let worker = thread::scope(|scope| {
        for _ in 0..2 {
            let (stealer, ledger, is_done) = (worker.stealer(), &ledger, &is_done);
            scope.spawn(move || {
                let own = Worker::new_lifo();
                for turn in 0.. {
                    let was_done = is_done.load(Ordering::Acquire);
                    if steal(&stealer, &own, Manner::Mixed, turn, ledger) {
                        if was_done {
                            break;
                        }
                        thread::yield_now();
                    }
                }
            });
        }
        for owner in 0..owners {
            let ledger = &ledger;
            let owned = scope.spawn(move || {
                for element in owner * each..(owner + 1) * each {
                    worker.push(element);
                    if element % 2 == 0 {
                        worker.pop().into_iter().for_each(|element| ledger.note(element));
                    }
                }
                worker
            });
            worker = owned.join().expect("it only pushes and pops");
        }
        is_done.store(true, Ordering::Release);
        worker
    });
    worker.drain().for_each(|element| ledger.note(element));
    ledger.assert_complete();
}
