//! How a simulation can fail, and the sentences that say so.

use core::fmt;

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
    /// No thread can ever go on: all are asleep, or spin without anybody changing what they look at.
    Deadlock {
        /// Every thread that has not ended, by index.
        waiting: Vec<Waiting>,
    },
}

/// A thread of a deadlock: what it waits for, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Waiting {
    /// The index of the thread.
    pub thread: usize,
    /// What it waits for, in words; lines are named as in the report.
    pub what: String,
    /// The `file:line` of the call that waits; empty if the thread was not waiting in a call.
    pub at: String,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Failure::Panicked { thread, message } => {
                write!(f, "simulated thread {thread} panicked: {message}")
            }
            Failure::Deadlock { waiting } => {
                write!(f, "deadlock: {} simulated threads wait for each other", waiting.len())?;
                waiting.iter().try_for_each(|w| write!(f, "\n  {w}"))
            }
        }
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
    /// Who waits where.
    pub(crate) fn deadlock(&self) -> Failure {
        let lines = &self.directory;
        let mut waiting = Vec::new();
        for (thread, t) in self.threads.iter().enumerate() {
            let what = match t.doing {
                Doing::Finished => continue,
                Doing::Running if t.window.lines().next().is_none() => "runs".to_owned(),
                Doing::Running | Doing::Spinning | Doing::Ready => match spun_on(t.window.lines()) {
                    Some(on) => format!("spins on {on}"),
                    None => "waits for its core".to_owned(),
                },
                Doing::Futex(address) => {
                    format!("sleeps in a futex wait on {}", name(lines, address))
                }
                Doing::Joining(other) => format!("waits for the end of thread {other}"),
            };
            let looked = t.window.last_site();
            let site = if matches!(t.doing, Doing::Futex(_) | Doing::Joining(_)) {
                t.site
            } else {
                looked.or(t.site)
            };
            let at = site.map(|s| format!("{}:{}", s.file(), s.line())).unwrap_or_default();
            waiting.push(Waiting { thread, what, at });
        }
        Failure::Deadlock { waiting }
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
