//! A contest: its contestants, its crowds, and how they are measured.

use std::time::Duration;

use crate::arena::bystanders::Bystanders;
use crate::arena::locks::Tail;
use crate::arena::{Crew, Crowd, Job, cores};
use crate::options::Effort;
use crate::score::{Score, Scores};

/// Our names begin so.
const OURS: &str = "linchpin";

/// One that takes part.
pub struct Contestant {
    name: &'static str,
    source: Source,
    timed: Option<(Job, Tail)>,
}

/// Where the passages of a heat come from.
pub enum Source {
    /// One job for all heats.
    Kept(Job),
    /// A job for each heat, with threads that sleep for it. It is made before the heat and dropped
    /// after it.
    Fresh(Box<dyn Fn() -> Job>),
    /// What keeps time itself, and tells passages per second.
    Own(Box<dyn Fn() -> f64>),
}

impl Contestant {
    /// Without a clock in the loop.
    pub fn new(name: &'static str, job: Job) -> Self {
        Self::of(name, Source::Kept(job))
    }

    /// From any source.
    pub fn of(name: &'static str, source: Source) -> Self {
        Contestant {
            name,
            source,
            timed: None,
        }
    }

    /// The same, with a `job` that has a clock in it, where the time of an acquisition is of
    /// interest. It has rounds of its own.
    pub fn timed(self, job: Job, tail: Tail) -> Self {
        Contestant {
            timed: Some((job, tail)),
            ..self
        }
    }

    /// The same without the clock.
    pub fn untimed(self) -> Self {
        Contestant { timed: None, ..self }
    }

    fn run(&self, crew: &Crew, heat: Duration, score: &mut Score) {
        match &self.source {
            Source::Kept(job) => score.add(&crew.race(job, heat)),
            Source::Fresh(make) => {
                let job = make();
                score.add(&crew.race(&job, heat));
            }
            Source::Own(run) => score.add_rate(run()),
        }
    }
}

/// The contestants under one load.
pub struct Contest {
    name: String,
    crowds: Vec<Crowd>,
    contestants: Box<dyn Fn(Crowd) -> Vec<Contestant>>,
    heats: u32,
    by_crowd: bool,
    costly: bool,
}

impl Contest {
    /// The contestants may depend on the crowd.
    pub fn new(
        name: impl Into<String>,
        crowds: &[Crowd],
        contestants: impl Fn(Crowd) -> Vec<Contestant> + 'static,
    ) -> Self {
        Contest {
            name: name.into(),
            crowds: crowds.to_vec(),
            contestants: Box::new(contestants),
            heats: 1,
            by_crowd: false,
            costly: false,
        }
    }

    /// The same with heats that are so many times as long: where threads wait for their slices of a
    /// core.
    pub fn slow(self, heats: u32) -> Self {
        Contest { heats, ..self }
    }

    /// The same with heats that grow with the crowd: in each, every thread gets several slices of a
    /// core, without which fairness says nothing.
    pub fn by_crowd(self) -> Self {
        Contest { by_crowd: true, ..self }
    }

    /// The same with half the rounds: where each has thousands of threads to start.
    pub fn costly(self) -> Self {
        Contest { costly: true, ..self }
    }

    /// What is measured.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// In which crowds.
    pub fn crowds(&self) -> &[Crowd] {
        &self.crowds
    }

    /// Leaves only the crowds that `keep` allows.
    pub fn retain(&mut self, keep: impl Fn(&str, Crowd) -> bool) {
        let name = &self.name;
        self.crowds.retain(|&crowd| keep(name, crowd));
    }

    /// What the contestants reach in `crowd`.
    pub fn measure(&self, crowd: Crowd, effort: &Effort) -> Vec<Score> {
        let mut heat = effort.heat * self.heats;
        if self.by_crowd {
            heat *= u32::try_from(crowd.threads.div_ceil(4 * cores())).expect("it is a crowd of threads");
        }
        let rounds = if self.costly {
            effort.rounds.div_ceil(2)
        } else {
            effort.rounds
        };
        let contestants = (self.contestants)(crowd);
        let bystanders = Bystanders::start(crowd.beside);
        let crew = Crew::new(crowd);
        let mut scores: Vec<Score> = contestants
            .iter()
            .map(|one| Score::new(one.name, one.name.starts_with(OURS)))
            .collect();
        // The first rounds warm up, and where there is a clock, they are the rounds for that.
        for _ in 0..rounds.div_ceil(3) {
            for (contestant, score) in contestants.iter().zip(&mut scores) {
                if let Some((timed, tail)) = &contestant.timed {
                    crew.race(timed, heat);
                    score.tail = Some(tail.lock().expect("no section panics").clone());
                }
            }
        }
        for _ in 0..rounds {
            for (contestant, score) in contestants.iter().zip(&mut scores) {
                contestant.run(&crew, heat, score);
            }
        }
        drop(bystanders);
        scores
    }
}

/// All that was measured, by contest.
pub type Results = Vec<(String, Scores)>;
