//! A stand-in for [`core::cell::UnsafeCell`] in loom's shape.

use core::panic::Location;

use crate::engine::{self, Effect, Kind};

/// Memory shared without atomics; each use is billed like any other access.
///
/// Same size and alignment as `T`. [`with`](UnsafeCell::with) is billed as a load and
/// [`with_mut`](UnsafeCell::with_mut) as a store of all of `T`, line by line. Nothing is checked:
/// whether uses race is for loom to find.
#[derive(Default)]
#[repr(transparent)]
pub struct UnsafeCell<T: ?Sized>(core::cell::UnsafeCell<T>);

impl<T> UnsafeCell<T> {
    /// A cell that holds `value`; not billed.
    pub const fn new(value: T) -> Self {
        UnsafeCell(core::cell::UnsafeCell::new(value))
    }

    /// The value; not billed.
    pub fn into_inner(self) -> T {
        self.0.into_inner()
    }
}

impl<T: ?Sized> UnsafeCell<T> {
    /// Bills a load of the value and calls `f` with a pointer to it. Use the pointer only within
    /// `f`.
    ///
    /// ```
    /// let cell = coherence::cell::UnsafeCell::new(7);
    /// // SAFETY: this is the only reference to the cell.
    /// assert_eq!(cell.with(|value| unsafe { *value }), 7);
    /// ```
    #[inline]
    #[track_caller]
    pub fn with<R>(&self, f: impl FnOnce(*const T) -> R) -> R {
        self.bill(Kind::Load, Effect::READ);
        f(self.0.get())
    }

    /// Bills a store of the value and calls `f` with a pointer to it. Use the pointer only within
    /// `f`.
    #[inline]
    #[track_caller]
    pub fn with_mut<R>(&self, f: impl FnOnce(*mut T) -> R) -> R {
        self.bill(Kind::Store, Effect::WRITE);
        f(self.0.get())
    }

    /// The value, borrowed exclusively; not billed.
    pub fn get_mut(&mut self) -> &mut T {
        self.0.get_mut()
    }

    #[inline]
    #[track_caller]
    fn bill(&self, kind: Kind, effect: Effect) {
        engine::access_object(self.0.get().addr(), size_of_val(self), kind, effect, Location::caller());
    }
}

impl<T> From<T> for UnsafeCell<T> {
    fn from(value: T) -> Self {
        UnsafeCell::new(value)
    }
}

impl<T: ?Sized> core::fmt::Debug for UnsafeCell<T> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("UnsafeCell").finish_non_exhaustive()
    }
}
