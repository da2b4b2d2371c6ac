//! How a thread waits for a lock that it does not get at once: it spins, parks, and when it is woken tries again.
//!
//! **Few are awake.** Where waiters are parked, one thread at a time is awake for them: it spins for long, and as long as it
//! does no unlock wakes another; the others park soon. So as many threads are active as can make progress
//! (Dice, "Malthusian locks", EuroSys 2017), and the lock is passed at the speed of the cores.
//!
//! **Barging and hand-off.** A woken thread competes with those that are awake, and may lose. It then parks again, before
//! all others. Every [`TURN_AFTER`](super::TURN_AFTER) it is the turn of the first in the queue: an unlock wakes it, or if it
//! has lost before hands the lock off to it: the lock stays held, and the waiter is told that it is its own (eventual
//! fairness). A thread that does not run when it is woken does not lose, and is handed nothing.

use super::work_outside;
use super::{Fence, Key, ParkResult, ParkToken, Request, UnparkToken, Validate, park, with_waiter};
use crate::backend::time::Instant;
use crate::backend::{hint, thread};
use crate::futex::park::spin_then_park::SpinThenParkBackoff;

/// For how many rounds a thread spins before it parks: if it is the one that is awake for those that are parked, ..
const ROUNDS_AS_DEPUTY: u32 = 32;
/// .. if no thread is parked, ..
pub(in crate::futex) const ROUNDS: u32 = 12;
/// .. and if others are parked, and one is awake: two for each core beside the holder's.
fn rounds_beside_deputy() -> u32 {
    let cores = u32::try_from(thread::parallelism()).unwrap_or(u32::MAX);
    cores.saturating_sub(1).saturating_mul(2).clamp(2, ROUNDS)
}

/// One way to acquire a lock: what the wait for it needs to know of the lock.
pub(in crate::futex) trait Contend {
    /// What shows that the lock has been acquired.
    type Acquired;

    /// The queue to park in.
    fn key(&self) -> Key;

    /// What a waiter notes for the thread that takes it out of the queue.
    fn token(&self) -> ParkToken;

    /// Acquires the lock if that is possible now. If this thread is `responsible` for others that are queued, the lock's word
    /// says from then on that there are waiters.
    fn try_acquire(&self, responsible: bool) -> Option<Self::Acquired>;

    /// Whether waiters are parked.
    fn is_queued(&self) -> bool;

    /// Makes this thread responsible for the waiters that are queued, if no other thread that is awake is.
    fn claim_responsibility(&self) -> bool;

    /// Decides about parking, under the lock of the bucket. It makes sure that some thread will unpark the waiter (see
    /// the list in [`park`](super)); `on_its_own`, because it is responsible or has waited for a deputy in vain, it must not rely on
    /// others in the queue for that.
    fn validate(&self, fence: Fence, on_its_own: bool) -> Validate;

    /// What a waiter has that is told that the lock is its own.
    fn handed_off(&self) -> Self::Acquired;
}

impl ParkToken {
    /// Beside what a lock notes: the waiter has been woken before, and another thread was faster.
    pub(in crate::futex) const LOST: usize = 1 << 8;

    pub(in crate::futex) fn has_lost(self) -> bool {
        self.0 & Self::LOST != 0
    }
}

/// Waits until `lock` is acquired, or until the deadline. A thread that is `responsible` has been woken as deputy.
#[cold]
pub(in crate::futex) fn contend<C: Contend>(
    lock: &C,
    deadline: Option<Instant>,
    mut responsible: bool,
) -> Option<C::Acquired> {
    let is_eager = work_outside::is_long();
    let mut backoff = SpinThenParkBackoff::new(is_eager);
    let mut was_unparked = responsible;
    let mut relies_on_deputy = true;
    loop {
        if let Some(acquired) = lock.try_acquire(responsible) {
            return Some(acquired);
        }
        let is_late = deadline.is_some_and(hint::is_late);
        if is_late && !responsible {
            return None;
        }
        responsible = responsible || lock.claim_responsibility();
        let rounds = match (responsible, lock.is_queued()) {
            (true, _) => ROUNDS_AS_DEPUTY,
            (false, false) => ROUNDS,
            (false, true) => rounds_beside_deputy(),
        };
        if !is_late && backoff.wait(rounds) {
            continue;
        }
        // Park even past the deadline if responsible: that makes another thread responsible for the waiters, so that
        // this one may leave.
        let parked = with_waiter(|waiter| {
            let request = Request {
                waiter,
                key: lock.key(),
                token: ParkToken(lock.token().0 | if was_unparked { ParkToken::LOST } else { 0 }),
                at_front: was_unparked,
                spins: false,
                deadline,
            };
            let on_its_own = responsible || !relies_on_deputy;
            let (before_sleep, timed_out) = (|| {}, |_| {});
            park(
                &request,
                |fence| lock.validate(fence, on_its_own),
                before_sleep,
                timed_out,
            )
        });
        match parked {
            ParkResult::Invalid { others } => {
                responsible |= others;
                // It may have waited in vain for a deputy that does not run.
                relies_on_deputy = false;
            }
            ParkResult::Unparked(UnparkToken::HandedOff) => return Some(lock.handed_off()),
            ParkResult::Unparked(token) => {
                responsible = token == UnparkToken::WokenAsDeputy;
                was_unparked = true;
            }
            ParkResult::TimedOut => return None,
        }
        backoff = SpinThenParkBackoff::new(is_eager);
    }
}
