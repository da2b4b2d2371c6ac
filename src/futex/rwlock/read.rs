//! How a reader comes in: in a slot, or counted in the word.

use super::bias::is_sampled;
use super::state::{Mode, State};
use super::unlock::unpark_next;
use super::{RawRwLockOf, ReadGuardState, assert_room, slots};
use crate::backend::asymmetric;
use crate::backend::atomic::{Acquire, Relaxed, SeqCst, fence_after_rmw};
use crate::backend::hint;
use crate::backend::time::Instant;
use crate::futex::park::{Contend, Fence, Key, ParkToken, Validate, contend, fence_cost};
use crate::internal::one_in;

/// While waiters are queued, one in `1 << DEPUTY_CHECK` acquisitions or unlocks on average asks whether the deputy is overdue.
pub(super) const DEPUTY_CHECK: u32 = 4;
/// How often a thread that is about to park looks again at a writer which is only about to change its mode.
const MODE_LOOKS: u32 = 8;

impl<const RECURSIVE: bool> RawRwLockOf<RECURSIVE> {
    /// Reads in a slot, if readers of this lock do so now and this thread has one.
    #[inline]
    fn read_in_slot(&self, state: State) -> Option<ReadGuardState> {
        if !state.admits_slot_readers() || self.hints().is_queued() {
            return None;
        }
        let identity = self.identity();
        if identity == 0 {
            return None;
        }
        let slot = slots::take(identity, state.is_biased())?;
        if state.is_biased() {
            // SeqCst: pairs with `heavy` in `fence_slots`. If the slot is stored first, the writer
            // sees it; if the writer's claim comes first, this reader sees that. Without it each
            // may miss the other.
            // model: futex_rwlock::biased_readers_exclude
            asymmetric::light();
        } else {
            // SeqCst: pairs with the fences in `fence_slots` and `claim_slotted`, and with `heavy`. If
            // the slot is stored first, the writer sees it; if the writer's claim comes first, this
            // reader sees that.
            // model: futex_rwlock::spread_readers_exclude
            fence_after_rmw(SeqCst);
        }
        // Acquire: pairs with the Release with which the last writer has unlocked, which each
        // change of the word since continues. Relaxed misses what it wrote, if that was after the
        // fence above.
        // model: futex_rwlock::spread_readers_exclude
        if !state.keeps_slot_readers(State::from_bits(self.state.load(Acquire))) {
            self.leave_slot(slot);
            return None;
        }
        if !state.is_biased() {
            self.note_slot_read();
        }
        Some(ReadGuardState { slot: Some(slot) })
    }

    #[inline]
    pub(super) fn try_read(&self) -> Option<ReadGuardState> {
        let state = self.state();
        self.read_in_slot(state)
            .or_else(|| self.read_counted(state))
            .or_else(|| if RECURSIVE { self.read_beside_readers() } else { None })
    }

    /// Reads, counted in the word.
    #[inline]
    pub(super) fn read_counted(&self, state: State) -> Option<ReadGuardState> {
        let start = is_sampled().then(Instant::now);
        self.enter(state, Mode::Read, |state| state.with_readers(1))?;
        if let Some(start) = start {
            self.earn(start.elapsed());
        }
        if self.hints().is_queued() && one_in(DEPUTY_CHECK) {
            self.check_deputy();
        }
        Some(ReadGuardState::COUNTED)
    }

    /// Whether a writer waits for readers that are still inside.
    fn has_readers_that_are_awaited(&self, state: State) -> bool {
        state.is_draining() && (state.readers() > 0 || self.is_read_in_slots(state))
    }

    /// Reads although a writer waits, if others read already.
    #[cold]
    pub(super) fn read_beside_readers(&self) -> Option<ReadGuardState> {
        let mut state = self.state();
        loop {
            if state.has_writer() && !self.has_readers_that_are_awaited(state) {
                return None;
            }
            assert_room(state, Mode::Read);
            // Acquire: as in `enter`.
            // model: futex_rwlock::reads_recursively
            match self
                .state
                .compare_exchange(state.bits(), state.with_readers(1).bits(), Acquire, Relaxed)
            {
                Ok(_) => return Some(ReadGuardState::COUNTED),
                Err(now) => state = State::from_bits(now),
            }
        }
    }

    /// Acquires the lock as `mode`, if that is possible now, by the change `change`; answers with the new state.
    #[inline]
    pub(super) fn enter(&self, mut state: State, mode: Mode, change: impl Fn(State) -> State) -> Option<State> {
        while state.admits(mode) {
            assert_room(state, mode);
            let entered = change(state);
            // Acquire: pairs with the Release of every unlock, each of which is in the release
            // sequence that this reads from. A reader must see what writers wrote, a writer must
            // come after what readers read; Relaxed loses both.
            // model: futex_rwlock::excludes
            match self
                .state
                .compare_exchange(state.bits(), entered.bits(), Acquire, Relaxed)
            {
                Ok(_) => return Some(entered),
                Err(now) => state = State::from_bits(now),
            }
        }
        None
    }

    #[inline]
    pub(super) fn upgradable_fast(&self) -> bool {
        self.enter(self.state(), Mode::Upgradable, State::with_upgradable)
            .is_some()
    }

