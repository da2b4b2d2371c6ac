//! The dissemination barrier: in each round a participant tells one twice as far away.

use alloc::vec::Vec;
use core::fmt;

use super::Poisoned;
use super::participant::{Departure, Kind, Participant, check, sealed};
use super::signals::{Progress, Signals};

/// The dissemination barrier (Hensgen, Finkel and Manber 1988): after `ceil(log2 n)` rounds each knows of all others.
///
/// * **Guarantee**: as [`Barrier`](super::Barrier). The leader is always participant 0.
/// * **Cost**: `n ceil(log2 n)` flags are set in an episode, of which `ceil(log2 n)` follow one another: the shortest
///   critical path, since no thread is woken. As many lines of memory. With two threads it is an exchange of flags.
/// * **Not for** more threads than cores: each round takes a context switch of each thread. There is no split phase, as each
///   round waits for another; no time-out and no leaving; and no completion step, since there is no moment when all
///   have arrived and none has left that one participant knows of.
///
/// ```
/// use linchpin::barrier::DisseminationBarrier;
///
/// std::thread::scope(|scope| {
///     for mut participant in DisseminationBarrier::new(3) {
///         scope.spawn(move || participant.wait().unwrap());
///     }
/// });
/// ```
pub struct DisseminationBarrier {
    n: usize,
    rounds: usize,
    /// Of participant 0 in all rounds, then of participant 1, ..
    signals: Signals,
}

impl DisseminationBarrier {
    /// The participants of a barrier for `n`.
    ///
    /// # Panics
    ///
    /// If `n` is 0 or above 65,535.
    #[allow(clippy::new_ret_no_self, reason = "a barrier is used by its participants only")]
    pub fn new(n: usize) -> Vec<Participant<Self>> {
        Self::starting_at(0, n)
    }

    pub(super) fn starting_at(episode: u32, n: usize) -> Vec<Participant<Self>> {
        let participants = check(n);
        let rounds = n.next_power_of_two().ilog2() as usize;
        let signals = Signals::new(n * rounds, participants, episode);
        Participant::all(DisseminationBarrier { n, rounds, signals }, n, episode)
    }
}

impl fmt::Debug for DisseminationBarrier {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("DisseminationBarrier").finish_non_exhaustive()
    }
}

impl Kind for DisseminationBarrier {}

#[allow(private_interfaces, reason = "the trait is sealed")]
impl sealed::Kind for DisseminationBarrier {
    #[inline]
    fn meet(&self, me: usize, progress: Progress) -> Result<bool, Poisoned> {
        self.signals.refuse_broken(progress)?;
        for round in 0..self.rounds {
            let far = me + (1 << round);
            let other = if far < self.n { far } else { far - self.n };
            // It may be set again before it has been awaited, by one that is an episode ahead: the waiter counts.
            self.signals.set(other * self.rounds + round);
            self.signals.wait(me * self.rounds + round, progress)?;
        }
        Ok(me == 0)
    }

    fn leave(&self, _me: usize, progress: Progress, _departure: Departure) {
        self.signals.break_from(progress.episode);
    }

    fn poison(&self, progress: Progress) {
        self.signals.break_from(progress.episode);
    }

    fn is_poisoned(&self) -> bool {
        self.signals.is_broken_ever()
    }
}
