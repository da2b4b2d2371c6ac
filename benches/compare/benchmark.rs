//! A benchmark: its subjects, its configs, and how they are measured.

use std::time::Duration;

use crate::harness::bystanders::Bystanders;
use crate::harness::locks::Tail;
use crate::harness::{Job, ThreadConfig, Workers, cores};
use crate::options::Effort;
use crate::score::{Score, Scores};

/// Our names begin so.
const OURS: &str = "linchpin";

/// One that takes part.
pub struct Subject {
    name: &'static str,
    source: Source,
    timed: Option<(Job, Tail)>,
}

/// Where the acquisitions of a run come from.
pub enum Source {
    /// One job for all runs.
    Kept(Job),
    /// A job for each run, with threads that sleep for it. It is made before the run and dropped
    /// after it.
    Fresh(Box<dyn Fn() -> Job>),
    /// What keeps time itself, and tells acquisitions per second.
    Own(Box<dyn Fn() -> f64>),
}

impl Subject {
    /// Without a clock in the loop.
    pub fn new(name: &'static str, job: Job) -> Self {
        Self::of(name, Source::Kept(job))
    }

    /// From any source.
    pub fn of(name: &'static str, source: Source) -> Self {
        Subject {
            name,
            source,
            timed: None,
        }
    }

    /// The same, with a `job` that has a clock in it, where the time of an acquisition is of
    /// interest. It has rounds of its own.
    pub fn timed(self, job: Job, tail: Tail) -> Self {
        Subject {
            timed: Some((job, tail)),
            ..self
        }
    }

    /// The same without the clock.
    pub fn untimed(self) -> Self {
        Subject { timed: None, ..self }
    }

    fn run(&self, workers: &Workers, run: Duration, score: &mut Score) {
        match &self.source {
            Source::Kept(job) => score.add(&workers.measure(job, run)),
            Source::Fresh(make) => {
                let job = make();
                score.add(&workers.measure(&job, run));
            }
            Source::Own(run) => score.add_rate(run()),
        }
    }
}

/// The subjects under one load.
pub struct Benchmark {
    name: String,
    configs: Vec<ThreadConfig>,
    subjects: Box<dyn Fn(ThreadConfig) -> Vec<Subject>>,
    runs: u32,
    by_threads: bool,
    costly: bool,
}

impl Benchmark {
    /// The subjects may depend on the config.
    pub fn new(
        name: impl Into<String>,
        configs: &[ThreadConfig],
        subjects: impl Fn(ThreadConfig) -> Vec<Subject> + 'static,
    ) -> Self {
        Benchmark {
            name: name.into(),
            configs: configs.to_vec(),
            subjects: Box::new(subjects),
            runs: 1,
            by_threads: false,
            costly: false,
        }
    }

    /// The same with runs that are so many times as long: where threads wait for their slices of a
    /// core.
    pub fn slow(self, runs: u32) -> Self {
        Benchmark { runs, ..self }
    }

    /// The same with runs that grow with the config: in each, every thread gets several slices of a
    /// core, without which fairness says nothing.
    pub fn by_threads(self) -> Self {
        Benchmark {
            by_threads: true,
            ..self
        }
    }

    /// The same with half the rounds: where each has thousands of threads to start.
    pub fn costly(self) -> Self {
        Benchmark { costly: true, ..self }
    }

    /// What is measured.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// In which configs.
    pub fn configs(&self) -> &[ThreadConfig] {
        &self.configs
    }

    /// Leaves only the configs that `keep` allows.
    pub fn retain(&mut self, keep: impl Fn(&str, ThreadConfig) -> bool) {
        let name = &self.name;
        self.configs.retain(|&config| keep(name, config));
    }

    /// What the subjects reach in `config`.
    pub fn measure(&self, config: ThreadConfig, effort: &Effort) -> Vec<Score> {
        let mut run = effort.run * self.runs;
        if self.by_threads {
            run *= u32::try_from(config.threads.div_ceil(4 * cores())).expect("it is a config of threads");
        }
        let rounds = if self.costly {
            effort.rounds.div_ceil(2)
        } else {
            effort.rounds
        };
        let subjects = (self.subjects)(config);
        let bystanders = Bystanders::start(config.beside);
        let workers = Workers::new(config);
        let mut scores: Vec<Score> = subjects
            .iter()
            .map(|one| Score::new(one.name, one.name.starts_with(OURS)))
            .collect();
        // The first rounds warm up, and where there is a clock, they are the rounds for that.
        for _ in 0..rounds.div_ceil(3) {
            for (subject, score) in subjects.iter().zip(&mut scores) {
                if let Some((timed, tail)) = &subject.timed {
                    workers.measure(timed, run);
                    score.tail = Some(tail.lock().expect("no section panics").clone());
                }
            }
        }
        for _ in 0..rounds {
            for (subject, score) in subjects.iter().zip(&mut scores) {
                subject.run(&workers, run, score);
            }
        }
        drop(bystanders);
        scores
    }
}

/// All that was measured, by benchmark.
pub type Results = Vec<(String, Scores)>;
