//! A value goes in on one thread and comes out on another; no thread has a reference to one inside.

use std::fmt::Debug;
use std::panic::{RefUnwindSafe, UnwindSafe};

use super::*;
use linchpin::reclaim::{AtomicTagged, Tagged};
use linchpin::stack::{HazardStack, TaggedStack, hazard, tagged};

/// Without any trait.
struct Opaque;

macro_rules! stack {
    ($($Stack:ident $module:ident)*) => {$(
        exactly!($Stack<Both>: Send + Sync);
        exactly!($Stack<OnlySend>: Send + Sync);
        exactly!($Stack<OnlySync>: neither);
        exactly!($Stack<Neither>: neither);
        exactly!($Stack<Pointer>: neither);
        exactly!($module::IntoIter<OnlySend>: Send + Sync);
        exactly!($module::IntoIter<OnlySync>: neither);
        exactly!($module::PopAll<'static, Both>: Send + Sync);
        exactly!($module::PopAll<'static, OnlySend>: Send + Sync);
        exactly!($module::PopAll<'static, OnlySync>: neither);
        exactly!($module::PopAll<'static, Neither>: neither);
        // No value is ever seen half moved, so an operation that unwinds leaves nothing behind that it has broken.
        assert_impl_all!($Stack<OnlySend>: UnwindSafe, RefUnwindSafe);
        assert_impl_all!($module::IntoIter<OnlySend>: UnwindSafe, RefUnwindSafe);
        assert_impl_all!($module::PopAll<'static, OnlySend>: UnwindSafe, RefUnwindSafe);
        // Whatever its values are, as they are not shown.
        assert_impl_all!($Stack<Opaque>: Debug);
        assert_impl_all!($module::IntoIter<Opaque>: Debug);
        assert_impl_all!($module::PopAll<'static, Opaque>: Debug);
        assert_not_impl_any!($Stack<Both>: Clone);
        assert_not_impl_any!($module::PopAll<'static, Both>: Clone);
    )*};
}

stack! { TaggedStack tagged HazardStack hazard }
#[cfg(feature = "epoch")]
mod epochs {
    use super::*;
    use linchpin::stack::{EpochStack, epoch};

    stack! { EpochStack epoch }
}
exactly!(AtomicTagged: Send + Sync);
exactly!(Tagged: Send + Sync);
assert_eq_size!(AtomicTagged, Tagged, u64);
