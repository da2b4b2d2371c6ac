//! The lock of Craig ("Building FIFO and priority-queuing spin locks from atomic swap", University of Washington, 1993)
//! and of Landin and Hagersten (IPPS 1994): a queue of nodes, in which each thread waits for a flag in the node before
//! it.
//!
//! | word | meaning | written by |
//! |---|---|---|
//! | `tail` | the node that is last in the queue, and the parity of its flag's epoch; null: the lock is free | an arrival, by one RMW; the holder, if it is last |
//! | `flag` of a node | the epoch noted in `tail` has ended: its owner has left | its owner |
//!
//! The new head adopts its predecessor's node and leaves its own to its successor: there are no links to wait for, so
//! unlock never waits. The flag is not reset, which would be a write more: the parity in
//! `tail`, in the lowest bit of the address, tells the next thread in the queue which epoch to await. One bit is
//! enough, since a node is taken over before its flag is set again.
//!
//! In the lock as published a node stays behind in `tail` when no thread is in the queue. Here the last one leaves
//! null, as with MCS: the lock needs no node of its own, and can be a `static`; and `try_lock` cannot mistake a node
//! that has come back for the one that it saw. Alone: one RMW on `tail` to lock, one to unlock. In the queue 5
//! transfers for an acquisition, however many wait: `tail`, the flag of the node in front twice, a look at `tail` when
//! leaving, and the own flag.

use core::fmt;
use core::marker::PhantomData;
use core::ptr::{NonNull, null_mut};

use super::barging::BargingBackoff;
use super::cache;
use super::node::Node;
use crate::backend::atomic::{AcqRel, AtomicPtr, Relaxed, Release};
use crate::backend::{const_fn, const_init};
use crate::wait::{DefaultPark, Wait};

/// A fair mutual exclusion lock: a CLH queue, in which each thread waits for the one before it.
///
/// * **Guarantee**: one holder at a time, which sees everything that earlier holders did. First come, first served,
///   from joining the queue on: no thread that has joined is passed, not even by `try_lock`. A thread that finds the
///   lock taken joins after 4 looks and either 8 yields or one sleep of at most 16 ms, at most
///   ([module](crate::queue)); `lock_api::Mutex<RawClhMutex<Spin>, T>` joins at once. No poisoning.
/// * **Cost**: one word, and for each acquisition a node on a cache line of its own, which the thread has in its cache.
///   Lock and unlock alone are two RMWs. In the queue an acquisition costs 5 line transfers, however many wait, one
///   less than with [`McsMutex`](super::McsMutex), and unlocking never waits. A waiter spins for some microseconds,
///   yields, and sleeps; a hand-over to a sleeper makes a system call.
/// * **Not for**: locks that are mostly free, which a [`spin::Mutex`](crate::spin::Mutex) passes in one RMW; nor
///   machines on which it matters whose memory a waiter reads, since here it is another thread's (`McsMutex`).
///
/// A guard stays on its thread. One that is forgotten leaves the lock locked and its node lost, 128 bytes on x86-64.
/// Nodes are never freed, but used again: there are about as many as there have been acquisitions at one time, and up
/// to 16 for each thread.
///
/// ```
/// use linchpin::queue::ClhMutex;
///
/// let total = ClhMutex::new(0);
/// std::thread::scope(|scope| {
///     for _ in 0..4 {
///         scope.spawn(|| *total.lock() += 1);
///     }
/// });
/// assert_eq!(total.into_inner(), 4);
/// ```
pub type ClhMutex<T> = lock_api::Mutex<RawClhMutex, T>;
/// Holds a [`ClhMutex`] locked, and unlocks it when dropped.
pub type ClhMutexGuard<'a, T> = lock_api::MutexGuard<'a, RawClhMutex, T>;

/// The raw lock of [`ClhMutex`].
pub struct RawClhMutex<W = DefaultPark> {
    tail: AtomicPtr<Node>,
    wait: PhantomData<fn(W)>,
}

/// What a guard of a [`ClhMutex`] keeps: its place in the queue.
#[must_use]
pub struct ClhGuardState(TaggedNode);

// SAFETY: the guard refers to a node, which it does not let anybody use.
unsafe impl Sync for ClhGuardState {}

impl fmt::Debug for ClhGuardState {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("ClhGuardState").finish_non_exhaustive()
    }
}

/// A node in the queue, and in the lowest bit the parity of the epoch in which its owner holds or awaits the lock.
#[derive(Clone, Copy)]
struct TaggedNode(NonNull<Node>);

const ODD: usize = 1;
const _: () = assert!(align_of::<Node>() > ODD, "the lowest bit of a node's address is free");

impl TaggedNode {
    /// Of a node that is in no queue.
    #[inline]
    fn of(node: NonNull<Node>) -> Self {
        // SAFETY: a node is one for ever.
        let is_odd = unsafe { node.as_ref() }.flag.epoch().is_odd();
        TaggedNode(node.map_addr(|address| address | usize::from(is_odd)))
    }

    #[inline]
    fn is_odd(self) -> bool {
        self.0.addr().get() & ODD != 0
    }

    #[inline]
    fn node(self) -> NonNull<Node> {
        let node = self.0.as_ptr().map_addr(|address| address & !ODD);
        // SAFETY: a node is not at address 1.
        unsafe { NonNull::new_unchecked(node) }
    }

    /// Ends the epoch. From then on the node is the one behind's.
    #[cold]
    #[inline(never)]
    fn leave(self) {
        // SAFETY: a node is one for ever.
        unsafe { self.node().as_ref() }.flag.set();
        cache::forget(self.node());
    }

