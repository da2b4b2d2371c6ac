//! The lock of Mellor-Crummey and Scott ("Algorithms for scalable synchronization on shared-memory multiprocessors",
//! ACM TOCS 1991): a queue of nodes, in which each thread waits for a flag in its own.
//!
//! | word | meaning | written by |
//! |---|---|---|
//! | `tail` | the node that is last in the queue; null: the lock is free | an arrival, by one RMW; the holder, if it is last |
//! | `next` of a node | the node behind it; null: not known yet, or no thread | the owner of the node behind; reset by its own |
//! | `flag` of a node | set: its owner is next | the owner of the node in front |
//!
//! Alone: one RMW on `tail` to lock, one to unlock; of its node the thread then only reads `next`. In the queue 6
//! transfers for an acquisition, however many wait: `tail`, and the node's line five times (the one behind links itself
//! to it and the owner looks; the one in front sets the flag and the owner looks; the owner resets `next`).
//!
//! 1. From the RMW on `tail` that puts a node into the queue until `release` returns, its owner does not let it go.
//! 2. Only the owner of the node behind writes `next`, once; and only after that does the owner of this node hand over.
//! 3. Only the thread that hands over sets a node's flag, once in each acquisition, and its owner waits for that.
//! 4. When `release` returns, no thread touches the node any more: the one behind has linked itself (2) and looks at
//!    its own node only, the one in front has set the flag (3). What may still come is a wake-up by the address of the
//!    flag, which is for a thread that sleeps. So a node may lie on the stack if its owner does not sleep.

use core::marker::PhantomData;
use core::ptr::{NonNull, null_mut};

use super::barging::BargingBackoff;
use super::node::Node;
use crate::backend::atomic::{AcqRel, Acquire, AtomicPtr, Relaxed, Release};
use crate::backend::const_fn;
use crate::wait::{Backoff, DefaultPark, Wait};

/// The raw lock of `McsMutex` and of [`McsCell`](super::McsCell).
pub struct RawMcsMutex<W = DefaultPark> {
    tail: AtomicPtr<Node>,
    wait: PhantomData<fn(W)>,
}

impl RawMcsMutex {
    const_fn! {
        /// An unlocked lock, whose waiters wait as [`DefaultPark`] says.
        #[must_use]
        pub const fn new() -> Self {
            Self::with_wait()
        }
    }
}

impl<W: Wait> RawMcsMutex<W> {
    const_fn! {
        /// An unlocked lock, whose waiters wait as `W` says.
        #[must_use]
        pub const fn with_wait() -> Self {
            RawMcsMutex {
                tail: AtomicPtr::new(null_mut()),
                wait: PhantomData,
            }
        }
    }

    /// Acquires the lock if it is free.
    ///
    /// # Safety
    ///
    /// As for [`acquire`](Self::acquire).
    #[inline]
    pub(super) unsafe fn try_acquire(&self, node: NonNull<Node>) -> bool {
        // Acquire: pairs with the Release RMW in `release`. The previous critical section must be seen;
        // Release alone loses it.
        // Release: pairs with the Acquire half of the swap in `enqueue_and_wait`. The thread that comes next writes
        // to this node, and must find it made; Acquire alone loses it.
        // model: queue::mcs_excludes
        self.tail
            .compare_exchange(null_mut(), node.as_ptr(), AcqRel, Relaxed)
            .is_ok()
    }

    /// Acquires the lock with `node`, whose owner waits as `V` says.
    ///
    /// # Safety
    ///
    /// 1. The node is the caller's, and in no queue.
    /// 2. It lives until [`release`](Self::release) has returned.
    /// 3. If `V` sleeps, it lives for ever.
    #[inline]
    pub(super) unsafe fn acquire<V: Wait>(&self, node: NonNull<Node>) {
        // SAFETY: 1, 2 and 3: the caller's promise.
        if !unsafe { self.try_acquire(node) } {
            // SAFETY: 1: the try has failed, so it is still in no queue; 2, 3: the caller's promise.
            unsafe { self.enqueue_and_wait::<V>(node) };
        }
    }

