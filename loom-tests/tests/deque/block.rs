//! Models of the block deque, whose blocks have two slots.

use linchpin::deque::block::{Stealer, Worker};
use loom_tests::{explore_to, spawn};

fn steal(stealer: &Stealer<u32>) -> Option<u32> {
    stealer.steal().success()
}

/// Asserts that all of `0 .. count` are there, once.
fn assert_once(count: u32, mut all: Vec<u32>) {
    all.sort_unstable();
    assert_eq!(all, (0..count).collect::<Vec<_>>(), "each element comes out once");
}

/// The owner comes back for a block that it has shared, while a thief takes it.
pub fn block_returns() -> usize {
    explore_to([vec![], vec![1, 0]], || {
        let worker = Worker::new_lifo();
        let stealer = worker.stealer();
        let thief = spawn(move || {
            let own = Worker::new_lifo();
            let _ = stealer.steal_batch(&own);
            own.drain().collect::<Vec<_>>()
        });
        (0..5).for_each(|value| worker.push(value));
        let mut all: Vec<_> = worker.drain().collect();
        let stolen = thief.join().expect("it only steals");
        all.extend(&stolen);
        assert_once(5, all);
        stolen
    })
}

/// Two thieves take single elements of one block, while its owner comes back for it.
pub fn block_opens() -> usize {
    explore_to([vec![], vec![0], vec![0, 1], vec![1, 0]], || {
        let worker = Worker::new_lifo();
        worker.push(0);
        worker.push(1);
        worker.publish();
        let [first, second] = [worker.stealer(), worker.stealer()].map(|stealer| spawn(move || steal(&stealer)));
        let mut all: Vec<_> = worker.pop().into_iter().collect();
        let first = first.join().expect("it only steals");
        let second = second.join().expect("it only steals");
        all.extend(worker.drain().chain(first).chain(second));
        assert_once(2, all);
        first.into_iter().chain(second).collect::<Vec<_>>()
    })
}

/// A block that is used up is freed, while a thief looks into it.
pub fn block_retires() -> usize {
    explore_to([vec![], vec![1]], || {
        let worker = Worker::new_lifo();
        worker.push(0);
        worker.push(1);
        worker.publish();
        let stealer = worker.stealer();
        let mut all: Vec<_> = steal(&stealer).into_iter().collect();
        let thief = spawn(move || steal(&stealer));
        all.extend(worker.pop());
        worker.push(2);
        all.extend(worker.pop());
        let stolen = thief.join().expect("it only steals");
        all.extend(worker.drain().chain(stolen));
        assert_once(3, all);
        stolen.into_iter().collect::<Vec<_>>()
    })
}

/// A thief that found nothing has left word: the owner's second push shares the first element, while the thief looks again.
pub fn block_answers() -> usize {
    explore_to([None, Some(0)], || {
        let worker = Worker::new_fifo();
        let stealer = worker.stealer();
        assert_eq!(steal(&stealer), None);
        let thief = spawn(move || steal(&stealer));
        worker.push(0);
        worker.push(1);
        let stolen = thief.join().expect("it only steals");
        assert_once(2, worker.drain().chain(stolen).collect());
        stolen
    })
}

/// The block of the only element goes back to the owner, which uses it again, while the thief is still about.
pub fn block_comes_back() -> usize {
    explore_to([Some(0)], || {
        let worker = Worker::new_lifo();
        let stealer = worker.stealer();
        worker.push(0);
        worker.publish();
        let owner = spawn(move || {
            // The first goes to the block at hand; `publish` takes the block that came back; the others are written to it.
            worker.push(1);
            worker.publish();
            worker.push(2);
            worker
        });
        let stolen = steal(&stealer);
        let worker = owner.join().expect("it only pushes");
        assert_once(3, worker.drain().chain(stolen).collect());
        stolen
    })
}
