//! Stand-ins for [`core::sync::atomic`]: the same types with the same methods, size and alignment,
//! and billed.
//!
//! Constructors, `get_mut`, `with_mut` and `into_inner` are not billed: they need no coherence. A
//! store with [`Ordering::SeqCst`] is billed as a store and a fence, as it is compiled on x86; no
//! other ordering makes a difference to the bill. A compare-and-swap takes ownership also if it
//! fails, and writes back what it found; the weak form fails only if the value differs.

mod boolean;
mod integer;
mod methods;
mod pointer;

pub use core::sync::atomic::{Ordering, compiler_fence};

pub use boolean::AtomicBool;
pub use integer::{
    AtomicI8, AtomicI16, AtomicI32, AtomicI64, AtomicIsize, AtomicU8, AtomicU16, AtomicU32, AtomicU64, AtomicUsize,
};
pub use pointer::AtomicPtr;

/// A memory fence. Sequentially consistent ones are billed; weaker ones cost nothing, as on x86.
///
/// # Panics
/// If `order` is [`Ordering::Relaxed`].
#[inline]
#[track_caller]
pub fn fence(order: Ordering) {
    core::sync::atomic::fence(order);
    if order == Ordering::SeqCst {
        crate::engine::fence();
    }
}
