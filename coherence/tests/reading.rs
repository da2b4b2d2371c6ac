//! Loops that only read are billed as what they are, and not taken for waits.

use std::sync::atomic as plain;

use coherence::hint::spin_loop;
use coherence::sync::atomic::{AtomicU64, Ordering::*, fence};
use coherence::{Machine, Report};
use crossbeam_utils::CachePadded;

mod watchdog;
use watchdog::within;

fn pause(rounds: u32) {
    (0..rounds).for_each(|_| spin_loop());
}

/// Thread 1 reads `reads` times, beside a writer that writes once in `every` pauses of 20 ns until
/// the reader is done.
fn beside_a_writer(reads: u64, every: u32) -> Report {
    within(move || {
        let word = CachePadded::new(AtomicU64::new(0));
        let done = plain::AtomicBool::new(false);
        coherence::run(&Machine::flat(2), 2, |i| {
            if i == 0 {
                while !done.load(Relaxed) {
                    pause(every);
                    word.fetch_add(1, Relaxed);
                }
            } else {
                pause(10);
                coherence::phase("reads");
                let sum: u64 = (0..reads).map(|_| word.load(Relaxed)).sum();
                assert!(sum < u64::MAX);
                coherence::phase("end");
                done.store(true, Relaxed);
            }
        })
    })
}

/// How many of its reads miss if each is simulated: a hit takes 2.35 ns. From write to write it is
/// the pauses and the 51 + 5.2 ns of the write; in 51 ns of them the line is on its way to the
/// writer, and in 51 on its way back.
fn expected(reads: u64, every: u32) -> f64 {
    let between = f64::from(every) * 20.0 + 51.0 + 5.2;
    1.0 + (reads as f64 * 2.35) / (between - 2.0 * 51.0)
}

#[test]
fn a_loop_of_loads_misses_once_for_each_write() {
    for (reads, every) in [
        (200, 10),
        (200, 20),
        (10_000, 100),
        (100_000, 10),
        (100_000, 1000),
        (200_000, 100_000),
        (1_000_000, 1000),
    ] {
        let report = beside_a_writer(reads, every);
        let misses = report.phase("reads").get_shared() as f64;
        let expected = expected(reads, every);
        assert!(
            (misses - expected).abs() <= 0.05 * expected + 1.0,
            "{reads} reads, a write each {every} pauses: {misses} misses, not {expected}"
        );
    }
}

#[test]
fn a_loop_longer_than_any_wait_sleeps_once_and_for_a_twentieth_of_its_misses() {
    for (reads, every) in [(1_000_000, 20_000), (3_000_000, 40_000), (3_000_000, 1_000_000)] {
        let report = beside_a_writer(reads, every);
        let misses = report.phase("reads").get_shared() as f64;
        let expected = expected(reads, every);
        assert!(
            misses - expected <= 0.05 * expected + 2.0,
            "{reads} reads, a write each {every} pauses: {misses} misses, not {expected}"
        );
    }
}

#[test]
fn a_seqlock_reader_is_billed_for_what_it_reads() {
    #[derive(Default)]
    struct Seqlock {
        sequence: AtomicU64,
        data: [AtomicU64; 2],
    }
    let (report, writes) = within(|| {
        let lock = CachePadded::new(Seqlock::default());
        let writes = plain::AtomicU64::new(0);
        let done = plain::AtomicBool::new(false);
        let report = coherence::run(&Machine::flat(2), 2, |i| {
            if i == 0 {
                while !done.load(Relaxed) {
                    writes.fetch_add(1, Relaxed);
                    let sequence = lock.sequence.load(Relaxed);
                    lock.sequence.store(sequence + 1, Relaxed);
                    fence(Release);
                    lock.data.iter().for_each(|word| word.store(sequence, Relaxed));
                    lock.sequence.store(sequence + 2, Release);
                    pause(500);
                }
                return;
            }
            pause(10);
            coherence::phase("reads");
            for _ in 0..10_000 {
                loop {
                    let before = lock.sequence.load(Acquire);
                    let data = [lock.data[0].load(Relaxed), lock.data[1].load(Relaxed)];
                    fence(Acquire);
                    if before % 2 == 0 && lock.sequence.load(Relaxed) == before {
                        assert_eq!(data[0], data[1]);
                        break;
                    }
                    spin_loop();
                }
            }
            coherence::phase("end");
            done.store(true, Relaxed);
        });
        (report, writes.into_inner())
    });
    // 40,000 loads of 2.35 ns take 94 us, in which the writer comes some nine times; it stores to
    // the line four times, and the reader may take the line away after each.
    let misses = report.phase("reads").get_shared();
    assert!((8..=11).contains(&writes), "{writes} writes");
    assert!(
        (writes..=4 * writes + 1).contains(&misses),
        "{writes} writes, {misses} misses\n{report}"
    );
}

#[test]
fn what_is_read_goes_on_in_its_own_time() {
    let report = beside_a_writer(100_000, 1000);
    let elapsed = report.phase("reads").elapsed().as_nanos() as f64;
    let each = elapsed / 100_000.0;
    assert!((2.35..2.35 * 1.05).contains(&each), "{each} ns for each load");
}
