//! The word of a reader-writer lock: which owners are inside, about to be, or waiting.
//!
//! | bit | meaning | changed by |
//! |---|---|---|
//! | `WRITER` | a writer has claimed the lock; it is inside, unless `DRAINING` | the writer |
//! | `CONTENDED` | beside `WRITER`: others change the word, so the writer unlocks by an RMW | the writer |
//! | `DRAINING` | beside `WRITER`: it waits until the readers have left | the writer |
//! | `DRAIN_PARKED` | beside `DRAINING`: it is parked, and the last counted reader counts towards its wake-up | the writer |
//! | `UPGRADABLE` | an upgradable reader is inside | that reader |
//! | `PARKED` | beside an owner: a waiter relies on that owner | a thread that parks |
//! | `SLOTTED` | readers register in slots, and leave the word alone | a reader; a writer clears it |
//! | `BIASED` | beside `SLOTTED`: and they do so without a fence | a reader; a writer clears it |
//! | the count | readers that are counted here | they |
//!
//! The owner is the thread behind `WRITER` or `UPGRADABLE`; there is at most one. These combinations occur:
//!
//! | owner | with | count |
//! |---|---|---|
//! | none | `SLOTTED` or not, `BIASED` | any |
//! | `UPGRADABLE` | the same, and `PARKED` | any |
//! | `WRITER` alone, perhaps `SLOTTED`: fast mode | nothing else; no other thread changes the word | 0 |
//! | `WRITER \| CONTENDED`: contended mode | `SLOTTED`, `PARKED` | 0 |
//! | `WRITER \| CONTENDED \| DRAINING` | `SLOTTED`, `BIASED`, `PARKED`, `DRAIN_PARKED` | any |

use super::MAX_READERS;

const WRITER: u32 = 1 << 0;
const CONTENDED: u32 = 1 << 1;
const DRAINING: u32 = 1 << 2;
const DRAIN_PARKED: u32 = 1 << 3;
const UPGRADABLE: u32 = 1 << 4;
const PARKED: u32 = 1 << 5;
const SLOTTED: u32 = 1 << 6;
const BIASED: u32 = 1 << 7;
pub(super) const READER: u32 = 1 << 8;
const READERS: u32 = !(READER - 1);

const OWNER: u32 = WRITER | UPGRADABLE;
/// What neither a claim nor an unlock changes.
const LASTING: u32 = SLOTTED | BIASED | READERS;

/// How many readers the count has room for.
pub(super) const COUNT_LIMIT: u32 = READERS / READER;

/// The word; see the module comment.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct State(u32);

/// How a thread wants to hold the lock.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(in crate::futex) enum Mode {
    Read,
    Upgradable,
    Write,
}

/// What an owner keeps when it gives its ownership up.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Retain {
    Nothing,
    Read,
    Upgradable,
}

impl State {
    pub(super) const FREE: Self = State(0);
    /// A free lock whose readers register in slots.
    pub(super) const FREE_SLOTTED: Self = State(SLOTTED);
    /// What is added for one more counted reader.
    pub(super) const ONE_READER: u32 = READER;

    #[inline]
    pub(super) const fn from_bits(bits: u32) -> Self {
        State(bits)
    }

    #[inline]
    pub(super) const fn bits(self) -> u32 {
        self.0
    }

    const fn has(self, bits: u32) -> bool {
        self.0 & bits == bits
    }

    pub(super) const fn has_writer(self) -> bool {
        self.has(WRITER)
    }

    pub(super) const fn has_owner(self) -> bool {
        self.0 & OWNER != 0
    }

    pub(super) const fn has_upgradable(self) -> bool {
        self.has(UPGRADABLE)
    }

    /// A writer that unlocks by a store.
    pub(super) const fn is_fast(self) -> bool {
        self.0 & (WRITER | CONTENDED) == WRITER
    }

    pub(super) const fn is_draining(self) -> bool {
        self.has(DRAINING)
    }

    pub(super) const fn is_drain_parked(self) -> bool {
        self.has(DRAIN_PARKED)
    }

    pub(super) const fn is_parked(self) -> bool {
        self.has(PARKED)
    }

