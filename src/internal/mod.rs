//! What several families need and no user sees.

#[cfg(feature = "std")]
mod chance;
#[cfg(any(feature = "std", all(feature = "alloc", target_has_atomic = "64")))]
mod grow_list;
#[cfg(feature = "std")]
mod immortal;
#[cfg(all(feature = "std", target_has_atomic = "64"))]
mod numbers;
#[cfg(feature = "std")]
mod pool;
#[cfg(all(feature = "std", target_has_atomic = "64"))]
pub(crate) mod thread_number;
#[cfg(feature = "std")]
mod word_lock;

/// The `Debug` of a raw lock: a snapshot, stale when it is printed.
pub(crate) fn debug_lock(formatter: &mut core::fmt::Formatter<'_>, name: &str, is_locked: bool) -> core::fmt::Result {
    formatter
        .debug_struct(name)
        .field("is_locked", &is_locked)
        .finish_non_exhaustive()
}

#[cfg(feature = "std")]
pub(crate) use chance::one_in;
#[cfg(any(feature = "std", all(feature = "alloc", target_has_atomic = "64")))]
pub(crate) use grow_list::{GrowList, Padded};
#[cfg(feature = "std")]
pub(crate) use immortal::{bury, immortal};
#[cfg(all(feature = "std", target_has_atomic = "64"))]
pub(crate) use numbers::{NumberLease, Numbers};
#[cfg(feature = "std")]
pub(crate) use pool::{Pool, Pooled, Stack};
#[cfg(feature = "std")]
pub(crate) use word_lock::WordLock;
