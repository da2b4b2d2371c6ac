//! A scan: what no hazard slot protects is reclaimed, the rest waits for the next one.
//!
//! It takes the objects first, makes one heavy fence, and then looks at the slots. A thread that protects an object
//! stores its address, makes a light fence, and looks whether the object is still where it found it. If its fence comes
//! first, the scan sees the address; if the scan's comes first, the thread sees that the object is gone, and does not
//! touch it.
//!
//! On its way a scan takes slots that are idle off the list of those that scans look at: it marks what it finds idle,
//! and the next scan takes off what is still idle and marked (see the invariants of [`slot`](super::slot)). One scan at
//! a time does so, and the others pass by. It is no lock: nothing waits for it.

use alloc::vec::Vec;

use super::inner::Inner;
use super::local::{sweep, with_leased_record};
use super::record::{Lease, Next, Record, Retired, SCAN_AT};
use super::slot::{Found, NOTHING, Slot};
use super::table::{Row, all_listed, idle, listed};
use crate::backend::asymmetric;
use crate::backend::atomic::{Acquire, Relaxed, Release};

/// A scan that is not thorough takes over what ended threads have left until it has so many objects: it may be held up,
/// in a destructor, and keeps them meanwhile.
const TAKE_OVER: usize = 2 * SCAN_AT;

/// Retires an object for the thread of `record`; returns how many others that has reclaimed.
///
/// A panic of an object's destructor goes on to the caller. The objects that it kept from being reclaimed are not lost.
#[inline]
pub(super) fn retire(inner: &Inner, record: Lease<'_>, retired: Retired) -> usize {
    match record.retire(retired) {
        Next::Nothing => 0,
        Next::Reclaim(ready) => {
            let _end = End(record);
            // SAFETY: a scan has found it unprotected, and it was taken out just now.
            unsafe { ready.reclaim() };
            1
        }
        Next::Scan => scan(inner, record, false),
    }
}

/// Reclaims what the thread of `record` has retired and nothing protects, and what ended threads have left behind;
/// returns how many objects that is. `thorough`: at once, and until there is nothing more to find.
///
/// Panics as [`retire`] does.
#[cold]
pub(super) fn scan(inner: &Inner, record: Lease<'_>, thorough: bool) -> usize {
    if !record.begin() {
        return 0;
    }
    let _end = End(record);
    // No more than memory: this domain is not one of those.
    sweep();
    let mut total = 0;
    loop {
        while let Some(ready) = record.pop_ready() {
            // SAFETY: as in `retire`.
            unsafe { ready.reclaim() };
            total += 1;
        }
        let mut scan = Scan::begin(inner, record);
        let has_worked = scan.run(if thorough { usize::MAX } else { TAKE_OVER });
        total += scan.reclaim_all_but(if thorough { 0 } else { scan.room() });
        let protected = scan.protected;
        drop(scan);
        // What was reclaimed may have retired more, here or, without `std`, in other records.
        let is_more = record.is_due() || thorough && (record.len() > protected || is_left_behind(inner));
        if !has_worked || !is_more {
            return total;
        }
    }
}

/// Ends the reclaiming, however that ends.
struct End<'domain>(Lease<'domain>);

impl Drop for End<'_> {
    #[inline]
    fn drop(&mut self) {
        self.0.end();
    }
}

/// A scan under way. However it ends, what it has not reclaimed goes back.
struct Scan<'domain> {
    inner: &'domain Inner,
    record: Lease<'domain>,
    list: Vec<Retired>,
    /// So many of them, from the first, are known not to be protected: none until it has run, and then all.
    free: usize,
    /// How many were protected, and are no longer here.
    protected: usize,
    hazards: Vec<usize>,
    limit: usize,
}

impl<'domain> Scan<'domain> {
    fn begin(inner: &'domain Inner, record: Lease<'domain>) -> Self {
        let (list, hazards) = record.take_retired();
        Scan {
            inner,
            record,
            list,
            free: 0,
            protected: 0,
            hazards,
            limit: SCAN_AT,
        }
    }

    /// Puts back what is protected, here and of what ended threads have left, unless there are `most`; false if that is
    /// all.
    fn run(&mut self, most: usize) -> bool {
        take_left_behind(self.inner, &mut self.list, most);
        if self.list.is_empty() {
            return false;
        }
        let hider = Hider::try_new(self.inner);
        // The pair with the light fences in `HazardPointer` and in `Slot::occupy`; see the module,
        // and the invariants of `slot`.
        // model: reclaim::protected_or_reclaimed, reclaim::idle_slot_comes_back
        if !asymmetric::try_heavy() {
            // The kernel refuses the fence that it has granted before, and what is protected cannot be known: all is
            // kept, where a thread finds it to which the fence is granted.
            self.limit = SCAN_AT.max(self.list.len().saturating_mul(2));
            self.leave_behind();
            return false;
        }
        let slots = snapshot(self.inner, hider.is_some(), &mut self.hazards);
        drop(hider);
        self.hazards.sort_unstable();
        // Those that are protected go to the end.
        let mut free = self.list.len();
        for number in (0..self.list.len()).rev() {
            if self.hazards.binary_search(&self.list[number].address()).is_ok() {
                free -= 1;
                self.list.swap(number, free);
            }
        }
        self.free = free;
        self.protected = self.list.len() - free;
        self.put_back();
        // Twice what remains as well: many objects may share one address, if they have no size.
        self.limit = SCAN_AT.max(2 * slots).max(2 * self.protected);
        free > 0
    }

