//! The barriers in which each participant has a fixed place in a tree: Mellor-Crummey and Scott's, and the tournament.

use alloc::vec::Vec;
use core::fmt;

use crossbeam_utils::CachePadded;

use super::Poisoned;
use super::gate::{Claim, Episode, Gate, Offer, Passed};
use super::participant::{Departure, Kind, Participant, check, sealed};
use super::signals::{Progress, Signals};
use super::step::{NoStep, Step, StepCell};
use crate::backend::cell::UnsafeCell;
use crate::backend::hint;

/// How the participants of a [`TreeBarrier`] or a [`TournamentBarrier`] are released.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum WakeUp {
    /// `Tree` if there is a core for each participant where the barrier is made, and else `Global`.
    #[default]
    Auto,
    /// Along a tree: each releases a few others. Nothing is shared by more than two.
    Tree,
    /// By one flag that all look at: with more threads than cores, where each level of a tree takes a context switch.
    Global,
}

impl WakeUp {
    fn is_global(self, participants: usize) -> bool {
        match self {
            WakeUp::Tree => false,
            WakeUp::Global => true,
            #[cfg(feature = "std")]
            WakeUp::Auto => participants > crate::backend::thread::parallelism(),
            #[cfg(not(feature = "std"))]
            WakeUp::Auto => {
                let _ = participants;
                false
            }
        }
    }
}

/// The two flags of a participant: set when it and all below it have arrived, and set to release it.
fn arrived(participant: usize) -> usize {
    2 * participant
}

fn released(participant: usize) -> usize {
    2 * participant + 1
}

/// What is the same in both.
struct Fixed<S> {
    n: usize,
    signals: Signals,
    global: Option<CachePadded<Gate>>,
    step: StepCell<S>,
}

impl<S> Fixed<S> {
    fn new(n: usize, wake_up: WakeUp, step: S, episode: u32) -> Self {
        let participants = check(n);
        Fixed {
            n,
            signals: Signals::new(2 * n, participants, episode),
            global: wake_up.is_global(n).then(|| CachePadded::new(Gate::at(episode))),
            step: StepCell(UnsafeCell::new(step)),
        }
    }

    /// No episode from this on completes.
    fn break_from(&self, progress: Progress) {
        self.signals.break_from(progress.episode);
        if let Some(gate) = &self.global {
            gate.poison();
        }
    }
}

impl<S: Step> Fixed<S> {
    /// An episode: waits for those `below`, tells the one above, is released, and releases those `after`.
    #[inline]
    fn meet(
        &self,
        me: usize,
        progress: Progress,
        below: impl Iterator<Item = usize>,
        after: impl Iterator<Item = usize>,
    ) -> Result<bool, Poisoned> {
        self.step.refuse_inside(&self.signals);
        self.signals.refuse_broken(progress)?;
        for other in below {
            self.signals.wait(arrived(other), progress)?;
        }
        if me == 0 {
            if S::RUNS {
                let breaks = Breaks(self, progress);
                // SAFETY: participant 0 alone runs it, once in an episode, before it waits again.
                unsafe { self.step.run(&self.signals) };
                core::mem::forget(breaks);
            }
        } else {
            self.signals.set(arrived(me));
        }
        match &self.global {
            None if me == 0 => {}
            None => self.signals.wait(released(me), progress)?,
            Some(gate) if me == 0 => {
                gate.wake(gate.open(Offer::NOTHING, || {})?);
                return Ok(true);
            }
            Some(gate) => {
                let (episode, n) = (Episode::new(progress.episode), self.n as u32);
                return match gate.wait(episode, Claim::Nothing, n, &self.signals.yields) {
                    Passed::Poisoned => Err(Poisoned),
                    _ => Ok(false),
                };
            }
        }
        for other in after {
            self.signals.set(released(other));
        }
        Ok(me == 0)
    }
}

/// Breaks an episode when it is dropped.
struct Breaks<'barrier, S>(&'barrier Fixed<S>, Progress);

impl<S> Drop for Breaks<'_, S> {
    fn drop(&mut self) {
        if !super::is_abandoned() {
            self.0.break_from(self.1);
        }
    }
}

macro_rules! fixed {
    ($barrier:ident: $below:ident, $after:ident) => {
        impl<S> fmt::Debug for $barrier<S> {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter
                    .debug_struct(stringify!($barrier))
                    .finish_non_exhaustive()
            }
        }

        impl<S: Step> Kind for $barrier<S> {}

        #[allow(private_interfaces, reason = "the trait is sealed")]
        impl<S: Step> sealed::Kind for $barrier<S> {
            #[inline]
            fn meet(&self, me: usize, progress: Progress) -> Result<bool, Poisoned> {
                let n = self.0.n;
                self.0.meet(me, progress, $below(me, n), $after(me, n))
            }

            fn leave(&self, _me: usize, progress: Progress, _departure: Departure) {
                self.0.break_from(progress);
            }

            fn poison(&self, progress: Progress) {
                self.0.break_from(progress);
            }

            fn is_poisoned(&self) -> bool {
                self.0.signals.is_broken_ever()
            }
        }
    };
}

/// Mellor-Crummey and Scott's tree barrier (ACM TOCS 1991): each participant waits for four below it, and wakes two.
///
/// * **Guarantee**: as [`Barrier`](super::Barrier). The leader is always participant 0, the root.
/// * **Cost**: `2n - 2` flags are set in an episode, each on a line of its own that two threads share; the critical path is
///   `ceil(log4 n) + ceil(log2 n)` of them. Two lines of memory for each participant. The least traffic of all, for many
///   threads with a core each.
/// * **More threads than cores**: each level of the tree takes context switches, so all are released by one flag then, unless
///   [`WakeUp`] says otherwise; a [`Barrier`](super::Barrier) still takes far fewer.
/// * **What it does not offer**: There is no split phase, since an
///   inner participant has to wait for those below it before it can tell the one above; no time-out and no leaving,
///   since the others could not do without its place in the tree.
///
/// ```
/// use linchpin::barrier::TreeBarrier;
///
/// std::thread::scope(|scope| {
///     for mut participant in TreeBarrier::new(5) {
///         scope.spawn(move || {
///             for _ in 0..100 {
///                 participant.wait().unwrap();
///             }
///         });
///     }
/// });
/// ```
pub struct TreeBarrier<S = NoStep>(Fixed<S>);

