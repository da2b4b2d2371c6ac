//! Domains: what is retired in one is protected by the hazard pointers of the same.

use alloc::sync::Arc;
use core::fmt;
use core::marker::PhantomData;
use core::ptr::null_mut;

use super::family::Global;
use super::inner::Inner;
use super::local::{recent, with_record};
use super::pointer::Pointer;
use super::record::Retired;
use super::remains::Remains;
use super::scan::{retire, scan};
use crate::backend::atomic::{Acquire, AtomicPtr, Relaxed, Release};
use crate::backend::{const_fn, hint, immortal};

immortal! {
    fn shared() -> Domain<Global> = Domain::new(&Global::new());
}

/// Objects that are retired, and the hazard pointers that protect them.
///
/// A [hazard pointer](super::HazardPointer) protects objects that are retired in its own domain, and no others. Domains
/// know nothing of one another: neither does one hold up what another frees, nor is its scan longer.
///
/// **Families.** Which domain an [`AtomicPtr`](super::AtomicPtr) belongs to is a matter of its type `F`, the family:
/// hazard pointers and domains of another family do not fit. Two domains of one family do fit each other's pointers,
/// and to mix them up is undefined behaviour; so loading is `unsafe`, unless the family is a
/// [`Singleton`](super::Singleton), of which there is one domain: [`Global`], and what
/// [`unique_domain!`](super::unique_domain) and [`static_unique_domain!`](super::static_unique_domain) make.
///
/// **When objects are freed.** A thread keeps what it has retired until that is [so many](super#bound); then it scans,
/// and reclaims what nothing protects, an object each time that it retires another one. When a domain is dropped, all
/// that was retired in it is dropped with it. In [`Global`], and in any other `static`, what was retired last may never
/// be dropped.
///
/// Until then the object keeps what it borrows: that must live as long, and in a `static` domain for ever. It is
/// dropped on any thread, as a `P`: `T` is [`Send`] where it is retired, and a pointer `P` of your own has to be fit for
/// that as well.
///
/// A panic of an object's destructor ends the scan that has called it, and goes on to the caller of
/// [`retire`](super::Replaced::retire) or [`eager_reclaim`](Self::eager_reclaim); no other object is lost by that. When
/// a domain is dropped, all objects are, those as well that their destructors retire there, and the first panic then
/// goes on. (Without `std`, it goes on as in a `Vec` that is dropped: the rest is dropped, and a second panic aborts.)
///
/// ```
/// use linchpin::hazard::{AtomicPtr, Domain, HazardPointer};
///
/// #[non_exhaustive]
/// struct Family;
///
/// let domain = Domain::new(&Family);
/// let current: AtomicPtr<u64, Family> = AtomicPtr::from(Box::new(1));
/// let mut hazard_pointer = HazardPointer::new_in_domain(&domain);
/// // SAFETY: what is in `current` is retired in `domain`, of which the hazard pointer is.
/// let value = unsafe { current.load(&mut hazard_pointer) };
/// assert_eq!(value, Some(&1));
/// // SAFETY: as above, and the object is in `current` alone, which this consumes.
/// unsafe { current.retire_in(&domain) };
/// ```
pub struct Domain<F> {
    /// From an `Arc`; null until it is needed, so that a domain can be a `static`.
    inner: AtomicPtr<Inner>,
    family: PhantomData<fn() -> F>,
}

impl Domain<Global> {
    /// The one domain of the family [`Global`].
    #[must_use]
    pub fn global() -> &'static Self {
        shared()
    }
}

impl<F> Domain<F> {
    const_fn! {
        /// A domain of that family. Allocates nothing until it is used.
        ///
        /// Two domains of one family can be mistaken for each other, which is undefined behaviour; see above.
        #[must_use]
        pub const fn new(_: &'_ F) -> Self {
            Domain {
                inner: AtomicPtr::new(null_mut()),
                family: PhantomData,
            }
        }
    }

    #[inline]
    pub(super) fn inner(&self) -> &Inner {
        self.existing().unwrap_or_else(|| self.init())
    }

