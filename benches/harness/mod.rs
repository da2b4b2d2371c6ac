//! Where subjects meet: threads that live through all rounds, start behind one gate, and end the run if one panics.

#![allow(dead_code, reason = "each bench is a crate, and uses a part of this")]

pub mod asleep;
pub mod barriers;
pub mod busy;
pub mod bystanders;
pub mod condvars;
pub mod counters;
pub mod deques;
pub mod locks;
pub mod numbers;
pub mod periods;
#[cfg(target_os = "linux")]
pub mod pthreads;
pub mod reclamation;
pub mod rwlocks;
pub mod small;
pub mod stacks;

use std::any::Any;
use std::hint::black_box;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, OnceLock};
use std::thread;
use std::time::{Duration, Instant};

use criterion::Criterion;

/// What each thread does in a run: acquisitions until it has done `quota`, or until `stop`; returns how many it has
/// done.
pub type Job = Arc<dyn Fn(&WorkerCtx) -> u64 + Send + Sync>;

/// What a job is told.
pub struct WorkerCtx<'gate> {
    /// The number of this thread, from 0.
    pub thread: usize,
    quota: u64,
    stop: &'gate AtomicBool,
}

impl WorkerCtx<'_> {
    /// Whether the run is over for a thread that has done so many acquisitions.
    #[inline]
    pub fn is_over(&self, done: u64) -> bool {
        done >= self.quota || self.stop.load(Ordering::Relaxed)
    }

    /// Repeats `acquisitions`, which does `batch` of them, until the run is over.
    #[inline]
    pub fn run(&self, batch: u64, mut acquisitions: impl FnMut()) -> u64 {
        let mut done = 0;
        while done < self.quota && !self.stop.load(Ordering::Relaxed) {
            acquisitions();
            done += batch;
        }
        done
    }
}

/// How many threads there are, where they run, and beside what.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ThreadConfig {
    /// Their number.
    pub threads: usize,
    /// Whether all share one CPU. If not, as many threads as there are cores get one each, and more go where they like.
    pub one_cpu: bool,
    /// What else is there.
    pub beside: Beside,
}

/// What is there beside the threads that are measured.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Beside {
    /// Nothing.
    Nothing,
    /// So many processes on each core that never sleep.
    BusyPerCore(usize),
    /// So many threads of this process, asleep.
    Asleep(usize),
    /// Threads of this process that have read a reader-writer lock of each kind.
    HaveRead {
        /// Their number.
        threads: usize,
        /// Whether they have ended. If not, they idle.
        ended: bool,
    },
}

impl ThreadConfig {
    /// `threads` on all cores.
    pub const fn of(threads: usize) -> Self {
        ThreadConfig {
            threads,
            one_cpu: false,
            beside: Beside::Nothing,
        }
    }

    /// `threads` on one CPU.
    pub const fn on_one_cpu(threads: usize) -> Self {
        ThreadConfig {
            one_cpu: true,
            ..ThreadConfig::of(threads)
        }
    }

    /// The same beside something.
    pub const fn beside(self, beside: Beside) -> Self {
        ThreadConfig { beside, ..self }
    }

    fn pin(self, thread: usize) {
        let cores = core_affinity::get_core_ids().unwrap_or_default();
        let core = if self.one_cpu {
            cores.first()
        } else if self.threads > 1 && self.threads <= cores.len() {
            cores.get(thread)
        } else {
            None
        };
        if let Some(core) = core {
            assert!(
                core_affinity::set_for_current(*core),
                "this system does not let a thread be pinned to {core:?}"
            );
        }
    }
}

/// How many cores this process may use.
pub fn cores() -> usize {
    static CORES: OnceLock<usize> = OnceLock::new();
    *CORES.get_or_init(|| thread::available_parallelism().map_or(1, usize::from))
}

/// What came of a run.
pub struct Heat {
    /// From the opening of the gate until the run was called off, or until the last thread had done its quota.
    pub elapsed: Duration,
    /// Acquisitions, by thread.
    pub acquisitions: Vec<u64>,
}

impl Heat {
    /// Acquisitions per second, of all threads.
    pub fn throughput(&self) -> f64 {
        self.acquisitions.iter().sum::<u64>() as f64 / self.elapsed.as_secs_f64()
    }

