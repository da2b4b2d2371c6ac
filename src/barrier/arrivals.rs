//! The word in which the arrivals of a central barrier are counted.
//!
//! | part | meaning |
//! |---|---|
//! | the episode, 29 bits | the episode that is being counted, modulo 2^29 |
//! | expected, 16 bits | how many arrivals complete an episode; one fewer for each participant that has left |
//! | arrived, 19 bits | how many have arrived; more than are expected, while the episode is being completed and more threads than participants use the barrier |
//!
//! Arriving is one addition, and its answer says everything: the episode that the arrival counts for, and whether it was
//! the last. **The numbered invariants**, which the barrier cites:
//!
//! 1. An episode is complete when `arrived` reaches `expected`, and stays so: only arrivals of incomplete episodes are taken
//!    back, and `expected` only changes in an incomplete episode.
//! 2. Exactly one thread makes it complete: the last arrival, or a thread that leaves. It alone *closes* the episode: it
//!    subtracts `expected` and adds one episode, after it has seen the gate open for the episode before.
//! 3. An arrival beyond `expected` counts for a later episode, by its place: `arrived / expected` episodes later.

use crate::backend::atomic::{AcqRel, AtomicU64, Relaxed};
use crate::backend::const_fn;

use super::gate::Episode;

const EXPECTED_SHIFT: u32 = 19;
const EXPECTED_BITS: u32 = 16;
const EPISODE_SHIFT: u32 = EXPECTED_SHIFT + EXPECTED_BITS;
const ARRIVED_MASK: u64 = (1 << EXPECTED_SHIFT) - 1;
const ONE_EXPECTED: u64 = 1 << EXPECTED_SHIFT;
const ONE_EPISODE: u64 = 1 << EPISODE_SHIFT;

/// The most participants.
pub(super) const MAX: usize = (1 << EXPECTED_BITS) - 1;
/// As many arrivals at one time are too many.
const TOO_MANY: u64 = 1 << (EXPECTED_SHIFT - 1);

const _: () = assert!(EPISODE_SHIFT + Episode::BITS == u64::BITS);

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

    /// Whether `episode` is complete.
    #[cfg(feature = "std")]
    fn has_completed(self, episode: Episode) -> bool {
        match u64::try_from(episode.since(self.episode())) {
            Ok(later) => self.arrived() >= (later + 1) * self.expected(),
            Err(_) => true,
        }
    }
}

/// One arrival that has been counted.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Counted {
    /// The episode that it counts for.
    pub(super) episode: Episode,
    /// Whether it has completed the episode.
    pub(super) is_last: bool,
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
    /// That has completed this episode.
    Last {
        counted: Counted,
        /// Whether others have arrived, so that one of them is the leader.
        others: bool,
    },
    /// This episode is complete, and being closed: to be tried again when it is over.
    Busy { episode: Episode, expected: u32 },
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
        // model: barrier::central, barrier::central_spins
        let before = Count(self.0.fetch_add(1, AcqRel));
        let (arrived, expected) = (before.arrived(), before.expected());
        if arrived >= expected {
            return Err(Early(before));
        }
        Ok(Counted {
            episode: before.episode(),
            is_last: arrived + 1 == expected,
            expected: expected as u32,
        })
    }

    /// What an early arrival counts for (invariant 3).
    #[cold]
    pub(super) fn place(&self, Early(before): Early) -> Result<Counted, Refused> {
        let (arrived, expected) = (before.arrived(), before.expected());
        let refused = match expected {
            0 => Refused::AllHaveLeft,
            _ if arrived >= TOO_MANY => Refused::TooMany,
            _ => {
                return Ok(Counted {
                    episode: before.episode().after((arrived / expected) as u32),
                    is_last: (arrived + 1).is_multiple_of(expected),
                    expected: expected as u32,
                });
            }
        };
        self.undo();
        Err(refused)
    }

    /// Takes an early arrival back that counts for nothing, since no episode completes any more.
    #[cold]
    pub(super) fn undo(&self) {
        // Relaxed: nothing relies on it. A count that did not come down would run over, after half a million.
        self.0.fetch_sub(1, Relaxed);
    }

    /// Takes an arrival in `episode` back; false if the episode is complete.
    #[cfg(feature = "std")]
    #[cold]
    pub(super) fn take_back(&self, episode: Episode) -> bool {
        // Relaxed: the compare-exchange says whether it is still so, and an episode that is complete stays so.
        let mut now = Count(self.0.load(Relaxed));
        while !now.has_completed(episode) {
            // Relaxed: what this thread did matters to no thread any more, and an RMW leaves the
            // order between the other arrivals as it is. Torn, it loses an arrival.
            // model: barrier::central_times_out
            match self.0.compare_exchange(now.0, now.0 - 1, Relaxed, Relaxed) {
                Ok(_) => return true,
                Err(other) => now = Count(other),
            }
        }
        false
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
            // model: barrier::central_leave
            match self.0.compare_exchange(now.0, now.0 - ONE_EXPECTED, AcqRel, Relaxed) {
                Ok(_) if arrived + 1 < expected => return Ok(Left::Early),
                Ok(_) => {
                    return Ok(Left::Last {
                        counted: Counted {
                            episode: now.episode(),
                            is_last: true,
                            expected: expected as u32 - 1,
                        },
                        others: arrived > 0,
                    });
                }
                Err(other) => now = Count(other),
            }
        }
    }

    /// Begins to count the next episode (invariant 2). So many are expected, which does not change before (invariant 1).
    #[inline]
    pub(super) fn close(&self, expected: u32) {
        // Relaxed: the gate, which opens after this, is what orders the next episode after this
        // one. An RMW: others may be arriving early. Torn, it loses an arrival.
        // model: barrier::central_surplus
        self.0.fetch_add(ONE_EPISODE - u64::from(expected), Relaxed);
    }
}
