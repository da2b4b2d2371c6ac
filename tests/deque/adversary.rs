//! Threads that come late, leave early or die.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc;
use std::thread;

use linchpin::deque::{Steal, Worker};

use crate::common::{Drops, die, on_threads, times, watchdog};

#[test]
fn a_stealer_outlives_its_worker() {
    for make in [Worker::new_lifo, Worker::new_fifo] {
        let worker = make();
        (0..100).for_each(|value| worker.push(value));
        let stealer = worker.stealer();
        let other = stealer.clone();
        drop(worker);
        let own = Worker::new_fifo();
        assert_eq!(stealer.steal(), Steal::Success(0));
        assert!(stealer.steal_batch(&own).is_success());
        drop(stealer);
        let left = thread::spawn(move || {
            let mut left = 0;
            while other.steal().is_success() {
                left += 1;
            }
            left
        });
        assert_eq!(left.join().expect("it only steals") + own.len(), 99);
    }
}

/// Thieves that panic with an element in their hands: nothing else is lost.
#[test]
fn thieves_die_with_their_loot() {
    let _watchdog = watchdog();
    let elements = times(1 << 14, 200);
    let drops = Drops::default();
    let worker = Worker::new_lifo();
    for _ in 0..elements {
        worker.push(drops.counted());
    }
    let stealer = worker.stealer();
    let deaths = AtomicUsize::new(0);
    on_threads(4, |_| {
        let stealer = stealer.clone();
        loop {
            let outcome = catch_unwind(AssertUnwindSafe(|| {
                let own = Worker::new_fifo();
                match stealer.steal_batch_and_pop(&own) {
                    Steal::Success(_loot) => die(),
                    Steal::Empty => false,
                    Steal::Retry => true,
                }
            }));
            match outcome {
                Ok(true) => {}
                Ok(false) => break,
                Err(_) => drop(deaths.fetch_add(1, Ordering::Relaxed)),
            }
        }
    });
    assert!(deaths.into_inner() > 0);
    assert_eq!((drops.count(), worker.len()), (elements, 0));
}

/// A thread pushes once and then waits for the element to be stolen: it becomes visible without further operations.
#[test]
fn an_element_of_an_idle_owner_is_stolen() {
    let _watchdog = watchdog();
    for make in [Worker::new_lifo, Worker::new_fifo] {
        let worker = make();
        let stealer = worker.stealer();
        let (loot, arrival) = mpsc::channel();
        let thief = thread::spawn(move || {
            loop {
                match stealer.steal() {
                    Steal::Success(element) => return loot.send(element).expect("the owner waits"),
                    _ => thread::yield_now(),
                }
            }
        });
        worker.push(7);
        assert_eq!(arrival.recv(), Ok(7));
        thief.join().expect("it only steals");
        assert_eq!(worker.pop(), None);
    }
}

/// Stealers come and go on all threads while elements pass.
#[test]
fn stealers_come_and_go() {
    let _watchdog = watchdog();
    let worker = Worker::new_lifo();
    let elements = times(1 << 14, 100);
    let stealer = worker.stealer();
    let stolen = AtomicUsize::new(0);
    let is_done = AtomicBool::new(false);
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                loop {
                    let was_done = is_done.load(Ordering::Acquire);
                    match stealer.clone().steal() {
                        Steal::Success(()) => drop(stolen.fetch_add(1, Ordering::Relaxed)),
                        Steal::Empty if was_done => break,
                        _ => thread::yield_now(),
                    }
                }
            });
        }
        for _ in 0..elements {
            drop(worker.stealer());
            worker.push(());
        }
        is_done.store(true, Ordering::Release);
    });
    assert_eq!(stolen.into_inner(), elements);
}
