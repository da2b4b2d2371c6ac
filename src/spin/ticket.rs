//! A ticket lock with proportional back-off (Mellor-Crummey and Scott, "Algorithms for scalable synchronization on
//! shared-memory multiprocessors", ACM TOCS 1991; the idea is Reed and Kanodia's, 1979).
//!
//! | word | meaning | written by |
//! |---|---|---|
//! | `next` | the ticket that the next arrival draws | each arrival, by one RMW |
//! | `serving` | the ticket whose holder has the lock | the holder, by a plain store |
//!
//! The lock is free when both are equal. Alone: one RMW, one store. Both words are on one cache line, and share it
//! falsely: an arrival takes the line from those that look at `serving`. With N threads in the queue that is up to 2N
//! transfers for each acquisition, where two lines would cost N + 1; but of two threads each finds all it needs on one
//! line, which passes between them once for each acquisition, with the value too if that lies beside. A waiter with k
//! others before it pauses k times longer.
//!
//! FIFO order costs dearly when more threads hold tickets than there are cores: the next one is not running, and none
//! may go before it. So with [`SpinThenYield`](crate::wait::SpinThenYield) an arrival that finds as many in the queue
//! as can run waits for a bounded time before it draws its ticket (`wait::restrict`).
//!
//! Tickets are as wide as a pointer. With 64 bits they cannot come round; with 32 bits they can while a thread is
//! preempted between the load and the compare-exchange of `acquire` (four thousand million acquisitions: 43 s at 10 ns
//! each). So `acquire` looks again at what it has drawn, and waits in the queue if it was not its turn, even in
//! `try_lock`. That this second look sees the lap is an assumption about 32-bit processors, and in no model: no thread
//! is preempted for so long without its processor catching up with all stores.

use core::marker::PhantomData;

use lock_api::GuardSend;

use crate::backend::atomic::{Acquire, AtomicUsize, Relaxed, Release};
use crate::backend::{const_fn, const_init, hint};
#[cfg(feature = "std")]
use crate::wait::restrict;
use crate::wait::{DefaultWait, LAST_ROUND, Wait};

/// A mutual exclusion lock that spins and serves in the order of arrival.
///
/// * **Guarantee**: one holder at a time, which sees everything that earlier holders did. First come, first served,
///   from the drawing of a ticket on: no thread passes one that has drawn its ticket. With `std`, a thread that finds
///   as many tickets drawn as there are cores draws its own only after one sleep of at most 16 ms and 64 yields (where
///   yields take long, sleeps of 50 us); until then others may pass it. How many cores there are is asked once by each
///   thread that has to wait, of the operating system (which allocates where that is not Linux). With [`Spin`](crate::wait::Spin) a thread
///   draws its ticket at once.
/// * **Cost**: two words, on one cache line. Lock and unlock alone are one RMW and one store. With N threads in the
///   queue up to 2N cache lines move for each acquisition.
/// * **Not for**: more threads than cores without `std`: the next thread in the queue may not be running, none can go
///   before it, and the lock then stands still for whole time slices. Nor for many cores that wait at once, where a
///   [queue lock](crate::queue) moves five or six cache lines.
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
#[cfg_attr(target_pointer_width = "64", repr(align(16)))]
#[cfg_attr(not(target_pointer_width = "64"), repr(align(8)))]
pub struct RawTicketMutex<W = DefaultWait> {
    next: AtomicUsize,
    serving: AtomicUsize,
    wait: PhantomData<fn(W)>,
}

impl RawTicketMutex {
    const_fn! {
        /// An unlocked lock, whose waiters wait as [`DefaultWait`] says.
        #[must_use]
        pub const fn new() -> Self {
            Self::with_wait()
        }
    }
}

impl<W: Wait> RawTicketMutex<W> {
    const_fn! {
        /// An unlocked lock, whose waiters wait as `W` says.
        #[must_use]
        pub const fn with_wait() -> Self {
            Self::starting_at(0)
        }
    }

    const_fn! {
        const fn starting_at(ticket: usize) -> Self {
            RawTicketMutex {
                next: AtomicUsize::new(ticket),
                serving: AtomicUsize::new(ticket),
                wait: PhantomData,
            }
        }
    }

