//! What each thread of a simulation that failed waits for, and where.

use core::time::Duration;

use super::directory::Directory;
use super::failure::{Failure, Waiting};
use super::simulation::Simulation;
use super::thread::Status;

impl Simulation {
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
        let (what, site) = match (t.status, spins_on, t.call) {
            (Status::Finished, ..) => return None,
            (Status::Futex(address), ..) => {
                let word = name(&self.directory, address);
                (format!("sleeps in a futex wait on {word}"), called)
            }
            (Status::Joining(other), ..) => (format!("waits for the end of thread {other}"), called),
            (_, Some(on), _) => (format!("spins on {on}"), t.window.last_site()),
            (_, None, Some((what, _))) => (what.to_owned(), called),
            (Status::Ready, None, None) => ("waits for its core".to_owned(), None),
            (Status::Running | Status::Spinning, None, None) => ("runs".to_owned(), None),
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
