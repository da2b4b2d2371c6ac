//! How a thread finds its record in a domain.
//!
//! With `std`, each thread has a list of the domains that it has used, with its record in each, and the last one at
//! hand: taking a hazard pointer, returning it and retiring an object touch nothing that another thread writes. Without
//! `std`, and on a thread that is past the destructors of its thread-locals, a slot or a record is leased for each use.
//! A destructor that retires while it is called by a scan then has another record than the scan: it may scan itself, a
//! level deeper. The scan above takes over what is left there, each time, so the levels are few.
//!
//! A thread keeps what it has in a domain after that was dropped by another one, until it notices: whenever it looks for
//! its record in a domain that is not the last one that it has used, and at every scan.

use super::inner::Inner;
use super::record::Lease;

#[cfg(feature = "std")]
crate::backend::only_in_models! {
    pub use cached::as_if_past_destructors;
}
#[cfg(feature = "std")]
pub(super) use cached::{forget, put_slot, recent, sweep, take_slot, with_record};
#[cfg(not(feature = "std"))]
pub(super) use uncached::{forget, put_slot, recent, sweep, take_slot, with_record};

/// Lends a record for one use.
pub(super) fn with_leased_record<R>(inner: &Inner, act: impl FnOnce(Lease<'_>) -> R) -> R {
    /// Gives it back, also if `act` panics.
    struct GiveBack<'domain>(&'domain Inner, Lease<'domain>);
    impl Drop for GiveBack<'_> {
        fn drop(&mut self) {
            // SAFETY: leased below; `act` has returned, or unwinds.
            unsafe { self.0.give_back_record(self.1) };
        }
    }
    let lease = GiveBack(inner, inner.lease_record());
    act(lease.1)
}

#[cfg(not(feature = "std"))]
mod uncached {
    use super::super::inner::Inner;
    use super::super::record::Lease;
    use super::super::slot::Slot;

    pub(in super::super) const fn recent(_inner: &Inner) -> Option<Lease<'_>> {
        None
    }

    pub(in super::super) fn take_slot(inner: &Inner) -> &Slot {
        inner.lease_slot()
    }

    pub(in super::super) fn put_slot(inner: &Inner, slot: &Slot) {
        inner.give_back_slot(slot);
    }

    pub(in super::super) fn with_record<R>(inner: &Inner, act: impl FnOnce(Lease<'_>) -> R) -> R {
        super::with_leased_record(inner, act)
    }

    pub(in super::super) fn forget(_inner: &Inner) {}

    pub(in super::super) fn sweep() {}
}

#[cfg(feature = "std")]
mod cached {
    use alloc::collections::BTreeMap;
    use alloc::sync::Arc;
    use core::cell::{Cell, RefCell};
    use core::ptr::{NonNull, from_ref, null};

    use super::super::inner::Inner;
    use super::super::record::{Lease, Record};
    use super::super::slot::Slot;
    use crate::backend::atomic::{AtomicUsize, Relaxed};
    use crate::backend::{global, hint, only_in_models, per_thread};

    global! {
        /// How many domains have been dropped.
        fn dropped_domains() -> AtomicUsize = AtomicUsize::new(0);
    }

    per_thread! {
        // Two, so that the one which every operation reads has no destructor, and with it no state to check.
        static RECENT: Cell<Recent> = Cell::new(Recent::NONE);
        static RECORDS: Records = Records::new();
    }

    /// The domain that this thread has used last, and its record there.
    #[derive(Clone, Copy)]
    struct Recent {
        inner: *const Inner,
        record: *const Record,
    }

    impl Recent {
        const NONE: Self = Recent {
            inner: null(),
            record: null(),
        };
    }

    /// The records of this thread, by the address of the domain's inside, which the thread owns a share of: so no other
    /// domain can come to have the same one.
    struct Records {
        list: RefCell<List>,
    }

    struct List {
        records: BTreeMap<usize, Held>,
        /// How many domains had been dropped when those of them were looked for.
        swept_at: usize,
    }

    /// For each domain that has been dropped, a sweep looks at so many: thousands that stay cost little where others come
    /// and go.
    const SWEEP: usize = 8;

    impl Records {
        const fn new() -> Self {
            Records {
                list: RefCell::new(List {
                    records: BTreeMap::new(),
                    swept_at: 0,
                }),
            }
        }
    }

    impl Drop for Records {
        fn drop(&mut self) {
            if hint::is_abandoned() {
                return;
            }
            // From now on this thread has no record, and each use leases one.
            set_recent(Recent::NONE);
        }
    }

    /// A record that this thread has leased.
    struct Held {
        record: NonNull<Record>,
        inner: Arc<Inner>,
    }

    impl Held {
        fn new(inner: &Inner) -> Option<Self> {
            let inner = inner.share()?;
            let record = NonNull::from(inner.lease_record().record());
            Some(Held { record, inner })
        }
    }

