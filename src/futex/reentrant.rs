//! A mutex that its holder may lock again.

use core::cell::Cell;
use core::num::NonZeroUsize;

use super::mutex::RawMutex;
use crate::backend::atomic::{AtomicUsize, Relaxed};
use crate::backend::{const_fn, const_init, global, per_thread};

/// A [`Mutex`](super::Mutex) that the thread which holds it may lock again.
///
/// * **Guarantee**: one thread at a time; it holds the lock until as many guards are dropped as it has taken. Guards give `&T`, so a
///   value that changes is a `Cell` or a `RefCell`.
/// * **Cost**: that of [`Mutex`](super::Mutex), 24 bytes where a word has 64 bits, and a look which thread this is.
/// * **Panics**: at the 2^64th lock of one thread (2^32nd, with 32 bits).
/// * **Not for**: what a plan of which function locks what makes needless. A thread that forgets a guard and ends leaves the lock
///   locked for ever: numbers of threads are not used again.
///
/// ```
/// use linchpin::futex::ReentrantMutex;
/// use std::cell::Cell;
///
/// let total = ReentrantMutex::new(Cell::new(0));
/// let outer = total.lock();
/// total.lock().set(outer.get() + 1);
/// assert_eq!(outer.get(), 1);
/// ```
pub type ReentrantMutex<T> = lock_api::ReentrantMutex<RawMutex, RawThreadId, T>;
/// Holds a [`ReentrantMutex`] locked once more, and unlocks it as often when dropped.
pub type ReentrantMutexGuard<'a, T> = lock_api::ReentrantMutexGuard<'a, RawMutex, RawThreadId, T>;
/// Holds a [`ReentrantMutex`] locked once more for a part of its value.
pub type MappedReentrantMutexGuard<'a, T> = lock_api::MappedReentrantMutexGuard<'a, RawMutex, RawThreadId, T>;

/// The numbers by which a [`ReentrantMutex`] knows its thread: each thread has one of its own, and none has it again.
#[derive(Debug, Default)]
pub struct RawThreadId(());

impl RawThreadId {
    const_fn! {
        /// The numbers.
        #[must_use]
        pub const fn new() -> Self {
            RawThreadId(())
        }
    }
}

global! {
    /// The number of the thread that asks next.
    fn next() -> AtomicUsize = AtomicUsize::new(1);
}

per_thread! {
    /// The number of this thread; 0 until it asks.
    static NUMBER: Cell<usize> = Cell::new(0);
}

// SAFETY: a number is given out once, to the thread that keeps it; the thread-local has no destructor, so a thread does not lose
// it before it ends.
unsafe impl lock_api::GetThreadId for RawThreadId {
    const INIT: Self = const_init!(Self::new());

    #[inline]
    fn nonzero_thread_id(&self) -> NonZeroUsize {
        NUMBER.with(|number| NonZeroUsize::new(number.get()).unwrap_or_else(|| ask(number)))
    }
}

#[cold]
fn ask(number: &Cell<usize>) -> NonZeroUsize {
    let next = next();
    // Relaxed: the number is all there is to it.
    let mut mine = next.load(Relaxed);
    loop {
        let after = mine
            .checked_add(1)
            .expect("there are no numbers left for threads that lock a ReentrantMutex");
        // Relaxed: nothing is published with it. One step, so that no two threads have one number.
        // model: futex::reentrant_mutex_excludes
        match next.compare_exchange(mine, after, Relaxed, Relaxed) {
            Ok(_) => break,
            Err(now) => mine = now,
        }
    }
    number.set(mine);
    NonZeroUsize::new(mine).expect("numbers begin with 1")
}
