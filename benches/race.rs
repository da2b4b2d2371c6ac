//! Ours against the peers, in one run: what `cargo xtask bench` measures.
//!
//! In each cell (a load and a crowd) the contestants take turns, round by round, on the same
//! threads. A ratio is the median over the rounds of what two of them reached in the same round.
//! Throughput is measured without a clock in the loop; how long acquisitions take is measured in
//! rounds of their own.
//!
//! ```text
//! cargo bench --bench race -- --only="mutex 16" --rounds=3      some cells, on the terminal; --heat=MILLISECONDS
//! cargo bench --bench race -- --list                            the cells
//! ```

mod arena;
#[path = "race/barriers.rs"]
mod barriers;
#[path = "race/contest.rs"]
mod contest;
#[path = "race/crowded.rs"]
mod crowded;
#[path = "../xtask/src/document.rs"]
mod document;
#[path = "race/families.rs"]
mod families;
#[path = "race/machine.rs"]
mod machine;
#[path = "race/options.rs"]
mod options;
#[path = "race/reclamation.rs"]
mod reclamation;
#[path = "race/score.rs"]
mod score;
#[path = "race/stacks.rs"]
mod stacks;
#[path = "race/summary.rs"]
mod summary;
#[path = "../xtask/src/table.rs"]
mod table;
#[path = "race/targets.rs"]
mod targets;
#[path = "race/thousands.rs"]
mod thousands;
#[path = "race/verdict.rs"]
mod verdict;

use std::io::{IsTerminal, Write};
use std::time::Instant;

use contest::{Contest, Results};
use document::Section;
use options::{Effort, Options};

fn main() {
    arena::busy::be_busy_if_told();
    let options = Options::from_command_line();
    let mut contests = families::contests();
    contests.extend(crowded::contests());
    contests.extend(barriers::contests());
    contests.extend(reclamation::contests());
    contests.extend(thousands::contests());
    contests.extend(stacks::contests());
    options.select(&mut contests);
    if options.list {
        return list(&contests);
    }

    let start = Instant::now();
    families::unpinned_first();
    let before = machine::line_transfer();
    let results = measure(&contests, &options.effort, start);
    let machine = machine::section(before, machine::line_transfer(), &options.effort);
    match &options.report {
        Some(path) => {
            let text = serde_json::to_string_pretty(&report(machine, &results)).expect("a report is plain data");
            std::fs::write(path, text).unwrap_or_else(|error| panic!("cannot write {path}: {error}"));
        }
        None => summary::print(&machine, &results),
    }
}

fn list(contests: &[Contest]) {
    for contest in contests {
        for &crowd in contest.crowds() {
            println!("{}, {}", contest.name(), score::label(crowd));
        }
    }
}

fn measure(contests: &[Contest], effort: &Effort, start: Instant) -> Results {
    let cells = contests.iter().map(|contest| contest.crowds().len()).sum::<usize>();
    let mut done = 0;
    let mut results = vec![];
    for contest in contests {
        let mut scores = vec![];
        for &crowd in contest.crowds() {
            let what = format!("[{done}/{cells}] {}, {}", contest.name(), score::label(crowd));
            progress(&what, start);
            scores.push((crowd, contest.measure(crowd, effort)));
            done += 1;
        }
        results.push((contest.name().to_owned(), scores));
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
