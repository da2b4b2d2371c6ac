//! Barriers: an episode and at once the next, with few threads and with many more than cores, and beside busy processes.

#[cfg(target_os = "linux")]
use crate::arena::barriers::Pthread;
use crate::arena::barriers::{Exchange, Meeting, Participants, TreeWakeUp, episodes};
use linchpin::barrier::{CombiningBarrier, DisseminationBarrier, TournamentBarrier, TreeBarrier};

use crate::arena::{Beside, Crowd, cores};
use crate::contest::{Contest, Contestant};
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
fn contestants(crowd: Crowd) -> Vec<Contestant> {
    fn meeting<M: Meeting>(name: &'static str, crowd: Crowd) -> Contestant {
        Contestant::new(name, episodes::<M>(crowd))
    }
    let mut all = vec![
        meeting::<linchpin::barrier::Barrier>(CENTRAL, crowd),
        meeting::<Participants<CombiningBarrier>>(COMBINING, crowd),
        meeting::<Participants<TreeBarrier>>(TREE, crowd),
        meeting::<TreeWakeUp>(BY_TREE, crowd),
        meeting::<Participants<TournamentBarrier>>(TOURNAMENT, crowd),
        meeting::<Participants<DisseminationBarrier>>(DISSEMINATION, crowd),
        meeting::<std::sync::Barrier>("std", crowd),
        #[cfg(target_os = "linux")]
        meeting::<Pthread>("pthread", crowd),
    ];
    if crowd.threads <= cores() && crowd.beside == Beside::Nothing && !crowd.one_cpu {
        all.push(meeting::<spin::Barrier>("spin", crowd));
    }
    if crowd.threads == 2 && crowd.beside == Beside::Nothing && !crowd.one_cpu {
        all.push(meeting::<Exchange>("two flags", crowd));
    }
    all
}

/// These contests.
pub fn contests() -> Vec<Contest> {
    let mut crowds: Vec<Crowd> = [2, 4, 16, 64].map(Crowd::of).into();
    crowds.push(Crowd::on_one_cpu(4));
    let busy = [2, 4, 16].map(|threads| Crowd::of(threads).beside(Beside::BusyPerCore(1)));
    vec![
        Contest::new(EPISODES, &crowds, contestants),
        Contest::new(BESIDE, &busy, contestants).slow(4),
    ]
}

/// What they are to reach.
pub fn targets() -> Vec<Target> {
    let two = Crowd::of(2);
    let mut targets = vec![
        target(EPISODES, two, CENTRAL, &["std"], Time, 0.02),
        target(EPISODES, two, CENTRAL, &["spin"], Time, 1.0),
        target(EPISODES, Crowd::of(4), CENTRAL, &["std"], Time, 0.4),
        target(EPISODES, Crowd::of(16), CENTRAL, &["std"], Time, 0.1),
        target(EPISODES, Crowd::of(64), CENTRAL, &["std"], Time, 0.1),
        target(BESIDE, two.beside(Beside::BusyPerCore(1)), CENTRAL, &["std"], Time, 1.0),
    ];
    for (threads, bound) in [(2, 0.02), (4, 0.5), (16, 0.4), (64, 0.5)] {
        targets.push(target(EPISODES, Crowd::of(threads), CENTRAL, &["pthread"], Time, bound));
    }
    for ours in [COMBINING, TREE, TOURNAMENT, DISSEMINATION] {
        targets.push(target(EPISODES, Crowd::of(16), ours, &["std"], Time, 0.2));
    }
    targets.push(target(EPISODES, two, DISSEMINATION, &["two flags"], Time, 1.5));
    targets
}
