//! Where thieves announce which buffer they read from, and from which index on.
//!
//! A thief *claims* an element by moving `front` past it, and reads its slot afterwards. Until then the slot must not be written
//! again and its buffer must not be freed, so the thief announces both beforehand, in a claim: a cache line of its own that it
//! leases by one compare-exchange. The owner looks through all claims before it reuses slots, once for each lap round the
//! buffer, and before it frees a buffer.
//!
//! The list of claims only grows: to the largest number of stealers there ever were at a time, or of threads that were stealing
//! at a time, whichever is more. It is freed with the deque. So that it costs little where there are many, a buffer has as
//! many slots as there are claims, or half as many, as long as it takes no more memory than the claims do; and a new stealer
//! looks for a claim only if there is one that no other has, from where one was last found or given back.

use alloc::boxed::Box;
use core::ptr::null_mut;

use crossbeam_utils::CachePadded;

use crate::backend::atomic::{Acquire, AtomicBool, AtomicPtr, AtomicU32, AtomicU64, AtomicUsize, Relaxed, Release};
use crate::backend::hint;

/// What one thief announces.
pub(super) struct Claim {
    /// The buffer it reads from; null: no thread uses this claim.
    buffer: AtomicPtr<()>,
    /// It reads no slot of a lesser index.
    index: AtomicU64,
    /// How often in a row its thief has found nothing, as far as the deque counts that.
    pub(super) misses: AtomicU32,
    /// Whether a stealer has it for its own, so that stealers seldom meet in one.
    is_assigned: AtomicBool,
    /// The claim that was listed before this one.
    next: *mut CachePadded<Claim>,
}

/// How many bytes a claim takes.
pub(super) const CLAIM_SIZE: usize = size_of::<CachePadded<Claim>>();

/// The claims of one deque.
pub(super) struct Claims {
    first: AtomicPtr<CachePadded<Claim>>,
    /// How many are listed.
    count: AtomicUsize,
    vacancies: CachePadded<Vacancies>,
    /// How often a thread has gone on to a next claim.
    #[cfg(all(test, feature = "std"))]
    pub(super) looks: AtomicUsize,
}

/// Which claims no stealer has. Written to when a stealer is made or dropped, so not on the line that all look at.
struct Vacancies {
    /// How many there are; too many for a moment, and not too few.
    count: AtomicUsize,
    /// The claim that a stealer has been given or has given back last; null, if none has.
    last: AtomicPtr<Claim>,
}

impl Claim {
    /// Leases this claim for `buffer`; false if another thread uses it.
    #[inline]
    pub(super) fn announce(&self, buffer: *mut ()) -> bool {
        // Acquire: synchronizes with the Release store in `withdraw`, so that the index which this
        // thread announces next follows that of the thread before it.
        // survivor: loom orders stores as they are carried out.
        self.buffer
            .compare_exchange(null_mut(), buffer, Acquire, Relaxed)
            .is_ok()
    }

    /// Announces that no slot before that of `index` is read. The claim is leased by this thread.
    #[inline]
    pub(super) fn set_index(&self, index: u64) {
        // Release: synchronizes with the Acquire load in `lowest`. An owner that finds this index
        // may reuse slots that this thread read under an earlier one.
        // survivor: the fence before it releases as much; sanitizers know no fences.
        self.index.store(index, Release);
    }

    /// Ends the lease: this thread reads nothing of the buffer any more.
    #[inline]
    pub(super) fn withdraw(&self) {
        // Release: synchronizes with the Acquire loads in `lowest` and `is_announced`. What was
        // read must have been read before its slot is written again and before its buffer is freed.
        // model: deque::slot_is_reused, deque::growth
        self.buffer.store(null_mut(), Release);
    }
}

impl Claims {
    pub(super) fn new() -> Self {
        Claims {
            first: AtomicPtr::new(null_mut()),
            count: AtomicUsize::new(0),
            vacancies: CachePadded::new(Vacancies {
                count: AtomicUsize::new(0),
                last: AtomicPtr::new(null_mut()),
            }),
            #[cfg(all(test, feature = "std"))]
            looks: AtomicUsize::new(0),
        }
    }

    /// How many claims there are.
    pub(super) fn count(&self) -> usize {
        self.count.load(Relaxed)
    }

    fn iter(&self) -> impl Iterator<Item = &Claim> {
        // Acquire: synchronizes with the Release compare-exchange in `add`: the claim must be found
        // made.
        // survivor: what it consists of are atomics and a pointer, which loom knows to be made.
        self.iter_from(self.first.load(Acquire))
    }

    fn iter_from(&self, mut next: *mut CachePadded<Claim>) -> impl Iterator<Item = &Claim> {
        core::iter::from_fn(move || {
            #[cfg(all(test, feature = "std"))]
            self.looks.fetch_add(1, Relaxed);
            // SAFETY: null, or a claim of this list, which lives as long as the list (see `Drop`).
            let claim = unsafe { next.as_ref() }?;
            next = claim.next;
            Some(&**claim)
        })
    }

