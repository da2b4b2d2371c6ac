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
//!
//! The rows are a list that only grows (`internal/grow_list.rs`), and those that have been given back a stack beside it.
//! A slot needs no RMW, since only one thread takes it and only its taker's guard frees it. A row is never freed: a guard
//! may outlive its thread, and names its slot. The next thread that leases the row uses the slots that are free. There are
//! as many rows as threads have read at one time.

use core::cell::{Cell, OnceCell};
use core::ptr::NonNull;

use crate::backend::atomic::{Acquire, AtomicU32, Relaxed, Release};
use crate::backend::cell::UnsafeCell;
use crate::backend::{Global, fork, global, hint, per_thread};
use crate::internal::{GrowList, Padded, Pooled, Stack, WordLock, immortal};

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
        // Release: pairs with the Acquire load in `names`. The writer must come after what was read
        // here; Relaxed lets its writes overtake the reads.
        // model: futex_rwlock::biased_readers_exclude
        self.identity.store(0, Release);
    }

    pub(super) fn names(&self, identity: u32) -> bool {
        // Acquire: pairs with the Release stores in `clear` and `take`.
        // model: futex_rwlock::biased_readers_exclude
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

/// The slots of one thread.
struct Row {
    slots: [Slot; SLOTS],
    /// The row under it in the stack of those that have been given back.
    below: UnsafeCell<Option<NonNull<Padded<Row>>>>,
}

// SAFETY: `below` is used only by the thread that has the stack's lock (`Pooled`); the rest is atomic.
unsafe impl Send for Row {}
// SAFETY: as above.
unsafe impl Sync for Row {}

// SAFETY: `below` is what was noted last, and a row belongs to no thread in particular.
unsafe impl Pooled for Padded<Row> {
    unsafe fn below(&self) -> Option<NonNull<Self>> {
        // SAFETY: the caller has the stack that the row is in.
        self.below.with(|below| unsafe { *below })
    }

    unsafe fn set_below(&self, new: Option<NonNull<Self>>) {
        // SAFETY: the row is the caller's.
        self.below.with_mut(|below| unsafe { *below = new });
    }
}

impl Row {
    #[inline]
    #[track_caller]
    fn slots(&self) -> &[Slot] {
        &self.slots[..hint::sized(SLOTS)]
    }
}

global! {
    fn list() -> GrowList<Row> = GrowList::new();
    fn free() -> WordLock<FreeRows> = WordLock::new(FreeRows::NONE);
    /// The last identity that was given out.
    fn last_identity() -> AtomicU32 = AtomicU32::new(0);
}

/// An identity that no lock has had; `None` when there are no more.
pub(super) fn new_identity() -> Option<u32> {
    let numbers = last_identity();
    let mut last = numbers.load(Relaxed);
    while last < u32::MAX {
        // Relaxed: nothing else is published. An RMW, so that no number is given out twice; torn,
        // two locks take one for the other's readers.
        // model: futex_rwlock::identities_differ
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
    Row(&'static Padded<Row>),
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
    rows: [Cell<Option<&'static Padded<Row>>>; ROWS],
    /// Found early, since a destructor may come too late to find it.
    free: Global<WordLock<FreeRows>>,
}

impl Drop for Lease {
    fn drop(&mut self) {
        if hint::is_abandoned() {
            return;
        }
        let _ = OWN.try_with(|own| own.set(Own::None));
        // The next thread that has the row sees which slots are taken, by guards that outlive this thread.
        ensure_own();
        self.free.with_polling(|free| {
            for row in self.rows.iter().filter_map(Cell::get) {
                free.put(row);
            }
        });
    }
}

impl Row {
    fn free_slot(&self) -> Option<&Slot> {
        // Acquire: pairs with the Release store in `clear`, perhaps by another thread. What was
        // read there before has to be handed on by the store in `take`.
        // model: futex_rwlock::a_slot_is_taken_over
        // survivor: that there are more places than one. A reader without one is counted.
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
        // Release: pairs with the Acquire load in `names`. A writer of the lock that was read here
        // before may find this identity in its place, and must come after that read.
        // model: futex_rwlock::a_slot_is_taken_over
        slot.identity.store(identity, Release);
    } else {
        // Relaxed: as an RMW it stays in the release sequence of the store in `clear`, and so hands that read on.
        slot.identity.swap(identity, Relaxed);
    }
    Some(slot)
}

/// A row for this thread that has a free slot.
#[cold]
fn lease() -> Option<&'static Padded<Row>> {
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
    fn another(&self) -> Option<&'static Padded<Row>> {
        let mut rows = self.rows.iter();
        if let Some(row) = rows.find_map(|row| row.get().filter(|row| row.free_slot().is_some())) {
            return Some(row);
        }
        let place = self.rows.iter().find(|row| row.get().is_none())?;
        ensure_own();
        let found = self.free.with(FreeRows::take);
        let row = found.unwrap_or_else(|| list().add(new_row(), immortal));
        place.set(Some(row));
        Some(row)
    }
}

/// To be called before the free rows are used. In the child of a fork another thread may have been in the middle of changing them.
#[inline]
fn ensure_own() {
    static FREE_ROWS: fork::OwnMemory = fork::OwnMemory::with_mark(1);
    // SAFETY: the first thread of the child that comes here; the others wait for it.
    FREE_ROWS.ensure(|| unsafe { free().reset(FreeRows::NONE) });
}

/// The rows that have been given back. To take one costs the same however many there are.
struct FreeRows {
    /// With a free slot.
    usable: Stack<Padded<Row>>,
    /// Without one when they were last looked at: their guards outlive the thread, and may free them at any time.
    full: Stack<Padded<Row>>,
    /// Those of the full ones that have been looked at since the others were.
    looked_at: Stack<Padded<Row>>,
}

/// How many full rows are looked at before another one is made.
const LOOKS: usize = 4;

impl FreeRows {
    const NONE: Self = FreeRows {
        usable: Stack::EMPTY,
        full: Stack::EMPTY,
        looked_at: Stack::EMPTY,
    };

    /// Takes one that has a free slot.
    fn take(&mut self) -> Option<&'static Padded<Row>> {
        // SAFETY: a row lives for ever, and one that has just been taken off is in no stack.
        let row = |row: NonNull<Padded<Row>>| unsafe { row.as_ref() };
        if let Some(usable) = self.usable.pop() {
            return Some(row(usable));
        }
        for _ in 0..LOOKS {
            if self.full.top().is_none() {
                core::mem::swap(&mut self.full, &mut self.looked_at);
            }
            let full = self.full.pop()?;
            if row(full).free_slot().is_some() {
                return Some(row(full));
            }
            // SAFETY: 1: it has just been taken off; 2: rows live for ever.
            unsafe { self.looked_at.push(full) };
        }
        None
    }

    /// Gives one back that its thread uses no more.
    fn put(&mut self, row: &'static Padded<Row>) {
        let stack = if row.free_slot().is_some() {
            &mut self.usable
        } else {
            &mut self.full
        };
        // SAFETY: 1: it was that thread's, and so in no stack; 2: rows live for ever.
        unsafe { stack.push(NonNull::from(row)) };
    }
}

fn new_row() -> Row {
    Row {
        slots: core::array::from_fn(|_| Slot {
            identity: AtomicU32::new(0),
            counted: AtomicU32::new(0),
        }),
        below: UnsafeCell::new(None),
    }
}

fn rows() -> impl Iterator<Item = &'static Padded<Row>> {
    list().entries()
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
    // survivor: a reader in a place that is left out is not counted on, as in `count_on_readers`.
    rows().flat_map(|row| row.slots())
}

#[cfg(test)]
pub(super) fn number_of_rows() -> usize {
    rows().count()
}
