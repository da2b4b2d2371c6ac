//! Where readers register, instead of in the lock: a row of slots for each thread, in a list that only grows and that all
//! locks share (the visible readers table of BRAVO, Dice and Kogan, USENIX ATC 2019, with a row for each thread in place
//! of a hash).
//!
//! A slot names a lock by its **identity**, a number that a lock is given when its readers first use slots, and that no other
//! lock ever has. So a lock may be moved while it is held, freed with a guard forgotten, or copied by a fork, and meets
//! no reader of another. When the numbers run out, locks do without slots.
//!
//! | field of a row | written by |
//! |---|---|
//! | a slot's `identity`, 0 | the thread that has the row, which puts the identity of a lock there |
//! | a slot's `identity`, not 0 | the thread that drops the guard, once: 0 |
//! | a slot's `counted` | threads that have the lock of that identity's bucket: a writer counts on the reader to leave |
//! | `next_free` | the thread that has the lock of the free rows |
//! | `older` | the thread that has made the row, before the list shows it |
//!
//! A slot needs no RMW, since only one thread takes it and only its taker's guard frees it. A row is never freed: a guard
//! may outlive its thread, and names its slot. The next thread that leases the row uses the slots that are free. There are
//! as many rows as threads have read at one time.

use core::cell::{Cell, OnceCell};

use crossbeam_utils::CachePadded;

use crate::backend::atomic::{Acquire, AtomicPtr, AtomicU32, Relaxed, Release};
use crate::backend::cell::UnsafeCell;
use crate::backend::{Global, global, hint, per_thread};
use crate::internal::{WordLock, immortal};

/// How many locks a thread reads at one time without touching them: a row is a line of 64 bytes. In a model two, of which
/// most models use one.
const SLOTS: usize = hint::tuned(6, 2);

/// A place for the identity of a lock that is being read.
#[derive(Debug)]
pub(super) struct Slot {
    identity: AtomicU32,
    counted: AtomicU32,
}

impl Slot {
    /// The lock that is read, for the reader that has registered it here.
    #[inline]
    pub(super) fn identity(&self) -> u32 {
        // Relaxed: stored by this acquisition.
        self.identity.load(Relaxed)
    }

    /// Frees the slot: the reader is no longer inside.
    #[inline]
    pub(super) fn clear(&self) {
        // Release: pairs with the Acquire load in `names`. The writer must come after what was read here; Relaxed lets its
        // writes overtake the reads (killed by `futex_rwlock::biased_readers_exclude`).
        self.identity.store(0, Release);
    }

    pub(super) fn names(&self, identity: u32) -> bool {
        // Acquire: pairs with the Release stores in `clear` and `take` (killed by `futex_rwlock::biased_readers_exclude`).
        self.identity.load(Acquire) == identity
    }

    /// Counts on the reader that registers `identity` here; false if it has left or is counted already. Under the lock
    /// of that identity's bucket.
    pub(super) fn count(&self, identity: u32) -> bool {
        // Relaxed, both: under the bucket's lock. Another lock's mark may be overwritten: its
        // reader has freed the slot, does not find its mark, and lets that lock's writer look again.
        let counts = self.names(identity) && self.counted.load(Relaxed) != identity;
        if counts {
            self.counted.store(identity, Relaxed);
        }
        counts
    }

    /// Whether the writer of the lock with that identity counts on the reader here.
    #[cfg(test)]
    pub(super) fn counts(&self, identity: u32) -> bool {
        self.counted.load(Relaxed) == identity
    }

    /// Takes the mark back; false if there is none. Under the lock of that identity's bucket.
    pub(super) fn uncount(&self, identity: u32) -> bool {
        // Relaxed: as in `count`. An RMW, since another lock's writer may mark the slot.
        self.counted.compare_exchange(identity, 0, Relaxed, Relaxed).is_ok()
    }
}

/// The slots of one thread, at the beginning of a line.
#[repr(C)]
struct Row {
    slots: [Slot; SLOTS],
    next_free: UnsafeCell<Option<&'static CachePadded<Row>>>,
    /// Null in the oldest. A pointer, since the thread that makes a row need not have seen the one before filled in.
    older: *const CachePadded<Row>,
}

// SAFETY: `next_free` is used only by the thread that has the lock of the free rows; the rest is atomic or constant.
unsafe impl Sync for Row {}

impl Row {
    #[inline]
    #[track_caller]
    fn slots(&self) -> &[Slot] {
        &self.slots[..hint::sized(SLOTS)]
    }
}

