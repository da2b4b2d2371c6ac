//! The life of a simulated thread: spawned, joined, ended.

use super::access::Site;
use super::simulation::Simulation;
use super::suspension::Step;
use super::thread::{Status, Thread};

/// The most threads a simulation may have.
pub(crate) const MAX_THREADS: usize = 65_536;

impl Simulation {
    /// Makes a thread that is ready to run on its core at this time.
    pub(crate) fn new_thread(&mut self, at: u64) -> usize {
        let core = self.threads.len() % self.cores.len();
        let thread = self.add_thread(Thread::new(core as u16, at));
        self.idle.clear();
        self.make_ready(thread, at);
        thread as usize
    }

    /// The new thread's index, and its simulation; `None` if there are too many.
    pub(crate) fn spawn(&mut self) -> Step<Option<(usize, u64)>> {
        if let Some(suspension) = self.await_turn() {
            return Step::Again(suspension);
        }
        if self.threads.len() == MAX_THREADS {
            return Step::Done(None);
        }
        self.me().window.restart();
        self.spend(self.machine.syscall);
        let now = self.me().clock;
        Step::Done(Some((self.new_thread(now), self.id)))
    }

    pub(crate) fn join(&mut self, other: usize, site: Site) -> Step<()> {
        if let Some(suspension) = self.await_turn() {
            return Step::Again(suspension);
        }
        let me = self.current();
        let end = &mut self.threads[other];
        if end.status == Status::Finished {
            end.panic = None;
            let clock = end.clock;
            let t = self.me();
            t.clock = t.clock.max(clock);
            t.window.restart();
            return Step::Done(());
        }
        end.joiner = Some(me as u32);
        let t = self.me();
        t.status = Status::Joining(other as u32);
        t.call = Some(("waits for the end of a thread", site));
        if std::thread::panicking() {
            return Step::Again(self.abandon());
        }
        let t = self.me();
        let (core, now) = (usize::from(t.core), t.clock);
        self.leave_core(core, now);
        Step::Again(self.suspension())
    }

    /// A thread has run to its end.
    pub(crate) fn finish(&mut self, thread: u32) {
        let t = &mut self.threads[thread as usize];
        t.status = Status::Finished;
        let (core, now, joiner) = (usize::from(t.core), t.clock, t.joiner);
        self.idle.clear();
        self.leave_core(core, now);
        if let Some(joiner) = joiner {
            self.make_ready(joiner, now + self.machine.wake);
        }
    }
}
