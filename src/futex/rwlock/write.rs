//! How a writer claims the lock. One that finds readers inside then drains it (`drain`).

use super::RawRwLockOf;
use super::bias::{Paid, look};
use super::state::{Mode, Retain, State};
use crate::backend::asymmetric;
use crate::backend::atomic::{Acquire, Relaxed, SeqCst, fence_after_rmw};
use crate::backend::time::Instant;
use crate::futex::park::is_announced;

impl<const RECURSIVE: bool> RawRwLockOf<RECURSIVE> {
    /// Becomes the writer of a lock that no thread holds, and in which no slot has to be looked for.
    #[inline]
    pub(super) fn try_write_fast(&self) -> bool {
        let fast = State::FREE.claimed_fast().bits();
        // Acquire: as in `enter`.
        // model: futex_rwlock::writers_exclude
        let claimed = self
            .state
            .compare_exchange(State::FREE.bits(), fast, Acquire, Relaxed)
            .is_ok();
        if claimed && !self.hints().are_none() {
            self.adopt_mode();
        }
        claimed
    }

    /// Spends what a write costs, and changes to contended mode where that is called for. For a writer in fast mode.
    #[inline(never)]
    fn adopt_mode(&self) {
        self.spend(Paid::default());
        if self.hints().is_contended() {
            self.change_mode(self.state().contended());
        }
    }

    /// A writer in fast mode leaves it.
    fn change_mode(&self, contended: State) {
        // Relaxed: no other thread changes the word of a writer in fast mode, and others only add to this.
        self.state.store(contended.bits(), Relaxed);
        // SeqCst: pairs with `heavy` in `park`. If the waiter's announcement comes first, it is
        // seen below. If this comes first, the waiter sees that the writer is contended, and parks
        // on it.
        // model: futex_rwlock::a_writer_becomes_contended
        asymmetric::light();
        if is_announced(self.key()) {
            self.mark_parked();
        }
    }

    /// The owner's unlock unparks a waiter. An RMW, since waiters do the same.
    fn mark_parked(&self) {
        let mut state = self.state();
        // Relaxed: it is for this thread's own unlock.
        while let Err(now) = self
            .state
            .compare_exchange(state.bits(), state.with_parked().bits(), Relaxed, Relaxed)
        {
            state = State::from_bits(now);
        }
    }

    /// Becomes the writer; false if the deadline has come first.
    #[inline]
    pub(super) fn write_until(&self, deadline: Option<Instant>) -> bool {
        let claimed = self.claim_slotted() || self.claim_contended(deadline);
        claimed && self.drain(deadline, Retain::Nothing)
    }

    /// Claims a lock that no thread holds but perhaps readers in slots, which are fenced; false if it is not such a lock.
    ///
    /// If no slot names the lock, the writer is inside; if one does, it has to drain.
    #[inline]
    fn claim_slotted(&self) -> bool {
        if RECURSIVE {
            // A reader inside that reads again must see from the first that this is a writer which only waits.
            return false;
        }
        let claimed = State::FREE_SLOTTED.claimed_fast();
        // Relaxed: the fence that follows acquires what this reads from; where it is none, this RMW
        // is one to the processor.
        // An RMW, for the other writers; torn, two of them would claim the lock.
        // model: futex_rwlock::spread_writers_exclude
        if (self
            .state
            .compare_exchange(State::FREE_SLOTTED.bits(), claimed.bits(), Relaxed, Relaxed))
        .is_err()
        {
            return false;
        }
        // SeqCst: pairs with the fence in `read_in_slot`. If the reader's slot is stored first, this
        // thread's look at the rows sees it; if the claim comes first, the reader sees that, and does
        // not enter. It also acquires from every unlock, as `enter` does.
        // model: futex_rwlock::spread_readers_exclude
        fence_after_rmw(SeqCst);
        let (is_read, paid) = look(self.identity());
        if is_read {
            self.change_mode(claimed.draining());
            return true;
        }
        if !self.spend(paid) {
            // Relaxed: no other thread changes the word of a writer in fast mode. The readers count themselves from now on.
            self.state.store(claimed.drained(false).bits(), Relaxed);
        }
        if self.hints().is_contended() {
            self.change_mode(self.state().contended());
        }
        true
    }

    /// The upgradable reader becomes the writer; false if the deadline has come first, and then it is upgradable still.
    #[inline]
    pub(super) fn upgrade_until(&self, deadline: Option<Instant>) -> bool {
        let mut state = self.state();
        loop {
            // Acquire: as in `enter`; without readers in slots nothing later does it. An RMW, since
            // readers come and go.
            // model: futex_rwlock::upgrade_follows
            match self
                .state
                .compare_exchange(state.bits(), state.claimed().bits(), Acquire, Relaxed)
            {
                Ok(_) => return self.drain(deadline, Retain::Upgradable),
                Err(now) => state = State::from_bits(now),
            }
        }
    }

    /// Becomes the writer if no thread holds the lock, but this one if it is to `retain` something: upgradable.
    #[cold]
    pub(super) fn try_write_slow(&self, retain: Retain) -> bool {
        let mut state = self.state();
        loop {
            let is_mine = match retain {
                Retain::Upgradable => state.has_upgradable(),
                _ => state.admits(Mode::Write),
            };
            if !is_mine || state.readers() > 0 || self.is_read_in_slots(state) {
                return false;
            }
            // Acquire: as in `enter`; without readers in slots nothing later does it.
            // model: futex_rwlock::tried_upgrade_follows
            match self
                .state
                .compare_exchange(state.bits(), state.claimed().bits(), Acquire, Relaxed)
            {
                Ok(_) => break,
                Err(now) => state = State::from_bits(now),
            }
        }
        self.drain_at_once(retain)
    }
}
