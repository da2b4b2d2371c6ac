//! A table that only grows, whose entries are leased: what hazard slots and threads' records are kept in.
//!
//! Its chunks have 4, 8, 16, ... entries, so that an entry keeps its address and its line. Each entry has three bits in
//! a word that it shares with up to 15 others, and the words of a chunk lie side by side: looking for the entries that
//! have a bit set touches one line for each 256 entries, not one for each entry. So entries that are not used cost a
//! scan next to nothing.
//!
//! An entry to lease is looked for in the first row, and then from where the last one was found, or was given back, if that
//! comes before. Where that is, is a hint: threads that store it at the same time may leave free entries before it. Those
//! are found before the table grows.
//!
//! | bit | of a hazard slot | of a record |
//! |---|---|---|
//! | `leased` | a hazard pointer or a thread's cache has it | a thread has it |
//! | `listed` | scans look at it | it was left behind, with something in it |
//! | `idle` | a scan has found it without protection | unused |

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::marker::PhantomData;
use core::ptr::{NonNull, null_mut};

use crossbeam_utils::CachePadded;

use crate::backend::atomic::{Acquire, AtomicPtr, AtomicU64, AtomicUsize, Relaxed, Release};
use crate::backend::{array, hint};

/// How many entries share a word.
const PER_WORD: usize = 16;
/// The bits of all entries of a word.
const ALL: u64 = (1 << PER_WORD) - 1;
/// How many entries the first chunk has; each further one has twice as many as the one before.
const FIRST: usize = hint::first_chunk(4);
const CHUNKS: usize = hint::tuned(26, 2);
/// How many words share a line.
const WORDS: usize = hint::tuned(16, 2);

/// The bit that says that an entry is leased.
pub(super) const fn leased(entry: usize) -> u64 {
    1 << entry
}

/// The bit that says that scans look at an entry.
pub(super) const fn listed(entry: usize) -> u64 {
    1 << (PER_WORD + entry)
}

/// The bit that says that a scan has found an entry idle.
pub(super) const fn idle(entry: usize) -> u64 {
    1 << (2 * PER_WORD + entry)
}

/// Which entries of a word are listed.
pub(super) fn all_listed(word: u64) -> impl Iterator<Item = usize> {
    ones((word >> PER_WORD) & ALL)
}

/// The numbers of the bits that are set.
fn ones(mut bits: u64) -> impl Iterator<Item = usize> {
    core::iter::from_fn(move || {
        let entry = bits.trailing_zeros() as usize;
        bits &= bits.wrapping_sub(1);
        (entry < u64::BITS as usize).then_some(entry)
    })
}

/// Where an entry has its bits.
#[derive(Clone, Copy)]
pub(super) struct Place {
    word: NonNull<AtomicU64>,
    entry: u32,
    /// The number of the row that the word is of. (With the entry in one word: 2^26 rows are the most.)
    row: u32,
}

// SAFETY: a place names a word that is shared by all threads, and is only changed atomically.
unsafe impl Send for Place {}
// SAFETY: as above.
unsafe impl Sync for Place {}

impl Place {
    /// The word that has its bits.
    #[inline]
    pub(super) fn word(&self) -> &AtomicU64 {
        // SAFETY: a place is kept in the entry that it is about, and a table frees its words with its entries.
        unsafe { self.word.as_ref() }
    }

    /// Its number among those that share the word.
    #[inline]
    pub(super) const fn entry(&self) -> usize {
        self.entry as usize
    }
}

/// What a table is made of.
pub(super) trait Entry {
    /// An entry that is not leased.
    fn new(place: Place) -> Self;
}

/// The entries; see the module.
pub(super) struct Table<T> {
    chunks: [AtomicPtr<Chunk<T>>; CHUNKS],
    /// The row in which to begin to look for a free entry, if there is none in the first.
    begin: AtomicUsize,
    owns: PhantomData<T>,
}

// SAFETY: a table owns its entries, and hands out references to them only.
unsafe impl<T: Send> Send for Table<T> {}
// SAFETY: as above; a shared table hands out shared references.
unsafe impl<T: Send + Sync> Sync for Table<T> {}

