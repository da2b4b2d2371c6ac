//! The word of everything that happens once: which phase it is in, and whether threads sleep until that ends.
//!
//! | part | meaning | changed by |
//! |---|---|---|
//! | the phase: `New`, `Poisoned`, `Running`, `Done` | how far it has come | the thread that begins, by a compare-exchange; then that thread alone |
//! | `SLEEPING` | threads sleep, or are about to | a waiter, by a compare-exchange on the word that it has seen; cleared by the thread that ends an attempt |
//!
//! 1. While the phase is `Running`, no thread but the one that runs the closure changes the phase; others add `SLEEPING` at most.
//! 2. Beginning keeps `SLEEPING`, so that the end of the attempt wakes those too that have slept since before it.
//! 3. A waiter sleeps only if the word is what it was with `SLEEPING` in it, and each end of an attempt changes the word: a waiter
//!    is asleep before that, and the thread that ends sees the bit, or it does not fall asleep.
//! 4. `Done` is the last phase.

use core::mem::ManuallyDrop;

#[cfg(feature = "std")]
use super::WhenExhausted;
use super::{Backoff, Wait};
use crate::backend::atomic::{Acquire, AtomicU32, Relaxed, Release};
use crate::backend::{const_fn, hint};
#[cfg(feature = "std")]
use crate::backend::{futex, hint::patience};

const SLEEPING: u32 = 1;

/// How far it has come.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Phase {
    /// No closure has run to its end.
    New,
    /// The last closure that ran has panicked.
    Poisoned,
    /// A closure runs.
    Running,
    /// A closure has run to its end.
    Done,
}

impl Phase {
    const fn word(self) -> u32 {
        match self {
            Phase::New => 0,
            Phase::Poisoned => 2,
            Phase::Running => 4,
            Phase::Done => 6,
        }
    }

    const fn of(word: u32) -> Self {
        match word & !SLEEPING {
            0 => Phase::New,
            2 => Phase::Poisoned,
            4 => Phase::Running,
            _ => Phase::Done,
        }
    }
}

/// See the [module](self).
pub(crate) struct OnceWord(AtomicU32);

impl OnceWord {
    const_fn! {
        pub(crate) const fn at(phase: Phase) -> Self {
            OnceWord(AtomicU32::new(phase.word()))
        }
    }

    #[inline]
    fn load(&self) -> u32 {
        // Acquire: synchronizes with the Release in `finish`, so that a thread which finds `Done` sees
        // what the closure did.
        // model: once::value_is_made_once, once::once_runs_once
        self.0.load(Acquire)
    }

    #[cfg(feature = "std")]
    #[inline]
    pub(crate) fn phase(&self) -> Phase {
        Phase::of(self.load())
    }

    #[inline]
    pub(crate) fn is_done(&self) -> bool {
        self.load() == Phase::Done.word()
    }

