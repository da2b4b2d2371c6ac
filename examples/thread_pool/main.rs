//! A work-stealing fork-join pool on linchpin alone, and three programs for it: `cargo run --release --example thread_pool`.
//!
//! The pool (`pool.rs`) keeps the jobs of each thread in a block deque: `join` pushes the second closure, runs the first, and pops
//! the second again, without a fence or RMW if no other thread was idle. Threads that find nothing sleep on a `futex::Condvar`.

#[cfg(test)]
#[path = "../../tests/common/mod.rs"]
mod common;
mod pool;
mod programs;

/// The deques that the pool is built on.
mod queue {
    pub use linchpin::deque::block::{Stealer, Worker};
    pub use linchpin::deque::{Injector, Steal};

    /// A deque for one thread's jobs.
    pub fn new_lifo<T>() -> Worker<T> {
        Worker::new_lifo()
    }

    /// Lets idle threads have what this thread has pushed last.
    pub fn publish<T>(worker: &Worker<T>) {
        worker.publish();
    }
}

use std::time::Instant;

use programs::{Join, fib, queens, skewed};

struct Ours;

impl Join for Ours {
    fn join(&self, a: impl FnOnce() -> u64 + Send, b: impl FnOnce() -> u64 + Send) -> (u64, u64) {
        pool::join(a, b)
    }
}

fn main() {
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let pool = pool::Pool::new(threads);
    println!("{threads} threads");
    type Program = fn() -> u64;
    for (name, program, expected) in [
        ("fib(27)", (|| fib(&Ours, 27)) as Program, 196_418),
        ("ten queens", || queens(&Ours, 10), 724),
        ("a skewed tree", || skewed(&Ours, 2000), 1001),
    ] {
        let start = Instant::now();
        assert_eq!(pool.run(program), expected, "{name}");
        println!("{name} in {:.1?}", start.elapsed());
    }
    let panic = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        pool.run(|| pool::join(|| fib(&Ours, 15), || std::panic::resume_unwind(Box::new("a job"))))
    }));
    assert!(panic.is_err(), "a panic goes on in the caller");
    // What was spawned runs before the pool is gone.
    let (sender, done) = std::sync::mpsc::channel();
    for job in 0..1000 {
        let sender = sender.clone();
        pool.spawn(move || sender.send(job).expect("the receiver lives"));
    }
    drop((pool, sender));
    assert_eq!(done.iter().sum::<u32>(), 499_500);
}
