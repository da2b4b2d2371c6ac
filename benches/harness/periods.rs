//! A loop over reads with a period: what a lock that samples its readers makes of it.
//!
//! In each period one read is of a lock that is written as often, and all others are of locks that
//! are never written. If each n-th read is sampled and n is a multiple of the period, all samples
//! may meet that one lock, so that the others are never found to be read-mostly. Where in the
//! period they meet it depends on how many reads the thread has made before: all phases are tried,
//! and the worst counts.

use std::hint::black_box;
use std::thread;
use std::time::{Duration, Instant};

use super::rwlocks::ReaderWriter;

/// Locks that are only read.
const READ_ONLY: usize = 2;
/// The most reads between two samples of any lock here.
const PHASES: usize = 64;
/// Reads before the clock starts: more than any lock takes to find out.
const WARM: usize = 400_000;
/// Reads in a stretch that is timed.
const STRETCH: usize = 10_000;
/// The best stretch of so many counts, since threads are interrupted.
const STRETCHES: usize = 3;

/// Reads per second in the worst phase of a loop with a `period` of so many reads.
pub fn worst_phase<L: ReaderWriter>(period: usize) -> f64 {
    let start = L::new();
    let phase_of = |shift| {
        // A thread that has not read before: its count is at 0.
        thread::scope(|scope| {
            let run = || {
                (0..shift).for_each(|_| {
                    black_box(start.read());
                });
                phase::<L>(period)
            };
            scope.spawn(run).join().expect("no reader panics")
        })
    };
    let worst = (0..PHASES).map(phase_of).max().expect("there is a phase");
    (STRETCH / period * period) as f64 / worst.as_secs_f64()
}

/// The time for a stretch.
fn phase<L: ReaderWriter>(period: usize) -> Duration {
    let read_only: [L; READ_ONLY] = std::array::from_fn(|_| L::new());
    let written = L::new();
    let run = |reads: usize| {
        let start = Instant::now();
        for _ in 0..reads / period {
            for number in 1..period {
                black_box(read_only[number % READ_ONLY].read());
            }
            black_box(written.read());
            written.write(|total| *total += 1);
        }
        start.elapsed()
    };
    run(WARM);
    (0..STRETCHES).map(|_| run(STRETCH)).min().expect("there is a stretch")
}
