//! The scheduler: virtual clocks, cores and their queues, and whose turn it is.
//!
//! The runnable thread with the smallest virtual clock goes next, ties by index. The thread that runs is switched away
//! from only when it is no longer that thread: `limit` is the clock at which somebody else's turn comes.

use core::cmp::Reverse;
use core::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::collections::binary_heap::PeekMut;
use std::collections::{BinaryHeap, HashMap, VecDeque};

use corosensei::Yielder;

use super::access::Site;
use super::directory::Directory;
use super::failure::Failure;
use super::globals::Globals;
use super::locals::Locals;
use super::spin::{Window, long};
use super::suspension::Suspension;
use crate::machine::Machine;

/// So many events in a row, of all threads, in which no memory changed, are a livelock: a look at a line the core holds
/// counts once, and what takes longer to simulate counts more. What threads may look before they sleep comes on top.
const IDLE: u64 = 1 << 26;

/// What a look that moves a line counts, or a wait that times out, and half of what a yield counts.
pub(super) const SLOW: u64 = 64;

/// The end of virtual time, in picoseconds (106 days). One event takes less than a second, so no sum overflows that
/// begins before it.
pub(crate) const END_OF_TIME: u64 = 1 << 63;

/// A thread takes a turn after so many hits at least, to see whether the simulation is over.
const HITS: u32 = 20;

/// What a turn counts that a spinner gets when everybody is asleep.
const ROUSED: u64 = 16;

/// What a simulated thread is doing.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Doing {
    /// It is on its core and can run.
    Running,
    /// It waits for its core.
    Ready,
    /// It spins on its core, and is asleep until a line it looks at changes.
    Spinning,
    /// It sleeps in a futex wait on this address.
    Futex(usize),
    /// It waits for the end of this thread.
    Joining(u32),
    /// It has ended.
    Finished,
}

/// Why [`wait`](crate::futex::wait) returned.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Wakeup {
    /// A [`wake`](crate::futex::wake) chose this thread; outside a simulation also for no reason at all.
    Woken,
    /// The word was not as expected, so the thread did not sleep.
    Changed,
    /// The time-out, counted from the call in virtual time, passed.
    TimedOut,
}

pub(crate) struct Thread {
    pub(crate) core: u16,
    pub(crate) clock: u64,
    pub(crate) doing: Doing,
    /// What it called last that is no access, in words, and where.
    pub(crate) call: Option<(&'static str, Site)>,
    pub(crate) window: Window,
    pub(crate) wakeup: Wakeup,
    pub(crate) locals: Locals,
    pub(crate) yielder: *const Yielder<(), ()>,
    /// The message of the panic it ended with, until `join` hands the panic over.
    pub(crate) panic: Option<String>,
    /// The message of the panic that it unwinds for, if that is known.
    pub(crate) unwinds_for: Option<String>,
    /// The thread that waits for this one's end.
    pub(crate) joiner: Option<u32>,
    /// An entry of the queue counts only if it carries this number.
    pub(crate) ticket: u32,
}

#[derive(Default)]
pub(crate) struct Core {
    pub(crate) running: Option<u32>,
    pub(crate) queue: VecDeque<u32>,
    pub(crate) slice_end: u64,
    pub(crate) free_at: u64,
}

pub(crate) struct Phase {
    pub(crate) name: String,
    pub(crate) elapsed: u64,
}

/// A thread's turn: its time, then its index, then the number that says whether it still counts; one word to compare.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Due(u128);

impl Due {
    fn new(time: u64, thread: u32, ticket: u32) -> Due {
        Due(u128::from(time) << 64 | u128::from(thread) << 32 | u128::from(ticket))
    }

