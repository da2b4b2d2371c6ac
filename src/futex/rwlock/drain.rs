//! How a writer that has claimed the lock waits for the readers that are inside.
//!
//! It looks for a while, and then parks under a key of its own. Readers that are counted in the word see there that it is
//! parked. For those in slots the key is announced, with one heavy fence for the whole drain: each reader whose
//! slot is still seen taken after that will see the announcement when it leaves. The writer goes through the slots and counts
//! on each such reader, by a mark in the slot; a reader that leaves takes its mark back and counts down; the last one unparks the
//! writer. Before it enters, a writer has itself seen that no reader is inside; a wake-up too many does no harm.

use super::RawRwLockOf;
use super::bias::{Paid, look};
use super::slots::{self, Slot};
use super::state::{Retain, State};
use crate::backend::atomic::{Acquire, Relaxed, SeqCst, fence};
use crate::backend::time::{self, Instant};
use crate::backend::{asymmetric, hint};
use crate::futex::park::spin_then_park::SpinThenParkBackoff;
use crate::futex::park::{
    Announcement, Front, Key, KeyKind, POLL_AFTER, ParkResult, ParkToken, ROUNDS, Request, UnparkToken, Validate,
    is_announced, park, unpark_front, with_waiter,
};

/// What a drain has done so far.
struct Drain {
    /// The key is announced, so that readers in slots see it when they leave.
    announced: Option<Announcement>,
    /// The kernel has refused the fence behind the announcement: readers may overlook it.
    polls: bool,
    paid: Paid,
}

impl<const RECURSIVE: bool> RawRwLockOf<RECURSIVE> {
    #[inline]
    pub(super) fn drain_key(&self) -> Key {
        Key::of(self, KeyKind::RwLockDrain)
    }

    /// Waits until the readers have left a lock that this thread has claimed. At the deadline the claim is taken back, but
    /// for what it is to `retain`.
    pub(super) fn drain(&self, deadline: Option<Instant>, retain: Retain) -> bool {
        if !self.state().is_draining() {
            return true;
        }
        let mut drain = self.fence_slots();
        let mut backoff = SpinThenParkBackoff::new(true);
        loop {
            if self.is_drained(&mut drain) && self.finish_drain(drain.paid) {
                return true;
            }
            let is_late = deadline.is_some_and(hint::is_late);
            if !is_late && backoff.wait(ROUNDS) {
                continue;
            }
            if is_late || self.park_drain(&mut drain, deadline) == ParkResult::TimedOut {
                self.give_up(&drain, retain);
                return false;
            }
        }
    }

    /// The same without waiting: if a reader is inside, the claim is taken back.
    pub(super) fn drain_at_once(&self, retain: Retain) -> bool {
        if !self.state().is_draining() {
            return true;
        }
        let mut drain = self.fence_slots();
        let is_inside = self.is_drained(&mut drain) && self.finish_drain(drain.paid);
        if !is_inside {
            self.give_up(&drain, retain);
        }
        is_inside
    }

    /// Takes the claim back. A bias has been paid for, and ends.
    fn give_up(&self, drain: &Drain, retain: Retain) {
        self.spend(drain.paid);
        let mut state = self.state();
        while state.is_biased() {
            // Relaxed: a reader that comes by the bias has a fence before it sees that it has ended. An RMW, since readers leave
            // and others park.
            match self
                .state
                .compare_exchange(state.bits(), state.without_bias().bits(), Relaxed, Relaxed)
            {
                Ok(_) => break,
                Err(now) => state = State::from_bits(now),
            }
        }
        self.unlock_write(retain);
    }

    /// Fences the claim against readers in slots.
    fn fence_slots(&self) -> Drain {
        let is_biased = self.state().is_biased();
        let announced = is_biased.then(|| Announcement::of(self.drain_key()));
        let mut paid = Paid::default();
        if is_biased {
            let start = Instant::now();
            // SeqCst: pairs with `light` in `read_in_slot` and in `leave_slot`. If the reader's
            // slot is stored first, this thread's looks see it; if the claim comes first, the
            // reader sees that, and does not enter.
            // model: futex_rwlock::biased_readers_exclude
            asymmetric::heavy();
            paid = paid.with_fence(start.elapsed());
        } else {
            // SeqCst: pairs with the fence in `read_in_slot`. If the reader's slot is stored first, this
            // thread's looks see it; if the claim comes first, the reader sees that, and does not enter.
            // model: futex_rwlock::spread_tries
            fence(SeqCst);
        }
        Drain {
            announced,
            polls: false,
            paid,
        }
    }

    fn is_drained(&self, drain: &mut Drain) -> bool {
        let state = self.state();
        if state.readers() > 0 {
            return false;
        }
        if !state.is_slotted() {
            return true;
        }
        let (is_read, paid) = look(self.identity());
        drain.paid = drain.paid.and_look(paid);
        !is_read
    }

