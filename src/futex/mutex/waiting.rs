//! What a thread does that does not get the mutex at once: waits a little, sleeps, and is woken, or has it handed over.

use core::time::Duration;

use super::{BUSY, FREE, Hold, LOCKED, PARKED, RawMutex};
use crate::backend::atomic::Relaxed;
use crate::backend::time::{self, Instant};
use crate::backend::{hint, thread};
use crate::futex::lot::{self, Slept, Unfenced};
use crate::futex::seat::{Seat, Token};
use crate::wait::LockBackoff;

/// How long a thread waits before it sleeps until the lock is handed over.
const PATIENCE: Duration = Duration::from_millis(1);
/// The note of a sleeper whose patience has ended: whoever lets go hands the lock over to it.
pub(super) const URGENT: usize = 1;

/// A thread that has not got the lock at once.
#[derive(Default)]
struct Contender {
    backoff: LockBackoff,
    /// It has been woken, and answers for those who sleep.
    answers: bool,
    /// When its patience ends.
    limit: Option<Instant>,
}

impl RawMutex {
    #[cold]
    pub(super) fn lock_contended(&self) -> Hold {
        self.acquire_contended(Contender::default(), None)
            .expect("without a deadline it waits until it has the lock")
    }

    #[cold]
    pub(super) fn lock_contended_until(&self, deadline: Option<Instant>) -> Option<Hold> {
        self.acquire_contended(Contender::default(), deadline)
    }

    /// Waits as one that has been woken and answers for those who sleep.
    #[cold]
    pub(in super::super) fn acquire_woken(&self) -> Hold {
        let woken = Contender {
            answers: true,
            ..Contender::default()
        };
        self.acquire_contended(woken, None)
            .expect("without a deadline it waits until it has the lock")
    }

    fn acquire_contended(&self, mut me: Contender, deadline: Option<Instant>) -> Option<Hold> {
        loop {
            let state = self.state();
            if state == FREE {
                let held = if me.answers { BUSY | PARKED } else { self.newcomer() };
                if let Some(hold) = self.acquire(held) {
                    return Some(hold);
                }
            }
            let is_late = deadline.is_some_and(hint::is_late);
            if is_late && !me.answers {
                return None;
            }
            if !is_late && me.backoff.wait() {
                continue;
            }
            // Also if it is late: going to bed lets the holder answer for the others.
            match self.sleep(&mut me, deadline) {
                Slept::Awake => {}
                Slept::Told(Token::Handed) => return Some(Hold::handed()),
                Slept::Told(_) => me.answers = true,
                Slept::TimedOut => return None,
            }
            me.backoff = LockBackoff::default();
        }
    }

    /// Sleeps until woken, unless the lock turns out to be free.
    fn sleep(&self, me: &mut Contender, deadline: Option<Instant>) -> Slept {
        let is_urgent = me.limit.is_some_and(time::has_passed);
        if me.limit.is_none() {
            me.limit = time::after(PATIENCE);
        }
        let note = if is_urgent { URGENT } else { 0 };
        Seat::lend(|seat| self.sleep_in(seat, note, me, deadline)).unwrap_or_else(|| {
            thread::yield_now();
            Slept::Awake
        })
    }

    fn sleep_in(&self, seat: &Seat, note: usize, me: &mut Contender, deadline: Option<Instant>) -> Slept {
        let slept = lot::sleep(seat, self.address(), note, deadline, |fenced| {
            self.relies_on_the_holder(fenced)
        });
        // In bed, the holder has answered for the others; who was told comes to answer again.
        me.answers &= matches!(slept, Slept::Awake);
        slept
    }

    /// Makes the holder answer for this thread, unless there is none. A quiet holder does if a fence
    /// lies between the announcement and this look. Called under the latch, which the holder has to pass to find sleepers.
    fn relies_on_the_holder(&self, fenced: bool) -> Result<bool, Unfenced> {
        let mut state = self.state();
        loop {
            match state {
                FREE => return Ok(false),
                LOCKED if fenced => return Ok(true),
                LOCKED => return Err(Unfenced),
                _ => {}
            }
            // Relaxed: the queue is under the latch. An RMW, so that the holder sees it or has let go before; torn, it
            // would lock a lock that nobody holds (killed by `futex::mutex_excludes`).
            match self.word.compare_exchange(state, state | PARKED, Relaxed, Relaxed) {
                Ok(_) => return Ok(true),
                Err(now) => state = now,
            }
        }
    }
}