/// Raw, since entries refer to words while the chunk moves.
struct Chunk<T> {
    words: NonNull<[Words]>,
    entries: NonNull<[CachePadded<T>]>,
}

/// On lines of their own.
type Words = CachePadded<[AtomicU64; WORDS]>;

/// The entries that share a word, and the word.
pub(super) struct Row<'table, T> {
    pub(super) word: &'table AtomicU64,
    pub(super) entries: &'table [CachePadded<T>],
}

impl<'table, T> Row<'table, T> {
    /// Leases an entry of this row, if one is free.
    #[inline]
    fn lease(&self, change: impl Fn(u64, usize) -> u64) -> Option<&'table T> {
        let exist = ALL >> (PER_WORD - self.entries.len());
        // Relaxed: proposes the compare-exchange, which decides.
        let mut now = self.word.load(Relaxed);
        loop {
            let entry = ones(!now & exist).next()?;
            let next = change(now, entry);
            // Acquire: synchronizes with the Release with which the entry was given back: what the
            // last holder has left in it is found as it was left.
            // model: reclaim::record_is_inherited
            match self.word.compare_exchange_weak(now, next, Acquire, Relaxed) {
                Ok(_) => return Some(&self.entries[entry]),
                Err(changed) => now = changed,
            }
        }
    }
}

/// How many rows the chunk with that number has.
const fn rows_of(chunk: usize) -> usize {
    (FIRST << chunk).div_ceil(PER_WORD)
}

impl<T> Chunk<T> {
    /// Its rows, from that one on.
    fn rows_from(&self, first: usize) -> impl Iterator<Item = Row<'_, T>> {
        // SAFETY: both are boxes until the chunk is dropped, and shared: no exclusive reference to them is made before.
        let (words, entries) = unsafe { (self.words.as_ref(), self.entries.as_ref()) };
        let first = first.min(entries.len().div_ceil(PER_WORD));
        let rows = entries[entries.len().min(first * PER_WORD)..].chunks(PER_WORD);
        (first..).zip(rows).map(|(row, entries)| Row {
            word: &words[row / WORDS][row % WORDS],
            entries,
        })
    }
}

impl<T: Entry> Chunk<T> {
    fn new(number: usize) -> Self {
        let count = FIRST << number;
        let lines = count.div_ceil(PER_WORD * WORDS);
        let words: Vec<Words> = (0..lines).map(|_| array![AtomicU64::new(0); WORDS].into()).collect();
        let words = NonNull::from(Box::leak(words.into_boxed_slice()));
        // SAFETY: a box, which is shared from now on.
        let all = unsafe { words.as_ref() };
        let before: usize = (0..number).map(rows_of).sum();
        let place = |index: usize| Place {
            word: NonNull::from(&all[index / PER_WORD / WORDS][index / PER_WORD % WORDS]),
            entry: (index % PER_WORD) as u32,
            row: (before + index / PER_WORD) as u32,
        };
        let entries: Vec<_> = (0..count).map(|index| CachePadded::new(T::new(place(index)))).collect();
        let entries = NonNull::from(Box::leak(entries.into_boxed_slice()));
        Chunk { words, entries }
    }
}

impl<T> Drop for Chunk<T> {
    fn drop(&mut self) {
        // SAFETY: made of boxes by `new`, and no reference outlives the table, which drops its chunks with itself.
        unsafe {
            drop(Box::from_raw(self.entries.as_ptr()));
            drop(Box::from_raw(self.words.as_ptr()));
        }
    }
}

impl<T> Table<T> {
    pub(super) fn new() -> Self {
        Table {
            chunks: array![AtomicPtr::new(null_mut()); CHUNKS],
            begin: AtomicUsize::new(1),
            owns: PhantomData,
        }
    }

