//! Sleeping in the kernel: futex wait and wake, in virtual time.

use core::time::Duration;

use super::access::{Access, Effect, Kind, Site};
use super::livelock::SLOW;
use super::simulation::{END_OF_TIME, Simulation};
use super::suspension::Step;
use super::thread::{Status, Wakeup};

/// Where a futex wait has got to, since it suspends on the way.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Progress {
    Call,
    Compare,
    Asleep,
}

impl Simulation {
    pub(crate) fn futex_wait(
        &mut self,
        address: usize,
        site: Site,
        as_expected: &impl Fn() -> bool,
        timeout: Option<Duration>,
        progress: &mut Progress,
    ) -> Step<Wakeup> {
        if *progress == Progress::Call {
            self.me().window.restart();
            self.spend(self.machine.syscall);
            *progress = Progress::Compare;
        }
        if *progress == Progress::Asleep {
            return Step::Done(self.me().wakeup);
        }
        // The kernel reads the word, and nothing comes between this and the sleep.
        let read = Access {
            address,
            size: size_of::<u32>(),
            kind: Kind::Load,
            site,
        };
        if let Step::Again(suspension) = self.access(&read, &|| Effect::READ) {
            return Step::Again(suspension);
        }
        if !as_expected() {
            return Step::Done(Wakeup::Changed);
        }
        *progress = Progress::Asleep;
        let me = self.current() as u32;
        let t = self.me();
        t.window.restart();
        t.status = Status::Futex(address);
        t.call = Some(("sleeps in a futex wait", site));
        if std::thread::panicking() {
            return Step::Again(self.abandon());
        }
        let t = self.me();
        let (core, now) = (usize::from(t.core), t.clock);
        self.futexes.entry(address).or_default().push_back(me);
        let timeout = timeout.and_then(|timeout| u64::try_from(timeout.as_nanos()).ok()?.checked_mul(1000));
        // A time-out beyond the end of time is none.
        if let Some(end) = timeout.and_then(|timeout| now.checked_add(timeout))
            && end < END_OF_TIME
        {
            self.push(end, me);
        }
        self.leave_core(core, now);
        Step::Again(self.suspension())
    }

    pub(crate) fn futex_wake(&mut self, address: usize, count: usize, site: Site) -> Step<usize> {
        self.me().call = Some(("wakes a futex", site));
        if let Some(suspension) = self.await_turn() {
            return Step::Again(suspension);
        }
        self.me().window.restart();
        self.spend(self.machine.syscall);
        let at = self.me().clock + self.machine.wake;
        let mut woken = 0;
        while woken < count
            && let Some(thread) = self.futexes.get_mut(&address).and_then(|waiters| waiters.pop_front())
        {
            self.end_sleep(thread, Wakeup::Woken, at);
            woken += 1;
        }
        if woken == 0 {
            self.count_idle(2 * SLOW);
        } else {
            self.idle.clear();
        }
        Step::Done(woken)
    }

    /// A futex wait has lasted as long as its time-out allows. That changes nothing that another
    /// thread waits for.
    pub(crate) fn time_out(&mut self, thread: u32, address: usize, now: u64) {
        if let Some(waiters) = self.futexes.get_mut(&address)
            && let Some(at) = waiters.iter().position(|&t| t == thread)
        {
            waiters.remove(at);
        }
        self.count_idle(SLOW);
        self.end_sleep(thread, Wakeup::TimedOut, now);
    }

    fn end_sleep(&mut self, thread: u32, wakeup: Wakeup, at: u64) {
        self.threads[thread as usize].wakeup = wakeup;
        self.queue.remove(thread);
        self.make_ready(thread, at);
    }
}
