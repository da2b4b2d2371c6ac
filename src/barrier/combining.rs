//! The combining barrier: arrivals are counted in a tree of small counters, and one flag releases all.

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::fmt;

use crossbeam_utils::CachePadded;

use super::gate::{Claim, Episode, Gate, Offer, Passed};
use super::participant::{Departure, Kind, Participant, check, sealed};
use super::patience::Yields;
use super::signals::Progress;
use super::step::{NoStep, Step, StepCell};
use super::{BarrierWaitResult, Poisoned};
use crate::backend::atomic::{AcqRel, Acquire, AtomicU32, Relaxed, Release};
use crate::backend::cell::UnsafeCell;
use crate::backend::hint;

/// How many arrivals a counter takes at most. In a model so few that three participants make a tree.
const FAN_IN: usize = hint::tuned(4, 2);
/// A counter is `expected << 16 | arrived`.
const ONE_EXPECTED: u32 = 1 << 16;
const ARRIVED_MASK: u32 = ONE_EXPECTED - 1;

/// Yew, Tzeng and Lawrie's software combining tree (IEEE Transactions on Computers 1987), with one flag to wake all.
///
/// Four participants share a counter; the last of them goes on to the counter above. It is the tree whose arrivals wait for
/// no other thread, and so the one that can do what [`Barrier`](super::Barrier) can, but for time-outs.
///
/// * **Guarantee**: as [`Barrier`](super::Barrier). The leader is the last to arrive, or where a participant completes the
///   episode by leaving, the first to see that: of those that wait in it, one in any case.
/// * **Cost**: an RMW on a counter for each participant, and for each counter one above, `log4 n` of them one after the
///   other; then all look at one line. One line of memory for three participants.
/// * **Split phase**: [`arrive`](Participant::arrive). **Leaving**: drop the participant, or
///   [`arrive_and_drop`](Participant::arrive_and_drop).
/// * **Not for** few threads, which meet sooner at one counter. There is no time-out: an arrival may have been passed on
///   as one of four, and cannot be taken back.
///
/// ```
/// use linchpin::barrier::CombiningBarrier;
///
/// std::thread::scope(|scope| {
///     for (rounds, mut participant) in CombiningBarrier::new(10).into_iter().enumerate() {
///         scope.spawn(move || {
///             for _ in 0..rounds {
///                 participant.wait().unwrap();
///             }
///             // Here it leaves, and the others go on without it.
///         });
///     }
/// });
/// ```
pub struct CombiningBarrier<S = NoStep> {
    /// Level by level, the leaves first and the root last.
    counters: Box<[CachePadded<Counter>]>,
    gate: CachePadded<Gate>,
    yields: CachePadded<Yields>,
    step: StepCell<S>,
    n: u32,
}

#[derive(Debug)]
struct Counter {
    count: AtomicU32,
    /// Of a leaf: a bit for each of its participants that leaves when the present episode is over.
    leaving: AtomicU32,
    /// The counter above; the root has itself.
    above: usize,
}

/// A counter for each `FAN_IN` of `n`, and so on.
fn tree(n: usize) -> Box<[CachePadded<Counter>]> {
    let mut counters = Vec::new();
    let mut below = n;
    loop {
        let level = counters.len();
        let width = below.div_ceil(FAN_IN);
        for place in 0..width {
            let expected = FAN_IN.min(below - place * FAN_IN) as u32;
            counters.push(CachePadded::new(Counter {
                count: AtomicU32::new(expected * ONE_EXPECTED),
                leaving: AtomicU32::new(0),
                above: level + width + place / FAN_IN,
            }));
        }
        if width == 1 {
            counters[level].above = level;
            return counters.into_boxed_slice();
        }
        below = width;
    }
}

impl CombiningBarrier {
    /// The participants of a barrier for `n`.
    ///
    /// # Panics
    ///
    /// If `n` is 0 or above 65,535.
    #[allow(clippy::new_ret_no_self, reason = "a barrier is used by its participants only")]
    pub fn new(n: usize) -> Vec<Participant<Self>> {
        Self::with_step(n, NoStep)
    }
}

/// What a thread does at a counter.
#[derive(Clone, Copy)]
enum Visit {
    Arrives,
    /// It expects one fewer from now on.
    Leaves,
}

impl<S: Step> CombiningBarrier<S> {
    /// The same with a completion step, which the last to arrive runs, or a participant that completes the episode by
    /// leaving; see [`Barrier::with_step`](super::Barrier::with_step). In an episode in which none has arrived, as when all
    /// participants are dropped at the end, it does not run.
    ///
    /// # Panics
    ///
    /// If `n` is 0 or above 65,535.
    pub fn with_step(n: usize, step: S) -> Vec<Participant<Self>> {
        Self::starting_at(0, n, step)
    }

