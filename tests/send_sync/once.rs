//! What happens once, and values that are made once.

use super::*;
use linchpin::wait::{LazyLock, OnceLock};
use std::panic::{RefUnwindSafe, UnwindSafe};

// Shared, it shares the value and passes it on: the thread that makes it need not be the one that drops it.
exactly!(OnceLock<Both>: Send + Sync);
exactly!(OnceLock<OnlySend>: Send);
exactly!(OnceLock<OnlySync>: neither);
exactly!(OnceLock<Neither>: neither);
exactly!(OnceLock<Pointer>: neither);
exactly!(OnceLock<Both, PhantomData<Rc<()>>>: Send + Sync);
assert_impl_all!(OnceLock<Both>: UnwindSafe, RefUnwindSafe);
assert_not_impl_any!(OnceLock<&'static mut u64>: UnwindSafe, RefUnwindSafe);
assert_not_impl_any!(OnceLock<OnlySend>: RefUnwindSafe);

// A closure goes to the thread that comes first, and is not shared.
exactly!(LazyLock<Both, Both>: Send + Sync);
exactly!(LazyLock<Both, OnlySend>: Send + Sync);
exactly!(LazyLock<Both, OnlySync>: neither);
exactly!(LazyLock<Both, Neither>: neither);
exactly!(LazyLock<OnlySend, Both>: Send);
exactly!(LazyLock<OnlySync, Both>: neither);
exactly!(LazyLock<Neither, Both>: neither);
exactly!(LazyLock<Both, Both, PhantomData<Rc<()>>>: Send + Sync);
assert_impl_all!(LazyLock<Both, Both>: UnwindSafe, RefUnwindSafe);
assert_not_impl_any!(LazyLock<Both, &'static mut u64>: UnwindSafe, RefUnwindSafe);
assert_not_impl_any!(LazyLock<&'static mut u64, Both>: UnwindSafe, RefUnwindSafe);

assert_eq_size!(OnceLock<()>, u32);
assert_eq_size!(OnceLock<u32>, u64);
assert_eq_size!(LazyLock<(), ()>, [u32; 2]);
