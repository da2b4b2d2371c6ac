//! What a thread has in a domain: the objects that it has retired, and hazard slots that it keeps for its next hazard
//! pointers.
//!
//! A record is leased by one thread at a time and stays in the domain when that thread ends, with what is left in it:
//! the next thread that leases it inherits that, and a scan of any thread takes it over. So nothing is handed from
//! thread to thread that could be lost on the way, and there are as many records as there have been threads at one
//! time.
//!
//! What a scan finds unprotected is not freed at once, but one object by each retirement that follows: an allocator has
//! caches for its last few blocks, and a thousand at a time would go past them. With glibc on a thread that is not the
//! only one, this halves what a `Box` costs.
//!
//! Invariants:
//!
//! 1. Only the thread that has the [`Lease`] writes to the cells of a record. While the domain is dropped, the dropping
//!    thread reads the objects as well, and the holder, which may be ending at that very moment, does no more to them
//!    than read, either.
//! 2. No user code runs while a cell is borrowed, the allocator not excepted. It may come back to the same record.

use alloc::vec::Vec;
use core::marker::PhantomData;
use core::mem::{replace, take};

#[cfg(feature = "std")]
use super::kept::KeptSlots;
#[cfg(feature = "std")]
use super::slot::Slot;
use super::table::{Entry, Place, leased, listed};
use crate::backend::atomic::Release;
use crate::backend::cell::UnsafeCell;
use crate::backend::hint;

/// A scan is due at so many retired objects, or at twice as many as there are slots, if that is more.
pub(super) const SCAN_AT: usize = hint::tuned(1000, 2);

/// A list that has room for more than so many times the limit after a scan is made smaller. A scan that takes over the
/// usual amount (`scan::TAKE_OVER`) does not need that much, so that it does not allocate each time.
const SHRINK_AT: usize = 5;

/// An object that was retired, and how to free it.
#[derive(Clone, Copy)]
pub(super) struct Retired {
    object: *mut u8,
    reclaim: unsafe fn(*mut u8),
}

impl Retired {
    /// # Safety
    ///
    /// `reclaim` may be called with `object` once nothing protects that, on any thread.
    #[inline]
    pub(super) unsafe fn new(object: *mut u8, reclaim: unsafe fn(*mut u8)) -> Self {
        Retired { object, reclaim }
    }

    pub(super) fn address(&self) -> usize {
        self.object.addr()
    }

    /// Drops the object, which may panic.
    ///
    /// # Safety
    ///
    /// Nothing protects it, and it has not been reclaimed before.
    pub(super) unsafe fn reclaim(self) {
        // SAFETY: the caller's promise, and that of `new`.
        unsafe { (self.reclaim)(self.object) }
    }
}

pub(super) struct Record {
    bag: UnsafeCell<Bag>,
    #[cfg(feature = "std")]
    kept: UnsafeCell<KeptSlots>,
    place: Place,
}

// SAFETY: the cells are written by one thread at a time, and read by no other then (invariant 1). What is in the bag
// may be reclaimed on any thread (the contract of `Retired::new`), and slots are shared by all.
unsafe impl Send for Record {}
// SAFETY: as above.
unsafe impl Sync for Record {}

/// Retired objects, and what scans work with.
struct Bag {
    /// Those that may still be protected.
    retired: Vec<Retired>,
    /// Those that are not: what the last scan has found, and each retirement reclaims one of.
    ready: Vec<Retired>,
    /// A scan is due at so many of the former.
    limit: usize,
    /// Objects are being reclaimed, further down the stack of this thread: what their destructors retire is left for
    /// later.
    is_busy: bool,
    /// Kept from scan to scan, as the lists are, so that none allocates in the long run.
    hazards: Vec<usize>,
}

/// What is to be done after an object was retired.
pub(super) enum Next {
    Nothing,
    /// To reclaim this one, and then call [`Lease::end`].
    Reclaim(Retired),
    Scan,
}

