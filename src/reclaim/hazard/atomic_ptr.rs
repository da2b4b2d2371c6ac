//! A shared pointer whose referents are protected and retired.

use alloc::boxed::Box;
use core::fmt;
use core::marker::PhantomData;
use core::ops::{Deref, DerefMut};
use core::ptr::NonNull;

use super::domain::Domain;
use super::family::{Global, Singleton};
use super::hazard_pointer::HazardPointer;
use super::pointer::Pointer;
use crate::backend::atomic::{self, AcqRel, Acquire, Relaxed, Release};

/// A pointer to a `T` that threads load, replace, and retire.
///
/// It holds null, or what a `P` was made into, and belongs to the family `F` of domains. In memory it is one
/// atomic pointer (see [`as_std`](Self::as_std)).
///
/// Dropped, it leaves its object alone, as does replacing it: see [`retire`](Self::retire) and [`Replaced::retire`].
///
/// ```
/// use linchpin::hazard::{AtomicPtr, HazardPointer};
///
/// let current: AtomicPtr<String> = AtomicPtr::from(Box::new("old".to_string()));
/// let mut hazard_pointer = HazardPointer::new();
/// let before = current.safe_load(&mut hazard_pointer).expect("it is not null");
/// let replaced = current.swap(Box::new("new".to_string())).expect("it was not null");
/// // SAFETY: it is not in `current` any more, nor anywhere else, and is retired once.
/// unsafe { replaced.retire() };
/// assert_eq!(before, "old"); // it is still protected
/// # unsafe { current.retire() };
/// ```
#[repr(transparent)]
pub struct AtomicPtr<T, F = Global, P = Box<T>> {
    pointer: atomic::AtomicPtr<T>,
    owner: PhantomData<(F, *mut P)>,
}

// SAFETY: it is a word. References to a `T` are given out only if `T: Sync`, and a `T` is dropped on another thread
// only if `T: Send`, by the bounds of the methods that do.
unsafe impl<T, F, P> Send for AtomicPtr<T, F, P> {}
// SAFETY: as above; the word is only changed atomically.
unsafe impl<T, F, P> Sync for AtomicPtr<T, F, P> {}

impl<T, F, P: Pointer<T>> From<P> for AtomicPtr<T, F, P> {
    fn from(object: P) -> Self {
        AtomicPtr {
            pointer: atomic::AtomicPtr::new(object.into_raw()),
            owner: PhantomData,
        }
    }
}

impl<T, F, P> fmt::Debug for AtomicPtr<T, F, P> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Relaxed: what is printed is an address.
        self.pointer.load(Relaxed).fmt(formatter)
    }
}

impl<T, F, P> AtomicPtr<T, F, P> {
    /// Holds `ptr`.
    ///
    /// # Safety
    ///
    /// 1. `ptr` is null, or valid as a `&T`.
    /// 2. It comes from [`Pointer::into_raw`] of `P`.
    /// 3. `*ptr` is only dropped by being retired.
    pub unsafe fn new(ptr: *mut T) -> Self {
        AtomicPtr {
            pointer: atomic::AtomicPtr::new(ptr),
            owner: PhantomData,
        }
    }

    /// The word itself.
    ///
    /// # Safety
    ///
    /// What is stored there has to be as for [`new`](Self::new).
    pub unsafe fn as_std(&self) -> &atomic::AtomicPtr<T> {
        &self.pointer
    }

    /// The word itself.
    ///
    /// # Safety
    ///
    /// What is stored there has to be as for [`new`](Self::new).
    pub unsafe fn as_std_mut(&mut self) -> &mut atomic::AtomicPtr<T> {
        &mut self.pointer
    }

    /// The pointer that it holds.
    ///
    /// # Safety
    ///
    /// What is stored there has to be as for [`new`](Self::new).
    pub unsafe fn get_mut(&mut self) -> &mut *mut T {
        self.pointer.get_mut()
    }

    /// The pointer that it held.
    pub fn into_inner(self) -> *mut T {
        // Relaxed: this is the only thread that still has it.
        self.pointer.load(Relaxed)
    }

    /// Loads the pointer, and protects nothing.
    #[inline]
    pub fn load_ptr(&self) -> *mut T {
        // Acquire: synchronizes with the Release stores of pointers.
        // model: reclaim::what_is_loaded_is_complete
        self.pointer.load(Acquire)
    }

