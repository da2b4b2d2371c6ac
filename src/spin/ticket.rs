//! A ticket lock with proportional back-off (Mellor-Crummey and Scott, "Algorithms for scalable synchronization on
//! shared-memory multiprocessors", ACM TOCS 1991; the idea is Reed and Kanodia's, 1979).
//!
//! | word | meaning | written by |
//! |---|---|---|
//! | `next` | the ticket that the next arrival draws | each arrival, by one RMW |
//! | `serving` | the ticket whose holder has the lock | the holder, by a plain store |
//!
//! The lock is free when both are equal. Alone: one RMW, one store, one line. Under contention each hand-over is read
//! by every waiter, 2N transfers per passage for N waiters; a waiter with k others before it pauses k times longer.
//!
//! Tickets are as wide as a pointer. With 64 bits they cannot come round; with 32 bits they can while a `try_lock` is
//! preempted between its load and its compare-exchange (four thousand million acquisitions: 43 s at 10 ns each), so
//! `try_lock` looks again at what it has drawn, and stands in line if it was not its turn.

use core::marker::PhantomData;

use lock_api::GuardSend;

use crate::backend::atomic::{Acquire, AtomicUsize, Relaxed, Release};
use crate::backend::{const_fn, const_init};
use crate::wait::{Backoff, DefaultWait, Wait};

/// A mutual exclusion lock that spins and serves in the order of arrival.
///
/// * **Guarantee**: one holder at a time, who sees everything that earlier holders did. First come, first served: nobody
///   passes a thread that is in line.
/// * **Cost**: two words. Lock and unlock alone are one RMW and one store.
/// * **Not for**: many more threads than cores. The next in line may not be running, and nobody can go before it; with
///   `std` the waiters then yield, so that it will, at the price of a context switch per passage. Without `std` it
///   stands still for whole time slices.
///
/// ```
/// use linchpin::spin::TicketMutex;
///
/// let queue = TicketMutex::new(vec![1]);
/// {
///     let mut held = queue.lock();
///     held.push(2);
///     assert!(queue.try_lock().is_none());
/// }
/// assert_eq!(queue.into_inner(), [1, 2]);
/// ```
pub type TicketMutex<T> = lock_api::Mutex<RawTicketMutex, T>;
/// Holds a [`TicketMutex`] locked, and unlocks it when dropped.
pub type TicketMutexGuard<'a, T> = lock_api::MutexGuard<'a, RawTicketMutex, T>;

/// The raw lock of [`TicketMutex`].
pub struct RawTicketMutex<W = DefaultWait> {
    next: AtomicUsize,
    serving: AtomicUsize,
    wait: PhantomData<fn(W)>,
}

impl<W: Wait> RawTicketMutex<W> {
    const_fn! {
        /// An unlocked lock.
        #[must_use]
        pub const fn new() -> Self {
            Self::starting_at(0)
        }
    }

    const_fn! {
        const fn starting_at(ticket: usize) -> Self {
            RawTicketMutex { next: AtomicUsize::new(ticket), serving: AtomicUsize::new(ticket), wait: PhantomData }
        }
    }

    #[inline]
    fn is_served(&self, ticket: usize) -> bool {
        self.now_serving() == ticket
    }

    #[inline]
    fn now_serving(&self) -> usize {
        // Acquire: pairs with the Release store in `unlock`. Whoever reads its own ticket here is the holder, and must
        // see the section before; Relaxed loses it (killed by `spin::ticket_mutex_excludes`).
        self.serving.load(Acquire)
    }

    #[cold]
    fn stand_in_line(&self, ticket: usize) {
        let mut backoff = Backoff::new();
        loop {
            match ticket.wrapping_sub(self.now_serving()) {
                0 => return,
                ahead => backoff.wait_behind::<W>(u32::try_from(ahead).unwrap_or(u32::MAX)),
            }
        }
    }
}

impl<W: Wait> Default for RawTicketMutex<W> {
    fn default() -> Self {
        Self::new()
    }
}

// SAFETY: a ticket is drawn once (an RMW on `next`), and only its holder moves `serving` on, by one: at any time
// `serving` names at most one drawn ticket that is not yet returned, its thread is the only one to return from `lock`
// or `try_lock`. Forgetting a guard leaves `serving` where it is. No operation panics.
unsafe impl<W: Wait> lock_api::RawMutex for RawTicketMutex<W> {
    const INIT: Self = const_init!(Self::new());

    type Guard = GuardSend;

    #[inline]
    fn lock(&self) -> GuardSend {
        // Relaxed: the RMW alone makes tickets unique and puts arrivals in line; what the holder must see comes through
        // `serving`.
        let ticket = self.next.fetch_add(1, Relaxed);
        if !self.is_served(ticket) {
            self.stand_in_line(ticket);
        }
        GuardSend::new()
    }

    #[inline]
    fn try_lock(&self) -> Option<GuardSend> {
        // Draws the ticket that is being served, if nobody has yet.
        let ticket = self.now_serving();
        // Relaxed: as in `lock`. Failing, it has only seen that somebody is in line.
        self.next
            .compare_exchange(ticket, ticket.wrapping_add(1), Relaxed, Relaxed)
            .ok()?;
        if !self.is_served(ticket) {
            // The tickets have come round once since the load above (see the module comment).
            self.stand_in_line(ticket);
        }
        Some(GuardSend::new())
    }

    #[inline]
    unsafe fn unlock(&self, _guard: GuardSend) {
        // Relaxed: only holders write `serving`, and this is the holder, so it reads what it acquired or wrote itself.
        let ticket = self.serving.load(Relaxed);
        // Release: pairs with the Acquire load in `now_serving`. The next in line must see this section; Relaxed loses
        // it (killed by `spin::ticket_mutex_excludes`).
        self.serving.store(ticket.wrapping_add(1), Release);
    }

    #[inline]
    fn is_locked(&self) -> bool {
        // Relaxed, both: a snapshot that is stale when it returns; it synchronises nothing. `serving` first, so that an
        // acquisition between the two loads shows as locked.
        let serving = self.serving.load(Relaxed);
        self.next.load(Relaxed) != serving
    }
}
