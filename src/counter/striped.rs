//! A counter in stripes, each on lines of its own; a thread adds to the stripe of its number (the role of Java's
//! `LongAdder`, Lea 2009; the stripes are those of Fatourou and others' "split counter", here one for each living
//! thread). An add is one RMW, Relaxed, on a cache line that no other core writes as long as there have always been
//! stripes for all. It is wait-free (Herlihy, TOPLAS 1991) where the processor's `fetch_add` is, as on x86-64, except
//! for the first add of a thread: that leases a number, by a compare-exchange that is lock-free, and registers a
//! thread-local destructor, which may allocate.

use core::fmt;

use crossbeam_utils::CachePadded;

use super::stripe_index;
use crate::backend::atomic::{AtomicU64, Relaxed};
use crate::backend::{array, const_fn};

/// A counter for any thread to add to, as to a `static`.
///
/// * **Guarantee**: no add is lost. [`sum`](Self::sum) and [`reset`](Self::reset) are exact once the adders are quiet
///   (see the [module](super)). All counts are modulo 2^64.
/// * **Cost**: an add is one RMW on the thread's stripe: no line moves between cores as long as there have never been
///   more threads at once that count than there are `STRIPES`. A sum loads all stripes. 128 bytes for each stripe (on
///   x86-64), 8 KiB by default.
/// * **Not for**: counters that are read as often as written, or of which there are thousands: take a
///   `CachePadded<AtomicU64>`, or fewer stripes.
///
/// Without the feature `std`, a thread finds its stripe by the place of its stack, so that two may hit the same one.
///
/// ```
/// use linchpin::counter::Counter;
///
/// static REQUESTS: Counter = Counter::new();
///
/// std::thread::scope(|scope| {
///     for _ in 0..4 {
///         scope.spawn(|| REQUESTS.increment());
///     }
/// });
/// assert_eq!(REQUESTS.sum(), 4);
/// ```
pub struct Counter<const STRIPES: usize = { stripe_index::SLOTS }> {
    stripes: [CachePadded<AtomicU64>; STRIPES],
}

impl Counter {
    const_fn! {
        /// A counter at 0, with 64 stripes.
        #[must_use]
        pub const fn new() -> Self {
            Self::with_stripes()
        }
    }
}

impl<const STRIPES: usize> Counter<STRIPES> {
    const MASK: usize = {
        assert!(
            STRIPES.is_power_of_two() && STRIPES <= stripe_index::SLOTS,
            "Counter: `STRIPES` must be 1, 2, 4, 8, 16, 32 or 64"
        );
        STRIPES - 1
    };

    const_fn! {
        /// A counter at 0, with as many stripes as its type says: 1, 2, 4, 8, 16, 32 or 64. Any other number does not
        /// build (`cargo check` sees it only where the counter is a `static` or `const`).
        ///
        /// ```
        /// use linchpin::counter::Counter;
        ///
        /// static SMALL: Counter<4> = Counter::with_stripes();
        /// SMALL.add(2);
        /// assert_eq!(SMALL.sum(), 2);
        /// ```
        #[must_use]
        pub const fn with_stripes() -> Self {
            let _ = Self::MASK;
            Counter { stripes: array![CachePadded::new(AtomicU64::new(0)); STRIPES] }
        }
    }

    /// Adds 1.
    #[inline]
    pub fn increment(&self) {
        self.add(1);
    }

    /// Adds `amount`, modulo 2^64.
    #[inline]
    pub fn add(&self, amount: u64) {
        let stripe = &self.stripes[stripe_index::current() & Self::MASK];
        // Relaxed: an add publishes nothing but itself. That it is one RMW is what keeps it, since
        // another thread may have the same stripe, or `reset` be under way.
        // model: counter::no_add_is_lost
        stripe.fetch_add(amount, Relaxed);
    }

    /// All that has been added since the last [`reset`](Self::reset), as far as it has arrived (see the
    /// [module](super)).
    #[must_use]
    pub fn sum(&self) -> u64 {
        // Relaxed: coherence alone brings in each add that happens before this call.
        self.stripes
            .iter()
            .fold(0, |sum, stripe| sum.wrapping_add(stripe.load(Relaxed)))
    }

    /// Sets the counter back to 0 and returns what it held.
    ///
    /// Every add is in exactly one result: that of one of the resets, or of the sum that remains. So a reporter that
    /// resets once a minute misses nothing and counts nothing twice, also while others add.
    ///
    /// ```
    /// use linchpin::counter::Counter;
    ///
    /// let bytes = Counter::new();
    /// bytes.add(1500);
    /// assert_eq!(bytes.reset(), 1500);
    /// assert_eq!(bytes.sum(), 0);
    /// ```
    pub fn reset(&self) -> u64 {
        // Relaxed: as in `add`. One RMW for each stripe, so that no add falls between a load and a
        // store.
        // model: counter::reset_loses_nothing
        self.stripes
            .iter()
            .fold(0, |sum, stripe| sum.wrapping_add(stripe.swap(0, Relaxed)))
    }
}

impl<const STRIPES: usize> Default for Counter<STRIPES> {
    fn default() -> Self {
        Self::with_stripes()
    }
}

impl<const STRIPES: usize> fmt::Debug for Counter<STRIPES> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Counter").field("sum", &self.sum()).finish()
    }
}
