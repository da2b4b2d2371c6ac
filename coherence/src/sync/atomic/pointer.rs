//! The pointer.

use core::panic::Location;
use core::sync::atomic::{self as real, Ordering};

use super::methods::common;
use crate::engine::{self, Effect, Kind, Site};

/// A stand-in for [`core::sync::atomic::AtomicPtr`], billed in a simulation.
#[repr(transparent)]
pub struct AtomicPtr<T>(real::AtomicPtr<T>);

common!([<T>] AtomicPtr<T>, real::AtomicPtr<T>, *mut T);

impl<T> Default for AtomicPtr<T> {
    /// A null pointer.
    fn default() -> Self {
        AtomicPtr::new(core::ptr::null_mut())
    }
}
