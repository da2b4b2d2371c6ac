//! What a thread does that does not get the lock at once: waits a little, sleeps, and is woken.

use core::time::Duration;

use super::release::wake_next;
use super::*;
use crate::backend::{hint, thread};
use crate::futex::lot::{Slept, Unfenced};
use crate::futex::seat::{Seat, Token};
use crate::wait::LockBackoff;

/// How long a thread waits before it asks to be handed the lock.
const PATIENCE: Duration = Duration::from_millis(1);

/// What a thread waits for.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Wish {
    Read,
    Upgradable,
    Write,
}

impl Wish {
    /// Beside a wish, in a sleeper's note: it has waited for long enough to be handed the lock.
    pub(super) const URGENT: usize = 4;

    #[inline]
    pub(super) fn is_admitted(self, state: usize) -> bool {
        let barred = if self == Wish::Read { WRITER | WAITING } else { OWNER };
        state & barred == 0
    }

    #[inline]
    pub(super) fn is_noted(self, note: usize) -> bool {
        note & !Self::URGENT == self as usize
    }
}

/// A thread that has not got the lock at once.
#[derive(Default)]
struct Contender {
    backoff: LockBackoff,
    /// It has been woken, and answers for those who sleep.
    answers: bool,
    /// When its patience ends.
    limit: Option<Instant>,
}

impl RawRwLock {
    /// The address at which everybody else sleeps.
    #[inline]
    pub(super) fn queue(&self) -> usize {
        self.address() + 1
    }

    /// Reads, counted in the word.
    #[inline]
    pub(super) fn read_counted(&self, state: usize) -> Option<Share> {
        self.enter(state, Wish::Read, |state| {
            assert_room(has_room(state, Wish::Read));
            state + READER
        })?;
        self.note_read();
        Some(Share::COUNTED)
    }

    #[cold]
    pub(super) fn read_contended(&self) -> Share {
        self.wait(Wish::Read, None);
        Share::COUNTED
    }

    #[cold]
    pub(super) fn read_until(&self, deadline: Option<Instant>) -> Option<Share> {
        self.wait(Wish::Read, deadline).then_some(Share::COUNTED)
    }

    #[inline]
    pub(super) fn upgradable_now(&self) -> bool {
        let entered = self.enter(self.state(), Wish::Upgradable, |state| {
            assert_room(has_room(state, Wish::Upgradable));
            state | UPGRADABLE
        });
        entered.is_some()
    }

    #[cold]
    pub(super) fn upgradable_contended(&self, deadline: Option<Instant>) -> bool {
        self.wait(Wish::Upgradable, deadline)
    }

    /// Waits for the lock, until it is counted as a reader or has become its owner.
    pub(super) fn wait(&self, wish: Wish, deadline: Option<Instant>) -> bool {
        let mut me = Contender::default();
        loop {
            let state = self.state();
            if wish.is_admitted(state) && self.enter_contended(state, wish, &mut me) {
                return true;
            }
            let is_late = deadline.is_some_and(hint::is_late);
            if is_late && !me.answers {
                break;
            }
            if !is_late && me.backoff.wait() {
                continue;
            }
            // Also if it is late: going to bed lets the owner answer for the others.
            match self.sleep(wish, &mut me, deadline) {
                Slept::Awake => {}
                Slept::Told(Token::Handed) => return true,
                Slept::Told(token) => me.answers = token == Token::Woken,
                Slept::TimedOut => break,
            }
            me.backoff = LockBackoff::default();
        }
        if wish == Wish::Write {
            self.let_readers_in();
        }
        false
    }

    fn enter_contended(&self, state: usize, wish: Wish, me: &mut Contender) -> bool {
        if !has_room(state, wish) && me.answers {
            wake_next(self.queue());
            me.answers = false;
        }
        let answer = if me.answers { PARKED } else { 0 };
        match wish {
            Wish::Read => {
                let entered = self.read_counted(state).is_some();
                if entered && me.answers {
                    wake_next(self.queue());
                }
                entered
            }
            Wish::Upgradable => {
                let entered = self.enter(state, wish, |state| {
                    assert_room(has_room(state, wish));
                    state | UPGRADABLE | answer
                });
                entered.is_some()
            }
            Wish::Write => self.enter(state, wish, |state| self.claimed(state | answer)).is_some(),
        }
    }

    /// Sleeps until woken, unless it turns out that there is no need to wait.
    fn sleep(&self, wish: Wish, me: &mut Contender, deadline: Option<Instant>) -> Slept {
        let note = match me.limit {
            Some(limit) if time::has_passed(limit) => wish as usize | Wish::URGENT,
            Some(_) => wish as usize,
            None => {
                me.limit = time::after(PATIENCE);
                wish as usize
            }
        };
        Seat::lend(|seat| self.sleep_in(seat, wish, note, me, deadline)).unwrap_or_else(|| {
            thread::yield_now();
            Slept::Awake
        })
    }

    fn sleep_in(&self, seat: &Seat, wish: Wish, note: usize, me: &mut Contender, deadline: Option<Instant>) -> Slept {
        let slept = lot::sleep(seat, self.queue(), note, deadline, |fenced| {
            self.relies_on_the_owner(wish, fenced)
        });
        // In bed, the owner has answered for the others; who was told comes to answer again.
        me.answers &= matches!(slept, Slept::Awake);
        slept
    }

    /// Makes the owner answer for this thread, unless there is none that bars it. A quiet writer does if a fence lies
    /// between the announcement and this look. Called under the latch, which the owner has to pass to find sleepers.
    fn relies_on_the_owner(&self, wish: Wish, fenced: bool) -> Result<bool, Unfenced> {
        let mut state = self.state();
        loop {
            if wish.is_admitted(state) {
                return Ok(false);
            }
            if state & (WRITER | BUSY) == WRITER {
                return if fenced { Ok(true) } else { Err(Unfenced) };
            }
            let bar = if wish == Wish::Write && state & UPGRADABLE != 0 {
                WAITING
            } else {
                0
            };
            // Relaxed: the queue is under the latch. An RMW, so that the owner sees it or has let go before; torn, it would
            // bring back what the owner has let go of (killed by `futex_rwlock::writers_exclude`).
            match self
                .word
                .compare_exchange(state, state | PARKED | bar, Relaxed, Relaxed)
            {
                Ok(_) => return Ok(true),
                Err(now) => state = now,
            }
        }
    }
}

#[inline]
fn has_room(state: usize, wish: Wish) -> bool {
    match wish {
        Wish::Read => state / READER < MAX_READERS,
        // One beside the last reader: it can still become a plain reader, and then no other gets in.
        Wish::Upgradable => state / READER <= MAX_READERS,
        Wish::Write => true,
    }
}