    pub(super) fn starting_at(episode: u32, n: usize, step: S) -> Vec<Participant<Self>> {
        let barrier = CombiningBarrier {
            n: check(n),
            counters: tree(n),
            gate: CachePadded::new(Gate::at(episode)),
            yields: CachePadded::new(Yields::new()),
            step: StepCell(UnsafeCell::new(step)),
        };
        Participant::all(barrier, n, episode)
    }

    /// Counts at the leaf of `me`, and as far up as that completes counters; whether it completes the episode.
    #[inline]
    fn count(&self, me: usize, mut visit: Visit) -> bool {
        let mut place = me / FAN_IN;
        loop {
            let counter = &self.counters[place];
            let (before, change) = match visit {
                // AcqRel, Release: what this thread and those below did happens before what any
                // thread does after the episode; Acquire: the last arrival synchronizes with all
                // others, and passes that on upwards. Weaker, one of them sees too little.
                // model: barrier::combining
                Visit::Arrives => (counter.count.fetch_add(1, AcqRel), 1),
                // AcqRel: as for an arrival, which leaving replaces.
                // model: barrier::combining_leaves
                Visit::Leaves => (
                    counter.count.fetch_sub(ONE_EXPECTED, AcqRel),
                    ONE_EXPECTED.wrapping_neg(),
                ),
            };
            let now = before.wrapping_add(change);
            let (arrived, expected) = (now & ARRIVED_MASK, now / ONE_EXPECTED);
            if arrived != expected {
                return false;
            }
            if arrived > 0 {
                // Relaxed: all that use this counter have arrived, and come back when they have seen the gate open.
                counter.count.store(expected * ONE_EXPECTED, Relaxed);
                visit = Visit::Arrives;
            }
            if counter.above == place {
                return arrived > 0;
            }
            place = counter.above;
        }
    }

    /// What the thread does that has completed the episode.
    #[inline]
    fn complete(&self, leaderless: bool) -> Result<(), Poisoned> {
        if self.gate.is_poisoned() {
            return Err(Poisoned);
        }
        // SAFETY: one thread completes an episode, and no thread arrives in the next before it has seen the gate open
        // for this one.
        unsafe { self.step.run_or_poison(&self.gate) };
        let offer = Offer {
            leadership: leaderless,
            completion: false,
        };
        let sleepers = self.gate.open(offer, || self.let_go())?;
        self.gate.wake(sleepers);
        Ok(())
    }

    /// Lets those leave that have asked for it, in the episode that begins when the gate is opened.
    #[cold]
    fn let_go(&self) {
        for (leaf, counter) in self.counters[..(self.n as usize).div_ceil(FAN_IN)].iter().enumerate() {
            // Relaxed: a leaver that has asked is found, by the Acquire in `open`.
            if counter.leaving.load(Relaxed) == 0 {
                continue;
            }
            // Acquire: what the leaver did happens before what any thread does after the next
            // episode, as for an arrival, which this replaces. An RMW, as another may set its bit.
            // model: barrier::combining_drops
            let leaving = counter.leaving.swap(0, Acquire);
            for place in (0..FAN_IN).filter(|place| leaving & 1 << place != 0) {
                // All counters are reset, and no thread arrives before the gate is open: that completes nothing.
                let completes = self.count(leaf * FAN_IN + place, Visit::Leaves);
                debug_assert!(!completes, "none has arrived in the episode that is about to begin");
            }
        }
    }

    /// Lets participant `me` leave that has arrived in this episode: when it is over, without waiting for that. False if it
    /// is over, and the participant to leave by itself.
    #[cold]
    fn leaves_later(&self, me: usize, progress: Progress) -> bool {
        let (leaving, bit) = (&self.counters[me / FAN_IN].leaving, 1 << (me % FAN_IN));
        // Release: synchronizes with the Acquire in `let_go`.
        // model: barrier::combining_drops
        leaving.fetch_or(bit, Release);
        if self.gate.leave_when_over(Episode::new(progress.episode)) {
            return true;
        }
        // Relaxed: this follows the opening. The thread that opened the gate may have found the bit all the same, where
        // another participant had asked it to look for such.
        if leaving.load(Relaxed) & bit == 0 {
            return true;
        }
        leaving.fetch_and(!bit, Relaxed);
        false
    }

    #[inline]
    fn arrive(&self, me: usize) -> Result<bool, Poisoned> {
        self.step.refuse_inside(&*self.gate);
        let is_last = self.count(me, Visit::Arrives);
        if is_last {
            self.complete(false)?;
        }
        Ok(is_last)
    }

