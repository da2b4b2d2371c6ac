//! A program written for `parking_lot`, with two `use` lines changed.
//!
//! Guards, `map`, time-outs, `unlock_fair` and condition variables are `lock_api`'s in both crates, so nothing else
//! changes. A producer hands work to two consumers; a third kind of thread reads the settings, which change seldom.
//!
//! ```text
//! cargo run --example migrate_from_parking_lot
//! ```

use std::collections::VecDeque;
use std::thread;
use std::time::Duration;

// Before: use parking_lot::{Condvar, Mutex, MutexGuard, RwLock};
use linchpin::futex::{Condvar, Mutex, MutexGuard, RwLock};

#[derive(Default)]
struct Queue {
    jobs: VecDeque<u64>,
    is_closed: bool,
}

static QUEUE: Mutex<Queue> = Mutex::new(Queue {
    jobs: VecDeque::new(),
    is_closed: false,
});
static CHANGED: Condvar = Condvar::new();
static FACTOR: RwLock<u64> = RwLock::new(1);

/// The next job; `None` when there will be none.
fn next_job() -> Option<u64> {
    let mut queue = QUEUE.lock();
    loop {
        if let Some(job) = queue.jobs.pop_front() {
            return Some(job);
        }
        if queue.is_closed {
            return None;
        }
        CHANGED.wait(&mut queue);
    }
}

fn consume() -> u64 {
    let mut sum = 0;
    while let Some(job) = next_job() {
        sum += job * *FACTOR.read();
    }
    sum
}

fn main() {
    let total: u64 = thread::scope(|scope| {
        let consumers = [(), ()].map(|()| scope.spawn(consume));
        for job in 1..=1000 {
            QUEUE.lock().jobs.push_back(job);
            CHANGED.notify_one();
        }
        QUEUE.lock().is_closed = true;
        CHANGED.notify_all();
        consumers
            .map(|consumer| consumer.join().expect("it only adds"))
            .iter()
            .sum()
    });
    println!("all jobs together: {total}");
    assert_eq!(total, 500_500);

    // What `lock_api` offers for `parking_lot`'s locks it offers for these.
    let held = FACTOR.upgradable_read();
    assert!(
        FACTOR.try_write_for(Duration::from_millis(1)).is_none(),
        "it is being read"
    );
    drop(held);
    let jobs = MutexGuard::map(QUEUE.lock(), |queue| &mut queue.jobs);
    assert!(jobs.is_empty());
}
