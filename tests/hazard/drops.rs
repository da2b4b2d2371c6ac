//! Destructors that do what they like, and values of all sizes.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use linchpin::hazard::{Domain, HazardPointer};

use crate::common::{Count, Counted, Family, Pointer, load, replace, retire};

/// Panics when it is dropped.
struct Panics(#[allow(dead_code, reason = "it counts its drop")] Counted);

impl Drop for Panics {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            std::panic::panic_any("a destructor panics");
        }
    }
}

/// Runs `act`, which panics as the destructor of [`Panics`] does.
fn panics<R>(act: impl FnOnce() -> R) {
    let panic = catch_unwind(AssertUnwindSafe(act))
        .map(drop)
        .expect_err("a destructor panics");
    assert_eq!(panic.downcast_ref::<&str>(), Some(&"a destructor panics"));
}

#[test]
fn a_destructor_that_panics_keeps_no_other_from_being_reclaimed() {
    let (domain, count) = (Domain::new(&Family), Count::default());
    for _ in 0..10 {
        retire(&domain, count.value());
        retire(&domain, Panics(count.value()));
    }
    for remaining in (0..10).rev() {
        panics(|| domain.eager_reclaim());
        assert!(count.living() <= 2 * remaining + 1, "{} at {remaining}", count.living());
    }
    domain.eager_reclaim();
    assert_eq!(count.living(), 0);
}

#[test]
fn a_panic_of_a_destructor_goes_on_to_who_retires() {
    let (domain, count) = (Domain::new(&Family), Count::default());
    retire(&domain, Panics(count.value()));
    // After the scan that is due each retirement reclaims another one.
    let panics = (0..2_000).filter(|_| catch_unwind(AssertUnwindSafe(|| retire(&domain, count.value()))).is_err());
    assert_eq!(panics.count(), 1);
    // Nothing has gone wrong with the record: it goes on.
    for _ in 0..5_000 {
        retire(&domain, count.value());
        assert!(count.living() <= 1000);
    }
    drop(domain);
    assert_eq!(count.living(), 0);
}

/// Without `std` no panic can be caught, and the second aborts.
#[cfg(feature = "std")]
#[test]
fn a_domain_is_dropped_with_destructors_that_panic() {
    let (domain, count) = (Domain::new(&Family), Count::default());
    for _ in 0..5 {
        retire(&domain, Panics(count.value()));
        retire(&domain, count.value());
    }
    panics(|| drop(domain));
    assert_eq!((count.made(), count.living()), (10, 0));
}

/// When it is dropped, retires the next.
struct Chain {
    domain: Arc<Domain<Family>>,
    length: usize,
    _counted: Counted,
    count: Count,
}

impl Chain {
    fn new(domain: &Arc<Domain<Family>>, length: usize, count: &Count) -> Self {
        Chain {
            domain: Arc::clone(domain),
            length,
            _counted: count.value(),
            count: count.clone(),
        }
    }
}

impl Drop for Chain {
    fn drop(&mut self) {
        if self.length > 0 {
            retire(&self.domain, Chain::new(&self.domain, self.length - 1, &self.count));
        }
    }
}

const LENGTH: usize = if cfg!(miri) { 50 } else { 100_000 };

/// Each is retired by the destructor of the one before: no recursion, and all of them are gone.
#[test]
fn a_destructor_retires_the_next() {
    let (domain, count) = (Arc::new(Domain::new(&Family)), Count::default());
    retire(&domain, Chain::new(&domain, LENGTH, &count));
    assert_eq!(domain.eager_reclaim(), LENGTH + 1);
    assert_eq!((count.made(), count.living()), (LENGTH + 1, 0));
}

/// A destructor retires thousands, and those of them one each, for as long as they are let: the stack does not grow
/// with them.
#[test]
fn destructors_that_retire_do_not_nest() {
    #[derive(Default)]
    struct Depth {
        now: AtomicUsize,
        most: AtomicUsize,
        left: AtomicUsize,
    }
    struct Again(Arc<Domain<Family>>, Arc<Depth>, usize);
    impl Drop for Again {
        fn drop(&mut self) {
            let Again(domain, depth, children) = self;
            let now = depth.now.fetch_add(1, Ordering::SeqCst) + 1;
            depth.most.fetch_max(now, Ordering::SeqCst);
            for _ in 0..*children {
                let take = |left: usize| left.checked_sub(1);
                let is_left = depth.left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, take);
                if is_left.is_ok() {
                    retire(domain, Again(Arc::clone(domain), Arc::clone(depth), 1));
                }
            }
            depth.now.fetch_sub(1, Ordering::SeqCst);
        }
    }
    let (domain, depth) = (Arc::new(Domain::new(&Family)), Arc::new(Depth::default()));
    depth
        .left
        .store(if cfg!(miri) { 2_000 } else { 1_000_000 }, Ordering::SeqCst);
    let children = depth.left.load(Ordering::SeqCst) / 10;
    retire(&domain, Again(Arc::clone(&domain), Arc::clone(&depth), children));
    domain.eager_reclaim();
    assert_eq!(depth.left.load(Ordering::SeqCst), 0);
    assert_eq!(Arc::strong_count(&domain), 1, "all of them are dropped");
    // Without `std` a destructor has another list than the one that is being worked off. A scan of the outer list takes
    // over the inner one, which keeps that short.
    let most = if cfg!(feature = "std") { 1 } else { 16 };
    assert!(
        depth.most.load(Ordering::SeqCst) <= most,
        "{} in one another",
        depth.most.load(Ordering::SeqCst)
    );
}

