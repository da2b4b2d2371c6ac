//! The word in which the arrivals of a central barrier are counted.
//!
//! | part | meaning |
//! |---|---|
//! | the episode, 28 bits | the present episode, modulo 2^28 |
//! | expected, 16 bits | how many arrivals complete an episode; one fewer for each participant that has left |
//! | arrived, 20 bits | how many have arrived in the present episode, and ahead of it where more threads than participants use the barrier |
//!
//! Arriving is one addition, and its answer says everything: the episode that the arrival counts for, and what its thread
//! has to do. An episode is *complete* once `arrived` has reached `expected`. The *owner* of a complete episode runs its
//! step, *closes* it (subtracts `expected`, and adds one episode), and opens the gate. **The numbered invariants**, which the
//! barrier cites:
//!
//! 1. A complete episode stays complete until its owner closes it: only arrivals in incomplete episodes are taken back, and
//!    `expected` changes only while the present episode is incomplete.
//! 2. A complete present episode has exactly one owner, and an incomplete one has none. A thread becomes the owner by an RMW
//!    of which there is one for each complete episode: by the arrival or the leave that completes the present episode; by
//!    the `close` of the episode before, if it finds the next one complete already, so that its owner *goes on*; or by
//!    claiming an episode that was *handed on*. Only the owner closes.
//! 3. An arrival beyond `expected` counts for a later episode, by its place: `arrived / expected` episodes later. Until its
//!    episode is the present one, a complete one is, so `expected` does not change (1) and the place stays right.
//! 4. An arrival that completes a later episode is no owner: when it came, the present episode had one (2), which goes on.
//!    Its thread is the leader of its episode, and waits for it, in `arrive` as well and without a time-out. So no thread
//!    runs ahead by more arrivals than an episode takes, and an episode that is handed on has a thread that claims it.
//! 5. An owner goes on for [`GOES_ON`] episodes at most, then hands on the next: it opens the gate with the mark
//!    `HANDED_ON`, which one thread clears, by a compare-exchange.
//! 6. No arrival is subtracted that others may have been counted upon. One that is too many stays counted, and poisons the
//!    barrier. In a poisoned barrier an early arrival is undone, so that the count does not run over, but never below
//!    `expected` (1): of two threads that so are counted in one place neither is an owner by it, since the present episode
//!    was complete, and the gate does not open for it any more.
//! 7. The gate opens for one episode after the other. An owner closes first, and opens then; in between, another thread can
//!    complete the next episode by an ordinary arrival. That one, and no other, waits until the gate is open for the
//!    episode before, and then runs the step.

use crate::backend::atomic::{AcqRel, Acquire, AtomicU64, Relaxed, Release};
use crate::backend::const_fn;
use crate::backend::hint;

use super::gate::Episode;

const EXPECTED_SHIFT: u32 = 20;
const EXPECTED_BITS: u32 = 16;
const EPISODE_SHIFT: u32 = EXPECTED_SHIFT + EXPECTED_BITS;
const ARRIVED_MASK: u64 = (1 << EXPECTED_SHIFT) - 1;
const ONE_EXPECTED: u64 = 1 << EXPECTED_SHIFT;
const ONE_EPISODE: u64 = 1 << EPISODE_SHIFT;

/// The most participants.
pub(super) const MAX: usize = (1 << EXPECTED_BITS) - 1;
/// As many arrivals at one time are too many. Each thread adds no more than one to them before it sees the poison.
const TOO_MANY: u64 = 1 << (EXPECTED_SHIFT - 1);
/// How many episodes a thread completes at most after its own, in a row.
pub(super) const GOES_ON: u32 = hint::tuned(64, 1);

const _: () = assert!(EPISODE_SHIFT + Episode::BITS == u64::BITS);
const _: () = assert!(TOO_MANY < Episode::MOST_AHEAD as u64);

/// A value of the word.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Count(u64);

impl Count {
    #[inline]
    fn arrived(self) -> u64 {
        self.0 & ARRIVED_MASK
    }

    #[inline]
    fn expected(self) -> u64 {
        self.0 >> EXPECTED_SHIFT & MAX as u64
    }

    #[inline]
    fn episode(self) -> Episode {
        Episode::new((self.0 >> EPISODE_SHIFT) as u32)
    }

