//! A scan: what no hazard slot protects is reclaimed, the rest waits for the next one.
//!
//! It takes the objects first, makes one heavy fence, and then looks at the slots. A thread that protects an object stores its address,
//! makes a light fence, and looks whether the object is still where it found it. If its fence comes first, the scan sees the
//! address; if the scan's comes first, the thread sees that the object is gone, and does not touch it.
//!
//! On its way a scan takes slots that are idle off the list of those that scans look at: it marks what it finds idle, and the
//! next scan takes off what is still idle and marked (see the invariants of [`slot`](super::slot)). One scan at a
//! time does so, and the others pass by. It is no lock: nothing waits for it.

use alloc::vec::Vec;

use super::inner::Inner;
use super::record::{Lease, Memory, Record, Retired, SCAN_AT};
use super::slot::{Found, Slot};
use super::table::{Row, all_listed, idle, listed};
use crate::backend::asymmetric;
use crate::backend::atomic::{Acquire, Relaxed, Release};

/// Reclaims what the thread of `record` has retired and nothing protects, and what ended threads have left behind; returns how
/// many objects that is. `thorough`: until there is nothing more to find.
///
/// A panic of an object's `Drop` goes on to the caller. The objects that it kept from being reclaimed are not lost.
pub(super) fn scan(inner: &Inner, record: Lease<'_>, thorough: bool) -> usize {
    let mut total = 0;
    loop {
        let Some(mut scan) = Scan::begin(inner, record) else {
            return total;
        };
        let reclaimed = scan.run();
        let remain = scan.protected;
        drop(scan);
        total += reclaimed;
        // What was reclaimed may have retired more.
        let is_worthwhile = record.is_due() || thorough && record.len() > remain;
        if reclaimed == 0 || !is_worthwhile {
            return total;
        }
    }
}

/// A scan under way. However it ends, what it has not reclaimed goes back.
struct Scan<'domain> {
    inner: &'domain Inner,
    record: Lease<'domain>,
    memory: Memory,
    /// How many of the objects, from the first, are protected and already back in the record.
    protected: usize,
    limit: usize,
}

impl<'domain> Scan<'domain> {
    fn begin(inner: &'domain Inner, record: Lease<'domain>) -> Option<Self> {
        Some(Scan {
            inner,
            record,
            memory: record.begin_scan()?,
            protected: 0,
            limit: SCAN_AT,
        })
    }

    fn run(&mut self) -> usize {
        take_left_behind(self.inner, &mut self.memory.retired);
        if self.memory.retired.is_empty() {
            return 0;
        }
        let hider = Hider::try_new(self.inner);
        // The pair with the light fences in `HazardPointer` and in `Slot::occupy`; see the module, and the invariants of `slot`
        // (killed by `reclaim::protected_or_reclaimed` and `reclaim::idle_slot_comes_back`).
        if !asymmetric::try_heavy() {
            // The kernel refuses the fence that it has granted before, and what is protected cannot be known: all is kept.
            self.limit = SCAN_AT.max(self.memory.retired.len().saturating_mul(2));
            return 0;
        }
        let slots = snapshot(self.inner, hider.is_some(), &mut self.memory.hazards);
        drop(hider);
        self.set_protected_apart();
        // Twice what remains as well: many objects may share one address, if they have no size.
        self.limit = SCAN_AT.max(2 * slots).max(2 * self.protected);
        self.reclaim_the_rest()
    }

    /// Moves those that are protected to the front, and puts them back.
    fn set_protected_apart(&mut self) {
        let Memory { retired, hazards } = &mut self.memory;
        hazards.sort_unstable();
        for number in 0..retired.len() {
            if hazards.binary_search(&retired[number].address()).is_ok() {
                retired.swap(self.protected, number);
                self.protected += 1;
            }
        }
        for &protected in &retired[..self.protected] {
            self.record.push(protected);
        }
    }

