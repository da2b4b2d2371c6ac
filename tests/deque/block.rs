//! The block deque: its order, what thieves see and when, and that each element comes out once.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;

use linchpin::deque::Steal::{self, Empty, Retry, Success};
use linchpin::deque::block::{Stealer, Worker};

use crate::common::{Drops, times, watchdog};
use crate::ledger::{Ledger, Panics, in_bursts};

/// How many elements a block holds.
const BLOCK: usize = 64;

#[test]
fn an_owner_alone_pops_in_the_order_of_its_flavor() {
    for count in [0, 1, BLOCK - 1, BLOCK, BLOCK + 1, 5 * BLOCK + 7] {
        let mut lifo = Worker::new_lifo();
        lifo.extend(0..count);
        assert_eq!(lifo.is_empty(), count == 0);
        assert_eq!(lifo.drain().collect::<Vec<_>>(), (0..count).rev().collect::<Vec<_>>());
        assert!(lifo.is_empty() && lifo.pop().is_none());
        let mut fifo = Worker::new_fifo();
        fifo.extend(0..count);
        assert_eq!(fifo.drain().collect::<Vec<_>>(), (0..count).collect::<Vec<_>>());
        assert!(fifo.is_empty() && fifo.pop().is_none());
    }
}

/// A model of a deque on one thread: random pushes, pops and publications, and thieves that open blocks.
#[test]
fn an_owner_goes_to_and_fro() {
    use std::collections::VecDeque;
    for is_lifo in [true, false] {
        let worker = if is_lifo {
            Worker::new_lifo()
        } else {
            Worker::new_fifo()
        };
        let mut model = VecDeque::new();
        let mut random = 1_u64;
        for round in 0..times(200_000, 2000) {
            random = random
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            match random >> 60 {
                0..=7 => {
                    worker.push(round);
                    model.push_back(round);
                }
                8 if random >> 52 & 15 == 0 => worker.publish(),
                _ => {
                    let expected = if is_lifo { model.pop_back() } else { model.pop_front() };
                    assert_eq!(worker.pop(), expected);
                }
            }
            assert_eq!(worker.is_empty(), model.is_empty());
        }
    }
}

#[test]
fn thieves_take_the_oldest_that_they_see() {
    for worker in [Worker::new_lifo(), Worker::new_fifo()] {
        let stealer = worker.stealer();
        assert!(stealer.is_empty());
        (0..4 * BLOCK).for_each(|value| worker.push(value));
        assert!(!stealer.is_empty());
        worker.publish();
        for value in 0..4 * BLOCK {
            assert_eq!(stealer.clone().steal(), Success(value));
        }
    }
}

/// What thieves do not see at once they see after one operation of the owner, once they have looked for it long enough; when it is
/// worth while, at once; and when the owner publishes.
#[test]
fn a_thief_that_finds_nothing_is_answered() {
    /// Finds nothing, often enough to be answered.
    fn wait(stealer: &Stealer<u32>) {
        (0..16).for_each(|_| assert_eq!(stealer.steal(), Empty));
    }
    for make in [Worker::new_lifo as fn() -> Worker<u32>, Worker::new_fifo] {
        let worker = make();
        let stealer = worker.stealer();
        worker.push(0);
        worker.push(1);
        wait(&stealer);
        worker.push(2);
        assert_eq!((stealer.steal(), stealer.steal()), (Success(0), Success(1)));
        wait(&stealer);
        worker.push(3);
        worker.push(4);
        assert_eq!(stealer.steal(), Success(2));
        worker.publish();
        assert_eq!((stealer.steal(), stealer.steal()), (Success(3), Success(4)));
        // The wish stays until there is something to share.
        wait(&stealer);
        worker.push(5);
        assert_eq!(stealer.steal(), Empty);
        worker.push(6);
        assert_eq!(stealer.steal(), Success(5));
        // A pop answers as a push does.
        (7..10).for_each(|value| worker.push(value));
        wait(&stealer);
        assert!(worker.pop().is_some());
        assert!(stealer.steal().is_success());
        while worker.pop().is_some() {}
        // Sixteen elements are shared with a thief that has looked once.
        assert_eq!(stealer.steal(), Empty);
        (0..16).for_each(|value| worker.push(value));
        assert_eq!(stealer.steal(), Empty);
        worker.push(16);
        assert_eq!(stealer.steal(), Success(0));
    }
}

#[test]
fn a_fifo_owner_takes_what_a_block_has_left() {
    let worker = Worker::new_fifo();
    let stealer = worker.stealer();
    (0..10).for_each(|value| worker.push(value));
    worker.publish();
    assert_eq!(stealer.steal(), Success(0));
    (10..12).for_each(|value| worker.push(value));
    assert_eq!(worker.drain().collect::<Vec<_>>(), (1..12).collect::<Vec<_>>());
    // Half of a block is popped, and the rest published: it is the oldest there is.
    (0..BLOCK + 10).for_each(|value| worker.push(value));
    assert_eq!(worker.pop(), Some(0));
    worker.publish();
    assert_eq!((stealer.steal(), worker.pop()), (Success(1), Some(2)));
}