    fn parts(self) -> (u64, u32, u32) {
        ((self.0 >> 64) as u64, (self.0 >> 32) as u32, self.0 as u32)
    }
}

pub(crate) struct Scheduler {
    /// Tells the simulation apart from the others of the process.
    pub(crate) id: u64,
    pub(crate) machine: Machine,
    pub(crate) directory: Directory,
    pub(crate) threads: Vec<Thread>,
    pub(crate) cores: Vec<Core>,
    pub(crate) futexes: HashMap<usize, VecDeque<u32>>,
    pub(crate) globals: Globals,
    pub(crate) phases: Vec<Phase>,
    pub(crate) failure: Option<Failure>,
    /// Bodies of threads that were spawned and have no coroutine yet, by index.
    pub(crate) newborn: VecDeque<Box<dyn FnOnce()>>,
    queue: BinaryHeap<Reverse<Due>>,
    /// The thread to run next, if that is known already.
    chosen: Option<u32>,
    current: Option<u32>,
    pub(super) limit: u64,
    pub(super) phase: u32,
    pub(super) phase_since: u64,
    /// When virtual time is up.
    pub(super) end: u64,
    pub(super) idle: u64,
    idle_bound: u64,
    /// How many looks without news put a thread to sleep that does not say that it waits.
    pub(super) long: u32,
    /// What `idle` may come to while a thread unwinds.
    pub(super) unwinding_bound: u64,
}

impl Scheduler {
    /// A simulation without threads, which may last until `end`.
    pub(crate) fn new(machine: &Machine, end: u64) -> Self {
        static SIMULATIONS: AtomicU64 = AtomicU64::new(0);
        Scheduler {
            // Relaxed: only that no two are equal matters.
            id: SIMULATIONS.fetch_add(1, Relaxed),
            machine: machine.clone(),
            directory: Directory::new(machine, machine.cores),
            threads: Vec::new(),
            cores: (0..machine.cores).map(|_| Core::default()).collect(),
            futexes: HashMap::new(),
            globals: Globals::default(),
            phases: vec![Phase {
                name: "start".into(),
                elapsed: 0,
            }],
            failure: None,
            newborn: VecDeque::new(),
            queue: BinaryHeap::new(),
            chosen: None,
            current: None,
            limit: 0,
            phase: 0,
            phase_since: 0,
            end: end.min(END_OF_TIME),
            idle: 0,
            idle_bound: IDLE,
            long: 0,
            unwinding_bound: IDLE,
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
        // SAFETY: the yielder is the one that was lent to the body of the current thread's coroutine. Only that thread acts
        // on the simulation now, on its own stack, and there it suspends.
        unsafe { Suspension::new(self.threads[self.current()].yielder) }
    }

    /// Waits for the current thread's turn: `Some` if it is somebody else's.
    #[inline]
    pub(crate) fn await_turn(&mut self) -> Option<Suspension> {
        if self.threads[self.current()].clock < self.limit {
            None
        } else {
            self.turn()
        }
    }

    #[inline(never)]
    pub(super) fn turn(&mut self) -> Option<Suspension> {
        let me = self.current() as u32;
        if self.me().clock >= self.end {
            return Some(self.end_of_time());
        }
        // While a thread unwinds, the panic count of the OS thread is its own affair: no other thread may run and see it.
        if std::thread::panicking() {
            return self.turn_unwinding();
        }
        if self.leads_nowhere() {
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
            if !self.cores[core].queue.is_empty() {
                self.rotate(me);
                return Some(self.suspension());
            }
            self.cores[core].slice_end = clock + self.machine.slice;
        }
        loop {
            let Some(mut first) = self.queue.peek_mut() else {
                break;
            };
            let (time, thread, ticket) = first.0.parts();
            let other = &self.threads[thread as usize];
            if other.ticket != ticket {
                PeekMut::pop(first);
            } else if (time, thread) > (clock, me) {
                break;
            } else if other.doing == Doing::Running {
                // The commonest case: one takes the other's place, in the queue too.
                let t = &mut self.threads[me as usize];
                t.ticket = t.ticket.wrapping_add(1);
                *first = Reverse(Due::new(clock, me, t.ticket));
                drop(first);
                self.chosen = Some(thread);
                return Some(self.suspension());
            } else {
                // A sleeper's slice or time-out ends: that is for the driver to see to.
                drop(first);
                self.push(clock, me);
                return Some(self.suspension());
            }
        }
        self.set_limit(me);
        None
    }

    fn set_limit(&mut self, me: u32) {
        let t = &self.threads[me as usize];
        let slice_end = self.cores[usize::from(t.core)].slice_end;
        let look_up = t.clock + (self.machine.hit << HITS);
        let next = self.queue.peek().map_or(u64::MAX, |first| {
            let (time, thread, _) = first.0.parts();
            time + u64::from(me < thread)
        });
        self.limit = slice_end.min(next).min(look_up).min(self.end);
    }

    /// Puts a thread in the queue; what was there of it no longer counts.
    pub(crate) fn push(&mut self, time: u64, thread: u32) {
        let ticket = self.forget_entry(thread);
        self.queue.push(Reverse(Due::new(time, thread, ticket)));
        if let Some(me) = self.current {
            self.limit = self.limit.min(time + u64::from(me < thread));
        }
    }

    /// Whatever the queue holds of this thread no longer counts.
    pub(crate) fn forget_entry(&mut self, thread: u32) -> u32 {
        let ticket = &mut self.threads[thread as usize].ticket;
        *ticket = ticket.wrapping_add(1);
        *ticket
    }

    /// Chooses the thread to run next; `None` if no thread ever will, or it would lead nowhere.
    pub(crate) fn next(&mut self) -> Option<u32> {
        if self.failure.is_some() || self.leads_nowhere() {
            return None;
        }
        if let Some(thread) = self.chosen.take() {
            return Some(self.resume(thread));
        }
        self.current = None;
        loop {
            while let Some(Reverse(due)) = self.queue.pop() {
                let (time, thread, ticket) = due.parts();
                let t = &self.threads[thread as usize];
                if t.ticket != ticket {
                    continue;
                }
                if time >= self.end {
                    self.failure = Some(self.out_of_time());
                }
                if self.failure.is_some() || self.leads_nowhere() {
                    return None;
                }
                match t.doing {
                    Doing::Running => return Some(self.resume(thread)),
                    Doing::Spinning => self.slice_of_sleeper_ends(thread, time),
                    Doing::Futex(address) => self.time_out(thread, address, time),
                    Doing::Ready | Doing::Joining(_) | Doing::Finished => {
                        unreachable!("has no time in the queue")
                    }
                }
            }
            if !self.rouse() {
                return None;
            }
        }
    }

    fn resume(&mut self, thread: u32) -> u32 {
        self.current = Some(thread);
        self.set_limit(thread);
        thread
    }

    /// Everybody is asleep. A bounded spin loop would end by itself, so the spinners get more turns; not for ever.
    fn rouse(&mut self) -> bool {
        let asleep = |t: &Thread| t.doing == Doing::Spinning;
        let turns = self
            .threads
            .iter()
            .filter(|t| asleep(t))
            .map(|t| u64::from(t.window.patience.max(1024)))
            .sum::<u64>();
        self.count_idle(ROUSED * turns);
        if turns == 0 || self.leads_nowhere() {
            return false;
        }
        for thread in 0..self.threads.len() {
            let t = &mut self.threads[thread];
            if t.doing == Doing::Spinning {
                t.window.patience = (2 * t.window.patience).max(1024);
                let clock = t.clock;
                self.wake_spinner(thread as u32, clock);
            }
        }
        true
    }

    /// Adds to the current thread's clock.
    #[inline]
    pub(crate) fn spend(&mut self, time: u64) {
        self.me().clock += time;
    }

    /// Notes turns in which nothing changed.
    #[inline]
    pub(crate) fn count_idle(&mut self, turns: u64) {
        self.idle += turns;
        if self.leads_nowhere() {
            // However little time it takes, the next turn must be taken.
            self.limit = 0;
        }
    }

    /// There is another thread that may look for long before it sleeps.
    pub(crate) fn allow_looks(&mut self) {
        let threads = self.threads.len();
        self.long = long(threads);
        self.idle_bound = IDLE + 2 * u64::from(self.long) * threads as u64;
    }

    /// Whether nothing has changed for so long that nothing will.
    #[inline]
    pub(crate) fn leads_nowhere(&self) -> bool {
        self.idle > self.idle_bound
    }

    /// Memory changed, or something else happened that lets threads go on.
    #[inline]
    pub(crate) fn progress(&mut self) {
        self.idle = 0;
    }
}
