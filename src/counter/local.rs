//! A counter of single-writer slots: each handle adds to its own by a load and a store.

use core::fmt;

use super::registry::{Lease, Registry};
use crate::backend::const_fn;

/// What all its [`LocalCounterHandle`]s have added, together.
///
/// * **Guarantee**: no add is lost, also when its handle has been dropped. [`sum`](Self::sum) is exact once the adders
///   are quiet (see the [module](super)). All counts are modulo 2^64.
/// * **Cost**: one word, and a line (128 bytes on x86-64) for each handle that there has been at one time. To
///   [`register`](Self::register) or to sum walks over these lines.
/// * **Not for**: adds from wherever the program happens to be, with no place to keep a handle: that is what
///   [`Counter`](super::Counter) is for. Nor for handles that are made for a single add.
///
/// ```
/// use linchpin::counter::LocalCounter;
///
/// static PACKETS: LocalCounter = LocalCounter::new();
///
/// std::thread::scope(|scope| {
///     for _ in 0..4 {
///         scope.spawn(|| {
///             let packets = PACKETS.register();
///             for _ in 0..1000 {
///                 packets.add(1);
///             }
///         });
///     }
/// });
/// assert_eq!(PACKETS.sum(), 4000);
/// ```
pub struct LocalCounter {
    registry: Registry,
}

impl LocalCounter {
    const_fn! {
        /// A counter at 0, without handles. Allocates nothing.
        #[must_use]
        pub const fn new() -> Self {
            LocalCounter { registry: Registry::new() }
        }
    }

    /// A handle to add with. It takes over the slot of one that was dropped, or allocates one.
    pub fn register(&self) -> LocalCounterHandle<'_> {
        LocalCounterHandle {
            lease: self.registry.lease(),
        }
    }

    /// All that has ever been added, as far as it has arrived (see the [module](super)).
    #[must_use]
    pub fn sum(&self) -> u64 {
        self.registry.sum()
    }
}

impl Default for LocalCounter {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for LocalCounter {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("LocalCounter")
            .field("sum", &self.sum())
            .finish()
    }
}

/// A handle that adds to a [`LocalCounter`], in a slot of its own.
///
/// An add is a load and a store, wait-free from the first on, with no RMW and no cache line that moves: the fastest
/// there is (what can wait or allocate is [`register`](LocalCounter::register)). The handle can be sent to another
/// thread, but not shared by two:
///
/// ```compile_fail
/// let counters = linchpin::counter::LocalCounter::new();
/// let local = counters.register();
/// std::thread::scope(|scope| {
///     scope.spawn(|| local.add(1)); // `LocalCounterHandle` cannot be shared between threads safely
/// });
/// ```
///
/// Dropped, it leaves what it has added, and its slot to the next handle. Forgotten, it leaves its slot unused.
pub struct LocalCounterHandle<'counters> {
    lease: Lease<'counters>,
}

impl LocalCounterHandle<'_> {
    /// Adds 1.
    #[inline]
    pub fn increment(&self) {
        self.add(1);
    }

    /// Adds `amount`, modulo 2^64.
    #[inline]
    pub fn add(&self, amount: u64) {
        self.lease.add(amount);
    }
}

impl fmt::Debug for LocalCounterHandle<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("LocalCounterHandle").finish_non_exhaustive()
    }
}