impl Entry for Record {
    fn new(place: Place) -> Self {
        Record {
            bag: UnsafeCell::new(Bag {
                retired: Vec::new(),
                ready: Vec::new(),
                limit: SCAN_AT,
                is_busy: false,
                hazards: Vec::new(),
            }),
            #[cfg(feature = "std")]
            kept: UnsafeCell::new(KeptSlots::new()),
            place,
        }
    }
}

impl Record {
    /// How a word changes where a record is leased, and with it what was left in it.
    pub(super) const fn lease(word: u64, entry: usize) -> u64 {
        (word | leased(entry)) & !listed(entry)
    }

    /// One of the objects, which stays there.
    ///
    /// # Safety
    ///
    /// The caller drops the domain (invariant 1).
    pub(super) unsafe fn read(&self, number: usize) -> Option<Retired> {
        self.bag.with(|bag| {
            // SAFETY: nothing writes to the bag while the domain is dropped (invariant 1).
            let bag = unsafe { &*bag };
            bag.retired.iter().chain(&bag.ready).nth(number).copied()
        })
    }
}

/// The right to use a record, of this thread.
#[derive(Clone, Copy)]
pub(super) struct Lease<'domain> {
    record: &'domain Record,
    of_this_thread: PhantomData<*const ()>,
}

impl<'domain> Lease<'domain> {
    /// # Safety
    ///
    /// This thread has leased `record`, and does not use this after it has given that back.
    #[inline]
    pub(super) unsafe fn new(record: &'domain Record) -> Self {
        Lease {
            record,
            of_this_thread: PhantomData,
        }
    }

