//! How a simulation can fail, and the sentences that say so.

use core::fmt;
use core::time::Duration;

use super::directory::Directory;
use super::schedule::{Doing, Scheduler};

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
    /// No thread can ever go on: all are asleep, or spin on what no thread changes.
    Deadlock {
        /// Every thread that has not ended, by index.
        waiting: Vec<Waiting>,
    },
    /// A simulated thread panicked, and waited for another thread while it unwound, in a destructor or in a panic hook.
    ///
    /// No other thread can run meanwhile: all of them share the panic count of one OS thread. The thread is left where it
    /// stands, and the OS thread counts as panicking from then on: the next simulation must run on another one.
    Unwinding {
        /// What the panic said, if that is known: it is not where it was raised by `resume_unwind`, or where a panic hook
        /// was set after the first simulation which does not call the one before.
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
    /// The simulation did not begin, since the OS thread is panicking: it was to run in a destructor while a panic
    /// unwinds, or after a simulation that ended with [`Failure::Unwinding`].
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

impl Scheduler {
    /// All that have not ended wait.
    pub(crate) fn deadlock(&self) -> Failure {
        Failure::Deadlock {
            waiting: self.all_waiting(),
        }
    }

    /// The program is not done at the end of time.
    pub(crate) fn out_of_time(&self) -> Failure {
        Failure::OutOfTime {
            limit: Duration::from_nanos(self.end / 1000),
            waiting: self.all_waiting(),
        }
    }

    fn all_waiting(&self) -> Vec<Waiting> {
        (0..self.threads.len())
            .filter_map(|thread| self.waiting(thread))
            .collect()
    }

    /// What a thread does, and where; `None` if it has ended.
    pub(crate) fn waiting(&self, thread: usize) -> Option<Waiting> {
        let t = &self.threads[thread];
        let spins_on = if t.window.only_hints() {
            None
        } else {
            spun_on(t.window.lines())
        };
        let called = t.call.map(|call| call.1);
        let (what, site) = match (t.doing, spins_on, t.call) {
            (Doing::Finished, ..) => return None,
            (Doing::Futex(address), ..) => {
                let word = name(&self.directory, address);
                (format!("sleeps in a futex wait on {word}"), called)
            }
            (Doing::Joining(other), ..) => (format!("waits for the end of thread {other}"), called),
            (_, Some(on), _) => (format!("spins on {on}"), t.window.last_site()),
            (_, None, Some((what, _))) => (what.to_owned(), called),
            (Doing::Ready, None, None) => ("waits for its core".to_owned(), None),
            (Doing::Running | Doing::Spinning, None, None) => ("runs".to_owned(), None),
        };
        Some(Waiting {
            thread,
            what,
            at: site.map(|s| format!("{}:{}", s.file(), s.line())).unwrap_or_default(),
        })
    }
}

fn spun_on(lines: impl Iterator<Item = u32>) -> Option<String> {
    let mut lines: Vec<u32> = lines.collect();
    lines.sort_unstable();
    lines.dedup();
    match lines.as_slice() {
        [] => None,
        [line] => Some(format!("line {line}")),
        many => Some(format!(
            "lines {}",
            many.iter().map(u32::to_string).collect::<Vec<_>>().join(", ")
        )),
    }
}

fn name(directory: &Directory, address: usize) -> String {
    let line = directory
        .named(directory.number(address))
        .expect("a futex wait reads its word");
    format!("line {line}")
}