    pub(super) const fn is_slotted(self) -> bool {
        self.has(SLOTTED)
    }

    pub(super) const fn is_biased(self) -> bool {
        self.has(BIASED)
    }

    pub(super) const fn readers(self) -> u32 {
        self.0 / READER
    }

    /// Whether no thread holds or claims it, as far as the word says.
    pub(super) const fn is_free(self) -> bool {
        self.0 & (OWNER | READERS) == 0
    }

    /// Whether a reader that has found `self` and registered in a slot is inside, now that the word is `now`.
    #[inline]
    pub(super) const fn keeps_slot_readers(self, now: State) -> bool {
        let needed = self.0 & (SLOTTED | BIASED);
        now.0 & (needed | WRITER) == needed
    }

    /// Whether readers register in slots now.
    #[inline]
    pub(super) const fn admits_slot_readers(self) -> bool {
        self.0 & (SLOTTED | WRITER) == SLOTTED
    }

    /// Whether a thread that comes now may acquire the lock as `mode`, or claim it.
    #[inline]
    pub(super) const fn admits(self, mode: Mode) -> bool {
        match mode {
            Mode::Read => !self.has_writer(),
            Mode::Upgradable | Mode::Write => !self.has_owner(),
        }
    }

    /// Whether the count has room for it. An upgradable reader needs a place in reserve: it may become a plain reader, and
    /// then no other is let in.
    pub(super) const fn has_room(self, mode: Mode) -> bool {
        match mode {
            Mode::Read => self.readers() < MAX_READERS,
            Mode::Upgradable => self.readers() <= MAX_READERS,
            Mode::Write => true,
        }
    }

    pub(super) const fn with_readers(self, count: u32) -> Self {
        State(self.0 + count * READER)
    }

    pub(super) const fn with_upgradable(self) -> Self {
        State(self.0 | UPGRADABLE)
    }

    pub(super) const fn with_parked(self) -> Self {
        State(self.0 | PARKED)
    }

    pub(super) const fn with_drain_parked(self) -> Self {
        State(self.0 | DRAIN_PARKED)
    }

    pub(super) const fn with_slotted(self) -> Self {
        State(self.0 | SLOTTED)
    }

    pub(super) const fn with_biased(self) -> Self {
        State(self.0 | BIASED)
    }

    pub(super) const fn without_bias(self) -> Self {
        State(self.0 & !BIASED)
    }

    /// Claimed by a writer that then waits for the readers, if there may be any; in contended mode.
    pub(super) const fn claimed(self) -> Self {
        let claimed = self.0 & (LASTING | PARKED) | WRITER | CONTENDED;
        if self.0 & (SLOTTED | READERS) == 0 {
            State(claimed)
        } else {
            State(claimed | DRAINING)
        }
    }

    /// The same in fast mode, for a lock whose word says nothing but perhaps `SLOTTED`.
    pub(super) const fn claimed_fast(self) -> Self {
        State(self.0 | WRITER)
    }

    /// A writer in contended mode that has to wait for the readers after all.
    pub(super) const fn draining(self) -> Self {
        State(self.0 | CONTENDED | DRAINING)
    }

    /// In contended mode.
    pub(super) const fn contended(self) -> Self {
        State(self.0 | CONTENDED)
    }

    /// The writer is inside. `keeps_slots`: readers will go on to register in slots.
    pub(super) const fn drained(self, keeps_slots: bool) -> Self {
        let drained = self.0 & !(DRAINING | DRAIN_PARKED | BIASED);
        if keeps_slots {
            State(drained)
        } else {
            State(drained & !SLOTTED)
        }
    }