#[test]
fn a_batch_is_a_block() {
    // A FIFO owner publishes the block that it pops from, the oldest.
    for (make, oldest) in [
        (Worker::new_lifo as fn() -> Worker<usize>, 2 * BLOCK),
        (Worker::new_fifo, 0),
    ] {
        let (from, to) = (make(), make());
        (0..5 * BLOCK).for_each(|value| from.push(value));
        assert_eq!(from.stealer().steal_batch(&to), Success(()));
        assert_eq!(to.drain().count(), BLOCK);
        assert!(from.stealer().steal_batch_and_pop(&to).is_success());
        assert_eq!(to.drain().count(), BLOCK - 1);
        from.publish();
        // One element opens a block: the others are taken one by one, once no whole block is left.
        assert_eq!(from.stealer().steal(), Success(oldest));
        while from.stealer().steal_batch(&to).is_success() {}
        assert_eq!(to.drain().count(), 3 * BLOCK - 1);
        assert_eq!(from.pop(), None);
        assert_eq!(from.stealer().steal_batch(&from), Empty);
        from.push(1);
        assert_eq!(from.stealer().steal_batch(&from), Success(()));
        assert_eq!(from.pop(), Some(1));
    }
}

fn steal(stealer: &Stealer<usize>, own: &Worker<usize>, turn: usize) -> Steal<usize> {
    match turn % 3 {
        0 => stealer.steal(),
        1 => stealer.steal_batch_and_pop(own),
        _ => match stealer.steal_batch(own) {
            Success(()) => own.pop().map_or(Retry, Success),
            Empty => Empty,
            Retry => Retry,
        },
    }
}

fn exactly_once(make: fn() -> Worker<usize>, thieves: usize, elements: usize) {
    let _watchdog = watchdog();
    let worker = make();
    let ledger = Ledger::new(elements);
    let note = |element: usize| ledger.note(element);
    let is_done = AtomicBool::new(false);
    let stolen = AtomicUsize::new(0);
    thread::scope(|scope| {
        for thief in 0..thieves {
            let (stealer, is_done, stolen, note) = (worker.stealer(), &is_done, &stolen, &note);
            scope.spawn(move || {
                let own = if thief % 2 == 0 {
                    Worker::new_lifo()
                } else {
                    Worker::new_fifo()
                };
                for turn in thief.. {
                    let was_done = is_done.load(Ordering::Acquire);
                    match steal(&stealer, &own, turn) {
                        Success(element) => {
                            note(element);
                            stolen.fetch_add(1 + own.drain().map(note).count(), Ordering::Relaxed);
                        }
                        Empty if was_done => break,
                        Empty => thread::yield_now(),
                        Retry => {}
                    }
                }
            });
        }
        let pop = || worker.pop().into_iter().for_each(note);
        in_bursts(elements, |element| worker.push(element), pop);
        worker.publish();
        is_done.store(true, Ordering::Release);
    });
    worker.drain().for_each(note);
    ledger.assert_complete();
}

#[test]
fn each_element_comes_out_once() {
    for make in [Worker::new_lifo, Worker::new_fifo] {
        exactly_once(make, 1, times(1 << 21, 600));
        exactly_once(make, times(15, 3), times(1 << 20, 600));
    }
}

#[cfg(not(miri))]
#[test]
fn each_element_comes_out_once_among_64_thieves() {
    for make in [Worker::new_lifo, Worker::new_fifo] {
        exactly_once(make, 64, 1 << 18);
    }
}

/// Each is dropped once: by the thread that took it, or with the deque; also if a destructor panics.
#[test]
fn elements_are_dropped_once() {
    // The first block of a FIFO owner is its own: thieves take the two after it.
    for (make, in_batch) in [
        (Worker::new_lifo as fn() -> Worker<Panics>, 70),
        (Worker::new_fifo, 150),
    ] {
        for panics in [None, Some(2), Some(70), Some(150), Some(299)] {
            let drops = Drops::default();
            let worker = make();
            for element in 0..300 {
                worker.push(Panics(drops.clone(), Some(element) == panics));
            }
            let stealer = worker.stealer();
            drop(stealer.steal());
            let own = make();
            assert!(stealer.steal_batch(&own).is_success());
            assert_eq!(drops.count(), 1);
            let outcome = catch_unwind(AssertUnwindSafe(|| drop(own)));
            assert_eq!(outcome.is_err(), panics == Some(in_batch));
            assert_eq!(drops.count(), 1 + BLOCK);
            drop(worker);
            assert_eq!(drops.count(), 1 + BLOCK, "a stealer is left");
            let outcome = catch_unwind(AssertUnwindSafe(|| drop(stealer)));
            assert_eq!(outcome.is_err(), panics.is_some_and(|panics| panics != in_batch));
            assert_eq!(drops.count(), 300, "{panics:?} {in_batch}");
        }
    }
}

#[test]
fn a_stealer_outlives_its_worker() {
    let worker = Worker::new_lifo();
    (0..10).for_each(|value| worker.push(value));
    let stealer = worker.stealer();
    drop(worker);
    let left = thread::spawn(move || std::iter::from_fn(|| stealer.steal().success()).collect::<Vec<_>>());
    assert_eq!(left.join().expect("it only steals"), (0..10).collect::<Vec<_>>());
}

#[test]
fn elements_of_all_sizes() {
    let units = Worker::new_fifo();
    (0..200).for_each(|_| units.push(()));
    assert_eq!(units.drain().count(), 200);
    let pages = Worker::new_lifo();
    (0..200_usize).for_each(|value| pages.push([value; 512]));
    let stealer = pages.stealer();
    assert!(stealer.steal().success().is_some_and(|page| page == [0; 512]));
    assert!(pages.drain().all(|page| page.iter().all(|word| *word == page[0])));
    let text = format!("{pages:?} {stealer:?} {:?}", pages.drain());
    assert_eq!(text, "Worker { .. } Stealer { .. } Drain { .. }");
}
