//! The MCS lock behind guards: its nodes are the thread's.

use core::fmt;
use core::ptr::NonNull;

use super::cache;
use super::mcs::RawMcsMutex;
use super::node::Node;
use crate::backend::const_init;
use crate::wait::Wait;

/// A fair mutual exclusion lock: an MCS queue, in which each thread waits on a cache line of its own.
///
/// * **Guarantee**: one holder at a time, which sees everything that earlier holders did. First come, first served,
///   from joining the queue on: no thread that has joined is passed, not even by `try_lock`. A thread that finds the
///   lock taken joins after 4 looks and either 8 yields or one sleep of at most 16 ms, at most
///   ([module](crate::queue)); `lock_api::Mutex<RawMcsMutex<Spin>, T>` joins at once. No poisoning.
/// * **Cost**: one word, and for each acquisition a node on a cache line of its own, which the thread has in its cache.
///   Lock and unlock alone are two RMWs. In the queue an acquisition costs 6 line transfers, however many wait. A
///   waiter reads its own line, spins for some microseconds, yields, and sleeps; a hand-over to a sleeper makes a
///   system call.
/// * **Not for**: locks that are mostly free, which a [`spin::Mutex`](crate::spin::Mutex) passes in one RMW; nor for
///   many more threads than cores with `Spin`, where the next thread in the queue is not running and no thread may go
///   before it.
///
/// A guard stays on its thread, since its node goes back into the cache of the thread. One that is forgotten leaves the
/// lock locked and its node lost, 128 bytes on x86-64. Nodes are never freed, but used again: there are about as many
/// as there have been acquisitions at one time, and up to 16 for each thread.
///
/// ```
/// use linchpin::queue::McsMutex;
///
/// static LOG: McsMutex<Vec<u32>> = McsMutex::new(Vec::new());
///
/// std::thread::scope(|scope| {
///     for number in 0..4 {
///         scope.spawn(move || LOG.lock().push(number));
///     }
/// });
/// assert_eq!(LOG.lock().len(), 4);
/// ```
pub type McsMutex<T> = lock_api::Mutex<RawMcsMutex, T>;
/// Holds an [`McsMutex`] locked, and unlocks it when dropped.
pub type McsMutexGuard<'a, T> = lock_api::MutexGuard<'a, RawMcsMutex, T>;

/// What a guard of an [`McsMutex`] keeps: its place in the queue.
#[must_use]
pub struct McsGuardState(NonNull<Node>);

// SAFETY: the guard refers to a node, which it does not let anybody use.
unsafe impl Sync for McsGuardState {}

impl fmt::Debug for McsGuardState {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("McsGuardState").finish_non_exhaustive()
    }
}

impl<W: Wait> RawMcsMutex<W> {
    /// Where a thread holds the lock, or the thread's first node is in use.
    #[cold]
    #[inline(never)]
    fn lock_contended(&self) -> McsGuardState {
        let node = cache::take();
        // SAFETY: 1: it is from `take`, so it is this thread's and in no queue; 2, 3: nodes of the cache live for ever.
        if self.is_locked() || !unsafe { self.try_acquire(node) } {
            // SAFETY: 1: the try has failed, so it is still in no queue; 2, 3 as above.
            unsafe { self.enqueue_and_wait::<W>(node) };
        }
        McsGuardState(node)
    }
}

// SAFETY: `acquire` returns to the one thread whose node has come to the front of the queue, and it stays there until
// `release`, which only the holder calls. Nodes of the cache live for ever, and the one of a guard that is forgotten is
// never put back. No operation panics.
unsafe impl<W: Wait> lock_api::RawMutex for RawMcsMutex<W> {
    const INIT: Self = const_init!(Self::with_wait());

    type Guard = McsGuardState;

    #[inline]
    fn lock(&self) -> McsGuardState {
        // SAFETY: 1: it is free, so it is this thread's and in no queue; 2, 3: nodes of the cache live for ever.
        match cache::take_if(|node| unsafe { self.try_acquire(node) }) {
            Some(node) => McsGuardState(node),
            None => self.lock_contended(),
        }
    }

    #[inline]
    fn try_lock(&self) -> Option<McsGuardState> {
        if self.is_locked() {
            return None;
        }
        let node = cache::take();
        // SAFETY: 1: it is from `take`, so it is this thread's and in no queue; 2, 3: nodes of the cache live for ever.
        if unsafe { self.try_acquire(node) } {
            return Some(McsGuardState(node));
        }
        // SAFETY: 1: from `take`; 2: the try has failed, so that no other thread knows it; 3: nor has linked itself to
        // it.
        unsafe { cache::put(node) };
        None
    }

    #[inline]
    unsafe fn unlock(&self, McsGuardState(node): McsGuardState) {
        // SAFETY: acquired with this node and not released since, by the caller's promise.
        unsafe { self.release(node) };
        // SAFETY: 1: a guard's node is from `take`; 2: after the release no thread touches it (invariant 4 of `mcs`),
        // and `release` has left its `next` null (3).
        unsafe { cache::put(node) };
    }

    #[inline]
    fn is_locked(&self) -> bool {
        self.is_locked()
    }
}
