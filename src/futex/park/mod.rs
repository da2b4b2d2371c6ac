//! Where threads park that wait for a lock: the idea of `parking_lot_core` (d'Antras, after Pizlo, "Locking in WebKit",
//! 2016), typed, and for locks that unlock with a plain store.
//!
//! | file | what |
//! |---|---|
//! | `key` | what waiters are queued by |
//! | `waiter` | what a thread parks with |
//! | `queue` | the waiters of one key, first come, first out |
//! | `table` | the queues of all keys, and the announcements |
//! | `unpark` | how waiters are taken out of a queue and unparked, or moved to another |
//! | `contend` | how a thread waits that does not get a lock at once: spins (`spin_then_park`, `work_outside`), parks, tries again |
//!
//! **Callbacks** run under the lock of the key's bucket. They may look at and change the words of the lock that the key
//! belongs to, which is what orders these changes against parking. They must not park, unpark, allocate or panic. The table itself
//! never dereferences a lock, so a lock may be freed as soon as it is unlocked. A late wake-up may then reach what has its
//! address now; that is harmless, because each kind of lock has keys of its own and takes a spurious wake-up. (A condition
//! variable's keys are named by no late one.)
//!
//! **What wakes the parked.** While waiters are queued for a lock, one of these holds:
//!
//! 1. the lock's word says so, and the unlock that finds it there unparks the first, unless a deputy is awake;
//! 2. the holder unlocks with a plain store and then looks whether the key is announced, and it is, with a fence between
//!    the announcement and the look at the lock that found it held;
//! 3. a thread is deputy, that is responsible for the others: it was unparked as such, was told so by [`ParkResult::Invalid`], or
//!    has made itself so ([`Contend::claim_responsibility`]). It will establish 1 when it has the lock or parks again. There may be two;
//!    then one more thread is awake than need be;
//! 4. a thread is in [`park`] and has not yet decided whether it parks, or is between its announcement and its second look;
//! 5. the fence of 2 was refused, and a waiter looks at the lock every [`POLL_AFTER`].
//!
//! Since a deputy may be held up for long, the lock remembers beside 3 that there are others, and after [`TURN_AFTER`] an
//! unlock makes the next one deputy too (of a mutex that is passed on without a wake-up, one unlock in 16 looks whether it is time).

mod contend;
mod key;
mod queue;
pub(in crate::futex) mod spin_then_park;
mod table;
pub(super) mod unpark;
mod waiter;
pub(super) mod work_outside;

use core::time::Duration;

use crossbeam_utils::CachePadded;

use crate::backend::asymmetric;
use crate::backend::atomic::{AtomicU32, Relaxed};
use crate::backend::global;
use crate::backend::hint;
use crate::backend::time::{self, Instant};
use crate::futex::park::spin_then_park::SpinThenParkBackoff;

pub(super) use contend::{Contend, ROUNDS, contend};
pub(super) use key::{Key, KeyKind};
pub(super) use queue::ParkToken;
use table::{Entry, with_entry};
pub(super) use unpark::{Front, take_front, unpark_deputy, unpark_front};
use waiter::Waiter;
pub(super) use waiter::{UnparkToken, WaiterHandle, with_waiter};

/// How long after a waiter was unparked it is the next one's turn, whatever has become of the first.
const TURN_AFTER: Duration = Duration::from_micros(300);
/// How long a waiter relies on another thread that is awake, before it looks at the lock itself.
const BESIDE_DEPUTY_AT_MOST: Duration = Duration::from_millis(5);
/// How long a thread sleeps between two looks at a lock, if the kernel has refused the fence that would make it be woken.
pub(super) const POLL_AFTER: Duration = Duration::from_millis(1);

/// What a thread parks for.
pub(super) struct Request<'waiter> {
    pub(super) waiter: &'waiter WaiterHandle,
    pub(super) key: Key,
    pub(super) token: ParkToken,
    /// Before all others: it has been woken already, and another thread was faster.
    pub(super) at_front: bool,
    /// Spins for some microseconds before it sleeps.
    pub(super) spins: bool,
    pub(super) deadline: Option<Instant>,
}

/// What `validate` knows when it decides.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Fence {
    /// There has been none; `others` are queued already, and perhaps the key is announced for them.
    NotYet { others: bool, announced: bool },
    /// The key is announced, and the fence behind that took so long.
    Made(Duration),
    /// The key is announced, and the kernel has refused the fence: the thread will look again every now and then.
    Refused,
}

/// What `validate` decides.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Validate {
    /// The lock is held, and a thread will unpark the waiter: see the list in the module comment.
    Park,
    /// The lock is held, and another thread is awake and responsible. Since that thread may be held up, this one looks again
    /// after [`BESIDE_DEPUTY_AT_MOST`].
    ParkBesideDeputy,
    /// The lock is held by a thread that unlocks with a plain store: the key must be announced, and asked for again.
    NeedsHeavyFence,
    /// There is no need to wait.
    Abort,
}

/// What has come of it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum ParkResult {
    /// There was no need. If it has been queued in the meantime, `others` may have come to rely on it: then it is
    /// responsible for them.
    Invalid {
        others: bool,
    },
    Unparked(UnparkToken),
    /// Out of the queue again; some thread is responsible for those in it, as before.
    TimedOut,
}

