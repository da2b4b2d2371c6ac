//! How a writer claims the lock, and waits for the readers that are inside.

use super::*;
use crate::backend::atomic::fence;
use crate::backend::{hint, thread};
use crate::futex::seat::Seat;
use crate::wait::LockBackoff;

/// The address at which the writer that drains the lock at `address` sleeps.
#[inline]
pub(super) fn drain(address: usize) -> usize {
    address + 2
}

impl RawRwLock {
    #[inline]
    pub(super) fn write_until(&self, deadline: Option<Instant>) -> bool {
        match self.write_spread() {
            Some(true) => true,
            Some(false) => self.drain(deadline, 0),
            None => self.write_contended(deadline),
        }
    }

    /// Claims a lock that nobody holds but perhaps readers in slots, which are fenced; answers whether there are none.
    #[inline]
    fn write_spread(&self) -> Option<bool> {
        let state = self.state();
        if state & !PAST != SPREAD {
            return None;
        }
        let claimed = self.claimed(state);
        // Relaxed: the fence that follows acquires what this reads from; where it is none, this RMW is one to the processor.
        // An RMW, for the other writers; torn, two of them would claim the lock (killed by
        // `futex_rwlock::spread_writers_exclude`).
        self.word.compare_exchange(state, claimed, Relaxed, Relaxed).ok()?;
        // SeqCst: pairs with the fence in `read_in_slot`, and acquires from every unlock, as `enter` does (killed by
        // `futex_rwlock::spread_readers_exclude`).
        fence_after_rmw(SeqCst);
        Some(claimed & HEAT != 0 && !readers::any(self.address()))
    }

    #[cold]
    fn write_contended(&self, deadline: Option<Instant>) -> bool {
        self.wait(Wish::Write, deadline) && self.drain(deadline, 0)
    }

    #[inline]
    pub(super) fn upgrade_until(&self, deadline: Option<Instant>) -> bool {
        self.upgrade_claim() && self.drain(deadline, UPGRADABLE)
    }

    /// The upgradable reader claims the lock.
    fn upgrade_claim(&self) -> bool {
        let mut state = self.state();
        loop {
            // Acquire: as in `enter`; without readers in slots nothing later does it (killed by
            // `futex_rwlock::upgrade_follows`). An RMW, since readers come and go.
            match self.word.compare_exchange(state, self.claimed(state), Acquire, Relaxed) {
                Ok(_) => return true,
                Err(now) => state = now,
            }
        }
    }

    /// Claims the lock if nobody holds it but `mine`: nothing, or `UPGRADABLE`.
    #[cold]
    pub(super) fn try_claim(&self, mine: usize) -> bool {
        let mut state = self.state();
        loop {
            if state & (OWNER | READERS) != mine || self.is_read_in_slots(state) {
                return false;
            }
            // Acquire: as in `enter`; without readers in slots nothing later does it (killed by
            // `futex_rwlock::tried_upgrade_follows`).
            match self.word.compare_exchange(state, self.claimed(state), Acquire, Relaxed) {
                Ok(_) => break,
                Err(now) => state = now,
            }
        }
        if state & SPREAD == 0 {
            return true;
        }
        let degrees = self.fence_slots();
        let is_drained = self.is_drained();
        if is_drained {
            self.settle(degrees);
        } else {
            self.end_write(mine);
        }
        is_drained
    }

    /// Waits until the readers have left a lock that this thread has claimed. At the deadline the claim is taken back, but
    /// for `mine`.
    fn drain(&self, deadline: Option<Instant>, mine: usize) -> bool {
        if self.state() & (DRAINING | SPREAD) == 0 {
            return true;
        }
        let degrees = self.fence_slots();
        let mut backoff = LockBackoff::default();
        loop {
            if self.is_drained() {
                self.settle(degrees);
                return true;
            }
            let is_late = deadline.is_some_and(hint::is_late);
            if !is_late && backoff.wait() {
                continue;
            }
            if is_late || !self.doze(deadline) {
                self.end_write(mine);
                return false;
            }
        }
    }

    /// Fences the claim against readers in slots; answers how much colder that makes the lock.
    fn fence_slots(&self) -> usize {
        let state = self.state();
        if state & BIASED == 0 {
            // SeqCst: pairs with the fence in `read_in_slot`. This thread sees the slots of those who have not seen its
            // claim (killed by `futex_rwlock::spread_tries`).
            fence(SeqCst);
            return 0;
        }
        let start = Instant::now();
        // SeqCst: pairs with `light` in `read_in_slot`; the same (killed by `futex_rwlock::biased_readers_exclude`).
        asymmetric::heavy();
        warmth::degrees(start.elapsed())
    }

    fn is_drained(&self) -> bool {
        let state = self.state();
        state & READERS == 0 && !self.is_read_in_slots(state)
    }

    /// The writer is inside.
    fn settle(&self, degrees: usize) {
        let mut state = self.state();
        loop {
            let mut settled = colder(state & !(DRAINING | ASLEEP | BIASED), degrees);
            if state & HEAT == 0 {
                settled &= !SPREAD;
            }
            // Acquire: pairs with the Release in `end_counted_read`. The writer must come after what was read; Relaxed lets
            // its writes overtake the reads (killed by `futex_rwlock::excludes`). An RMW, since others fall asleep.
            match self.word.compare_exchange(state, settled, Acquire, Relaxed) {
                Ok(_) => return,
                Err(now) => state = now,
            }
        }
    }

    /// The writer that drains sleeps until a reader leaves; false if the deadline has come first.
    fn doze(&self, deadline: Option<Instant>) -> bool {
        let key = drain(self.address());
        Seat::lend(|seat| {
            let bucket = lot::bucket(key);
            bucket.announce();
            if self.state() & SPREAD != 0 {
                // SeqCst: pairs with `light` in `leave_slot` (killed by `futex_rwlock::biased_readers_exclude`).
                asymmetric::heavy();
            }
            let ticket = bucket.with(|queue| (!self.falls_asleep()).then(|| queue.push(seat, key, 0)));
            let Some(ticket) = ticket else {
                bucket.relax();
                return true;
            };
            if seat.sleep(ticket, deadline).is_some() {
                return true;
            }
            if seat.leave(key, || {}) {
                bucket.relax();
                return self.is_drained();
            }
            // Somebody has taken it out of the queue to wake it, and is about to.
            seat.sleep_on(ticket);
            true
        })
        .unwrap_or_else(|| {
            thread::yield_now();
            true
        })
    }

    /// Makes the last reader in the word wake this thread; true if there is no reader left to do so.
    fn falls_asleep(&self) -> bool {
        let mut state = self.state();
        while state & READERS != 0 {
            // Relaxed: the queue is under the latch. An RMW, so that the last reader sees it or has left before; torn, it
            // would count a reader that has left (killed by `futex_rwlock::excludes`).
            match self.word.compare_exchange(state, state | ASLEEP, Relaxed, Relaxed) {
                Ok(_) => return false,
                Err(now) => state = now,
            }
        }
        !self.is_read_in_slots(state)
    }
}
