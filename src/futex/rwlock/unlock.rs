//! How the lock is let go, and which waiters are unparked then.

use super::drain::last_counted_reader_left;
use super::read::DEPUTY_CHECK;
use super::state::{Mode, Retain, State};
use super::{MAX_READERS, RawRwLockOf};
use crate::backend::asymmetric;
use crate::backend::atomic::{Relaxed, Release};
use crate::futex::park::{Front, Key, ParkToken, UnparkToken, is_announced, unpark_front};
use crate::internal::one_in;

impl Mode {
    fn of(token: ParkToken) -> Self {
        const READ: usize = Mode::Read as usize;
        const UPGRADABLE: usize = Mode::Upgradable as usize;
        match token.0 & !ParkToken::LOST {
            READ => Mode::Read,
            UPGRADABLE => Mode::Upgradable,
            _ => Mode::Write,
        }
    }
}

impl<const RECURSIVE: bool> RawRwLockOf<RECURSIVE> {
    #[inline]
    pub(super) fn unlock_counted_read(&self) {
        let key = self.drain_key();
        // Release: pairs with the Acquire in `enter` and `finish_drain`. The next writer must come
        // after what was read here; Relaxed lets its writes overtake the reads.
        // model: futex_rwlock::excludes
        let before = State::from_bits(self.state.fetch_sub(State::ONE_READER, Release));
        if before.readers() == 1 && before.is_drain_parked() {
            last_counted_reader_left(key);
        }
    }

    /// The writer lets go, but for what it is to `retain`.
    #[inline]
    pub(super) fn unlock_write(&self, retain: Retain) {
        let state = self.state();
        if state.is_fast() {
            let key = self.key();
            // Release: pairs with the Acquire in `enter`. The next owner or reader must see what
            // was written here; Relaxed loses it. A plain store will do: no other thread changes the
            // word in fast mode.
            // model: futex_rwlock::excludes
            self.state.store(state.released(retain).bits(), Release);
            // SeqCst: pairs with `heavy` in `park`. If the waiter's announcement comes first, the look
            // below sees it, and this thread wakes the waiter. If this comes first, the waiter's second
            // look sees that the lock is free, and it does not park.
            // model: futex_rwlock::excludes
            asymmetric::light();
            if is_announced(key) {
                match retain {
                    // It still holds the lock, and they rely on it from now on.
                    Retain::Upgradable => self.unpark_readers(),
                    Retain::Nothing | Retain::Read => unpark_next(key),
                }
            }
        } else {
            self.unlock_owner(retain, false);
        }
    }

    /// An owner in contended mode lets go, but for what it is to `retain`, and unparks a waiter that relies on it; it hands the
    /// lock off if that is the wish.
    #[inline]
    pub(super) fn unlock_owner(&self, retain: Retain, hands_off: bool) {
        let hints = self.hints();
        let cools = || hints.cooldown() != 0 && one_in(hints.cooldown());
        let looks = hands_off
            || if hints.is_queued() {
                one_in(DEPUTY_CHECK)
            } else {
                cools()
            };
        let mut state = self.state();
        while !looks && !state.is_parked() {
            // Release: as in `unlock_write`.
            // model: futex_rwlock::biased_readers_exclude
            match (self.state).compare_exchange(state.bits(), state.released(retain).bits(), Release, Relaxed) {
                Ok(_) => return,
                Err(now) => state = State::from_bits(now),
            }
        }
        self.unlock_and_wake(retain, looks, hands_off);
    }

    #[cold]
    fn unlock_and_wake(&self, retain: Retain, looks: bool, hands_off: bool) {
        unpark_front(self.key(), |front| {
            let Some(first) = front.token() else {
                self.note_empty_queue(looks);
                self.release_as(|state| state.released(retain));
                return;
            };
            let state = self.state();
            let is_due = hands_off || first.has_lost() && front.is_turn_due();
            let group = Group::at(front, retain);
            if is_due && group.fits(state.released(retain)) {
                group.unpark(front, UnparkToken::HandedOff);
                let others = front.token().is_some();
                self.release_as(|state| group.enter(state.released(retain), others));
                if others && !group.has_owner(retain) {
                    unpark_group(front);
                }
            } else if retain == Retain::Upgradable {
                group.unpark(front, UnparkToken::Notified);
                let others = front.token().is_some();
                self.release_as(|state| {
                    let released = state.released(retain);
                    if others { released.with_parked() } else { released }
                });
            } else {
                if state.is_parked() || front.is_turn_due() {
                    unpark_group(front);
                }
                self.release_as(|state| state.released(retain));
            }
        });
    }

