//! A counter whose estimate is one load away: each handle adds to a slot of its own, and tells the shared estimate only
//! when a batch is full (the scheme of Linux's `percpu_counter` and of McKenney's "statistical counters", perfbook
//! chapter 5).

use core::cell::Cell;
use core::fmt;

use crossbeam_utils::CachePadded;

use super::registry::{Lease, Registry};
use crate::backend::atomic::{AtomicU64, Relaxed};
use crate::backend::const_fn;

/// A counter with an estimate that is cheap to read and off by no more than a bound.
///
/// * **Guarantee**: once the adders are quiet, `estimate() <= exact() <= estimate() + error_bound()`, modulo 2^64, and
///   [`exact`](Self::exact) is what was added. A handle that is dropped tells the estimate all it has left: with no
///   handles, both agree. While others add, each is what it has seen (see the [module](super)).
/// * **Cost**: an add is a load and a store; one RMW on the shared line for each `batch` that a handle has added.
///   [`estimate`](Self::estimate) is one load, [`exact`](Self::exact) one for each handle there has been at one time.
/// * **Not for**: counts that are small against `handles x batch`, where the error is most of it.
///
/// ```
/// use linchpin::counter::ApproximateCounter;
///
/// static BYTES: ApproximateCounter = ApproximateCounter::new(1 << 16);
///
/// let bytes = BYTES.register();
/// bytes.add(100_000);
/// bytes.add(1_500);
/// assert_eq!(BYTES.estimate(), 100_000);
/// assert_eq!(BYTES.exact(), 101_500);
/// assert!(BYTES.exact() - BYTES.estimate() <= BYTES.error_bound());
/// drop(bytes);
/// assert_eq!(BYTES.estimate(), 101_500);
/// ```
pub struct ApproximateCounter {
    /// On its own line: readers of the estimate poll it.
    estimate: CachePadded<AtomicU64>,
    registry: Registry,
    batch: u64,
}

impl ApproximateCounter {
    const_fn! {
        /// A counter at 0, of which each handle holds back less than `batch`. Allocates nothing.
        ///
        /// A `batch` of 1 makes the estimate exact, at the price of an RMW for each add.
        ///
        /// # Panics
        ///
        /// If `batch` is 0.
        #[must_use]
        pub const fn new(batch: u64) -> Self {
            assert!(batch > 0, "ApproximateCounter: `batch` must be at least 1, and was 0");
            ApproximateCounter { estimate: CachePadded::new(AtomicU64::new(0)), registry: Registry::new(), batch }
        }
    }

    /// A handle to add with. It takes over the slot of one that was dropped, or allocates one.
    pub fn register(&self) -> ApproximateHandle<'_> {
        ApproximateHandle {
            counter: self,
            lease: self.registry.lease(),
            held_back: Cell::new(0),
        }
    }

    /// What the handles have told so far, in one load: at most [`error_bound`](Self::error_bound) below what was added.
    #[must_use]
    #[inline]
    pub fn estimate(&self) -> u64 {
        // Relaxed: a number that publishes nothing.
        self.estimate.load(Relaxed)
    }

    /// All that has been added, with what the handles still hold back.
    #[must_use]
    pub fn exact(&self) -> u64 {
        self.registry.sum()
    }

    /// How far the estimate may be below the exact count: `batch - 1` for each handle that there is now, forgotten ones
    /// included. Saturates at `u64::MAX`.
    #[must_use]
    pub fn error_bound(&self) -> u64 {
        (self.registry.leases() as u64).saturating_mul(self.batch - 1)
    }
}

impl fmt::Debug for ApproximateCounter {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = formatter.debug_struct("ApproximateCounter");
        shown
            .field("estimate", &self.estimate())
            .field("exact", &self.exact())
            .field("batch", &self.batch)
            .finish()
    }
}

/// A handle that adds to an [`ApproximateCounter`], and holds back less than a batch from its estimate.
///
/// It can be sent to another thread, but not shared by two. Dropped, it tells what it holds back; forgotten, it never
/// does, and [`ApproximateCounter::error_bound`] goes on counting it.
pub struct ApproximateHandle<'counter> {
    counter: &'counter ApproximateCounter,
    lease: Lease<'counter>,
    held_back: Cell<u64>,
}

impl ApproximateHandle<'_> {
    /// Adds 1.
    #[inline]
    pub fn increment(&self) {
        self.add(1);
    }

    /// Adds `amount`, modulo 2^64.
    #[inline]
    pub fn add(&self, amount: u64) {
        self.lease.add(amount);
        let (held_back, wrapped) = self.held_back.get().overflowing_add(amount);
        self.held_back.set(held_back);
        if wrapped || held_back >= self.counter.batch {
            self.flush();
        }
    }

    /// Tells the estimate what this handle holds back, before the batch is full.
    pub fn flush(&self) {
        // Relaxed: an add publishes nothing but itself. One RMW, since all handles flush to the
        // same word.
        // model: counter::no_batch_is_lost
        self.counter.estimate.fetch_add(self.held_back.take(), Relaxed);
    }
}

impl Drop for ApproximateHandle<'_> {
    fn drop(&mut self) {
        self.flush();
    }
}

impl fmt::Debug for ApproximateHandle<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("ApproximateHandle")
            .field("held_back", &self.held_back)
            .finish_non_exhaustive()
    }
}