    #[inline]
    fn now_serving(&self) -> usize {
        // Acquire: pairs with the Release store in `unlock`. The thread that reads its own ticket here is
        // the holder, and must see the previous critical section; Relaxed loses it.
        // model: spin::ticket_mutex_excludes
        self.serving.load(Acquire)
    }

    /// Draws the ticket that is being served, if no thread has yet; true if the lock is held then.
    #[inline]
    fn acquire(&self) -> bool {
        let ticket = self.now_serving();
        // Relaxed: what the holder must see comes through `serving`. Failing, it has only seen that
        // a thread is in the queue. The RMW alone makes tickets unique.
        // model: spin::ticket_mutex_excludes
        if self
            .next
            .compare_exchange(ticket, ticket.wrapping_add(1), Relaxed, Relaxed)
            .is_err()
        {
            return false;
        }
        if self.now_serving() != ticket {
            // The tickets have come round once since the first load (see the module comment).
            self.wait_for_turn(ticket);
        }
        true
    }

    /// Draws a ticket, and waits until it is served.
    #[cold]
    fn lock_contended(&self) {
        #[cfg(feature = "std")]
        self.throttle_arrival();
        // Relaxed: as in `acquire`.
        // model: spin::ticket_mutex_excludes
        let ticket = self.next.fetch_add(1, Relaxed);
        self.wait_for_turn(ticket);
    }

    /// How many tickets are drawn and not returned, as far as can be seen.
    #[cfg(feature = "std")]
    fn drawn(&self) -> usize {
        // Relaxed, both: a guess, by which only time is lost or gained. `next` first: tickets that are served in
        // between then count as none, where they would look like many that are not there.
        let next = self.next.load(Relaxed);
        let drawn = next.wrapping_sub(self.serving.load(Relaxed));
        if drawn > usize::MAX / 2 { 0 } else { drawn }
    }

    /// Waits for a bounded time while more tickets are drawn than threads can run.
    ///
    /// A ticket whose thread is not running holds up all that were drawn later, for a context switch at least.
    #[cfg(feature = "std")]
    fn throttle_arrival(&self) {
        const MAX_YIELDS: u32 = 64;
        let key = core::ptr::from_ref(self).addr();
        let mut long = None;
        for round in 0..MAX_YIELDS {
            if self.drawn() < restrict::admitted::<W>(key) {
                return;
            }
            let long = long.get_or_insert_with(|| restrict::LongWait::new(key));
            if long.throttle_arrival() {
                // Once is enough, so that each has its turn.
                return;
            }
            W::relax(round);
        }
    }

    #[cold]
    fn wait_for_turn(&self, ticket: usize) {
        let mut backoff = QueueBackoff::default();
        let mut rounds = 0_u32;
        #[cfg(feature = "std")]
        let mut long = None;
        loop {
            let ahead = ticket.wrapping_sub(self.now_serving());
            if ahead == 0 {
                return;
            }
            if ahead < W::parallelism() {
                backoff.wait::<W>(u32::try_from(ahead).unwrap_or(u32::MAX));
                continue;
            }
            // So many cannot all be running: what this thread waits for is more likely to need its core.
            #[cfg(feature = "std")]
            long.get_or_insert_with(|| restrict::LongWait::new(core::ptr::from_ref(self).addr()));
            W::relax(rounds);
            rounds = rounds.saturating_add(1);
        }
    }
}

/// How many rounds are waited in a queue, all of them short: the next thread should see at once that it is its turn.
const QUEUE_ROUNDS: u32 = 64;

/// The rounds of one wait in a queue.
#[derive(Default)]
struct QueueBackoff {
    round: u32,
}

impl QueueBackoff {
    /// Waits one round in a queue in which `ahead` others come first: as many pauses as there are others, up to 64, and
    /// after 64 rounds as the policy `W` says.
    ///
    /// To look again sooner than one's turn can come only takes the line away from the threads that need it.
    #[inline]
    fn wait<W: Wait>(&mut self, ahead: u32) {
        if self.round >= QUEUE_ROUNDS {
            W::relax(self.round - QUEUE_ROUNDS);
        } else {
            hint::spin_for(ahead.min(1 << LAST_ROUND));
        }
        self.round = self.round.saturating_add(1);
    }
}

