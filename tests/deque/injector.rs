//! The injector: first in, first out, and each element once, whatever producers and consumers do.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use linchpin::deque::Steal::{Empty, Retry, Success};
use linchpin::deque::{Injector, Steal, Worker};

use crate::common::{Drops, times, watchdog};
use crate::ledger::{Ledger, Panics};

fn filled(count: u32) -> Injector<u32> {
    let tasks = Injector::new();
    (0..count).for_each(|value| tasks.push(value));
    tasks
}

#[test]
fn it_is_first_in_first_out() {
    let tasks = Injector::default();
    assert!(tasks.is_empty());
    let mut next = 0;
    let mut pushed = 0;
    for round in 0..times(500, 40) {
        for _ in 0..round % 37 {
            tasks.push(pushed);
            pushed += 1;
        }
        for _ in 0..round % 35 {
            assert_eq!(tasks.steal(), if next < pushed { Success(next) } else { Empty });
            next = pushed.min(next + 1);
        }
        assert_eq!(tasks.len(), pushed - next);
        assert_eq!(tasks.is_empty(), next == pushed);
    }
    assert_eq!(format!("{tasks:?}"), "Injector { .. }");
}

/// Half of the elements, but no more than are in one segment.
#[test]
fn a_batch_keeps_its_order() {
    for make in [Worker::new_lifo as fn() -> Worker<u32>, Worker::new_fifo] {
        for count in 1..times(150, 9) as u32 {
            let taken = count.div_ceil(2);
            let (tasks, own) = (filled(count), make());
            assert_eq!(tasks.steal_batch(&own), Success(()));
            assert_eq!(own.drain().collect::<Vec<_>>(), (0..taken.min(32)).collect::<Vec<_>>());
            assert_eq!(tasks.len() as u32, count - taken.min(32));

            let tasks = filled(count);
            assert_eq!(tasks.steal_batch_and_pop(&own), Success(0));
            assert_eq!(own.drain().collect::<Vec<_>>(), (1..taken.min(33)).collect::<Vec<_>>());
        }
        let (tasks, own) = (filled(100), make());
        assert_eq!(tasks.steal_batch_with_limit(&own, 3), Success(()));
        assert_eq!(tasks.steal_batch_with_limit_and_pop(&own, 1), Success(3));
        assert_eq!(own.len(), 3);
        assert_eq!(tasks.steal_batch_with_limit(&own, usize::MAX), Success(()));
        assert_eq!((own.len(), tasks.len()), (51, 48));
        while !tasks.is_empty() {
            assert_eq!(tasks.steal_batch(&own), Success(()));
        }
        assert_eq!(own.len(), 99);
        assert_eq!(
            (tasks.steal_batch(&own), tasks.steal_batch_and_pop(&own)),
            (Empty, Empty)
        );
    }
}

#[test]
fn a_batch_into_a_bounded_deque_takes_what_there_is_room_for() {
    let (tasks, own) = (filled(20), Worker::bounded_fifo(2));
    assert_eq!(tasks.steal_batch(&own), Success(()));
    assert_eq!(tasks.steal_batch(&own), Empty);
    assert_eq!(tasks.steal_batch_and_pop(&own), Success(2));
    assert_eq!((own.drain().collect::<Vec<_>>(), tasks.len()), (vec![0, 1], 17));
}

#[test]
#[should_panic = "at least 1 element"]
fn a_batch_of_none_is_refused() {
    let _ = filled(1).steal_batch_with_limit(&Worker::new_lifo(), 0);
}

#[test]
#[should_panic = "at least 1 element"]
fn a_batch_of_none_is_not_popped_from() {
    let _ = filled(1).steal_batch_with_limit_and_pop(&Worker::new_lifo(), 0);
}

/// Each element once, and those of one producer in its order, as far as one consumer sees them.
fn exactly_once(producers: usize, consumers: usize, each: usize) {
    let _watchdog = watchdog();
    let tasks = Injector::new();
    let ledger = Ledger::new(producers * each);
    let left = AtomicUsize::new(producers * each);
    thread::scope(|scope| {
        for producer in 0..producers {
            let tasks = &tasks;
            scope.spawn(move || (0..each).for_each(|task| tasks.push((producer, task))));
        }
        for consumer in 0..consumers {
            let (tasks, ledger, left) = (&tasks, &ledger, &left);
            scope.spawn(move || {
                let own = Worker::new_fifo();
                let mut last = vec![None; producers];
                let mut turn = consumer;
                while left.load(Ordering::Relaxed) > 0 {
                    turn += 1;
                    let outcome = match turn % 3 {
                        0 => tasks.steal(),
                        1 => tasks.steal_batch_and_pop(&own),
                        _ => match tasks.steal_batch_with_limit(&own, turn % 70 + 1) {
                            Steal::Success(()) => own.pop().map_or(Retry, Success),
                            Steal::Empty => Empty,
                            Steal::Retry => Retry,
                        },
                    };
                    let Success(first) = outcome else {
                        thread::yield_now();
                        continue;
                    };
                    for (producer, task) in std::iter::once(first).chain(own.drain()) {
                        assert!(last[producer] < Some(task), "in the order of its producer");
                        last[producer] = Some(task);
                        ledger.note(producer * each + task);
                        left.fetch_sub(1, Ordering::Relaxed);
                    }
                }
            });
        }
    });
    assert!(tasks.is_empty());
    ledger.assert_complete();
}

#[test]
fn each_element_comes_out_once() {
    exactly_once(1, 1, times(1 << 20, 300));
    exactly_once(2, 2, times(1 << 19, 150));
}

#[cfg(not(miri))]
#[test]
fn each_element_comes_out_once_in_a_crowd() {
    exactly_once(1, 15, 1 << 17);
    exactly_once(15, 1, 1 << 14);
    exactly_once(32, 32, 1 << 12);
}

#[test]
fn what_is_left_is_dropped_with_it() {
    for (pushed, stolen) in [
        (0, 0),
        (1, 0),
        (64, 0),
        (64, 64),
        (65, 64),
        (200, 3),
        (200, 130),
        (200, 200),
    ] {
        let drops = Drops::default();
        let tasks = Injector::new();
        for _ in 0..pushed {
            tasks.push(drops.counted());
        }
        for _ in 0..stolen {
            assert!(tasks.steal().is_success());
        }
        assert_eq!(drops.count(), stolen);
        drop(tasks);
        assert_eq!(drops.count(), pushed);
    }
}

/// A destructor that panics in the last drop keeps none of the others from being dropped.
#[test]
fn a_destructor_panics() {
    for position in [0, 63, 64, 149] {
        let drops = Drops::default();
        let tasks = Injector::new();
        for element in 0..150 {
            tasks.push(Panics(drops.clone(), element == position));
        }
        assert!(catch_unwind(AssertUnwindSafe(|| drop(tasks))).is_err());
        assert_eq!(drops.count(), 150);
    }
}

#[test]
fn elements_of_all_sizes() {
    let units = Injector::new();
    (0..200).for_each(|_| units.push(()));
    assert_eq!(std::iter::from_fn(|| units.steal().success()).count(), 200);
    let pages = Injector::new();
    (0..100_usize).for_each(|value| pages.push([value; 512]));
    for value in 0..100 {
        assert!(
            pages
                .steal()
                .success()
                .is_some_and(|page| page.iter().all(|word| *word == value))
        );
    }
}
