//! How a lock finds out how its readers should come in: what it remembers, and what makes it warmer or colder.

use core::cell::Cell;
use core::time::Duration;

use super::*;
use crate::backend::{hint, per_thread};

/// At every how manieth read of a thread that is not biased the lock gets hotter.
const SAMPLE: u32 = if hint::patience(1) == 0 { 1 } else { 64 };
/// How much hotter, where each write makes it cooler by one: readers spread out if there are more than eight to a write.
const HOT: usize = 8;
/// The heat at which they do; at none they come back to the word.
const BOILING: usize = if hint::patience(1) == 0 { 2 } else { 15 };
/// At every how manieth such read it becomes a degree less cold, or biased.
const DEGREE: u32 = if hint::patience(1) == 0 { 1 } else { 2048 };
/// What a read that is not biased costs, roughly, in nanoseconds.
const READ: u128 = 10;
/// How many times the cost of a withdrawal has to be spent on such reads before the next.
const WORTH: u128 = 9;
/// How much colder a lock is made by a write.
pub(super) const WRITE: usize = hint::patience(1) as usize;
/// The word of a lock that is new, or has just been written often.
pub(super) const NEW: usize = if WRITE == 0 { 0 } else { COLD };

per_thread! {
    /// Reads of this thread that were not biased, of whatever lock.
    static READS: Cell<u32> = Cell::new(0);
}

impl RawRwLock {
    /// Counts a read that is not biased. Called by a reader inside.
    #[inline]
    pub(super) fn note_read(&self) {
        let reads = READS.with(|count| {
            count.set(count.get().wrapping_add(1));
            count.get()
        });
        if reads.is_multiple_of(SAMPLE) {
            self.warm(reads);
        }
    }

    /// Makes the lock hotter, and a degree less cold; or lets readers spread out, or be biased.
    #[cold]
    fn warm(&self, reads: u32) {
        let mut state = self.state();
        while state & (WRITER | BIASED) == 0 {
            let warmer = warmer(state, reads.is_multiple_of(DEGREE));
            if warmer == state {
                return;
            }
            // Relaxed: who reads by it acquires from the last writer, whose release sequence this continues, as an RMW; torn,
            // it would undo what others do meanwhile (killed by `futex_rwlock::excludes`).
            match self.word.compare_exchange(state, warmer, Relaxed, Relaxed) {
                Ok(_) => return,
                Err(now) => state = now,
            }
        }
    }
}

/// How much colder a withdrawal that took so long makes the lock.
pub(super) fn degrees(cost: Duration) -> usize {
    let degrees = cost.as_nanos() * WORTH / READ / u128::from(DEGREE);
    WRITE * usize::try_from(degrees).unwrap_or(usize::MAX).clamp(1, COLD / COLDER)
}

/// The word after a sample of reads; or after enough of them to be a degree less cold.
fn warmer(state: usize, by_a_degree: bool) -> usize {
    let heat = ((state & HEAT) / HOTTER + HOT).min(BOILING);
    let mut warmer = (state & !HEAT) | (heat * HOTTER);
    if by_a_degree && state & COLD != 0 {
        warmer -= COLDER;
    } else if by_a_degree && state & SPREAD != 0 {
        warmer |= BIASED;
    }
    if heat == BOILING { warmer | SPREAD } else { warmer }
}
