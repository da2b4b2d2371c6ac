//! What a domain consists of. It is made at the first use of the domain, and lives until the domain has been dropped
//! and each thread that has used it has noticed.
//!
//! A thread that ends gives back what it has in every domain, and nothing keeps a domain from being dropped at that
//! very moment. So threads share the ownership of this, and what a domain does when it is dropped collides with none of
//! what a thread does when it ends (see the invariants of [`record`](super::record)).

use alloc::sync::Arc;
#[cfg(feature = "std")]
use alloc::sync::Weak;

use crossbeam_utils::CachePadded;

use super::record::{Lease, Record};
use super::slot::Slot;
use super::table::{Table, all_listed};
use crate::backend::atomic::{AtomicBool, Relaxed};

pub(super) struct Inner {
    pub(super) slots: Table<Slot>,
    pub(super) records: Table<Record>,
    /// A scan has the right to hide slots. On a line of its own, since all scans read what is beside it.
    pub(super) hider: CachePadded<AtomicBool>,
    closed: AtomicBool,
    /// For threads, which only have a reference and want a share.
    #[cfg(feature = "std")]
    this: Weak<Inner>,
}

/// Whatever panics leaves the tables as they have to be, and a record's bag too (see `scan`). A hazard pointer has a
/// reference, and is as unwind-safe as its slot.
impl core::panic::RefUnwindSafe for Inner {}

impl Inner {
    pub(super) fn new() -> Arc<Self> {
        Arc::new_cyclic(|_this| Inner {
            slots: Table::new(),
            records: Table::new(),
            hider: AtomicBool::new(false).into(),
            closed: AtomicBool::new(false),
            #[cfg(feature = "std")]
            this: Weak::clone(_this),
        })
    }

    /// A share of it. There is one as long as there is a reference to it.
    #[cfg(feature = "std")]
    pub(super) fn share(&self) -> Option<Arc<Self>> {
        self.this.upgrade()
    }

    /// A slot of the caller's own.
    pub(super) fn lease_slot(&self) -> &Slot {
        self.slots.lease(Slot::lease)
    }

    /// Takes it back.
    pub(super) fn give_back_slot(&self, slot: &Slot) {
        self.slots.gave_back(slot.give_back());
    }

    /// A record of the caller's own.
    pub(super) fn lease_record(&self) -> Lease<'_> {
        // SAFETY: leased for the caller, which gives it back at the end of its use.
        unsafe { Lease::new(self.records.lease(Record::lease)) }
    }

    /// Takes it back, with what is in it: for the next holder, or for a scan.
    ///
    /// # Safety
    ///
    /// It is of this domain, and no copy of the lease is used any more.
    pub(super) unsafe fn give_back_record(&self, lease: Lease<'_>) {
        // SAFETY: the caller's promise.
        self.records.gave_back(unsafe { lease.give_back() });
    }

    /// How many slots scans look at.
    pub(super) fn listed_slots(&self) -> usize {
        // Relaxed: a count, stale when it returns.
        let rows = self.slots.rows();
        rows.map(|row| all_listed(row.word.load(Relaxed)).count()).sum()
    }

    /// The domain is being dropped.
    pub(super) fn close(&self) {
        // Relaxed: a hint, by which threads forget it sooner.
        self.closed.store(true, Relaxed);
    }

    /// Whether the domain has been dropped.
    #[cfg(feature = "std")]
    pub(super) fn is_closed(&self) -> bool {
        // Relaxed: as above.
        self.closed.load(Relaxed)
    }
}
