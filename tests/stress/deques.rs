//! Hunts elements that come out of a deque twice, or never: an owner, and thieves that steal in every way, all of which
//! hesitate at random; round after round with deques that grow, shrink and run empty.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Instant;

use linchpin::deque::{Injector, Steal, Worker, block};

use crate::{Dice, duration};

const THIEVES: usize = 15;
const ELEMENTS: usize = 2_000;

/// Elements on the heap: one that comes out twice is freed twice as well.
type Element = Box<usize>;

/// One round: all that was pushed has come out, once. `steal` adds what it has got to the list.
fn round(
    seed: usize,
    push: impl Fn(Element),
    pop: impl Fn() -> Option<Element>,
    steal: impl Fn(&mut Dice, &mut Vec<Element>) -> Steal<()> + Send + Clone,
) {
    let is_done = AtomicBool::new(false);
    let mut all = thread::scope(|scope| {
        let thieves: Vec<_> = (0..THIEVES)
            .map(|thief| {
                let (steal, is_done) = (steal.clone(), &is_done);
                let mut dice = Dice::of(seed + thief + 1);
                scope.spawn(move || {
                    let mut taken = vec![];
                    loop {
                        let was_done = is_done.load(Ordering::Acquire);
                        if steal(&mut dice, &mut taken).is_empty() {
                            if was_done {
                                return taken;
                            }
                            thread::yield_now();
                        }
                        if dice.below(8) == 0 {
                            dice.dawdle();
                        }
                    }
                })
            })
            .collect();
        let (mut dice, mut taken) = (Dice::of(seed), vec![]);
        let mut pushed = 0;
        while pushed < ELEMENTS {
            let burst = dice.below(100) as usize;
            for element in pushed..ELEMENTS.min(pushed + burst) {
                push(Box::new(element));
            }
            pushed += burst;
            (0..dice.below(100)).for_each(|_| taken.extend(pop()));
            if dice.below(8) == 0 {
                dice.dawdle();
            }
        }
        is_done.store(true, Ordering::Release);
        while let Some(element) = pop() {
            taken.push(element);
        }
        for thief in thieves {
            taken.extend(thief.join().expect("a thief only steals"));
        }
        taken
    });
    // What a batch put where no thread looked any more would be missing.
    all.sort_unstable();
    assert!(
        all.iter().map(|element| **element).eq(0..ELEMENTS),
        "seed {seed}: {} of {ELEMENTS}",
        all.len()
    );
}

/// Rounds until the time is over, each with a seed of its own.
fn rounds(mut round: impl FnMut(usize)) {
    let end = Instant::now() + duration();
    let mut seed = 0;
    while seed == 0 || Instant::now() < end {
        round(seed);
        seed += THIEVES + 1;
    }
}

/// Puts one element where a batch would be.
fn keep(stolen: Steal<Element>, keeps: impl FnOnce(Element)) -> Steal<()> {
    match stolen {
        Steal::Success(element) => {
            keeps(element);
            Steal::Success(())
        }
        Steal::Empty => Steal::Empty,
        Steal::Retry => Steal::Retry,
    }
}

#[test]
fn chase_lev() {
    rounds(|seed| {
        let worker = if seed % 2 == 0 {
            Worker::new_lifo()
        } else {
            Worker::new_fifo()
        };
        let stealer = worker.stealer();
        let steal = move |dice: &mut Dice, taken: &mut Vec<Element>| {
            let own = Worker::new_fifo();
            let outcome = match dice.below(3) {
                0 => keep(stealer.steal(), |element| taken.push(element)),
                1 => stealer.steal_batch_with_limit(&own, 1 + dice.below(40) as usize),
                _ => keep(stealer.steal_batch_and_pop(&own), |element| taken.push(element)),
            };
            taken.extend(own.drain());
            outcome
        };
        round(seed, |element| worker.push(element), || worker.pop(), steal);
    });
}

#[test]
fn blocks() {
    rounds(|seed| {
        let worker = if seed % 2 == 0 {
            block::Worker::new_lifo()
        } else {
            block::Worker::new_fifo()
        };
        let stealer = worker.stealer();
        let steal = move |dice: &mut Dice, taken: &mut Vec<Element>| {
            let own = block::Worker::new_fifo();
            let outcome = match dice.below(3) {
                0 => keep(stealer.steal(), |element| taken.push(element)),
                1 => stealer.steal_batch(&own),
                _ => keep(stealer.steal_batch_and_pop(&own), |element| taken.push(element)),
            };
            taken.extend(own.drain());
            outcome
        };
        let pop = || {
            worker.publish();
            worker.pop()
        };
        round(seed, |element| worker.push(element), pop, steal);
    });
}

#[test]
fn injector() {
    rounds(|seed| {
        let injector = Injector::new();
        let shared = &injector;
        let steal = move |dice: &mut Dice, taken: &mut Vec<Element>| {
            let own = Worker::new_fifo();
            let outcome = match dice.below(3) {
                0 => keep(shared.steal(), |element| taken.push(element)),
                1 => shared.steal_batch_with_limit(&own, 1 + dice.below(40) as usize),
                _ => keep(shared.steal_batch_and_pop(&own), |element| taken.push(element)),
            };
            taken.extend(own.drain());
            outcome
        };
        // The one that pushes takes as the others do.
        let pop = || {
            std::iter::repeat_with(|| shared.steal())
                .find(|stolen| !stolen.is_retry())?
                .success()
        };
        round(seed, |element| shared.push(element), pop, steal);
    });
}