    /// Waits until the owner has left. From then on the node is the caller's.
    fn wait<W: Wait>(self, queue: usize) {
        // SAFETY: a node is one for ever.
        let flag = &unsafe { self.node().as_ref() }.flag;
        let now = flag.epoch();
        let held = if now.is_odd() == self.is_odd() {
            now
        } else {
            now.before()
        };
        flag.wait_in_queue::<W>(held, queue);
    }
}

impl RawClhMutex {
    const_fn! {
        /// An unlocked lock, whose waiters wait as [`DefaultPark`] says.
        #[must_use]
        pub const fn new() -> Self {
            Self::with_wait()
        }
    }
}

impl<W: Wait> RawClhMutex<W> {
    const_fn! {
        /// An unlocked lock, whose waiters wait as `W` says.
        #[must_use]
        pub const fn with_wait() -> Self {
            RawClhMutex {
                tail: AtomicPtr::new(null_mut()),
                wait: PhantomData,
            }
        }
    }

    #[inline]
    fn try_acquire(&self, place: TaggedNode) -> bool {
        // Acquire: pairs with the Release RMW in `unlock`. The previous critical section must be seen; Release
        // alone loses it.
        // Release: pairs with the Acquire half of the swap in `enqueue_and_wait`. The thread that comes next looks
        // at this node's flag, and must find it in the epoch that is noted; Acquire alone loses it.
        // model: queue::clh_excludes
        self.tail
            .compare_exchange(null_mut(), place.0.as_ptr(), AcqRel, Relaxed)
            .is_ok()
    }

    /// Where a thread holds the lock, or the thread's first node is in use.
    #[cold]
    #[inline(never)]
    fn lock_contended(&self) -> ClhGuardState {
        let place = TaggedNode::of(cache::take());
        if self.is_locked() || !self.try_acquire(place) {
            self.enqueue_and_wait(place);
        }
        ClhGuardState(place)
    }

    fn enqueue_and_wait(&self, place: TaggedNode) {
        let key = core::ptr::from_ref(self).addr();
        let mut backoff = BargingBackoff::new();
        while backoff.wait::<W>(key) {
            if !self.is_locked() && self.try_acquire(place) {
                return;
            }
        }
        // Acquire: pairs with the Release halves here and in `try_acquire`, since the flag in front
        // is looked at below; and if there is none, with the Release RMW in `unlock`. Release: for
        // the thread that comes behind. Either alone loses the other.
        // model: queue::clh_excludes
        let front = self.tail.swap(place.0.as_ptr(), AcqRel);
        if let Some(front) = NonNull::new(front).map(TaggedNode) {
            front.wait::<W>(key);
            // SAFETY: 1: each node in this queue is from `take`; 2: its owner has left it to this thread; 3: here
            // `next` stays null.
            unsafe { cache::put(front.node()) };
        }
    }

    #[inline]
    fn is_locked(&self) -> bool {
        // Relaxed: a snapshot that is stale when it returns; it synchronises nothing.
        !self.tail.load(Relaxed).is_null()
    }
}

#[cfg(all(test, feature = "std"))]
impl<W: Wait> RawClhMutex<W> {
    /// Which node that is, as a number.
    pub(super) fn last_in_queue(&self) -> usize {
        self.tail.load(Relaxed).addr()
    }
}

impl<W: Wait> core::fmt::Debug for RawClhMutex<W> {
    fn fmt(&self, formatter: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        crate::internal::debug_lock(formatter, "RawClhMutex", self.is_locked())
    }
}

impl<W: Wait> Default for RawClhMutex<W> {
    fn default() -> Self {
        Self::with_wait()
    }
}

// SAFETY: `lock` returns to the thread that found no node in front of its own, or whose node's front has been left; and
// `unlock` alone leaves a node, which only the holder calls. Nodes live for ever, and the one of a guard that is
// forgotten is never put back. No operation panics.
unsafe impl<W: Wait> lock_api::RawMutex for RawClhMutex<W> {
    const INIT: Self = const_init!(Self::with_wait());

    type Guard = ClhGuardState;

    #[inline]
    fn lock(&self) -> ClhGuardState {
        match cache::take_if(|node| self.try_acquire(TaggedNode::of(node))) {
            // It has not been set since: the place is the same.
            Some(node) => ClhGuardState(TaggedNode::of(node)),
            None => self.lock_contended(),
        }
    }

    #[inline]
    fn try_lock(&self) -> Option<ClhGuardState> {
        if self.is_locked() {
            return None;
        }
        let place = TaggedNode::of(cache::take());
        if self.try_acquire(place) {
            return Some(ClhGuardState(place));
        }
        // SAFETY: 1: taken above; 2: the try has failed, so that no other thread knows it; 3: here `next` stays null.
        unsafe { cache::put(place.node()) };
        None
    }

    #[inline]
    unsafe fn unlock(&self, ClhGuardState(place): ClhGuardState) {
        let tail = place.0.as_ptr();
        // Relaxed: only tells which way to go. In the queue it spares `tail` an RMW that would fail.
        let is_last = self.tail.load(Relaxed) == tail;
        // Release: pairs with the Acquire halves of the RMWs on `tail`. The next holder must see
        // this critical section; Relaxed loses it. It fails, rightly, if a thread has joined.
        // model: queue::clh_excludes
        if is_last && self.tail.compare_exchange(tail, null_mut(), Release, Relaxed).is_ok() {
            // SAFETY: taken in `lock` or `try_lock`, and out of the queue again. In this queue `next` stays null.
            unsafe { cache::put(place.node()) };
        } else {
            place.leave();
        }
    }

    #[inline]
    fn is_locked(&self) -> bool {
        self.is_locked()
    }
}