    /// # Safety
    ///
    /// As for [`acquire`](Self::acquire).
    #[cold]
    #[inline(never)]
    pub(super) unsafe fn enqueue_and_wait<V: Wait>(&self, node: NonNull<Node>) {
        let key = core::ptr::from_ref(self).addr();
        let mut backoff = BargingBackoff::new();
        while backoff.wait::<W>(key) {
            // SAFETY: 1, 2 and 3: the caller's promise, and tries that failed have left the node in no queue.
            if !self.is_locked() && unsafe { self.try_acquire(node) } {
                return;
            }
        }
        // SAFETY: it lives (2).
        let flag = &unsafe { node.as_ref() }.flag;
        let epoch = flag.epoch();
        // Acquire: pairs with the Release halves here and in `try_acquire`, since the node in front
        // is written to below; and if there is none, with the Release RMW in `release`. Release:
        // for the thread that comes behind. Either alone loses the other.
        // model: queue::mcs_excludes
        let front = self.tail.swap(node.as_ptr(), AcqRel);
        if let Some(front) = NonNull::new(front) {
            // SAFETY: invariant 1: its owner does not return from `release` before it has found the link stored here
            // (2).
            let next = &unsafe { front.as_ref() }.next;
            // Release: pairs with the Acquire load in `hand_over`. This node must be found made,
            // and its epoch noted; Relaxed loses it.
            // model: queue::mcs_excludes
            next.store(node.as_ptr(), Release);
            flag.wait_in_queue::<V>(epoch, key);
        }
    }

    /// Releases the lock, to the thread that is next.
    ///
    /// # Safety
    ///
    /// The lock has been acquired with `node`, and not been released since.
    #[inline]
    pub(super) unsafe fn release(&self, node: NonNull<Node>) {
        // SAFETY: it lives until this returns (2 of `acquire`).
        let next = &unsafe { node.as_ref() }.next;
        // Relaxed: only tells which way to go. That a thread is linked is not acted on before `hand_over` loads it
        // again.
        let is_last = next.load(Relaxed).is_null();
        // Release: pairs with the Acquire halves of the RMWs on `tail`. The next holder must see
        // this critical section; Relaxed loses it. It fails, rightly, if a thread has joined that is not
        // linked yet.
        // model: queue::mcs_excludes
        if !is_last
            || self
                .tail
                .compare_exchange(node.as_ptr(), null_mut(), Release, Relaxed)
                .is_err()
        {
            self.hand_over(next);
        }
    }

    #[cold]
    #[inline(never)]
    fn hand_over(&self, link: &AtomicPtr<Node>) {
        let mut backoff = Backoff::new();
        let next = loop {
            // Acquire: pairs with the Release store in `enqueue_and_wait`. The node must be found made;
            // Relaxed loses it.
            // model: queue::mcs_excludes
            if let Some(next) = NonNull::new(link.load(Acquire)) {
                break next;
            }
            backoff.wait::<W>();
        };
        // SAFETY: invariant 3: its owner waits for this flag, so the node lives. From the RMW in `set` on it may be
        // gone, and then `set` touches its address only, to wake a sleeper: 4.
        unsafe { next.as_ref() }.flag.set();
        // After the hand-over, which it would delay. Relaxed: the node is this thread's alone until
        // the next RMW on a `tail`, which is no weaker than Release.
        // model: queue::mcs_sleeps
        link.store(null_mut(), Relaxed);
    }

    #[inline]
    pub(super) fn is_locked(&self) -> bool {
        // Relaxed: a snapshot that is stale when it returns; it synchronises nothing.
        !self.tail.load(Relaxed).is_null()
    }
}

#[cfg(all(test, feature = "std"))]
impl<W: Wait> RawMcsMutex<W> {
    /// Which node that is, as a number.
    pub(super) fn last_in_queue(&self) -> usize {
        self.tail.load(Relaxed).addr()
    }
}

impl<W: Wait> core::fmt::Debug for RawMcsMutex<W> {
    fn fmt(&self, formatter: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        crate::internal::debug_lock(formatter, "RawMcsMutex", self.is_locked())
    }
}

impl<W: Wait> Default for RawMcsMutex<W> {
    fn default() -> Self {
        Self::with_wait()
    }
}
