//! What this crate sets out to reach, beside what it has reached in this run.

use Measure::{Tail, Throughput, Time};

use crate::Scores;
use crate::arena::{Crowd, cores};
use crate::document::{Section, Table};
use crate::score::{Score, best};

/// What is compared: throughput, its inverse, or the 99.9th percentile of the time to acquire.
#[derive(Clone, Copy, PartialEq)]
enum Measure {
    Throughput,
    Time,
    Tail,
}

/// One of `ours` has to be that much better than the best of `peers`, under one load or under each of a family.
struct Target {
    contest: &'static str,
    threads: usize,
    ours: &'static str,
    peers: &'static [&'static str],
    measure: Measure,
    bound: f64,
}

const fn target(
    contest: &'static str,
    threads: usize,
    ours: &'static str,
    peers: &'static [&'static str],
    measure: Measure,
    bound: f64,
) -> Target {
    Target {
        contest,
        threads,
        ours,
        peers,
        measure,
        bound,
    }
}

const SPIN: &str = "spin locks: short section, no work outside";
const SLEEP: &str = "sleeping locks: short section, no work outside";
const QUEUE: &str = "queue locks: short section, no work outside";
const READ: &str = "reader-writer locks: reads only";
const READ_MOSTLY: &str = "reader-writer locks: 1 write in 20";
const TURNS: &str = "condition variables: two threads take turns";
const COUNTERS: &str = "counters: adds";
const SLEEPERS: &[&str] = &["std", "parking_lot", "usync"];

fn all() -> Vec<Target> {
    let many = 8 * cores();
    let mutex = "linchpin futex::Mutex";
    let rwlock = "linchpin futex::RwLock";
    let mcs = "linchpin queue::McsMutex";
    let mut targets = vec![
        target(SPIN, 1, "linchpin spin::Mutex", &["spin"], Time, 1.05),
        target(
            SPIN,
            2,
            "linchpin spin::Mutex",
            &["spin", "spin ticket"],
            Throughput,
            1.0,
        ),
        target(SPIN, many, "linchpin spin::Mutex", &["std"], Throughput, 0.8),
        target(SPIN, 4, "linchpin spin::TicketMutex", &["spin ticket"], Throughput, 4.0),
        target(
            SPIN,
            many,
            "linchpin spin::TicketMutex",
            &["spin ticket"],
            Throughput,
            4.0,
        ),
        target(SLEEP, 1, mutex, &["parking_lot"], Time, 0.65),
    ];
    // At each point, with short sections and with long ones.
    for threads in [2, 4, many] {
        targets.push(target("sleeping locks:", threads, mutex, SLEEPERS, Throughput, 1.0));
    }
    targets.extend([
        target("sleeping locks:", many, mutex, &["parking_lot"], Tail, 1.0),
        target(READ, 1, rwlock, &["parking_lot"], Time, 0.8),
        target(READ, 2, rwlock, &["parking_lot"], Throughput, 3.0),
        target(READ_MOSTLY, 4, rwlock, &["parking_lot"], Throughput, 1.5),
        target(TURNS, 2, "linchpin futex::Condvar", &["parking_lot"], Time, 1.0),
        target(QUEUE, 1, mcs, &["mcslock spins"], Time, 1.0),
        target(QUEUE, 2, mcs, &["mcslock spins"], Throughput, 2.0),
        target(QUEUE, many, mcs, &["std"], Throughput, 0.5),
        target(QUEUE, many, "linchpin queue::ClhMutex", &["std"], Throughput, 0.5),
        target(COUNTERS, 1, "linchpin Counter", &["fetch_add, shared"], Time, 1.1),
        target(COUNTERS, 1, "linchpin LocalCounter", &["fetch_add, shared"], Time, 0.15),
        target(COUNTERS, 2, "linchpin Counter", &["fetch_add, shared"], Throughput, 2.5),
        target(
            COUNTERS,
            2,
            "linchpin LocalCounter",
            &["fetch_add, shared"],
            Throughput,
            30.0,
        ),
        target(
            COUNTERS,
            2,
            "fetch_add, padded",
            &["fetch_add, neighbours"],
            Throughput,
            1.0,
        ),
    ]);
    targets
}

impl Target {
    /// How far it was reached in a contest, unless somebody it needs was left out.
    fn row(&self, contest: &str, scores: &Scores) -> Option<Vec<String>> {
        let crowd = Crowd::of(self.threads);
        let (_, scores) = scores.iter().find(|(other, _)| *other == crowd)?;
        let ours = scores.iter().find(|score| score.name == self.ours)?;
        let peer = best(scores.iter().filter(|score| self.peers.contains(&score.name)))?;
        let (what, reached, met) = match self.measure {
            Throughput => {
                let ratio = ours.over(peer);
                (format!("throughput >= {}", self.bound), ratio, ratio >= self.bound)
            }
            Time => {
                let ratio = 1.0 / ours.over(peer);
                (format!("time <= {}", self.bound), ratio, ratio <= self.bound)
            }
            Tail => {
                let at = |score: &Score| score.tail.as_ref().map(|tail| tail.value_at_quantile(0.999) as f64);
                let ratio = at(ours)? / at(peer)?;
                (format!("99.9% within <= {}", self.bound), ratio, ratio <= self.bound)
            }
        };
        let load = contest.split_once(": ").map_or(contest, |(_, load)| load);
        Some(vec![
            ours.name.into(),
            load.into(),
            self.threads.to_string(),
            peer.name.into(),
            what,
            format!("{reached:.3}"),
            if met { "yes" } else { "NO" }.into(),
            format!("{:.2} / {:.2}", ours.fairness(), peer.fairness()),
        ])
    }
}

/// The targets, as far as this run has to do with them.
pub fn section(results: &[(String, Scores)]) -> Section {
    let targets = all();
    let rows = targets.iter().flat_map(|target| {
        let under = results.iter().filter(|(name, _)| name.starts_with(target.contest));
        under
            .filter_map(|(name, scores)| target.row(name, scores))
            .collect::<Vec<_>>()
    });
    let columns = [
        "what",
        "load",
        "threads",
        "against the best of",
        "has to reach",
        "reached",
        "met",
        "fairness, ours / theirs",
    ];
    Section {
        title: "Targets".into(),
        text: vec![
            "Each ratio is the median of the rounds in which both took part. The last line is the false-sharing measure: \
             the same adds to words that have a line each, over adds to words that are neighbours on one."
                .into(),
        ],
        tables: vec![Table {
            caption: "ratios in this run".into(),
            columns: columns.map(String::from).into(),
            rows: rows.collect(),
        }],
        plots: vec![],
        maps: vec![],
    }
}
