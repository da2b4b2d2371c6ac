//! The entry points: run a program on a machine.

use core::time::Duration;

use crate::engine::{self, Body, END_OF_TIME, Failure, MAX_THREADS, Settings};
use crate::machine::Machine;
use crate::report::Report;

/// The stack of a simulated thread, unless said otherwise.
const STACK: usize = 1 << 20;

/// Runs `body(0)`, ..., `body(threads - 1)` as simulated threads, thread `i` on core `i` modulo the
/// cores, all from virtual time 0, and bills them.
///
/// The whole simulation runs on the calling OS thread. The same program on the same machine gives
/// the same report. [`Simulation`] does the same with other stacks and a limit on virtual time.
///
/// # Panics
/// With the text of the [`Failure`], if a simulated thread panics or the program deadlocks
/// ([`try_run`] returns it instead); if `threads` is 0 or above 65,536; inside another simulation.
///
/// ```
/// use coherence::sync::atomic::{AtomicU64, Ordering::Relaxed};
///
/// let counter = AtomicU64::new(0);
/// let report = coherence::run(&coherence::Machine::flat(4), 4, |_| {
///     counter.fetch_add(1, Relaxed);
/// });
/// assert_eq!(report.get_modified(), 4);
/// ```
pub fn run<F: Fn(usize) + Sync>(machine: &Machine, threads: usize, body: F) -> Report {
    Simulation::new(machine).run(threads, body)
}

/// Runs a program that spawns its own threads with [`thread::spawn`](crate::thread::spawn), and
/// bills it.
///
/// `body` is simulated thread 0; threads get indices, and with them cores, in the order in which
/// they are spawned. The simulation ends when all of them have.
///
/// # Panics
/// With the text of the [`Failure`], if a simulated thread panics and no thread joins it, or the
/// program deadlocks ([`try_model`] returns it instead); inside another simulation.
///
/// ```
/// use std::sync::Arc;
/// use coherence::sync::atomic::{AtomicU64, Ordering::Relaxed};
///
/// let report = coherence::model(&coherence::Machine::flat(2), || {
///     let counter = Arc::new(AtomicU64::new(0));
///     let theirs = Arc::clone(&counter);
///     let child = coherence::thread::spawn(move || theirs.fetch_add(1, Relaxed));
///     counter.fetch_add(1, Relaxed);
///     child.join().unwrap();
/// });
/// assert_eq!(report.transactions(), 2);
/// ```
pub fn model<F: FnOnce()>(machine: &Machine, body: F) -> Report {
    Simulation::new(machine).model(body)
}

/// [`run`], with a failure as a value.
///
/// # Errors
/// A [`Failure`] if a simulated thread panics or the program deadlocks. What had not ended then is
/// leaked where it stood: the threads, and the [`Global`](crate::Global)s of the simulation; their
/// destructors do not run.
///
/// # Panics
/// If `threads` is 0 or above 65,536; inside another simulation.
pub fn try_run<F: Fn(usize) + Sync>(machine: &Machine, threads: usize, body: F) -> Result<Report, Failure> {
    Simulation::new(machine).try_run(threads, body)
}

/// [`model`], with a failure as a value.
///
/// # Errors
/// A [`Failure`] if a simulated thread panics and no thread joins it, or the program deadlocks.
/// What had not ended then is leaked where it stood, as for [`try_run`].
///
/// # Panics
/// Inside another simulation.
pub fn try_model<F: FnOnce()>(machine: &Machine, body: F) -> Result<Report, Failure> {
    Simulation::new(machine).try_model(body)
}