/// The rows of no thread, the first of a chain.
struct Free(Option<&'static CachePadded<Row>>);

global! {
    /// The rows that have been given back.
    fn free() -> WordLock<Free> = WordLock::new(Free(None));
    /// The row that was made last.
    fn newest() -> AtomicPtr<CachePadded<Row>> = AtomicPtr::new(core::ptr::null_mut());
    /// The last identity that was given out.
    fn last_identity() -> AtomicU32 = AtomicU32::new(0);
}

/// An identity that no lock has had; `None` when there are no more.
pub(super) fn new_identity() -> Option<u32> {
    let numbers = last_identity();
    let mut last = numbers.load(Relaxed);
    while last < u32::MAX {
        // Relaxed: nothing else is published. An RMW, so that no number is given out twice; torn, two locks take one for
        // the other's readers (killed by `futex_rwlock::identities_differ`).
        match numbers.compare_exchange(last, last + 1, Relaxed, Relaxed) {
            Ok(_) => return Some(last + 1),
            Err(now) => last = now,
        }
    }
    None
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
    /// The slot in which this thread last found a reader that it looked for.
    static FOUND: Cell<Option<&'static Slot>> = Cell::new(None);
}

/// The most rows of one thread. A row is full when guards have been forgotten, or so many locks are read at one time.
const ROWS: usize = hint::tuned(16, 1);

/// The rows of a thread, until it ends.
struct Lease {
    rows: [Cell<Option<&'static CachePadded<Row>>>; ROWS],
    /// Found early, since a destructor may come too late to find it.
    free: Global<WordLock<Free>>,
}

impl Drop for Lease {
    fn drop(&mut self) {
        if hint::is_abandoned() {
            return;
        }
        let _ = OWN.try_with(|own| own.set(Own::None));
        // The next thread that has the row sees by that lock which slots are taken, by guards that outlive this thread.
        // If it is not to be had, the rows are lost to others.
        self.free.try_with(|free| {
            // One that is full of forgotten guards is of no use to others.
            for row in self
                .rows
                .iter()
                .filter_map(Cell::get)
                .filter(|row| row.free_slot().is_some())
            {
                let next = free.0.replace(row);
                // SAFETY: this thread has the lock of the free rows.
                row.next_free.with_mut(|place| unsafe { *place = next });
            }
        });
    }
}

impl Row {
    fn free_slot(&self) -> Option<&Slot> {
        // Acquire: pairs with the Release store in `clear`, perhaps by another thread. What was read there before has to be
        // handed on by the store in `take` (killed by `futex_rwlock::a_slot_is_taken_over`).
        // Survivor: that there are more places than one. A reader without one is counted.
        self.slots().iter().find(|slot| slot.identity.load(Acquire) == 0)
    }
}

/// Puts `identity` into a free slot of this thread, if it has one: by an RMW, which a fence may follow, or by a store.
#[inline]
pub(super) fn take(identity: u32, by_store: bool) -> Option<&'static Slot> {
    let row = match OWN.try_with(Cell::get) {
        Ok(Own::Row(row)) => row,
        Ok(Own::Unknown) => lease()?,
        _ => return None,
    };
    let slot = match row.free_slot() {
        Some(slot) => slot,
        None => lease()?.free_slot()?,
    };
    if by_store {
        // Release: pairs with the Acquire load in `names`. A writer of the lock that was read here before may find this
        // identity in its place, and must come after that read (killed by `futex_rwlock::a_slot_is_taken_over`).
        slot.identity.store(identity, Release);
    } else {
        // Relaxed: as an RMW it stays in the release sequence of the store in `clear`, and so hands that read on.
        slot.identity.swap(identity, Relaxed);
    }
    Some(slot)
}

/// A row for this thread that has a free slot.
#[cold]
fn lease() -> Option<&'static CachePadded<Row>> {
    let before = OWN.try_with(|own| own.replace(Own::None)).ok()?;
    // A thread past its destructors could not give the row back, so it takes none.
    let row = LEASE
        .try_with(|lease| lease.get_or_init(Lease::new).another())
        .ok()
        .flatten();
    let _ = OWN.try_with(|own| own.set(row.map_or(before, Own::Row)));
    row
}

impl Lease {
    fn new() -> Self {
        Lease {
            rows: [const { Cell::new(None) }; ROWS],
            free: free(),
        }
    }

    /// One of this thread's rows that has a free slot, or one more; `None` if it has enough.
    fn another(&self) -> Option<&'static CachePadded<Row>> {
        let mut rows = self.rows.iter();
        if let Some(row) = rows.find_map(|row| row.get().filter(|row| row.free_slot().is_some())) {
            return Some(row);
        }
        let place = self.rows.iter().find(|row| row.get().is_none())?;
        let found = self.free.try_with(|free| {
            let row = free.0?;
            // SAFETY: this thread has the lock of the free rows.
            free.0 = row.next_free.with(|next| unsafe { *next });
            Some(row)
        });
        let row = found.flatten().unwrap_or_else(make);
        place.set(Some(row));
        Some(row)
    }
}

fn make() -> &'static CachePadded<Row> {
    let made = immortal(CachePadded::new(Row {
        slots: core::array::from_fn(|_| Slot {
            identity: AtomicU32::new(0),
            counted: AtomicU32::new(0),
        }),
        next_free: UnsafeCell::new(None),
        older: core::ptr::null(),
    }));
    // SAFETY: it lives for ever, and no other thread has it yet.
    let row = unsafe { { made }.as_mut() };
    let newest = newest();
    // Relaxed: proposes the compare-exchange below. It does not look into the row.
    let mut older = newest.load(Relaxed);
    loop {
        row.older = older;
        // Release: pairs with the Acquire load in `rows`. A thread that finds the row must see it filled in; Relaxed shows
        // it empty (killed by `futex_rwlock::rows_are_found`). The rows before it stay in its release sequence.
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
    core::iter::successors(newest, |row| {
        // SAFETY: null, or a row that was published before this one; the load above has seen the release sequence of each.
        unsafe { row.older.as_ref() }
    })
}

/// Whether any slot names the lock of that identity, and how many rows were looked at for that. No slot names identity 0.
///
/// Looks first where it found a reader last: one that stays inside is found at once, however many rows there are.
pub(super) fn look(identity: u32) -> (bool, u32) {
    if identity == 0 {
        return (false, 0);
    }
    let before = FOUND.try_with(Cell::get).ok().flatten();
    if before.is_some_and(|slot| slot.names(identity)) {
        return (true, 0);
    }
    let mut looked = 0;
    let found = rows().find_map(|row| {
        looked += 1;
        row.slots().iter().find(|slot| slot.names(identity))
    });
    if found.is_some() {
        let _ = FOUND.try_with(|place| place.set(found));
    }
    (found.is_some(), looked)
}

/// All slots of all threads.
pub(super) fn all() -> impl Iterator<Item = &'static Slot> {
    // Survivor: a reader in a place that is left out is not counted on, as in `count_on_readers`.
    rows().flat_map(|row| row.slots())
}
