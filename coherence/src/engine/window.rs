//! When is a thread spinning? The window of what it has looked at since it last changed anything.
//!
//! A *look* is an access that changes nothing, such as a load or a compare-and-swap that fails. A
//! *hint* is a `spin_loop` or a yield. A loop that waits looks at the same words again and again,
//! and gives a hint each time round. Once a thread has looked [`ROUNDS`] times in such a loop at
//! words it had looked at already, has been through its whole loop since it last saw something new,
//! and its core still holds every line it looked at, nothing it can see will change until one of
//! these lines does. Then it goes *dormant*: it is not simulated until one of them changes.
//! `ROUNDS` is above the spin limits in use (100 in std's mutex), so that a bounded loop runs its
//! course.
//!
//! A loop without a hint may be one that reads. A thread that goes dormant in such a loop carries
//! out the rest of its looks later, and so pays a miss for each write that a loop simulated look by
//! look would not have lived to see. So it is simulated look by look, with two exceptions. After
//! [`UNHINTED_LOOKS`] looks in a row without news (fewer with very many threads) it goes dormant,
//! if that happens once, or once for each [`MISSES`] misses it has: the bill is then one miss more
//! and a twentieth more at most. After [`UNHINTED_FACTOR`] times as many it does so in any case.

use super::access::Site;
use super::directory::{Directory, Place};
use super::tally::State;

/// How often a thread looks again before it may go dormant.
pub(crate) const ROUNDS: u32 = 128;

/// After how many looks without news a thread goes dormant whose loop has no hint; with many
/// threads, [`unhinted_looks`].
const UNHINTED_LOOKS: u32 = 1 << 18;

/// After so many times as many, if it went dormant too often before.
const UNHINTED_FACTOR: u32 = 16;

/// How many looks without news all threads together may have before they go dormant.
const UNHINTED_LOOKS_IN_ALL: u64 = 1 << 26;

/// After how many looks without news each of so many threads goes dormant, in a loop without a
/// hint.
pub(crate) fn unhinted_looks(threads: usize) -> u32 {
    u32::try_from(UNHINTED_LOOKS_IN_ALL / (threads.max(1) as u64))
        .map_or(UNHINTED_LOOKS, |each| each.min(UNHINTED_LOOKS))
}

/// How many misses make up for going dormant once.
const MISSES: u32 = 20;

/// How many looks in a loop with a hint a thread has while it unwinds, when no other thread can
/// run.
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
    /// Looks in a row at what had been looked at before, in a loop with a hint.
    rounds: u32,
    /// Looks since the last hint.
    since_hint: u32,
    /// Looks since the last that was new: a miss, or a place not looked at before.
    without_news: u32,
    /// Looks that missed.
    misses: u32,
    /// How often the thread went dormant in a loop without a hint.
    dormancies: u32,
    /// Hints since the last look.
    hints: u32,
    /// Rounds that must pass beyond `ROUNDS`: spinners get more when no thread can run.
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
            self.dormancies = 0;
            self.extra_rounds = 0;
            self.yields = false;
        }
        self.hints = 0;
    }

    /// The thread gives a hint.
    #[inline]
    pub(crate) fn hint(&mut self) {
        self.since_hint = 0;
        self.hints = self.hints.saturating_add(1);
    }

    /// So many looks are a whole turn of the loop, if it looks at everything twice.
    fn turn(&self) -> u32 {
        2 * self.looks.len() as u32 + 2
    }

    /// Whether the loop has a hint, and has gone round often enough.
    fn is_hinted_wait(&self) -> bool {
        self.since_hint <= self.turn() && self.rounds >= ROUNDS + self.extra_rounds
    }

    /// How many looks without news are enough where the loop has no hint.
    fn enough(&self, unhinted: u32) -> u32 {
        if self.dormancies.saturating_mul(MISSES) <= self.misses {
            unhinted
        } else {
            UNHINTED_FACTOR * unhinted
        }
    }

    /// The thread is about to look at a word that its core holds. Returns whether it has seen
    /// everything it looks at.
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

    /// The thread goes dormant.
    pub(crate) fn go_dormant(&mut self) {
        if !self.is_hinted_wait() {
            self.dormancies = self.dormancies.saturating_add(1);
        }
    }

    /// Whether the thread, which can neither go dormant nor let others run, has seen nothing new
    /// for so long that it waits.
    pub(crate) fn is_stuck(&self) -> bool {
        self.rounds >= UNWINDING || self.since_hint > self.turn()
    }

    /// Whether the thread does nothing but give hints.
    pub(crate) fn only_hints(&self) -> bool {
        self.hints > UNHINTED_LOOKS
    }

    /// The thread was dormant and runs again: something is new.
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