    /// All rows that there are.
    pub(super) fn rows(&self) -> impl Iterator<Item = Row<'_, T>> {
        let chunks = self.chunks.iter().map_while(|chunk| {
            // Acquire: synchronizes with the Release in `chunk`, so the chunk is seen filled in.
            // SAFETY: null, or a chunk, which lives as long as the table.
            // model: reclaim::first_use_races
            unsafe { chunk.load(Acquire).as_ref() }
        });
        chunks.flat_map(|chunk| chunk.rows_from(0))
    }

    /// The entry at `place` was given back: it is found again soon.
    pub(super) fn gave_back(&self, place: Place) {
        // Relaxed, both: a hint. The first row needs none.
        if place.row > 0 && (place.row as usize) < self.begin.load(Relaxed) {
            self.begin.store(place.row as usize, Relaxed);
        }
    }
}

impl<T: Entry> Table<T> {
    /// Leases an entry that is free, and changes its word as `change` says, which sets `leased`.
    ///
    /// # Panics
    ///
    /// If there are 268 million entries, all leased.
    pub(super) fn lease(&self, change: impl Fn(u64, usize) -> u64) -> &T {
        let first = self.chunk(0).rows_from(0).next();
        first
            .and_then(|row| row.lease(&change))
            .unwrap_or_else(|| self.lease_further(change))
    }

    /// Leases an entry that is not of the first row.
    #[cold]
    #[inline(never)]
    fn lease_further(&self, change: impl Fn(u64, usize) -> u64) -> &T {
        // Relaxed, both: a hint.
        let begin = self.begin.load(Relaxed);
        // Rows before it come last, but before there are more of them.
        let entry = self.lease_from(begin, begin > 1, &change);
        let entry = entry.or_else(|| (begin > 1).then(|| self.lease_from(1, false, &change)).flatten());
        let Some((entry, row)) = entry else {
            panic!(
                "a domain has no more than {} hazard pointers at one time",
                FIRST << CHUNKS
            );
        };
        if row != begin {
            self.begin.store(row, Relaxed);
        }
        entry
    }

    /// Leases an entry of the row with that number, or of a later one, and says of which; `only_existing`: of those that
    /// there are.
    fn lease_from(&self, first: usize, only_existing: bool, change: impl Fn(u64, usize) -> u64) -> Option<(&T, usize)> {
        let mut before = 0;
        for number in 0..CHUNKS {
            let rows = rows_of(number);
            if first < before + rows {
                // Relaxed: whether it is there, and no more.
                if only_existing && self.chunks[number].load(Relaxed).is_null() {
                    return None;
                }
                let skipped = first.saturating_sub(before);
                let mut rows = (before + skipped..).zip(self.chunk(number).rows_from(skipped));
                let found = rows.find_map(|(index, row)| Some((row.lease(&change)?, index)));
                if found.is_some() {
                    return found;
                }
            }
            before += rows;
        }
        None
    }

    /// The chunk with that number, made if need be.
    fn chunk(&self, number: usize) -> &Chunk<T> {
        let place = &self.chunks[number];
        // Acquire: as in `rows`.
        // model: reclaim::two_first_uses_race
        let mut chunk = place.load(Acquire);
        if chunk.is_null() {
            let new = Box::into_raw(Box::new(Chunk::new(number)));
            // Release: synchronizes with the Acquire loads of `chunks`; a thread that finds the
            // chunk sees it filled in.
            // model: reclaim::two_first_uses_race
            chunk = match place.compare_exchange(null_mut(), new, Release, Relaxed) {
                Ok(_) => new,
                Err(_) => {
                    // SAFETY: the box from above, which no other thread has seen.
                    drop(unsafe { Box::from_raw(new) });
                    // Acquire: as above; another thread has made it.
                    // model: reclaim::two_first_uses_race
                    place.load(Acquire)
                }
            };
        }
        // SAFETY: not null, and a chunk lives as long as the table.
        unsafe { &*chunk }
    }
}

impl<T> Drop for Table<T> {
    fn drop(&mut self) {
        if hint::is_abandoned() {
            return;
        }
        for chunk in &self.chunks {
            // Relaxed: this is the only thread that still knows the table.
            let chunk = chunk.load(Relaxed);
            if !chunk.is_null() {
                // SAFETY: a box, which no other thread knows any more.
                drop(unsafe { Box::from_raw(chunk) });
            }
        }
    }
}
