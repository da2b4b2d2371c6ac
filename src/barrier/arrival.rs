//! The split phase of the central barrier, and the guard that poisons it.

use core::fmt;
#[cfg(feature = "std")]
use core::time::Duration;

#[cfg(feature = "std")]
use super::WaitError;
#[cfg(feature = "std")]
use super::arrivals::TakenBack;
use super::arrivals::{Counted, Duty};
use super::central::{Barrier, result};
use super::gate::Claim;
#[cfg(feature = "std")]
use super::gate::{Gate, Passed};
use super::step::{NoStep, Step};
#[cfg(feature = "std")]
use super::unwinding::Unwinding;
use super::{BarrierWaitResult, Poisoned};
#[cfg(feature = "std")]
use crate::backend::time;

/// An arrival at a [`Barrier`], to be waited for later: what [`Barrier::arrive`] returns.
///
/// It belongs to the barrier and the episode of its arrival, and can be waited with once. If it is dropped or forgotten, the
/// arrival counts all the same, and the thread goes on without waiting; the leader of the episode may then be missing. If it is
/// dropped by a panic, the barrier is poisoned, since the thread will not arrive in the next episode.
///
/// It may be waited with while 267 million later episodes (2^28 - 2^20) are completed. If it is kept for longer, it is mistaken
/// for an arrival in the episode whose number is the same, 2^28 later: until that is over, `wait` waits for it, and
/// `wait_timeout` returns as if it were complete, or takes an arrival of another thread back.
#[must_use = "an arrival is to be waited with; dropped, its thread goes on before the others have arrived"]
pub struct Arrival<'barrier, S = NoStep> {
    barrier: &'barrier Barrier<S>,
    counted: Result<Counted, Poisoned>,
    #[cfg(feature = "std")]
    _poisons: PoisonOnPanic<'barrier>,
}

impl<'barrier, S: Step> Arrival<'barrier, S> {
    #[inline]
    pub(super) fn new(barrier: &'barrier Barrier<S>, counted: Result<Counted, Poisoned>) -> Self {
        Arrival {
            barrier,
            counted,
            #[cfg(feature = "std")]
            _poisons: PoisonOnPanic::new(&barrier.gate),
        }
    }

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
        let Barrier { gate, yields, .. } = self.barrier;
        self.barrier.refuse_inside();
        let counted = self.counted?;
        if counted.duty != Duty::Wait {
            return Ok(BarrierWaitResult::of(true));
        }
        result(gate.wait(counted.episode, Claim::Leadership, counted.expected, yields))
    }

    /// The same, but no longer than `timeout`. Then the arrival is taken back; see [`Barrier::wait_timeout`].
    ///
    /// # Errors
    ///
    /// If the others have not come in time, or if the barrier is poisoned.
    ///
    /// # Panics
    ///
    /// Inside the completion step of the barrier.
    ///
    /// ```
    /// # use linchpin::barrier::{Barrier, WaitError};
    /// # use std::time::Duration;
    /// let barrier = Barrier::new(2);
    /// let arrival = barrier.arrive();
    /// assert_eq!(arrival.wait_timeout(Duration::ZERO).unwrap_err(), WaitError::TimedOut);
    /// ```
    #[cfg(feature = "std")]
    pub fn wait_timeout(self, timeout: Duration) -> Result<BarrierWaitResult, WaitError> {
        // A time that the clock cannot say never comes.
        let Some(deadline) = time::after(timeout) else {
            return self.wait().map_err(WaitError::from);
        };
        let Barrier { gate, yields, .. } = self.barrier;
        self.barrier.refuse_inside();
        let Counted {
            episode,
            duty,
            expected,
        } = self.counted?;
        if duty != Duty::Wait {
            return Ok(BarrierWaitResult::of(true));
        }
        let passed = match gate.wait_until(episode, expected, yields, deadline) {
            Passed::TimedOut => match self.barrier.arrivals.take_back(episode) {
                TakenBack::Done => return Err(WaitError::TimedOut),
                // The gate is about to open.
                TakenBack::Complete => gate.wait(episode, Claim::Leadership, expected, yields),
                TakenBack::Unknown if gate.is_poisoned() => Passed::Poisoned,
                TakenBack::Unknown => Passed::Through,
            },
            passed => passed,
        };
        Ok(result(passed)?)
    }
}

impl<S> fmt::Debug for Arrival<'_, S> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Arrival").finish_non_exhaustive()
    }
}

/// Poisons a [`Barrier`] if a panic drops it: what [`Barrier::poison_on_panic`] returns.
///
/// One that is made while a thread is already unwinding does nothing in that thread.
#[cfg(feature = "std")]
#[must_use = "it poisons the barrier only while it lives"]
pub struct PoisonOnPanic<'barrier> {
    gate: &'barrier Gate,
    unwinding: Unwinding,
}

#[cfg(feature = "std")]
impl<'barrier> PoisonOnPanic<'barrier> {
    #[inline]
    pub(super) fn new(gate: &'barrier Gate) -> Self {
        PoisonOnPanic {
            gate,
            unwinding: Unwinding::now(),
        }
    }
}

#[cfg(feature = "std")]
impl Drop for PoisonOnPanic<'_> {
    #[inline]
    fn drop(&mut self) {
        if self.unwinding.has_begun() {
            self.gate.poison();
        }
    }
}

#[cfg(feature = "std")]
impl fmt::Debug for PoisonOnPanic<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("PoisonOnPanic").finish_non_exhaustive()
    }
}