    #[cold]
    pub(super) fn read_contended(&self, deadline: Option<Instant>) -> Option<ReadGuardState> {
        contend(
            &Attempt {
                lock: self,
                mode: Mode::Read,
            },
            deadline,
            false,
        )
        .map(|()| ReadGuardState::COUNTED)
    }

    #[cold]
    pub(super) fn upgradable_contended(&self, deadline: Option<Instant>) -> bool {
        contend(
            &Attempt {
                lock: self,
                mode: Mode::Upgradable,
            },
            deadline,
            false,
        )
        .is_some()
    }

    /// Claims the lock as a writer, which may then have to drain it.
    #[cold]
    pub(super) fn claim_contended(&self, deadline: Option<Instant>) -> bool {
        contend(
            &Attempt {
                lock: self,
                mode: Mode::Write,
            },
            deadline,
            false,
        )
        .is_some()
    }
}

/// Lets another thread see to the waiters of a key if this one panics, since it finds no place.
struct PassOn(Option<Key>);

impl Drop for PassOn {
    fn drop(&mut self) {
        if let Some(key) = self.0.filter(|_| !hint::is_abandoned()) {
            unpark_next(key);
        }
    }
}

/// An attempt to acquire a lock in a mode; a writer's is over when it has claimed the lock.
struct Attempt<'lock, const RECURSIVE: bool> {
    lock: &'lock RawRwLockOf<RECURSIVE>,
    mode: Mode,
}

impl<const RECURSIVE: bool> Attempt<'_, RECURSIVE> {
    fn reads_recursively(&self) -> bool {
        RECURSIVE && self.mode == Mode::Read
    }

    fn acquire(&self, responsible: bool) -> Option<()> {
        let lock = self.lock;
        if self.reads_recursively() && lock.read_beside_readers().is_some() {
            if responsible {
                unpark_next(self.key());
            }
            return Some(());
        }
        let state = lock.state();
        if !state.admits(self.mode) {
            return None;
        }
        let mark = |state: State| if responsible { state.with_parked() } else { state };
        match self.mode {
            Mode::Read => {
                lock.read_counted(state)?;
                if responsible {
                    unpark_next(self.key());
                }
            }
            Mode::Upgradable => {
                lock.enter(state, self.mode, |state| mark(state.with_upgradable()))?;
            }
            Mode::Write => {
                lock.enter(state, self.mode, |state| mark(state.claimed()))?;
            }
        }
        Some(())
    }
}

impl<const RECURSIVE: bool> Contend for Attempt<'_, RECURSIVE> {
    type Acquired = ();

    fn key(&self) -> Key {
        self.lock.key()
    }

    fn token(&self) -> ParkToken {
        ParkToken(self.mode as usize)
    }

    fn try_acquire(&self, responsible: bool) -> Option<()> {
        let pass_on = PassOn(responsible.then(|| self.key()));
        let acquired = self.acquire(responsible);
        core::mem::forget(pass_on);
        acquired
    }

    fn is_queued(&self) -> bool {
        self.lock.hints().is_queued()
    }

    fn claim_responsibility(&self) -> bool {
        false
    }

    fn validate(&self, fence: Fence, on_its_own: bool) -> Validate {
        let lock = self.lock;
        match fence {
            Fence::NotYet { .. } => {}
            Fence::Made(cost) => lock.note_queued(cost),
            // Never again fast: each thread that waits would have to poll.
            Fence::Refused => lock.note_queued(core::time::Duration::MAX),
        }
        let mut looks = 0;
        loop {
            let state = lock.state();
            if state.admits(self.mode) || self.reads_recursively() && lock.has_readers_that_are_awaited(state) {
                return Validate::Abort;
            }
            if state.is_fast() {
                match fence {
                    Fence::NotYet {
                        others: true,
                        announced,
                    } if announced || !on_its_own => {}
                    // A writer that has not yet changed to contended mode is about to.
                    Fence::NotYet { .. } if lock.hints().is_contended() && looks < hint::patience(MODE_LOOKS) => {
                        looks += 1;
                        hint::spin_for(looks);
                        continue;
                    }
                    Fence::NotYet { .. } => {
                        lock.note_queued(fence_cost());
                        return Validate::NeedsHeavyFence;
                    }
                    Fence::Made(_) | Fence::Refused => {}
                }
                lock.note_queued(fence_cost());
                return Validate::Park;
            }
            // Relaxed: the queue is under the bucket's lock. An RMW, so that the owner sees it or
            // has unlocked before; torn, it would bring back what the owner has given up.
            // model: futex_rwlock::a_writer_becomes_contended
            let parked = lock
                .state
                .compare_exchange(state.bits(), state.with_parked().bits(), Relaxed, Relaxed);
            if parked.is_ok() {
                lock.note_queued(core::time::Duration::ZERO);
                return Validate::Park;
            }
        }
    }

    fn handed_off(&self) {}
}

/// What a reader does that has been woken as deputy.
#[cfg(test)]
pub(super) fn try_to_read_as_deputy<const RECURSIVE: bool>(lock: &RawRwLockOf<RECURSIVE>) -> bool {
    let attempt = Attempt { lock, mode: Mode::Read };
    attempt.try_acquire(true).is_some()
}
