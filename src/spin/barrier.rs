//! A barrier that spins, in one word, for places without `std` and `alloc`.
//!
//! | half of the word | meaning |
//! |---|---|
//! | low | how many threads have arrived in this episode |
//! | high | how many episodes have been completed, modulo 2^32 (2^16 where a word has 32 bits) |
//!
//! An arrival changes both in one step: the last one of an episode begins the next.

use core::fmt;
use core::marker::PhantomData;

use crate::backend::atomic::{AcqRel, Acquire, AtomicUsize, Relaxed};
use crate::backend::const_fn;
use crate::wait::{Backoff, DefaultWait, Wait};

const HALF: u32 = usize::BITS / 2;
const ARRIVED: usize = usize::MAX >> HALF;
/// One episode further.
const EPISODE: usize = 1 << HALF;

/// A barrier for `n` threads that spin until all have arrived.
///
/// * **Guarantee**: no thread leaves an episode before `n` have arrived in it, and each then sees what all did before. One of
///   them is the leader: the last to arrive. More threads than `n` may share one.
/// * **Cost**: a word for its state and one for `n`. An arrival is one RMW, on the line that all waiters look at.
/// * **Not for**: many threads, or waits of more than microseconds: [`barrier::Barrier`](crate::barrier::Barrier) spreads its two
///   words, sleeps, times out, and is poisoned by a panic. This one needs no 64-bit atomics and neither `std` nor `alloc`.
///
/// The API is that of the crate `spin`.
///
/// ```
/// use linchpin::spin::Barrier;
///
/// static MEET: Barrier = Barrier::new(3);
/// let leaders: usize = std::thread::scope(|scope| {
///     let threads = [(); 3].map(|()| scope.spawn(|| MEET.wait().is_leader()));
///     threads.into_iter().map(|thread| usize::from(thread.join().unwrap())).sum()
/// });
/// assert_eq!(leaders, 1);
/// ```
pub struct Barrier<W = DefaultWait> {
    state: AtomicUsize,
    participants: usize,
    wait: PhantomData<fn(W)>,
}

/// What [`Barrier::wait`] returns: whether this thread is the leader.
pub struct BarrierWaitResult(bool);

impl BarrierWaitResult {
    /// Whether this thread was the last to arrive.
    #[must_use]
    pub fn is_leader(&self) -> bool {
        self.0
    }
}

impl fmt::Debug for BarrierWaitResult {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("BarrierWaitResult")
            .field("is_leader", &self.0)
            .finish()
    }
}

impl Barrier {
    const_fn! {
        /// A barrier for `n` threads; with 0, as with 1, no thread waits.
        ///
        /// # Panics
        ///
        /// If `n` is above 4,294,967,295, or 65,535 where a word has 32 bits.
        #[must_use]
        pub const fn new(n: usize) -> Self {
            Self::with_wait(n)
        }
    }
}

impl<W: Wait> Barrier<W> {
    const_fn! {
        /// The same, whose waiters wait as `W` says.
        ///
        /// # Panics
        ///
        /// As [`new`](Barrier::new).
        #[must_use]
        pub const fn with_wait(n: usize) -> Self {
            assert!(n <= ARRIVED, "`n` does not fit into half a word: so many threads a spin::Barrier does not take");
            Barrier { state: AtomicUsize::new(0), participants: n, wait: PhantomData }
        }
    }

    /// Arrives, and waits for the others.
    pub fn wait(&self) -> BarrierWaitResult {
        // Relaxed: what is read here only proposes the compare-exchange, and that has the ordering.
        let mut state = self.state.load(Relaxed);
        let is_leader = loop {
            let is_last = (state & ARRIVED) + 1 >= self.participants;
            let arrived = if is_last {
                (state & !ARRIVED).wrapping_add(EPISODE)
            } else {
                state + 1
            };
            // AcqRel: the last arrival synchronizes with the others, whose compare-exchanges form a
            // release sequence, and the waiters with the last: each sees what all did before.
            // model: spin::barrier_meets
            match self.state.compare_exchange(state, arrived, AcqRel, Relaxed) {
                Ok(_) => break is_last,
                Err(now) => state = now,
            }
        };
        if !is_leader {
            let mut backoff = Backoff::new();
            // Acquire: synchronizes with the last arrival, which has seen all the others.
            // model: spin::barrier_meets
            while self.state.load(Acquire) & !ARRIVED == state & !ARRIVED {
                backoff.wait::<W>();
            }
        }
        BarrierWaitResult(is_leader)
    }
}

impl<W> fmt::Debug for Barrier<W> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Barrier")
            .field("participants", &self.participants)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::thread;

    /// Episodes come round, and the count of arrivals is not carried into by that.
    #[test]
    fn episodes_wrap() {
        let barrier = Barrier {
            state: AtomicUsize::new(!ARRIVED),
            ..Barrier::new(2)
        };
        thread::scope(|scope| {
            let other = scope.spawn(|| [barrier.wait().is_leader(), barrier.wait().is_leader()]);
            let here = [barrier.wait().is_leader(), barrier.wait().is_leader()];
            let there = other.join().expect("it only waits");
            assert!((0..2).all(|episode| here[episode] != there[episode]));
        });
        assert_eq!(barrier.state.load(Relaxed), EPISODE);
    }
}
