//! Barriers: an episode and at once the next, with few threads and with many more than cores, and beside busy
//! processes.

#[cfg(target_os = "linux")]
use crate::harness::barriers::Pthread;
use crate::harness::barriers::{Exchange, Meeting, Participants, TreeWakeUp, episodes};
use linchpin::barrier::{CombiningBarrier, DisseminationBarrier, TournamentBarrier, TreeBarrier};

use crate::benchmark::{Benchmark, Subject};
use crate::harness::{Beside, ThreadConfig, cores};
use crate::targets::{Measure::Time, Target, target};

const EPISODES: &str = "barriers: episodes";
const BESIDE: &str = "barriers beside busy processes";

const CENTRAL: &str = "linchpin Barrier";
const COMBINING: &str = "linchpin CombiningBarrier";
const TREE: &str = "linchpin TreeBarrier";
const BY_TREE: &str = "linchpin TreeBarrier, woken by tree";
const TOURNAMENT: &str = "linchpin TournamentBarrier";
const DISSEMINATION: &str = "linchpin DisseminationBarrier";

/// The peer that spins without end is left out where there are more threads than cores: it would not come to an end.
fn subjects(config: ThreadConfig) -> Vec<Subject> {
    fn meeting<M: Meeting>(name: &'static str, config: ThreadConfig) -> Subject {
        Subject::new(name, episodes::<M>(config))
    }
    let mut all = vec![
        meeting::<linchpin::barrier::Barrier>(CENTRAL, config),
        meeting::<Participants<CombiningBarrier>>(COMBINING, config),
        meeting::<Participants<TreeBarrier>>(TREE, config),
        meeting::<TreeWakeUp>(BY_TREE, config),
        meeting::<Participants<TournamentBarrier>>(TOURNAMENT, config),
        meeting::<Participants<DisseminationBarrier>>(DISSEMINATION, config),
        meeting::<std::sync::Barrier>("std", config),
        #[cfg(target_os = "linux")]
        meeting::<Pthread>("pthread", config),
    ];
    if config.threads <= cores() && config.beside == Beside::Nothing && !config.one_cpu {
        all.push(meeting::<spin::Barrier>("spin", config));
    }
    if config.threads == 2 && config.beside == Beside::Nothing && !config.one_cpu {
        all.push(meeting::<Exchange>("two flags", config));
    }
    all
}

/// These benchmarks.
pub fn benchmarks() -> Vec<Benchmark> {
    let mut configs: Vec<ThreadConfig> = [2, 4, 16, 64].map(ThreadConfig::of).into();
    configs.push(ThreadConfig::on_one_cpu(4));
    let busy = [2, 4, 16].map(|threads| ThreadConfig::of(threads).beside(Beside::BusyPerCore(1)));
    vec![
        Benchmark::new(EPISODES, &configs, subjects),
        Benchmark::new(BESIDE, &busy, subjects).slow(4),
    ]
}

/// What they are to reach.
pub fn targets() -> Vec<Target> {
    let two = ThreadConfig::of(2);
    let mut targets = vec![
        target(EPISODES, two, CENTRAL, &["std"], Time, 0.02),
        target(EPISODES, two, CENTRAL, &["spin"], Time, 1.0),
        target(EPISODES, ThreadConfig::of(4), CENTRAL, &["std"], Time, 0.4),
        target(EPISODES, ThreadConfig::of(16), CENTRAL, &["std"], Time, 0.1),
        target(EPISODES, ThreadConfig::of(64), CENTRAL, &["std"], Time, 0.1),
        target(BESIDE, two.beside(Beside::BusyPerCore(1)), CENTRAL, &["std"], Time, 1.0),
    ];
    for (threads, bound) in [(2, 0.02), (4, 0.5), (16, 0.4), (64, 0.5)] {
        targets.push(target(
            EPISODES,
            ThreadConfig::of(threads),
            CENTRAL,
            &["pthread"],
            Time,
            bound,
        ));
    }
    for ours in [COMBINING, TREE, TOURNAMENT, DISSEMINATION] {
        targets.push(target(EPISODES, ThreadConfig::of(16), ours, &["std"], Time, 0.2));
    }
    targets.push(target(EPISODES, two, DISSEMINATION, &["two flags"], Time, 1.5));
    targets
}
