//! What it costs to protect an object and to retire one, beside the peers that do it.

use std::hint::black_box;
use std::sync::Arc;
use std::sync::atomic::{AtomicPtr, Ordering};

use linchpin::hazard;

use super::Job;

/// Operations between two looks at the clock.
const BATCH: u64 = 64;

/// Makes what is shared, and the operations on it.
pub type Start = fn() -> Job;

/// To protect what a shared pointer points to, read it, and let it go.
pub const PROTECT: [(&str, Start); 8] = [
    ("linchpin hazard", protect_linchpin),
    ("linchpin hazard, a new one each time", protect_linchpin_anew),
    ("haphazard", protect_haphazard),
    ("haphazard, a new one each time", protect_haphazard_anew),
    ("crossbeam-epoch", protect_epoch),
    ("seize", protect_seize),
    ("RwLock<Arc>", protect_lock),
    ("plain load", protect_not),
];

/// To make an object and retire it.
pub const RETIRE: [(&str, Start); 5] = [
    ("linchpin hazard", retire_linchpin),
    ("haphazard", retire_haphazard),
    ("crossbeam-epoch", retire_epoch),
    ("seize", retire_seize),
    ("Box alone", retire_not),
];

/// Repeats what `start` makes for each thread.
fn operations<F: FnMut()>(start: impl Fn() -> F + Send + Sync + 'static) -> Job {
    Arc::new(move |lane| {
        let mut operation = start();
        lane.run(BATCH, || (0..BATCH).for_each(|_| operation()))
    })
}

fn shared() -> Arc<AtomicPtr<u64>> {
    Arc::new(AtomicPtr::new(Box::into_raw(Box::new(1))))
}

fn protect_linchpin() -> Job {
    let current: Arc<hazard::AtomicPtr<u64>> = Arc::new(Box::new(1).into());
    operations(move || {
        let current = Arc::clone(&current);
        let mut hazard_pointer = hazard::HazardPointer::new();
        move || {
            black_box(*current.safe_load(&mut hazard_pointer).expect("it is not null"));
            hazard_pointer.reset_protection();
        }
    })
}

fn protect_linchpin_anew() -> Job {
    let current: Arc<hazard::AtomicPtr<u64>> = Arc::new(Box::new(1).into());
    operations(move || {
        let current = Arc::clone(&current);
        move || {
            let mut hazard_pointer = hazard::HazardPointer::new();
            black_box(*current.safe_load(&mut hazard_pointer).expect("it is not null"));
        }
    })
}

fn protect_haphazard() -> Job {
    let current: Arc<haphazard::AtomicPtr<u64>> = Arc::new(Box::new(1).into());
    operations(move || {
        let current = Arc::clone(&current);
        let mut hazard_pointer = haphazard::HazardPointer::new();
        move || {
            black_box(*current.safe_load(&mut hazard_pointer).expect("it is not null"));
            hazard_pointer.reset_protection();
        }
    })
}

fn protect_haphazard_anew() -> Job {
    let current: Arc<haphazard::AtomicPtr<u64>> = Arc::new(Box::new(1).into());
    operations(move || {
        let current = Arc::clone(&current);
        move || {
            let mut hazard_pointer = haphazard::HazardPointer::new();
            black_box(*current.safe_load(&mut hazard_pointer).expect("it is not null"));
        }
    })
}

fn protect_epoch() -> Job {
    let current = Arc::new(crossbeam_epoch::Atomic::new(1_u64));
    operations(move || {
        let current = Arc::clone(&current);
        move || {
            let guard = crossbeam_epoch::pin();
            let object = current.load(Ordering::Acquire, &guard);
            // SAFETY: nothing frees it.
            black_box(*unsafe { object.deref() });
        }
    })
}

fn protect_seize() -> Job {
    use seize::Guard;
    let (collector, current) = (Arc::new(seize::Collector::new()), shared());
    operations(move || {
        let (collector, current) = (Arc::clone(&collector), Arc::clone(&current));
        move || {
            let guard = collector.enter();
            let object = guard.protect(&current, Ordering::Acquire);
            // SAFETY: nothing frees it.
            black_box(unsafe { *object });
        }
    })
}

fn protect_lock() -> Job {
    let current = Arc::new(std::sync::RwLock::new(Arc::new(1_u64)));
    operations(move || {
        let current = Arc::clone(&current);
        move || {
            let object = Arc::clone(&current.read().expect("no reader panics"));
            black_box(*object);
        }
    })
}

fn protect_not() -> Job {
    let current = shared();
    operations(move || {
        let current = Arc::clone(&current);
        move || {
            // SAFETY: nothing frees it.
            black_box(unsafe { *current.load(Ordering::Acquire) });
        }
    })
}

fn retire_linchpin() -> Job {
    operations(|| {
        let domain = hazard::Domain::global();
        || {
            let object = Box::into_raw(Box::new(black_box(1_u64)));
            // SAFETY: no thread has seen it.
            unsafe { domain.retire_ptr::<u64, Box<u64>>(object) };
        }
    })
}

fn retire_haphazard() -> Job {
    operations(|| {
        let domain = haphazard::Domain::global();
        || {
            let object = Box::into_raw(Box::new(black_box(1_u64)));
            // SAFETY: no thread has seen it.
            unsafe { domain.retire_ptr::<u64, Box<u64>>(object) };
        }
    })
}

fn retire_epoch() -> Job {
    operations(|| {
        || {
            let guard = crossbeam_epoch::pin();
            let object = crossbeam_epoch::Owned::new(black_box(1_u64)).into_shared(&guard);
            // SAFETY: no thread has seen it.
            unsafe { guard.defer_destroy(object) };
        }
    })
}

fn retire_seize() -> Job {
    let collector = Arc::new(seize::Collector::new());
    operations(move || {
        let collector = Arc::clone(&collector);
        move || {
            let object = Box::into_raw(Box::new(black_box(1_u64)));
            // SAFETY: no thread has seen it.
            unsafe { collector.retire(object, seize::reclaim::boxed) };
        }
    })
}

fn retire_not() -> Job {
    operations(|| || drop(black_box(Box::new(black_box(1_u64)))))
}