impl<W: Wait> core::fmt::Debug for RawTicketMutex<W> {
    fn fmt(&self, formatter: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        crate::internal::debug_lock(formatter, "RawTicketMutex", lock_api::RawMutex::is_locked(self))
    }
}

impl<W: Wait> Default for RawTicketMutex<W> {
    fn default() -> Self {
        Self::with_wait()
    }
}

// SAFETY: a ticket is drawn once (an RMW on `next`), and only its holder moves `serving` on, by one: at any time
// `serving` names at most one drawn ticket that is not yet returned, its thread is the only one to return from `lock`
// or `try_lock`. Forgetting a guard leaves `serving` where it is. No operation panics.
unsafe impl<W: Wait> lock_api::RawMutex for RawTicketMutex<W> {
    const INIT: Self = const_init!(Self::with_wait());

    type Guard = GuardSend;

    #[inline]
    fn lock(&self) -> GuardSend {
        if !self.acquire() {
            self.lock_contended();
        }
        GuardSend::new()
    }

    #[inline]
    fn try_lock(&self) -> Option<GuardSend> {
        self.acquire().then(GuardSend::new)
    }

    #[inline]
    unsafe fn unlock(&self, _guard: GuardSend) {
        // Relaxed: only holders write `serving`, and this is the holder, so it reads what it acquired or wrote itself.
        let ticket = self.serving.load(Relaxed);
        // Release: pairs with the Acquire load in `now_serving`. The next in the queue must see this
        // critical section; Relaxed loses it.
        // model: spin::ticket_mutex_excludes
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

#[cfg(test)]
mod tests {
    use super::*;
    use lock_api::{Mutex, RawMutex as _};
    use std::thread;
    use std::vec::Vec;

    /// Waits until `arrivals` tickets have been drawn.
    fn await_arrivals<T>(lock: &Mutex<RawTicketMutex, T>, arrivals: usize) {
        // SAFETY: only looks.
        let raw = unsafe { lock.raw() };
        while raw.next.load(Relaxed) != arrivals {
            thread::yield_now();
        }
    }

    /// Threads that come one after the other, which `next` tells, leave in that order; across the wrap too.
    fn first_come_first_served(first: usize) {
        const THREADS: usize = if cfg!(miri) { 3 } else { 8 };
        let order = Mutex::from_raw(RawTicketMutex::starting_at(first), Vec::new());
        thread::scope(|scope| {
            let held = order.lock();
            for arrival in 0..THREADS {
                let order = &order;
                await_arrivals(order, first.wrapping_add(1 + arrival));
                scope.spawn(move || order.lock().push(arrival));
            }
            await_arrivals(&order, first.wrapping_add(1 + THREADS));
            assert!(order.try_lock().is_none(), "no thread passes those in the queue");
            drop(held);
        });
        assert!(!order.is_locked());
        assert_eq!(order.into_inner(), (0..THREADS).collect::<Vec<_>>());
    }

    #[test]
    fn it_serves_in_the_order_of_arrival() {
        first_come_first_served(0);
    }

    #[test]
    fn it_serves_in_the_order_of_arrival_where_tickets_wrap() {
        first_come_first_served(usize::MAX);
        first_come_first_served(usize::MAX - 2);
    }

    #[test]
    fn tickets_wrap() {
        let lock = RawTicketMutex::<DefaultWait>::starting_at(usize::MAX);
        for ticket in [usize::MAX, 0, 1] {
            assert!(!lock.is_locked());
            assert_eq!(lock.now_serving(), ticket);
            let guard = if ticket == 0 {
                lock.lock()
            } else {
                lock.try_lock().expect("it is free")
            };
            assert!(lock.is_locked() && lock.try_lock().is_none());
            // SAFETY: `guard` is the acquisition just made.
            unsafe { lock.unlock(guard) };
        }
        assert!(!lock.is_locked());
    }

    #[test]
    fn nothing_is_lost_where_tickets_wrap() {
        let rounds = if cfg!(miri) { 8 } else { 1000 };
        let total = Mutex::<RawTicketMutex, _>::from_raw(RawTicketMutex::starting_at(usize::MAX - rounds), 0);
        thread::scope(|scope| {
            for _ in 0..2 {
                scope.spawn(|| (0..rounds).for_each(|_| *total.lock() += 1));
            }
        });
        assert_eq!(total.into_inner(), 2 * rounds);
    }
}
