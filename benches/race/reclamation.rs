//! Reclamation: what it costs to protect an object, and to retire one with its `Box`.

use crate::arena::reclamation::{PROTECT, RETIRE, Start};
use crate::arena::{Crowd, cores};
use crate::contest::{Contest, Contestant};
use crate::targets::{Measure::Time, Target, target};

const PROTECTION: &str = "reclamation: protect and let go";
const RETIREMENT: &str = "reclamation: make and retire";
const OURS: &str = "linchpin hazard";

fn contestants(all: &[(&'static str, Start)]) -> Vec<Contestant> {
    all.iter().map(|&(name, job)| Contestant::new(name, job())).collect()
}

/// These contests.
pub fn contests() -> Vec<Contest> {
    let crowds = [1, cores(), 8 * cores()].map(Crowd::of);
    vec![
        Contest::new(PROTECTION, &crowds, |_| contestants(&PROTECT)),
        Contest::new(RETIREMENT, &crowds, |_| contestants(&RETIRE)),
    ]
}

/// What they are to reach.
pub fn targets() -> Vec<Target> {
    let alone = Crowd::of(1);
    vec![
        target(PROTECTION, alone, OURS, &["haphazard"], Time, 0.3),
        target(PROTECTION, alone, OURS, &["crossbeam-epoch"], Time, 0.3),
        target(RETIREMENT, alone, OURS, &["haphazard"], Time, 0.3),
        target(RETIREMENT, alone, OURS, &["seize"], Time, 0.8),
    ]
}
