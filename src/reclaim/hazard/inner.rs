//! What a domain consists of. It is made at the first use of the domain, and lives until the domain has been dropped and each thread that
//! has used it has noticed.
//!
//! A thread that ends gives back what it has in every domain, and nothing keeps a domain from being dropped at that very moment.
//! So threads share the ownership of this, and what a domain does when it is dropped collides with none of
//! what a thread does when it ends (see the invariants of [`record`](super::record)).

use alloc::sync::Arc;

use super::record::{Lease, Record};
use super::slot::Slot;
use super::table::Table;
use crate::backend::atomic::{AtomicBool, Relaxed};

pub(super) struct Inner {
    pub(super) slots: Table<Slot>,
    pub(super) records: Table<Record>,
    /// A scan has the right to hide slots.
    pub(super) hider: AtomicBool,
    closed: AtomicBool,
}

impl Inner {
    pub(super) fn new() -> Arc<Self> {
        Arc::new(Inner {
            slots: Table::new(),
            records: Table::new(),
            hider: AtomicBool::new(false),
            closed: AtomicBool::new(false),
        })
    }

    /// A slot of the caller's own.
    pub(super) fn lease_slot(&self) -> &Slot {
        self.slots.lease(Slot::lease)
    }

    /// A record of the caller's own.
    pub(super) fn lease_record(&self) -> Lease<'_> {
        // SAFETY: leased for the caller, who gives it back at the end of its use.
        unsafe { Lease::new(self.records.lease(Record::lease)) }
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
