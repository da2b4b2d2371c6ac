//! Ours against the peers, in one run: what `cargo xtask bench` measures.
//!
//! In each cell (a load and a crowd) the contestants take turns, round by round, on the same threads. A ratio is the
//! median over the rounds of what two of them reached in the same round. Throughput is measured without a clock in the
//! loop; how long acquisitions take is measured in rounds of their own.

mod arena;
#[path = "../xtask/src/document.rs"]
mod document;
#[path = "race/families.rs"]
mod families;
#[path = "race/machine.rs"]
mod machine;
#[path = "race/score.rs"]
mod score;
#[path = "race/targets.rs"]
mod targets;

use std::io::Write;
use std::time::{Duration, Instant};

use arena::{Crew, Crowd, Job};
use document::Section;
use score::{Score, Tail};

/// How much is measured.
struct Effort {
    rounds: usize,
    heat: Duration,
}

const QUICK: Effort = Effort {
    rounds: 5,
    heat: Duration::from_millis(50),
};
const FULL: Effort = Effort {
    rounds: 9,
    heat: Duration::from_millis(250),
};

/// One who takes part.
pub struct Contestant {
    name: &'static str,
    ours: bool,
    job: Job,
    /// The same job with a clock in it, where the time of an acquisition is of interest.
    timed: Option<(Job, Tail)>,
}

/// The contestants under one load.
pub struct Contest {
    /// What is measured, for the progress line and as key.
    name: String,
    crowds: Vec<Crowd>,
    contestants: Box<dyn Fn() -> Vec<Contestant>>,
}

/// All scores of one contest, by crowd.
pub type Scores = Vec<(Crowd, Vec<Score>)>;

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    let effort = if arguments.iter().any(|argument| argument == "--full") {
        FULL
    } else {
        QUICK
    };
    let output = arguments.iter().find_map(|argument| argument.strip_prefix("--report="));

    let only = arguments
        .iter()
        .find_map(|argument| argument.strip_prefix("--only="))
        .unwrap_or_default();

    let mut contests = families::contests();
    contests.retain(|contest| contest.name.contains(only));
    assert!(!contests.is_empty(), "--only={only}: no contest has that in its name");
    let cells = contests.iter().map(|contest| contest.crowds.len()).sum::<usize>();
    let start = Instant::now();
    families::unpinned_first();
    let before = machine::line_transfer();
    let mut done = 0;
    let results: Vec<(String, Scores)> = contests
        .iter()
        .map(|contest| {
            let scores = contest.crowds.iter().map(|&crowd| {
                progress(
                    &format!("[{done}/{cells}] {}, {}", contest.name, score::label(crowd)),
                    start,
                );
                done += 1;
                (crowd, measure((contest.contestants)(), crowd, &effort))
            });
            (contest.name.clone(), scores.collect())
        })
        .collect();
    progress("done", start);
    eprintln!();

    let mut report: Vec<Section> = vec![targets::section(&results)];
    report.extend(results.iter().map(|(name, scores)| score::section(name, scores)));
    report.insert(
        0,
        machine::section(before, machine::line_transfer(), effort.rounds, effort.heat),
    );
    let report = serde_json::to_string_pretty(&report).expect("a report is plain data");
    match output {
        Some(path) => std::fs::write(path, report).unwrap_or_else(|error| panic!("cannot write {path}: {error}")),
        None => println!("{report}"),
    }
}

fn progress(what: &str, start: Instant) {
    let seconds = start.elapsed().as_secs();
    eprint!("\r{:<76}", format!("{}:{:02} {what}", seconds / 60, seconds % 60));
    std::io::stderr().flush().expect("stderr is open");
}

fn measure(contestants: Vec<Contestant>, crowd: Crowd, effort: &Effort) -> Vec<Score> {
    let crew = Crew::new(crowd);
    let mut scores: Vec<Score> = contestants.iter().map(|one| Score::new(one.name, one.ours)).collect();
    // The first rounds warm up, and where there is a clock, they are the rounds for that.
    for _ in 0..effort.rounds.div_ceil(3) {
        for (contestant, score) in contestants.iter().zip(&mut scores) {
            if let Some((timed, tail)) = &contestant.timed {
                crew.race(timed, effort.heat);
                score.tail = Some(tail.lock().expect("no section panics").clone());
            }
        }
    }
    for _ in 0..effort.rounds {
        for (contestant, score) in contestants.iter().zip(&mut scores) {
            score.add(&crew.race(&contestant.job, effort.heat));
        }
    }
    scores
}
