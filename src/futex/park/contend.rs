//! How a thread waits for a lock that it does not get at once: it spins, parks, and when it is woken tries again.
//!
//! **Barging and hand-off.** A woken thread competes with those that are awake, and may lose. It then parks again, before
//! all others. When it has waited for [`HANDOFF_AFTER`], the unlock that finds it first in the queue hands the lock over:
//! the lock stays held, and the waiter is told that it is its own (eventual fairness).

use core::time::Duration;

use super::{Fence, Key, ParkResult, ParkToken, Request, UnparkToken, Validate, park, with_waiter};
use crate::backend::time::{self, Instant};
use crate::backend::{hint, thread};
use crate::wait::SpinThenParkBackoff;

/// How long a thread waits before it parks until the lock is handed over.
const HANDOFF_AFTER: Duration = Duration::from_millis(1);

/// One way to acquire a lock: what the wait for it needs to know of the lock.
pub(in crate::futex) trait Contend {
    /// What shows that the lock has been acquired.
    type Acquired;

    /// The queue to park in.
    fn key(&self) -> Key;

    /// What a waiter notes, beside [`HANDOFF_DUE`](ParkToken::HANDOFF_DUE).
    fn token(&self) -> ParkToken;

    /// Acquires the lock if that is possible now. If this thread is `responsible` for others that are queued, the lock's word
    /// says from then on that there are waiters.
    fn try_acquire(&self, responsible: bool) -> Option<Self::Acquired>;

    /// Decides about parking, under the lock of the bucket. It makes sure that some thread will unpark the waiter (see
    /// the list in [`park`](super)); a `responsible` thread must not rely on others in the queue for that.
    fn validate(&self, fence: Fence, responsible: bool) -> Validate;

    /// What a waiter has that is told that the lock is its own.
    fn handed_off(&self) -> Self::Acquired;
}

impl ParkToken {
    /// Beside what a lock notes: the waiter has waited for so long that the lock is to be handed over to it.
    pub(in crate::futex) const HANDOFF_DUE: usize = 1 << 8;

    pub(in crate::futex) fn is_handoff_due(self) -> bool {
        self.0 & Self::HANDOFF_DUE != 0
    }
}

/// Waits until `lock` is acquired, or until the deadline. A thread that is `responsible` has been woken as deputy.
#[cold]
pub(in crate::futex) fn contend<C: Contend>(
    lock: &C,
    deadline: Option<Instant>,
    mut responsible: bool,
) -> Option<C::Acquired> {
    let mut backoff = SpinThenParkBackoff::default();
    let mut handoff_at = None;
    let mut was_unparked = false;
    loop {
        if let Some(acquired) = lock.try_acquire(responsible) {
            return Some(acquired);
        }
        let is_late = deadline.is_some_and(hint::is_late);
        if is_late && !responsible {
            return None;
        }
        if !is_late && backoff.wait() {
            continue;
        }
        // Park even past the deadline if responsible: that makes another thread responsible for the waiters, so that
        // this one may leave.
        let is_due = handoff_at.is_some_and(time::has_passed);
        handoff_at = handoff_at.or_else(|| time::after(HANDOFF_AFTER));
        let parked = with_waiter(|waiter| {
            let request = Request {
                waiter,
                key: lock.key(),
                token: ParkToken(lock.token().0 | if is_due { ParkToken::HANDOFF_DUE } else { 0 }),
                at_front: was_unparked,
                spins: false,
                deadline,
            };
            park(&request, |fence| lock.validate(fence, responsible), || {}, |_| {})
        });
        match parked {
            // It allocates a waiter further up its stack, and cannot park.
            None => thread::yield_now(),
            Some(ParkResult::Invalid { others }) => responsible |= others,
            Some(ParkResult::Unparked(UnparkToken::HandedOff)) => return Some(lock.handed_off()),
            Some(ParkResult::Unparked(token)) => {
                responsible = token == UnparkToken::WokenAsDeputy;
                was_unparked = true;
            }
            Some(ParkResult::TimedOut) => return None,
        }
        backoff = SpinThenParkBackoff::default();
    }
}
