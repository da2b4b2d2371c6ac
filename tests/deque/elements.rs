//! Elements of all kinds: of no size, large, with padding, with a destructor that counts or panics.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use linchpin::deque::{Steal, Worker};

use crate::common::{Drops, times, watchdog};
use crate::ledger::Panics;

/// An owner and a thief pass elements that `check` can tell to be whole.
fn pass<T: Send>(make: impl Fn(usize) -> T, check: impl Fn(T) + Sync) {
    let _watchdog = watchdog();
    let elements = times(1 << 14, 100);
    let worker = Worker::new_lifo();
    let stealer = worker.stealer();
    let is_done = AtomicBool::new(false);
    let stolen = thread::scope(|scope| {
        let thief = scope.spawn(|| {
            let own = Worker::new_fifo();
            let mut stolen = 0;
            loop {
                let was_done = is_done.load(Ordering::Acquire);
                match stealer.steal_batch_and_pop(&own) {
                    Steal::Success(element) => {
                        check(element);
                        stolen += 1 + own.drain().map(&check).count();
                    }
                    Steal::Empty if was_done => return stolen,
                    _ => thread::yield_now(),
                }
            }
        });
        let mut popped = 0;
        for element in 0..elements {
            worker.push(make(element));
            if element % 3 == 2 {
                popped += worker.pop().map(&check).iter().count();
            }
        }
        is_done.store(true, Ordering::Release);
        thief.join().expect("it only steals") + popped
    });
    assert_eq!(stolen + worker.drain().count(), elements);
}

#[test]
fn of_no_size() {
    pass(|_| (), |()| ());
    #[repr(align(64))]
    struct Aligned;
    pass(|_| Aligned, |element| assert_eq!((&raw const element).addr() % 64, 0));
}

#[test]
fn of_four_kilobytes() {
    pass(
        |element| [element; 512],
        |element| assert!(element.iter().all(|word| *word == element[0])),
    );
}

#[test]
fn with_padding() {
    pass(
        |element| (element as u8, element as u64, element as u8),
        |(low, all, again)| assert_eq!((low, again), (all as u8, all as u8)),
    );
}

#[test]
fn with_a_pointer() {
    pass(
        |element| Box::new(element) as Box<dyn std::any::Any + Send>,
        |element| assert!(element.downcast::<usize>().is_ok()),
    );
}

/// Each is dropped once: by the thread that took it, or with the deque.
#[test]
fn with_a_destructor() {
    for make in [Worker::new_lifo, Worker::new_fifo] {
        let drops = Drops::default();
        let worker = make();
        let stealer = worker.stealer();
        let dest = Worker::new_fifo();
        for _ in 0..100 {
            worker.push(drops.counted());
        }
        assert!(stealer.steal_batch(&dest).is_success());
        assert_eq!((dest.len(), drops.count()), (32, 0));
        drop(dest);
        assert_eq!(drops.count(), 32);
        drop((worker.pop(), stealer.steal().success()));
        assert_eq!(drops.count(), 34);
        drop(worker);
        assert_eq!(drops.count(), 34, "a stealer is left");
        drop(stealer);
        assert_eq!(drops.count(), 100);
    }
    let drops = Drops::default();
    let full = Worker::bounded(1);
    assert!(full.push(drops.counted()).is_ok());
    drop(full.push(drops.counted()));
    assert_eq!(drops.count(), 1);
    drop(full);
    assert_eq!(drops.count(), 2);
}

/// A destructor that panics in the last drop of a deque keeps none of the others from being dropped.
#[test]
fn with_a_destructor_that_panics() {
    for position in [0, 4, 9] {
        let drops = Drops::default();
        let worker = Worker::new_lifo();
        for element in 0..10 {
            worker.push(Panics(drops.clone(), element == position));
        }
        assert!(catch_unwind(AssertUnwindSafe(|| drop(worker))).is_err());
        assert_eq!(drops.count(), 10);
    }
    // One that is popped is out of the deque when it panics.
    let drops = Drops::default();
    let worker = Worker::new_fifo();
    worker.push(Panics(drops.clone(), true));
    worker.push(Panics(drops.clone(), false));
    assert!(catch_unwind(AssertUnwindSafe(|| drop(worker.pop()))).is_err());
    assert_eq!(worker.len(), 1);
    drop(worker);
    assert_eq!(drops.count(), 2);
}