    impl Drop for Held {
        fn drop(&mut self) {
            if hint::is_abandoned() {
                return;
            }
            // SAFETY: this thread has leased it, and it lives as long as `inner`, which is dropped after this.
            let record = unsafe { Lease::new(self.record.as_ref()) };
            while let Some(slot) = record.pop_slot() {
                self.inner.give_back_slot(slot);
            }
            // SAFETY: leased there, and neither `RECENT` nor the list has it any more.
            unsafe { self.inner.give_back_record(record) };
        }
    }

    fn set_recent(recent: Recent) {
        // One that is gone says nothing any more.
        let _ = RECENT.try_with(|last| last.set(recent));
    }

    /// The record of this thread in the domain that it has used last, if this is it.
    #[inline]
    pub(in super::super) fn recent(inner: &Inner) -> Option<Lease<'_>> {
        let recent = RECENT.try_with(Cell::get).ok()?;
        // SAFETY: `RECENT` names a record that this thread has leased, as long as that is in `RECORDS`; and a record
        // lives as long as the domain's inside.
        (recent.inner == from_ref(inner)).then(|| unsafe { Lease::new(&*recent.record) })
    }

    /// The record of this thread, which is leased if there is none yet and `leases`. `None` as well past the
    /// destructors of this thread, and if the allocator asks while it is called to grow the list.
    #[cold]
    #[inline(never)]
    fn find(inner: &Inner, leases: bool) -> Option<Lease<'_>> {
        let found = RECORDS.try_with(|records| {
            let mut list = records.list.try_borrow_mut().ok()?;
            list.sweep(0);
            let address = from_ref(inner).addr();
            let held = list.records.get(&address).map(|held| held.record);
            let record = match held {
                Some(record) => record,
                None if leases => {
                    let held = Held::new(inner)?;
                    list.records.entry(address).or_insert(held).record
                }
                None => return None,
            };
            let record = record.as_ptr().cast_const();
            set_recent(Recent { inner, record });
            Some(record)
        });
        // SAFETY: as in `recent`.
        found.ok().flatten().map(|record| unsafe { Lease::new(&*record) })
    }

    impl List {
        /// Forgets domains that have been dropped, if there are some, and not too few. So many of the list are known not
        /// to have been.
        fn sweep(&mut self, alive: usize) {
            if self.records.len() <= alive {
                return;
            }
            // Relaxed: a hint. One that is not seen yet is forgotten with the next.
            let dropped = dropped_domains().load(Relaxed);
            let since = dropped.wrapping_sub(self.swept_at);
            if since > 0 && since.saturating_mul(SWEEP) >= self.records.len() {
                set_recent(Recent::NONE);
                self.swept_at = dropped;
                self.records.retain(|_, held| !held.inner.is_closed());
            }
        }
    }

    /// Forgets domains that others have dropped. The thread is using a record in one that has not been dropped, and none
    /// in the others that it is about.
    pub(in super::super) fn sweep() {
        let _ = RECORDS.try_with(|records| {
            if let Ok(mut list) = records.list.try_borrow_mut() {
                list.sweep(1);
            }
        });
    }

    /// A slot for a hazard pointer of this thread.
    #[inline]
    pub(in super::super) fn take_slot(inner: &Inner) -> &Slot {
        match recent(inner).and_then(Lease::pop_slot) {
            Some(slot) => slot,
            None => find_slot(inner),
        }
    }

    #[cold]
    #[inline(never)]
    fn find_slot(inner: &Inner) -> &Slot {
        let kept = recent(inner).or_else(|| find(inner, true)).and_then(Lease::pop_slot);
        kept.unwrap_or_else(|| inner.lease_slot())
    }

    /// Keeps a slot for the next hazard pointer of this thread, or gives it back.
    #[inline]
    pub(in super::super) fn put_slot(inner: &Inner, slot: &Slot) {
        if !recent(inner).is_some_and(|record| record.push_slot(slot)) {
            put_slot_elsewhere(inner, slot);
        }
    }

    #[cold]
    #[inline(never)]
    fn put_slot_elsewhere(inner: &Inner, slot: &Slot) {
        let record = recent(inner).or_else(|| find(inner, false));
        if !record.is_some_and(|record| record.push_slot(slot)) {
            inner.give_back_slot(slot);
        }
    }

    /// Acts on the record of this thread.
    pub(in super::super) fn with_record<R>(inner: &Inner, act: impl FnOnce(Lease<'_>) -> R) -> R {
        match recent(inner).or_else(|| find(inner, true)) {
            Some(record) => act(record),
            None => super::with_leased_record(inner, act),
        }
    }

    /// This thread drops the domain.
    pub(in super::super) fn forget(inner: &Inner) {
        // Relaxed: as in `sweep`.
        dropped_domains().fetch_add(1, Relaxed);
        let _ = RECORDS.try_with(|records| {
            if let Ok(mut list) = records.list.try_borrow_mut() {
                set_recent(Recent::NONE);
                list.records.remove(&from_ref(inner).addr());
            }
        });
    }

    only_in_models! {
        /// Runs `act` as in a destructor of a thread-local, when the one here is gone.
        pub fn as_if_past_destructors<R>(act: impl FnOnce() -> R) -> R {
            RECORDS.with(|records| {
                let _gone = records.list.borrow_mut();
                set_recent(Recent::NONE);
                act()
            })
        }
    }
}
