//! Simulated threads, in the shape of [`std::thread`].

use core::fmt;
use core::panic::Location;

pub use crate::engine::AccessError;
use crate::engine::{self, Spawned};
pub use crate::local::LocalKey;

/// Starts a simulated thread; outside a simulation, an OS thread.
///
/// Threads get the next free index, and core `index % cores`. Costs a system call; the new thread
/// starts at the spawning thread's virtual time.
///
/// # Panics
/// If the simulation has 65,536 threads already, ended ones included.
pub fn spawn<F, T>(body: F) -> JoinHandle<T>
where
    F: FnOnce() -> T + Send + 'static,
    T: Send + 'static,
{
    match engine::spawn(body) {
        Ok(thread) => JoinHandle(Handle::Simulated(thread)),
        Err(body) => JoinHandle(Handle::Os(std::thread::spawn(body))),
    }
}

/// Waits for a thread that [`spawn`] started.
#[derive(Debug)]
pub struct JoinHandle<T>(Handle<T>);

enum Handle<T> {
    Simulated(Spawned<T>),
    Os(std::thread::JoinHandle<T>),
}

impl<T> JoinHandle<T> {
    /// Gives up the core until the thread has ended; returns its result.
    ///
    /// # Errors
    /// The payload of the thread's panic, if it panicked.
    ///
    /// # Panics
    /// Outside the thread's simulation, if that failed before the thread ended, or still runs on
    /// another OS thread.
    #[track_caller]
    pub fn join(self) -> std::thread::Result<T> {
        match self.0 {
            Handle::Simulated(thread) => engine::join(thread, Location::caller()),
            Handle::Os(thread) => thread.join(),
        }
    }

    /// The thread.
    pub fn thread(&self) -> Thread {
        Thread(match &self.0 {
            Handle::Simulated(thread) => ThreadId(Id::Simulated(thread.index)),
            Handle::Os(thread) => ThreadId(Id::Os(thread.thread().id())),
        })
    }
}

impl<T> fmt::Debug for Handle<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Handle::Simulated(thread) => write!(f, "simulated thread {}", thread.index),
            Handle::Os(thread) => thread.fmt(f),
        }
    }
}

/// Gives up the core: a system call, and a context switch if another thread waits for the core.
#[track_caller]
pub fn yield_now() {
    if !engine::yield_now() {
        std::thread::yield_now();
    }
}

/// How many threads can run at once: the cores of the simulated machine, or outside a simulation
/// what std says, and 1 where it does not know.
///
/// ```
/// let report = coherence::run(&coherence::Machine::flat(64), 1, |_| {
///     assert_eq!(coherence::thread::available_parallelism(), 64);
/// });
/// # assert_eq!(report.transactions(), 0);
/// ```
#[must_use]
pub fn available_parallelism() -> usize {
    engine::cores().unwrap_or_else(|| std::thread::available_parallelism().map_or(1, usize::from))
}

/// The calling thread.
pub fn current() -> Thread {
    Thread(ThreadId(match engine::current() {
        Some(index) => Id::Simulated(index),
        None => Id::Os(std::thread::current().id()),
    }))
}

/// A thread, simulated or not.
#[derive(Clone, Debug)]
pub struct Thread(ThreadId);

impl Thread {
    /// The id of the thread, unique in its simulation. Two simulations use the same ids.
    pub fn id(&self) -> ThreadId {
        self.0
    }

    /// The index of a simulated thread in its simulation; `None` for an OS thread.
    pub fn index(&self) -> Option<usize> {
        match self.0.0 {
            Id::Simulated(index) => Some(index),
            Id::Os(_) => None,
        }
    }
}

/// The id of a thread.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct ThreadId(Id);

#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
enum Id {
    Simulated(usize),
    Os(std::thread::ThreadId),
}
