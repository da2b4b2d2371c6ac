//! A list that only grows.
//!
//! | field of an entry | written by |
//! |---|---|
//! | `value` | as its type allows |
//! | `older` | the thread that makes the entry, before the list shows it |
//!
//! 1. An entry is never freed, unless by [`free_all`](GrowList::free_all). So references to it are `'static`.
//! 2. `older` does not change once the entry has been published by `newest`.
//! 3. Publishing is a Release RMW on `newest`, and each later one carries its release sequence on. So an Acquire load
//!    of `newest` sees all entries from there on filled in.

use core::ops::Deref;
use core::ptr::{self, NonNull};

use crossbeam_utils::CachePadded;

use crate::backend::atomic::{Acquire, AtomicPtr, Relaxed, Release};
use crate::backend::const_fn;

/// An entry: the value first, at the beginning of a cache line.
#[repr(C)]
pub(crate) struct Entry<T> {
    value: T,
    /// Null in the oldest. A pointer, since the thread that makes an entry need not have seen the one before filled in.
    older: *const Padded<T>,
}

/// An entry on a cache line of its own.
pub(crate) type Padded<T> = CachePadded<Entry<T>>;

// SAFETY: beside the value an entry has a pointer that does not change while it is shared (2).
unsafe impl<T: Sync> Sync for Entry<T> {}
// SAFETY: as above; `older` points to an entry that is shared as well.
unsafe impl<T: Send + Sync> Send for Entry<T> {}

impl<T> Deref for Entry<T> {
    type Target = T;

    #[inline]
    fn deref(&self) -> &T {
        &self.value
    }
}

/// The list.
pub(crate) struct GrowList<T: Send + Sync + 'static> {
    newest: AtomicPtr<Padded<T>>,
}

impl<T: Send + Sync + 'static> GrowList<T> {
    const_fn! {
        pub(crate) const fn new() -> Self {
            GrowList { newest: AtomicPtr::new(ptr::null_mut()) }
        }
    }

    /// Adds an entry, which `allocate` finds a place for.
    pub(crate) fn add(&self, value: T, allocate: impl FnOnce(Padded<T>) -> NonNull<Padded<T>>) -> &'static Padded<T> {
        self.push(allocate(CachePadded::new(Entry {
            value,
            older: ptr::null(),
        })))
    }

    /// Adds an entry that no other thread knows.
    fn push(&self, mut entry: NonNull<Padded<T>>) -> &'static Padded<T> {
        // Relaxed: proposes the compare-exchange below. It does not look into the entry.
        let mut newest = self.newest.load(Relaxed);
        loop {
            // SAFETY: `entry` has just been allocated and filled in, and is not published yet, so this is the only
            // access.
            unsafe { entry.as_mut() }.older = newest;
            // Release: pairs with the Acquire load in `entries`. A thread that finds the entry must
            // see it filled in; Relaxed shows it empty.
            // model: counter::no_handle_is_lost, futex_rwlock::rows_are_found
            match self
                .newest
                .compare_exchange_weak(newest, entry.as_ptr(), Release, Relaxed)
            {
                // SAFETY: never freed (1), and from here on only shared.
                Ok(_) => return unsafe { entry.as_ref() },
                Err(now) => newest = now,
            }
        }
    }

    /// All entries, leased or not, the newest first.
    pub(crate) fn entries(&self) -> impl Iterator<Item = &'static Padded<T>> + use<T> {
        // Acquire: pairs with the Release RMW in `push`, for all entries up to the newest.
        // model: counter::no_handle_is_lost, futex_rwlock::rows_are_found
        let mut next: *const Padded<T> = self.newest.load(Acquire);
        core::iter::from_fn(move || {
            // SAFETY: null, or an entry that was published before the load above (3) and is never freed (1).
            let entry: &'static Padded<T> = unsafe { next.as_ref() }?;
            next = entry.older;
            Some(entry)
        })
    }

    /// Frees all entries.
    ///
    /// # Safety
    ///
    /// 1. No reference to an entry of this list is used any more.
    /// 2. `free` undoes what [`add`](Self::add)'s `allocate` does.
    #[cfg_attr(not(target_has_atomic = "64"), allow(dead_code, reason = "for counters"))]
    pub(crate) unsafe fn free_all(&mut self, mut free: impl FnMut(NonNull<Padded<T>>)) {
        // Relaxed: this is the only thread that still knows the list; whatever made it so has ordered the pushes.
        let mut next = NonNull::new(self.newest.load(Relaxed));
        while let Some(entry) = next {
            // SAFETY: an entry of this list, which stands there once and is not freed yet.
            next = NonNull::new(unsafe { entry.as_ref() }.older.cast_mut());
            free(entry);
        }
    }
}