    /// A claim for a new stealer to use first: one that no other has, or a new one.
    pub(super) fn assign(&self) -> &Claim {
        if self.vacancies.count.load(Relaxed) == 0 {
            return self.add(null_mut(), true);
        }
        // Relaxed: two stealers with one claim would get into each other's way, and no more.
        let vacant = |claim: &&Claim| {
            !claim.is_assigned.load(Relaxed)
                && claim
                    .is_assigned
                    .compare_exchange(false, true, Relaxed, Relaxed)
                    .is_ok()
        };
        // Acquire: synchronizes with the Release stores here and in `unassign`, as in `iter`.
        // survivor: as there.
        let last = self.vacancies.last.load(Acquire);
        // SAFETY: null, or a claim of this list, which lives as long as the list.
        let last = unsafe { last.as_ref() };
        let rest = last.map_or(null_mut(), |last| last.next);
        let mut claims = last.into_iter().chain(self.iter_from(rest)).chain(self.iter());
        let Some(found) = claims.find(vacant) else {
            return self.add(null_mut(), true);
        };
        self.vacancies.count.fetch_sub(1, Relaxed);
        // Release: synchronizes with the Acquire load above.
        // survivor: as there.
        self.vacancies
            .last
            .store(core::ptr::from_ref(found).cast_mut(), Release);
        found
    }

    /// Takes a claim back from a stealer, for another one.
    pub(super) fn unassign(&self, claim: &Claim) {
        // Relaxed: it only spreads stealers over claims. Counted first, so that the count is not less than 0 at any moment.
        self.vacancies.count.fetch_add(1, Relaxed);
        claim.is_assigned.store(false, Relaxed);
        // Release: synchronizes with the Acquire load in `assign`.
        // survivor: as there.
        self.vacancies
            .last
            .store(core::ptr::from_ref(claim).cast_mut(), Release);
    }

    /// Leases any claim for `buffer`, for a thief that found its own in use.
    #[cold]
    pub(super) fn announce(&self, buffer: *mut ()) -> &Claim {
        self.iter()
            .find(|claim| claim.announce(buffer))
            .unwrap_or_else(|| self.add(buffer, false))
    }

    fn add(&self, buffer: *mut (), is_assigned: bool) -> &Claim {
        let new = Box::into_raw(Box::new(CachePadded::new(Claim {
            buffer: AtomicPtr::new(buffer),
            index: AtomicU64::new(0),
            misses: AtomicU32::new(0),
            is_assigned: AtomicBool::new(is_assigned),
            next: null_mut(),
        })));
        self.count.fetch_add(1, Relaxed);
        if !is_assigned {
            self.vacancies.count.fetch_add(1, Relaxed);
        }
        let mut first = self.first.load(Relaxed);
        loop {
            // SAFETY: just made, and not listed yet: this thread alone has it.
            unsafe { (&mut *new).next = first };
            // Release: synchronizes with the Acquire load in `iter`.
            // survivor: as there.
            match self.first.compare_exchange(first, new, Release, Relaxed) {
                // SAFETY: listed claims live as long as the list, and are only shared from now on.
                Ok(_) => return unsafe { &*new },
                Err(now) => first = now,
            }
        }
    }

    /// The least index from which a thief may still read in `buffer`; `None` if no thief does.
    ///
    /// What counts are the thieves that have claimed an element: the caller has loaded `front` with Acquire, and so sees what
    /// they announced before.
    pub(super) fn lowest(&self, buffer: *mut (), front: u64) -> Option<u64> {
        self.iter()
            .filter_map(|claim| {
                // Acquire: synchronizes with `set_index`: a slot of a lesser index, which the thief
                // read under an earlier announcement, has been read.
                // model: deque::slot_is_reused_late
                let index = claim.index.load(Acquire);
                // Acquire: synchronizes with `withdraw`: a slot that is written again has been
                // read. Loaded after the index: a thief that announces meanwhile has written to
                // this word, and it is not for nothing that the line is fetched again.
                // model: deque::slot_is_reused
                (claim.buffer.load(Acquire) == buffer).then_some(index)
            })
            .min_by_key(|index| index.wrapping_sub(front) as i64)
    }

    /// Whether a thief may still read from `buffer`.
    pub(super) fn is_announced(&self, buffer: *mut ()) -> bool {
        // Acquire: synchronizes with `withdraw`: a buffer that is freed has been read.
        // model: deque::growth
        self.iter().any(|claim| claim.buffer.load(Acquire) == buffer)
    }
}

impl Drop for Claims {
    fn drop(&mut self) {
        if hint::is_abandoned() {
            return;
        }
        let mut next = self.first.load(Relaxed);
        while !next.is_null() {
            // SAFETY: made by `Box::into_raw` in `add`, listed once, and no thread refers to this list any more.
            let claim = unsafe { Box::from_raw(next) };
            next = claim.next;
        }
    }
}
