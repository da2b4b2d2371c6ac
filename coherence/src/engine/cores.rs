//! Which thread has which core, which threads wait for it, and which spin and are dormant.

use super::livelock::PREEMPTION;
use super::simulation::Simulation;
use super::suspension::Suspension;
use super::thread::Status;

impl Simulation {
    /// A thread goes to the end of the queue for its core, and the first of that queue gets the
    /// core.
    pub(crate) fn rotate(&mut self, thread: u32) {
        let t = &mut self.threads[thread as usize];
        t.status = Status::Ready;
        let (core, now) = (usize::from(t.core), t.clock);
        self.cores[core].ready.push_back(thread);
        self.leave_core(core, now);
    }

    /// A core's thread has gone at this time; the next one in the queue for the core gets it.
    pub(crate) fn leave_core(&mut self, core: usize, now: u64) {
        self.cores[core].running = None;
        self.cores[core].free_at = now;
        if let Some(next) = self.cores[core].ready.pop_front() {
            self.take_core(next, now, true);
        }
    }

    /// A thread gets its core, which is free.
    fn take_core(&mut self, thread: u32, now: u64, switch: bool) {
        let t = &mut self.threads[thread as usize];
        t.clock = t.clock.max(now) + if switch { self.machine.switch } else { 0 };
        t.status = Status::Running;
        let clock = t.clock;
        let core = &mut self.cores[usize::from(t.core)];
        core.running = Some(thread);
        core.slice_end = clock + self.machine.slice;
        self.push(clock, thread);
    }

    /// A thread can run from this time on, as soon as it gets its core. A core that has been idle
    /// since the simulation began is taken without a context switch.
    pub(crate) fn make_ready(&mut self, thread: u32, at: u64) {
        let t = &mut self.threads[thread as usize];
        t.clock = t.clock.max(at);
        t.status = Status::Ready;
        let (at, core) = (t.clock, usize::from(t.core));
        match self.cores[core].running {
            None => {
                let free_at = self.cores[core].free_at;
                self.take_core(thread, free_at, at > 0);
            }
            Some(running) => {
                self.cores[core].ready.push_back(thread);
                let r = &self.threads[running as usize];
                if r.status == Status::Spinning {
                    let wake_at = if r.window.yields {
                        at
                    } else {
                        self.cores[core].slice_end.max(at)
                    };
                    self.push(wake_at, running);
                }
            }
        }
    }

    /// The current thread spins, and sees nothing new until one of the lines it looks at changes.
    #[inline(never)]
    pub(crate) fn go_dormant(&mut self, me: usize) -> Suspension {
        if std::thread::panicking() {
            return self.abandon();
        }
        let Simulation { threads, directory, .. } = self;
        let t = &mut threads[me];
        t.status = Status::Spinning;
        t.window.go_dormant();
        for line in t.window.lines() {
            let watchers = &mut directory.lines[line as usize].watchers;
            if !watchers.contains(&(me as u32)) {
                watchers.push(me as u32);
            }
        }
        let (core, clock) = (usize::from(t.core), t.clock);
        if !self.cores[core].ready.is_empty() {
            let yields = self.threads[me].window.yields;
            let until = if yields {
                clock
            } else {
                self.cores[core].slice_end.max(clock)
            };
            self.push(until, me as u32);
        }
        self.suspension()
    }

    /// A line changed at this time: its watchers (those on one core only, if given) look again.
    pub(crate) fn wake_watchers(&mut self, line: u32, at: u64, core: Option<u16>) {
        let mut i = 0;
        while let Some(&thread) = self.directory.lines[line as usize].watchers.get(i) {
            if core.is_none_or(|core| core == self.threads[thread as usize].core) {
                self.wake_spinner(thread, at);
            } else {
                i += 1;
            }
        }
    }

    /// A dormant thread looks again, at this time.
    pub(crate) fn wake_spinner(&mut self, thread: u32, at: u64) {
        self.stop_watching(thread);
        let t = &mut self.threads[thread as usize];
        t.status = Status::Running;
        t.clock = t.clock.max(at);
        let clock = t.clock;
        self.push(clock, thread);
    }

    fn stop_watching(&mut self, thread: u32) {
        let Simulation { threads, directory, .. } = self;
        let window = &mut threads[thread as usize].window;
        for line in window.lines() {
            directory.lines[line as usize].watchers.retain(|&t| t != thread);
        }
        window.wake();
    }

    /// The time has come for a dormant thread to leave its core, if another thread still waits for
    /// the core.
    pub(crate) fn preempt_spinner(&mut self, thread: u32, now: u64) {
        let core = usize::from(self.threads[thread as usize].core);
        if self.cores[core].ready.is_empty() {
            return;
        }
        self.stop_watching(thread);
        self.count_idle(PREEMPTION);
        let t = &mut self.threads[thread as usize];
        t.clock = t.clock.max(now);
        self.rotate(thread);
    }
}
