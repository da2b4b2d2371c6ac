//! Barriers: each thread waits until all have arrived.

mod arrival;
mod arrivals;
mod central;
#[cfg(feature = "alloc")]
mod combining;
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