    #[inline]
    fn await_gate(&self, progress: Progress, claim: Claim) -> Result<bool, Poisoned> {
        self.step.refuse_inside(&*self.gate);
        match self
            .gate
            .wait(Episode::new(progress.episode), claim, self.n, &self.yields)
        {
            Passed::Through => Ok(false),
            Passed::AsLeader => Ok(true),
            _ => Err(Poisoned),
        }
    }
}

impl<S> fmt::Debug for CombiningBarrier<S> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("CombiningBarrier").finish_non_exhaustive()
    }
}

impl<S: Step> Kind for CombiningBarrier<S> {}

#[allow(private_interfaces, reason = "the trait is sealed")]
impl<S: Step> sealed::Kind for CombiningBarrier<S> {
    #[inline]
    fn meet(&self, me: usize, progress: Progress) -> Result<bool, Poisoned> {
        match self.arrive(me)? {
            true => Ok(true),
            false => self.await_gate(progress, Claim::Leadership),
        }
    }

    fn leave(&self, me: usize, progress: Progress, departure: Departure) {
        match departure {
            Departure::Fails => self.gate.poison(),
            Departure::Pending if self.leaves_later(me, progress) => {}
            // A poisoned barrier has been left all the same.
            _ if self.count(me, Visit::Leaves) => _ = self.complete(true),
            _ => {}
        }
    }

    fn poison(&self, _progress: Progress) {
        self.gate.poison();
    }

    fn is_poisoned(&self) -> bool {
        self.gate.is_poisoned()
    }

    fn finish(&self, progress: Progress) -> Result<(), Poisoned> {
        self.await_gate(progress, Claim::Nothing).map(|_| ())
    }
}

impl<S: Step> Participant<CombiningBarrier<S>> {
    /// Arrives, and does not wait: what it returns does, later.
    ///
    /// The last arrival runs the completion step here, and releases the others.
    ///
    /// # Errors
    ///
    /// If the barrier is poisoned.
    ///
    /// # Panics
    ///
    /// Inside the completion step of the barrier; if this is the last arrival, and the step panics.
    ///
    /// ```
    /// # use linchpin::barrier::CombiningBarrier;
    /// let mut participants = CombiningBarrier::new(2);
    /// let mut other = participants.pop().unwrap();
    /// let early = other.arrive().unwrap();
    /// // ... what the others need not wait for ...
    /// participants[0].wait().unwrap();
    /// early.wait().unwrap();
    /// ```
    #[inline]
    pub fn arrive(&mut self) -> Result<PendingArrival<'_, S>, Poisoned> {
        self.settle()?;
        let is_last = self.barrier.arrive(self.me)?;
        self.has_failed = false;
        self.is_pending = true;
        Ok(PendingArrival {
            participant: self,
            is_last,
        })
    }

    /// Leaves for good: counts as an arrival in this episode, and all later ones expect one fewer.
    ///
    /// The same as dropping the participant. If it has arrived and not waited, it leaves as soon as that episode is over,
    /// and this does not wait for that.
    pub fn arrive_and_drop(self) {
        drop(self);
    }
}

/// An arrival at a [`CombiningBarrier`], to be waited for later: what [`arrive`](Participant::arrive) returns.
///
/// It borrows its participant, which can do nothing else meanwhile. If it is dropped or forgotten, the arrival counts all the
/// same. If the participant then waits or arrives, it first waits for the end of that episode; if it is dropped, it leaves as
/// soon as that is over, and waits for nothing.
#[must_use = "an arrival is to be waited with"]
pub struct PendingArrival<'participant, S: Step = NoStep> {
    participant: &'participant mut Participant<CombiningBarrier<S>>,
    is_last: bool,
}

impl<S: Step> PendingArrival<'_, S> {
    /// Waits until all have arrived.
    ///
    /// # Errors
    ///
    /// If the barrier is poisoned before the episode is complete.
    ///
    /// # Panics
    ///
    /// Inside the completion step of the barrier.
    #[inline]
    pub fn wait(self) -> Result<BarrierWaitResult, Poisoned> {
        let participant = self.participant;
        let met = match self.is_last {
            true => Ok(true),
            false => participant.barrier.await_gate(participant.progress, Claim::Leadership),
        };
        participant.is_pending = false;
        participant.has_failed = true;
        participant.conclude(met)
    }
}

impl<S: Step> fmt::Debug for PendingArrival<'_, S> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("PendingArrival").finish_non_exhaustive()
    }
}
