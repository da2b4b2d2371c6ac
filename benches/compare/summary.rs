//! The results on the terminal, a row for each subject in each cell: what is looked at while a
//! lock is tuned.

use crate::benchmark::Results;
use crate::document::{Section, Table};
use crate::score::{Score, best, label, percentiles};
use crate::{table, verdict};

/// Prints them, and the targets that have to do with them.
pub fn print(machine: &Section, results: &Results) {
    table::print(machine);
    let columns = [
        "",
        "M/s",
        "ns",
        "over the best peer",
        "slowest/fastest",
        "50 / 90 / 99 / 99.9%",
    ];
    let mut rows = vec![];
    for (name, scores) in results {
        for (config, scores) in scores {
            rows.push(vec![
                format!("{name}, {}", label(*config)),
                String::new(),
                String::new(),
                String::new(),
                String::new(),
                String::new(),
            ]);
            rows.extend(scores.iter().map(|score| row(score, scores)));
        }
    }
    let section = |title: &str, tables| Section {
        title: title.into(),
        text: vec![],
        tables,
        plots: vec![],
        maps: vec![],
    };
    table::print(&section(
        "The cells",
        vec![Table {
            caption: "medians".into(),
            columns: columns.map(String::from).into(),
            rows,
        }],
    ));
    table::print(&verdict::section(results));
}

fn row(score: &Score, all: &[Score]) -> Vec<String> {
    let peer = best(all.iter().filter(|other| !other.ours));
    let over = match peer {
        Some(peer) if score.ours => format!("{:.2} {}", score.over(peer), peer.name),
        _ => String::new(),
    };
    vec![
        format!("    {}", score.name),
        format!("{:.3}", score.throughput() / 1e6),
        format!("{:.1}", 1e9 / score.throughput()),
        over,
        format!("{:.2}", score.fairness()),
        percentiles(score).join(" / "),
    ]
}
