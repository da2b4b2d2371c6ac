//! The owner's buffer: when it grows and shrinks, and which of its slots may be written.

use super::claims::CLAIM_SIZE;
use super::shared::{SMALLEST, distance};
use super::worker::Worker;
use crate::backend::atomic::{Acquire, Relaxed};
use crate::backend::hint;

/// A buffer has so many slots for each claim, or half as many: then the owner looks at two claims at most for each push. (A model's
/// buffers are small.)
const SLOTS_FOR_A_CLAIM: usize = hint::tuned(1, 0);

impl<T, C> Worker<T, C> {
    /// Halves the buffer if `len` elements are less than a quarter of it.
    #[inline]
    pub(super) fn shrink(&self, len: usize) {
        let capacity = self.buffer().capacity();
        if len < capacity / 4 && capacity > self.smallest.get() && self.bound == usize::MAX {
            self.shrink_to(capacity / 2);
        }
    }

    #[cold]
    fn shrink_to(&self, slots: usize) {
        let back = self.back();
        let front = self.shared.front.load(Relaxed);
        self.replace(front, back, slots);
    }

    fn replace(&self, front: u64, back: u64, slots: usize) {
        // SAFETY: this is the owner; the callers have compared the length with `slots`.
        let buffer = unsafe { self.shared.replace(front, back, slots) };
        self.buffer.set(buffer);
        self.set_ready(front, front.wrapping_add(slots as u64));
    }

    /// Notes that all slots before `ready` have been read, and how many of them the bound allows.
    fn set_ready(&self, front: u64, ready: u64) {
        self.ready.set(ready);
        let bound = front.wrapping_add(self.bound.min(self.buffer().capacity()) as u64);
        self.limit.set(if distance(ready, bound) < 0 { bound } else { ready });
    }

    /// How small the buffer may be. The owner looks through all claims once for each lap round the buffer: with enough slots for
    /// each, that is little for each element; and the buffer takes no more memory than the claims do.
    fn smallest(&self) -> usize {
        let claims = self.shared.place.claims.count();
        let slots = (claims * SLOTS_FOR_A_CLAIM).min(claims * CLAIM_SIZE / size_of::<T>().max(1));
        SMALLEST.max(slots.checked_ilog2().map_or(0, |log| 1 << log))
    }

    /// Makes `wanted` slots from `back` on ready to be written; returns how many are, which are fewer only if the deque is bounded.
    pub(super) fn make_room(&self, back: u64, wanted: usize) -> usize {
        let ready = distance(back, self.limit.get()).max(0) as usize;
        if ready >= wanted {
            return wanted;
        }
        self.make_more_room(back, wanted)
    }

    #[cold]
    fn make_more_room(&self, back: u64, wanted: usize) -> usize {
        // Acquire: synchronizes with the Release compare-exchange in `Reader::claim`: of each
        // element that is claimed, the announcement is seen below.
        // model: deque::slot_is_reused
        let front = self.shared.front.load(Acquire);
        self.front.set(front);
        let len = distance(front, back).max(0) as usize;
        let wanted = wanted.min(self.bound - len.min(self.bound));
        if wanted == 0 {
            return 0;
        }
        if distance(back, self.ready.get()) >= wanted as i64 {
            // The deque was full: the slots are there.
            self.set_ready(front, self.ready.get());
            return wanted;
        }
        // SAFETY: this is the owner.
        if unsafe { self.shared.retired() } > 0 {
            // SAFETY: as above.
            unsafe { self.shared.reclaim() };
        }
        let slots = self.buffer().capacity();
        self.smallest.set(self.smallest());
        let is_small = slots < self.smallest.get() && self.bound == usize::MAX;
        let lowest = self
            .shared
            .place
            .claims
            .lowest(self.buffer.get().as_ptr().cast(), front);
        // How far behind `front` the slowest thief is.
        let lag = lowest.map_or(0, |lowest| distance(lowest, front).max(0));
        let ready = slots as i64 - len as i64 - lag;
        if ready >= wanted as i64 && !is_small {
            // Invariant 3: all up to here have been read.
            self.set_ready(front, front.wrapping_add(slots as u64).wrapping_sub(lag as u64));
            return wanted;
        }
        let needed = len
            .checked_add(wanted)
            .expect("a deque holds fewer elements than memory has bytes");
        let slots = if self.bound != usize::MAX || (needed <= slots / 2 && !is_small) {
            // A thief is held up. It keeps the old buffer.
            slots
        } else {
            needed
                .max(slots.saturating_mul(2))
                .checked_next_power_of_two()
                .unwrap_or(usize::MAX)
                .max(self.smallest.get())
        };
        self.replace(front, back, slots);
        wanted
    }
}
