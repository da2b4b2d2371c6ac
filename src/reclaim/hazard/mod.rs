//! Hazard pointers: a reader says which object it reads, and that object is not freed meanwhile.
//!
//! Page: to be written.

mod atomic_ptr;
mod domain;
mod family;
mod hazard_pointer;
mod inner;
#[cfg(feature = "std")]
mod kept;
mod local;
mod pointer;
mod record;
mod scan;
mod slot;
mod table;

pub use crate::{static_unique_domain, unique_domain};
pub use atomic_ptr::{AtomicPtr, Replaced};
pub use domain::Domain;
#[doc(hidden)]
pub use family::FirstRun;
pub use family::{Global, Singleton};
pub use hazard_pointer::{HazardPointer, HazardPointerArray};

/// What the rest is made of, under the names that `haphazard` has for it.
pub mod raw {
    pub use super::domain::Domain;
    pub use super::hazard_pointer::HazardPointer;
    pub use super::pointer::{Pointer, Reclaim};

    /// Families of domains.
    pub mod families {
        pub use super::super::family::Global;
    }
}