/// Parks this thread in the queue of a key, unless `validate` finds that there is no need.
///
/// It is queued by the first `validate` already, before a fence that this asks for: others may take it out or come to rely on it
/// before the second.
///
/// `before_sleep` runs when the waiter is queued, without the bucket's lock; `timed_out` under it, when the deadline has
/// come and the waiter has left the queue, and is told whether the queue is empty. A waiter that is moved to another key
/// does not time out any more.
pub(super) fn park(
    request: &Request<'_>,
    mut validate: impl FnMut(Fence) -> Validate,
    before_sleep: impl FnOnce(),
    timed_out: impl FnOnce(bool),
) -> ParkResult {
    let Request { waiter, key, .. } = *request;
    let waiter_record = waiter.waiter;
    let epoch = waiter.epoch();
    let enqueue = |entry: &mut Entry| {
        if request.at_front {
            entry.queue.push_front(waiter_record, Some(key), request.token);
        } else {
            entry.queue.push_back(waiter_record, Some(key), request.token);
        }
    };
    let verdict = with_entry(key, |entry| {
        let others = !entry.queue.is_empty();
        let announced = entry.is_announced();
        let verdict = validate(Fence::NotYet { others, announced });
        if verdict != Validate::Abort {
            enqueue(entry);
        }
        if verdict == Validate::NeedsHeavyFence {
            entry.announce(key);
        }
        verdict
    });
    let mut polls = false;
    let mut beside_deputy = None;
    match verdict {
        Validate::Abort => return ParkResult::Invalid { others: false },
        Validate::Park => {}
        Validate::ParkBesideDeputy => beside_deputy = time::after(BESIDE_DEPUTY_AT_MOST),
        Validate::NeedsHeavyFence => {
            let fence = heavy();
            polls = fence == Fence::Refused;
            if let Some(others) = withdraw_if(waiter_record, key, || validate(fence) == Validate::Abort, |_| {}) {
                return ParkResult::Invalid { others };
            }
        }
    }
    before_sleep();
    if request.spins {
        let mut backoff = SpinThenParkBackoff::for_event();
        while !waiter.is_unparked(epoch) && !request.deadline.is_some_and(hint::is_late) && backoff.wait(ROUNDS) {}
    }
    loop {
        let poll = if polls { time::after(POLL_AFTER) } else { None };
        let until = [poll, beside_deputy, request.deadline].into_iter().flatten().min();
        if let Some(token) = waiter.await_unpark(epoch, until) {
            return ParkResult::Unparked(token);
        }
        let is_over = request.deadline.is_some_and(time::has_passed);
        if is_over {
            if let Some(others) = withdraw_if(waiter_record, key, || true, timed_out) {
                if polls && others {
                    // They rely on its announcement, which was not fenced.
                    unpark_deputy(key);
                }
                return ParkResult::TimedOut;
            }
        } else {
            let looks_itself = beside_deputy.is_some();
            let withdraw = || looks_itself || validate(Fence::Refused) == Validate::Abort;
            match withdraw_if(waiter_record, key, withdraw, |_| {}) {
                Some(others) => {
                    return ParkResult::Invalid {
                        others: others && !looks_itself,
                    };
                }
                // Taken out already: to look again would only keep the bucket busy.
                None if looks_itself => {}
                None => continue,
            }
        }
        // Another thread has taken it out of the queue and is about to unpark it, or has moved it.
        return ParkResult::Unparked(
            waiter
                .await_unpark(epoch, None)
                .expect("without a deadline it is unparked"),
        );
    }
}

/// Takes the waiter out of the queue, if it is there and `is_needless` says so; answers then whether others are in it. `withdrawn`
/// runs under the bucket's lock, and is told whether the queue is empty.
#[track_caller]
fn withdraw_if(
    waiter: &'static Waiter,
    key: Key,
    is_needless: impl FnOnce() -> bool,
    withdrawn: impl FnOnce(bool),
) -> Option<bool> {
    with_entry(key, |entry| {
        if waiter.key() != Some(key) || !is_needless() {
            return None;
        }
        entry.queue.remove(waiter);
        withdrawn(entry.queue.is_empty());
        Some(!entry.queue.is_empty())
    })
}

global! {
    /// How many nanoseconds the last heavy fence of a parking thread took.
    fn last_fence() -> CachePadded<AtomicU32> = CachePadded::new(AtomicU32::new(hint::tuned(20_000, 0)));
}

/// Fences what was announced against the look of a holder that has unlocked.
fn heavy() -> Fence {
    let start = Instant::now();
    // SeqCst: pairs with `light` in the unlock of a mutex or a writer. If this thread's
    // announcement comes first, the holder's look sees it, and the holder unparks. If the holder's
    // `light` comes first, this thread's second look at the lock sees that it is free, and does not
    // park.
    // model: park::park_meets_fast_unlock
    if !asymmetric::try_heavy() {
        return Fence::Refused;
    }
    let cost = hint::tuned(start.elapsed(), Duration::ZERO);
    // Relaxed: an estimate.
    last_fence().store(u32::try_from(cost.as_nanos()).unwrap_or(u32::MAX), Relaxed);
    Fence::Made(cost)
}

/// What a heavy fence costs, by the last one.
pub(super) fn fence_cost() -> Duration {
    // Relaxed: an estimate.
    Duration::from_nanos(last_fence().load(Relaxed).into())
}

/// Whether a waiter relies on the holder that has just unlocked with a plain store and `light`. Seldom true for nothing.
#[inline]
#[track_caller]
pub(super) fn is_announced(key: Key) -> bool {
    table::is_announced(key)
}

/// A key that is announced for as long as this lives.
pub(super) struct Announcement(Key);

impl Announcement {
    #[track_caller]
    pub(super) fn of(key: Key) -> Self {
        table::add_announcement(key);
        Announcement(key)
    }
}

impl Drop for Announcement {
    fn drop(&mut self) {
        if hint::is_abandoned() {
            return;
        }
        table::subtract_announcement(self.0);
    }
}