    fn reclaim_the_rest(&mut self) -> usize {
        let count = self.memory.retired.len() - self.protected;
        while self.memory.retired.len() > self.protected {
            let Some(retired) = self.memory.retired.pop() else {
                break;
            };
            // SAFETY: it was retired before the heavy fence, after which no slot protected it; so none ever will (see the
            // module). It is taken out before, and so is reclaimed once, even if this panics.
            unsafe { retired.reclaim() };
        }
        count
    }
}

impl Drop for Scan<'_> {
    fn drop(&mut self) {
        let mut memory = core::mem::take(&mut self.memory);
        for &rest in &memory.retired[self.protected..] {
            self.record.push(rest);
        }
        memory.retired.clear();
        memory.hazards.clear();
        self.record.end_scan(self.limit, memory);
    }
}

/// Takes over what ended threads have left in their records.
fn take_left_behind(inner: &Inner, into: &mut Vec<Retired>) {
    for Row { word, entries } in inner.records.rows() {
        // Relaxed: proposes the compare-exchange.
        let mut now = word.load(Relaxed);
        while let Some(entry) = all_listed(now).next() {
            // Acquire: synchronizes with the Release in `Record::give_back`: what is in the record is found as it was left (killed by
            // `reclaim::record_is_taken_over`).
            match word.compare_exchange_weak(now, Record::lease(now, entry), Acquire, Relaxed) {
                Ok(_) => {
                    // SAFETY: leased just now, and given back below.
                    let record = unsafe { Lease::new(&entries[entry]) };
                    into.append(&mut record.take_all());
                    // SAFETY: it is not used any more.
                    unsafe { record.give_back() };
                    // Relaxed: as above.
                    now = word.load(Relaxed);
                }
                Err(changed) => now = changed,
            }
        }
    }
}

/// What all slots protect at some time after the heavy fence, and how many slots scans look at. If `hides`, those that are
/// idle are hidden or marked.
fn snapshot(inner: &Inner, hides: bool, hazards: &mut Vec<usize>) -> usize {
    let mut slots = 0;
    for row in inner.slots.rows() {
        // Acquire: synchronizes with the Release with which a slot was given back or hidden. Its last use must be in our
        // past, since we look no further at it (killed by `reclaim::thread_departs` and `reclaim::idle_slot_is_hidden`).
        let word = row.word.load(Acquire);
        let mut next = word;
        for entry in all_listed(word) {
            slots += 1;
            match row.entries[entry].look() {
                Found::Idle if word & idle(entry) != 0 => next &= !(listed(entry) | idle(entry)),
                Found::Idle => next |= idle(entry),
                Found::Occupied => {}
                Found::Protects(object) => hazards.push(object.addr()),
            }
        }
        if hides && next != word {
            hide(&row, word, next);
        }
    }
    slots
}

/// Marks idle slots, and hides those that were marked. Nothing is lost if it fails because another slot of the row changes.
fn hide(row: &Row<'_, Slot>, word: u64, next: u64) {
    // Release: synchronizes with the Acquire load in `snapshot`, as in `Slot::give_back` (killed by
    // `reclaim::idle_slot_is_hidden`). In one step: a mark that was taken away meanwhile must stay so (killed by
    // `reclaim::idle_slot_comes_back`).
    let _ = row.word.compare_exchange(word, next, Release, Relaxed);
}

/// The right to mark slots and to hide those that are marked.
struct Hider<'domain> {
    inner: &'domain Inner,
}

impl<'domain> Hider<'domain> {
    /// `None` if another scan has it. One that is held up for ever does no harm: slots are not hidden any more.
    fn try_new(inner: &'domain Inner) -> Option<Self> {
        // Relaxed, the load: saves the RMW where it cannot succeed.
        // Acquire: synchronizes with the Release in `drop`. The marks that are found are older than our heavy fence (killed by
        // `reclaim::marks_are_older`).
        (!inner.hider.load(Relaxed) && inner.hider.compare_exchange(false, true, Acquire, Relaxed).is_ok())
            .then_some(Hider { inner })
    }
}

impl Drop for Hider<'_> {
    fn drop(&mut self) {
        // Release: as above (killed by `reclaim::marks_are_older`).
        self.inner.hider.store(false, Release);
    }
}
