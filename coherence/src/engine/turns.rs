//! Which thread has the next turn.
//!
//! The runnable thread with the smallest virtual clock goes next, ties by index. The thread that
//! runs is switched away from only when it is no longer that thread: `limit` is the clock at which
//! the turn of another may come.

use super::livelock::EXTRA_TURN;
use super::simulation::Simulation;
use super::suspension::Suspension;
use super::thread::{Status, Thread};

/// A thread takes a turn after so many hits at least (the logarithm), to see whether the simulation
/// is over.
const HITS: u32 = 20;

/// How many turns more a dormant thread gets at first when no thread can run.
const EXTRA_ROUNDS: u32 = 1024;

impl Simulation {
    /// Waits for the current thread's turn: `Some` if it is another's.
    #[inline]
    pub(crate) fn await_turn(&mut self) -> Option<Suspension> {
        if self.threads[self.current()].clock < self.limit {
            None
        } else {
            self.turn()
        }
    }

    #[inline(never)]
    pub(crate) fn turn(&mut self) -> Option<Suspension> {
        let me = self.current() as u32;
        if self.me().clock >= self.end {
            return Some(self.end_of_time());
        }
        // While a thread unwinds, the panic count of the OS thread is its own affair: no other
        // thread may run and see it.
        if std::thread::panicking() {
            return self.turn_unwinding();
        }
        if self.is_livelocked() {
            // The driver ends the simulation; this thread does not come back.
            return Some(self.suspension());
        }
        if self.me().unwinds_for.is_some() {
            // That panic was caught.
            self.me().unwinds_for = None;
        }
        let clock = self.me().clock;
        let core = usize::from(self.me().core);
        if clock >= self.cores[core].slice_end {
            if !self.cores[core].ready.is_empty() {
                self.rotate(me);
                return Some(self.suspension());
            }
            self.cores[core].slice_end = clock + self.machine.slice;
        }
        if let Some((time, thread)) = self.queue.first()
            && (time, thread) <= (clock, me)
        {
            if self.threads[thread as usize].status == Status::Running {
                // The commonest case: one takes the other's place, in the queue too.
                self.queue.replace_first(clock, me);
                self.chosen = Some(thread);
            } else {
                // The slice of a dormant thread ends, or the time-out of a futex wait: the driver
                // sees to that.
                self.push(clock, me);
            }
            return Some(self.suspension());
        }
        self.set_limit(me);
        None
    }

    fn set_limit(&mut self, me: u32) {
        let t = &self.threads[me as usize];
        let slice_end = self.cores[usize::from(t.core)].slice_end;
        let look_up = t.clock + (self.machine.hit << HITS);
        let next = self
            .queue
            .lower_bound()
            .map_or(u64::MAX, |(time, thread)| time + u64::from(me < thread));
        self.limit = slice_end.min(next).min(look_up).min(self.end);
    }

    /// Chooses the thread to run next; `None` if no thread ever will, or the program is livelocked.
    pub(crate) fn next(&mut self) -> Option<u32> {
        if self.failure.is_some() || self.is_livelocked() {
            return None;
        }
        if let Some(thread) = self.chosen.take() {
            return Some(self.resume(thread));
        }
        self.current = None;
        loop {
            while let Some((time, thread)) = self.queue.pop() {
                if time >= self.end {
                    self.failure = Some(self.out_of_time());
                }
                if self.failure.is_some() || self.is_livelocked() {
                    return None;
                }
                match self.threads[thread as usize].status {
                    Status::Running => return Some(self.resume(thread)),
                    Status::Spinning => self.preempt_spinner(thread, time),
                    Status::Futex(address) => self.time_out(thread, address, time),
                    Status::Ready | Status::Joining(_) | Status::Finished => {
                        unreachable!("has no time in the queue")
                    }
                }
            }
            if !self.resume_spinners() {
                return None;
            }
        }
    }

    fn resume(&mut self, thread: u32) -> u32 {
        self.current = Some(thread);
        self.set_limit(thread);
        thread
    }

    /// No thread can run. A bounded spin loop would end by itself, so dormant threads get more
    /// turns; not for ever.
    fn resume_spinners(&mut self) -> bool {
        let spins = |t: &Thread| t.status == Status::Spinning;
        let turns = self
            .threads
            .iter()
            .filter(|t| spins(t))
            .map(|t| u64::from(t.window.extra_rounds.max(EXTRA_ROUNDS)))
            .sum::<u64>();
        self.count_idle(EXTRA_TURN * turns);
        if turns == 0 || self.is_livelocked() {
            return false;
        }
        for thread in 0..self.threads.len() {
            let t = &mut self.threads[thread];
            if t.status == Status::Spinning {
                t.window.extra_rounds = (2 * t.window.extra_rounds).max(EXTRA_ROUNDS);
                let clock = t.clock;
                self.wake_spinner(thread as u32, clock);
            }
        }
        true
    }
}
