//! The word that releases the waiters of an episode: one thread opens it, any number wait for that.
//!
//! | part | meaning | changed by |
//! |---|---|---|
//! | the episode, 29 bits | how often the gate has been opened, modulo 2^29 | the thread that opens it |
//! | `LEADERLESS` | the episode before was completed by a thread that left: the first waiter to claim it is the leader | set with the episode, cleared by the leader |
//! | `POISONED` | no later episode completes | set once and for all |
//! | `SLEEPING` | a thread sleeps, or is about to | a waiter, in the episode that it waits for; cleared with the next |
//!
//! A waiter that would sleep sets `SLEEPING` by a compare-exchange on the very word that it has seen, and the thread that
//! opens or poisons the gate changes that word in one step and then wakes, if the bit was set: no wake-up is lost.

use crate::backend::atomic::{Acquire, AtomicU32, Relaxed, Release};
use crate::backend::const_fn;
#[cfg(feature = "std")]
use crate::backend::{
    futex, hint,
    time::{self, Instant},
};

use super::Poisoned;
use super::patience::{Patience, Yields};

const SLEEPING: u32 = 1;
const POISONED: u32 = 2;
const LEADERLESS: u32 = 4;
/// One episode further.
const EPISODE: u32 = 8;

/// The number of an episode, modulo 2^29.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Episode(u32);

impl Episode {
    pub(super) const BITS: u32 = 29;

    /// The episode with this number, of which the upper bits are dropped.
    #[inline]
    pub(super) const fn new(number: u32) -> Self {
        Episode(number & (u32::MAX >> (u32::BITS - Self::BITS)))
    }

    #[inline]
    pub(super) fn after(self, episodes: u32) -> Self {
        Episode::new(self.0.wrapping_add(episodes))
    }

    #[inline]
    pub(super) fn before(self) -> Self {
        self.after(u32::MAX)
    }

    /// How many episodes lie between, of two that are fewer than 2^28 apart; negative if `self` comes first.
    #[inline]
    pub(super) fn since(self, other: Episode) -> i32 {
        let spare = u32::BITS - Self::BITS;
        (self.0.wrapping_sub(other.0) << spare).cast_signed() >> spare
    }
}

/// How a wait has ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Passed {
    /// The episode is complete.
    Through,
    /// The same, and this thread is its leader.
    AsLeader,
    /// The episode never completes.
    Poisoned,
    /// The deadline has come.
    #[cfg(feature = "std")]
    TimedOut,
}

#[derive(Debug)]
pub(super) struct Gate {
    word: AtomicU32,
}

impl Gate {
    const_fn! {
        pub(super) const fn at(episode: u32) -> Self {
            Gate { word: AtomicU32::new(episode.wrapping_mul(EPISODE)) }
        }
    }

    #[inline]
    pub(super) fn is_poisoned(&self) -> bool {
        // Acquire: synchronizes with the Release in `poison`.
        // model: barrier::central_poison
        self.word.load(Acquire) & POISONED != 0
    }

    /// Whether `episode` is over, by a word that was read with Acquire; claims its leadership if that is left to claim.
    #[inline]
    fn judge(&self, mut word: u32, episode: Episode) -> Option<Passed> {
        loop {
            let opened = Episode::new(word / EPISODE).since(episode);
            if opened <= 0 {
                return (word & POISONED != 0).then_some(Passed::Poisoned);
            }
            if opened > 1 || word & LEADERLESS == 0 {
                return Some(Passed::Through);
            }
            // Relaxed: the claim orders nothing. Torn, there would be two leaders.
            // model: barrier::central_leave
            match self.word.compare_exchange(word, word & !LEADERLESS, Relaxed, Relaxed) {
                Ok(_) => return Some(Passed::AsLeader),
                Err(now) => word = now,
            }
        }
    }

    /// Waits until `episode` is over.
    #[inline]
    pub(super) fn wait(&self, episode: Episode, participants: u32, yields: &Yields) -> Passed {
        // Acquire: synchronizes with the Release in `open`, so that this thread sees what all did
        // before they arrived; Relaxed loses it.
        // model: barrier::central_held_up
        let word = self.word.load(Acquire);
        match self.judge(word, episode) {
            Some(passed) => passed,
            None => self.wait_long(episode, participants, yields),
        }
    }

