//! How many objects are kept, with readers that never let go.

#[cfg(feature = "std")]
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
#[cfg(feature = "std")]
use std::sync::{Arc, Barrier};
use std::thread;

use linchpin::hazard::{Domain, HazardPointer};

#[cfg(feature = "std")]
use crate::common::Counted;
use crate::common::{Count, Family, Pointer, load, replace, retire};

/// What the documentation says: so many for each thread that retires.
fn bound(hazard_pointers: usize) -> usize {
    1000.max(2 * hazard_pointers)
}

const OBJECTS: usize = if cfg!(miri) { 1_200 } else { 50_000 };

/// One thread, and so many readers that protect what is replaced at once.
fn one_thread(readers: usize) {
    let (domain, count) = (Domain::new(&Family), Count::default());
    let pointers: Vec<_> = (0..readers).map(|_| Pointer::from(Box::new(count.value()))).collect();
    let mut hazard_pointers: Vec<_> = pointers.iter().map(|_| HazardPointer::new_in_domain(&domain)).collect();
    let protected: Vec<_> = pointers
        .iter()
        .zip(&mut hazard_pointers)
        .map(|(pointer, hazard_pointer)| load(pointer, hazard_pointer))
        .collect();
    for pointer in &pointers {
        replace(pointer, count.value(), &domain);
    }
    let mut most = 0;
    for _ in 0..OBJECTS {
        retire(&domain, count.value());
        // Those that the pointers hold now are not retired.
        most = most.max(count.living() - readers);
    }
    assert!(most <= bound(readers) + readers, "{readers} readers: {most} are kept");
    protected.iter().for_each(|object| object.look());
    domain.eager_reclaim();
    assert_eq!(count.living(), 2 * readers, "all others are reclaimed");
    drop(hazard_pointers);
    assert_eq!(domain.eager_reclaim(), readers);
    for pointer in pointers {
        // SAFETY: it is in this pointer alone.
        unsafe { pointer.retire_in(&domain) };
    }
    drop(domain);
    assert_eq!(count.living(), 0);
}

#[test]
fn one_thread_without_readers() {
    one_thread(0);
}

#[test]
fn one_thread_and_some_readers() {
    one_thread(10);
}

#[test]
fn one_thread_and_more_readers_than_half_a_scan() {
    one_thread(if cfg!(miri) { 501 } else { 700 });
}

#[test]
fn one_thread_and_thousands_of_readers() {
    one_thread(if cfg!(miri) { 50 } else { 5_000 });
}

/// The bound holds for each thread.
#[test]
fn several_threads_and_a_reader() {
    const THREADS: usize = 4;
    let (domain, count) = (Domain::new(&Family), Count::default());
    let pointer = Pointer::from(Box::new(count.value()));
    let mut reader = HazardPointer::new_in_domain(&domain);
    let protected = load(&pointer, &mut reader);
    replace(&pointer, count.value(), &domain);
    let most = thread::scope(|scope| {
        let threads = [(); THREADS].map(|()| {
            scope.spawn(|| {
                let step = || {
                    retire(&domain, count.value());
                    count.living()
                };
                (0..OBJECTS).map(|_| step()).max()
            })
        });
        threads
            .into_iter()
            .filter_map(|thread| thread.join().expect("it only retires"))
            .max()
    });
    // This thread has retired one, one is in the pointer, and each thread may have made one that it has not retired
    // yet.
    let most = most.expect("there were some");
    // Without `std` a list is of no one thread: each scan may have taken two others.
    let lists = if cfg!(feature = "std") { THREADS } else { 3 * THREADS };
    assert!(most <= lists * bound(1) + 2 + THREADS, "{most} are kept");
    protected.look();
    drop(reader);
    // The threads have left what they had not reclaimed.
    domain.eager_reclaim();
    assert_eq!(count.living(), 1);
    // SAFETY: it is in this pointer alone.
    unsafe { pointer.retire_in(&domain) };
    drop(domain);
    assert_eq!(count.living(), 0);
}

