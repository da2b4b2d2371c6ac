//! Three ways to count from many threads, and what each is for.
//!
//! ```text
//! cargo run --example counters
//! ```

use std::thread;

use linchpin::counter::{ApproximateCounter, Counter, LocalCounter};

/// Any thread adds, from anywhere in the program: a request counter.
static REQUESTS: Counter = Counter::new();

/// A hot loop adds by a handle that it keeps, without a read-modify-write instruction: bytes that a worker copies.
static BYTES: LocalCounter = LocalCounter::new();

/// A limit is checked often, and may be overrun a little: handles pass on what they have counted 64 at a time.
static EVENTS: ApproximateCounter = ApproximateCounter::new(64);

const WORKERS: u64 = 4;
const BLOCKS: u64 = 10_000;

fn work() {
    REQUESTS.increment();
    let bytes = BYTES.register();
    let events = EVENTS.register();
    for _ in 0..BLOCKS {
        bytes.add(4096);
        events.increment();
    }
    // What is left in a handle is passed on when it is dropped.
}

fn main() {
    thread::scope(|scope| {
        for _ in 0..WORKERS {
            scope.spawn(work);
        }
        println!("events so far, about: {}", EVENTS.estimate());
    });
    // Exact, since all that add have been joined.
    println!(
        "{} requests, {} bytes, {} events",
        REQUESTS.sum(),
        BYTES.sum(),
        EVENTS.estimate()
    );
    assert_eq!(REQUESTS.sum(), WORKERS);
    assert_eq!(BYTES.sum(), WORKERS * BLOCKS * 4096);
    assert_eq!(EVENTS.estimate(), WORKERS * BLOCKS);
}
