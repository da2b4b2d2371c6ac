//! The counters that are measured, and what they are measured against: a `fetch_add` on a word that is shared, that has
//! neighbours, or that has its line to itself.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use linchpin::CachePadded;
use linchpin::counter::{ApproximateCounter, Counter, LocalCounter};

use super::Job;

/// Adds between two looks at the clock.
const BATCH: u64 = 64;
/// The most threads that are measured.
const WORDS: usize = 64;

/// Makes a counter at 0, and the adds to it.
pub type Start = fn() -> Job;

/// All subjects, with their names.
pub const ALL: [(&str, Start); 6] = [
    ("linchpin Counter", striped),
    ("linchpin LocalCounter", local),
    ("linchpin ApproximateCounter", approximate),
    ("fetch_add, shared", shared),
    ("fetch_add, neighbours", neighbours),
    ("fetch_add, padded", padded),
];

fn adds(add: impl Fn(usize) + Send + Sync + 'static) -> Job {
    Arc::new(move |worker| {
        worker.run(BATCH, || {
            for _ in 0..BATCH {
                add(worker.thread);
            }
        })
    })
}

fn striped() -> Job {
    let counter: Counter = Counter::new();
    adds(move |_| counter.add(1))
}

fn local() -> Job {
    let counters = LocalCounter::new();
    Arc::new(move |worker| {
        let counter = counters.register();
        worker.run(BATCH, || {
            for _ in 0..BATCH {
                counter.add(1);
            }
        })
    })
}

fn approximate() -> Job {
    let counter = ApproximateCounter::new(1024);
    Arc::new(move |worker| {
        let handle = counter.register();
        worker.run(BATCH, || {
            for _ in 0..BATCH {
                handle.add(1);
            }
        })
    })
}

fn shared() -> Job {
    let word = CachePadded::new(AtomicU64::new(0));
    adds(move |_| {
        word.fetch_add(1, Ordering::Relaxed);
    })
}

fn neighbours() -> Job {
    let words = CachePadded::new([const { AtomicU64::new(0) }; WORDS]);
    adds(move |thread| {
        words[thread % WORDS].fetch_add(1, Ordering::Relaxed);
    })
}

fn padded() -> Job {
    let words = [const { CachePadded::new(AtomicU64::new(0)) }; WORDS];
    adds(move |thread| {
        words[thread % WORDS].fetch_add(1, Ordering::Relaxed);
    })
}
