//! Models of `Worker` and `Stealer`.

use std::sync::Arc;

use linchpin::deque::{Steal, Stealer, Worker};
use loom_tests::{explore_to, spawn};

/// What came out where: of the owner, of the first thief, of the second.
type Outcome = (Vec<u32>, Vec<u32>, Vec<u32>);

fn outcome(owner: &[u32], first: &[u32], second: &[u32]) -> Outcome {
    (owner.to_vec(), first.to_vec(), second.to_vec())
}

fn steal(stealer: &Stealer<u32>) -> Vec<u32> {
    stealer.steal().success().into_iter().collect()
}

/// Asserts that all of `0 .. count` are in `parts`, once.
fn assert_once(count: u32, parts: [&[u32]; 3]) {
    let mut all = parts.concat();
    all.sort_unstable();
    assert_eq!(all, (0..count).collect::<Vec<_>>(), "each element comes out once");
}

/// The owner pops once and two thieves steal once each, beside or after some pushes.
fn compete(worker: Worker<u32>, before: &[u32], beside: &[u32]) -> Outcome {
    before.iter().for_each(|&element| worker.push(element));
    let [first, second] = [worker.stealer(), worker.stealer()].map(|stealer| spawn(move || steal(&stealer)));
    beside.iter().for_each(|&element| worker.push(element));
    let mut popped: Vec<_> = worker.pop().into_iter().collect();
    let first = first.join().expect("it only steals");
    let second = second.join().expect("it only steals");
    popped.extend(worker.drain());
    assert_once((before.len() + beside.len()) as u32, [&popped, &first, &second]);
    (popped, first, second)
}

/// The owner and two thieves compete for one element, which the owner claims as they do.
pub fn last_element() -> usize {
    explore_to(
        [
            outcome(&[0], &[], &[]),
            outcome(&[], &[0], &[]),
            outcome(&[], &[], &[0]),
        ],
        || compete(Worker::new_lifo(), &[], &[0]),
    )
}

/// The owner pops the second of two elements, with a fence, while two thieves take the first and then the second.
pub fn last_of_two() -> usize {
    explore_to(
        [
            outcome(&[1], &[0], &[]),
            outcome(&[1], &[], &[0]),
            outcome(&[], &[0], &[1]),
            outcome(&[], &[1], &[0]),
        ],
        || compete(Worker::new_lifo(), &[0, 1], &[]),
    )
}

/// A FIFO owner and two thieves compete at the front.
pub fn fifo() -> usize {
    explore_to(
        [
            outcome(&[0, 1], &[], &[]),
            outcome(&[0], &[1], &[]),
            outcome(&[0], &[], &[1]),
            outcome(&[1], &[0], &[]),
            outcome(&[1], &[], &[0]),
            outcome(&[], &[0], &[1]),
            outcome(&[], &[1], &[0]),
        ],
        || compete(Worker::new_fifo(), &[], &[0, 1]),
    )
}

/// A thief finds the `back` that a pop has stored, and no other: the element before it is there.
pub fn pop_publishes() -> usize {
    explore_to([outcome(&[1, 0], &[], &[]), outcome(&[1], &[0], &[])], || {
        let worker = Worker::new_lifo();
        let stealer = worker.stealer();
        let thief = spawn(move || match stealer.steal() {
            Steal::Success(1) => panic!("the first is older"),
            other => other.success().into_iter().collect::<Vec<_>>(),
        });
        worker.push(0);
        worker.push(1);
        let mut popped: Vec<_> = worker.pop().into_iter().collect();
        let stolen = thief.join().expect("it only steals");
        popped.extend(worker.drain());
        assert_once(2, [&popped, &stolen, &[]]);
        (popped, stolen, Vec::new())
    })
}

/// The owner fills its buffer and goes on to a larger one, while a thief steals from either.
pub fn growth() -> usize {
    explore_to([vec![], vec![0], vec![0, 1]], || {
        let worker = Worker::new_lifo();
        let stealer = worker.stealer();
        let thief = spawn(move || [steal(&stealer), steal(&stealer)].concat());
        for value in 0..3 {
            worker.push(value);
        }
        let stolen = thief.join().expect("it only steals");
        assert_eq!(worker.stealer().len(), 3 - stolen.len());
        assert_once(3, [&worker.drain().collect::<Vec<_>>(), &stolen, &[]]);
        stolen
    })
}

/// The owner goes back to a smaller buffer, while a thief steals from either.
pub fn shrinking() -> usize {
    explore_to([vec![], vec![0], vec![1], vec![2], vec![3]], || {
        let worker = Worker::new_fifo();
        for value in 0..3 {
            worker.push(value);
        }
        let stealer = worker.stealer();
        let thief = spawn(move || steal(&stealer));
        // The third pop leaves none, or there is no third: the buffer of four is halved.
        let mut popped: Vec<_> = worker.drain().collect();
        worker.push(3);
        let stolen = thief.join().expect("it only steals");
        popped.extend(worker.drain());
        assert_once(4, [&popped, &stolen, &[]]);
        stolen
    })
}

/// The owner comes round its buffer to a slot from which a thief may still read.
pub fn slot_is_reused() -> usize {
    explore_to([vec![], vec![0], vec![1]], || {
        let worker = Worker::new_fifo();
        worker.push(0);
        worker.push(1);
        let stealer = worker.stealer();
        let thief = spawn(move || steal(&stealer));
        let mut popped: Vec<_> = worker.pop().into_iter().collect();
        worker.push(2);
        let stolen = thief.join().expect("it only steals");
        popped.extend(worker.drain());
        assert_once(3, [&popped, &stolen, &[]]);
        stolen
    })
}

