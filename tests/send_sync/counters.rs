//! The counters.

use super::*;
use linchpin::counter::Counter;
use std::panic::{RefUnwindSafe, UnwindSafe};

exactly!(Counter: Send + Sync);
exactly!(Counter<1>: Send + Sync);
assert_impl_all!(Counter: UnwindSafe, RefUnwindSafe);

// 128 bytes for each stripe (on x86-64), 8 KiB by default.
assert_eq_size!(Counter, Counter<64>);
assert_eq_size!(Counter<64>, [CachePadded<u64>; 64]);
assert_eq_size!(Counter<1>, CachePadded<u64>);
assert_eq_align!(Counter<1>, CachePadded<u64>);
#[cfg(target_arch = "x86_64")]
const_assert_eq!(size_of::<Counter>(), 8 * 1024);
#[cfg(target_arch = "x86_64")]
const_assert_eq!(size_of::<Counter<4>>(), 4 * 128);

#[cfg(feature = "alloc")]
mod handles {
    use super::*;
    use linchpin::counter::{ApproximateCounter, ApproximateHandle, LocalCounter, LocalCounterHandle};

    exactly!(LocalCounter: Send + Sync);
    exactly!(ApproximateCounter: Send + Sync);
    // A slot has one writer: its handle may move to another thread, and not be shared by two.
    exactly!(LocalCounterHandle<'static>: Send);
    exactly!(ApproximateHandle<'static>: Send);
    assert_not_impl_any!(LocalCounterHandle<'static>: Clone, Copy);
    assert_not_impl_any!(ApproximateHandle<'static>: Clone, Copy);
    assert_impl_all!(LocalCounter: UnwindSafe, RefUnwindSafe);
    assert_impl_all!(ApproximateCounter: UnwindSafe, RefUnwindSafe);

    // No more than the two words of the documentation.
    static_assertions::const_assert!(size_of::<LocalCounter>() <= 2 * size_of::<usize>());
    // The estimate has its own line, and the rest one more.
    assert_eq_align!(ApproximateCounter, CachePadded<u64>);
    static_assertions::const_assert!(size_of::<ApproximateCounter>() == 2 * size_of::<CachePadded<u64>>());
}
