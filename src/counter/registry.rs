//! Slots that have one writer each, in a list that only grows (`internal/grow_list.rs`).
//!
//! A slot outlives its handle, with what was added in it, and goes on from there with the next one. So nothing is lost,
//! and there are as many slots as there have been handles at one time.

use alloc::boxed::Box;
use core::cell::Cell;
use core::ptr::NonNull;

use crate::backend::atomic::{Acquire, AtomicBool, AtomicU64, Relaxed, Release};
use crate::backend::const_fn;
use crate::internal::{GrowList, Padded};

struct Slot {
    /// All that the handles of this slot have ever added. Written by the handle that has the lease.
    amount: AtomicU64,
    is_leased: AtomicBool,
}

impl Slot {
    fn try_lease(&self) -> bool {
        // Relaxed, the load: only saves the RMW where it cannot succeed.
        // Acquire: pairs with the Release store in `end_lease`. The new handle goes on from what the
        // last one has left; Relaxed may miss it and overwrite it.
        // model: counter::a_departed_handle_keeps_its_share
        !self.is_leased.load(Relaxed) && self.is_leased.compare_exchange(false, true, Acquire, Relaxed).is_ok()
    }

    /// Gives the lease back. For its handle, which uses it no more.
    fn end_lease(&self) {
        // Release: pairs with the Acquire RMW in `try_lease`, for the next handle.
        // model: counter::a_departed_handle_keeps_its_share
        self.is_leased.store(false, Release);
    }
}

/// All the slots of one counter.
pub(super) struct Registry {
    slots: GrowList<Slot>,
}

impl Registry {
    const_fn! {
        pub(super) const fn new() -> Self {
            Registry { slots: GrowList::new() }
        }
    }

    /// Leases a slot: one that has been given back, or else a new one.
    pub(super) fn lease(&self) -> Lease<'_> {
        let slot = self.slots.entries().find(|slot| slot.try_lease()).unwrap_or_else(|| {
            let slot = Slot {
                amount: AtomicU64::new(0),
                is_leased: AtomicBool::new(true),
            };
            self.slots.add(slot, |slot| Box::leak(Box::new(slot)).into())
        });
        Lease::new(slot)
    }

    /// The slots, for as long as this is borrowed.
    fn slots(&self) -> impl Iterator<Item = &Padded<Slot>> {
        self.slots.entries().map(|slot| -> &Padded<Slot> { slot })
    }

    /// All that has been added in all slots, modulo 2^64.
    pub(super) fn sum(&self) -> u64 {
        // Relaxed: coherence alone brings in each add that happens before this call.
        self.slots()
            .fold(0, |sum, slot| sum.wrapping_add(slot.amount.load(Relaxed)))
    }

    /// How many slots are leased.
    pub(super) fn leases(&self) -> usize {
        // Relaxed: stale when it returns.
        self.slots().filter(|slot| slot.is_leased.load(Relaxed)).count()
    }
}

impl Drop for Registry {
    fn drop(&mut self) {
        let free = |slot: NonNull<Padded<Slot>>| {
            // SAFETY: from `Box::leak` in `lease`, and freed once.
            drop(unsafe { Box::from_raw(slot.as_ptr()) });
        };
        // SAFETY: 1: references to slots are handed out as borrows of the registry only, and none is left; 2: `free`
        // undoes the leak.
        unsafe { self.slots.free_all(free) };
    }
}

/// The right to write one slot, until dropped. It may move to another thread, but two threads cannot use it at once.
pub(super) struct Lease<'registry> {
    slot: &'registry Padded<Slot>,
    /// What the slot holds. A handle that lives in a register need not wait for its own last store.
    amount: Cell<u64>,
}

impl<'registry> Lease<'registry> {
    /// The lease of a slot that this thread has just marked as leased.
    fn new(slot: &'registry Padded<Slot>) -> Self {
        // Relaxed: what the last writer has left came with the mark.
        Lease {
            slot,
            amount: Cell::new(slot.amount.load(Relaxed)),
        }
    }

    /// Adds `amount`, by a store and no RMW; returns what the slot now holds.
    #[inline]
    pub(super) fn add(&self, amount: u64) -> u64 {
        let amount = self.amount.get().wrapping_add(amount);
        self.amount.set(amount);
        // Relaxed: an add publishes nothing but itself. A store will do, since a slot has one writer.
        self.slot.amount.store(amount, Relaxed);
        amount
    }
}

impl Drop for Lease<'_> {
    fn drop(&mut self) {
        self.slot.end_lease();
    }
}
