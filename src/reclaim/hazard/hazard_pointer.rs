//! Hazard pointers, one and several.

use core::fmt;
use core::marker::PhantomData;
use core::ptr::NonNull;

use super::domain::Domain;
use super::family::Global;
use super::inner::Inner;
use super::local::{put_slot, take_slot};
use super::slot::Slot;
use crate::backend::asymmetric;
use crate::backend::atomic::{Acquire, AtomicPtr};

/// Protects one object at a time from being reclaimed.
///
/// Made, it protects nothing. It does once an object is loaded through it, by
/// [`AtomicPtr::safe_load`](super::AtomicPtr::safe_load) or [`protect`](Self::protect), for as long as the reference
/// that this returns is used; loading another object ends it, and so does [`reset_protection`](Self::reset_protection),
/// and dropping the hazard pointer.
///
/// A hazard pointer may be sent to another thread. It is worth while to keep one for many loads: to make and drop it
/// costs some times as much as to protect, and more where the domain that the thread has used last was another one.
///
/// Forgotten, it protects its last object, and occupies its slot, until the domain is dropped.
pub struct HazardPointer<'domain, F = Global> {
    slot: &'domain Slot,
    /// What the slot is of. Not the domain: while that is being dropped, it may have another inside by now.
    inner: &'domain Inner,
    domain: PhantomData<&'domain Domain<F>>,
}

impl HazardPointer<'static, Global> {
    /// One of the [global domain](Domain::global).
    #[must_use]
    pub fn new() -> Self {
        HazardPointer::new_in_domain(Domain::global())
    }

    /// `N` of the [global domain](Domain::global).
    #[must_use]
    pub fn many<const N: usize>() -> HazardPointerArray<'static, Global, N> {
        HazardPointer::many_in_domain(Domain::global())
    }
}

impl Default for HazardPointer<'static, Global> {
    fn default() -> Self {
        Self::new()
    }
}

impl<'domain, F> HazardPointer<'domain, F> {
    /// One of `domain`.
    #[inline]
    #[must_use]
    pub fn new_in_domain(domain: &'domain Domain<F>) -> Self {
        let inner = domain.inner();
        let slot = take_slot(inner);
        slot.occupy();
        HazardPointer {
            slot,
            inner,
            domain: PhantomData,
        }
    }

    /// `N` of `domain`.
    #[must_use]
    pub fn many_in_domain<const N: usize>(domain: &'domain Domain<F>) -> HazardPointerArray<'domain, F, N> {
        HazardPointerArray {
            hazard_pointers: core::array::from_fn(|_| HazardPointer::new_in_domain(domain)),
        }
    }

    /// Loads a pointer from `src`, protects what it points to, and returns a reference to that; `None` if it is null.
    ///
    /// It loads again until two loads agree: lock-free, as another thread has stored each time that they do not.
    ///
    /// # Safety
    ///
    /// 1. `src` holds null, or a pointer that is valid as a `&T`.
    /// 2. What is in `src` is freed only after having been retired in the domain of this hazard pointer.
    #[inline]
    pub unsafe fn protect<'l, T>(&'l mut self, src: &'_ AtomicPtr<T>) -> Option<&'l T>
    where
        T: Sync,
        F: 'static,
    {
        let (object, _) = self.protect_ptr(src)?;
        // SAFETY: valid (1), and not freed as long as it is protected (2), which it is until this hazard pointer is
        // borrowed again.
        Some(unsafe { object.as_ref() })
    }

    /// As [`protect`](Self::protect), but returns a pointer, for which the `PhantomData` says how long the protection
    /// lasts.
    #[inline]
    pub fn protect_ptr<'l, T>(&'l mut self, src: &'_ AtomicPtr<T>) -> Option<(NonNull<T>, PhantomData<&'l T>)>
    where
        F: 'static,
    {
        // Acquire: where it is null, no other load follows, and what happened before it became null
        // has to be seen.
        // model: reclaim::null_is_the_last_word
        let mut object = src.load(Acquire);
        loop {
            let Some(found) = NonNull::new(object) else {
                self.reset_protection();
                return None;
            };
            match self.announce(object, src) {
                Ok(()) => return Some((found, PhantomData)),
                Err(changed) => object = changed,
            }
        }
    }

    /// Protects `ptr`, if it is still what `src` holds, and returns a reference to it; `Ok(None)` if `ptr` is null,
    /// whatever `src` holds.
    ///
    /// # Errors
    ///
    /// What `src` holds, if that is another pointer. Nothing is protected then.
    ///
    /// # Safety
    ///
    /// As for [`protect`](Self::protect).
    #[inline]
    pub unsafe fn try_protect<'l, T>(&'l mut self, ptr: *mut T, src: &'_ AtomicPtr<T>) -> Result<Option<&'l T>, *mut T>
    where
        T: Sync,
        F: 'static,
    {
        if ptr.is_null() {
            return Ok(None);
        }
        let object = self.try_protect_ptr(ptr, src)?;
        // SAFETY: as in `protect`.
        Ok(object.map(|(object, _)| unsafe { object.as_ref() }))
    }

