//! Null, the last address, and destructors that come back to the domain that is being dropped.

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::ptr::{null_mut, without_provenance_mut};
use std::sync::atomic::{AtomicBool, AtomicPtr, Ordering};
use std::thread;

use linchpin::hazard::raw;
use linchpin::hazard::{self, Domain, HazardPointer};

use crate::common::{Count, Counted, Family, Pointer, load, replace, retire};

/// A null pointer that is tried leaves the slot to its hazard pointer, also in the eyes of a scan that comes by just
/// then: two of them would hide the slot, and what it protects next would be freed.
#[test]
fn a_null_pointer_that_is_tried_leaves_the_slot_in_use() {
    for _ in 0..if cfg!(miri) { 1 } else { 20 } {
        let (domain, count) = (Domain::new(&Family), Count::default());
        let pointer = Pointer::from(Box::new(count.value()));
        let is_over = AtomicBool::new(false);
        thread::scope(|scope| {
            let other = scope.spawn(|| {
                let nothing = AtomicPtr::<Counted>::new(null_mut());
                let mut reader = HazardPointer::new_in_domain(&domain);
                while !is_over.load(Ordering::SeqCst) {
                    for _ in 0..100 {
                        assert!(matches!(reader.try_protect_ptr(null_mut(), &nothing), Ok(None)));
                    }
                }
                // It is not dropped before this thread is joined.
                load(&pointer, &mut reader).look();
                reader
            });
            for _ in 0..if cfg!(miri) { 20 } else { 2_000 } {
                retire(&domain, count.value());
                domain.eager_reclaim();
            }
            is_over.store(true, Ordering::SeqCst);
            let reader = other.join().expect("it only tries and reads");
            replace(&pointer, count.value(), &domain);
            assert_eq!(domain.eager_reclaim(), 0, "what is protected is freed");
            drop(reader);
            assert_eq!(domain.eager_reclaim(), 1);
        });
        // SAFETY: it is in this pointer alone.
        unsafe { pointer.retire_in(&domain) };
    }
}

/// What comes of a null pointer that is tried, by itself.
#[test]
fn a_null_pointer_is_tried() {
    let domain = Domain::new(&Family);
    let mut reader = HazardPointer::new_in_domain(&domain);
    let mut value = 1;
    let src = AtomicPtr::new(null_mut::<u64>());
    assert!(matches!(reader.try_protect_ptr(null_mut(), &src), Ok(None)));
    src.store(&raw mut value, Ordering::SeqCst);
    let found = reader.try_protect_ptr(null_mut(), &src).expect_err("it is not null");
    assert_eq!(found, &raw mut value);
    reader.protect_raw(null_mut::<u64>());
}

std::thread_local! {
    static IS_TAKEN: Cell<bool> = const { Cell::new(false) };
}

/// Its one value is at the last address, which is as good as any for a type without a size.
struct Last;

impl Last {
    fn new() -> Self {
        assert!(!IS_TAKEN.replace(true), "there is one at a time");
        Last
    }
}

impl Drop for Last {
    fn drop(&mut self) {
        IS_TAKEN.set(false);
    }
}

impl std::ops::Deref for Last {
    type Target = ();

    fn deref(&self) -> &() {
        // SAFETY: not null, and there is nothing to read.
        unsafe { &*without_provenance_mut(usize::MAX) }
    }
}

// SAFETY: there is one at a time; a reference to what has no size may be anywhere but at null.
unsafe impl raw::Pointer<()> for Last {
    fn into_raw(self) -> *mut () {
        std::mem::forget(self);
        without_provenance_mut(usize::MAX)
    }

    unsafe fn from_raw(_: *mut ()) -> Self {
        Last
    }
}

#[test]
fn an_object_at_the_last_address_is_protected() {
    let domain = Domain::new(&Family);
    let pointer = hazard::AtomicPtr::<(), Family, Last>::from(Last::new());
    let mut reader = HazardPointer::new_in_domain(&domain);
    // SAFETY: what it holds is retired in this domain.
    assert!(unsafe { pointer.load(&mut reader) }.is_some());
    // SAFETY: it is in this pointer alone.
    unsafe { pointer.retire_in(&domain) };
    domain.eager_reclaim();
    assert!(IS_TAKEN.get(), "it is still protected");
    drop(reader);
    assert_eq!(domain.eager_reclaim(), 1);
    assert!(!IS_TAKEN.get());
}

/// When it is dropped, does as `act` says in the domain, and retires the next.
struct Node<'domain> {
    domain: &'domain Domain<Family>,
    next: Option<Box<Node<'domain>>>,
    act: fn(&Domain<Family>),
    /// Of the same domain. Dropped after the next one was retired.
    _reader: Option<HazardPointer<'domain, Family>>,
    _counted: Counted,
}

