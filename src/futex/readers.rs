//! Where readers note what they read, instead of in the lock: a row of slots for each thread, in a list that only grows
//! and that all locks share (the visible readers table of BRAVO, Dice and Kogan, USENIX ATC 2019, with a row for each
//! thread in place of a hash).
//!
//! | field of a row | written by |
//! |---|---|
//! | a slot that is 0 | the thread that has the row, which puts the address of a lock there |
//! | a slot that is not | whoever drops the guard, on whichever thread, once: 0 |
//! | `leased` | the thread that takes the row, by one RMW; that thread, when it ends |
//! | `older` | whoever has made the row, before the list shows it |
//!
//! A slot needs no RMW, since only one thread takes it and only its taker's guard frees it. A row is never freed: a guard
//! may outlive its thread, and names its slot. Whoever leases the row next uses the slots that are free. There are as
//! many rows as threads have read at one time.
//!
//! What a slot says is judged by [`rwlock`](super::rwlock), with the fence pair.

use alloc::boxed::Box;
use core::cell::{Cell, OnceCell};

use crossbeam_utils::CachePadded;

use crate::backend::atomic::{Acquire, AtomicBool, AtomicPtr, AtomicUsize, Relaxed, Release};
use crate::backend::{Global, global, hint, per_thread};

/// How many locks a thread reads at one time without touching them: a row is a line of 64 bytes; in a model one, for its
/// sake.
const SLOTS: usize = if hint::patience(1) == 0 { 1 } else { 6 };

/// A place for the address of a lock that somebody reads.
#[derive(Debug)]
pub(super) struct Slot {
    address: AtomicUsize,
}

impl Slot {
    /// Frees the slot: what was read there is read.
    #[inline]
    pub(super) fn clear(&self) {
        // Release: pairs with the Acquire load in `names`. The writer must come after what was read here; Relaxed lets its
        // writes overtake the reads (killed by `futex_rwlock::biased_readers_exclude`).
        self.address.store(0, Release);
    }

    fn names(&self, address: usize) -> bool {
        // Acquire: pairs with the Release stores in `clear` and `take` (killed by `futex_rwlock::biased_readers_exclude`).
        self.address.load(Acquire) == address
    }
}

/// The slots of one thread, at the beginning of a line.
#[repr(C)]
struct Row {
    slots: [Slot; SLOTS],
    leased: AtomicBool,
    older: Option<&'static CachePadded<Row>>,
}

global! {
    /// The row that was made last.
    fn newest() -> AtomicPtr<CachePadded<Row>> = AtomicPtr::new(core::ptr::null_mut());
}

/// What a thread knows of its row.
#[derive(Clone, Copy)]
enum Own {
    /// It has not read yet.
    Unknown,
    /// It is looking for one, or has given its row back.
    None,
    Row(&'static CachePadded<Row>),
}

per_thread! {
    // Two, so that the one which every read looks at has no destructor, and with it no state to check.
    static OWN: Cell<Own> = Cell::new(Own::Unknown);
    static LEASE: OnceCell<Lease> = OnceCell::new();
}

/// A row, until the thread ends.
struct Lease(&'static CachePadded<Row>);

impl Drop for Lease {
    fn drop(&mut self) {
        if hint::is_abandoned() {
            return;
        }
        let _ = OWN.try_with(|own| own.set(Own::None));
        // Release: pairs with the Acquire RMW in `find`. Who has the row next must see which slots are taken, by guards
        // that outlive this thread. Survivor: in a model the fence pair's `light`, which follows each take, is a fence
        // and publishes it, so that Relaxed would do; natively it is none.
        self.0.leased.store(false, Release);
    }
}

/// Puts `address` into a free slot of this thread, if it has one: by an RMW, which a fence may follow, or by a store.
#[inline]
pub(super) fn take(address: usize, by_store: bool) -> Option<&'static Slot> {
    let row = match OWN.try_with(Cell::get) {
        Ok(Own::Row(row)) => row,
        Ok(Own::Unknown) => lease()?,
        _ => return None,
    };
    // Acquire: pairs with the Release store in `clear`, perhaps by another thread. What was read there before has to be
    // handed on by the store below (killed by `futex_rwlock::a_slot_is_taken_over`).
    let slot = row.slots.iter().find(|slot| slot.address.load(Acquire) == 0)?;
    if by_store {
        // Release: pairs with the Acquire load in `names`. A writer of the lock that was read here before may find this
        // address in its place, and must come after that read (killed by `futex_rwlock::a_slot_is_taken_over`).
        slot.address.store(address, Release);
    } else {
        // Relaxed: as an RMW it stays in the release sequence of the store in `clear`, and so hands that read on.
        slot.address.swap(address, Relaxed);
    }
    Some(slot)
}

/// A row for this thread. Making one allocates, and the allocator may be guarded by a lock that comes back here: it finds
/// that there is none.
#[cold]
fn lease() -> Option<&'static CachePadded<Row>> {
    OWN.try_with(|own| own.set(Own::None)).ok()?;
    // A thread past its destructors could not give the row back, so it takes none.
    let row = LEASE
        .try_with(|lease| lease.get_or_init(|| Lease(find().unwrap_or_else(make))).0)
        .ok()?;
    let _ = OWN.try_with(|own| own.set(Own::Row(row)));
    Some(row)
}

/// A row that has been given back.
fn find() -> Option<&'static CachePadded<Row>> {
    rows().find(|row| {
        // Relaxed, the load: only saves the RMW where it cannot succeed.
        // Acquire: pairs with the Release store in `Lease::drop`. Relaxed takes a slot for free that a guard has left
        // taken (killed by `futex_rwlock::a_row_is_inherited`).
        !row.leased.load(Relaxed) && row.leased.compare_exchange(false, true, Acquire, Relaxed).is_ok()
    })
}

/// A new row.
fn make() -> &'static CachePadded<Row> {
    let row = Box::leak(Box::new(CachePadded::new(Row {
        slots: core::array::from_fn(|_| Slot {
            address: AtomicUsize::new(0),
        }),
        leased: AtomicBool::new(true),
        older: None,
    })));
    let newest = newest();
    // Relaxed: proposes the compare-exchange below. It does not look into the row.
    let mut older = newest.load(Relaxed);
    loop {
        // SAFETY: null, or a row that has been published below; no row is freed.
        row.older = unsafe { older.as_ref() };
        // Release: pairs with the Acquire load in `rows`. Whoever finds the row must see it filled in; Relaxed shows it
        // empty (killed by `futex_rwlock::rows_are_found`). The rows before it stay in its release sequence.
        match newest.compare_exchange(older, row, Release, Relaxed) {
            Ok(_) => return row,
            Err(now) => older = now,
        }
    }
}

fn rows() -> impl Iterator<Item = &'static CachePadded<Row>> {
    // Acquire: pairs with the Release RMW in `make` (killed by `futex_rwlock::rows_are_found`).
    let newest = newest().load(Acquire);
    // SAFETY: null, or a row that was published before the load above; no row is freed.
    let newest: Option<&'static CachePadded<Row>> = unsafe { newest.as_ref() };
    core::iter::successors(newest, |row| row.older)
}

/// Whether any slot names the lock at `address`.
pub(super) fn any(address: usize) -> bool {
    rows().any(|row| row.slots.iter().any(|slot| slot.names(address)))
}
