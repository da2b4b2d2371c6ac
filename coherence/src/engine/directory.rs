//! The directory: every line touched so far, which cores hold it, and what moving it costs.
//!
//! MESI with write-invalidate over infinite private caches. All transactions of one line are served
//! one after the other; different lines do not hinder each other. A line is known by its address
//! for as long as the simulation runs, so memory that is freed and handed out again is the same
//! line: the caches still hold what they held, as they do in reality.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

use super::access::{Access, Kind};
use super::stale::Stale;
use super::tally::{Copy, State};
use crate::machine::Machine;

/// A line held by a core: its place in the directory and the core's copy.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Place {
    pub(crate) line: u32,
    pub(crate) copy: u32,
}

pub(crate) struct Line {
    /// Address divided by line size.
    number: usize,
    /// One for each core that ever touched the line, in order of first touch.
    pub(crate) copies: Vec<Copy>,
    /// `(core, index into copies)`, ordered by core.
    by_core: Vec<(u16, u16)>,
    /// What each copy has yet to see.
    stale: Stale,
    /// The copy that is `Owned`, if any.
    owner: Option<u16>,
    /// The copies that are `Shared`.
    sharers: Vec<u16>,
    /// The bytes that the owner has written and that are not yet flagged in the other copies.
    written: u128,
    /// When the transaction in progress ends.
    busy: u64,
    /// When the owner obtained the line.
    owned_at: u64,
    /// The threads that are dormant until this line changes.
    pub(crate) watchers: Vec<u32>,
}

/// What happened to an access.
pub(crate) enum Outcome {
    /// The core held the line in the state it needed.
    Hit,
    /// The line moved, or the other copies went. The access ends at this time; `downgraded` is a
    /// core that lost ownership and kept a readable copy.
    Moved { end: u64, downgraded: Option<u16> },
    /// The owner has held the line for less than its tenure, and the access is no load: ask again
    /// at this time.
    Later(u64),
}

const NEAR: usize = 64;

/// Where a core found lines lately; never stale, since lines stay where they are.
#[derive(Clone, Copy)]
struct Near {
    number: usize,
    place: Place,
}

pub(crate) struct Directory {
    shift: u32,
    lookup: HashMap<usize, u32, BuildHasherDefault<Multiply>>,
    pub(crate) lines: Vec<Line>,
    near: Vec<[Near; NEAR]>,
}

impl Directory {
    pub(crate) fn new(machine: &Machine, cores: usize) -> Self {
        let nowhere = Near {
            number: usize::MAX,
            place: Place { line: 0, copy: 0 },
        };
        Directory {
            shift: machine.line.trailing_zeros(),
            lookup: HashMap::default(),
            lines: Vec::new(),
            near: vec![[nowhere; NEAR]; cores],
        }
    }

    /// The number of the line that holds this address.
    #[inline]
    pub(crate) fn number(&self, address: usize) -> usize {
        address >> self.shift
    }

    /// The name of a line that was touched: lines are named by order of first touch.
    pub(crate) fn named(&self, number: usize) -> Option<u32> {
        self.lookup.get(&number).copied()
    }

    /// The place of a line for a core, made if this is the first touch.
    #[inline]
    pub(crate) fn place(&mut self, core: u16, number: usize) -> Place {
        let near = &self.near[usize::from(core)][number % NEAR];
        if near.number == number {
            return near.place;
        }
        self.find(core, number)
    }

    fn find(&mut self, core: u16, number: usize) -> Place {
        let lines = &mut self.lines;
        let at = *self.lookup.entry(number).or_insert_with(|| {
            lines.push(Line::new(number));
            (lines.len() - 1) as u32
        });
        let line = &mut lines[at as usize];
        let copy = match line.by_core.binary_search_by_key(&core, |entry| entry.0) {
            Ok(i) => line.by_core[i].1,
            Err(i) => {
                let copy = line.copies.len() as u16;
                line.copies.push(Copy::new(core));
                line.stale.push();
                line.by_core.insert(i, (core, copy));
                copy
            }
        };
        let place = Place {
            line: at,
            copy: u32::from(copy),
        };
        self.near[usize::from(core)][number % NEAR] = Near { number, place };
        place
    }

    /// The state in which a core holds a line.
    #[inline]
    pub(crate) fn state(&self, place: Place) -> State {
        self.lines[place.line as usize].copies[place.copy as usize].state
    }

    /// The number of the line of an aligned pair that is not this one, if any core has touched it.
    pub(crate) fn other_of_pair(&self, place: Place) -> Option<usize> {
        let number = self.lines[place.line as usize].number ^ 1;
        self.lookup.contains_key(&number).then_some(number)
    }

