//! What the documentation promises where it is easily broken: elements of any alignment, lengths, what a batch answers and returns,
//! iterators that go on.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use linchpin::deque::Steal::{Empty, Success};
use linchpin::deque::{Injector, Worker, block};

use crate::common::{times, watchdog};

/// A block of such elements has padding, which a thread that frees the block must be allowed to touch: for Miri.
#[test]
fn blocks_of_over_aligned_elements_are_freed() {
    #[repr(align(64))]
    #[derive(Debug, PartialEq)]
    struct Aligned(u64);
    for make in [block::Worker::new_lifo, block::Worker::new_fifo] {
        let worker = make();
        let stealer = worker.stealer();
        for round in 0..3 {
            worker.push(Aligned(round));
            worker.push(Aligned(round + 1));
            worker.publish();
            assert_eq!(stealer.steal(), Success(Aligned(round)));
            assert_eq!(stealer.steal(), Success(Aligned(round + 1)));
        }
        worker.push(Aligned(7));
        worker.push(Aligned(8));
        worker.publish();
        assert!(stealer.steal().is_success());
        drop(worker);
        assert_eq!(stealer.steal(), Success(Aligned(8)));
    }
}

/// No other thread interferes, so it is not `Retry`: a loop until the outcome is another would not end.
#[test]
fn a_batch_for_which_there_is_no_room_is_empty() {
    let (from, tasks) = (Worker::new_fifo(), Injector::new());
    for value in 0..10 {
        from.push(value);
        tasks.push(value);
    }
    let stealer = from.stealer();
    let full = Worker::bounded(1);
    assert_eq!(full.push(99), Ok(()));
    for dest in [full, Worker::bounded(0)] {
        let before = dest.len();
        assert_eq!(stealer.steal_batch(&dest), Empty);
        assert_eq!(stealer.steal_batch_with_limit(&dest, 3), Empty);
        assert_eq!(tasks.steal_batch(&dest), Empty);
        assert_eq!(tasks.steal_batch_with_limit(&dest, 3), Empty);
        assert_eq!((from.len(), tasks.len(), dest.len()), (10, 10, before));
    }
    // One that returns an element needs no room for that.
    let full = Worker::bounded(0);
    assert_eq!(stealer.steal_batch_and_pop(&full), Success(0));
    assert_eq!(tasks.steal_batch_and_pop(&full), Success(0));
}

/// A drain has no end for good: its worker can be pushed to meanwhile. An adapter that relies on an end has to see to it itself.
#[test]
fn a_drain_goes_on_after_a_push() {
    let worker = Worker::new_lifo();
    let mut drain = worker.drain();
    let hint = drain.size_hint();
    assert_eq!(drain.next(), None);
    worker.push(1);
    assert!(hint.1.is_none_or(|most| most >= 1), "{hint:?}");
    assert_eq!((drain.next(), drain.next()), (Some(1), None));
    let mut fused = drain.fuse();
    assert_eq!(fused.next(), None);
    worker.push(2);
    assert_eq!(fused.next(), None, "`fuse` ends for good");

    let worker = block::Worker::new_fifo();
    let mut fused = worker.drain().fuse();
    assert_eq!(fused.next(), None);
    worker.push(2);
    assert_eq!(fused.next(), None, "`fuse` ends for good");
    assert_eq!(worker.drain().next(), Some(2));
}

/// Also if the thief's own deque is not empty.
#[test]
fn a_batch_of_a_block_returns_what_was_stolen() {
    for make in [
        block::Worker::new_lifo as fn() -> block::Worker<u32>,
        block::Worker::new_fifo,
    ] {
        let (from, own) = (make(), make());
        from.extend_from(0..3);
        own.push(100);
        let stealer = from.stealer();
        let first = stealer.steal_batch_and_pop(&own).success().expect("three are there");
        assert!(first < 3, "{first} was in the thief's own deque");
        let mut rest: Vec<_> = own.drain().collect();
        rest.push(first);
        rest.sort_unstable();
        assert_eq!(rest, [0, 1, 2, 100]);
        // A block of one element.
        from.extend_from(5..6);
        own.push(100);
        assert_eq!(stealer.steal_batch_and_pop(&own), Success(5));
        assert_eq!(own.drain().collect::<Vec<_>>(), [100]);
        // An opened block.
        from.extend_from(7..9);
        own.push(100);
        assert_eq!(stealer.steal(), Success(7));
        assert_eq!(stealer.steal_batch_and_pop(&own), Success(8));
        assert_eq!(own.drain().collect::<Vec<_>>(), [100]);
        // One's own.
        own.push(9);
        assert_eq!(own.stealer().steal_batch_and_pop(&own), Success(9));
        assert_eq!(own.stealer().steal_batch_and_pop(&own), Empty);
    }
}

trait Published<T> {
    fn extend_from(&self, values: impl IntoIterator<Item = T>);
}

impl<T> Published<T> for block::Worker<T> {
    /// Pushes and publishes.
    fn extend_from(&self, values: impl IntoIterator<Item = T>) {
        values.into_iter().for_each(|value| self.push(value));
        self.publish();
    }
}

/// A thief that finds something, though only in an opened block, does not ask the owner for more.
#[test]
fn a_thief_that_finds_something_leaves_no_word() {
    let worker = block::Worker::new_fifo();
    let (stealer, own) = (worker.stealer(), block::Worker::new_lifo());
    worker.extend_from(0..40);
    // It opens the block.
    assert_eq!(stealer.steal(), Success(0));
    for value in 1..40 {
        assert_eq!(stealer.steal_batch(&own), Success(()));
        assert_eq!(own.pop(), Some(value));
    }
    worker.push(40);
    worker.push(41);
    assert_eq!(stealer.steal(), Empty, "no thief had asked for what was pushed last");
}

/// Room for elements without a size is made at once, also in a build that is not optimized.
#[test]
fn a_bound_on_elements_of_no_size_costs_nothing() {
    let _watchdog = watchdog();
    let worker = Worker::bounded(1 << 40);
    assert_eq!((worker.push(()), worker.len(), worker.pop()), (Ok(()), 1, Some(())));
}

/// A deque never holds more than one element, and one from then on: what other threads are told.
#[test]
fn a_length_is_one_that_there_was() {
    let _watchdog = watchdog();
    for make in [Worker::new_fifo, Worker::new_lifo] {
        let worker = make();
        let is_done = AtomicBool::new(false);
        thread::scope(|scope| {
            for _ in 0..2 {
                let (stealer, is_done) = (worker.stealer(), &is_done);
                scope.spawn(move || {
                    while !is_done.load(Ordering::Relaxed) {
                        let len = stealer.len();
                        assert!(len <= 1, "it has never held {len} elements");
                    }
                });
            }
            for value in 0..times(1 << 20, 300) {
                worker.push(value);
                assert_eq!(worker.pop(), Some(value));
            }
            is_done.store(true, Ordering::Relaxed);
        });
        // One at least is there all the while.
        worker.push(0);
        let is_done = AtomicBool::new(false);
        thread::scope(|scope| {
            let (stealer, is_done) = (worker.stealer(), &is_done);
            scope.spawn(move || {
                while !is_done.load(Ordering::Relaxed) {
                    let len = stealer.len();
                    assert!(!stealer.is_empty() && (1..=2).contains(&len), "{len} elements");
                }
            });
            for value in 0..times(1 << 20, 300) {
                worker.push(value);
                assert!(worker.pop().is_some());
            }
            is_done.store(true, Ordering::Relaxed);
        });
    }
}