    /// The owner has let go, but for what it retains.
    pub(super) const fn released(self, retain: Retain) -> Self {
        let free = self.0 & LASTING;
        match retain {
            Retain::Nothing => State(free),
            Retain::Read => State(free + READER),
            Retain::Upgradable => State(free | UPGRADABLE),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// All words that the table allows, with small counts.
    fn allowed() -> impl Iterator<Item = State> {
        (0..3 * READER).map(State).filter(|state| {
            let owner = state.0 & (OWNER | CONTENDED | DRAINING);
            let count = state.readers();
            (!state.is_biased() || state.is_slotted())
                && match owner {
                    0 => state.0 & (PARKED | DRAIN_PARKED) == 0,
                    UPGRADABLE => !state.is_drain_parked(),
                    WRITER => count == 0 && state.0 & !(WRITER | SLOTTED) == 0,
                    owner if owner == WRITER | CONTENDED => count == 0 && state.0 & (BIASED | DRAIN_PARKED) == 0,
                    owner => owner == WRITER | CONTENDED | DRAINING,
                }
        })
    }

    fn is_allowed(state: State) -> bool {
        state.readers() >= 3 || allowed().any(|other| other == state)
    }

    #[test]
    fn the_table_is_closed() {
        for state in allowed() {
            let next = [
                (state.admits(Mode::Read) && state.readers() < 2).then(|| state.with_readers(1)),
                state.admits(Mode::Upgradable).then(|| state.with_upgradable()),
                (state.admits(Mode::Write) || state.has_upgradable()).then(|| state.claimed()),
                [State::FREE, State::FREE_SLOTTED]
                    .contains(&state)
                    .then(|| state.claimed_fast()),
                state.is_fast().then(|| state.contended()),
                state.is_fast().then(|| state.draining()),
                (state.is_draining() && state.readers() == 0).then(|| state.drained(true)),
                (state.is_draining() && state.readers() == 0).then(|| state.drained(false)),
                (state.has_owner() && !state.is_fast()).then(|| state.with_parked()),
                state.is_draining().then(|| state.with_drain_parked()),
                (!state.has_writer()).then(|| state.with_slotted()),
                (!state.has_writer() && state.is_slotted()).then(|| state.with_biased()),
                state.has_owner().then(|| state.released(Retain::Nothing)),
                (state.has_owner() && state.readers() < 2).then(|| state.released(Retain::Read)),
                state.has_owner().then(|| state.released(Retain::Upgradable)),
            ];
            for next in next.into_iter().flatten() {
                assert!(is_allowed(next), "{state:?} becomes {next:?}");
            }
        }
    }

    #[test]
    fn what_a_claim_and_an_unlock_keep() {
        for state in allowed().filter(|state| state.admits(Mode::Write)) {
            assert!(state.claimed().has_writer() && !state.claimed().is_fast());
            assert_eq!(state.claimed().is_draining(), state.is_slotted() || state.readers() > 0);
            assert_eq!(state.claimed().released(Retain::Nothing), state, "taken back");
            assert_eq!(state.claimed().released(Retain::Read).readers(), state.readers() + 1);
        }
    }

    #[test]
    fn an_owner_keeps_out_what_it_must() {
        for state in allowed() {
            assert_eq!(state.admits(Mode::Read), !state.has_writer());
            assert!(!state.has_upgradable() || !state.admits(Mode::Write) && !state.admits(Mode::Upgradable));
            assert!(!state.admits_slot_readers() || state.admits(Mode::Read));
            assert!(!state.keeps_slot_readers(state.claimed()));
        }
    }

    /// A reader in a slot has made the fence that the word asked for: none if it was biased.
    #[test]
    fn a_reader_without_a_fence_stays_only_where_none_is_asked_for() {
        let biased = State::FREE_SLOTTED.with_biased();
        assert!(biased.keeps_slot_readers(biased) && !biased.keeps_slot_readers(State::FREE_SLOTTED));
        assert!(State::FREE_SLOTTED.keeps_slot_readers(biased));
        assert!(!State::FREE_SLOTTED.keeps_slot_readers(State::FREE));
    }

    #[test]
    fn the_last_place_is_an_upgradable_readers() {
        let full = State::FREE.with_readers(MAX_READERS);
        assert!(!full.has_room(Mode::Read) && full.has_room(Mode::Upgradable));
        let fuller = full.with_upgradable().released(Retain::Read);
        assert_eq!(fuller.readers(), COUNT_LIMIT);
        assert!(!fuller.has_room(Mode::Read) && !fuller.has_room(Mode::Upgradable) && !fuller.has_owner());
    }
}