    /// Waits until the closure is this thread's to run (which it is to do now), or has run to its end in another (`None`).
    ///
    /// # Errors
    ///
    /// If an earlier closure has panicked, unless `forced`.
    #[cold]
    pub(crate) fn begin<W: Wait>(&self, forced: bool) -> Result<Option<Attempt<'_>>, Poisoned> {
        let mut backoff = Backoff::new();
        loop {
            let word = self.load();
            match Phase::of(word) {
                Phase::Done => return Ok(None),
                Phase::Poisoned if !forced => return Err(Poisoned),
                Phase::Running => self.wait::<W>(&mut backoff, word),
                before => {
                    let running = Phase::Running.word() | word & SLEEPING;
                    // Acquire: synchronizes with the Release in `finish`, so that the closure sees what one did that
                    // has failed since `load`.
                    // model: once::value_is_tried_again
                    if self.0.compare_exchange(word, running, Acquire, Relaxed).is_ok() {
                        return Ok(Some(Attempt { word: self, before }));
                    }
                }
            }
        }
    }

    /// Waits until a closure has run to its end, also if none has begun.
    ///
    /// # Errors
    ///
    /// If a closure has panicked, unless `forced`.
    #[cold]
    pub(crate) fn await_done<W: Wait>(&self, forced: bool) -> Result<(), Poisoned> {
        let mut backoff = Backoff::new();
        loop {
            let word = self.load();
            match Phase::of(word) {
                Phase::Done => return Ok(()),
                Phase::Poisoned if !forced => return Err(Poisoned),
                _ => self.wait::<W>(&mut backoff, word),
            }
        }
    }

    /// Waits while a closure runs; answers whether one has run to its end.
    ///
    /// # Errors
    ///
    /// If it has panicked.
    #[cold]
    pub(crate) fn await_running<W: Wait>(&self) -> Result<bool, Poisoned> {
        let mut backoff = Backoff::new();
        loop {
            let word = self.load();
            match Phase::of(word) {
                Phase::Done => return Ok(true),
                Phase::New => return Ok(false),
                Phase::Poisoned => return Err(Poisoned),
                Phase::Running => self.wait::<W>(&mut backoff, word),
            }
        }
    }

    /// Waits one round for `word` to change, and may return for no reason.
    #[cfg_attr(not(feature = "std"), expect(unused_variables, reason = "no thread sleeps"))]
    fn wait<W: Wait>(&self, backoff: &mut Backoff, word: u32) {
        #[cfg(feature = "std")]
        if matches!(W::WHEN_EXHAUSTED, WhenExhausted::Sleep) && backoff.round >= patience(super::LAST_ROUND + 1) {
            return self.sleep(word);
        }
        backoff.wait::<W>();
    }

    #[cfg(feature = "std")]
    fn sleep(&self, word: u32) {
        let asleep = word | SLEEPING;
        // Relaxed: it publishes nothing. One step, so that the end of an attempt is not taken back
        // (invariant 3).
        // model: once::once_runs_once
        if word == asleep || self.0.compare_exchange(word, asleep, Relaxed, Relaxed).is_ok() {
            futex::wait(&self.0, asleep);
        }
    }

    /// Ends an attempt, in the thread that has begun it.
    fn finish(&self, phase: Phase) {
        // Release: synchronizes with the Acquire in `load` and `begin`, so that other threads see what
        // the closure did.
        // model: once::value_is_made_once, once::value_is_tried_again
        if self
            .0
            .compare_exchange(Phase::Running.word(), phase.word(), Release, Relaxed)
            .is_err()
        {
            // Release: as above. A plain store will do: `SLEEPING` is there, and no thread changes anything else
            // (invariant 1).
            // model: once::once_runs_once
            self.0.store(phase.word(), Release);
            #[cfg(feature = "std")]
            futex::wake(&self.0, u32::MAX);
        }
    }
}

/// A closure has panicked.
#[derive(Debug)]
pub(crate) struct Poisoned;

impl Poisoned {
    /// Where the caller of a public method is to hear of it. (The methods of the word are not `track_caller`: a model knows an atomic
    /// operation by its own place.)
    #[cold]
    #[track_caller]
    pub(crate) fn refuse<T>(self) -> T {
        panic!("a closure that was to run once has panicked: this is poisoned");
    }
}

/// The right to run the closure, and the duty to say how it has ended. Dropped, as by a panic, it poisons.
#[must_use]
pub(crate) struct Attempt<'a> {
    word: &'a OnceWord,
    before: Phase,
}

impl Attempt<'_> {
    /// Whether the last closure that ran has panicked.
    #[cfg(feature = "std")]
    pub(crate) fn was_poisoned(&self) -> bool {
        self.before == Phase::Poisoned
    }

    /// The closure has run to its end.
    pub(crate) fn succeed(self) {
        self.end(Phase::Done);
    }

    /// The closure has given up, and the next one is to be tried.
    pub(crate) fn give_up(self) {
        let before = self.before;
        self.end(before);
    }

    fn end(self, phase: Phase) {
        ManuallyDrop::new(self).word.finish(phase);
    }
}

impl Drop for Attempt<'_> {
    fn drop(&mut self) {
        if !hint::is_abandoned() {
            self.word.finish(Phase::Poisoned);
        }
    }
}