    /// What there is of an arrival in `episode`.
    #[cfg(feature = "std")]
    fn holds(self, episode: Episode) -> Held {
        // Negative: the episode has been closed, and the gate is open for it, or about to be.
        let Ok(later) = u64::try_from(-self.episode().since(episode)) else {
            return Held::Complete;
        };
        let (arrived, expected) = (self.arrived(), self.expected());
        if arrived <= later * expected {
            Held::NotAtAll
        } else if arrived >= (later + 1) * expected {
            Held::Complete
        } else {
            Held::Incomplete
        }
    }
}

/// What the word says of an episode in which a thread has arrived.
#[cfg(feature = "std")]
enum Held {
    Incomplete,
    Complete,
    /// No such arrival is counted.
    NotAtAll,
}

/// What the thread of an arrival has to do.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Duty {
    /// To wait.
    Wait,
    /// To complete the episode, as its owner and leader.
    Complete,
    /// To wait, as the leader: the owner of an episode before goes on to this one.
    Lead,
}

/// One arrival that has been counted.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Counted {
    /// The episode that it counts for.
    pub(super) episode: Episode,
    pub(super) duty: Duty,
    /// How many are expected.
    pub(super) expected: u32,
}

/// An arrival that is to be placed or undone.
#[must_use]
pub(super) struct Early(Count);

/// Why an arrival counts for nothing.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Refused {
    /// All participants have left.
    AllHaveLeft,
    /// Too many threads are arriving at once.
    TooMany,
}

/// What has come of leaving.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Left {
    /// Others are still to arrive.
    Early,
    /// That has completed this episode, whose owner the thread is.
    Last {
        counted: Counted,
        /// Whether others have arrived, so that one of them is the leader.
        others: bool,
    },
    /// This episode is complete, and being closed: to be tried again when it is over.
    Busy { episode: Episode, expected: u32 },
}

/// What has come of taking an arrival back.
#[cfg(feature = "std")]
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum TakenBack {
    /// It counts no more.
    Done,
    /// Its episode is complete: the gate opens without delay.
    Complete,
    /// It is not among those that are counted: it was undone in a poisoned barrier, or has been kept until the numbers of
    /// episodes have come round.
    Unknown,
}

#[derive(Debug)]
pub(super) struct Arrivals(AtomicU64);

impl Arrivals {
    const_fn! {
        pub(super) const fn at(episode: u32, expected: usize) -> Self {
            Arrivals(AtomicU64::new(
                (episode as u64) << EPISODE_SHIFT | (expected as u64) << EXPECTED_SHIFT,
            ))
        }
    }

    /// Counts one arrival. It is an early one if more have arrived than are expected.
    #[inline]
    pub(super) fn arrive(&self) -> Result<Counted, Early> {
        // AcqRel, Release: what this thread did happens before what any thread does after the
        // episode; Acquire: the last arrival synchronizes with all others, on behalf of those that
        // it releases. Weaker, one of them sees too little. An RMW, so that no arrival is lost.
        // model: barrier::central_step
        let before = Count(self.0.fetch_add(1, AcqRel));
        let (arrived, expected) = (before.arrived(), before.expected());
        if arrived >= expected {
            return Err(Early(before));
        }
        Ok(Counted {
            episode: before.episode(),
            duty: if arrived + 1 == expected {
                Duty::Complete
            } else {
                Duty::Wait
            },
            expected: expected as u32,
        })
    }

    /// What an early arrival counts for (invariants 3, 4). One that is refused is counted all the same.
    #[cold]
    pub(super) fn place(&self, Early(before): Early) -> Result<Counted, Refused> {
        let (arrived, expected) = (before.arrived(), before.expected());
        if expected == 0 {
            return Err(Refused::AllHaveLeft);
        }
        if arrived >= TOO_MANY {
            return Err(Refused::TooMany);
        }
        let completes = (arrived + 1).is_multiple_of(expected);
        Ok(Counted {
            episode: before.episode().after((arrived / expected) as u32),
            duty: if completes { Duty::Lead } else { Duty::Wait },
            expected: expected as u32,
        })
    }

    /// Takes an early arrival back whose episode never completes. Not below what the completion of the present episode
    /// rests on (invariant 6).
    #[cold]
    pub(super) fn undo(&self) {
        // Relaxed: the compare-exchange says whether it is still so.
        let mut now = Count(self.0.load(Relaxed));
        while now.arrived() > now.expected() {
            // Release: synchronizes with the Acquire in `take_back`, and with a thread that is
            // counted in this place: both see the poison that this thread has seen.
            // survivor: see `take_back`. And a thread in this place does not get past the gate,
            // which is closed for the episode before its own: this arrival was undone while that
            // was complete and not over.
            match self.0.compare_exchange(now.0, now.0 - 1, Release, Relaxed) {
                Ok(_) => return,
                Err(other) => now = Count(other),
            }
        }
    }

