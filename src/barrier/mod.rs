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
//! | Xeon 8375C | [`Barrier`] | 171 | 273 | 477 | 881 | 1701 | |
//! | | [`CombiningBarrier`] | 164 | 266 | 528 | 936 | 1828 | |
//! | | [`TreeBarrier`], [`WakeUp::Tree`] | 208 | 366 | 730 | 894 | 1301 | |
//! | | [`TreeBarrier`], [`WakeUp::Global`] | 210 | 363 | 774 | 1219 | 2227 | |
//! | | [`TournamentBarrier`] | 208 | 415 | 622 | 829 | 1036 | |
//! | | [`DisseminationBarrier`] | **109** | **216** | **323** | **430** | **537** | |
//! | Graviton 3 | [`Barrier`] | 158 | 250 | 438 | 791 | 1534 | 2985 |
//! | | [`CombiningBarrier`] | 151 | 244 | 479 | 848 | 1655 | 3108 |
//! | | [`TreeBarrier`], [`WakeUp::Tree`] | 190 | 333 | 662 | 810 | 1179 | 1281 |
//! | | [`TreeBarrier`], [`WakeUp::Global`] | 192 | 376 | 733 | 1103 | 2026 | 3451 |
//! | | [`TournamentBarrier`] | 190 | 378 | 565 | 753 | 941 | 1129 |
//! | | [`DisseminationBarrier`] | **99** | **196** | **294** | **391** | **488** | **585** |
//! | EPYC 9654 | [`Barrier`] | 98 | 152 | 260 | 1198 | 2758 | 5032 |
//! | | [`CombiningBarrier`] | 92 | 146 | 289 | 792 | 1459 | 2676 |
//! | | [`TreeBarrier`], [`WakeUp::Tree`] | 112 | 198 | 394 | 943 | 1476 | 2003 |
//! | | [`TreeBarrier`], [`WakeUp::Global`] | 113 | 194 | 404 | 1141 | 1893 | 3229 |
//! | | [`TournamentBarrier`] | 112 | 223 | 333 | 726 | 1119 | 1512 |
//! | | [`DisseminationBarrier`] | **61** | **120** | **179** | **591** | **791** | **991** |
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
