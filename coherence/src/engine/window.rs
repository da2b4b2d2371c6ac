//! When is a thread spinning? The window of what it has looked at since it last changed anything.
//!
//! A loop that waits looks at the same words again and again, changes none, and says that it waits: each time round it
//! calls `spin_loop` or yields. Once a thread has looked [`ROUNDS`] times in this way at a word it had looked at already,
//! has been through its whole loop since it last learnt anything, and its core still holds every line it looked at, nothing
//! it can see will change until one of these lines does: it may sleep till then. `ROUNDS` is above the spin limits in use
//! (100 in std's mutex), so that a bounded loop runs its course.
//!
//! A loop that does not say so may be one that reads: a thread that sleeps in it makes up for its looks afterwards, and
//! pays a miss for each write that it would have been done before. So it is simulated look by look, but for two cases.
//! After [`UNHINTED_LOOKS`] looks in a row (fewer with very many threads) without news it sleeps, if that happens once, or once for each [`MISSES`] misses it has:
//! the bill is then one miss more and a twentieth more at most. After [`UNHINTED_FACTOR`] times as many it sleeps in any case.

use super::access::Site;
use super::directory::{Directory, Place};
use super::tally::State;

/// How often a thread looks again before it may be put to sleep.
pub(crate) const ROUNDS: u32 = 128;

/// How many looks without news put a loop to sleep that does not say that it waits; with many threads, [`unhinted_looks`].
const UNHINTED_LOOKS: u32 = 1 << 18;

/// So many times as many do if it was put to sleep too often already.
const UNHINTED_FACTOR: u32 = 16;

/// How many looks without news all threads together may have before they sleep.
const UNHINTED_LOOKS_IN_ALL: u64 = 1 << 26;

/// How many looks without news put each of so many threads to sleep, in a loop that does not say that it waits.
pub(crate) fn unhinted_looks(threads: usize) -> u32 {
    u32::try_from(UNHINTED_LOOKS_IN_ALL / (threads.max(1) as u64))
        .map_or(UNHINTED_LOOKS, |each| each.min(UNHINTED_LOOKS))
}

/// How many misses make up for one sleep.
const MISSES: u32 = 20;

/// How often a thread may say that it waits while it unwinds, when no other thread can run.
const UNWINDING: u32 = 1 << 16;

/// A loop over more words than this is not taken for a spin loop, and is simulated turn by turn.
const WORDS: usize = 32;

/// After so many events without news, what the loop no longer looks at is forgotten.
const ABANDONED: u32 = 512;

struct Look {
    address: usize,
    site: Site,
    place: Place,
}

/// What a thread has looked at since it last changed anything.
#[derive(Default)]
pub(crate) struct Window {
    looks: Vec<Look>,
    /// Looks in a row at what had been looked at before, in a loop that says that it waits.
    rounds: u32,
    /// Looks since the thread last said that it waits.
    since_hint: u32,
    /// Looks since the last that was new: a miss, or a place not looked at before.
    without_news: u32,
    /// Looks that missed.
    misses: u32,
    /// How often the thread was put to sleep without having said that it waits.
    sleeps: u32,
    /// Hints since the last look.
    hints: u32,
    /// Rounds that must pass beyond `ROUNDS`: threads get more when everybody is asleep.
    pub(crate) extra_rounds: u32,
    /// Whether the loop yields its core.
    pub(crate) yields: bool,
}

impl Window {
    /// The thread changed something, or did something that is no part of a spin loop.
    #[inline]
    pub(crate) fn restart(&mut self) {
        if !self.looks.is_empty() {
            self.looks.clear();
            self.rounds = 0;
            self.without_news = 0;
            self.misses = 0;
            self.sleeps = 0;
            self.extra_rounds = 0;
            self.yields = false;
        }
        self.hints = 0;
    }

    /// The thread says that it waits.
    #[inline]
    pub(crate) fn hint(&mut self) {
        self.since_hint = 0;
        self.hints = self.hints.saturating_add(1);
    }

    /// So many looks are a whole turn of the loop, if it looks at everything twice.
    fn turn(&self) -> u32 {
        2 * self.looks.len() as u32 + 2
    }

    /// Whether the loop says that it waits, and has done so for long enough.
    fn is_hinted_wait(&self) -> bool {
        self.since_hint <= self.turn() && self.rounds >= ROUNDS + self.extra_rounds
    }

    /// How many looks without news are enough where the loop does not say that it waits.
    fn enough(&self, unhinted: u32) -> u32 {
        if self.sleeps.saturating_mul(MISSES) <= self.misses {
            unhinted
        } else {
            UNHINTED_FACTOR * unhinted
        }
    }

    /// The thread is about to look at a word that its core holds. Answers whether it has seen everything it looks at.
    #[inline]
    pub(crate) fn nothing_new(&mut self, address: usize, site: Site, directory: &Directory, unhinted: u32) -> bool {
        if self.without_news < self.turn()
            || !(self.is_hinted_wait() || self.without_news >= self.enough(unhinted))
            || !self.knows(address, site)
        {
            return false;
        }
        if self.without_news > ABANDONED {
            self.looks.retain(|look| directory.state(look.place) != State::Invalid);
        }
        self.looks
            .iter()
            .all(|look| directory.state(look.place) != State::Invalid)
    }

    /// The thread looked at a word and changed nothing.
    #[inline]
    pub(crate) fn look(&mut self, address: usize, site: Site, place: Place, hit: bool) {
        self.hints = 0;
        self.since_hint = self.since_hint.saturating_add(1);
        if !hit {
            self.misses = self.misses.saturating_add(1);
        }
        if self.knows(address, site) {
            self.rounds = if self.since_hint <= self.turn() {
                self.rounds.saturating_add(1)
            } else {
                0
            };
            self.without_news = if hit { self.without_news.saturating_add(1) } else { 0 };
            return;
        }
        self.without_news = 0;
        if self.looks.len() == WORDS {
            self.looks.clear();
            self.rounds = 0;
        }
        self.looks.push(Look { address, site, place });
    }

    /// The thread is put to sleep.
    pub(crate) fn fall_asleep(&mut self) {
        if !self.is_hinted_wait() {
            self.sleeps = self.sleeps.saturating_add(1);
        }
    }

    /// Whether the thread, which can neither sleep nor let others run, has seen nothing new for so long that it waits.
    pub(crate) fn is_stuck(&self) -> bool {
        self.rounds >= UNWINDING || self.since_hint > self.turn()
    }

    /// Whether the thread does nothing but say that it waits.
    pub(crate) fn only_hints(&self) -> bool {
        self.hints > UNHINTED_LOOKS
    }

    /// The thread was put to sleep and is awake again: something is new.
    pub(crate) fn wake(&mut self) {
        self.without_news = 0;
    }

    /// Where the thread looked at the last word that was new to it.
    pub(crate) fn last_site(&self) -> Option<Site> {
        self.looks.last().map(|look| look.site)
    }

    fn knows(&self, address: usize, site: Site) -> bool {
        self.looks
            .iter()
            .any(|l| l.address == address && core::ptr::eq(l.site, site))
    }

    /// The lines the thread looks at.
    pub(crate) fn lines(&self) -> impl Iterator<Item = u32> {
        self.looks.iter().map(|look| look.place.line)
    }
}
