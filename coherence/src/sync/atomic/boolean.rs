//! The boolean.

use core::panic::Location;
use core::sync::atomic::{self as real, Ordering};

use super::methods::{common, fetches};
use crate::engine::{self, Effect, Kind, Site};

/// A stand-in for [`core::sync::atomic::AtomicBool`], billed in a simulation.
#[derive(Default)]
#[repr(transparent)]
pub struct AtomicBool(real::AtomicBool);

common!([] AtomicBool, real::AtomicBool, bool);

impl AtomicBool {
    fetches! { bool:
        /// Logical and.
        fetch_and => |old, operand| old & operand;
        /// Logical not-and.
        fetch_nand => |old, operand| !(old & operand);
        /// Logical or.
        fetch_or => |old, operand| old | operand;
        /// Logical exclusive or.
        fetch_xor => |old, operand| old ^ operand;
    }

    /// Negates the value and returns the one before. Billed as a read-modify-write.
    #[inline]
    #[track_caller]
    pub fn fetch_not(&self, order: Ordering) -> bool {
        self.fetch_xor(true, order)
    }
}
