//! Atomics whose every access loom explores, and that can be made to fail on demand (see [`fault`]).

use super::fault::{self, Kind, Operation};
#[cfg(feature = "tagged_ptr")]
pub(crate) use crate::backend::simulated::wide::AtomicU128;
pub(crate) use std::sync::atomic::Ordering;
// The backend boundary has them in every backend, whether or not this crate uses all of them today.
#[allow(unused_imports)]
pub(crate) use std::sync::atomic::Ordering::{AcqRel, Acquire, Relaxed, Release, SeqCst};

use std::panic::Location;

/// A fence. loom judges sequential consistency by fences alone: its SeqCst accesses are no more than AcqRel.
#[track_caller]
pub fn fence(ordering: Ordering) {
    match fault::at(Location::caller(), Operation::Fence, ordering) {
        Some(Kind::Weaken(weaker)) => loom::sync::atomic::fence(weaker),
        Some(Kind::Omit) => {}
        Some(other) => panic!("a fence cannot have the fault {other:?}"),
        None => loom::sync::atomic::fence(ordering),
    }
}

/// A fence that directly follows a read-modify-write of this thread: a model has no processor to rely on.
#[track_caller]
pub(crate) fn fence_after_rmw(ordering: Ordering) {
    fence(ordering);
}

macro_rules! atomic {
    ($name:ident$(<$parameter:ident>)?, $value:ty, [$($arithmetic:ident => $compute:expr),*]) => {
        #[derive(Debug)]
        #[allow(unreachable_pub, reason = "`AtomicPtr` stands in signatures of hazard pointers")]
        pub struct $name$(<$parameter>)?(pub(super) loom::sync::atomic::$name$(<$parameter>)?);

        // Each type has the whole set, whether or not this crate uses all of it today.
        #[allow(dead_code)]
        impl$(<$parameter>)? $name$(<$parameter>)? {
            #[track_caller]
            pub(crate) fn new(value: $value) -> Self {
                Self(loom::sync::atomic::$name::new(value))
            }

            #[track_caller]
            pub(crate) fn load(&self, ordering: Ordering) -> $value {
                match fault::at(Location::caller(), Operation::Load, ordering) {
                    Some(Kind::Weaken(weaker)) => self.0.load(weaker),
                    Some(other) => panic!("a load cannot have the fault {other:?}"),
                    None => self.0.load(ordering),
                }
            }

            #[track_caller]
            pub(crate) fn store(&self, value: $value, ordering: Ordering) {
                match fault::at(Location::caller(), Operation::Store, ordering) {
                    Some(Kind::Weaken(weaker)) => self.0.store(value, weaker),
                    Some(Kind::Omit) => {}
                    Some(other) => panic!("a store cannot have the fault {other:?}"),
                    None => self.0.store(value, ordering),
                }
            }

            #[track_caller]
            pub(crate) fn swap(&self, value: $value, ordering: Ordering) -> $value {
                match fault::at(Location::caller(), Operation::ReadModifyWrite, ordering) {
                    Some(Kind::Weaken(weaker)) => self.0.swap(value, weaker),
                    Some(fault) => self.torn(fault, ordering, |_| value),
                    None => self.0.swap(value, ordering),
                }
            }

            #[track_caller]
            pub(crate) fn compare_exchange(
                &self,
                current: $value,
                new: $value,
                success: Ordering,
                failure: Ordering,
            ) -> Result<$value, $value> {
                match fault::at(Location::caller(), Operation::ReadModifyWrite, success) {
                    Some(Kind::Weaken(weaker)) => self.0.compare_exchange(current, new, weaker, Ordering::Relaxed),
                    Some(fault) => {
                        let old = self.0.compare_exchange(current, current, read_half(success), failure)?;
                        self.write_late(fault, new, success);
                        Ok(old)
                    }
                    None => self.0.compare_exchange(current, new, success, failure),
                }
            }

            #[track_caller]
            pub(crate) fn compare_exchange_weak(
                &self,
                current: $value,
                new: $value,
                success: Ordering,
                failure: Ordering,
            ) -> Result<$value, $value> {
                self.compare_exchange(current, new, success, failure)
            }

            $(#[track_caller]
            pub(crate) fn $arithmetic(&self, operand: $value, ordering: Ordering) -> $value {
                let compute: fn($value, $value) -> $value = $compute;
                match fault::at(Location::caller(), Operation::ReadModifyWrite, ordering) {
                    Some(Kind::Weaken(weaker)) => self.0.$arithmetic(operand, weaker),
                    Some(fault) => self.torn(fault, ordering, |old| compute(old, operand)),
                    None => self.0.$arithmetic(operand, ordering),
                }
            })*

            /// A read-modify-write in two halves. The first sees the newest value, as the whole would: nothing is wrong
            /// but that others may come in between.
            fn torn(&self, fault: Kind, ordering: Ordering, new: impl FnOnce($value) -> $value) -> $value {
                let mut guess = self.0.load(Ordering::Relaxed);
                let old = loop {
                    match self.0.compare_exchange(guess, guess, read_half(ordering), Ordering::Relaxed) {
                        Ok(old) => break old,
                        Err(now) => guess = now,
                    }
                };
                self.write_late(fault, new(old), ordering);
                old
            }

            /// The second half, which [`Kind::Omit`] leaves out.
            fn write_late(&self, fault: Kind, new: $value, ordering: Ordering) {
                match fault {
                    Kind::Tear => self.0.store(new, write_half(ordering)),
                    Kind::Omit => {}
                    other => panic!("a read-modify-write cannot have the fault {other:?}"),
                }
            }
        }
    };
}

fn read_half(ordering: Ordering) -> Ordering {
    match ordering {
        Ordering::Release => Ordering::Relaxed,
        Ordering::AcqRel => Ordering::Acquire,
        other => other,
    }
}

fn write_half(ordering: Ordering) -> Ordering {
    match ordering {
        Ordering::Acquire => Ordering::Relaxed,
        Ordering::AcqRel => Ordering::Release,
        other => other,
    }
}

macro_rules! atomic_integer {
    ($name:ident, $value:ty) => {
        atomic!($name, $value, [
            fetch_add => |old, operand| old.wrapping_add(operand),
            fetch_sub => |old, operand| old.wrapping_sub(operand),
            fetch_or => |old, operand| old | operand,
            fetch_and => |old, operand| old & operand
        ]);
    };
}

atomic_integer!(AtomicU8, u8);
atomic_integer!(AtomicU32, u32);
atomic_integer!(AtomicU64, u64);
atomic_integer!(AtomicUsize, usize);
atomic!(AtomicBool, bool, []);
atomic!(AtomicPtr<T>, *mut T, []);

impl<T> AtomicPtr<T> {
    /// Is there to be compiled: loom lends what is in an atomic to a closure only.
    pub(crate) fn get_mut(&mut self) -> &mut *mut T {
        panic!("no model has a reference to what is in an atomic")
    }
}