    /// As [`try_protect`](Self::try_protect), but returns a pointer, for which the `PhantomData` says how long the
    /// protection lasts; and a null pointer is looked for in `src` as any other.
    ///
    /// # Errors
    ///
    /// As there.
    #[allow(clippy::type_complexity, reason = "the peer's signature")]
    #[inline]
    pub fn try_protect_ptr<'l, T>(
        &'l mut self,
        ptr: *mut T,
        src: &'_ AtomicPtr<T>,
    ) -> Result<Option<(NonNull<T>, PhantomData<&'l T>)>, *mut T>
    where
        F: 'static,
    {
        // Never announced: a null pointer in the slot says that no hazard pointer has it.
        if ptr.is_null() {
            self.reset_protection();
            // Acquire: as in `protect_ptr`.
            // model: reclaim::null_is_tried
            let now = src.load(Acquire);
            return if now.is_null() { Ok(None) } else { Err(now) };
        }
        match self.announce(ptr, src) {
            Ok(()) => Ok(NonNull::new(ptr).map(|object| (object, PhantomData))),
            Err(changed) => {
                self.reset_protection();
                Err(changed)
            }
        }
    }

    /// Announces that `object`, which is not null, is protected. It is, unless `src` holds something else by now: the error.
    #[inline]
    fn announce<T>(&mut self, object: *mut T, src: &AtomicPtr<T>) -> Result<(), *mut T> {
        self.slot.protect(object.cast());
        // The pair with the heavy fence of a scan: if our fence comes first, the scan finds the
        // object announced; if the scan's comes first, the load finds it gone.
        // model: reclaim::protected_or_reclaimed
        asymmetric::light();
        // Acquire: synchronizes with the Release store of the pointer, so that its referent is seen
        // filled in. Not for the pointer's sake alone: it may be another object by now, at the same
        // address.
        // model: reclaim::address_is_reused
        let now = src.load(Acquire);
        if now == object { Ok(()) } else { Err(now) }
    }

    /// Ends the protection.
    #[inline]
    pub fn reset_protection(&mut self) {
        self.slot.reset();
    }

    /// Announces that `ptr` is protected, and no more: whether it has been retired before is for the caller to know.
    ///
    /// An object that is known not to be retired until this returns, by another thread or this one, is protected from
    /// then on. Where objects are loaded from a pointer that others change, use [`protect`](Self::protect), which looks
    /// again.
    #[inline]
    pub fn protect_raw<T>(&mut self, ptr: *mut T)
    where
        F: 'static,
    {
        if ptr.is_null() {
            self.reset_protection();
        } else {
            self.slot.protect(ptr.cast());
        }
        // As in `announce`, for a caller that looks again by itself.
        // model: reclaim::protected_by_hand
        asymmetric::light();
    }
}

impl<F> fmt::Debug for HazardPointer<'_, F> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("HazardPointer").finish_non_exhaustive()
    }
}

impl<F> Drop for HazardPointer<'_, F> {
    #[inline]
    fn drop(&mut self) {
        self.slot.vacate();
        put_slot(self.inner, self.slot);
    }
}

/// `N` hazard pointers.
///
/// ```
/// use linchpin::hazard::{AtomicPtr, HazardPointer};
///
/// let [left, right] = [1, 2].map(|value| AtomicPtr::<u64>::from(Box::new(value)));
/// let mut hazard_pointers = HazardPointer::many::<2>();
/// let [first, second] = hazard_pointers.as_refs();
/// let sum = left.safe_load(first).unwrap() + right.safe_load(second).unwrap();
/// assert_eq!(sum, 3);
/// # for pointer in [left, right] {
/// #     // SAFETY: it is consumed, and its object is there alone.
/// #     unsafe { pointer.retire() };
/// # }
/// ```
pub struct HazardPointerArray<'domain, F, const N: usize> {
    hazard_pointers: [HazardPointer<'domain, F>; N],
}

impl<const N: usize> Default for HazardPointerArray<'static, Global, N> {
    fn default() -> Self {
        HazardPointer::many()
    }
}

impl<'domain, F, const N: usize> HazardPointerArray<'domain, F, N> {
    /// Each of them, to be used side by side.
    pub fn as_refs<'array>(&'array mut self) -> [&'array mut HazardPointer<'domain, F>; N] {
        self.hazard_pointers.each_mut()
    }

    /// [`protect`](HazardPointer::protect)s what is in each of `sources`, one by one.
    ///
    /// # Safety
    ///
    /// As for [`HazardPointer::protect`], of each.
    pub unsafe fn protect_all<'l, T>(&'l mut self, sources: [&'_ AtomicPtr<T>; N]) -> [Option<&'l T>; N]
    where
        T: Sync,
        F: 'static,
    {
        let mut sources = sources.into_iter();
        self.as_refs().map(|hazard_pointer| {
            let source = sources.next()?;
            // SAFETY: the caller's promise.
            unsafe { hazard_pointer.protect(source) }
        })
    }

    /// Ends the protection of all of them.
    pub fn reset_protection(&mut self) {
        self.hazard_pointers
            .iter_mut()
            .for_each(HazardPointer::reset_protection);
    }
}

impl<F, const N: usize> fmt::Debug for HazardPointerArray<'_, F, N> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("HazardPointerArray").finish_non_exhaustive()
    }
}
