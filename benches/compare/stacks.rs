//! Stacks: a push and a pop, again and again, alone and with others.

#[cfg(feature = "epoch")]
use linchpin::stack::EpochStack;
use linchpin::stack::{HazardStack, TaggedStack};

use crate::benchmark::{Benchmark, Subject};
use crate::harness::ThreadConfig;
use crate::harness::stacks::{EpochTreiber, Stack, pairs};
use crate::targets::{
    Measure::{Throughput, Time},
    Target, target,
};

const PAIRS: &str = "stacks: push and pop";

const TAGGED: &str = "linchpin TaggedStack";
const HAZARD: &str = "linchpin HazardStack";
#[cfg(feature = "epoch")]
const EPOCH: &str = "linchpin EpochStack";
const TREIBER: &str = "Treiber on crossbeam-epoch";
const STD: &str = "std Mutex<Vec>";
const PARKING_LOT: &str = "parking_lot Mutex<Vec>";

fn stack<S: Stack>(name: &'static str) -> Subject {
    Subject::new(name, pairs::<S>())
}

/// These benchmarks.
pub fn benchmarks() -> Vec<Benchmark> {
    let mut configs: Vec<ThreadConfig> = [1, 2, 4, 16].map(ThreadConfig::of).into();
    configs.push(ThreadConfig::on_one_cpu(4));
    vec![Benchmark::new(PAIRS, &configs, |_| {
        vec![
            stack::<TaggedStack<u64>>(TAGGED),
            stack::<HazardStack<u64>>(HAZARD),
            #[cfg(feature = "epoch")]
            stack::<EpochStack<u64>>(EPOCH),
            stack::<EpochTreiber>(TREIBER),
            stack::<std::sync::Mutex<Vec<u64>>>(STD),
            stack::<parking_lot::Mutex<Vec<u64>>>(PARKING_LOT),
        ]
    })]
}

/// What they are to reach.
pub fn targets() -> Vec<Target> {
    let alone = ThreadConfig::of(1);
    let mut targets = vec![
        target(PAIRS, alone, TAGGED, &[STD], Time, 0.8),
        target(PAIRS, alone, TAGGED, &[TREIBER], Time, 0.33),
        target(PAIRS, alone, HAZARD, &[TREIBER], Time, 0.6),
    ];
    for threads in [2, 4] {
        for ours in [
            TAGGED,
            HAZARD,
            #[cfg(feature = "epoch")]
            EPOCH,
        ] {
            targets.push(target(
                PAIRS,
                ThreadConfig::of(threads),
                ours,
                &[TREIBER],
                Throughput,
                1.5,
            ));
        }
    }
    for threads in [2, 4, 16] {
        targets.push(target(
            PAIRS,
            ThreadConfig::of(threads),
            TAGGED,
            &[PARKING_LOT],
            Throughput,
            1.0,
        ));
    }
    targets
}