/// Each destructor retires two more: the list grows while it is worked off.
#[test]
fn destructors_retire_more_than_they_free() {
    struct Tree(
        Arc<Domain<Family>>,
        u32,
        #[allow(dead_code, reason = "it counts its drop")] Counted,
        Count,
    );
    impl Drop for Tree {
        fn drop(&mut self) {
            let Tree(domain, height, _, count) = self;
            if *height > 0 {
                for _ in 0..2 {
                    retire(
                        domain,
                        Tree(Arc::clone(domain), *height - 1, count.value(), count.clone()),
                    );
                }
            }
        }
    }
    let (domain, count) = (Arc::new(Domain::new(&Family)), Count::default());
    let height = if cfg!(miri) { 4 } else { 14 };
    retire(&domain, Tree(Arc::clone(&domain), height, count.value(), count.clone()));
    // Until a scan is due.
    while count.made() < 1_000 {
        retire(&domain, count.value());
    }
    domain.eager_reclaim();
    assert_eq!(count.living(), 0);
    assert!(count.made() > 2 << height);
}

/// A destructor protects another object, reads it, replaces it, and scans, in the same domain and in the global one.
#[test]
fn a_destructor_uses_hazard_pointers() {
    struct Uses {
        domain: Arc<Domain<Family>>,
        pointer: Arc<Pointer<Counted>>,
        count: Count,
        scans: Arc<AtomicUsize>,
    }
    impl Drop for Uses {
        fn drop(&mut self) {
            let mut hazard_pointer = HazardPointer::new_in_domain(&self.domain);
            load(&self.pointer, &mut hazard_pointer).look();
            replace(&self.pointer, self.count.value(), &self.domain);
            self.scans.fetch_add(self.domain.eager_reclaim(), Ordering::SeqCst);
            let _other = HazardPointer::new();
            Domain::global().eager_reclaim();
        }
    }
    let (domain, count) = (Arc::new(Domain::new(&Family)), Count::default());
    let pointer = Arc::new(Pointer::from(Box::new(count.value())));
    let scans = Arc::new(AtomicUsize::new(0));
    for _ in 0..100 {
        let uses = Uses {
            domain: Arc::clone(&domain),
            pointer: Arc::clone(&pointer),
            count: count.clone(),
            scans: Arc::clone(&scans),
        };
        retire(&domain, uses);
    }
    domain.eager_reclaim();
    // Without `std` the inner one has another list than the outer.
    if cfg!(feature = "std") {
        assert_eq!(
            scans.load(Ordering::SeqCst),
            0,
            "a scan within a scan leaves it to that"
        );
    }
    assert_eq!((count.made(), count.living()), (101, 1));
    let pointer = Arc::into_inner(pointer).expect("the others are dropped");
    // SAFETY: it is in this pointer alone.
    unsafe { pointer.retire_in(&domain) };
    drop(domain);
    assert_eq!(count.living(), 0);
}

#[test]
fn large_values_and_values_of_great_alignment() {
    #[repr(align(4096))]
    struct Page([u8; 4096], #[allow(dead_code, reason = "it counts its drop")] Counted);
    let (domain, count) = (Domain::new(&Family), Count::default());
    let pointer = Pointer::from(Box::new(Page([7; 4096], count.value())));
    let mut reader = HazardPointer::new_in_domain(&domain);
    let page = load(&pointer, &mut reader);
    for number in 0..1_500_u32 {
        replace(&pointer, Page([number as u8; 4096], count.value()), &domain);
        assert!(count.living() <= 1_001 + 1);
    }
    assert!(page.0.iter().all(|&byte| byte == 7));
    // SAFETY: it is in this pointer alone.
    unsafe { pointer.retire_in(&domain) };
    drop(reader);
    drop(domain);
    assert_eq!(count.living(), 0);
}