    #[cold]
    fn wait_long(&self, episode: Episode, participants: u32, yields: &Yields) -> Passed {
        let mut patience = Patience::new(participants, yields);
        loop {
            let goes_on = patience.wait();
            // Acquire: as in `wait`.
            // model: barrier::central
            let word = self.word.load(Acquire);
            if let Some(passed) = self.judge(word, episode) {
                return passed;
            }
            if !goes_on {
                self.sleep(word);
            }
        }
    }

    #[cfg(not(feature = "std"))]
    fn sleep(&self, _word: u32) {}

    /// Sleeps until the word changes, if it still is `word`. May end for no reason.
    #[cfg(feature = "std")]
    #[cold]
    fn sleep(&self, word: u32) {
        if self.note_sleeper(word) {
            futex::wait(&self.word, word | SLEEPING);
        }
    }

    /// Makes it known that a thread sleeps; false if the word is no longer what it was.
    #[cfg(feature = "std")]
    fn note_sleeper(&self, word: u32) -> bool {
        // Relaxed: nothing is made known but the bit, and the thread that opens sees it or comes
        // before. Torn, it would take back an opening.
        // model: barrier::central
        word & SLEEPING != 0
            || self
                .word
                .compare_exchange(word, word | SLEEPING, Relaxed, Relaxed)
                .is_ok()
    }

    /// As [`wait`](Self::wait), but no longer than until `deadline`.
    #[cfg(feature = "std")]
    pub(super) fn wait_until(&self, episode: Episode, participants: u32, yields: &Yields, deadline: Instant) -> Passed {
        let mut patience = Patience::new(participants, yields);
        loop {
            // Acquire: as in `wait`.
            // model: barrier::central_times_out
            let word = self.word.load(Acquire);
            if let Some(passed) = self.judge(word, episode) {
                return passed;
            }
            if hint::is_late(deadline) {
                return Passed::TimedOut;
            }
            if patience.wait() || !self.note_sleeper(word) {
                continue;
            }
            if !futex::wait_until(&self.word, word | SLEEPING, deadline) && time::has_passed(deadline) {
                // Acquire: as in `wait`.
                // model: barrier::central_times_out
                let word = self.word.load(Acquire);
                return self.judge(word, episode).unwrap_or(Passed::TimedOut);
            }
        }
    }

    /// Ends the present episode and wakes its waiters. For the one thread that knows that all have arrived.
    #[inline]
    pub(super) fn open(&self, leaderless: bool) -> Result<(), Poisoned> {
        // Relaxed: the compare-exchange says whether it is still so.
        let mut word = self.word.load(Relaxed);
        let opened = loop {
            if word & POISONED != 0 && self.is_poisoned() {
                return Err(Poisoned);
            }
            let next = (word / EPISODE).wrapping_add(1).wrapping_mul(EPISODE);
            let next = if leaderless { next | LEADERLESS } else { next };
            // Release: synchronizes with the Acquire loads of the waiters, which see what all did
            // before they arrived; Relaxed loses it. A compare-exchange, so that a waiter which
            // falls asleep meanwhile is woken and a poisoning is not overwritten.
            // model: barrier::central_spins
            match self.word.compare_exchange(word, next, Release, Relaxed) {
                Ok(_) => break word,
                Err(now) => word = now,
            }
        };
        // From here on the others may be through: nothing of the gate is touched but its address.
        if opened & SLEEPING != 0 {
            self.wake();
        }
        Ok(())
    }

    /// No episode completes any more. Wakes all waiters.
    #[cold]
    pub(super) fn poison(&self) {
        // Release: the waiters that are told see what this thread did before. Relaxed loses it. An
        // RMW, so that an opening or a sleeper is not overwritten.
        // model: barrier::central_poison
        let word = self.word.fetch_or(POISONED, Release);
        if word & SLEEPING != 0 {
            self.wake();
        }
    }

    #[cfg(feature = "std")]
    #[cold]
    fn wake(&self) {
        futex::wake(&self.word, u32::MAX);
    }

    /// Without `std` no thread sleeps.
    #[cfg(not(feature = "std"))]
    fn wake(&self) {}
}