    /// The writer is inside, unless a reader has come in beside others meanwhile.
    fn finish_drain(&self, paid: Paid) -> bool {
        let keeps_slots = self.spend(paid);
        let mut state = self.state();
        while state.readers() == 0 {
            let drained = state.drained(keeps_slots);
            // Acquire: pairs with the Release in `unlock_counted_read`. The writer must come after
            // what was read; Relaxed lets its writes overtake the reads. An RMW, since others park.
            // model: futex_rwlock::excludes
            match self
                .state
                .compare_exchange(state.bits(), drained.bits(), Acquire, Relaxed)
            {
                Ok(_) => return true,
                Err(now) => state = State::from_bits(now),
            }
        }
        false
    }

    /// Parks until the readers that are inside have left. It may also be unparked for nothing.
    fn park_drain(&self, drain: &mut Drain, deadline: Option<Instant>) -> ParkResult {
        let key = self.drain_key();
        if self.state().is_slotted() && drain.announced.is_none() {
            drain.announced = Some(Announcement::of(key));
            // SeqCst: pairs with `light` in `leave_slot`. If the reader's slot is freed first,
            // `count_on_readers` sees that; if the announcement comes first, the reader sees it.
            // model: futex_rwlock::spread_readers_exclude
            drain.polls = !asymmetric::try_heavy();
        }
        let poll = if drain.polls { time::after(POLL_AFTER) } else { None };
        let until = [poll, deadline].into_iter().flatten().min();
        let parked = with_waiter(|waiter| {
            let request = Request {
                waiter,
                key,
                // One for this thread, until it has counted all readers.
                token: ParkToken(1),
                at_front: false,
                spins: false,
                deadline: until,
            };
            park(&request, |_| Validate::Park, || self.count_on_readers(key), |_| {})
        });
        let identity = self.identity();
        if identity != 0 {
            slots::all().for_each(|slot| {
                slot.uncount(identity);
            });
        }
        match parked {
            ParkResult::TimedOut if !deadline.is_some_and(time::has_passed) => ParkResult::Invalid { others: false },
            parked => parked,
        }
    }

    /// Counts on each reader that is inside, for the writer that is queued under `key`.
    fn count_on_readers(&self, key: Key) {
        let identity = self.identity();
        if self.state().is_slotted() {
            for slot in slots::all() {
                if slot.names(identity) {
                    // survivor: in the wrong bucket no reader is counted, so that the writer looks
                    // again and again in place of parking. It still enters at the right time; a
                    // model of that does not end.
                    unpark_front(key, |front| {
                        if slot.count(identity) {
                            front.change_token(|count| count + 1);
                        }
                    });
                }
            }
        }
        unpark_front(key, |front| {
            let mut state = self.state();
            while state.readers() > 0 {
                // Relaxed: the count is under the bucket's lock. An RMW, so that the last reader
                // sees it or has left before; torn, it would count a reader that has left.
                // model: futex_rwlock::excludes
                match self
                    .state
                    .compare_exchange(state.bits(), state.with_drain_parked().bits(), Relaxed, Relaxed)
                {
                    Ok(_) => {
                        front.change_token(|count| count + 1);
                        break;
                    }
                    Err(now) => state = State::from_bits(now),
                }
            }
            count_down(front);
        });
    }

    /// Frees a slot; the last reader that a parked writer counts on unparks it.
    #[inline]
    pub(super) fn leave_slot(&self, slot: &Slot) {
        let key = self.drain_key();
        // By the slot, which is on this thread's line: the lock's own is left alone.
        let identity = slot.identity();
        slot.clear();
        // SeqCst: pairs with `heavy` in `fence_slots` and `park_drain`. If the slot is freed first,
        // the writer sees that; if the announcement comes first, it is seen here.
        // model: futex_rwlock::spread_readers_are_awaited
        asymmetric::light();
        if is_announced(key) {
            leave_counted_slot(slot, identity, key);
        }
    }
}

#[cold]
pub(super) fn leave_counted_slot(slot: &Slot, identity: u32, key: Key) {
    unpark_front(key, |front| {
        if slot.uncount(identity) {
            count_down(front);
        } else {
            // Not counted yet; or another lock, whose reader has the slot by now, has its mark there. The writer looks again.
            front.unpark(UnparkToken::Notified);
        }
    });
}

/// The last reader that is counted in the word has left, of a lock whose writer is parked; the lock is touched no more.
#[cold]
pub(super) fn last_counted_reader_left(key: Key) {
    unpark_front(key, count_down);
}

/// One reader less, for the writer at the front.
fn count_down(front: &mut Front<'_>) {
    if front.change_token(|count| count.saturating_sub(1)) == Some(ParkToken(0)) {
        front.unpark(UnparkToken::Notified);
    }
}