/// A simulation with stacks and a time of its own; [`run`], [`model`], [`try_run`] and
/// [`try_model`] are the same with the defaults.
///
/// ```
/// use std::time::Duration;
/// use coherence::sync::atomic::{AtomicU64, Ordering::Relaxed};
/// use coherence::{Failure, Machine, Simulation};
///
/// let counter = AtomicU64::new(0);
/// let endless = Simulation::new(&Machine::flat(2))
///     .time_limit(Duration::from_millis(1))
///     .try_run(2, |_| loop {
///         counter.fetch_add(1, Relaxed);
///     });
/// assert!(matches!(endless, Err(Failure::OutOfTime { .. })));
/// ```
#[derive(Clone, Debug)]
#[must_use = "a simulation does nothing until it is run"]
pub struct Simulation {
    machine: Machine,
    settings: Settings,
}

impl Simulation {
    /// A simulation of this machine.
    pub fn new(machine: &Machine) -> Simulation {
        Simulation {
            machine: machine.clone(),
            settings: Settings {
                time: END_OF_TIME,
                stack: STACK,
            },
        }
    }

    /// How long the program may take in virtual time: 106 days, the end of the clock, unless given,
    /// and at most.
    ///
    /// A program that is not done by then ends with [`Failure::OutOfTime`]. That finds the loops
    /// for which nothing else can, since they change memory: two threads that take turns for ever.
    /// A thread notices at an access, a yield or a look at the clock, which may be some 10
    /// microseconds late.
    pub fn time_limit(mut self, limit: Duration) -> Simulation {
        let picoseconds = limit.as_nanos().saturating_mul(1000);
        self.settings.time = u64::try_from(picoseconds).unwrap_or(END_OF_TIME).min(END_OF_TIME);
        self
    }

    /// Bytes of stack for each simulated thread: 1 MiB unless given, 64 KiB at least.
    ///
    /// A thread has a stack from its first instruction to its last. One that needs more ends the
    /// process with a sentence that names it. (On Unix that is done by a signal handler, which
    /// needs the alternate stack that std gives the threads it makes, and the main thread.) If the
    /// system has no room for another stack, the simulation ends with [`Failure::NoStack`]: Linux
    /// has some 32,000 at a time (`vm.max_map_count`, two for each stack).
    pub fn stack_size(mut self, bytes: usize) -> Simulation {
        self.settings.stack = bytes;
        self
    }

    /// As [`run`](crate::run()).
    ///
    /// # Panics
    /// As [`run`](crate::run()).
    pub fn run<F: Fn(usize) + Sync>(&self, threads: usize, body: F) -> Report {
        self.try_run(threads, body)
            .unwrap_or_else(|failure| panic!("{failure}"))
    }

    /// As [`model`](crate::model()).
    ///
    /// # Panics
    /// As [`model`](crate::model()).
    pub fn model<F: FnOnce()>(&self, body: F) -> Report {
        self.try_model(body).unwrap_or_else(|failure| panic!("{failure}"))
    }

    /// As [`try_run`](crate::try_run()).
    ///
    /// # Errors
    /// As [`try_run`](crate::try_run()).
    ///
    /// # Panics
    /// As [`try_run`](crate::try_run()).
    pub fn try_run<F: Fn(usize) + Sync>(&self, threads: usize, body: F) -> Result<Report, Failure> {
        assert!(
            (1..=MAX_THREADS).contains(&threads),
            "a simulation has 1 to {MAX_THREADS} threads, not {threads}"
        );
        let body = &body;
        let bodies = (0..threads).map(|i| Box::new(move || body(i)) as Body<'_>);
        self.simulate(bodies.collect())
    }

    /// As [`try_model`](crate::try_model()).
    ///
    /// # Errors
    /// As [`try_model`](crate::try_model()).
    ///
    /// # Panics
    /// As [`try_model`](crate::try_model()).
    pub fn try_model<F: FnOnce()>(&self, body: F) -> Result<Report, Failure> {
        self.simulate(vec![Box::new(body)])
    }

    fn simulate(&self, bodies: Vec<Body<'_>>) -> Result<Report, Failure> {
        let measured = engine::simulate(&self.machine, self.settings, bodies)?;
        Ok(Report::new(&self.machine, &measured))
    }
}
