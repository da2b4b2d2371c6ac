//! What is left in a domain that is being dropped.
//!
//! Destructors may come back to the domain: an object may have a reference to it. What they do there goes into another
//! inside, which the domain makes as at its first use, and which is worked off as well. The first one is only read, since
//! threads may be ending that have a record there (see the invariants of [`record`](super::record)).

use alloc::sync::Arc;
use alloc::vec::{self, Vec};
use core::ptr::null_mut;

use super::inner::Inner;
use super::local::{forget, with_record};
use super::record::Retired;
use super::scan::take_left_behind;
use crate::backend::atomic::{AtomicPtr, Relaxed};

pub(super) struct Remains<'domain> {
    /// That of the domain.
    inner: &'domain AtomicPtr<Inner>,
    /// What is to be reclaimed next.
    objects: vec::IntoIter<Retired>,
    /// The former ones. Kept to the end: an object may have a hazard pointer of one.
    closed: Vec<Arc<Inner>>,
}

impl<'domain> Remains<'domain> {
    pub(super) fn new(inner: &'domain AtomicPtr<Inner>) -> Self {
        Remains {
            inner,
            objects: Vec::new().into_iter(),
            closed: Vec::new(),
        }
    }

    /// Takes an object out. Nothing protects it: each hazard pointer borrows the domain, and one that was forgotten
    /// protects nothing any more.
    fn next(&mut self) -> Option<Retired> {
        loop {
            if let Some(retired) = self.objects.next() {
                return Some(retired);
            }
            // Relaxed: this is the only thread that still has the domain.
            let inner = self.inner.load(Relaxed);
            if inner.is_null() {
                return None;
            }
            let objects = if self.closed.is_empty() {
                Vec::new()
            } else {
                // SAFETY: the domain has a share of it.
                take_all(unsafe { &*inner })
            };
            self.objects = if objects.is_empty() { self.close(inner) } else { objects }.into_iter();
        }
    }

    /// Takes the inside from the domain, and returns all objects that are there.
    fn close(&mut self, inner: *mut Inner) -> Vec<Retired> {
        // Relaxed: as in `next`.
        self.inner.store(null_mut(), Relaxed);
        // SAFETY: from `Arc::into_raw`, and this is the share of the domain.
        let inner = unsafe { Arc::from_raw(inner) };
        inner.close();
        forget(&inner);
        let records = inner.records.rows().flat_map(|row| row.entries);
        // SAFETY: the domain is being dropped. Each object is read once: no thread uses this inside any more.
        let objects = records.flat_map(|record| (0..).map_while(|number| unsafe { record.read(number) }));
        let objects = objects.collect();
        self.closed.push(inner);
        objects
    }

    /// Reclaims all there is. The first panic goes on then.
    #[cfg(feature = "std")]
    pub(super) fn drop_all(mut self) {
        use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

        let mut first = None;
        while let Some(retired) = self.next() {
            // SAFETY: nothing protects it, and it was taken out just now.
            if let Err(panic) = catch_unwind(AssertUnwindSafe(|| unsafe { retired.reclaim() })) {
                match first {
                    None => first = Some(panic),
                    // Its destructor may panic, too.
                    Some(_) => core::mem::forget(panic),
                }
            }
        }
        drop(self);
        match first {
            Some(panic) if crate::backend::thread::is_unwinding() => core::mem::forget(panic),
            Some(panic) => resume_unwind(panic),
            None => {}
        }
    }

    /// Reclaims all there is, also if one of them panics. If another one does, that aborts, as in a list that is dropped.
    #[cfg(not(feature = "std"))]
    pub(super) fn drop_all(self) {
        struct Rest<'domain>(Remains<'domain>);
        impl Rest<'_> {
            fn drop_all(&mut self) {
                while let Some(retired) = self.0.next() {
                    // SAFETY: nothing protects it, and it was taken out just now.
                    unsafe { retired.reclaim() };
                }
            }
        }
        impl Drop for Rest<'_> {
            fn drop(&mut self) {
                // Only if a destructor has panicked is there anything left.
                self.drop_all();
            }
        }
        Rest(self).drop_all();
    }
}

/// Takes all that this thread has retired, and what others have left: it would be reclaimed by one scan after the other,
/// but for what was forgotten.
fn take_all(inner: &Inner) -> Vec<Retired> {
    with_record(inner, |record| {
        let [mut all, mut ready] = record.take_all();
        all.append(&mut ready);
        take_left_behind(inner, &mut all, usize::MAX);
        all
    })
}