impl Drop for Node<'_> {
    fn drop(&mut self) {
        (self.act)(self.domain);
        if let Some(next) = self.next.take() {
            // SAFETY: no thread has seen it, and what it borrows is still there while the domain is being dropped.
            unsafe { self.domain.retire_ptr::<Node<'_>, Box<Node<'_>>>(Box::into_raw(next)) };
        }
    }
}

/// Retires lists of nodes in a domain, drops it, and looks whether each node was dropped, once.
fn drop_a_domain_with_nodes(lists: usize, length: usize, has_readers: bool, act: fn(&Domain<Family>)) {
    let count = Count::default();
    {
        let domain = Domain::new(&Family);
        for _ in 0..lists {
            let mut list = None;
            for _ in 0..length {
                list = Some(Box::new(Node {
                    domain: &domain,
                    next: list,
                    act,
                    _reader: has_readers.then(|| HazardPointer::new_in_domain(&domain)),
                    _counted: count.value(),
                }));
            }
            let first = Box::into_raw(list.expect("it is not empty"));
            // SAFETY: no thread has seen it. What it borrows is still there while that is being dropped.
            unsafe { domain.retire_ptr::<Node<'_>, Box<Node<'_>>>(first) };
        }
        // Here the domain is dropped, where it stands.
    }
    assert_eq!((count.made(), count.living()), (lists * length, 0));
}

/// A few, so that the list that is being dropped grows; many, so that it moves in memory, and scans are due.
#[test]
#[cfg_attr(miri, ignore = "for Miri a domain that is being dropped is not to be borrowed")]
fn destructors_retire_in_the_domain_that_is_dropped() {
    for (lists, length) in [(1, 2), (1, 17), (3, 5), (20, 20), (900, 2), (900, 5), (1, LENGTH)] {
        drop_a_domain_with_nodes(lists, length, false, |_| {});
    }
}

const LENGTH: usize = 100_000;

#[test]
#[cfg_attr(miri, ignore = "as above")]
fn destructors_scan_the_domain_that_is_dropped() {
    drop_a_domain_with_nodes(20, 20, false, |domain| {
        domain.eager_reclaim();
    });
}

/// A hazard pointer outlives the domain that it is of, which is being dropped, and goes back to what is left of it.
#[test]
#[cfg_attr(miri, ignore = "as above")]
fn destructors_use_hazard_pointers_of_the_domain_that_is_dropped() {
    for has_readers in [false, true] {
        drop_a_domain_with_nodes(20, 20, has_readers, |domain| {
            let mut readers = [(); 20].map(|()| HazardPointer::new_in_domain(domain));
            let value = Pointer::from(Box::new(1_u64));
            assert!(readers.iter_mut().all(|reader| *load(&value, reader) == 1));
            replace(&value, 2, domain);
            drop(readers);
            // SAFETY: it is in this pointer alone.
            unsafe { value.retire_in(domain) };
        });
    }
}

/// Panics when it is dropped, unless that is so already.
struct Panics(#[allow(dead_code, reason = "it counts its drop")] Counted, fn());

impl Drop for Panics {
    fn drop(&mut self) {
        if !thread::panicking() {
            self.1();
        }
    }
}

/// With `std` or without: one destructor that panics keeps no other object from being dropped with the domain.
#[test]
fn a_domain_is_dropped_with_a_destructor_that_panics() {
    let (domain, count) = (Domain::new(&Family), Count::default());
    for number in 0..6 {
        retire(&domain, count.value());
        if number == 1 {
            retire(&domain, Panics(count.value(), || panic!("the first")));
        }
    }
    let panic = catch_unwind(AssertUnwindSafe(|| drop(domain))).expect_err("a destructor panics");
    assert_eq!(panic.downcast_ref::<&str>(), Some(&"the first"));
    assert_eq!((count.made(), count.living()), (7, 0));
}

/// The first panic goes on. What the others have thrown is not dropped: it might panic, too.
#[cfg(feature = "std")]
#[test]
fn a_domain_is_dropped_with_panics_that_panic() {
    struct Bomb;
    impl Drop for Bomb {
        fn drop(&mut self) {
            if !thread::panicking() {
                panic!("what was thrown panics");
            }
        }
    }
    let (domain, count) = (Domain::new(&Family), Count::default());
    for number in 0..6 {
        retire(&domain, count.value());
        match number {
            1 => _ = retire(&domain, Panics(count.value(), || panic!("the first"))),
            2 | 3 => _ = retire(&domain, Panics(count.value(), || std::panic::panic_any(Bomb))),
            _ => {}
        }
    }
    let panic = catch_unwind(AssertUnwindSafe(|| drop(domain))).expect_err("a destructor panics");
    assert_eq!(panic.downcast_ref::<&str>(), Some(&"the first"));
    assert_eq!((count.made(), count.living()), (9, 0));
}
