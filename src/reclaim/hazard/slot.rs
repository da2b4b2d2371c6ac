//! A hazard slot: the word in which a hazard pointer announces what it protects.
//!
//! | `hazard` | means |
//! |---|---|
//! | null | no hazard pointer has it; it is free, or idle in a thread's cache |
//! | `NOTHING` | a hazard pointer has it, and protects nothing (or an object without a size, at that address) |
//! | an address | a hazard pointer protects what is there |
//!
//! Only the holder of the slot stores to it. Invariants:
//!
//! 1. A slot that a hazard pointer has is `listed` before anything is protected with it, and stays so.
//! 2. Only a scan takes a slot off the list that is leased, and only if it has found it idle, has then made a heavy
//!    fence, and has found it idle and still marked so after it. [`Slot::occupy`] is the other side: it stores, makes a
//!    light fence, and then looks for that mark. So either the scan sees the slot occupied, or the thread sees the mark
//!    and takes it away.

use core::ptr::{null_mut, without_provenance_mut};

use super::table::{Entry, Place, idle, leased, listed};
use crate::backend::asymmetric;
use crate::backend::atomic::{Acquire, AtomicPtr, Relaxed, Release};

/// No object is at the last address, but for those without a size: for a scan this says that it is protected, too.
pub(super) const NOTHING: *mut u8 = without_provenance_mut(usize::MAX);

pub(super) struct Slot {
    hazard: AtomicPtr<u8>,
    place: Place,
}

/// What a scan finds in a slot.
pub(super) enum Found {
    Idle,
    Occupied,
    Protects(*mut u8),
}

impl Entry for Slot {
    fn new(place: Place) -> Self {
        Slot {
            hazard: AtomicPtr::new(null_mut()),
            place,
        }
    }
}

impl Slot {
    /// How a word changes where a slot is leased: scans look at it from then on.
    pub(super) const fn lease(word: u64, entry: usize) -> u64 {
        (word | leased(entry) | listed(entry)) & !idle(entry)
    }

    /// A hazard pointer begins to have it. The caller has leased it.
    #[inline]
    pub(super) fn occupy(&self) {
        // Release: synchronizes with the Acquire load in `look`. A scan that sees this, and frees
        // what the slot has protected before, must have that use in its past.
        // model: reclaim::slot_is_used_again
        self.hazard.store(NOTHING, Release);
        // The pair with the heavy fence of a scan (invariant 2): if our fence comes first, the scan
        // sees the slot occupied; if the scan's comes first, this thread sees what it has marked
        // before.
        // model: reclaim::idle_slot_comes_back
        asymmetric::light();
        // Relaxed: the fence orders it.
        let word = self.place.word().load(Relaxed);
        let entry = self.place.entry();
        if word & (listed(entry) | idle(entry)) != listed(entry) {
            self.show();
        }
    }

    /// Lists the slot again, which a scan has taken off the list, or is about to.
    #[cold]
    fn show(&self) {
        let entry = self.place.entry();
        // Relaxed: proposes the compare-exchange.
        let mut now = self.place.word().load(Relaxed);
        loop {
            let next = (now | listed(entry)) & !idle(entry);
            // Relaxed, both: the fence before the first use of what is protected makes it seen. In
            // one step: what happens to the other slots of the word must not be lost.
            // model: reclaim::slot_is_shown_beside_a_lease
            match self.place.word().compare_exchange_weak(now, next, Relaxed, Relaxed) {
                Ok(_) => return,
                Err(changed) => now = changed,
            }
        }
    }

    /// Announces that `object`, which is not null, is protected. A light fence and a look at where it came from have to follow.
    #[inline]
    pub(super) fn protect(&self, object: *mut u8) {
        debug_assert!(!object.is_null(), "null says that no hazard pointer has the slot");
        // Release: synchronizes with the Acquire load in `look`. A scan that sees this may free
        // what was protected before, and must have its use in its past.
        // model: reclaim::protection_moves_on
        self.hazard.store(object, Release);
    }

    /// Protects nothing any more.
    #[inline]
    pub(super) fn reset(&self) {
        // Release: as in `protect`.
        // model: reclaim::protection_is_reset
        self.hazard.store(NOTHING, Release);
    }

    /// No hazard pointer has it any more.
    #[inline]
    pub(super) fn vacate(&self) {
        // Release: as in `protect`.
        // model: reclaim::protection_ends
        self.hazard.store(null_mut(), Release);
    }

    /// Ends the lease, and returns where it was. No hazard pointer has it.
    pub(super) fn give_back(&self) -> Place {
        let entry = self.place.entry();
        let bits = leased(entry) | listed(entry) | idle(entry);
        // Release: synchronizes with the Acquire load of the words in a scan, which looks no
        // further at a slot that is not listed: what it frees must not be in use in its eyes.
        // model: reclaim::thread_departs
        self.place.word().fetch_and(!bits, Release);
        self.place
    }

    /// What a scan finds.
    pub(super) fn look(&self) -> Found {
        // Acquire: synchronizes with the Release stores above; see there.
        // model: reclaim::protection_ends
        let hazard = self.hazard.load(Acquire);
        if hazard.is_null() {
            Found::Idle
        } else if hazard == NOTHING {
            Found::Occupied
        } else {
            Found::Protects(hazard)
        }
    }
}
