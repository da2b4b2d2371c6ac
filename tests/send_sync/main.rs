//! What may be sent and shared, both ways, and how large everything is: checked where it is compiled.
//!
//! More than 50 of 65 thread-safety advisories are a guard or a handle that is `Send` or `Sync` without the bound it
//! needs. So each type is asked with a value of each of the four kinds, and each answer that is *no* is asserted too.
#![allow(dead_code, reason = "types that only the assertions use")]

use std::cell::Cell;
use std::marker::PhantomData;
use std::rc::Rc;

use linchpin::CachePadded;
use linchpin::wait::Spin;
use static_assertions::{assert_eq_align, assert_eq_size, assert_impl_all, assert_not_impl_any, const_assert_eq};

/// `Send` and `Sync`.
type Both = u64;
/// `Send`, not `Sync`.
type OnlySend = Cell<u64>;
/// `Sync`, not `Send`, as std's guard is.
type OnlySync = std::sync::MutexGuard<'static, u64>;
/// Neither.
type Neither = Rc<u64>;
/// Neither, for another reason.
type Pointer = *const ();

assert_impl_all!(Both: Send, Sync);
assert_impl_all!(OnlySend: Send);
assert_not_impl_any!(OnlySend: Sync);
assert_impl_all!(OnlySync: Sync);
assert_not_impl_any!(OnlySync: Send);
assert_not_impl_any!(Neither: Send, Sync);
assert_not_impl_any!(Pointer: Send, Sync);

/// Asserts that a type implements exactly this much of `Send` and `Sync`.
macro_rules! exactly {
    ($type:ty: Send + Sync) => {
        assert_impl_all!($type: Send, Sync);
    };
    ($type:ty: Send) => {
        assert_impl_all!($type: Send);
        assert_not_impl_any!($type: Sync);
    };
    ($type:ty: Sync) => {
        assert_impl_all!($type: Sync);
        assert_not_impl_any!($type: Send);
    };
    ($type:ty: neither) => {
        assert_not_impl_any!($type: Send, Sync);
    };
}

/// A lock passes its value from thread to thread, the thread that shares it: that takes `Send`, and no more.
macro_rules! mutex {
    ($($lock:ident)*) => {$(
        exactly!($lock<Both>: Send + Sync);
        exactly!($lock<OnlySend>: Send + Sync);
        exactly!($lock<OnlySync>: neither);
        exactly!($lock<Neither>: neither);
        exactly!($lock<Pointer>: neither);
        exactly!($lock<dyn Send>: Send + Sync);
        exactly!($lock<dyn Sync>: neither);
        exactly!($lock<[u8]>: Send + Sync);
    )*};
}

/// A guard is the exclusive reference that it gives: sent, it sends the value; shared, it shares the value.
macro_rules! exclusive_guard {
    ($($guard:ident$(<$raw:ty>)?)*) => {$(
        exactly!($guard<'static, $($raw,)? Both>: Send + Sync);
        exactly!($guard<'static, $($raw,)? OnlySend>: Send);
        exactly!($guard<'static, $($raw,)? Neither>: neither);
        exactly!($guard<'static, $($raw,)? Pointer>: neither);
        // That it is not `Sync` is more careful than it need be, in some guards of `lock_api`; what matters is `Send`.
        assert_not_impl_any!($guard<'static, $($raw,)? OnlySync>: Send);
    )*};
}

/// A reader's guard is the shared reference that it gives: to send it takes `Sync`.
macro_rules! shared_guard {
    ($($guard:ident$(<$raw:ty>)?)*) => {$(
        exactly!($guard<'static, $($raw,)? Both>: Send + Sync);
        exactly!($guard<'static, $($raw,)? OnlySend>: neither);
        exactly!($guard<'static, $($raw,)? Neither>: neither);
        exactly!($guard<'static, $($raw,)? Pointer>: neither);
    )*};
}

#[cfg(target_has_atomic = "64")]
mod counters;
#[cfg(all(feature = "alloc", target_has_atomic = "64"))]
mod deques;
#[cfg(feature = "std")]
mod futexes;
#[cfg(all(feature = "alloc", target_has_atomic = "64"))]
mod hazards;
mod once;
#[cfg(all(feature = "std", any(target_os = "linux", target_os = "android")))]
mod pi;
mod queues;
mod spins;
#[cfg(feature = "std")]
mod stacks;

/// `CachePadded` *is* that of `crossbeam_utils`, which other crates hand around: there is one in the dependency graph.
#[test]
fn what_this_file_asserts_has_been_compiled() {
    assert_eq!(
        std::any::type_name::<CachePadded<u8>>(),
        "crossbeam_utils::cache_padded::CachePadded<u8>"
    );
}
