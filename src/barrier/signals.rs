//! What the barriers with participants share: flags that are awaited, unless the episode is broken.
//!
//! **Broken.** A participant that is dropped has completed `c` episodes, so that all have arrived in these, and its own duties
//! in them are done: they complete for all. The episode after them never does. So the first episode that is broken is
//! told, and a waiter of an earlier one waits on for its flag: whether an episode completes is the same for all its
//! participants.

use alloc::boxed::Box;

use crossbeam_utils::CachePadded;

use super::Poisoned;
use super::patience::{Patience, Yields};
use crate::backend::atomic::{Acquire, AtomicU64, Relaxed, Release};
use crate::wait::{Epoch, Flag};

/// Beside the number of the first broken episode: there is one.
const BROKEN: u64 = 1 << u32::BITS;

/// Flags with a line each, every one of which is set once in an episode, by one participant, and awaited by one.
#[derive(Debug)]
pub(super) struct Signals {
    flags: Box<[CachePadded<Flag>]>,
    broken: CachePadded<AtomicU64>,
    pub(super) yields: CachePadded<Yields>,
    participants: u32,
}

/// How far a participant has come.
#[derive(Clone, Copy, Debug)]
pub(super) struct Progress {
    /// The number of its present episode, modulo 2^32.
    pub(super) episode: u32,
    /// The epoch of all flags in it.
    epoch: Epoch,
}

impl Progress {
    pub(super) fn starting_at(episode: u32) -> Self {
        Progress {
            episode,
            epoch: Flag::at(episode).epoch(),
        }
    }

    #[inline]
    pub(super) fn advance(&mut self) {
        self.episode = self.episode.wrapping_add(1);
        self.epoch = self.epoch.next();
    }
}

impl Signals {
    pub(super) fn new(flags: usize, participants: u32, episode: u32) -> Self {
        Signals {
            flags: (0..flags).map(|_| CachePadded::new(Flag::at(episode))).collect(),
            broken: CachePadded::new(AtomicU64::new(0)),
            yields: CachePadded::new(Yields::new()),
            participants,
        }
    }

    #[inline]
    pub(super) fn set(&self, flag: usize) {
        self.flags[flag].set();
    }

    /// Waits until `flag` has been set in the present episode.
    #[inline]
    pub(super) fn wait(&self, flag: usize, progress: Progress) -> Result<(), Poisoned> {
        let flag = &*self.flags[flag];
        if flag.is_set(progress.epoch) {
            return Ok(());
        }
        self.wait_long(flag, progress)
    }

    #[cold]
    fn wait_long(&self, flag: &Flag, progress: Progress) -> Result<(), Poisoned> {
        let mut patience = Patience::new(self.participants, &self.yields);
        loop {
            let goes_on = patience.wait();
            if flag.is_set(progress.epoch) {
                return Ok(());
            }
            if self.is_broken(progress.episode) {
                return Err(Poisoned);
            }
            #[cfg(feature = "std")]
            if !goes_on {
                flag.sleep_unless(progress.epoch, || self.is_broken(progress.episode));
            }
            #[cfg(not(feature = "std"))]
            let _ = goes_on;
        }
    }

    /// Refuses a participant that comes to an episode which is known never to complete: it has poisoned that itself, or is
    /// to be told before it tells others that it has arrived.
    #[inline]
    pub(super) fn refuse_broken(&self, progress: Progress) -> Result<(), Poisoned> {
        if self.is_broken(progress.episode) {
            Err(Poisoned)
        } else {
            Ok(())
        }
    }

    /// Whether `episode` never completes.
    fn is_broken(&self, episode: u32) -> bool {
        // Acquire: synchronizes with the Release in `break_from`, so that a thread which is told
        // sees what the other did before; Relaxed loses it.
        // model: barrier::tree_breaks
        Self::breaks(self.broken.load(Acquire), episode)
    }

    /// Whether any episode never completes.
    pub(super) fn is_broken_ever(&self) -> bool {
        // Acquire: as in `is_broken`.
        // survivor: it only answers a question, and what is done on the strength of it is the
        // caller's.
        self.broken.load(Acquire) != 0
    }

    fn breaks(broken: u64, episode: u32) -> bool {
        broken != 0 && episode.wrapping_sub(broken as u32).cast_signed() >= 0
    }

    /// Lets no episode complete from `episode` on, and tells all that wait.
    #[cold]
    pub(super) fn break_from(&self, episode: u32) {
        // Relaxed: the compare-exchange says whether it is still so.
        let mut now = self.broken.load(Relaxed);
        while !Self::breaks(now, episode) {
            // Release: synchronizes with the Acquire in `is_broken`; Relaxed loses what this thread
            // did before. A compare-exchange: of two that break, the earlier episode counts.
            // model: barrier::tree_breaks
            match self
                .broken
                .compare_exchange(now, BROKEN | u64::from(episode), Release, Relaxed)
            {
                Ok(_) => {
                    #[cfg(feature = "std")]
                    self.flags.iter().for_each(|flag| flag.nudge());
                    return;
                }
                Err(other) => now = other,
            }
        }
    }
}
