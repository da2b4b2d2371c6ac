//! What the barriers hand out that know their participants.

use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;
#[cfg(feature = "std")]
use core::ops::{Deref, DerefMut};

use super::signals::Progress;
#[cfg(feature = "std")]
use super::unwinding::Unwinding;
use super::{BarrierWaitResult, Poisoned, arrivals};

/// A kind of barrier that has [`Participant`]s: [`CombiningBarrier`](super::CombiningBarrier),
/// [`TreeBarrier`](super::TreeBarrier), [`TournamentBarrier`](super::TournamentBarrier) or
/// [`DisseminationBarrier`](super::DisseminationBarrier).
///
/// Sealed.
pub trait Kind: sealed::Kind {}

/// How a participant goes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Departure {
    /// Before it arrives in its episode.
    Leaves,
    /// It has arrived in its episode, and not waited.
    Pending,
    /// By a panic, or after an error.
    Fails,
}

pub(super) mod sealed {
    use super::{Departure, Poisoned, Progress};

    pub trait Kind {
        /// Arrives and waits, as participant `me`; answers whether it is the leader.
        #[doc(hidden)]
        #[allow(private_interfaces, reason = "the trait is sealed")]
        fn meet(&self, me: usize, progress: Progress) -> Result<bool, Poisoned>;

        /// Participant `me` goes.
        #[doc(hidden)]
        #[allow(private_interfaces, reason = "the trait is sealed")]
        fn leave(&self, me: usize, progress: Progress, departure: Departure);

        /// No episode from this on completes.
        #[doc(hidden)]
        #[allow(private_interfaces, reason = "the trait is sealed")]
        fn poison(&self, progress: Progress);

        /// Whether an episode never completes.
        #[doc(hidden)]
        fn is_poisoned(&self) -> bool;

        /// Waits for the end of an episode in which a participant has arrived. For the kind that can do only that.
        #[doc(hidden)]
        #[allow(private_interfaces, reason = "the trait is sealed")]
        fn finish(&self, _progress: Progress) -> Result<(), Poisoned> {
            Ok(())
        }
    }
}

/// One of those that a barrier waits for. For one thread at a time: it can be sent to another, and waits by `&mut self`, so
/// that no thread waits twice.
///
/// * **Dropped**, it leaves a [`CombiningBarrier`](super::CombiningBarrier), whose later episodes expect one fewer. The others
///   have no way to do without it: their episodes from then on return [`Poisoned`]. Those that it has completed complete for
///   all. To end together, let all wait the same number of times and then drop their participants.
/// * **Dropped by a panic**, it poisons each of the barriers in this way. One that its thread has only borrowed is not
///   dropped: see [`poison_on_panic`](Self::poison_on_panic), without which the others wait for ever.
/// * **Forgotten** ([`mem::forget`](core::mem::forget)), it lets the others wait for ever.
///
/// After an error all further waits of this participant return the error.
#[must_use = "dropped, it leaves the barrier or ends it for all"]
pub struct Participant<K: Kind> {
    pub(super) barrier: Arc<K>,
    pub(super) me: usize,
    pub(super) progress: Progress,
    pub(super) has_failed: bool,
    /// It has arrived in this episode, and not yet waited.
    pub(super) is_pending: bool,
    #[cfg(feature = "std")]
    unwinding: Unwinding,
}

impl<K: Kind> Participant<K> {
    /// All participants of a barrier, the first of which has the number 0.
    pub(super) fn all(barrier: K, n: usize, episode: u32) -> Vec<Self> {
        let barrier = Arc::new(barrier);
        let participant = |me| Participant {
            barrier: Arc::clone(&barrier),
            me,
            progress: Progress::starting_at(episode),
            has_failed: false,
            is_pending: false,
            #[cfg(feature = "std")]
            unwinding: Unwinding::now(),
        };
        (0..n).map(participant).collect()
    }

    /// Arrives, and waits for the others.
    ///
    /// # Errors
    ///
    /// If this episode never completes, because a participant has panicked or gone.
    ///
    /// # Panics
    ///
    /// In a thread that runs the completion step, if that panics; inside the completion step of the barrier.
    #[inline]
    pub fn wait(&mut self) -> Result<BarrierWaitResult, Poisoned> {
        self.settle()?;
        let met = self.barrier.meet(self.me, self.progress);
        self.conclude(met)
    }

    /// Brings to its end what an arrival without a wait has left, and refuses a participant that has failed.
    #[inline]
    pub(super) fn settle(&mut self) -> Result<(), Poisoned> {
        if self.has_failed {
            return Err(Poisoned);
        }
        // Unless it comes to `conclude`: a panic of the completion step.
        self.has_failed = true;
        if self.is_pending {
            self.is_pending = false;
            self.barrier.finish(self.progress)?;
            self.progress.advance();
        }
        Ok(())
    }

