//! When is a thread spinning? The window of what it has looked at since it last changed anything.
//!
//! A loop that waits looks at the same words again and again and changes none. Once a thread has looked [`ROUNDS`] times
//! at a word it had looked at already, has been through its whole loop since it last learnt anything, and its core still
//! holds every line it looked at, nothing it can see will change until one of these lines does: it may sleep till then.
//! `ROUNDS` is above the spin limits in use (100 in std's mutex), so that a bounded loop runs its course.

use super::directory::{Directory, Place};
use super::tally::{Site, State};

/// How often a thread looks again before it may be put to sleep.
pub(crate) const ROUNDS: u32 = 128;

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
    /// Looks at what had been looked at before.
    rounds: u32,
    /// Looks since the last that was new: a miss, or a place not looked at before.
    quiet: u32,
    /// Rounds that must pass beyond `ROUNDS`: threads get more when everybody is asleep.
    pub(crate) patience: u32,
    /// Whether the loop yields its core.
    pub(crate) yields: bool,
}

impl Window {
    /// The thread changed something, or did something that is no part of a spin loop.
    #[inline]
    pub(crate) fn restart(&mut self) {
        if self.rounds > 0 || !self.looks.is_empty() {
            self.looks.clear();
            self.rounds = 0;
            self.quiet = 0;
            self.patience = 0;
            self.yields = false;
        }
    }

    /// The thread is about to look at a word that its core holds. Answers whether it has seen everything it looks at.
    #[inline]
    pub(crate) fn nothing_new(&mut self, address: usize, site: Site, directory: &Directory) -> bool {
        let looks = self.looks.len() as u32;
        if self.rounds < ROUNDS + self.patience || self.quiet < 2 * looks + 2 || !self.knows(address, site) {
            return false;
        }
        if self.quiet > ABANDONED {
            self.looks.retain(|look| directory.state(look.place) != State::Invalid);
        }
        self.looks
            .iter()
            .all(|look| directory.state(look.place) != State::Invalid)
    }

    /// The thread looked at a word and changed nothing.
    #[inline]
    pub(crate) fn look(&mut self, address: usize, site: Site, place: Place, hit: bool) {
        if self.knows(address, site) {
            self.rounds = self.rounds.saturating_add(1);
            self.quiet = if hit { self.quiet.saturating_add(1) } else { 0 };
            return;
        }
        self.quiet = 0;
        if self.looks.len() == WORDS {
            self.looks.clear();
            self.rounds = 0;
        }
        self.looks.push(Look { address, site, place });
    }

    /// The thread was put to sleep and is awake again: something is new.
    pub(crate) fn wake(&mut self) {
        self.quiet = 0;
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
