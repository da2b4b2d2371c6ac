//! What allocates, and how much: a test binary of its own, since it counts every allocation of the process.
//!
//! The allocator counts by thread, so that the test harness does not disturb the figures.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

struct Counting;

thread_local! {
    static ALLOCATIONS: Cell<usize> = const { Cell::new(0) };
    static LIVING: Cell<isize> = const { Cell::new(0) };
}

// SAFETY: `System` does the work; beside it only thread-locals without destructors are changed, which allocate nothing.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.set(ALLOCATIONS.get() + 1);
        LIVING.set(LIVING.get() + layout.size().cast_signed());
        // SAFETY: the caller's promise.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        LIVING.set(LIVING.get() - layout.size().cast_signed());
        // SAFETY: the caller's promise.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// How often `act` allocates, on this thread.
fn allocations(act: impl FnOnce()) -> usize {
    let before = ALLOCATIONS.get();
    act();
    ALLOCATIONS.get() - before
}

/// How many bytes more there are after `act` than before, on this thread.
fn growth(act: impl FnOnce()) -> isize {
    let before = LIVING.get();
    act();
    LIVING.get() - before
}

#[test]
fn the_allocator_counts() {
    assert_eq!(allocations(|| drop(Box::new(1))), 1);
    assert_eq!(growth(|| drop(Box::new(1))), 0);
    assert_eq!(growth(|| std::mem::forget(Box::new(1_u64))), 8);
}

/// Not even for their first node, which is of the system's allocator.
#[cfg(feature = "std")]
#[test]
fn queue_locks_never_ask_the_global_allocator() {
    use linchpin::queue::{ClhMutex, McsMutex};
    let thread = std::thread::spawn(|| {
        let count = allocations(|| {
            let (mcs, clh) = (McsMutex::new(0), ClhMutex::new(0));
            for _ in 0..10 {
                *mcs.lock() += 1;
                let mut outer = clh.lock();
                *outer += *mcs.lock();
                assert!(clh.try_lock().is_none());
            }
        });
        assert_eq!(count, 0);
    });
    thread.join().expect("nothing was allocated");
}

#[test]
fn locks_never_allocate() {
    use linchpin::spin::{Mutex, RwLock, RwLockUpgradableReadGuard, TasMutex, TicketMutex};
    let count = allocations(|| {
        let (mutex, tas, ticket, rwlock) = (Mutex::new(0), TasMutex::new(0), TicketMutex::new(0), RwLock::new(0));
        for _ in 0..10 {
            *mutex.lock() += 1;
            *tas.lock() += 1;
            *ticket.lock() += 1;
            *rwlock.write() += 1;
            assert!(rwlock.try_read().is_some_and(|value| *value > 0));
            *RwLockUpgradableReadGuard::upgrade(rwlock.upgradable_read()) += 1;
        }
    });
    assert_eq!(count, 0);
}

/// A thread that sleeps needs a place to be found in; there are as many as have ever slept at one time, and they are
/// never given back.
#[cfg(feature = "std")]
#[test]
fn a_lock_that_sleeps_allocates_once_for_each_sleeper() {
    use linchpin::futex::{Condvar, Mutex};
    use std::time::Duration;
    let (mutex, condvar) = (Mutex::new(0), Condvar::new());
    let count = |times: usize| {
        allocations(|| {
            for _ in 0..times {
                let mut held = mutex.lock();
                assert!(mutex.try_lock_for(Duration::from_micros(1)).is_none());
                assert!(condvar.wait_for(&mut held, Duration::from_micros(1)).timed_out());
                *held += 1;
            }
        })
    };
    // The environment is looked at, and a place is made.
    let first = count(1);
    assert!(first <= 8, "{first} allocations by the first sleep");
    assert_eq!(count(100), 0);
    assert_eq!(mutex.into_inner(), 101);
}

#[cfg(target_has_atomic = "64")]
#[test]
fn a_counter_never_allocates() {
    use linchpin::counter::Counter;
    let count = allocations(|| {
        let counter = Counter::new();
        for _ in 0..100 {
            counter.increment();
        }
        assert_eq!(counter.sum() + counter.reset(), 200);
    });
    // The first add of a thread has the thread-local runtime register a destructor, which is std's own list.
    assert!(
        count <= 1,
        "{count} allocations, the first of which may be std's for the thread-local"
    );
    let counter = Counter::<4>::with_stripes();
    assert_eq!(
        allocations(|| counter.increment()),
        0,
        "the second time there is nothing to register"
    );
}

#[cfg(all(feature = "alloc", target_has_atomic = "64"))]
mod handles {
    use super::{allocations, growth};
    use linchpin::counter::{ApproximateCounter, LocalCounters};