    /// Puts those back that may be protected.
    fn put_back(&mut self) {
        for &retired in &self.list[self.free..] {
            self.record.push(retired);
        }
        self.list.truncate(self.free);
    }

    /// Leaves all in a record that no thread has.
    #[cold]
    fn leave_behind(&mut self) {
        with_leased_record(self.inner, |record| {
            while let Some(retired) = self.list.pop() {
                record.push(retired);
            }
        });
    }

    /// How many objects that are not protected can wait without exceeding the limit, together with those that are.
    fn room(&self) -> usize {
        self.limit.saturating_sub(self.protected + 1)
    }

    fn reclaim_all_but(&mut self, rest: usize) -> usize {
        let count = self.list.len().saturating_sub(rest);
        for _ in 0..count {
            let Some(retired) = self.list.pop() else { break };
            self.free = self.list.len();
            // SAFETY: it was retired before the heavy fence, after which no slot protected it; so none ever will (see
            // the module). It is taken out before, and so is reclaimed once, even if this panics.
            unsafe { retired.reclaim() };
        }
        count
    }
}

impl Drop for Scan<'_> {
    fn drop(&mut self) {
        // Nothing is left to put back, unless the scan was ended by a panic (of an allocator that has no memory).
        self.put_back();
        let (list, mut hazards) = (core::mem::take(&mut self.list), core::mem::take(&mut self.hazards));
        hazards.clear();
        self.record.put_ready(self.limit, list, hazards);
    }
}

/// Whether there is something to take over.
fn is_left_behind(inner: &Inner) -> bool {
    // Relaxed: a thread that takes it over looks again.
    let mut rows = inner.records.rows();
    rows.any(|row| all_listed(row.word.load(Relaxed)).next().is_some())
}

/// Takes over what ended threads have left in their records, list by list, until there are `most` objects.
pub(super) fn take_left_behind(inner: &Inner, into: &mut Vec<Retired>, most: usize) {
    for Row { word, entries } in inner.records.rows() {
        // Relaxed: proposes the compare-exchange.
        let mut now = word.load(Relaxed);
        while let Some(entry) = all_listed(now).next().filter(|_| into.len() < most) {
            // Acquire: synchronizes with the Release in `Record::give_back`: what is in the record
            // is found as it was left.
            // model: reclaim::record_is_taken_over
            match word.compare_exchange_weak(now, Record::lease(now, entry), Acquire, Relaxed) {
                Ok(_) => {
                    // SAFETY: leased just now, and given back below.
                    let record = unsafe { Lease::new(&entries[entry]) };
                    for mut list in record.take_all() {
                        into.append(&mut list);
                    }
                    // SAFETY: of this domain, and not used any more.
                    unsafe { inner.give_back_record(record) };
                    // Relaxed: as above.
                    now = word.load(Relaxed);
                }
                Err(changed) => now = changed,
            }
        }
    }
}

/// What all slots protect at some time after the heavy fence, and how many slots scans look at. If `hides`, those that
/// are idle are hidden or marked.
fn snapshot(inner: &Inner, hides: bool, hazards: &mut Vec<usize>) -> usize {
    let mut slots = 0;
    let mut is_any_occupied = false;
    for row in inner.slots.rows() {
        // Acquire: synchronizes with the Release with which a slot was given back or hidden. Its
        // last use must be in our past, since we look no further at it.
        // model: reclaim::thread_departs, reclaim::idle_slot_is_hidden
        let word = row.word.load(Acquire);
        let mut next = word;
        for entry in all_listed(word) {
            slots += 1;
            match row.entries[entry].look() {
                Found::Idle if word & idle(entry) != 0 => next &= !(listed(entry) | idle(entry)),
                Found::Idle => next |= idle(entry),
                // By the address that it has in the slot an object may be protected, if it has no size.
                Found::Occupied => is_any_occupied = true,
                Found::Protects(object) => hazards.push(object.addr()),
            }
        }
        if hides && next != word {
            hide(&row, word, next);
        }
    }
    if is_any_occupied {
        hazards.push(NOTHING.addr());
    }
    slots
}

/// Marks idle slots, and hides those that were marked. Nothing is lost if it fails because another slot of the row
/// changes.
fn hide(row: &Row<'_, Slot>, word: u64, next: u64) {
    // Release: synchronizes with the Acquire load in `snapshot`, as in `Slot::give_back`. It fails
    // if a mark was taken away meanwhile: that slot is in use.
    // model: reclaim::idle_slot_is_hidden
    let _ = row.word.compare_exchange(word, next, Release, Relaxed);
}

/// The right to mark slots and to hide those that are marked.
struct Hider<'domain> {
    inner: &'domain Inner,
}

impl<'domain> Hider<'domain> {
    /// `None` if another scan has it. One that is held up for ever does no harm: slots are not hidden any more.
    fn try_new(inner: &'domain Inner) -> Option<Self> {
        // Relaxed, the load: saves the RMW where it cannot succeed. The RMW: the heavy fence that
        // follows makes it synchronize with the Release in `drop`, so the marks of the last scan
        // that had the right are older than that fence. In one step: with two at a time, a mark may
        // be younger than the fence of the scan that relies on it.
        // model: reclaim::one_scan_hides
        (!inner.hider.load(Relaxed) && inner.hider.compare_exchange(false, true, Relaxed, Relaxed).is_ok())
            .then_some(Hider { inner })
    }
}

impl Drop for Hider<'_> {
    fn drop(&mut self) {
        // Release: as in `try_new`.
        // model: reclaim::marks_are_older
        self.inner.hider.store(false, Release);
    }
}
