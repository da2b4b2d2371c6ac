//! What the comparison is told: how much to measure, of what, and where to put it.

use std::time::Duration;

use crate::benchmark::Benchmark;
use crate::score::label;

/// How much is measured.
pub struct Effort {
    /// Rounds of each cell, in each of which all subjects take their turns.
    pub rounds: usize,
    /// How long one turn takes.
    pub run: Duration,
}

const QUICK: Effort = Effort {
    rounds: 5,
    run: Duration::from_millis(50),
};
const FULL: Effort = Effort {
    rounds: 9,
    run: Duration::from_millis(250),
};

/// The command line.
pub struct Options {
    /// `--quick` (the default) or `--full`, changed by `--rounds=N` and `--run=MILLISECONDS`.
    pub effort: Effort,
    /// `--report=FILE`.
    pub report: Option<String>,
    /// `--list`: names the cells, and measures none.
    pub list: bool,
    /// `--only=WORDS`, any number of times.
    only: Vec<String>,
}

impl Options {
    /// Of this process. What cargo passes to every bench is let through.
    pub fn from_command_line() -> Self {
        let mut options = Options {
            effort: QUICK,
            report: None,
            list: false,
            only: vec![],
        };
        let arguments: Vec<String> = std::env::args().skip(1).collect();
        if arguments.iter().any(|argument| argument == "--full") {
            options.effort = FULL;
        }
        for argument in &arguments {
            match argument.split_once('=') {
                Some(("--rounds", rounds)) => options.effort.rounds = number(argument, rounds) as usize,
                Some(("--run", run)) => options.effort.run = Duration::from_millis(number(argument, run)),
                Some(("--only", words)) => options.only.push(words.to_owned()),
                Some(("--report", path)) => options.report = Some(path.to_owned()),
                None if argument == "--list" => options.list = true,
                None if ["--quick", "--full", "--bench"].contains(&argument.as_str()) => {}
                _ => panic!("{argument} is no option of the comparison"),
            }
        }
        options
    }

    /// Leaves the cells that were asked for: those with each word of an `--only=` in their name or
    /// their config's, or with its whole text in their name.
    pub fn select(&self, benchmarks: &mut Vec<Benchmark>) {
        if self.only.is_empty() {
            return;
        }
        for benchmark in &mut *benchmarks {
            benchmark.retain(|name, config| {
                let cell = format!("{name}, {}", label(config));
                self.only.iter().any(|only| {
                    name.contains(only) || words(only).all(|wanted| words(&cell).any(|word| word == wanted))
                })
            });
        }
        benchmarks.retain(|benchmark| !benchmark.configs().is_empty());
        assert!(!benchmarks.is_empty(), "no cell has all of {:?} in its name", self.only);
    }
}

fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split([' ', ',', ':']).filter(|word| !word.is_empty())
}

fn number(argument: &str, value: &str) -> u64 {
    match value.parse() {
        Ok(number) if number > 0 => number,
        _ => panic!("{argument} is no number above 0"),
    }
}
