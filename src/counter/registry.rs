//! Slots that have one writer each: a list that only grows, of which every slot is leased to one handle at a time.
//!
//! | field of a slot | written by |
//! |---|---|
//! | `amount` | the one handle that has the lease: all that this slot's handles have ever added |
//! | `leased` | whoever takes the lease, by one RMW; its handle, when it is dropped |
//! | `older` | whoever has made the slot, before the list shows it |
//!
//! A slot outlives its handle, with what was added in it, and goes on from there with the next one. So nothing is lost,
//! and there are as many slots as there have been handles at one time.

use alloc::boxed::Box;
use core::cell::Cell;
use core::marker::PhantomData;
use core::ptr;

use crossbeam_utils::CachePadded;

use crate::backend::atomic::{Acquire, AtomicBool, AtomicPtr, AtomicU64, Relaxed, Release};
use crate::backend::const_fn;

/// A slot, on a line of its own: its writer writes there all the time.
struct Slot {
    amount: AtomicU64,
    leased: AtomicBool,
    older: *const CachePadded<Slot>,
}

/// All the slots of one counter.
pub(super) struct Registry {
    newest: AtomicPtr<CachePadded<Slot>>,
    owns: PhantomData<Slot>,
}

// SAFETY: a registry owns its slots. Shared, it hands out only their atomics, and `older`, which is not written after
// the slot has been published by `newest`.
unsafe impl Send for Registry {}
// SAFETY: as above.
unsafe impl Sync for Registry {}

impl Registry {
    const_fn! {
        pub(super) const fn new() -> Self {
            Registry { newest: AtomicPtr::new(ptr::null_mut()), owns: PhantomData }
        }
    }

    /// Leases a slot: one that has been given back, or else a new one.
    pub(super) fn lease(&self) -> Lease<'_> {
        let slot = self.slots().find(|slot| {
            // Relaxed, the load: only saves the RMW where it cannot succeed.
            // Acquire: pairs with the Release store in `Lease::drop`. The new writer adds to what the last one has
            // left; Relaxed may miss it and overwrite it (killed by `counter::a_departed_handle_keeps_its_share`).
            !slot.leased.load(Relaxed) && slot.leased.compare_exchange(false, true, Acquire, Relaxed).is_ok()
        });
        Lease::new(slot.unwrap_or_else(|| self.push()))
    }

    /// Adds a slot that is leased already.
    fn push(&self) -> &CachePadded<Slot> {
        let slot = Slot {
            amount: AtomicU64::new(0),
            leased: AtomicBool::new(true),
            older: ptr::null(),
        };
        let mut slot = Box::new(CachePadded::new(slot));
        // Relaxed: proposes the compare-exchange below. It does not look into the slot.
        let mut newest = self.newest.load(Relaxed);
        loop {
            slot.older = newest;
            let new = Box::into_raw(slot);
            // Release: pairs with the Acquire load in `slots`. Whoever finds the slot must see it filled in; Relaxed
            // shows it empty (killed by `counter::no_handle_is_lost`). The slots before it stay in its release
            // sequence, which each push carries on as an RMW.
            match self.newest.compare_exchange_weak(newest, new, Release, Relaxed) {
                // SAFETY: `new` is a box that `Registry::drop` alone will free, for which no borrow of the registry
                // may be left, and this reference is one.
                Ok(_) => return unsafe { &*new },
                Err(now) => {
                    newest = now;
                    // SAFETY: `new` is the box from above, which nobody else has seen.
                    slot = unsafe { Box::from_raw(new) };
                }
            }
        }
    }

    fn slots(&self) -> impl Iterator<Item = &CachePadded<Slot>> {
        // Acquire: pairs with the Release in `push`, for all slots up to the newest (killed by
        // `counter::no_handle_is_lost`).
        let mut next: *const _ = self.newest.load(Acquire);
        core::iter::from_fn(move || {
            // SAFETY: null, or a slot that was published before the Acquire load above; it lives as long as the
            // registry, of which this iterator is a borrow.
            let slot: &CachePadded<Slot> = unsafe { next.as_ref() }?;
            next = slot.older;
            Some(slot)
        })
    }

    /// All that has been added in all slots, modulo 2^64.
    pub(super) fn sum(&self) -> u64 {
        // Relaxed: coherence alone brings in each add that happens before this call.
        self.slots()
            .fold(0, |sum, slot| sum.wrapping_add(slot.amount.load(Relaxed)))
    }

    /// How many slots are leased.
    pub(super) fn leases(&self) -> usize {
        // Relaxed: a count, stale when it returns.
        self.slots().filter(|slot| slot.leased.load(Relaxed)).count()
    }
}

impl Drop for Registry {
    fn drop(&mut self) {
        // Relaxed: this is the only thread that still knows the registry; whatever made it so has ordered the pushes.
        let mut next = self.newest.load(Relaxed);
        while !next.is_null() {
            // SAFETY: each slot comes from a box, stands in the list once, and no lease (a borrow of the registry) is
            // left that could use it.
            let slot = unsafe { Box::from_raw(next) };
            next = slot.older.cast_mut();
        }
    }
}

/// The right to write one slot, until dropped. It may move to another thread, but two threads cannot use it at once.
pub(super) struct Lease<'registry> {
    slot: &'registry CachePadded<Slot>,
    /// What the slot holds. A handle that lives in a register need not wait for its own last store.
    amount: Cell<u64>,
}

// SAFETY: of the slot, a lease uses only the atomics; that it is `!Sync` (by its cell) keeps the slot's writer one.
unsafe impl Send for Lease<'_> {}

impl<'registry> Lease<'registry> {
    /// The lease of a slot that this thread has just marked as leased.
    fn new(slot: &'registry CachePadded<Slot>) -> Self {
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
        // Release: pairs with the Acquire in `Registry::lease`, for the slot's next writer (killed by
        // `counter::a_departed_handle_keeps_its_share`).
        self.slot.leased.store(false, Release);
    }
}
