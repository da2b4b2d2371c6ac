//! What `Worker` and `Stealer` do on one thread: order, lengths, batches, bounds.

use linchpin::deque::Steal::{Empty, Retry, Success};
use linchpin::deque::{Bounded, Steal, Worker};

use crate::common::times;

fn filled(worker: Worker<u32>, count: u32) -> Worker<u32> {
    (0..count).for_each(|value| worker.push(value));
    worker
}

fn rest<C>(worker: &Worker<u32, C>) -> Vec<u32> {
    worker.drain().collect()
}

#[test]
fn the_owner_pops_in_the_order_of_its_flavor() {
    assert_eq!(rest(&filled(Worker::new_lifo(), 4)), [3, 2, 1, 0]);
    assert_eq!(rest(&filled(Worker::new_fifo(), 4)), [0, 1, 2, 3]);
    assert_eq!(Worker::<u32>::new_lifo().pop(), None);
    assert_eq!(Worker::<u32>::new_fifo().pop(), None);
}

#[test]
fn thieves_take_the_oldest() {
    for worker in [filled(Worker::new_lifo(), 3), filled(Worker::new_fifo(), 3)] {
        let stealer = worker.stealer();
        assert_eq!((stealer.len(), worker.len()), (3, 3));
        assert_eq!(stealer.steal(), Success(0));
        assert_eq!(stealer.clone().steal(), Success(1));
        assert_eq!(stealer.steal(), Success(2));
        assert_eq!(stealer.steal(), Empty);
        assert!(stealer.is_empty() && worker.is_empty());
        worker.push(7);
        assert_eq!(stealer.steal(), Success(7));
        assert_eq!(worker.pop(), None);
    }
}

/// From either flavor to either, a batch is popped as its source would have popped it.
#[test]
fn a_batch_keeps_its_order() {
    let flavors = [Worker::new_lifo as fn() -> Worker<u32>, Worker::new_fifo];
    for (from, is_lifo) in [(flavors[0], true), (flavors[1], false)] {
        for to in flavors {
            for count in 1..times(80, 9) as u32 {
                let source = filled(from(), count);
                let taken = count.div_ceil(2).min(32);
                let mut expected: Vec<_> = (0..taken).collect();
                if is_lifo {
                    expected.reverse();
                }
                let dest = to();
                assert_eq!(source.stealer().steal_batch(&dest), Success(()));
                assert_eq!(
                    (rest(&dest), source.len()),
                    (expected.clone(), (count - taken) as usize)
                );

                let source = filled(from(), count);
                assert_eq!(source.stealer().steal_batch_and_pop(&dest), Success(expected[0]));
                assert_eq!(rest(&dest), expected[1..]);
                assert_eq!(source.len(), (count - taken) as usize);
            }
        }
    }
}

#[test]
fn a_batch_is_limited() {
    for (make, limit) in [Worker::new_lifo as fn() -> Worker<u32>, Worker::new_fifo]
        .into_iter()
        .flat_map(|make| [1, 2, 5, 40, usize::MAX].map(|limit| (make, limit)))
    {
        let source = filled(make(), 100);
        let dest = Worker::new_fifo();
        assert_eq!(source.stealer().steal_batch_with_limit(&dest, limit), Success(()));
        assert_eq!(dest.len(), limit.min(50));
        let source = filled(make(), 100);
        let dest = Worker::new_fifo();
        assert!(
            source
                .stealer()
                .steal_batch_with_limit_and_pop(&dest, limit)
                .is_success()
        );
        assert_eq!(dest.len(), limit.min(50) - 1);
    }
}

#[test]
#[should_panic = "at least 1 element"]
fn a_batch_of_none_is_refused() {
    let _ = Worker::<u32>::new_lifo()
        .stealer()
        .steal_batch_with_limit(&Worker::new_lifo(), 0);
}

#[test]
#[should_panic = "at least 1 element"]
fn a_batch_of_none_is_not_popped_from() {
    let _ = Worker::<u32>::new_lifo()
        .stealer()
        .steal_batch_with_limit_and_pop(&Worker::new_lifo(), 0);
}

#[test]
fn a_batch_into_its_own_deque_takes_nothing() {
    for worker in [filled(Worker::new_lifo(), 9), filled(Worker::new_fifo(), 9)] {
        let stealer = worker.stealer();
        assert_eq!(stealer.steal_batch(&worker), Success(()));
        assert_eq!(worker.len(), 9);
        assert!(stealer.steal_batch_and_pop(&worker).is_success());
        assert_eq!(worker.len(), 8);
        assert_eq!(worker.drain().count(), 8);
        assert_eq!(stealer.steal_batch(&worker), Empty);
        assert_eq!(stealer.steal_batch_and_pop(&worker), Empty);
    }
}

