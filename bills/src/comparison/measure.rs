//! One subject at one point.

use std::sync::PoisonError;
use std::sync::atomic::{AtomicBool, AtomicU64};
use std::time::Duration;

use coherence::hint::spin_loop;
use coherence::sync::atomic::Ordering::{Acquire, Relaxed, Release};
use coherence::sync::atomic::{AtomicU32, AtomicU64 as Simulated};
use coherence::time::Instant;

use super::subject::{Lock, Subject};
use super::{Kind, Outcome, Point};
use crate::baseline::Apart;

/// After how many acquisitions a thread looks at the clock, which takes as long as a pause.
const LOOK: u64 = 16;
/// How often one thread alone acquires a reader-writer lock before all do.
const ALONE: u64 = 1 << 15;
/// A comparison ends early after so many acquisitions of all threads.
const ENOUGH: u64 = 30_000;
/// And it lasts longer, up to twice as long again, until each thread has acquired the lock so often on average.
const FEW: u64 = 30;

impl Point {
    /// How `subject` does here, with these random times.
    pub(super) fn run(&self, subject: Subject, drawing: u64) -> Outcome {
        let lock = &*subject.lock(self.row.kind, self.threads());
        let measurement = Measurement::new(self);
        let data = Apart(Simulated::new(0));
        let start = Apart(AtomicU32::new(0));
        let _turn = crate::TURN.read().unwrap_or_else(PoisonError::into_inner);
        coherence::run(&self.row.placement.machine(self.cores), self.threads(), |thread| {
            if thread == 0 {
                self.prepare(lock);
                measurement.start.store(nanoseconds(), Relaxed);
                start.0.store(1, Release);
                coherence::futex::wake(&start.0, usize::MAX);
            }
            while start.0.load(Acquire) == 0 {
                coherence::futex::wait(&start.0, 0, None);
            }
            let random = Random::new(drawing, thread);
            self.compete(thread, lock, &data.0, &measurement, random);
        });
        measurement.outcome()
    }

    /// How often `subject` lets two threads in together that exclude one another, in so many `acquisitions` of each:
    /// never, if it is a lock.
    #[must_use]
    pub fn intrusions(&self, subject: Subject, acquisitions: usize) -> u64 {
        let lock = &*subject.lock(self.row.kind, self.threads());
        let (writers, readers) = (AtomicU64::new(0), AtomicU64::new(0));
        let intrusions = AtomicU64::new(0);
        let (inside, outside) = self.row.load.pauses();
        let _turn = crate::TURN.read().unwrap_or_else(PoisonError::into_inner);
        coherence::run(&self.row.placement.machine(self.cores), self.threads(), |thread| {
            let mut random = Random::new(0, thread);
            for _ in 0..acquisitions {
                let pauses = 1 + random.up_to(2 * inside);
                if self.row.kind.writes(random.next()) {
                    lock.write(&mut || {
                        let others = writers.fetch_add(1, Relaxed) + readers.load(Relaxed);
                        coherence::thread::yield_now();
                        pause(pauses);
                        let others = others + writers.fetch_sub(1, Relaxed) - 1 + readers.load(Relaxed);
                        intrusions.fetch_add(others, Relaxed);
                    });
                } else {
                    lock.read(&mut || {
                        readers.fetch_add(1, Relaxed);
                        pause(pauses);
                        intrusions.fetch_add(writers.load(Relaxed), Relaxed);
                        readers.fetch_sub(1, Relaxed);
                    });
                }
                pause(random.up_to(2 * outside));
            }
        });
        intrusions.into_inner()
    }

    /// A reader-writer lock of ours finds out how much it is read. One thread alone lets it do so soon; many, where an
    /// acquisition takes microseconds, would for most of a comparison.
    fn prepare(&self, lock: &dyn Lock) {
        let mut random = Random::new(0, 0);
        let acquisitions = if self.row.kind == Kind::Mutex { 0 } else { ALONE };
        for _ in 0..acquisitions {
            if self.row.kind.writes(random.next()) {
                lock.write(&mut || {});
            } else {
                lock.read(&mut || {});
            }
        }
    }

