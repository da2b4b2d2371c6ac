//! The queue locks.

use super::*;
use linchpin::queue::{McsCell, McsNode, RawMcsMutex};

exactly!(McsCell<Both>: Send + Sync);
exactly!(McsCell<OnlySend>: Send + Sync);
exactly!(McsCell<OnlySync>: neither);
exactly!(McsCell<Neither>: neither);
exactly!(McsCell<dyn Send>: Send + Sync);
exactly!(RawMcsMutex<Spin>: Send + Sync);
exactly!(RawMcsMutex<PhantomData<Rc<()>>>: Send + Sync);
assert_impl_all!(McsNode: Send);
assert_not_impl_any!(McsNode: Clone, Copy);
assert_eq_size!(McsNode, CachePadded<u8>);
assert_eq_align!(McsNode, CachePadded<u8>);
assert_eq_size!(RawMcsMutex, usize);

#[cfg(feature = "std")]
mod guarded {
    use super::*;
    use linchpin::queue::{ClhMutex, ClhMutexGuard, McsMutex, McsMutexGuard, RawClhMutex};
    use lock_api::MappedMutexGuard;

    mutex! { McsMutex ClhMutex }

    /// Its node stays on its thread, whatever the value. Shared, it shares the value.
    macro_rules! guard_that_stays {
        ($($guard:ident$(<$raw:ty>)?)*) => {$(
            exactly!($guard<'static, $($raw,)? Both>: Sync);
            exactly!($guard<'static, $($raw,)? OnlySend>: neither);
            assert_not_impl_any!($guard<'static, $($raw,)? OnlySync>: Send);
            exactly!($guard<'static, $($raw,)? Neither>: neither);
        )*};
    }

    guard_that_stays! {
        McsMutexGuard
        ClhMutexGuard
        MappedMutexGuard<RawMcsMutex>
        MappedMutexGuard<RawClhMutex>
    }

    exactly!(RawClhMutex<Spin>: Send + Sync);
    exactly!(RawClhMutex<PhantomData<Rc<()>>>: Send + Sync);
    assert_eq_size!(McsMutex<()>, ClhMutex<()>, usize);
    assert_eq_size!(McsMutexGuard<'static, u64>, ClhMutexGuard<'static, u64>, [usize; 2]);
}
