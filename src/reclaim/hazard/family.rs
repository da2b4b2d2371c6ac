//! Families of domains, and how there is one domain of a family only.

use crate::backend::atomic::{AtomicBool, Relaxed};
use crate::backend::const_fn;

/// The family of the [global domain](super::Domain::global), which all parts of a program share.
#[non_exhaustive]
#[derive(Debug)]
pub struct Global;

impl Global {
    pub(super) const fn new() -> Self {
        Global
    }
}

/// A family of which there is one domain.
///
/// # Safety
///
/// No second domain of this family can be made.
pub unsafe trait Singleton {}

// SAFETY: it cannot be made outside this crate, and inside only the global domain is made of it.
unsafe impl Singleton for Global {}

/// Whether a piece of code is run for the first time: for `unique_domain!`.
#[doc(hidden)]
#[derive(Debug)]
pub struct FirstRun(AtomicBool);

#[allow(clippy::new_without_default, reason = "for the macro only")]
impl FirstRun {
    const_fn! {
        #[must_use]
        pub const fn new() -> Self {
            FirstRun(AtomicBool::new(false))
        }
    }

    /// Answers true once.
    pub fn is_now(&self) -> bool {
        // Relaxed: the swap alone decides, and carries no data.
        !self.0.swap(true, Relaxed)
    }
}

/// A [`Domain`](crate::hazard::Domain) of a family of its own, which has no name, and is a
/// [`Singleton`](crate::hazard::Singleton).
///
/// # Panics
///
/// If the same place in the source makes a second one: a constructor that is called more than once must take its domain
/// as an argument, or use [`static_unique_domain!`](crate::hazard::static_unique_domain).
///
/// ```
/// use linchpin::hazard::{AtomicPtr, Domain, HazardPointer, unique_domain};
///
/// fn pointer_in<F>(_: &Domain<F>, value: u64) -> AtomicPtr<u64, F> {
///     AtomicPtr::from(Box::new(value))
/// }
///
/// let domain = unique_domain!();
/// let current = pointer_in(&domain, 1);
/// let mut hazard_pointer = HazardPointer::new_in_domain(&domain);
/// assert_eq!(current.safe_load(&mut hazard_pointer), Some(&1));
/// // SAFETY: the object is in `current` alone, which this consumes, and there is one domain of its family.
/// unsafe { current.retire_in(&domain) };
/// ```
#[macro_export]
macro_rules! unique_domain {
    () => {{
        fn create_domain() -> $crate::hazard::Domain<impl $crate::hazard::Singleton> {
            struct UniqueFamily;
            // SAFETY: no other place can name the type, and this one makes one domain of it.
            unsafe impl $crate::hazard::Singleton for UniqueFamily {}
            static FIRST: $crate::hazard::FirstRun = $crate::hazard::FirstRun::new();
            assert!(
                FIRST.is_now(),
                "`unique_domain!` cannot be executed more than once in one place: there is one domain of a unique family"
            );
            $crate::hazard::Domain::new(&UniqueFamily)
        }
        create_domain()
    }};
}

/// A static [`Domain`](crate::hazard::Domain) of a family of its own, which has a name, and is a
/// [`Singleton`](crate::hazard::Singleton).
///
/// To be used where a module may stand. What is retired last may never be dropped, as with any `static`.
///
/// ```
/// use linchpin::hazard::{AtomicPtr, HazardPointer, static_unique_domain};
///
/// static_unique_domain!(static SETTINGS: Domain<Settings>);
///
/// struct Reader {
///     hazard_pointer: HazardPointer<'static, Settings>,
/// }
///
/// # fn main() {
/// let current: AtomicPtr<u64, Settings> = AtomicPtr::from(Box::new(1));
/// let mut reader = Reader { hazard_pointer: HazardPointer::new_in_domain(&SETTINGS) };
/// assert_eq!(current.safe_load(&mut reader.hazard_pointer), Some(&1));
/// // SAFETY: the object is in `current` alone, which this consumes, and there is one domain of its family.
/// unsafe { current.retire_in(&SETTINGS) };
/// # }
/// ```
#[macro_export]
macro_rules! static_unique_domain {
    ($visibility:vis static $domain:ident: Domain<$family:ident>) => {
        #[allow(non_snake_case, missing_docs)]
        mod $domain {
            #[derive(Debug)]
            pub struct $family {
                _private: (),
            }
            // SAFETY: it cannot be made outside this module, and inside only this domain is made of it.
            unsafe impl $crate::hazard::Singleton for $family {}
            pub static $domain: $crate::hazard::Domain<$family> =
                $crate::hazard::Domain::new(&$family { _private: () });
        }
        $visibility use $domain::$domain;
        $visibility use $domain::$family;
    };
}
