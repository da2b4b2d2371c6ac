//! Stand-ins for [`core::sync::atomic`]: the same types with the same methods, size and alignment, and billed.
//!
//! Constructors, `get_mut`, `with_mut` and `into_inner` are not billed: they need no coherence. A store with
//! [`Ordering::SeqCst`] is billed as a store and a fence, as it is compiled on x86; no other ordering makes a difference to
//! the bill. A compare-and-swap takes ownership also if it fails, and writes back what it found; the weak form fails only if the value differs.

mod boolean;
mod integer;
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

/// The methods that all atomics share. `$std` is the type they stand in for, `$value` what it holds.
macro_rules! common {
    ([$($generics:tt)*] $name:ty, $std:ty, $value:ty) => {
        impl $($generics)* $name {
            /// An atomic that holds `value`; not billed.
            pub const fn new(value: $value) -> Self {
                Self(<$std>::new(value))
            }

            /// The value, borrowed exclusively; not billed.
            pub fn get_mut(&mut self) -> &mut $value {
                self.0.get_mut()
            }

            /// Calls `f` with the value, borrowed exclusively, as loom has it; not billed.
            pub fn with_mut<R>(&mut self, f: impl FnOnce(&mut $value) -> R) -> R {
                f(self.0.get_mut())
            }

            /// The value; not billed.
            pub fn into_inner(self) -> $value {
                self.0.into_inner()
            }

            /// A pointer to the value. What is done through it is not billed.
            pub const fn as_ptr(&self) -> *mut $value {
                self.0.as_ptr()
            }

            #[inline]
            fn bill(&self, kind: Kind, site: Site, effect: impl Fn($value) -> Effect) {
                let address = core::ptr::from_ref(self).addr();
                engine::access(address, size_of::<Self>(), kind, site, || effect(self.0.load(Ordering::Relaxed)));
            }

            /// Reads the value. Billed as a load.
            ///
            /// # Panics
            /// If `order` is [`Release`](Ordering::Release) or [`AcqRel`](Ordering::AcqRel).
            #[inline]
            #[track_caller]
            pub fn load(&self, order: Ordering) -> $value {
                self.bill(Kind::Load, Location::caller(), |_| Effect::READ);
                self.0.load(order)
            }

            /// Writes the value. Billed as a store.
            ///
            /// # Panics
            /// If `order` is [`Acquire`](Ordering::Acquire) or [`AcqRel`](Ordering::AcqRel).
            #[inline]
            #[track_caller]
            pub fn store(&self, value: $value, order: Ordering) {
                self.bill(Kind::Store, Location::caller(), |old| Effect::of(old, value));
                self.0.store(value, order);
                if order == Ordering::SeqCst {
                    engine::fence();
                }
            }

            /// Writes the value and returns the one before. Billed as a read-modify-write.
            #[inline]
            #[track_caller]
            pub fn swap(&self, value: $value, order: Ordering) -> $value {
                self.bill(Kind::Rmw, Location::caller(), |old| Effect::of(old, value));
                self.0.swap(value, order)
            }

            /// Writes `new` if the value is `current`. Billed as a read-modify-write, also if it fails: it then writes back what
            /// it found, as an x86 does.
            ///
            /// # Errors
            /// The value that was there, if it is not `current`.
            ///
            /// # Panics
            /// If `failure` is [`Release`](Ordering::Release) or [`AcqRel`](Ordering::AcqRel).
            #[inline]
            #[track_caller]
            pub fn compare_exchange(
                &self,
                current: $value,
                new: $value,
                success: Ordering,
                failure: Ordering,
            ) -> Result<$value, $value> {
                let effect = |old| Effect::of(old, if old == current { new } else { old });
                self.bill(Kind::Rmw, Location::caller(), effect);
                self.0.compare_exchange(current, new, success, failure)
            }

            /// [`compare_exchange`](Self::compare_exchange): in a simulation the weak form does not fail spuriously.
            ///
            /// # Errors
            /// The value that was there, if it is not `current`.
            ///
            /// # Panics
            /// If `failure` is [`Release`](Ordering::Release) or [`AcqRel`](Ordering::AcqRel).
            #[inline]
            #[track_caller]
            pub fn compare_exchange_weak(
                &self,
                current: $value,
                new: $value,
                success: Ordering,
                failure: Ordering,
            ) -> Result<$value, $value> {
                self.compare_exchange(current, new, success, failure)
            }

            /// Replaces the value by what `f` makes of it, until that succeeds or `f` answers `None`. Billed as a load
            /// and a read-modify-write for each attempt.
            ///
            /// # Errors
            /// The value for which `f` answered `None`.
            ///
            /// # Panics
            /// If `fetch` is [`Release`](Ordering::Release) or [`AcqRel`](Ordering::AcqRel).
            #[inline]
            #[track_caller]
            pub fn fetch_update(
                &self,
                set: Ordering,
                fetch: Ordering,
                mut f: impl FnMut($value) -> Option<$value>,
            ) -> Result<$value, $value> {
                let mut old = self.load(fetch);
                while let Some(new) = f(old) {
                    match self.compare_exchange_weak(old, new, set, fetch) {
                        Err(other) => old = other,
                        done => return done,
                    }
                }
                Err(old)
            }
        }

        impl $($generics)* From<$value> for $name {
            fn from(value: $value) -> Self {
                Self::new(value)
            }
        }

        impl $($generics)* core::fmt::Debug for $name {
            /// Shows the value; not billed.
            fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
                self.0.fmt(f)
            }
        }
    };
}

/// Read-modify-writes: each is billed, and changes memory unless the new value equals the old.
macro_rules! fetches {
    ($value:ty: $($(#[$doc:meta])* $method:ident => |$old:ident, $operand:ident| $new:expr;)*) => {$(
        $(#[$doc])*
        /// Returns the value before. Billed as a read-modify-write.
        #[inline]
        #[track_caller]
        pub fn $method(&self, $operand: $value, order: Ordering) -> $value {
            self.bill(Kind::Rmw, Location::caller(), |$old| Effect::of($old, $new));
            self.0.$method($operand, order)
        }
    )*};
}

use {common, fetches};