    /// Protects the object with `hazard_pointer`, and returns a reference to it; `None` if there is none.
    ///
    /// # Safety
    ///
    /// What this pointer holds is retired in the domain of `hazard_pointer`. That its family fits, the compiler checks.
    #[inline]
    pub unsafe fn load<'hp>(&'_ self, hazard_pointer: &'hp mut HazardPointer<'_, F>) -> Option<&'hp T>
    where
        T: Sync + 'hp,
        F: 'static,
    {
        // SAFETY: what it holds is valid until it is dropped by being retired (the contract of `new`), in the same
        // domain (the caller's promise).
        unsafe { hazard_pointer.protect(&self.pointer) }
    }

    /// Stores `ptr`, and does not retire what was there.
    ///
    /// # Safety
    ///
    /// As for [`new`](Self::new).
    #[inline]
    pub unsafe fn store_ptr(&self, ptr: *mut T) {
        // Release: synchronizes with the Acquire loads of pointers, for what it points to.
        // model: reclaim::what_is_loaded_is_complete
        self.pointer.store(ptr, Release);
    }

    /// Stores `ptr`, and returns what was there.
    ///
    /// # Safety
    ///
    /// As for [`new`](Self::new).
    #[inline]
    pub unsafe fn swap_ptr(&self, ptr: *mut T) -> Option<Replaced<T, F, P>> {
        // Release: as in `store_ptr`. Acquire: the caller retires what was there, and the domain
        // may drop it before any fence.
        // model: reclaim::domain_is_dropped
        Replaced::new(self.pointer.swap(ptr, AcqRel))
    }

    /// Stores `new` if the pointer is `current`, and returns that.
    ///
    /// # Errors
    ///
    /// What the pointer is, if it is another one.
    ///
    /// # Safety
    ///
    /// `new` is as for [`new`](Self::new).
    #[inline]
    pub unsafe fn compare_exchange_ptr(
        &self,
        current: *mut T,
        new: *mut T,
    ) -> Result<Option<Replaced<T, F, P>>, *mut T> {
        // Release, Acquire: as in `swap_ptr`. Relaxed: what was found is not protected.
        // model: reclaim::exchanged_object_is_dropped
        let found = self.pointer.compare_exchange(current, new, AcqRel, Relaxed)?;
        Ok(Replaced::new(found))
    }

    /// As [`compare_exchange_ptr`](Self::compare_exchange_ptr), but it may fail although the pointer is `current`.
    ///
    /// # Errors
    ///
    /// What the pointer is.
    ///
    /// # Safety
    ///
    /// As there.
    #[inline]
    pub unsafe fn compare_exchange_weak_ptr(
        &self,
        current: *mut T,
        new: *mut T,
    ) -> Result<Option<Replaced<T, F, P>>, *mut T> {
        // Release, Acquire, Relaxed: as in `compare_exchange_ptr`.
        // model: reclaim::exchanged_weak_object_is_dropped
        let found = self.pointer.compare_exchange_weak(current, new, AcqRel, Relaxed)?;
        Ok(Replaced::new(found))
    }
}

impl<T, F: Singleton, P> AtomicPtr<T, F, P> {
    /// Protects the object with `hazard_pointer`, and returns a reference to it; `None` if there is none.
    ///
    /// The reference can be used until the hazard pointer is used again. It is safe, since there is one domain of the
    /// family only: it is the one in which all that this pointer holds is retired.
    #[inline]
    pub fn safe_load<'hp>(&'_ self, hazard_pointer: &'hp mut HazardPointer<'_, F>) -> Option<&'hp T>
    where
        T: Sync + 'hp,
        F: 'static,
    {
        // SAFETY: there is one domain of this family.
        unsafe { self.load(hazard_pointer) }
    }
}

impl<T, F, P: Pointer<T>> AtomicPtr<T, F, P> {
    /// Retires the object, in `domain`; returns how many objects that has reclaimed.
    ///
    /// # Safety
    ///
    /// 1. The object is not loaded any more: no other pointer holds it.
    /// 2. It is not retired already.
    /// 3. All loads that may have returned it were made with hazard pointers of `domain`.
    /// 4. What the object borrows lives until it is reclaimed: until the domain is dropped, if nothing else is known; for
    ///    ever, if that is a `static`.
    pub unsafe fn retire_in(self, domain: &Domain<F>) -> usize
    where
        T: Send,
    {
        match NonNull::new(self.into_inner()) {
            // SAFETY: no hazard pointer will begin to protect it (1, 3); it is not retired (2); it is a `P` in parts
            // (the contract of `new`), and stays valid (4).
            Some(object) => unsafe { domain.retire_ptr::<T, P>(object.as_ptr()) },
            None => 0,
        }
    }

    /// Stores `object`, and does not retire what was there.
    #[inline]
    pub fn store(&self, object: P) {
        // SAFETY: what a `P` is made into is valid, and from now on it is only dropped by being retired.
        unsafe { self.store_ptr(object.into_raw()) }
    }

    /// Stores `object`, and returns what was there.
    #[inline]
    pub fn swap(&self, object: P) -> Option<Replaced<T, F, P>> {
        // SAFETY: as in `store`.
        unsafe { self.swap_ptr(object.into_raw()) }
    }