    /// The inside, if the domain has been used.
    #[inline]
    fn existing(&self) -> Option<&Inner> {
        // Acquire: synchronizes with the Release in `init`, so the inside is seen filled in.
        // model: reclaim::two_first_uses_race
        let inner = self.inner.load(Acquire);
        // SAFETY: null, or from an `Arc` of which this domain has a share.
        unsafe { inner.as_ref() }
    }

    #[cold]
    #[inline(never)]
    fn init(&self) -> &Inner {
        let new = Arc::into_raw(Inner::new()).cast_mut();
        // Release: synchronizes with the Acquire loads, for a thread that finds the inside.
        // model: reclaim::two_first_uses_race
        let inner = match self.inner.compare_exchange(null_mut(), new, Release, Relaxed) {
            Ok(_) => new,
            Err(_) => {
                // SAFETY: from above, and no other thread has seen it.
                drop(unsafe { Arc::from_raw(new) });
                // Acquire: as in `existing`.
                // model: reclaim::two_first_uses_race
                self.inner.load(Acquire)
            }
        };
        // SAFETY: from an `Arc` of which this domain has a share.
        unsafe { &*inner }
    }

    /// Retires `ptr`: it is dropped, as a `P`, once no hazard pointer of this domain protects it. Returns how many
    /// objects this call has reclaimed, of those that were retired before.
    ///
    /// # Safety
    ///
    /// 1. No hazard pointer will begin to protect `ptr` from now on: it is not to be found any more where threads load
    ///    it from.
    /// 2. `ptr` is not retired already, nor reclaimed.
    /// 3. It comes from [`Pointer::into_raw`] of `P`, and stays valid as a `&T` until it is reclaimed, or the domain
    ///    dropped: so does all that it borrows, for ever if the domain is a `static`.
    #[inline]
    pub unsafe fn retire_ptr<T, P>(&self, ptr: *mut T) -> usize
    where
        T: Send,
        P: Pointer<T>,
    {
        /// # Safety
        ///
        /// That of `Pointer::from_raw`.
        unsafe fn reclaim<T, P: Pointer<T>>(object: *mut u8) {
            // SAFETY: the caller's promise.
            drop(unsafe { P::from_raw(object.cast()) });
        }
        // SAFETY: once nothing protects it, the object is the domain's alone (1, 2), is a `P` in parts (3), and may be
        // dropped on any thread, as `T: Send`.
        self.retire(unsafe { Retired::new(ptr.cast(), reclaim::<T, P>) })
    }

    #[inline]
    fn retire(&self, retired: Retired) -> usize {
        let inner = self.inner();
        match recent(inner) {
            Some(record) => retire(inner, record, retired),
            None => retire_elsewhere(inner, retired),
        }
    }

    /// Reclaims all that the calling thread has retired and no hazard pointer protects, and what threads that have
    /// ended have left; returns how many objects that is. What other threads have retired that are still there is up to
    /// them.
    ///
    /// It makes a [heavy fence](super#cost), also if there is little to reclaim.
    pub fn eager_reclaim(&self) -> usize {
        let inner = self.inner();
        with_record(inner, |record| scan(inner, record, true))
    }

    /// As [`eager_reclaim`](Self::eager_reclaim).
    #[doc(hidden)]
    pub fn cleanup(&self) {
        self.eager_reclaim();
    }
}

/// Retires an object where this thread has used another domain last.
#[cold]
#[inline(never)]
fn retire_elsewhere(inner: &Inner, retired: Retired) -> usize {
    with_record(inner, |record| retire(inner, record, retired))
}

impl<F> fmt::Debug for Domain<F> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Domain")
            .field("slots", &self.existing().map_or(0, Inner::listed_slots))
            .finish_non_exhaustive()
    }
}

impl<F> Drop for Domain<F> {
    fn drop(&mut self) {
        if !hint::is_abandoned() {
            Remains::new(&self.inner).drop_all();
        }
    }
}