fixed!(TreeBarrier: below, after);

/// How many a participant waits for, and how many it releases. In a model so few that three have one in the middle.
const BELOW: usize = hint::tuned(4, 1);
const AFTER: usize = hint::tuned(2, 1);

fn below(me: usize, n: usize) -> impl Iterator<Item = usize> {
    (BELOW * me + 1..=BELOW * (me + 1)).take_while(move |&other| other < n)
}

fn after(me: usize, n: usize) -> impl Iterator<Item = usize> {
    (AFTER * me + 1..=AFTER * (me + 1)).take_while(move |&other| other < n)
}

impl TreeBarrier {
    /// The participants of a barrier for `n`, released as [`WakeUp::Auto`] says.
    ///
    /// # Panics
    ///
    /// If `n` is 0 or above 65,535.
    #[allow(clippy::new_ret_no_self, reason = "a barrier is used by its participants only")]
    pub fn new(n: usize) -> Vec<Participant<Self>> {
        Self::with_step(n, WakeUp::Auto, NoStep)
    }

    /// The same, released in another way.
    ///
    /// # Panics
    ///
    /// If `n` is 0 or above 65,535.
    pub fn with_wake_up(n: usize, wake_up: WakeUp) -> Vec<Participant<Self>> {
        Self::with_step(n, wake_up, NoStep)
    }
}

impl<S: Step> TreeBarrier<S> {
    /// The same with a completion step, which participant 0 runs; see [`Barrier::with_step`](super::Barrier::with_step).
    ///
    /// # Panics
    ///
    /// If `n` is 0 or above 65,535.
    pub fn with_step(n: usize, wake_up: WakeUp, step: S) -> Vec<Participant<Self>> {
        Self::starting_at(0, n, wake_up, step)
    }

    pub(super) fn starting_at(episode: u32, n: usize, wake_up: WakeUp, step: S) -> Vec<Participant<Self>> {
        Participant::all(TreeBarrier(Fixed::new(n, wake_up, step, episode)), n, episode)
    }
}

/// The tournament barrier (Hensgen, Finkel and Manber 1988): pairs meet in rounds, and the winner of each is known beforehand.
///
/// * **Guarantee**: as [`Barrier`](super::Barrier). The leader is always participant 0, the champion.
/// * **Cost**: `2n - 2` flags, as the [`TreeBarrier`], of which `2 ceil(log2 n)` follow one another. Two lines of memory for
///   each participant.
/// * **More threads than cores**, and **what it does not offer**: as with the tree.
///
/// ```
/// use linchpin::barrier::TournamentBarrier;
///
/// let mut participants = TournamentBarrier::new(2);
/// let mut other = participants.pop().unwrap();
/// std::thread::scope(|scope| {
///     scope.spawn(move || other.wait().unwrap());
///     assert!(participants[0].wait().unwrap().is_leader());
/// });
/// ```
pub struct TournamentBarrier<S = NoStep>(Fixed<S>);

fixed!(TournamentBarrier: losers, losers_backwards);

/// How many rounds participant `me` can win: it loses to another in the one that follows.
fn rounds(me: usize, n: usize) -> u32 {
    let last = (n - 1).checked_ilog2().map_or(0, |log| log + 1);
    if me == 0 { last } else { me.trailing_zeros() }
}

/// The opponent of `me` in each round that it wins, but for those in which it has none.
fn losers(me: usize, n: usize) -> impl Iterator<Item = usize> {
    (0..rounds(me, n))
        .map(move |round| me + (1 << round))
        .filter(move |&other| other < n)
}

fn losers_backwards(me: usize, n: usize) -> impl Iterator<Item = usize> {
    (0..rounds(me, n))
        .rev()
        .map(move |round| me + (1 << round))
        .filter(move |&other| other < n)
}

impl TournamentBarrier {
    /// The participants of a barrier for `n`, released as [`WakeUp::Auto`] says.
    ///
    /// # Panics
    ///
    /// If `n` is 0 or above 65,535.
    #[allow(clippy::new_ret_no_self, reason = "a barrier is used by its participants only")]
    pub fn new(n: usize) -> Vec<Participant<Self>> {
        Self::with_step(n, WakeUp::Auto, NoStep)
    }

    /// The same, released in another way.
    ///
    /// # Panics
    ///
    /// If `n` is 0 or above 65,535.
    pub fn with_wake_up(n: usize, wake_up: WakeUp) -> Vec<Participant<Self>> {
        Self::with_step(n, wake_up, NoStep)
    }
}

impl<S: Step> TournamentBarrier<S> {
    /// The same with a completion step, which participant 0 runs; see [`Barrier::with_step`](super::Barrier::with_step).
    ///
    /// # Panics
    ///
    /// If `n` is 0 or above 65,535.
    pub fn with_step(n: usize, wake_up: WakeUp, step: S) -> Vec<Participant<Self>> {
        Self::starting_at(0, n, wake_up, step)
    }

    pub(super) fn starting_at(episode: u32, n: usize, wake_up: WakeUp, step: S) -> Vec<Participant<Self>> {
        Participant::all(TournamentBarrier(Fixed::new(n, wake_up, step, episode)), n, episode)
    }
}
