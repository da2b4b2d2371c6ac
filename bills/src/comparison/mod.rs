//! Our sleeping locks against those of std and `parking_lot`, in virtual time, on as many cores as there are not here.
//!
//! Threads acquire one lock for a while. What counts is how often all of them do, and how often the slowest does beside
//! the fastest.
//!
//! **What the model leaves out.**
//! * A simulated thread never changes its core, and one that is woken waits until the thread that runs there sleeps,
//!   yields, or has used up its time slice of 3 ms. Linux would move it, or let it preempt. So where there are twice as
//!   many threads as cores, wake-ups take longer than in reality, those of all subjects.
//! * A line is handed on in the order of the requests, between two accesses of a core too. A critical section of no
//!   length at all is then interrupted between lock and unlock by each other thread in turn, and all of them go round
//!   in lockstep: each compare-exchange fails because of another, and no lock is found taken for long enough to park. A
//!   real core keeps a line for a while, which the presets leave out. So the shortest critical sections here last for
//!   about a transfer, but for those on [`Placement::TwoCores`], the preset whose tenure was fitted.
//! * What a membarrier costs the other cores: its caller pays 14 us, they pay nothing.

mod machines;
mod measure;
mod points;
mod subject;

use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::sync::{Mutex, PoisonError};

pub use machines::{Placement, assert_machines_are_the_presets};
pub use points::{Kind, Load, Point, Row};
pub use subject::Subject;

/// What came of one subject at a point.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Outcome {
    /// Acquisitions of all threads in a microsecond of virtual time.
    pub throughput: f64,
    /// Acquisitions of the slowest thread, for each of the fastest.
    pub fairness: f64,
}

/// What came of all of them.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Comparison {
    /// Where.
    pub point: Point,
    outcomes: [Outcome; Subject::ALL.len()],
}

impl Comparison {
    fn of(point: &Point, drawing: u64) -> Self {
        Comparison {
            point: *point,
            outcomes: Subject::ALL.map(|subject| point.run(subject, drawing)),
        }
    }

    /// What came of one.
    #[must_use]
    pub fn of_subject(&self, subject: Subject) -> Outcome {
        let place = Subject::ALL.iter().position(|other| *other == subject);
        self.outcomes[place.expect("all take part")]
    }

    /// The baseline with the highest throughput.
    #[must_use]
    pub fn best(&self) -> Subject {
        let throughput = |subject: &&Subject| self.of_subject(**subject).throughput;
        *Subject::BASELINES
            .iter()
            .max_by(|a, b| throughput(a).total_cmp(&throughput(b)))
            .expect("there are baselines")
    }

    /// Our throughput, in those of the best baseline.
    #[must_use]
    pub fn ratio(&self) -> f64 {
        self.of_subject(Subject::Ours).throughput / self.of_subject(self.best()).throughput
    }
}

/// Compares at all of `points`, on as many threads of this machine as it has processors. Each `drawing` has
/// random times of its own.
///
/// # Panics
///
/// If a subject deadlocks.
#[must_use]
pub fn compare(points: &[Point], drawing: u64) -> Vec<Comparison> {
    let next = AtomicUsize::new(0);
    let comparisons: Vec<Mutex<Option<Comparison>>> = points.iter().map(|_| Mutex::new(None)).collect();
    let workers = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..workers {
            scope.spawn(|| {
                while let Some((point, place)) = {
                    let next = next.fetch_add(1, Relaxed);
                    points.get(next).zip(comparisons.get(next))
                } {
                    *place.lock().unwrap_or_else(PoisonError::into_inner) = Some(Comparison::of(point, drawing));
                }
            });
        }
    });
    let taken = |place: Mutex<Option<Comparison>>| place.into_inner().ok().flatten();
    comparisons
        .into_iter()
        .map(|place| taken(place).expect("all points are done"))
        .collect()
}
