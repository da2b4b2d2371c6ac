//! How a simulation can fail, and the sentences that say so.

use core::fmt;
use core::time::Duration;

/// Why a simulation ended without a [`Report`](crate::Report).
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Failure {
    /// A simulated thread panicked, and no `join` took the panic over.
    Panicked {
        /// The index of the thread.
        thread: usize,
        /// What the panic said, or that it carried no message.
        message: String,
    },
    /// No thread can ever go on: each sleeps, or spins on what no thread changes.
    Deadlock {
        /// Every thread that has not ended, by index.
        waiting: Vec<Waiting>,
    },
    /// A simulated thread panicked, and waited for another thread while it unwound, in a destructor
    /// or in a panic hook.
    ///
    /// No other thread can run meanwhile: all of them share the panic count of one OS thread. The
    /// thread is left where it stands, and the OS thread counts as panicking from then on: the next
    /// simulation must run on another one.
    Unwinding {
        /// What the panic said, if that is known: it is not where it was raised by `resume_unwind`,
        /// or where a panic hook was set after the first simulation which does not call the one
        /// before.
        message: String,
        /// The thread that unwound, what it waited for, and where.
        waiting: Waiting,
    },
    /// The program was not done when its virtual time was up: the limit of the
    /// [`Simulation`](crate::Simulation::time_limit), or 106 days.
    OutOfTime {
        /// How long it might take.
        limit: Duration,
        /// Every thread that had not ended, by index, and what it did last that is known.
        waiting: Vec<Waiting>,
    },
    /// The system has no room for the stack of another thread.
    NoStack {
        /// The index of the thread.
        thread: usize,
        /// The bytes of its stack; see [`Simulation::stack_size`](crate::Simulation::stack_size).
        size: usize,
        /// What the system said.
        why: String,
    },
    /// The simulation did not begin, since the OS thread is panicking: it was to run in a
    /// destructor while a panic unwinds, or after a simulation that ended with
    /// [`Failure::Unwinding`].
    OnPanickingThread,
}

/// A thread that has not ended: what it waits for, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Waiting {
    /// The index of the thread.
    pub thread: usize,
    /// What it waits for, in words; lines are named as in the report.
    pub what: String,
    /// The `file:line` of the call; empty if no call is known.
    pub at: String,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Failure::Panicked { thread, message } => {
                write!(f, "simulated thread {thread} panicked: {message}")
            }
            Failure::Deadlock { waiting } => {
                match waiting.len() {
                    1 => f.write_str("deadlock: 1 simulated thread waits for what never comes")?,
                    n => write!(f, "deadlock: {n} simulated threads wait for each other")?,
                }
                list(f, waiting)
            }
            Failure::Unwinding { message, waiting } => {
                let Waiting { thread, what, at } = waiting;
                let at = if at.is_empty() { "an unknown place" } else { at };
                write!(
                    f,
                    "simulated thread {thread} panicked: {message}\n  while it unwinds, it {what} at {at}; \
                     no other thread can run before the panic is caught"
                )
            }
            Failure::OutOfTime { limit, waiting } => {
                write!(
                    f,
                    "the virtual time of this simulation is up, after {limit:?}; not done:"
                )?;
                list(f, waiting)
            }
            Failure::NoStack { thread, size, why } => {
                write!(f, "no stack for simulated thread {thread}, of {size} bytes: {why}")
            }
            Failure::OnPanickingThread => f.write_str(
                "a simulation cannot begin on an OS thread that is panicking: in a destructor while a panic unwinds, or \
                 after a simulation that failed while one of its threads unwound; run it on another OS thread",
            ),
        }
    }
}

/// A failure names at most so many threads.
const NAMED: usize = 64;

fn list(f: &mut fmt::Formatter<'_>, waiting: &[Waiting]) -> fmt::Result {
    let (named, rest) = waiting.split_at(waiting.len().min(NAMED));
    named.iter().try_for_each(|w| write!(f, "\n  {w}"))?;
    match rest.len() {
        0 => Ok(()),
        n => write!(f, "\n  and {n} more"),
    }
}

impl fmt::Display for Waiting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "thread {} {}", self.thread, self.what)?;
        if self.at.is_empty() {
            Ok(())
        } else {
            write!(f, " at {}", self.at)
        }
    }
}

impl core::error::Error for Failure {}
