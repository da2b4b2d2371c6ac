//! A value goes in on one thread and comes out on another; no thread has a reference to one inside.

use super::*;
use linchpin::reclaim::{AtomicTagged, Tagged};
use linchpin::stack::{HazardStack, TaggedStack, hazard, tagged};

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
