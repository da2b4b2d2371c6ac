//! What a thread has in a domain: the objects that it has retired, and hazard slots that it keeps for its next hazard pointers.
//!
//! A record is leased by one thread at a time and stays in the domain when that thread ends, with what is left in it: the next
//! thread that leases it inherits that, and a scan of any thread takes it over. So nothing is handed from thread to thread
//! that could be lost on the way, and there are as many records as there have been threads at one time.
//!
//! Invariants:
//!
//! 1. Only the thread that has the [`Lease`] writes to the cells of a record. While the domain is dropped, the dropping thread reads
//!    the objects as well, and the holder, which may be ending at that very moment, does no more to them than read, either.
//! 2. No user code runs while a cell is borrowed, the allocator not excepted. It may come back to the same record.

use alloc::vec::Vec;
use core::marker::PhantomData;
use core::mem::{replace, swap, take};

#[cfg(feature = "std")]
use super::kept::KeptSlots;
#[cfg(feature = "std")]
use super::slot::Slot;
use super::table::{Entry, Place, leased, listed};
use crate::backend::atomic::Release;
use crate::backend::cell::UnsafeCell;
use crate::backend::hint;

/// A scan is due at so many retired objects, or at twice as many as there are slots, if that is more.
pub(super) const SCAN_AT: usize = hint::tuned(1000, 1);
/// The limit while a scan is under way: none is due.
const SCANNING: usize = usize::MAX;

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

// SAFETY: the cells are written by one thread at a time, and read by no other then (invariant 1). What is in the bag may be
// reclaimed on any thread (the contract of `Retired::new`), and slots are shared by all.
unsafe impl Send for Record {}
// SAFETY: as above.
unsafe impl Sync for Record {}

/// Retired objects, and what scans work with.
struct Bag {
    retired: Vec<Retired>,
    /// A scan is due at so many of them.
    limit: usize,
    memory: Memory,
}

/// Kept from scan to scan, so that none allocates in the long run.
#[derive(Default)]
pub(super) struct Memory {
    pub(super) retired: Vec<Retired>,
    pub(super) hazards: Vec<usize>,
}

impl Entry for Record {
    fn new(place: Place) -> Self {
        Record {
            bag: UnsafeCell::new(Bag {
                retired: Vec::new(),
                limit: SCAN_AT,
                memory: Memory::default(),
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
            bag.retired.get(number).copied()
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

    /// Gives the record back. What is in the bag stays there, for the next holder or for a scan.
    ///
    /// # Safety
    ///
    /// No copy of this lease is used any more.
    pub(super) unsafe fn give_back(self) {
        let entry = self.record.place.entry();
        // Listed as well if there is nothing left but memory: a scan frees it. No write: see invariant 1.
        let is_empty = self.read(|bag| bag.retired.capacity() == 0 && bag.memory.retired.capacity() == 0);
        // The bit `leased` is set, and `listed` is not: an addition changes both in one step.
        let change = if is_empty { 0 } else { listed(entry) };
        // Release: synchronizes with the Acquire in `Table::lease` and in `take_left_behind`, for what is in the cells (killed by
        // `reclaim::record_is_inherited` and `reclaim::record_is_taken_over`).
        self.record
            .place
            .word()
            .fetch_add(change.wrapping_sub(leased(entry)), Release);
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

    /// Adds an object; answers whether a scan is due.
    #[inline]
    pub(super) fn push(self, retired: Retired) -> bool {
        let is_due = self.write(|bag| {
            // There is room, so that the allocator is not called.
            (bag.retired.len() < bag.retired.capacity()).then(|| {
                bag.retired.push(retired);
                bag.retired.len() >= bag.limit
            })
        });
        is_due.unwrap_or_else(|| self.push_to_full(retired))
    }

    #[cold]
    #[inline(never)]
    fn push_to_full(self, retired: Retired) -> bool {
        let mut list = self.write(|bag| take(&mut bag.retired));
        list.reserve(list.len().max(16));
        list.push(retired);
        // What the allocator has retired meanwhile, if it does such a thing.
        let strays = self.write(|bag| replace(&mut bag.retired, list));
        for stray in strays {
            self.push(stray);
        }
        self.is_due()
    }

    /// Whether a scan is due.
    pub(super) fn is_due(self) -> bool {
        self.read(|bag| bag.retired.len() >= bag.limit)
    }

    /// How many objects there are.
    pub(super) fn len(self) -> usize {
        self.read(|bag| bag.retired.len())
    }

    /// Begins a scan: takes all objects out, and the memory to work with. `None` if one is under way, further down the stack of this
    /// thread.
    pub(super) fn begin_scan(self) -> Option<Memory> {
        self.write(|bag| {
            if bag.limit == SCANNING {
                return None;
            }
            bag.limit = SCANNING;
            let mut memory = take(&mut bag.memory);
            swap(&mut memory.retired, &mut bag.retired);
            Some(memory)
        })
    }

    /// Ends a scan; the next is due at `limit` objects.
    pub(super) fn end_scan(self, limit: usize, memory: Memory) {
        let unused = self.write(|bag| {
            bag.limit = limit;
            replace(&mut bag.memory, memory)
        });
        // Where the allocator may be called.
        drop(unused);
    }

    /// Takes all that was left in a record which this thread has leased to that end.
    pub(super) fn take_all(self) -> Vec<Retired> {
        let (retired, memory) = self.write(|bag| {
            bag.limit = SCAN_AT;
            (take(&mut bag.retired), take(&mut bag.memory))
        });
        drop(memory);
        retired
    }
}