    /// Stores `new` if the pointer is `current`, and returns that.
    ///
    /// # Errors
    ///
    /// `new`, if the pointer is another one.
    #[allow(clippy::not_unsafe_ptr_arg_deref, reason = "`current` is only compared")]
    pub fn compare_exchange(&self, current: *mut T, new: P) -> Result<Option<Replaced<T, F, P>>, P> {
        let new = new.into_raw();
        // SAFETY: as in `store`. If it fails, no other thread has seen `new`.
        unsafe { self.compare_exchange_ptr(current, new).map_err(|_| P::from_raw(new)) }
    }

    /// As [`compare_exchange`](Self::compare_exchange), but it may fail although the pointer is `current`.
    ///
    /// # Errors
    ///
    /// As there.
    #[allow(clippy::not_unsafe_ptr_arg_deref, reason = "`current` is only compared")]
    pub fn compare_exchange_weak(&self, current: *mut T, new: P) -> Result<Option<Replaced<T, F, P>>, P> {
        let new = new.into_raw();
        // SAFETY: as in `compare_exchange`.
        unsafe {
            self.compare_exchange_weak_ptr(current, new)
                .map_err(|_| P::from_raw(new))
        }
    }
}

impl<T, P: Pointer<T>> AtomicPtr<T, Global, P> {
    /// Retires the object, in the [global domain](Domain::global); returns how many objects that has reclaimed.
    ///
    /// # Safety
    ///
    /// 1. The object is not loaded any more: no other pointer holds it.
    /// 2. It is not retired already.
    /// 3. What the object borrows lives for ever: it may never be reclaimed, or at any later time.
    pub unsafe fn retire(self) -> usize
    where
        T: Send,
    {
        // SAFETY: the caller's promise, and there is one domain of this family.
        unsafe { self.retire_in(Domain::global()) }
    }
}

/// What an [`AtomicPtr`] held before, to be retired.
///
/// It is a [`NonNull`] that knows the family and the kind of pointer. Dropped, it leaves the object as it is: never
/// reclaimed.
#[repr(transparent)]
#[must_use = "what was replaced is never reclaimed unless it is retired"]
pub struct Replaced<T, F, P> {
    object: NonNull<T>,
    owner: PhantomData<(F, P)>,
}

impl<T, F, P> Replaced<T, F, P> {
    fn new(object: *mut T) -> Option<Self> {
        let object = NonNull::new(object)?;
        Some(Replaced {
            object,
            owner: PhantomData,
        })
    }

    /// The pointer.
    #[must_use]
    pub fn into_inner(self) -> NonNull<T> {
        self.object
    }
}

impl<T, F, P: Pointer<T>> Replaced<T, F, P> {
    /// Retires the object, in `domain`; returns how many objects that has reclaimed.
    ///
    /// # Safety
    ///
    /// 1. The object is not loaded any more: no pointer holds it.
    /// 2. It is not retired already.
    /// 3. All loads that may have returned it were made with hazard pointers of `domain`.
    /// 4. What the object borrows lives until it is reclaimed, as for [`AtomicPtr::retire_in`].
    #[inline]
    pub unsafe fn retire_in(self, domain: &Domain<F>) -> usize
    where
        T: Send,
    {
        // SAFETY: as in `AtomicPtr::retire_in`.
        unsafe { domain.retire_ptr::<T, P>(self.object.as_ptr()) }
    }
}

impl<T, P: Pointer<T>> Replaced<T, Global, P> {
    /// Retires the object, in the [global domain](Domain::global); returns how many objects that has reclaimed.
    ///
    /// # Safety
    ///
    /// 1. The object is not loaded any more: no pointer holds it.
    /// 2. It is not retired already.
    /// 3. What the object borrows lives for ever: it may never be reclaimed, or at any later time.
    #[inline]
    pub unsafe fn retire(self) -> usize
    where
        T: Send,
    {
        // SAFETY: the caller's promise, and there is one domain of this family.
        unsafe { self.retire_in(Domain::global()) }
    }
}

impl<T, F, P> Clone for Replaced<T, F, P> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T, F, P> Copy for Replaced<T, F, P> {}

impl<T, F, P> Deref for Replaced<T, F, P> {
    type Target = NonNull<T>;

    fn deref(&self) -> &NonNull<T> {
        &self.object
    }
}

impl<T, F, P> DerefMut for Replaced<T, F, P> {
    fn deref_mut(&mut self) -> &mut NonNull<T> {
        &mut self.object
    }
}

impl<T, F, P> AsRef<NonNull<T>> for Replaced<T, F, P> {
    fn as_ref(&self) -> &NonNull<T> {
        &self.object
    }
}

impl<T, F, P> fmt::Debug for Replaced<T, F, P> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.object.fmt(formatter)
    }
}
