//! Barriers: each thread waits until all have arrived.
//!
//! [`Barrier`] takes the place of [`std::sync::Barrier`]. The others hand out a [`Participant`] for each thread, and differ in
//! how the threads tell one another. All spin for a few microseconds while there may be a core for each thread, and then
//! sleep; with more threads than cores they yield and sleep.
//!
//! # Which barrier for how many threads
//!
//! Nanoseconds for an episode of threads that have a core each and do nothing else, from the cost model in `coherence`
//! (`bills/tests/barriers.rs`), on one socket. They compare; they do not predict.
//!
//! | machine | barrier | 2 | 4 | 8 | 16 | 32 | 64 |
//! |---|---|---|---|---|---|---|---|
//! | Xeon 8375C | [`Barrier`] | 169 | 271 | 478 | 883 | 1686 | |
//! | | [`CombiningBarrier`] | 162 | 264 | 522 | 932 | 1818 | |
//! | | [`TreeBarrier`], [`WakeUp::Tree`] | 204 | 362 | 724 | 888 | 1291 | |
//! | | [`TreeBarrier`], [`WakeUp::Global`] | 205 | 307 | 708 | 1211 | 2290 | |
//! | | [`TournamentBarrier`] | 204 | 408 | 612 | 816 | 1020 | |
//! | | [`DisseminationBarrier`] | **107** | **214** | **322** | **429** | **536** | |
//! | Graviton 3 | [`Barrier`] | 156 | 248 | 431 | 800 | 1536 | 2996 |
//! | | [`CombiningBarrier`] | 149 | 241 | 478 | 849 | 1633 | 3076 |
//! | | [`TreeBarrier`], [`WakeUp::Tree`] | 184 | 327 | 654 | 803 | 1166 | 1268 |
//! | | [`TreeBarrier`], [`WakeUp::Global`] | 186 | 370 | 703 | 1083 | 2001 | 3441 |
//! | | [`TournamentBarrier`] | 184 | 368 | 552 | 736 | 920 | 1104 |
//! | | [`DisseminationBarrier`] | **97** | **194** | **292** | **389** | **486** | **583** |
//! | EPYC 9654 | [`Barrier`] | 97 | 151 | 259 | 1252 | 2731 | 5011 |
//! | | [`CombiningBarrier`] | 90 | 144 | 286 | 773 | 1445 | 2685 |
//! | | [`TreeBarrier`], [`WakeUp::Tree`] | 108 | 194 | 388 | 936 | 1466 | 1992 |
//! | | [`TreeBarrier`], [`WakeUp::Global`] | 109 | 190 | 400 | 1134 | 1939 | 3250 |
//! | | [`TournamentBarrier`] | 108 | 216 | 324 | 714 | 1104 | 1494 |
//! | | [`DisseminationBarrier`] | **59** | **118** | **178** | **589** | **790** | **990** |
//!
//! So: with **more threads than cores**, or a number that is not known, [`Barrier`], or [`CombiningBarrier`] to leave by
//! dropping. With **a core for each thread**, up to eight or so [`Barrier`] unless the nanoseconds count;
//! from there on, [`DisseminationBarrier`] is the fastest. It also moves the most lines (`2 n ceil(log2 n)` transactions; a tree
//! `4 n - 4`, [`Barrier`] `2 n - 1`): where the other cores have work of their own, or a completion step is asked for,
//! [`TournamentBarrier`] or [`TreeBarrier`].
//!
//! # What each can do
//!
//! | | [`Barrier`] | [`CombiningBarrier`] | [`TreeBarrier`], [`TournamentBarrier`] | [`DisseminationBarrier`] |
//! |---|---|---|---|---|
//! | the leader | the last to arrive | the last to arrive | participant 0 | participant 0 |
//! | split phase | yes | yes | no | no |
//! | time-out that takes the arrival back | yes | no | no | no |
//! | leaving | yes | yes | ends it for all | ends it for all |
//! | poison | yes | yes | yes | yes |
//! | completion step | yes | yes | yes | no |
//! | memory, in lines | 3 | n / 3 | 2 n | n log2 n |
//!
//! Where a cell says *no*, the others would have to be told of it at each level of a tree whose places are given, which
//! costs every episode; the type does without.

mod arrival;
mod arrivals;
mod central;
#[cfg(feature = "alloc")]
mod combining;
mod completing;
#[cfg(feature = "alloc")]
mod dissemination;
#[cfg(feature = "alloc")]
mod fixed;
mod gate;
#[cfg(feature = "alloc")]
mod participant;
mod patience;
#[cfg(feature = "alloc")]
mod signals;
mod step;
#[cfg(feature = "std")]
mod unwinding;

use core::fmt;

pub use arrival::Arrival;
#[cfg(feature = "std")]
pub use arrival::PoisonOnPanic;
pub use central::Barrier;
#[cfg(feature = "alloc")]
pub use combining::{CombiningBarrier, PendingArrival};
#[cfg(feature = "alloc")]
pub use dissemination::DisseminationBarrier;
#[cfg(feature = "alloc")]
pub use fixed::{TournamentBarrier, TreeBarrier, WakeUp};
#[cfg(feature = "std")]
pub use participant::ParticipantGuard;
#[cfg(feature = "alloc")]
pub use participant::{Kind, Participant};
pub use step::{NoStep, Step};

/// Whether this is an execution of a model that has failed, so that destructors must touch nothing of it.
#[inline]
fn is_abandoned() -> bool {
    #[cfg(feature = "std")]
    return crate::backend::hint::is_abandoned();
    #[cfg(not(feature = "std"))]
    false
}

/// What a completed wait returns: whether this thread is the leader of the episode.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct BarrierWaitResult {
    is_leader: bool,
}

impl BarrierWaitResult {
    #[inline]
    fn of(is_leader: bool) -> Self {
        BarrierWaitResult { is_leader }
    }

    /// Whether this thread is the leader: in each episode exactly one is.
    #[inline]
    #[must_use]
    pub fn is_leader(&self) -> bool {
        self.is_leader
    }
}

impl fmt::Debug for BarrierWaitResult {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut fields = formatter.debug_struct("BarrierWaitResult");
        fields.field("is_leader", &self.is_leader).finish()
    }
}

/// The episode never completes: a participant has panicked or gone, and will not arrive any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Poisoned;

impl fmt::Display for Poisoned {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("the barrier is poisoned: a participant will not arrive any more")
    }
}

impl core::error::Error for Poisoned {}

/// Why a wait with a time-out has failed.
#[cfg(feature = "std")]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WaitError {
    /// The others have not come in time. This thread's arrival has been taken back.
    TimedOut,
    /// The episode never completes.
    Poisoned,
}

#[cfg(feature = "std")]
impl From<Poisoned> for WaitError {
    fn from(_: Poisoned) -> Self {
        WaitError::Poisoned
    }
}

#[cfg(feature = "std")]
impl fmt::Display for WaitError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            WaitError::TimedOut => formatter.write_str("the other participants have not arrived in time"),
            WaitError::Poisoned => Poisoned.fmt(formatter),
        }
    }
}

#[cfg(feature = "std")]
impl core::error::Error for WaitError {}

#[cfg(all(test, feature = "std"))]
mod tests;