    #[inline]
    pub(super) fn conclude(&mut self, met: Result<bool, Poisoned>) -> Result<BarrierWaitResult, Poisoned> {
        let is_leader = met?;
        self.has_failed = false;
        self.progress.advance();
        Ok(BarrierWaitResult::of(is_leader))
    }

    /// Poisons the barrier: the episodes that this participant has not completed never are, for no participant. Its own
    /// next wait returns the error as well.
    pub fn poison(&self) {
        self.barrier.poison(self.progress);
    }

    /// Whether the barrier is poisoned, from some episode on.
    #[must_use]
    pub fn is_poisoned(&self) -> bool {
        self.barrier.is_poisoned()
    }

    /// Borrows the participant, and poisons the barrier if this thread panics while that lasts: the participant itself
    /// is not dropped then.
    ///
    /// ```
    /// # use linchpin::barrier::CombiningBarrier;
    /// # std::panic::set_hook(Box::new(|_| {}));
    /// let mut participants = CombiningBarrier::new(2);
    /// std::thread::scope(|scope| {
    ///     let threads: Vec<_> = (participants.iter_mut().enumerate())
    ///         .map(|(number, participant)| {
    ///             scope.spawn(move || {
    ///                 let mut participant = participant.poison_on_panic();
    ///                 participant.wait().unwrap();
    ///                 assert_ne!(number, 0, "one of them fails");
    ///                 assert!(participant.wait().is_err());
    ///             })
    ///         })
    ///         .collect();
    ///     let failed = threads.into_iter().filter_map(|thread| thread.join().err()).count();
    ///     assert_eq!(failed, 1);
    /// });
    /// ```
    #[cfg(feature = "std")]
    pub fn poison_on_panic(&mut self) -> ParticipantGuard<'_, K> {
        ParticipantGuard {
            participant: self,
            unwinding: Unwinding::now(),
        }
    }

    #[cfg(feature = "std")]
    fn is_dropped_by_panic(&self) -> bool {
        self.unwinding.has_begun()
    }

    #[cfg(not(feature = "std"))]
    fn is_dropped_by_panic(&self) -> bool {
        false
    }
}

impl<K: Kind> Drop for Participant<K> {
    fn drop(&mut self) {
        if super::is_abandoned() {
            return;
        }
        let departure = if self.has_failed || self.is_dropped_by_panic() {
            Departure::Fails
        } else if self.is_pending {
            Departure::Pending
        } else {
            Departure::Leaves
        };
        self.barrier.leave(self.me, self.progress, departure);
    }
}

impl<K: Kind> fmt::Debug for Participant<K> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut fields = formatter.debug_struct("Participant");
        fields.field("number", &self.me).finish_non_exhaustive()
    }
}

/// A borrowed [`Participant`] that poisons its barrier if a panic drops it: what [`Participant::poison_on_panic`] returns.
#[cfg(feature = "std")]
#[must_use = "it poisons the barrier only while it lives"]
pub struct ParticipantGuard<'participant, K: Kind> {
    participant: &'participant mut Participant<K>,
    unwinding: Unwinding,
}

#[cfg(feature = "std")]
impl<K: Kind> Deref for ParticipantGuard<'_, K> {
    type Target = Participant<K>;

    #[inline]
    fn deref(&self) -> &Participant<K> {
        self.participant
    }
}

#[cfg(feature = "std")]
impl<K: Kind> DerefMut for ParticipantGuard<'_, K> {
    #[inline]
    fn deref_mut(&mut self) -> &mut Participant<K> {
        self.participant
    }
}

#[cfg(feature = "std")]
impl<K: Kind> Drop for ParticipantGuard<'_, K> {
    fn drop(&mut self) {
        if self.unwinding.has_begun() {
            self.participant.poison();
        }
    }
}

#[cfg(feature = "std")]
impl<K: Kind> fmt::Debug for ParticipantGuard<'_, K> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut fields = formatter.debug_struct("ParticipantGuard");
        fields.field("participant", &self.participant).finish_non_exhaustive()
    }
}

/// Checks the number of participants.
#[track_caller]
pub(super) fn check(n: usize) -> u32 {
    assert!(n > 0, "`n` is 0: a barrier takes 1 to 65,535 participants");
    assert!(
        n <= arrivals::MAX,
        "`n` is {n}: a barrier takes 1 to 65,535 participants"
    );
    n as u32
}