/// The same, when the owner finds the announcement of the thief's next steal.
pub fn slot_is_reused_late() -> usize {
    explore_to([vec![0], vec![0, 1]], || {
        let worker = Worker::new_fifo();
        worker.push(0);
        worker.push(1);
        let stealer = worker.stealer();
        // It takes three preemptions if this thread is the thief.
        let owner = spawn(move || {
            worker.push(2);
            worker
        });
        let stolen = [steal(&stealer), steal(&stealer)].concat();
        let worker = owner.join().expect("it only pushes");
        let rest: Vec<_> = worker.drain().collect();
        assert_once(3, [&rest, &stolen, &[]]);
        stolen
    })
}

/// A thief takes a batch from a LIFO deque one by one, while the owner pops from the other end.
pub fn batch() -> usize {
    let outcomes = [outcome(&[3, 2], &[1, 0], &[]), outcome(&[3, 2, 1], &[0], &[])];
    explore_to(outcomes, || {
        let worker = Worker::new_lifo();
        for value in 0..4 {
            worker.push(value);
        }
        let stealer = worker.stealer();
        let thief = spawn(move || {
            let own = Worker::new_fifo();
            let _ = stealer.steal_batch(&own);
            own.drain().collect::<Vec<_>>()
        });
        let mut popped: Vec<_> = [worker.pop(), worker.pop(), worker.pop()]
            .into_iter()
            .flatten()
            .collect();
        let stolen = thief.join().expect("it only steals");
        popped.extend(worker.drain());
        assert_once(4, [&popped, &stolen, &[]]);
        (popped, stolen, Vec::new())
    })
}

/// The owner pops elements and pushes others in their place, while a thief that has seen the former takes a batch.
pub fn batch_publishes() -> usize {
    let outcomes = [
        outcome(&[2, 1, 4, 3], &[0], &[]),
        outcome(&[2, 4, 3], &[1, 0], &[]),
        outcome(&[2, 1, 4], &[3, 0], &[]),
    ];
    explore_to(outcomes, || {
        let worker = Worker::new_lifo();
        for value in 0..3 {
            worker.push(value);
        }
        let stealer = worker.stealer();
        let thief = spawn(move || {
            let own = Worker::new_lifo();
            let _ = stealer.steal_batch(&own);
            own.drain().collect::<Vec<_>>()
        });
        let mut popped: Vec<_> = [worker.pop(), worker.pop()].into_iter().flatten().collect();
        worker.push(3);
        worker.push(4);
        popped.extend(worker.pop());
        let stolen = thief.join().expect("it only steals");
        popped.extend(worker.drain());
        assert_once(5, [&popped, &stolen, &[]]);
        (popped, stolen, Vec::new())
    })
}

/// A thief takes a batch from a FIFO deque at once, while the owner pops at the same end.
pub fn fifo_batch() -> usize {
    let outcomes = [
        outcome(&[0, 1, 2], &[], &[]),
        outcome(&[0, 2], &[1], &[]),
        outcome(&[2], &[0, 1], &[]),
    ];
    explore_to(outcomes, || {
        let worker = Worker::new_fifo();
        for value in 0..3 {
            worker.push(value);
        }
        let stealer = worker.stealer();
        let thief = spawn(move || {
            let own = Worker::new_lifo();
            let first = stealer.steal_batch_and_pop(&own).success();
            first.into_iter().chain(own.drain()).collect::<Vec<_>>()
        });
        let mut popped: Vec<_> = worker.pop().into_iter().collect();
        let stolen = thief.join().expect("it only steals");
        popped.extend(worker.drain());
        assert_once(3, [&popped, &stolen, &[]]);
        (popped, stolen, Vec::new())
    })
}

/// Two threads steal through one handle, whose claim only one of them can have at a time.
pub fn shared_stealer() -> usize {
    let outcomes = [
        outcome(&[0, 1, 2], &[], &[]),
        outcome(&[1, 2], &[0], &[]),
        outcome(&[1, 2], &[], &[0]),
        outcome(&[2], &[0], &[1]),
        outcome(&[2], &[1], &[0]),
    ];
    explore_to(outcomes, || {
        let worker = Worker::new_fifo();
        worker.push(0);
        worker.push(1);
        let stealer = Arc::new(worker.stealer());
        let [first, second] = [(), ()].map(|()| {
            let stealer = Arc::clone(&stealer);
            spawn(move || steal(&stealer))
        });
        worker.push(2);
        let first = first.join().expect("it only steals");
        let second = second.join().expect("it only steals");
        let rest: Vec<_> = worker.drain().collect();
        assert_once(3, [&rest, &first, &second]);
        (rest, first, second)
    })
}

/// A deque that is never empty is not found to be, while its owner pops what it pushed first.
pub fn length() -> usize {
    explore_to([vec![], vec![0], vec![1]], || {
        let worker = Worker::new_fifo();
        worker.push(0);
        let stealer = worker.stealer();
        let thief = spawn(move || {
            assert!(
                !stealer.is_empty(),
                "one element or two are there till this thread steals"
            );
            assert!((1..=2).contains(&stealer.len()));
            steal(&stealer)
        });
        worker.push(1);
        let mut popped: Vec<_> = worker.pop().into_iter().collect();
        let stolen = thief.join().expect("it only steals");
        popped.extend(worker.drain());
        assert_once(2, [&popped, &stolen, &[]]);
        stolen
    })
}
