//! What owns the objects that are protected and retired.

use alloc::boxed::Box;
use core::ops::Deref;

/// Anything that can be dropped, which is everything.
///
/// Nothing here needs it. It is there because `haphazard` has it.
pub trait Reclaim {}

impl<T> Reclaim for T {}

/// A pointer that owns its referent, and can be taken apart and put together again.
///
/// # Safety
///
/// 1. What [`into_raw`](Self::into_raw) returns is valid as a `&mut T` when it is returned.
/// 2. It remains valid as a `&T` until it is passed to [`from_raw`](Self::from_raw).
/// 3. `into_raw` does not return the same pointer again until what `from_raw` has made of it is dropped.
pub unsafe trait Pointer<T>
where
    Self: Sized + Deref<Target = T>,
{
    /// Takes it apart.
    fn into_raw(self) -> *mut T;

    /// Puts it together again.
    ///
    /// # Safety
    ///
    /// 1. `ptr` comes from [`into_raw`](Self::into_raw) of this type.
    /// 2. It is valid as a `&T`.
    /// 3. It has not been passed to this function since `into_raw` returned it.
    /// 4. Nothing else refers to it.
    unsafe fn from_raw(ptr: *mut T) -> Self;
}

// SAFETY: a box owns its referent, which is neither moved nor freed before `from_raw` has made a box of it again.
unsafe impl<T> Pointer<T> for Box<T> {
    fn into_raw(self) -> *mut T {
        Box::into_raw(self)
    }

    unsafe fn from_raw(ptr: *mut T) -> Self {
        // SAFETY: the caller's promise.
        unsafe { Box::from_raw(ptr) }
    }
}
