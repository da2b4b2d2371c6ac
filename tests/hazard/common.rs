//! Values that count themselves.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use linchpin::hazard::{AtomicPtr, Domain, HazardPointer};

/// How many of its values have been made, and how many dropped.
#[derive(Clone, Default)]
pub struct Count {
    made: Arc<AtomicUsize>,
    dropped: Arc<AtomicUsize>,
    /// One word, so that it is exact at every moment.
    living: Arc<AtomicUsize>,
}

impl Count {
    pub fn made(&self) -> usize {
        self.made.load(Ordering::SeqCst)
    }

    pub fn dropped(&self) -> usize {
        self.dropped.load(Ordering::SeqCst)
    }

    /// How many there are.
    pub fn living(&self) -> usize {
        self.living.load(Ordering::SeqCst)
    }

    pub fn value(&self) -> Counted {
        self.made.fetch_add(1, Ordering::SeqCst);
        self.living.fetch_add(1, Ordering::SeqCst);
        Counted {
            canary: CANARY,
            count: self.clone(),
        }
    }
}

const CANARY: u64 = 0x5AFE_5AFE_5AFE_5AFE;

/// Counts its drop, and notices a second one.
pub struct Counted {
    canary: u64,
    count: Count,
}

impl Counted {
    /// Panics if it has been dropped.
    pub fn look(&self) {
        // SAFETY: a valid reference. Volatile, since a sane compiler takes it for the constant.
        let canary = unsafe { std::ptr::read_volatile(&raw const self.canary) };
        assert_eq!(canary, CANARY, "what is read has been dropped");
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.look();
        // SAFETY: as in `look`.
        unsafe { std::ptr::write_volatile(&raw mut self.canary, 0) };
        self.count.living.fetch_sub(1, Ordering::SeqCst);
        self.count.dropped.fetch_add(1, Ordering::SeqCst);
    }
}

/// A family whose domains the tests keep apart by themselves.
#[derive(Debug)]
pub struct Family;

pub type Pointer<T> = AtomicPtr<T, Family>;

/// Retires a new box in `domain`.
pub fn retire<T: Send>(domain: &Domain<Family>, value: T) -> usize {
    let object = Box::into_raw(Box::new(value));
    // SAFETY: no thread has seen it.
    unsafe { domain.retire_ptr::<T, Box<T>>(object) }
}

/// Replaces what `pointer` holds, and retires that in `domain`.
pub fn replace<T: Send>(pointer: &Pointer<T>, value: T, domain: &Domain<Family>) -> usize {
    let old = pointer.swap(Box::new(value)).expect("it holds something");
    // SAFETY: it is in no other pointer, and retired once; all threads that load it use this domain.
    unsafe { old.retire_in(domain) }
}

/// Protects what `pointer` holds.
pub fn load<'hp, T: Sync>(pointer: &Pointer<T>, hazard_pointer: &'hp mut HazardPointer<'_, Family>) -> &'hp T {
    // SAFETY: all that the tests store there is retired in the domain of the hazard pointer.
    unsafe { pointer.load(hazard_pointer) }.expect("it holds something")
}
