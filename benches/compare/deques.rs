//! Deques and injectors: owners alone, owners with thieves, producers with consumers.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use linchpin::deque::{self, block};

use crate::benchmark::{Benchmark, Subject};
use crate::harness::deques::{Fifo, Lifo, Shared, alone, passed, stolen};
use crate::harness::{Job, ThreadConfig};
use crate::targets::{
    Measure::{Throughput, Time},
    Target, target,
};

const LIFO: &str = "deque: LIFO push and pop";
const FIFO: &str = "deque: FIFO push and pop";
const BURSTS: &str = "deque: LIFO, 256 pushes and 256 pops";
const STOLEN: &str = "deque: an owner that pushes two and pops one, and thieves";
const BATCHES: &str = "deque: a producer, and thieves that steal batches";
const INJECTOR: &str = "deque: injector";

const OURS: &str = "linchpin Worker";
const BLOCK: &str = "linchpin block::Worker";
const CROSSBEAM: &str = "crossbeam-deque";
const ST3: &str = "st3";
const LOCKED: &str = "Mutex<VecDeque>";

type Locked = Arc<Mutex<VecDeque<u64>>>;

fn entrants<const N: usize>(jobs: [(&'static str, Job); N]) -> Vec<Subject> {
    jobs.map(|(name, job)| Subject::new(name, job)).into()
}

fn lifo(bursts: bool) -> Vec<Subject> {
    entrants([
        (OURS, alone::<Lifo<deque::Worker<u64>>>(bursts)),
        (BLOCK, alone::<Lifo<block::Worker<u64>>>(bursts)),
        (CROSSBEAM, alone::<Lifo<crossbeam_deque::Worker<u64>>>(bursts)),
        (ST3, alone::<st3::lifo::Worker<u64>>(bursts)),
        (LOCKED, alone::<Lifo<Locked>>(bursts)),
    ])
}

fn fifo(_: ThreadConfig) -> Vec<Subject> {
    entrants([
        (OURS, alone::<Fifo<deque::Worker<u64>>>(false)),
        (BLOCK, alone::<Fifo<block::Worker<u64>>>(false)),
        (CROSSBEAM, alone::<Fifo<crossbeam_deque::Worker<u64>>>(false)),
    ])
}

fn one_by_one(_: ThreadConfig) -> Vec<Subject> {
    fn job<D: Shared>() -> Job {
        stolen::<D>(true, false)
    }
    entrants([
        (OURS, job::<Lifo<deque::Worker<u64>>>()),
        (BLOCK, job::<Lifo<block::Worker<u64>>>()),
        (CROSSBEAM, job::<Lifo<crossbeam_deque::Worker<u64>>>()),
        (LOCKED, job::<Lifo<Locked>>()),
    ])
}

fn batches(_: ThreadConfig) -> Vec<Subject> {
    fn job<D: Shared>() -> Job {
        stolen::<D>(false, true)
    }
    entrants([
        (OURS, job::<Fifo<deque::Worker<u64>>>()),
        (BLOCK, job::<Fifo<block::Worker<u64>>>()),
        (CROSSBEAM, job::<Fifo<crossbeam_deque::Worker<u64>>>()),
        (ST3, job::<st3::lifo::Worker<u64>>()),
        (LOCKED, job::<Lifo<Locked>>()),
    ])
}

fn injectors(crowd: ThreadConfig) -> Vec<Subject> {
    entrants([
        (OURS, passed::<deque::Injector<u64>>(crowd.threads)),
        (CROSSBEAM, passed::<crossbeam_deque::Injector<u64>>(crowd.threads)),
        (LOCKED, passed::<Mutex<VecDeque<u64>>>(crowd.threads)),
    ])
}

/// These benchmarks.
pub fn benchmarks() -> Vec<Benchmark> {
    let one = [ThreadConfig::of(1)];
    let some = [ThreadConfig::of(2), ThreadConfig::of(4), ThreadConfig::of(16)];
    vec![
        Benchmark::new(LIFO, &one, |_| lifo(false)),
        Benchmark::new(BURSTS, &one, |_| lifo(true)),
        Benchmark::new(FIFO, &one, fifo),
        Benchmark::new(STOLEN, &some, one_by_one),
        Benchmark::new(BATCHES, &some, batches),
        Benchmark::new(
            INJECTOR,
            &[
                ThreadConfig::of(1),
                ThreadConfig::of(2),
                ThreadConfig::of(4),
                ThreadConfig::of(16),
            ],
            injectors,
        ),
    ]
}

/// What they are to reach.
pub fn targets() -> Vec<Target> {
    let (one, two) = (ThreadConfig::of(1), ThreadConfig::of(2));
    vec![
        target(LIFO, one, OURS, &[CROSSBEAM], Time, 0.65),
        target(FIFO, one, OURS, &[CROSSBEAM], Time, 1.0),
        target(LIFO, one, BLOCK, &[CROSSBEAM], Time, 0.2),
        target(LIFO, one, BLOCK, &[ST3], Time, 0.4),
        target(STOLEN, two, OURS, &[CROSSBEAM], Throughput, 1.2),
        target(BATCHES, two, OURS, &[CROSSBEAM], Throughput, 1.0),
        target(BATCHES, two, BLOCK, &[CROSSBEAM], Throughput, 1.5),
        target(INJECTOR, one, OURS, &[CROSSBEAM], Time, 0.8),
        target(INJECTOR, ThreadConfig::of(4), OURS, &[CROSSBEAM], Throughput, 1.0),
    ]
}
