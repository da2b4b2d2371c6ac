//! Which targets this run has reached.

use crate::benchmark::Results;
use crate::document::{Section, Table};
use crate::score::{Score, Scores, best, label};
use crate::targets::{Measure, Target, all};

/// Where the peer is less fair than this, how much less is chance, and nothing is asked for.
const FAIR: f64 = 0.05;

impl Target {
    /// How far it was reached in a benchmark, unless that had no such config or subject, or asks
    /// nothing of this load.
    fn row(&self, benchmark: &str, scores: &Scores) -> Option<Vec<String>> {
        let (_, scores) = scores.iter().find(|(other, _)| *other == self.config)?;
        let (ours, peer) = self.pair(scores)?;
        let (what, reached, at_least) = match self.measure {
            Measure::Throughput => ("throughput".into(), ours.over(peer), true),
            Measure::Time => ("time".into(), 1.0 / ours.over(peer), false),
            Measure::Fairness if peer.fairness() < FAIR => return None,
            Measure::Fairness => ("fairness".into(), ours.fairness() / peer.fairness(), true),
            Measure::Tail { part, fairer } => {
                if peer.fairness() < fairer {
                    return None;
                }
                let ratio = ours.within(part)? as f64 / peer.within(part)? as f64;
                (format!("{}% within", 100.0 * part), ratio, false)
            }
            Measure::Spread => ("best / worst".into(), peer.over(ours), false),
        };
        let (sign, met) = if at_least {
            (">=", reached >= self.bound)
        } else {
            ("<=", reached <= self.bound)
        };
        Some(vec![
            ours.name.into(),
            benchmark.into(),
            label(self.config),
            peer.name.into(),
            format!("{what} {sign} {}", self.bound),
            format!("{reached:.3}"),
            if met { "yes" } else { "NO" }.into(),
            format!("{:.2} / {:.2}", ours.fairness(), peer.fairness()),
        ])
    }

    /// Ours, and what it is held against.
    fn pair<'scores>(&self, scores: &'scores [Score]) -> Option<(&'scores Score, &'scores Score)> {
        if self.measure == Measure::Spread {
            let ours = || scores.iter().filter(|score| score.name.starts_with(self.ours));
            let worst = ours().min_by(|one, other| one.throughput().total_cmp(&other.throughput()))?;
            return Some((worst, best(ours())?));
        }
        let ours = scores.iter().find(|score| score.name == self.ours)?;
        let peer = best(scores.iter().filter(|score| self.peers.contains(&score.name)))?;
        Some((ours, peer))
    }
}

/// The targets, as far as this run has to do with them.
pub fn section(results: &Results) -> Section {
    let mut rows = vec![];
    for target in all() {
        for (name, scores) in results {
            if name.starts_with(target.benchmark) {
                rows.extend(target.row(name, scores));
            }
        }
    }
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
    let missed = rows.iter().filter(|row| row[6] == "NO").count();
    Section {
        title: "Targets".into(),
        text: vec![
            "Each ratio is the median of the rounds in which both took part. The row of padded words is the false-sharing \
             measure: the same adds to words that have a cache line each, over adds to words that are neighbours on one."
                .into(),
            format!("{missed} of {} are missed.", rows.len()),
        ],
        tables: vec![Table {
            caption: "ratios in this run".into(),
            columns: columns.map(String::from).into(),
            rows,
        }],
        plots: vec![],
        maps: vec![],
    }
}
