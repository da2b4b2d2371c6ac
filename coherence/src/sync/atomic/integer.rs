//! The integers.

use core::panic::Location;
use core::sync::atomic::{self as real, Ordering};

use super::methods::{common, fetches};
use crate::engine::{self, Effect, Kind, Site};

macro_rules! integers {
    ($($name:ident $value:ident),*) => {$(
        #[doc = concat!("A stand-in for [`core::sync::atomic::", stringify!($name), "`], billed in a simulation.")]
        #[derive(Default)]
        #[repr(transparent)]
        pub struct $name(real::$name);

        common!([] $name, real::$name, $value);

        impl $name {
            fetches! { $value:
                /// Adds to the value, wrapping around.
                fetch_add => |old, operand| old.wrapping_add(operand);
                /// Subtracts from the value, wrapping around.
                fetch_sub => |old, operand| old.wrapping_sub(operand);
                /// Bitwise and.
                fetch_and => |old, operand| old & operand;
                /// Bitwise not-and.
                fetch_nand => |old, operand| !(old & operand);
                /// Bitwise or.
                fetch_or => |old, operand| old | operand;
                /// Bitwise exclusive or.
                fetch_xor => |old, operand| old ^ operand;
                /// The greater of both.
                fetch_max => |old, operand| old.max(operand);
                /// The lesser of both.
                fetch_min => |old, operand| old.min(operand);
            }
        }
    )*};
}

integers! {
    AtomicI8 i8, AtomicI16 i16, AtomicI32 i32, AtomicI64 i64, AtomicIsize isize,
    AtomicU8 u8, AtomicU16 u16, AtomicU32 u32, AtomicU64 u64, AtomicUsize usize
}

impl AtomicU32 {
    /// What the kernel sees when it compares a futex word; billed by the futex call.
    #[inline]
    pub(crate) fn peek(&self) -> u32 {
        self.0.load(Ordering::SeqCst)
    }
}
