//! The deques.

use super::*;
use linchpin::deque::{Bounded, Drain, Injector, Steal, Stealer, Unbounded, Worker, block};

/// Elements pass from one thread to another and are never shared: that takes `Send`, and no more. There is one owner at a
/// time, which may move; stealers and injectors are shared.
macro_rules! deque {
    ($(($owner:ident $(, $capacity:ty)?), $shared:ident;)*) => {$(
        exactly!($owner<Both $(, $capacity)?>: Send);
        exactly!($owner<OnlySend $(, $capacity)?>: Send);
        exactly!($owner<OnlySync $(, $capacity)?>: neither);
        exactly!($owner<Neither $(, $capacity)?>: neither);
        exactly!($owner<Pointer $(, $capacity)?>: neither);
        exactly!($shared<Both>: Send + Sync);
        exactly!($shared<OnlySend>: Send + Sync);
        exactly!($shared<OnlySync>: neither);
        exactly!($shared<Neither>: neither);
        exactly!($shared<Pointer>: neither);
        assert_not_impl_any!($owner<Both $(, $capacity)?>: Clone, Copy);
    )*};
}

use block::{Stealer as BlockStealer, Worker as BlockWorker};
deque! {
    (Worker), Stealer;
    (Worker, Unbounded), Stealer;
    (Worker, Bounded), Injector;
    (BlockWorker), BlockStealer;
}
assert_impl_all!(Stealer<Both>: Clone);
// As the peer's: none of them is left broken by a panic.
assert_impl_all!(Worker<OnlySend>: std::panic::UnwindSafe);
assert_impl_all!(Stealer<OnlySend>: std::panic::UnwindSafe, std::panic::RefUnwindSafe);
assert_impl_all!(Injector<OnlySend>: std::panic::UnwindSafe, std::panic::RefUnwindSafe);
assert_impl_all!(BlockWorker<OnlySend>: std::panic::UnwindSafe);
assert_impl_all!(BlockStealer<OnlySend>: std::panic::UnwindSafe, std::panic::RefUnwindSafe);
assert_impl_all!(BlockStealer<Both>: Clone);
// Borrowed from an owner, which is not shared.
exactly!(Drain<'static, Both, Unbounded>: neither);
exactly!(block::Drain<'static, Both>: neither);
exactly!(Steal<Both>: Send + Sync);
exactly!(Steal<Neither>: neither);
assert_eq_size!(Stealer<Both>, [usize; 2]);
