//! The word that releases the waiters of an episode: one thread opens it, any number wait for that.
//!
//! | part | meaning | changed by |
//! |---|---|---|
//! | the episode, 28 bits | how often the gate has been opened, modulo 2^28 | the thread that opens it |
//! | `HANDED_ON` (central) | the present episode is complete, and has no owner: a waiter that may claims it | set with the episode before, cleared by the claim |
//! | `LEAVERS` (combining; the same bit) | participants leave when the present episode is over | set by them; cleared by the thread that opens, which lets them leave |
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
const HANDED_ON: u32 = 8;
const LEAVERS: u32 = HANDED_ON;
/// One episode further.
const EPISODE: u32 = 16;

/// The number of an episode, modulo 2^28.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Episode(u32);

impl Episode {
    pub(super) const BITS: u32 = 28;
    /// How far an episode in which a thread has arrived may be ahead of the gate.
    pub(super) const MOST_AHEAD: u32 = 1 << 20;
    const MASK: u32 = u32::MAX >> (u32::BITS - Self::BITS);

    /// The episode with this number, of which the upper bits are dropped.
    #[inline]
    pub(super) const fn new(number: u32) -> Self {
        Episode(number & Self::MASK)
    }

    #[inline]
    pub(super) fn after(self, episodes: u32) -> Self {
        Episode::new(self.0.wrapping_add(episodes))
    }

    #[inline]
    pub(super) fn before(self) -> Self {
        self.after(u32::MAX)
    }

    /// How many episodes `self` comes after `other`, or is [`MOST_AHEAD`](Self::MOST_AHEAD) at most before it (negative).
    #[inline]
    pub(super) fn since(self, other: Episode) -> i64 {
        let apart = self.0.wrapping_sub(other.0).wrapping_add(Self::MOST_AHEAD) & Self::MASK;
        i64::from(apart) - i64::from(Self::MOST_AHEAD)
    }
}

/// How a wait has ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Passed {
    /// The episode is complete.
    Through,
    /// The same, and this thread is its leader.
    AsLeader,
    /// The present episode, an earlier one, was handed on, and this thread is its owner.
    AsOwner,
    /// The episode never completes.
    Poisoned,
    /// The deadline has come.
    #[cfg(feature = "std")]
    TimedOut,
}

/// What a waiter takes upon itself if the gate offers it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Claim {
    /// Nothing: the answer of the wait is dropped.
    Nothing,
    /// The leadership of its episode.
    Leadership,
    /// The completion of an episode that is handed on.
    Completion,
}

/// What comes with an opening.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Offer {
    /// The episode that ends has no leader yet.
    pub(super) leadership: bool,
    /// The episode that begins is complete, and is handed on.
    pub(super) completion: bool,
}

#[cfg(feature = "alloc")]
impl Offer {
    pub(super) const NOTHING: Offer = Offer {
        leadership: false,
        completion: false,
    };
}

