//! Models of `Injector`, whose segments have two slots.

use std::sync::Arc;

use linchpin::deque::{Injector, Worker};
use loom_tests::{explore_to, spawn};

fn steal(tasks: &Injector<u32>) -> Option<u32> {
    tasks.steal().success()
}

/// A producer and a consumer beside this thread, which does both: each element comes out once, those of one producer in order.
pub fn injector() -> usize {
    let outcomes = [
        (vec![], vec![0, 10]),
        (vec![], vec![10, 0]),
        (vec![0], vec![10]),
        (vec![10], vec![0]),
    ];
    explore_to(outcomes, || {
        let tasks = Arc::new(Injector::new());
        let producer = spawn({
            let tasks = Arc::clone(&tasks);
            move || tasks.push(10)
        });
        let consumer = spawn({
            let tasks = Arc::clone(&tasks);
            move || steal(&tasks).into_iter().collect::<Vec<_>>()
        });
        tasks.push(0);
        let mut own: Vec<_> = steal(&tasks).into_iter().collect();
        producer.join().expect("it only pushes");
        let stolen = consumer.join().expect("it only steals");
        own.extend(std::iter::from_fn(|| steal(&tasks)));
        let mut all = [own.clone(), stolen.clone()].concat();
        all.sort_unstable();
        assert_eq!(all, [0, 10]);
        assert!(tasks.is_empty());
        (stolen, own)
    })
}

/// Producers and consumers cross the end of a segment.
pub fn injector_hands_over() -> usize {
    explore_to([vec![0], vec![0, 1], vec![0, 10]], || {
        let tasks = Arc::new(Injector::new());
        tasks.push(0);
        let producer = spawn({
            let tasks = Arc::clone(&tasks);
            move || tasks.push(10)
        });
        let consumer = spawn({
            let tasks = Arc::clone(&tasks);
            move || [steal(&tasks), steal(&tasks)].into_iter().flatten().collect::<Vec<_>>()
        });
        tasks.push(1);
        producer.join().expect("it only pushes");
        let stolen = consumer.join().expect("it only steals");
        let mut all = stolen.clone();
        all.extend(std::iter::from_fn(|| steal(&tasks)));
        assert_eq!(all[0], 0, "first in, first out");
        all.sort_unstable();
        assert_eq!(all, [0, 1, 10]);
        stolen
    })
}

/// A segment that is used up is used again, while the consumer of its other element may still be reading.
pub fn injector_reuses() -> usize {
    explore_to([None, Some(0)], || {
        let tasks = Arc::new(Injector::new());
        (0..3).for_each(|task| tasks.push(task));
        let other = spawn({
            let tasks = Arc::clone(&tasks);
            move || {
                let stolen = steal(&tasks);
                // The last element of the second segment, and the first of the third.
                tasks.push(3);
                tasks.push(4);
                stolen
            }
        });
        let own = steal(&tasks);
        let mut all: Vec<_> = own.into_iter().chain(other.join().expect("it goes on")).collect();
        all.extend(std::iter::from_fn(|| steal(&tasks)));
        all.sort_unstable();
        assert_eq!(all, [0, 1, 2, 3, 4]);
        own
    })
}

/// A segment is kept by one consumer, since another is still reading, and found by the next that retires one.
pub fn injector_keeps() -> usize {
    let outcomes = [
        vec![],
        vec![0],
        vec![0, 1],
        vec![0, 2],
        vec![1],
        vec![1, 2],
        vec![1, 3],
        vec![2],
        vec![2, 3],
    ];
    explore_to(outcomes, || {
        let tasks = Arc::new(Injector::new());
        (0..4).for_each(|task| tasks.push(task));
        let other = spawn({
            let tasks = Arc::clone(&tasks);
            move || [steal(&tasks), steal(&tasks)].into_iter().flatten().collect::<Vec<_>>()
        });
        let mut all = [steal(&tasks), steal(&tasks)].into_iter().flatten().collect::<Vec<_>>();
        tasks.push(4);
        tasks.push(5);
        tasks.push(6);
        let stolen = other.join().expect("it only steals");
        all.extend(stolen.iter());
        all.extend(std::iter::from_fn(|| steal(&tasks)));
        all.sort_unstable();
        assert_eq!(all, [0, 1, 2, 3, 4, 5, 6]);
        stolen
    })
}

/// A consumer takes a batch while another one steals.
pub fn injector_batch() -> usize {
    explore_to([vec![], vec![0], vec![0, 1], vec![2]], || {
        let tasks = Arc::new(Injector::new());
        tasks.push(0);
        tasks.push(1);
        let consumer = spawn({
            let tasks = Arc::clone(&tasks);
            move || {
                let own = Worker::new_lifo();
                let first = tasks.steal_batch_and_pop(&own).success();
                first.into_iter().chain(own.drain()).collect::<Vec<_>>()
            }
        });
        tasks.push(2);
        let own = Worker::new_fifo();
        let _ = tasks.steal_batch(&own);
        let stolen = consumer.join().expect("it only steals");
        let mut all: Vec<_> = own.drain().chain(stolen.iter().copied()).collect();
        all.extend(std::iter::from_fn(|| steal(&tasks)));
        all.sort_unstable();
        assert_eq!(all, [0, 1, 2]);
        stolen
    })
}
