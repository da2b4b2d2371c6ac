//! The split phase of the central barrier, and the guard that poisons it.

use core::fmt;
#[cfg(feature = "std")]
use core::time::Duration;

#[cfg(feature = "std")]
use super::WaitError;
use super::arrivals::Counted;
use super::central::{Barrier, result};
#[cfg(feature = "std")]
use super::gate::{Gate, Passed};
use super::step::{NoStep, Step};
use super::{BarrierWaitResult, Poisoned};
#[cfg(feature = "std")]
use crate::backend::{thread, time};

/// An arrival at a [`Barrier`], to be waited for later: what [`Barrier::arrive`] returns.
///
/// It belongs to the barrier and the episode of its arrival, and can be waited with once. If it is dropped or forgotten, the
/// arrival counts all the same, and the thread goes on without waiting; the leader of the episode may then be missing. If it is
/// dropped by a panic, the barrier is poisoned, since the thread will not arrive in the next episode.
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
    #[inline]
    pub fn wait(self) -> Result<BarrierWaitResult, Poisoned> {
        let counted = self.counted?;
        if counted.is_last {
            return Ok(BarrierWaitResult::of(true));
        }
        result(
            self.barrier
                .gate
                .wait(counted.episode, counted.expected, &self.barrier.yields),
        )
    }

    /// The same, but no longer than `timeout`. Then the arrival is taken back; see [`Barrier::wait_timeout`].
    ///
    /// # Errors
    ///
    /// If the others have not come in time, or if the barrier is poisoned.
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
        let counted = self.counted?;
        if counted.is_last {
            return Ok(BarrierWaitResult::of(true));
        }
        let Counted { episode, expected, .. } = counted;
        let passed = match self
            .barrier
            .gate
            .wait_until(episode, expected, &self.barrier.yields, deadline)
        {
            Passed::TimedOut if self.barrier.arrivals.take_back(episode) => return Err(WaitError::TimedOut),
            // The last has arrived: the gate is about to open.
            Passed::TimedOut => self.barrier.gate.wait(episode, expected, &self.barrier.yields),
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
/// One that is made while the thread is already unwinding does nothing.
#[cfg(feature = "std")]
#[must_use = "it poisons the barrier only while it lives"]
pub struct PoisonOnPanic<'barrier> {
    gate: &'barrier Gate,
    was_unwinding: bool,
}

#[cfg(feature = "std")]
impl<'barrier> PoisonOnPanic<'barrier> {
    #[inline]
    pub(super) fn new(gate: &'barrier Gate) -> Self {
        PoisonOnPanic {
            gate,
            was_unwinding: thread::is_unwinding(),
        }
    }
}

#[cfg(feature = "std")]
impl Drop for PoisonOnPanic<'_> {
    #[inline]
    fn drop(&mut self) {
        if thread::is_unwinding() && !self.was_unwinding {
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