/// Whether threads sleep that are to be woken after an opening.
#[derive(Clone, Copy)]
#[must_use]
pub(super) struct Sleepers(pub(super) bool);

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

    /// Whether `episode` is over, by a word that was read with Acquire, or what there is to claim; claims it.
    #[inline]
    fn judge(&self, mut word: u32, episode: Episode, claim: Claim) -> Option<Passed> {
        loop {
            let opened = Episode::new(word / EPISODE).since(episode);
            if opened <= 0 {
                if word & POISONED != 0 {
                    return Some(Passed::Poisoned);
                }
                if claim != Claim::Completion || word & HANDED_ON == 0 {
                    return None;
                }
                // Relaxed: the load that found the word was an Acquire of this very opening. Torn,
                // there would be two owners.
                // model: barrier::central_hands_on
                let claimed = self
                    .word
                    .compare_exchange(word, word & !HANDED_ON, Relaxed, Relaxed)
                    .is_ok();
                // Else the caller looks again.
                return claimed.then_some(Passed::AsOwner);
            }
            if claim != Claim::Leadership || opened > 1 || word & LEADERLESS == 0 {
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

    /// Waits until `episode` is over, or there is something to claim.
    #[inline]
    pub(super) fn wait(&self, episode: Episode, claim: Claim, participants: u32, yields: &Yields) -> Passed {
        // Acquire: synchronizes with the Release in `open`, so that this thread sees what all did
        // before they arrived; Relaxed loses it.
        // model: barrier::central_held_up
        let word = self.word.load(Acquire);
        match self.judge(word, episode, claim) {
            Some(passed) => passed,
            None => self.wait_long(episode, claim, participants, yields),
        }
    }

    #[cold]
    fn wait_long(&self, episode: Episode, claim: Claim, participants: u32, yields: &Yields) -> Passed {
        let mut patience = Patience::new(participants, yields);
        loop {
            let goes_on = patience.wait();
            // Acquire: as in `wait`.
            // model: barrier::central
            let word = self.word.load(Acquire);
            if let Some(passed) = self.judge(word, episode, claim) {
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
            if let Some(passed) = self.judge(word, episode, Claim::Leadership) {
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
                return self.judge(word, episode, Claim::Leadership).unwrap_or(Passed::TimedOut);
            }
        }
    }

    /// Ends the present episode. For its owner, after all have arrived; the sleepers are to be [woken](Self::wake).
    ///
    /// Where participants leave when it is over (`LEAVERS`), lets them go before, by `let_go`.
    #[inline]
    pub(super) fn open(&self, offer: Offer, mut let_go: impl FnMut()) -> Result<Sleepers, Poisoned> {
        // Relaxed: the compare-exchange says whether it is still so.
        let mut word = self.word.load(Relaxed);
        loop {
            if word & POISONED != 0 && self.is_poisoned() {
                return Err(Poisoned);
            }
            if word & LEAVERS != 0 {
                // Acquire: synchronizes with the Release in `leave_when_over`, so that each leaver
                // is found. An RMW, so that one that comes meanwhile is not overlooked.
                // model: barrier::combining_drops
                word = self.word.fetch_and(!LEAVERS, Acquire) & !LEAVERS;
                let_go();
                continue;
            }
            let mut next = (word / EPISODE).wrapping_add(1).wrapping_mul(EPISODE);
            if offer.leadership {
                next |= LEADERLESS;
            }
            if offer.completion {
                next |= HANDED_ON;
            }
            // Release: synchronizes with the Acquire loads of the waiters, which see what all did
            // before they arrived; Relaxed loses it. A compare-exchange, so that a waiter which
            // falls asleep meanwhile is woken and a poisoning is not overwritten.
            // model: barrier::central_spins
            match self.word.compare_exchange(word, next, Release, Relaxed) {
                Ok(_) => return Ok(Sleepers(word & SLEEPING != 0)),
                Err(now) => word = now,
            }
        }
    }

    /// Asks the thread that opens the gate for `episode` to let this one leave; false if that is open already.
    #[cfg(feature = "alloc")]
    #[cold]
    pub(super) fn leave_when_over(&self, episode: Episode) -> bool {
        // Release: synchronizes with the Acquire in `open`, so that this leaver is found. An RMW:
        // it comes before the opening, which sees it, or after.
        // model: barrier::combining_drops
        let word = self.word.fetch_or(LEAVERS, Release);
        if Episode::new(word / EPISODE).since(episode) <= 0 {
            return true;
        }
        // In an episode that is not this thread's, the bit is harmless: no leaver is found.
        // Acquire: synchronizes with the Release in `open`, so that this thread sees whether it was
        // let go before, and the counters as they were reset.
        // model: barrier::combining_drops
        let _ = self.word.load(Acquire);
        false
    }

    /// No episode completes any more. Wakes all waiters.
    #[cold]
    pub(super) fn poison(&self) {
        // Release: the waiters that are told see what this thread did before. Relaxed loses it. An
        // RMW, so that an opening or a sleeper is not overwritten.
        // model: barrier::central_poison
        let word = self.word.fetch_or(POISONED, Release);
        self.wake(Sleepers(word & SLEEPING != 0));
    }

    /// Wakes those that slept when the gate was opened. The others may be through: nothing of it is touched but its address.
    #[inline]
    pub(super) fn wake(&self, sleepers: Sleepers) {
        #[cfg(feature = "std")]
        if sleepers.0 {
            self.wake_all();
        }
        // Without `std` no thread sleeps.
        #[cfg(not(feature = "std"))]
        let _ = sleepers;
    }

    #[cfg(feature = "std")]
    #[cold]
    fn wake_all(&self) {
        futex::wake(&self.word, u32::MAX);
    }
}

#[cfg(test)]
#[cfg_attr(not(feature = "std"), allow(dead_code, reason = "the tests have threads"))]
impl Gate {
    /// So many episodes later.
    pub(super) fn skip(&self, episodes: u32) {
        self.word.fetch_add(episodes.wrapping_mul(EPISODE), Relaxed);
    }
}