/// Threads that come, retire less than a scan takes, and go: the next one inherits.
#[test]
fn threads_that_come_and_go_keep_no_more_than_one() {
    const THREADS: usize = if cfg!(miri) { 5 } else { 1_000 };
    let (domain, count) = (Domain::new(&Family), Count::default());
    let mut most = 0;
    for _ in 0..THREADS {
        let thread = || (0..900).for_each(|_| _ = retire(&domain, count.value()));
        // Joined by its handle, after the destructors of its thread-locals.
        thread::scope(|scope| scope.spawn(thread).join().expect("it only retires"));
        most = most.max(count.living());
    }
    // A scope may end before these destructors, and then two threads have a record.
    assert!(most <= 2 * bound(0), "{most} are kept");
    domain.eager_reclaim();
    assert!(count.living() <= 900, "what the last thread is just leaving");
    drop(domain);
    assert_eq!(count.living(), 0);
}

/// Many threads have ended, and what they have left is taken over by a scan that is held up: it has not taken all.
#[cfg(feature = "std")]
#[test]
fn a_scan_that_is_held_up_keeps_no_more_than_three_lists() {
    const THREADS: usize = 10;
    /// The first of them that is dropped says so, and waits.
    struct Gate(
        Arc<(Barrier, AtomicBool)>,
        #[allow(dead_code, reason = "is counted")] Counted,
    );
    impl Drop for Gate {
        fn drop(&mut self) {
            if !self.0.1.swap(true, Relaxed) {
                self.0.0.wait();
                self.0.0.wait();
            }
        }
    }
    let (domain, count) = (Domain::new(&Family), Count::default());
    let gate = Arc::new((Barrier::new(2), AtomicBool::new(false)));
    let retire_one = || retire(&domain, Gate(gate.clone(), count.value()));
    let all = Barrier::new(THREADS);
    thread::scope(|scope| {
        let threads = [(); THREADS].map(|()| {
            scope.spawn(|| {
                all.wait();
                (0..900).for_each(|_| _ = retire_one());
                all.wait();
            })
        });
        // Joined by their handles, after the destructors of their thread-locals.
        threads
            .into_iter()
            .for_each(|thread| thread.join().expect("it only retires"));
        assert_eq!(count.living(), THREADS * 900);
        let held_up = scope.spawn(|| while retire_one() == 0 {});
        gate.0.wait();
        // This one takes over the rest.
        domain.eager_reclaim();
        let kept = count.living();
        gate.0.wait();
        held_up.join().expect("it only retires");
        assert!((bound(0)..=3 * bound(0)).contains(&kept), "{kept} are kept");
    });
    domain.eager_reclaim();
    drop(domain);
    assert_eq!(count.living(), 0);
}

/// All values without a size have one address: a reader of one of them holds up all, and scans become seldom, not
/// endless.
#[test]
fn values_without_size_share_an_address() {
    struct Nothing;
    impl Drop for Nothing {
        fn drop(&mut self) {
            DROPS.set(DROPS.get() + 1);
        }
    }
    std::thread_local! {
        static DROPS: std::cell::Cell<usize> = const { std::cell::Cell::new(0) };
    }
    let domain = Domain::new(&Family);
    let pointer = Pointer::from(Box::new(Nothing));
    let mut reader = HazardPointer::new_in_domain(&domain);
    load(&pointer, &mut reader);
    for _ in 0..OBJECTS {
        retire(&domain, Nothing);
    }
    assert_eq!((domain.eager_reclaim(), DROPS.get()), (0, 0), "they are all in use");
    drop(reader);
    assert_eq!((domain.eager_reclaim(), DROPS.get()), (OBJECTS, OBJECTS));
    // SAFETY: it is in this pointer alone.
    unsafe { pointer.retire_in(&domain) };
    drop(domain);
    assert_eq!(DROPS.get(), OBJECTS + 1);
}