#[test]
fn a_bounded_deque_gives_back_what_it_cannot_hold() {
    for worker in [Worker::bounded(3), Worker::bounded_fifo(3)] {
        assert_eq!(worker.capacity(), 3);
        for value in 0..3 {
            assert_eq!(worker.push(value), Ok(()));
        }
        assert_eq!(worker.push(3), Err(3));
        assert_eq!(worker.stealer().steal(), Success(0));
        assert_eq!(worker.push(3), Ok(()));
        assert_eq!(worker.push(4), Err(4));
        assert_eq!(worker.drain().count(), 3);
    }
    assert_eq!(rest(&filled_bounded(Worker::bounded_fifo(8))), [0, 1, 2, 3, 4, 5, 6, 7]);
    assert_eq!(Worker::bounded(0).push(1), Err(1));
}

fn filled_bounded(worker: Worker<u32, Bounded>) -> Worker<u32, Bounded> {
    let mut value = 0;
    while worker.push(value).is_ok() {
        value += 1;
    }
    worker
}

#[test]
fn a_batch_into_a_bounded_deque_takes_what_there_is_room_for() {
    let source = filled(Worker::new_fifo(), 20);
    let dest = Worker::bounded_fifo(4);
    assert_eq!(dest.push(99), Ok(()));
    assert_eq!(source.stealer().steal_batch(&dest), Success(()));
    assert_eq!(rest(&dest), [99, 0, 1, 2]);
    // The element that is popped needs no room.
    let full = filled_bounded(Worker::bounded(2));
    assert_eq!(source.stealer().steal_batch_and_pop(&full), Success(3));
    assert_eq!(source.stealer().steal_batch(&full), Empty);
    assert_eq!((full.len(), source.len()), (2, 16));
}

#[test]
#[should_panic = "a deque holds at most"]
fn a_capacity_beyond_memory_is_refused() {
    drop(Worker::<u64, Bounded>::bounded(usize::MAX));
}

#[test]
fn a_drain_leaves_what_it_has_not_yielded() {
    let mut worker = Worker::new_fifo();
    worker.extend(0..5);
    (&worker).extend([5]);
    assert_eq!(worker.drain().size_hint(), (0, None));
    assert_eq!(worker.drain().take(2).collect::<Vec<_>>(), [0, 1]);
    assert_eq!(rest(&worker), [2, 3, 4, 5]);
}

#[test]
fn outcomes_combine() {
    assert!(Empty::<u8>.is_empty() && !Success(1).is_empty() && !Retry::<u8>.is_empty());
    assert!(!Empty::<u8>.is_success() && Success(1).is_success() && !Retry::<u8>.is_success());
    assert!(!Empty::<u8>.is_retry() && !Success(1).is_retry() && Retry::<u8>.is_retry());
    assert_eq!(
        (Success(1).success(), Empty::<u8>.success(), Retry::<u8>.success()),
        (Some(1), None, None)
    );
    for (first, second, expected) in [
        (Success(1), Success(2), Success(1)),
        (Success(1), Retry, Success(1)),
        (Retry, Success(2), Success(2)),
        (Retry, Empty, Retry),
        (Empty, Retry, Retry),
        (Retry, Retry, Retry),
        (Empty, Empty, Empty),
        (Empty, Success(2), Success(2)),
    ] {
        assert_eq!(first.or_else(|| second), expected);
        assert_eq!([first, second].into_iter().collect::<Steal<_>>(), expected);
    }
    let mut attempts = [Retry, Success(1), Success(2)].into_iter();
    assert_eq!(attempts.by_ref().collect::<Steal<_>>(), Success(1));
    assert_eq!(attempts.next(), Some(Success(2)), "no attempt is made after a success");
}

#[test]
fn debug_shows_no_element() {
    let worker = filled(Worker::new_lifo(), 2);
    let text = format!(
        "{worker:?} {:?} {:?} {:?}",
        worker.stealer(),
        worker.drain(),
        Success(1)
    );
    assert_eq!(text, "Worker { .. } Stealer { .. } Drain { .. } Success(..)");
    assert_eq!(format!("{:?} {:?}", Empty::<u8>, Retry::<u8>), "Empty Retry");
}