    /// Under the lock of the bucket.
    fn release_as(&self, release: impl Fn(State) -> State) {
        let mut state = self.state();
        loop {
            // Release: as in `unlock_write`.
            // model: futex_rwlock::writers_exclude
            match (self.state).compare_exchange(state.bits(), release(state).bits(), Release, Relaxed) {
                Ok(_) => return,
                Err(now) => state = State::from_bits(now),
            }
        }
    }

    /// Unparks the readers at the front of the queue; those behind rely on this upgradable reader from now on.
    #[cold]
    fn unpark_readers(&self) {
        unpark_front(self.key(), |front| {
            Group::at(front, Retain::Upgradable).unpark(front, UnparkToken::Notified);
            if front.token().is_some() {
                // Relaxed: the queue is under the bucket's lock, and only this thread lets the lock go.
                self.release_as(State::with_parked);
            }
        });
    }

    /// Unparks the next waiters if the deputy is overdue. For a reader inside.
    #[cold]
    pub(super) fn check_deputy(&self) {
        // survivor: only helps where a deputy does not run, and in a model each runs.
        unpark_front(self.key(), |front| match front.token() {
            None => self.note_empty_queue(false),
            // One that could not come in relies on the owner that bars it.
            Some(first) if self.state().admits(Mode::of(first)) && front.is_turn_due() => unpark_group(front),
            Some(_) => {}
        });
    }

    /// The writer lets go, and hands the lock off if a thread waits for it.
    #[cold]
    pub(super) fn unlock_write_fair(&self) {
        if self.state().is_fast() && !self.hints().is_queued() {
            self.unlock_write(Retain::Nothing);
        } else {
            // A waiter that relies on the look of an unlock in fast mode is in the queue, or finds the lock free.
            self.unlock_and_wake(Retain::Nothing, true, true);
        }
    }
}

/// Waiters at the front of the queue that may come in together.
struct Group {
    mode: Mode,
    count: u32,
}

impl Group {
    /// Those that may come in beside what the owner is to `retain`.
    fn at(front: &Front<'_>, retain: Retain) -> Self {
        let mode = front.token().map_or(Mode::Read, Mode::of);
        let count = match mode {
            Mode::Read => front
                .tokens()
                .take_while(|&token| Mode::of(token) == Mode::Read)
                .count() as u32,
            Mode::Upgradable | Mode::Write => u32::from(retain != Retain::Upgradable),
        };
        Group { mode, count }
    }

    /// Whether the count has room for them.
    fn fits(&self, state: State) -> bool {
        match self.mode {
            _ if self.count == 0 => false,
            Mode::Read => state.readers() + self.count <= MAX_READERS,
            mode => state.has_room(mode),
        }
    }

    /// Whether one of them becomes the owner, or the thread that lets go stays one.
    fn has_owner(&self, retain: Retain) -> bool {
        self.mode != Mode::Read || retain == Retain::Upgradable
    }

    /// The word when they have come in.
    fn enter(&self, state: State, others: bool) -> State {
        let entered = match self.mode {
            Mode::Read => state.with_readers(self.count),
            Mode::Upgradable => state.with_upgradable(),
            Mode::Write => state.claimed(),
        };
        if others && entered.has_owner() {
            entered.with_parked()
        } else {
            entered
        }
    }

    fn unpark(&self, front: &mut Front<'_>, token: UnparkToken) {
        for _ in 0..self.count {
            front.unpark(token);
        }
    }
}

/// Unparks the readers at the front of the queue, or the first waiter if it is none; the last of them as deputy for those
/// behind, if there are any.
fn unpark_group(front: &mut Front<'_>) {
    let group = Group::at(front, Retain::Nothing);
    let others = front.tokens().nth(group.count as usize).is_some();
    for _ in 1..group.count {
        front.unpark(UnparkToken::Notified);
    }
    front.unpark(if others {
        UnparkToken::WokenAsDeputy
    } else {
        UnparkToken::Notified
    });
}

/// The same for a thread that does not touch the lock any more.
#[cold]
pub(super) fn unpark_next(key: Key) {
    unpark_front(key, unpark_group);
}
