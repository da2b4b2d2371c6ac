//! Reclamation: what it costs to protect an object, and to retire one with its `Box`.

use crate::benchmark::{Benchmark, Subject};
use crate::harness::reclamation::{PROTECT, RETIRE, Start};
use crate::harness::{ThreadConfig, cores};
use crate::targets::{Measure::Time, Target, target};

const PROTECTION: &str = "reclamation: protect and let go";
const RETIREMENT: &str = "reclamation: make and retire";
const OURS: &str = "linchpin hazard";

fn subjects(all: &[(&'static str, Start)]) -> Vec<Subject> {
    all.iter().map(|&(name, job)| Subject::new(name, job())).collect()
}

/// These benchmarks.
pub fn benchmarks() -> Vec<Benchmark> {
    let crowds = [1, cores(), 8 * cores()].map(ThreadConfig::of);
    vec![
        Benchmark::new(PROTECTION, &crowds, |_| subjects(&PROTECT)),
        Benchmark::new(RETIREMENT, &crowds, |_| subjects(&RETIRE)),
    ]
}

/// What they are to reach.
pub fn targets() -> Vec<Target> {
    let alone = ThreadConfig::of(1);
    vec![
        target(PROTECTION, alone, OURS, &["haphazard"], Time, 0.3),
        target(PROTECTION, alone, OURS, &["crossbeam-epoch"], Time, 0.3),
        target(RETIREMENT, alone, OURS, &["haphazard"], Time, 0.3),
        target(RETIREMENT, alone, OURS, &["seize"], Time, 0.8),
    ]
}