    fn compete(&self, number: usize, lock: &dyn Lock, data: &Simulated, measurement: &Measurement, mut random: Random) {
        let (inside, outside) = self.row.load.pauses();
        let mut acquisitions = 0;
        while !measurement.over.load(Relaxed) {
            let section = random.up_to(2 * inside);
            if self.row.kind.writes(random.next()) {
                lock.write(&mut || {
                    data.store(number as u64, Relaxed);
                    pause(section);
                });
            } else {
                lock.read(&mut || {
                    data.load(Relaxed);
                    pause(section);
                });
            }
            acquisitions += 1;
            measurement.pass(number, acquisitions);
            pause(random.up_to(2 * outside));
        }
    }
}

fn pause(rounds: u64) {
    (0..rounds).for_each(|_| spin_loop());
}

/// Virtual time.
fn nanoseconds() -> u64 {
    (Instant::now() - Instant::START).as_nanos() as u64
}

/// When a comparison is on, and which thread has acquired the lock how often. Nothing of it is simulated, but the looks
/// at the clock.
struct Measurement {
    warm_up: Duration,
    length: Duration,
    begun: AtomicBool,
    over: AtomicBool,
    acquisitions: Box<[AtomicU64]>,
    all: AtomicU64,
    /// In nanoseconds of virtual time: when all begin, and what counts begins and ends.
    start: AtomicU64,
    begin: AtomicU64,
    end: AtomicU64,
}

impl Measurement {
    fn new(point: &Point) -> Self {
        let (warm_up, length) = point.times();
        Measurement {
            warm_up,
            length,
            begun: AtomicBool::new(false),
            over: AtomicBool::new(false),
            acquisitions: (0..point.threads()).map(|_| AtomicU64::new(0)).collect(),
            all: AtomicU64::new(0),
            start: AtomicU64::new(0),
            begin: AtomicU64::new(0),
            end: AtomicU64::new(0),
        }
    }

    /// Thread `number` has acquired the lock for the `acquisitions`-th time.
    fn pass(&self, number: usize, acquisitions: u64) {
        let begun = self.begun.load(Relaxed);
        if begun && !self.over.load(Relaxed) {
            self.acquisitions[number].fetch_add(1, Relaxed);
            self.all.fetch_add(1, Relaxed);
        }
        if !acquisitions.is_multiple_of(LOOK) {
            return;
        }
        let now = nanoseconds();
        let lasts = |from: &AtomicU64, time: Duration| now < from.load(Relaxed) + time.as_nanos() as u64;
        // Asked again: to look at the clock lets others run.
        if !self.begun.load(Relaxed) {
            if !lasts(&self.start, self.warm_up) {
                self.begin.store(now, Relaxed);
                self.begun.store(true, Relaxed);
            }
        } else if !self.over.load(Relaxed) {
            let all = self.all.load(Relaxed);
            let few = all < FEW * self.acquisitions.len() as u64;
            let length = if few { 3 * self.length } else { self.length };
            if !lasts(&self.begin, length) || all >= ENOUGH {
                self.end.store(now, Relaxed);
                self.over.store(true, Relaxed);
            }
        }
    }

    fn outcome(&self) -> Outcome {
        let acquisitions = || self.acquisitions.iter().map(|acquisitions| acquisitions.load(Relaxed));
        let (slowest, fastest) = (acquisitions().min(), acquisitions().max());
        let elapsed = self.end.load(Relaxed) - self.begin.load(Relaxed);
        Outcome {
            throughput: self.all.load(Relaxed) as f64 * 1e3 / elapsed as f64,
            fairness: slowest.unwrap_or(0) as f64 / fastest.unwrap_or(0).max(1) as f64,
        }
    }
}

/// Xorshift (Marsaglia, 2003).
struct Random(u64);

impl Random {
    fn new(drawing: u64, thread: usize) -> Self {
        // Odd, and different for each pair.
        Random((drawing << 32 | thread as u64) << 1 | 1)
    }

    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn up_to(&mut self, most: u64) -> u64 {
        self.next() % (most + 1)
    }
}
