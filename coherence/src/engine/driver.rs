//! Runs simulations: gives every simulated thread a coroutine, and resumes the one whose turn it is.

use core::mem::ManuallyDrop;

use corosensei::{Coroutine, CoroutineResult};

use super::SIMULATION;
use super::failure::Failure;
use super::schedule::Scheduler;
use super::threads::{MAX_THREADS, end_of_thread, unjoinable};
use crate::{Machine, Report};

type Body<'a> = Box<dyn FnOnce() + 'a>;

/// Runs `body(0)`, ..., `body(threads - 1)` as simulated threads, thread `i` on core `i` modulo the cores, all from
/// virtual time 0, and bills them.
///
/// The whole simulation runs on the calling OS thread. The same program on the same machine gives the same report.
///
/// # Panics
/// With the words of the [`Failure`], if a simulated thread panics or the program deadlocks ([`try_run`] returns it
/// instead); if `threads` is 0 or above 65,536; inside another simulation.
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
    try_run(machine, threads, body).unwrap_or_else(|failure| panic!("{failure}"))
}

/// Runs a program that spawns its own threads with [`thread::spawn`](crate::thread::spawn), and bills it.
///
/// `body` is simulated thread 0; threads get indices, and with them cores, in the order in which they are spawned. The
/// simulation ends when all of them have.
///
/// # Panics
/// With the words of the [`Failure`], if a simulated thread panics and nobody joins it, or the program deadlocks
/// ([`try_model`] returns it instead); inside another simulation.
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
    try_model(machine, body).unwrap_or_else(|failure| panic!("{failure}"))
}

/// [`run`], with a failure as a value.
///
/// # Errors
/// A [`Failure`] if a simulated thread panics or the program deadlocks. The threads that had not ended are leaked where
/// they stood: their destructors do not run.
///
/// # Panics
/// If `threads` is 0 or above 65,536; inside another simulation.
pub fn try_run<F: Fn(usize) + Sync>(machine: &Machine, threads: usize, body: F) -> Result<Report, Failure> {
    assert!(
        (1..=MAX_THREADS).contains(&threads),
        "a simulation has 1 to {MAX_THREADS} threads, not {threads}"
    );
    let body = &body;
    simulate(
        machine,
        (0..threads).map(|i| Box::new(move || body(i)) as Body<'_>).collect(),
    )
}

/// [`model`], with a failure as a value.
///
/// # Errors
/// A [`Failure`] if a simulated thread panics and nobody joins it, or the program deadlocks. The threads that had not
/// ended are leaked where they stood: their destructors do not run.
///
/// # Panics
/// Inside another simulation.
pub fn try_model<F: FnOnce()>(machine: &Machine, body: F) -> Result<Report, Failure> {
    simulate(machine, vec![Box::new(body)])
}

/// Holds the place in `SIMULATION` for as long as a simulation runs, and frees it however that ends.
struct Stage;

impl Stage {
    fn set(scheduler: Scheduler) -> Stage {
        SIMULATION.with_borrow_mut(|s| {
            assert!(s.is_none(), "a simulation cannot be run inside another simulation");
            *s = Some(Box::new(scheduler));
        });
        Stage
    }

    fn with<R>(&self, f: impl FnOnce(&mut Scheduler) -> R) -> R {
        SIMULATION.with_borrow_mut(|s| f(s.as_mut().expect("set until this is dropped")))
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        SIMULATION.take();
    }
}

/// A simulated thread's coroutine. Dropping one that has not ended would unwind it, and run destructors that wait for
/// threads which are gone; so it is leaked instead, unless it is taken out on purpose.
type Leaky = ManuallyDrop<Coroutine<(), (), ()>>;

fn simulate(machine: &Machine, bodies: Vec<Body<'_>>) -> Result<Report, Failure> {
    let stage = Stage::set(Scheduler::new(machine));
    let mut coroutines: Vec<Option<Leaky>> = Vec::new();
    for body in bodies {
        // SAFETY: only the lifetime changes. `body` is called, or dropped, by its coroutine, and no coroutine is resumed
        // after this function returns: those that have not ended by then are leaked and keep whatever they borrow
        // without ever using it again.
        let body: Body<'static> = unsafe { core::mem::transmute::<Body<'_>, Body<'static>>(body) };
        stage.with(|s| s.new_thread(0));
        coroutines.push(Some(coroutine(Box::new(move || unjoinable(body)))));
    }
    while let Some(thread) = stage.with(|s| if s.failure.is_some() { None } else { s.next() }) {
        let slot = &mut coroutines[thread as usize];
        let running = slot.as_mut().expect("a thread that ended is not scheduled");
        let result = running.resume(());
        if let CoroutineResult::Return(()) = result {
            drop(slot.take().map(ManuallyDrop::into_inner));
            stage.with(|s| s.finish(thread));
        }
        while let Some(body) = stage.with(|s| s.newborn.pop_front()) {
            coroutines.push(Some(coroutine(body)));
        }
    }
    stage.with(|s| s.conclude())
}

/// A coroutine that runs a simulated thread from its first instruction to the end of its thread-locals.
fn coroutine(body: Body<'static>) -> Leaky {
    ManuallyDrop::new(Coroutine::new(move |yielder, ()| {
        SIMULATION.with_borrow_mut(|s| {
            s.as_mut().expect("a coroutine runs inside its simulation").me().yielder = yielder;
        });
        body();
        unjoinable(end_of_thread);
    }))
}

impl Scheduler {
    /// Nobody will run any more: the report, or why there is none.
    fn conclude(&mut self) -> Result<Report, Failure> {
        if let Some(failure) = self.failure.take() {
            return Err(failure);
        }
        if let Some((thread, message)) = self
            .threads
            .iter_mut()
            .enumerate()
            .find_map(|(i, t)| Some((i, t.panic.take()?)))
        {
            return Err(Failure::Panicked { thread, message });
        }
        if !self.all_ended() {
            return Err(self.deadlock());
        }
        let end = self.threads.iter().map(|t| t.clock).max().unwrap_or(0);
        self.end_phase(end);
        self.directory.close();
        Ok(Report::new(self, end))
    }

    fn all_ended(&self) -> bool {
        self.threads.iter().all(|t| t.doing == super::schedule::Doing::Finished)
    }
}
