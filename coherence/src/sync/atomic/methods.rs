//! The methods of the atomics, as macros. They are expanded where `Ordering`, `Location` and the
//! names of the engine are imported.

/// The methods that all atomics share. `$std` is the type they stand in for, `$value` what it
/// holds.
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

            /// Writes `new` if the value is `current`. Billed as a read-modify-write, also if it
            /// fails: it then writes back what it found, as an x86 does.
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

            /// [`compare_exchange`](Self::compare_exchange): in a simulation the weak form does not
            /// fail spuriously.
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

            /// Replaces the value by what `f` makes of it, until that succeeds or `f` returns
            /// `None`. Billed as a load and a read-modify-write for each attempt.
            ///
            /// # Errors
            /// The value for which `f` returned `None`.
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

pub(super) use {common, fetches};