    /// Bills one access of `core` at time `now`, which lies within one line. `wrote`: whether it
    /// stores a value.
    #[inline]
    pub(crate) fn access(
        &mut self,
        m: &Machine,
        place: Place,
        a: &Access,
        wrote: bool,
        phase: u32,
        now: u64,
    ) -> Outcome {
        let line = &mut self.lines[place.line as usize];
        let copy = &mut line.copies[place.copy as usize];
        let from = a.address & (m.line - 1);
        let bytes = if a.size == 0 {
            (u8::MAX, 0)
        } else {
            (from as u8, (from + a.size) as u8)
        };
        let mask = mask(from, a.size);
        if copy.state == State::Owned || (copy.state == State::Shared && a.kind == Kind::Load) {
            copy.counts(a.site, phase, bytes).hits += 1;
            copy.touch(mask, line.stale.of(place.copy as usize));
            if wrote {
                line.written |= mask;
            }
            return Outcome::Hit;
        }
        line.transact(m, place.copy as usize, a, (wrote, phase, now, bytes, mask))
    }

    /// The lifetimes still in progress end with the simulation.
    pub(crate) fn close(&mut self) {
        for line in &mut self.lines {
            for copy in line.copies.iter_mut().filter(|copy| copy.state != State::Invalid) {
                copy.close();
            }
        }
    }
}

impl Line {
    fn new(number: usize) -> Self {
        Line {
            number,
            copies: Vec::new(),
            by_core: Vec::new(),
            stale: Stale::default(),
            owner: None,
            sharers: Vec::new(),
            written: 0,
            busy: 0,
            owned_at: 0,
            watchers: Vec::new(),
        }
    }

    /// A miss or an upgrade: the line moves, or its other copies go.
    #[cold]
    #[inline(never)]
    fn transact(&mut self, m: &Machine, me: usize, a: &Access, rest: (bool, u32, u64, (u8, u8), u128)) -> Outcome {
        let (wrote, phase, now, bytes, mask) = rest;
        if m.tenure > 0 && self.owner.is_some() && a.kind != Kind::Load {
            let until = self.owned_at.saturating_add(m.tenure);
            if now < until {
                return Outcome::Later(until);
            }
        }
        let latency = self.latency(m, me, a.kind);
        self.publish_written();
        let alone = self.owner.is_none() && self.sharers.is_empty();
        let upgrade = self.copies[me].state == State::Shared;
        let (mut downgraded, mut invalidated) = (None, 0);
        if a.kind == Kind::Load {
            if let Some(owner) = self.owner.take() {
                let owner_copy = &mut self.copies[usize::from(owner)];
                owner_copy.state = State::Shared;
                downgraded = Some(owner_copy.core);
                self.sharers.push(owner);
            }
        } else {
            for holder in self
                .sharers
                .drain(..)
                .chain(self.owner.take())
                .map(usize::from)
                .filter(|&i| i != me)
            {
                if self.copies[holder].close() {
                    self.stale.clear(holder);
                }
                invalidated += 1;
            }
        }
        let copy = &mut self.copies[me];
        let state = if a.kind != Kind::Load || alone {
            State::Owned
        } else {
            State::Shared
        };
        if upgrade {
            copy.state = state;
        } else {
            copy.open(state, a.site, phase);
        }
        copy.touch(mask, self.stale.of(me));
        let counts = copy.counts(a.site, phase, bytes);
        counts.invalidations += invalidated;
        *match (a.kind, upgrade) {
            (Kind::Load, _) => &mut counts.get_shared,
            (_, false) => &mut counts.get_modified,
            (_, true) => &mut counts.upgrades,
        } += 1;
        // Fetches of a pair may run ahead of every clock.
        self.busy = self.busy.max(now).saturating_add(latency);
        if state == State::Owned {
            self.owner = Some(me as u16);
            self.owned_at = self.busy;
            self.written = if wrote { mask } else { 0 };
        } else {
            self.sharers.push(me as u16);
        }
        Outcome::Moved {
            end: self.busy,
            downgraded,
        }
    }

    /// From the owner; else a reader is served by the nearest copy, and a writer waits for the
    /// farthest to go.
    fn latency(&self, m: &Machine, me: usize, kind: Kind) -> u64 {
        let core = self.copies[me].core;
        let to = |holder: &u16| m.distance(core, self.copies[usize::from(*holder)].core);
        if let Some(owner) = &self.owner {
            return to(owner);
        }
        let others = self.sharers.iter().filter(|&&i| usize::from(i) != me).map(to);
        let distance = if kind == Kind::Load { others.min() } else { others.max() };
        distance.unwrap_or(m.memory)
    }

    /// Flags the bytes that the owner wrote in every other core's copy.
    fn publish_written(&mut self) {
        let Some(owner) = self.owner.map(usize::from) else {
            return;
        };
        if self.written != 0 {
            self.stale.write(owner, self.written);
            self.written = 0;
        }
    }
}

/// One bit for each byte of `from..from + size`.
#[inline]
fn mask(from: usize, size: usize) -> u128 {
    let ones = if size >= 128 { u128::MAX } else { (1 << size) - 1 };
    ones << from
}

/// A hasher for line numbers: one multiplication (Fibonacci hashing; Knuth, vol. 3, 6.4).
#[derive(Default)]
struct Multiply(u64);

impl Hasher for Multiply {
    fn write(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            self.write_usize(usize::from(byte));
        }
    }

    fn write_usize(&mut self, n: usize) {
        self.0 = (self.0 ^ n as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15).rotate_left(29);
    }

    fn finish(&self) -> u64 {
        self.0
    }
}