    /// Acquisitions of the slowest thread over those of the fastest: 1 is fair, 0 is starvation.
    pub fn fairness(&self) -> f64 {
        let slowest = self.acquisitions.iter().min().copied().unwrap_or(0);
        let fastest = self.acquisitions.iter().max().copied().unwrap_or(0);
        slowest as f64 / fastest.max(1) as f64
    }
}

type Outcome = Result<u64, Box<dyn Any + Send>>;

/// Threads that run one job after another.
pub struct Workers {
    orders: Vec<Sender<(Job, u64)>>,
    outcomes: Receiver<(usize, Outcome)>,
    gate: Arc<Gate>,
}

#[derive(Default)]
struct Gate {
    arrived: AtomicUsize,
    open: AtomicBool,
    stop: AtomicBool,
}

impl Workers {
    /// Starts the threads of `config`.
    pub fn new(config: ThreadConfig) -> Self {
        let gate = Arc::new(Gate::default());
        let (report, outcomes) = channel();
        let start = |number| {
            let (order, orders) = channel::<(Job, u64)>();
            let (gate, report) = (Arc::clone(&gate), report.clone());
            thread::spawn(move || {
                config.pin(number);
                for (job, quota) in orders {
                    gate.arrived.fetch_add(1, Ordering::AcqRel);
                    while !gate.open.load(Ordering::Acquire) {
                        thread::yield_now();
                    }
                    let worker = WorkerCtx {
                        thread: number,
                        quota,
                        stop: &gate.stop,
                    };
                    let outcome = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| job(&worker)));
                    // Before the report: the main thread drops the job last, with what belongs to it.
                    drop(job);
                    if report.send((number, outcome)).is_err() {
                        return;
                    }
                }
            });
            order
        };
        Workers {
            orders: (0..config.threads).map(start).collect(),
            outcomes,
            gate,
        }
    }

    /// Runs `job` on all threads for `duration`.
    pub fn measure(&self, job: &Job, duration: Duration) -> Heat {
        self.run(job, u64::MAX, Some(duration))
    }

    /// Runs `job` on all threads until each has done its share of `acquisitions`; returns how long that took.
    pub fn finish(&self, job: &Job, acquisitions: u64) -> Duration {
        self.run(job, acquisitions.div_ceil(self.orders.len() as u64), None)
            .elapsed
    }

    fn run(&self, job: &Job, quota: u64, duration: Option<Duration>) -> Heat {
        self.gate.stop.store(false, Ordering::Relaxed);
        for order in &self.orders {
            order
                .send((Arc::clone(job), quota))
                .expect("the workers's threads wait for orders");
        }
        while self.gate.arrived.load(Ordering::Acquire) < self.orders.len() {
            thread::yield_now();
        }
        let start = Instant::now();
        self.gate.open.store(true, Ordering::Release);
        let called_off = duration.map(|duration| {
            thread::sleep(duration);
            self.gate.stop.store(true, Ordering::Relaxed);
            start.elapsed()
        });
        let mut acquisitions = vec![0; self.orders.len()];
        for _ in &self.orders {
            let (thread, outcome) = self.outcomes.recv().expect("the workers's threads report");
            // A panic of a subject ends the run, here and at once.
            acquisitions[thread] = outcome.unwrap_or_else(|panic| std::panic::resume_unwind(panic));
        }
        let elapsed = called_off.unwrap_or_else(|| start.elapsed());
        self.gate.open.store(false, Ordering::Relaxed);
        self.gate.arrived.store(0, Ordering::Relaxed);
        Heat { elapsed, acquisitions }
    }
}

/// How criterion measures here: shortly, since threads that stand in each other's way take long.
pub fn criterion() -> Criterion {
    Criterion::default()
        .sample_size(20)
        .warm_up_time(Duration::from_millis(200))
        .measurement_time(Duration::from_millis(800))
}

/// `rounds` multiplications, each of which needs the one before.
#[inline]
pub fn work(rounds: u32) {
    let mut value = 1_u64;
    for _ in 0..rounds {
        value = black_box(value).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    }
}