    #[test]
    fn local_counters_allocate_once_for_each_handle_that_there_is_at_one_time() {
        let counters = LocalCounters::new();
        assert_eq!(allocations(|| drop(LocalCounters::new())), 0);
        assert_eq!(allocations(|| drop(counters.register())), 1);
        let again = allocations(|| {
            for _ in 0..1000 {
                counters.register().increment();
            }
        });
        assert_eq!(again, 0, "each takes over the slot of the one before");
        let three = allocations(|| {
            let three = [counters.register(), counters.register(), counters.register()];
            three.iter().for_each(|local| local.add(1));
        });
        assert_eq!(three, 2, "two more than there were");
        let any_order = allocations(|| {
            let (one, two, three) = (counters.register(), counters.register(), counters.register());
            drop(two);
            let two = counters.register();
            drop((one, three));
            let one = counters.register();
            drop((two, one));
        });
        assert_eq!(any_order, 0);
        assert_eq!(counters.sum(), 1003);
    }

    #[test]
    fn the_memory_of_a_handle_comes_back_with_the_counter() {
        let grown = growth(|| {
            let counters = LocalCounters::new();
            let handles = [counters.register(), counters.register()];
            std::mem::forget(counters.register());
            drop(handles);
        });
        assert_eq!(grown, 0);
    }

    #[test]
    fn a_handle_costs_one_padded_line() {
        let counters = LocalCounters::new();
        let line = align_of::<linchpin::CachePadded<u8>>().cast_signed();
        assert_eq!(growth(|| drop(counters.register())), line);
    }

    #[test]
    fn a_forgotten_handle_costs_its_slot_and_no_more() {
        let counters = LocalCounters::new();
        std::mem::forget(counters.register());
        assert_eq!(allocations(|| drop(counters.register())), 1);
        assert_eq!(allocations(|| drop(counters.register())), 0);
    }

    #[test]
    fn approximate_counters_do_the_same() {
        let counter = ApproximateCounter::new(4);
        assert_eq!(allocations(|| drop(ApproximateCounter::new(4))), 0);
        assert_eq!(allocations(|| drop(counter.register())), 1);
        let again = allocations(|| {
            for _ in 0..1000 {
                let handle = counter.register();
                handle.add(9);
                handle.flush();
            }
            assert_eq!(
                (counter.estimate(), counter.exact(), counter.error_bound()),
                (9000, 9000, 0)
            );
        });
        assert_eq!(again, 0);
    }
}

#[cfg(all(feature = "std", target_has_atomic = "64"))]
mod hazards {
    use super::{allocations, growth};
    use linchpin::hazard::{AtomicPtr, Domain, HazardPointer};

    struct Family;

    /// Replaces what `current` holds, and retires that.
    fn replace(current: &AtomicPtr<u64, Family>, domain: &Domain<Family>) {
        let old = current.swap(Box::new(1)).expect("it holds something");
        // SAFETY: it is in no pointer any more, and was not retired.
        unsafe { old.retire_in(domain) };
    }

    #[test]
    fn a_domain_allocates_when_it_is_used_first() {
        assert_eq!(allocations(|| drop(Domain::new(&Family))), 0);
        // A thread keeps a list of the domains that it uses.
        let another = Domain::new(&Family);
        drop(HazardPointer::new_in_domain(&another));
        let grown = growth(|| {
            let domain = Domain::new(&Family);
            let current: AtomicPtr<u64, Family> = AtomicPtr::from(Box::new(0));
            let _ten = [(); 10].map(|()| HazardPointer::new_in_domain(&domain));
            (0..3_000).for_each(|_| replace(&current, &domain));
            // SAFETY: it is in this pointer alone.
            unsafe { current.retire_in(&domain) };
        });
        assert_eq!(grown, 0, "all of it comes back with the domain");
    }

    #[test]
    fn protecting_never_allocates_and_retiring_only_at_first() {
        let domain = Domain::new(&Family);
        let current: AtomicPtr<u64, Family> = AtomicPtr::from(Box::new(0));
        (0..3_000).for_each(|_| replace(&current, &domain));
        drop(HazardPointer::new_in_domain(&domain));
        let protecting = allocations(|| {
            for _ in 0..1_000 {
                let mut hazard_pointer = HazardPointer::new_in_domain(&domain);
                // SAFETY: all that it holds is retired in this domain.
                assert!(unsafe { current.load(&mut hazard_pointer) }.is_some());
            }
        });
        assert_eq!(protecting, 0);
        let retiring = allocations(|| (0..10_000).for_each(|_| replace(&current, &domain)));
        assert_eq!(retiring, 10_000, "one for each box");
        // SAFETY: it is in this pointer alone.
        unsafe { current.retire_in(&domain) };
    }
}
