//! One core's copy of one line: its MESI state, the lifetime in progress, and what was counted at
//! which site.

use super::access::Site;
use crate::counts::Counts;

/// The state of a line in one core's cache.
///
/// Exclusive and Modified of MESI are one state here: they differ in whether an eviction writes
/// back, and these caches are infinite. A load that finds the line nowhere else takes it `Owned`,
/// so a later store by the same core is a hit, as it is with MESI and is not with MSI.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum State {
    Invalid,
    Shared,
    Owned,
}

/// What one site did to one line on one core in one phase.
#[derive(Clone, Debug)]
pub(crate) struct Tally {
    pub(crate) site: Site,
    pub(crate) phase: u32,
    /// The bytes of the line that the site touched: from the least offset to one past the greatest.
    pub(crate) bytes: (u8, u8),
    pub(crate) counts: Counts,
}

/// One core's copy of a line, from the core's first miss on it to the end of the simulation.
pub(crate) struct Copy {
    pub(crate) core: u16,
    pub(crate) state: State,
    /// Whether the lifetime in progress is known to be essential: cold, or another core's write was
    /// seen.
    essential: bool,
    /// Until the end of the core's first lifetime of the line.
    cold: bool,
    /// The tally of the miss that opened the lifetime in progress.
    opener: u32,
    /// The tally used last: most accesses come from the site of the one before.
    last: u32,
    pub(crate) tallies: Vec<Tally>,
}

impl Copy {
    pub(crate) fn new(core: u16) -> Self {
        Copy {
            core,
            state: State::Invalid,
            essential: false,
            cold: true,
            opener: 0,
            last: 0,
            tallies: Vec::new(),
        }
    }

    /// The counts of `site` in `phase`, with the bytes `from..to` noted as touched.
    #[inline]
    pub(crate) fn counts(&mut self, site: Site, phase: u32, bytes: (u8, u8)) -> &mut Counts {
        let at = self.tally(site, phase);
        let tally = &mut self.tallies[at];
        tally.bytes = (tally.bytes.0.min(bytes.0), tally.bytes.1.max(bytes.1));
        &mut tally.counts
    }

    #[inline]
    fn tally(&mut self, site: Site, phase: u32) -> usize {
        let last = self.last as usize;
        // Two addresses for one source location are possible (one for each codegen unit); the
        // report joins them by content.
        if let Some(tally) = self.tallies.get(last)
            && core::ptr::eq(tally.site, site)
            && tally.phase == phase
        {
            return last;
        }
        let found = self
            .tallies
            .iter()
            .position(|t| core::ptr::eq(t.site, site) && t.phase == phase);
        let at = found.unwrap_or_else(|| {
            self.tallies.push(Tally {
                site,
                phase,
                bytes: (u8::MAX, 0),
                counts: Counts::default(),
            });
            self.tallies.len() - 1
        });
        self.last = at as u32;
        at
    }

    /// Notes that the core reads or writes the bytes in `mask`, of which others have written those
    /// in `stale` since this core's last essential miss: if these meet, the lifetime was needed.
    #[inline]
    pub(crate) fn touch(&mut self, mask: u128, stale: u128) {
        self.essential |= stale & mask != 0;
    }

    /// A miss of `site` brings the line in `state`.
    pub(crate) fn open(&mut self, state: State, site: Site, phase: u32) {
        debug_assert_eq!(self.state, State::Invalid);
        self.essential = self.cold;
        self.opener = self.tally(site, phase) as u32;
        self.state = state;
    }

    /// The lifetime ends, by invalidation or with the simulation: now it is known what the miss was
    /// for. True for an essential one: it has seen all that others have written.
    pub(crate) fn close(&mut self) -> bool {
        debug_assert_ne!(self.state, State::Invalid);
        self.state = State::Invalid;
        let counts = &mut self.tallies[self.opener as usize].counts;
        *match (self.cold, self.essential) {
            (true, _) => &mut counts.cold_misses,
            (false, true) => &mut counts.true_sharing_misses,
            (false, false) => &mut counts.false_sharing_misses,
        } += 1;
        self.cold = false;
        self.essential
    }
}
