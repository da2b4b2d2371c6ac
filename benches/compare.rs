//! Ours against the peers, in one run: what `cargo xtask bench` measures.
//!
//! In each cell (a load and a config) the subjects take turns, round by round, on the same
//! threads. A ratio is the median over the rounds of what two of them reached in the same round.
//! Throughput is measured without a clock in the loop; how long acquisitions take is measured in
//! rounds of their own.
//!
//! ```text
//! cargo bench --bench compare -- --only="mutex 16" --rounds=3      some cells, on the terminal; --run=MILLISECONDS
//! cargo bench --bench compare -- --list                            the cells
//! ```

#[path = "compare/barriers.rs"]
mod barriers;
#[path = "compare/benchmark.rs"]
mod benchmark;
#[path = "compare/deques.rs"]
mod deques;
#[path = "../xtask/src/document.rs"]
mod document;
#[path = "compare/families.rs"]
mod families;
mod harness;
#[path = "compare/machine.rs"]
mod machine;
#[path = "compare/options.rs"]
mod options;
#[path = "compare/oversubscribed.rs"]
mod oversubscribed;
#[path = "compare/reclamation.rs"]
mod reclamation;
#[path = "compare/score.rs"]
mod score;
#[path = "compare/stacks.rs"]
mod stacks;
#[path = "compare/summary.rs"]
mod summary;
#[path = "../xtask/src/table.rs"]
mod table;
#[path = "compare/targets.rs"]
mod targets;
#[path = "compare/thousands.rs"]
mod thousands;
#[path = "compare/verdict.rs"]
mod verdict;

use std::io::{IsTerminal, Write};
use std::time::Instant;

use benchmark::{Benchmark, Results};
use document::Section;
use options::{Effort, Options};

fn main() {
    harness::busy::be_busy_if_told();
    let options = Options::from_command_line();
    let mut benchmarks = families::benchmarks();
    benchmarks.extend(oversubscribed::benchmarks());
    benchmarks.extend(barriers::benchmarks());
    benchmarks.extend(reclamation::benchmarks());
    benchmarks.extend(deques::benchmarks());
    benchmarks.extend(stacks::benchmarks());
    benchmarks.extend(thousands::benchmarks());
    options.select(&mut benchmarks);
    if options.list {
        return list(&benchmarks);
    }

    let start = Instant::now();
    families::unpinned_first();
    let before = machine::line_transfer();
    let results = measure(&benchmarks, &options.effort, start);
    let machine = machine::section(before, machine::line_transfer(), &options.effort);
    match &options.report {
        Some(path) => {
            let text = serde_json::to_string_pretty(&report(machine, &results)).expect("a report is plain data");
            std::fs::write(path, text).unwrap_or_else(|error| panic!("cannot write {path}: {error}"));
        }
        None => summary::print(&machine, &results),
    }
}

fn list(benchmarks: &[Benchmark]) {
    for benchmark in benchmarks {
        for &config in benchmark.configs() {
            println!("{}, {}", benchmark.name(), score::label(config));
        }
    }
}

fn measure(benchmarks: &[Benchmark], effort: &Effort, start: Instant) -> Results {
    let cells = benchmarks
        .iter()
        .map(|benchmark| benchmark.configs().len())
        .sum::<usize>();
    let mut done = 0;
    let mut results = vec![];
    for benchmark in benchmarks {
        let mut scores = vec![];
        for &config in benchmark.configs() {
            let what = format!("[{done}/{cells}] {}, {}", benchmark.name(), score::label(config));
            progress(&what, start);
            scores.push((config, benchmark.measure(config, effort)));
            done += 1;
        }
        results.push((benchmark.name().to_owned(), scores));
    }
    progress("done", start);
    eprintln!();
    results
}

fn progress(what: &str, start: Instant) {
    let seconds = start.elapsed().as_secs();
    if std::io::stderr().is_terminal() {
        eprint!("\r{:<100}", format!("{}:{:02} {what}", seconds / 60, seconds % 60));
        std::io::stderr().flush().expect("stderr is open");
    }
}

fn report(machine: Section, results: &Results) -> Vec<Section> {
    let mut report = vec![machine, verdict::section(results)];
    report.extend(results.iter().map(|(name, scores)| score::section(name, scores)));
    report
}