    /// Takes an arrival in `episode` back, if that is incomplete.
    #[cfg(feature = "std")]
    #[cold]
    pub(super) fn take_back(&self, episode: Episode) -> TakenBack {
        loop {
            // Acquire: synchronizes with the Release in `undo`, so that a thread whose arrival was
            // undone by another sees the poison.
            // survivor: a model would need an arrival that is undone, another whose deadline passes
            // before it sees the poison, and a third that opens the gate.
            let now = Count(self.0.load(Acquire));
            match now.holds(episode) {
                Held::Complete => return TakenBack::Complete,
                Held::NotAtAll => return TakenBack::Unknown,
                Held::Incomplete => {}
            }
            // Relaxed: what this thread did matters to no thread any more, and an RMW leaves the
            // order between the other arrivals as it is. Torn, it loses an arrival.
            // model: barrier::central_times_out
            let taken = self.0.compare_exchange(now.0, now.0 - 1, Relaxed, Relaxed);
            if taken.is_ok() {
                return TakenBack::Done;
            }
        }
    }

    /// Expects one fewer, from the present episode on.
    #[cold]
    pub(super) fn leave(&self) -> Result<Left, Refused> {
        // Relaxed: the compare-exchange says whether it is still so.
        let mut now = Count(self.0.load(Relaxed));
        loop {
            let (arrived, expected) = (now.arrived(), now.expected());
            if expected == 0 {
                return Err(Refused::AllHaveLeft);
            }
            if arrived >= expected {
                return Ok(Left::Busy {
                    episode: now.episode(),
                    expected: expected as u32,
                });
            }
            // AcqRel: as for an arrival, which leaving replaces.
            // model: barrier::central_leave_step
            match self.0.compare_exchange(now.0, now.0 - ONE_EXPECTED, AcqRel, Relaxed) {
                Ok(_) if arrived + 1 < expected => return Ok(Left::Early),
                Ok(_) => {
                    return Ok(Left::Last {
                        counted: Counted {
                            episode: now.episode(),
                            duty: Duty::Complete,
                            expected: expected as u32 - 1,
                        },
                        others: arrived > 0,
                    });
                }
                Err(other) => now = Count(other),
            }
        }
    }

    /// Begins to count the next episode. For the owner of the present one, in which so many are expected (invariant 1).
    /// Answers whether the next is complete as well, so that the thread is its owner (2).
    #[inline]
    pub(super) fn close(&self, expected: u32) -> bool {
        let change = ONE_EPISODE - u64::from(expected);
        // Acquire: synchronizes with the arrivals of the next episode, if it is complete, on behalf
        // of those that this thread releases; Relaxed loses what they did. Not Release: the gate,
        // which opens after this, is what orders the next episode after this one. An RMW, so that
        // no early arrival is lost.
        // model: barrier::central_goes_on_of_two
        let now = Count(self.0.fetch_add(change, Acquire).wrapping_add(change));
        // Where all have left, none is complete.
        now.expected() > 0 && now.arrived() >= now.expected()
    }

    /// How many are expected. For the owner of the present episode, in which that does not change (invariant 1).
    #[cold]
    pub(super) fn expected(&self) -> u32 {
        // Relaxed: the owner has it from the thread that handed the episode on to it.
        Count(self.0.load(Relaxed)).expected() as u32
    }
}

#[cfg(test)]
#[cfg_attr(not(feature = "std"), allow(dead_code, reason = "the tests have threads"))]
impl Arrivals {
    /// So many episodes later.
    pub(super) fn skip(&self, episodes: u32) {
        self.0.fetch_add(u64::from(episodes).wrapping_mul(ONE_EPISODE), Relaxed);
    }

    /// As many arrivals as there may be at once.
    pub(super) fn fill(&self) {
        self.0.fetch_add(TOO_MANY, Relaxed);
    }

    /// How many have arrived, and how many are expected.
    pub(super) fn counts(&self) -> (u64, u64) {
        let now = Count(self.0.load(Relaxed));
        (now.arrived(), now.expected())
    }
}
