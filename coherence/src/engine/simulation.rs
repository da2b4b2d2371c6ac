//! The state of a simulation in progress.
//!
//! What threads do to it lies in modules of its own, each an `impl` of [`Simulation`]: `turns`
//! (which thread is next), `cores` (which thread has which core), `events` (accesses, hints,
//! yields), `futex` (sleeping in the kernel), `lifecycle` (spawn, join, end), `unwinding` and
//! `diagnosis` (how it fails).

use core::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::collections::{HashMap, VecDeque};

use super::directory::Directory;
use super::failure::Failure;
use super::globals::Globals;
use super::livelock::IdleEvents;
use super::phases::Phases;
use super::run_queue::RunQueue;
use super::suspension::Suspension;
use super::thread::Thread;
use super::window::unhinted_looks;
use crate::machine::Machine;

/// The end of virtual time, in picoseconds (106 days). One event takes less than a second, so no
/// sum overflows that begins before it.
pub(crate) const END_OF_TIME: u64 = 1 << 63;

/// A core, and the threads that wait for it.
#[derive(Default)]
pub(crate) struct Core {
    pub(crate) running: Option<u32>,
    pub(crate) ready: VecDeque<u32>,
    pub(crate) slice_end: u64,
    pub(crate) free_at: u64,
}

/// A simulation in progress; [`crate::Simulation`] is the description of one.
pub(crate) struct Simulation {
    /// Unique among the simulations of the process.
    pub(crate) id: u64,
    pub(crate) machine: Machine,
    pub(crate) directory: Directory,
    pub(crate) threads: Vec<Thread>,
    pub(crate) cores: Vec<Core>,
    /// The threads that sleep in a futex wait, by address, in the order in which they came.
    pub(crate) futexes: HashMap<usize, VecDeque<u32>>,
    pub(crate) globals: Globals,
    pub(crate) phases: Phases,
    pub(crate) failure: Option<Failure>,
    /// Bodies of threads that were spawned and have no coroutine yet, by index.
    pub(crate) spawned: VecDeque<Box<dyn FnOnce()>>,
    pub(crate) queue: RunQueue,
    pub(crate) idle: IdleEvents,
    /// The thread to run next, if that is known already.
    pub(crate) chosen: Option<u32>,
    pub(crate) current: Option<u32>,
    /// The clock at which the current thread has to take a turn.
    pub(crate) limit: u64,
    /// When virtual time is up.
    pub(crate) end: u64,
    /// After how many looks without news a thread goes dormant whose loop has no hint.
    pub(crate) unhinted_looks: u32,
}

impl Simulation {
    /// A simulation without threads, which may last until `end`.
    pub(crate) fn new(machine: &Machine, end: u64) -> Self {
        static SIMULATIONS: AtomicU64 = AtomicU64::new(0);
        Simulation {
            // Relaxed: the ids need only differ, and no read-modify-write is lost under any
            // ordering.
            id: SIMULATIONS.fetch_add(1, Relaxed),
            machine: machine.clone(),
            directory: Directory::new(machine, machine.cores),
            threads: Vec::new(),
            cores: (0..machine.cores).map(|_| Core::default()).collect(),
            futexes: HashMap::new(),
            globals: Globals::default(),
            phases: Phases::new(),
            failure: None,
            spawned: VecDeque::new(),
            queue: RunQueue::default(),
            idle: IdleEvents::new(),
            chosen: None,
            current: None,
            limit: 0,
            end: end.min(END_OF_TIME),
            unhinted_looks: 0,
        }
    }

    /// Whether a simulated thread runs, and not the driver between two.
    #[inline]
    pub(crate) fn in_thread(&self) -> bool {
        self.current.is_some()
    }

    /// The index of the thread that runs.
    #[inline]
    pub(crate) fn current(&self) -> usize {
        self.current.expect("only a simulated thread gets here") as usize
    }

    #[inline]
    pub(crate) fn me(&mut self) -> &mut Thread {
        let me = self.current();
        &mut self.threads[me]
    }

    /// The current thread's way out; it comes back when its turn comes.
    pub(crate) fn suspension(&self) -> Suspension {
        // SAFETY: the yielder is the one that was passed to the body of the current thread's
        // coroutine. Only that thread acts on the simulation now, on its own stack, and there it
        // suspends.
        unsafe { Suspension::new(self.threads[self.current()].yielder) }
    }

    /// Adds a thread, and returns its index.
    pub(crate) fn add_thread(&mut self, thread: Thread) -> u32 {
        self.threads.push(thread);
        self.queue.add_thread();
        let threads = self.threads.len();
        self.unhinted_looks = unhinted_looks(threads);
        self.idle.allow(2 * u64::from(self.unhinted_looks) * threads as u64);
        threads as u32 - 1
    }

    /// Adds to the current thread's clock.
    #[inline]
    pub(crate) fn spend(&mut self, time: u64) {
        self.me().clock += time;
    }

    /// Puts a thread in the run queue, instead of where it was there.
    pub(crate) fn push(&mut self, time: u64, thread: u32) {
        self.queue.push(time, thread);
        if let Some(me) = self.current {
            self.limit = self.limit.min(time + u64::from(me < thread));
        }
    }

    /// Counts events in which nothing changed.
    #[inline]
    pub(crate) fn count_idle(&mut self, events: u64) {
        self.idle.add(events);
        if self.is_livelocked() {
            // However little time it takes, the next turn must be taken.
            self.limit = 0;
        }
    }

    /// Whether nothing has changed for so long that nothing will.
    #[inline]
    pub(crate) fn is_livelocked(&self) -> bool {
        self.idle.are_a_livelock()
    }
}
