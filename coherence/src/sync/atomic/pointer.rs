//! The pointer.

use core::panic::Location;
use core::sync::atomic as real;

use super::{Ordering, common};
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