    /// The record, to be kept where a lease cannot.
    #[cfg(feature = "std")]
    pub(super) const fn record(self) -> &'domain Record {
        self.record
    }

    /// Gives the record back, and returns where it was. What is in the bag stays there, for the next holder or for a
    /// scan.
    ///
    /// # Safety
    ///
    /// No copy of this lease is used any more.
    pub(super) unsafe fn give_back(self) -> Place {
        let entry = self.record.place.entry();
        // Listed as well if there is nothing left but memory: a scan frees it. No write: see invariant 1.
        let is_empty = self.read(|bag| bag.retired.capacity() == 0 && bag.ready.capacity() == 0);
        // The bit `leased` is set, and `listed` is not: an addition changes both in one step.
        let change = if is_empty { 0 } else { listed(entry) };
        // Release: synchronizes with the Acquire in `Table::lease` and in `take_left_behind`, for
        // what is in the cells.
        // model: reclaim::record_is_inherited, reclaim::record_is_taken_over
        self.record
            .place
            .word()
            .fetch_add(change.wrapping_sub(leased(entry)), Release);
        self.record.place
    }

    /// `act` must not call anything that may come back here.
    #[inline]
    fn read<R>(self, act: impl FnOnce(&Bag) -> R) -> R {
        // SAFETY: this thread has the lease, and the cell is not borrowed further down its stack (invariants 1 and 2).
        self.record.bag.with(|bag| act(unsafe { &*bag }))
    }

    /// `act` must not call anything that may come back here.
    #[inline]
    fn write<R>(self, act: impl FnOnce(&mut Bag) -> R) -> R {
        // SAFETY: as in `read`.
        self.record.bag.with_mut(|bag| act(unsafe { &mut *bag }))
    }

    /// A slot that this thread has kept.
    #[cfg(feature = "std")]
    #[inline]
    pub(super) fn pop_slot(self) -> Option<&'domain Slot> {
        // SAFETY: this thread has the lease, and nothing else is called (invariants 1 and 2).
        let slot = self.record.kept.with_mut(|kept| unsafe { (*kept).pop() })?;
        // SAFETY: a slot lives as long as the tables of its domain, as this record does.
        Some(unsafe { slot.as_ref() })
    }

    /// Keeps a slot, if there is room.
    #[cfg(feature = "std")]
    #[inline]
    pub(super) fn push_slot(self, slot: &Slot) -> bool {
        // SAFETY: as in `pop_slot`.
        self.record.kept.with_mut(|kept| unsafe { (*kept).push(slot) })
    }

    /// Adds an object; answers what is to be done next.
    #[inline]
    pub(super) fn retire(self, retired: Retired) -> Next {
        let next = self.write(|bag| {
            // There is room, so that the allocator is not called.
            (bag.retired.len() < bag.retired.capacity()).then(|| {
                bag.retired.push(retired);
                bag.next()
            })
        });
        next.unwrap_or_else(|| {
            self.push_to_full(retired);
            self.write(Bag::next)
        })
    }

    /// Adds an object, and does nothing else.
    pub(super) fn push(self, retired: Retired) {
        let has_room = self.write(|bag| {
            let has_room = bag.retired.len() < bag.retired.capacity();
            if has_room {
                bag.retired.push(retired);
            }
            has_room
        });
        if !has_room {
            self.push_to_full(retired);
        }
    }

    #[cold]
    #[inline(never)]
    fn push_to_full(self, retired: Retired) {
        let mut list = self.write(|bag| take(&mut bag.retired));
        list.reserve(list.len().max(16));
        list.push(retired);
        // What the allocator has retired meanwhile, if it does such a thing.
        let strays = self.write(|bag| replace(&mut bag.retired, list));
        for stray in strays {
            self.push(stray);
        }
    }

    /// Whether a scan is due.
    pub(super) fn is_due(self) -> bool {
        self.read(|bag| bag.retired.len() >= bag.limit)
    }

    /// How many objects may still be protected.
    pub(super) fn len(self) -> usize {
        self.read(|bag| bag.retired.len())
    }

    /// Begins to reclaim; false if that is under way already, further down the stack of this thread.
    pub(super) fn begin(self) -> bool {
        self.write(|bag| !replace(&mut bag.is_busy, true))
    }

    /// Ends what [`begin`](Self::begin) or [`Next::Reclaim`] has begun.
    #[inline]
    pub(super) fn end(self) {
        self.write(|bag| bag.is_busy = false);
    }

    /// Takes one of those that are not protected.
    pub(super) fn pop_ready(self) -> Option<Retired> {
        self.write(|bag| bag.ready.pop())
    }

    /// Takes all that may still be protected, and memory for addresses. None is ready any more.
    pub(super) fn take_retired(self) -> (Vec<Retired>, Vec<usize>) {
        self.write(|bag| {
            let list = replace(&mut bag.retired, take(&mut bag.ready));
            (list, take(&mut bag.hazards))
        })
    }

    /// Puts back those that are not protected, and the memory. The next scan is due at `limit` of those that may be.
    pub(super) fn put_ready(self, limit: usize, mut ready: Vec<Retired>, mut hazards: Vec<usize>) {
        // A list that was long once does not stay that large. (The other one comes by here after the next scan.)
        if ready.capacity() > SHRINK_AT * limit {
            ready.shrink_to(limit);
        }
        if hazards.capacity() > SHRINK_AT * limit {
            hazards.shrink_to(limit);
        }
        let unused = self.write(|bag| {
            bag.limit = limit;
            (replace(&mut bag.ready, ready), replace(&mut bag.hazards, hazards))
        });
        // Where the allocator may be called.
        drop(unused);
    }

    /// Takes all that was left in a record which this thread has leased to that end.
    pub(super) fn take_all(self) -> [Vec<Retired>; 2] {
        let (lists, hazards) = self.write(|bag| {
            bag.limit = SCAN_AT;
            ([take(&mut bag.retired), take(&mut bag.ready)], take(&mut bag.hazards))
        });
        drop(hazards);
        lists
    }
}

impl Bag {
    #[inline]
    fn next(&mut self) -> Next {
        if self.is_busy {
            return Next::Nothing;
        }
        if self.retired.len() >= self.limit {
            return Next::Scan;
        }
        match self.ready.pop() {
            Some(ready) => {
                self.is_busy = true;
                Next::Reclaim(ready)
            }
            None => Next::Nothing,
        }
    }
}
