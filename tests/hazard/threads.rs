//! Hazard pointers that move and are forgotten, threads that end, domains that are dropped at that very moment.

use std::cell::RefCell;
use std::mem::forget;
use std::sync::{Arc, mpsc};
use std::thread;

use linchpin::hazard::{Domain, HazardPointer};

use crate::common::{Count, Counted, Family, Pointer, load, replace, retire};

#[test]
fn a_hazard_pointer_is_sent_while_it_protects() {
    let (domain, count) = (Domain::new(&Family), Count::default());
    let pointer = Pointer::from(Box::new(count.value()));
    let mut reader = HazardPointer::new_in_domain(&domain);
    load(&pointer, &mut reader).look();
    replace(&pointer, count.value(), &domain);
    assert_eq!(domain.eager_reclaim(), 0);
    let (domain_there, pointer_there) = (&domain, &pointer);
    thread::scope(|scope| {
        // On a thread that has no record in this domain.
        let other = scope.spawn(move || {
            assert_eq!(domain_there.eager_reclaim(), 0);
            load(pointer_there, &mut reader).look();
            drop(reader);
        });
        other.join().expect("it only reads");
    });
    assert_eq!(domain.eager_reclaim(), 1);
    // SAFETY: it is in this pointer alone.
    unsafe { pointer.retire_in(&domain) };
    drop(domain);
    assert_eq!(count.living(), 0);
}

#[test]
fn a_forgotten_hazard_pointer_protects_until_the_domain_is_dropped() {
    let (domain, count) = (Domain::new(&Family), Count::default());
    let pointer = Pointer::from(Box::new(count.value()));
    let mut reader = HazardPointer::new_in_domain(&domain);
    load(&pointer, &mut reader);
    forget(reader);
    replace(&pointer, count.value(), &domain);
    for _ in 0..5_000 {
        retire(&domain, count.value());
        assert!(count.living() <= 1_000 + 2);
    }
    domain.eager_reclaim();
    assert_eq!(count.living(), 2);
    // SAFETY: it is in this pointer alone.
    unsafe { pointer.retire_in(&domain) };
    drop(domain);
    assert_eq!(count.living(), 0);
}

/// A thread ends with a hazard pointer forgotten.
#[test]
fn a_thread_ends_while_it_protects() {
    let (domain, count) = (Arc::new(Domain::new(&Family)), Count::default());
    let pointer = Arc::new(Pointer::from(Box::new(count.value())));
    let thread = thread::spawn({
        let (domain, pointer) = (Arc::clone(&domain), Arc::clone(&pointer));
        move || {
            let mut reader = HazardPointer::new_in_domain(&domain);
            load(&pointer, &mut reader).look();
            forget(reader);
        }
    });
    thread.join().expect("it only reads");
    replace(&pointer, count.value(), &domain);
    assert_eq!(domain.eager_reclaim(), 0, "it cannot be known that it is over");
    // Slots are found for others.
    let readers = [(); 100].map(|()| HazardPointer::new_in_domain(&domain));
    assert_eq!(domain.eager_reclaim(), 0);
    drop(readers);
    let pointer = Arc::into_inner(pointer).expect("the thread has ended");
    // SAFETY: it is in this pointer alone.
    unsafe { pointer.retire_in(&domain) };
    drop(domain);
    assert_eq!(count.living(), 0);
}

/// Lives in a thread-local: in its destructor it protects, reads, retires and scans.
struct LastWords {
    domain: &'static Domain<Family>,
    pointer: Arc<Pointer<Counted>>,
    reader: HazardPointer<'static, Family>,
    count: Count,
    told: mpsc::Sender<usize>,
}

impl Drop for LastWords {
    fn drop(&mut self) {
        load(&self.pointer, &mut self.reader).look();
        let mut another = HazardPointer::new_in_domain(self.domain);
        load(&self.pointer, &mut another).look();
        let mut reclaimed = replace(&self.pointer, self.count.value(), self.domain);
        reclaimed += (0..2_500)
            .map(|_| retire(self.domain, self.count.value()))
            .sum::<usize>();
        self.told.send(reclaimed).expect("it is awaited");
    }
}

std::thread_local! {
    static EARLY: RefCell<Option<LastWords>> = const { RefCell::new(None) };
    static LATE: RefCell<Option<LastWords>> = const { RefCell::new(None) };
}

/// Destructors of thread-locals run in no order that one can rely on: before ours and after it, all works.
#[test]
fn destructors_of_thread_locals_protect_and_retire() {
    let domain: &'static Domain<Family> = Box::leak(Box::new(Domain::new(&Family)));
    let count = Count::default();
    let pointer = Arc::new(Pointer::from(Box::new(count.value())));
    for uses_it_in_its_life in [false, true] {
        let (tell, told) = mpsc::channel();
        let words = || LastWords {
            domain,
            pointer: Arc::clone(&pointer),
            reader: HazardPointer::new_in_domain(domain),
            count: count.clone(),
            told: tell.clone(),
        };
        // Made by this thread, so that theirs begins to use the domain only when it is told to.
        let (early, late) = (words(), words());
        let dying = thread::spawn({
            let count = count.clone();
            move || {
                EARLY.set(Some(early));
                if uses_it_in_its_life {
                    retire(domain, count.value());
                }
                LATE.set(Some(late));
            }
        });
        dying.join().expect("it only ends");
        drop(tell);
        let reclaimed: Vec<_> = told.iter().collect();
        assert_eq!(reclaimed.len(), 2);
        assert!(
            reclaimed.iter().all(|&number| number >= 1_000),
            "scans come by: {reclaimed:?}"
        );
    }
    domain.eager_reclaim();
    assert_eq!(count.living(), 1);
    let pointer = Arc::into_inner(pointer).expect("the threads have ended");
    // SAFETY: it is in this pointer alone.
    unsafe { pointer.retire_in(domain) };
    assert_eq!(domain.eager_reclaim(), 1);
}

/// A thread gives back what it has while the domain is dropped: a scope does not wait for the destructors of
/// thread-locals.
#[test]
fn a_domain_is_dropped_while_its_threads_end() {
    let count = Count::default();
    for _ in 0..if cfg!(miri) { 5 } else { 1_000 } {
        let domain = Domain::new(&Family);
        let pointer = Pointer::from(Box::new(count.value()));
        thread::scope(|scope| {
            for _ in 0..3 {
                scope.spawn(|| {
                    let mut reader = HazardPointer::new_in_domain(&domain);
                    for _ in 0..3 {
                        load(&pointer, &mut reader).look();
                        replace(&pointer, count.value(), &domain);
                    }
                });
            }
        });
        // SAFETY: it is in this pointer alone.
        unsafe { pointer.retire_in(&domain) };
        drop(domain);
        assert_eq!(count.living(), 0);
    }
}

/// A thread that lives on uses one domain after the other, and many at a time: each is another one, and what is left of
/// those that were dropped meets none of them.
#[cfg(feature = "std")]
#[test]
fn domains_come_and_go_in_a_thread() {
    let count = Count::default();
    let (order, orders) = mpsc::channel::<Arc<Domain<Family>>>();
    let (report, reports) = mpsc::channel();
    let worker = thread::spawn({
        let count = count.clone();
        move || {
            for domain in orders {
                drop(HazardPointer::new_in_domain(&domain));
                retire(&domain, count.value());
                drop(domain);
                report.send(()).expect("it is awaited");
            }
        }
    });
    let mut kept = vec![];
    for number in 0..if cfg!(miri) { 20 } else { 2_000 } {
        let domain = Arc::new(Domain::new(&Family));
        retire(&domain, count.value());
        order.send(Arc::clone(&domain)).expect("it waits");
        reports.recv().expect("it reports");
        assert_eq!(domain.eager_reclaim(), 1, "what this thread has retired");
        assert_eq!(count.living(), kept.len() + 1);
        if number % 10 == 0 {
            kept.push(domain);
        } else {
            drop(Arc::into_inner(domain).expect("the worker has let go"));
            assert_eq!(count.living(), kept.len());
        }
    }
    for domain in &kept {
        retire(domain, count.value());
        assert_eq!(domain.eager_reclaim(), 1, "each is found again");
    }
    drop(kept);
    assert_eq!(count.living(), 0);
    drop(order);
    worker.join().expect("it only retires");
}

/// What is retired in one domain is not held up by the hazard pointers of the other, which it does not scan either.
#[test]
fn domains_are_independent() {
    let (one, other) = (Domain::new(&Family), Domain::new(&Family));
    let count = Count::default();
    let pointers = [(); 2].map(|()| Pointer::from(Box::new(count.value())));
    let mut reader = HazardPointer::new_in_domain(&one);
    load(&pointers[0], &mut reader);
    replace(&pointers[0], count.value(), &one);
    replace(&pointers[1], count.value(), &other);
    assert_eq!(other.eager_reclaim(), 1);
    assert_eq!(one.eager_reclaim(), 0);
    drop(reader);
    assert_eq!(other.eager_reclaim(), 0);
    assert_eq!(one.eager_reclaim(), 1);
    for pointer in pointers {
        // SAFETY: it is in this pointer alone; which domain it is retired in does not matter any more.
        unsafe { pointer.retire_in(&one) };
    }
}
