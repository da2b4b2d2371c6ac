//! The standard workloads, and beside them the controls.

mod deques;
mod sleeping;
mod stacks;

use std::sync::atomic::AtomicBool;

use coherence::Machine;
use coherence::hint::spin_loop;
use coherence::sync::atomic::{AtomicU64, Ordering::Relaxed};
use linchpin::CachePadded;
use linchpin::counter::{ApproximateCounter, Counter, LocalCounter};
use linchpin::futex;
use linchpin::queue::{ClhMutex, McsMutex, RawClhMutex, RawMcsMutex};
use linchpin::spin::{Mutex, RwLock, TasMutex, TicketMutex};
use linchpin::wait::Spin;

use crate::{Bill, Workload, barriers, bill, reclamation};

/// How many adds a handle of the approximate counter holds back.
const BATCH: u64 = 64;

/// Operations that are billed, for each thread.
const OPERATIONS: usize = 256;
/// Passages through a contended lock that are billed, for each thread.
const PASSAGES: usize = 16;

/// The families, in the order in which they are shown.
pub const FAMILIES: [&str; 8] = [CONTENDED, APART, TURNS, COUNTERS, BARRIERS, RECLAMATION, DEQUES, STACKS];

const CONTENDED: &str = "one lock for all, threads always waiting";
const APART: &str = "a lock for each thread";
const TURNS: &str = "threads that wake one another";
const COUNTERS: &str = "one counter for all";
const DEQUES: &str = "elements that an owner or a producer passes on";
const STACKS: &str = "one stack for all, by push and pop";
const BARRIERS: &str = "one barrier for all, by the episode";
const RECLAMATION: &str = "reclamation, one domain for all";

const fn ours(family: &'static str, name: &'static str, run: fn(&Machine, usize) -> Bill) -> Workload {
    Workload {
        family,
        name,
        ours: true,
        run,
    }
}

const fn control(family: &'static str, name: &'static str, run: fn(&Machine, usize) -> Bill) -> Workload {
    Workload {
        family,
        name,
        ours: false,
        run,
    }
}

/// All of them.
pub fn all() -> impl Iterator<Item = &'static Workload> {
    ALL.iter().chain(sleeping::ALL).chain(deques::ALL).chain(stacks::ALL)
}

const ALL: &[Workload] = &[
    ours(CONTENDED, "spin::Mutex", |machine, threads| {
        let lock = Apart(Mutex::new(()));
        contended(machine, threads, || lock.0.lock())
    }),
    ours(CONTENDED, "spin::TasMutex", |machine, threads| {
        let lock = Apart(TasMutex::new(()));
        contended(machine, threads, || lock.0.lock())
    }),
    ours(CONTENDED, "spin::TicketMutex", |machine, threads| {
        let lock = Apart(TicketMutex::new(()));
        contended(machine, threads, || lock.0.lock())
    }),
    ours(CONTENDED, "spin::RwLock, write", |machine, threads| {
        let lock = Apart(RwLock::new(()));
        contended(machine, threads, || lock.0.write())
    }),
    ours(CONTENDED, "spin::RwLock, read", |machine, threads| {
        let lock = Apart(RwLock::new(()));
        contended(machine, threads, || lock.0.read())
    }),
    ours(CONTENDED, "queue::McsMutex", |machine, threads| {
        let lock = Apart(McsMutex::new(()));
        contended(machine, threads, || lock.0.lock())
    }),
    ours(CONTENDED, "queue::McsMutex, Spin", |machine, threads| {
        let lock = Apart(lock_api::Mutex::<RawMcsMutex<Spin>, _>::new(()));
        contended(machine, threads, || lock.0.lock())
    }),
    ours(CONTENDED, "queue::ClhMutex", |machine, threads| {
        let lock = Apart(ClhMutex::new(()));
        contended(machine, threads, || lock.0.lock())
    }),
    ours(CONTENDED, "queue::ClhMutex, Spin", |machine, threads| {
        let lock = Apart(lock_api::Mutex::<RawClhMutex<Spin>, _>::new(()));
        contended(machine, threads, || lock.0.lock())
    }),
    ours(APART, "queue::McsMutex, one each, padded", |machine, threads| {
        let locks = places(threads, || CachePadded::new(McsMutex::new(())));
        apart(machine, threads, |thread| drop(locks.0[thread].lock()))
    }),
    ours(APART, "queue::ClhMutex, one each, padded", |machine, threads| {
        let locks = places(threads, || CachePadded::new(ClhMutex::new(())));
        apart(machine, threads, |thread| drop(locks.0[thread].lock()))
    }),
    ours(CONTENDED, "futex::Mutex", |machine, threads| {
        let lock = Apart(futex::Mutex::new(()));
        contended(machine, threads, || lock.0.lock())
    }),
    #[cfg(any(target_os = "linux", target_os = "android"))]
    ours(CONTENDED, "futex::PiMutex", |machine, threads| {
        let lock = Apart(futex::PiMutex::new(()));
        contended(machine, threads, || lock.0.lock().expect("no thread ends with it"))
    }),
    ours(CONTENDED, "futex::RwLock, write", |machine, threads| {
        let lock = Apart(futex::RwLock::new(()));
        contended(machine, threads, || lock.0.write())
    }),
    ours(CONTENDED, "futex::RwLock, biased read", biased),
    ours(CONTENDED, "futex::Mutex, tries that fail", |machine, threads| {
        let lock = Apart(futex::Mutex::new(()));
        let _held = lock.0.lock();
        apart(machine, threads, |_| assert!(lock.0.try_lock().is_none()))
    }),
    ours(CONTENDED, "futex::RwLock, reads that fail", |machine, threads| {
        let lock = Apart(futex::RwLock::new(()));
        let _held = lock.0.write();
        apart(machine, threads, |_| assert!(lock.0.try_read().is_none()))
    }),
    ours(APART, "spin::Mutex, one each, padded", |machine, threads| {
        let locks = places(threads, || CachePadded::new(Mutex::new(())));
        apart(machine, threads, |thread| drop(locks.0[thread].lock()))
    }),
    ours(APART, "spin::TicketMutex, one each, padded", |machine, threads| {
        let locks = places(threads, || CachePadded::new(TicketMutex::new(())));
        apart(machine, threads, |thread| drop(locks.0[thread].lock()))
    }),
    ours(APART, "spin::RwLock, one each, padded, read", |machine, threads| {
        let locks = places(threads, || CachePadded::new(RwLock::new(())));
        apart(machine, threads, |thread| drop(locks.0[thread].read()))
    }),
    ours(APART, "futex::Mutex, one each, padded", |machine, threads| {
        let locks = places(threads, || CachePadded::new(futex::Mutex::new(())));
        apart(machine, threads, |thread| drop(locks.0[thread].lock()))
    }),
    #[cfg(any(target_os = "linux", target_os = "android"))]
    ours(APART, "futex::PiMutex, one each, padded", |machine, threads| {
        let locks = places(threads, || CachePadded::new(futex::PiMutex::new(())));
        apart(machine, threads, |thread| {
            drop(locks.0[thread].lock());
            drop(locks.0[thread].try_lock());
        })
    }),
    ours(APART, "futex::RwLock, one each, padded", |machine, threads| {
        let locks = places(threads, || CachePadded::new(futex::RwLock::new(())));
        apart(machine, threads, |thread| {
            drop(locks.0[thread].write());
            drop(locks.0[thread].read());
        })
    }),
    control(APART, "control: spin::Mutex, neighbours", |machine, threads| {
        let locks = places(threads, || Mutex::new(()));
        apart(machine, threads, |thread| drop(locks.0[thread].lock()))
    }),
    ours(COUNTERS, "Counter", |machine, threads| {
        let counter: Box<Counter> = Box::default();
        apart(machine, threads, |_| counter.add(1))
    }),
    ours(COUNTERS, "LocalCounter", |machine, threads| {
        let counters = Apart(LocalCounter::new());
        bill(machine, threads, OPERATIONS, usize::MAX, |thread, meter| {
            let counter = counters.0.register();
            while meter.goes_on() {
                counter.add(1);
                meter.tick(thread);
            }
        })
    }),
    ours(COUNTERS, "ApproximateCounter, batches of 64", |machine, threads| {
        let counter = ApproximateCounter::new(BATCH);
        bill(machine, threads, OPERATIONS, usize::MAX, |thread, meter| {
            let handle = counter.register();
            while meter.goes_on() {
                handle.add(1);
                meter.tick(thread);
            }
        })
    }),
    control(COUNTERS, "control: fetch_add, shared", |machine, threads| {
        let word = Apart(AtomicU64::new(0));
        apart(machine, threads, |_| {
            word.0.fetch_add(1, Relaxed);
        })
    }),
    control(COUNTERS, "control: fetch_add, neighbours", |machine, threads| {
        let words = places(threads, || AtomicU64::new(0));
        apart(machine, threads, |thread| {
            words.0[thread].fetch_add(1, Relaxed);
        })
    }),
    ours(BARRIERS, "barrier::Barrier", barriers::central),
    ours(BARRIERS, "barrier::CombiningBarrier", barriers::combining),
    ours(BARRIERS, "barrier::TreeBarrier", barriers::tree),
    ours(
        BARRIERS,
        "barrier::TreeBarrier, global flag",
        barriers::tree_with_global_flag,
    ),
    ours(BARRIERS, "barrier::TournamentBarrier", barriers::tournament),
    ours(BARRIERS, "barrier::DisseminationBarrier", barriers::dissemination),
    control(
        BARRIERS,
        "control: a central barrier on one line",
        barriers::on_one_line,
    ),
    ours(RECLAMATION, "hazard, protect", reclamation::protect),
    ours(
        RECLAMATION,
        "hazard, protect with a new one each time",
        reclamation::protect_anew,
    ),
    ours(RECLAMATION, "hazard, retire", reclamation::retire),
    control(
        RECLAMATION,
        "control: hazards, neighbours",
        reclamation::protect_side_by_side,
    ),
];

/// At the beginning of a line, so that the layout is the same in every run.
#[repr(align(128))]
pub struct Apart<T>(pub T);

/// A place for each thread, side by side from the beginning of a line on.
fn places<T>(threads: usize, place: impl FnMut() -> T) -> Apart<[T; 64]> {
    assert!(threads <= 64, "there are 64 places, and {threads} threads");
    Apart(std::array::from_fn({
        let mut place = place;
        move |_| place()
    }))
}

/// Acquisitions of one lock. A critical section is long enough for all to notice the holder, and the pause between
/// two is shorter than the queue.
fn contended<G>(machine: &Machine, threads: usize, lock: impl Fn() -> G + Sync) -> Bill {
    bill(machine, threads, PASSAGES, 8, |thread, meter| {
        while meter.goes_on() {
            let guard = lock();
            pause(16 * threads);
            meter.tick(thread);
            drop(guard);
            pause(8 * threads);
        }
    })
}

/// Reads of a lock of which it is known that it is hardly ever written.
fn biased(machine: &Machine, threads: usize) -> Bill {
    let lock = Apart(futex::RwLock::new(()));
    let biased = AtomicBool::new(false);
    bill(machine, threads, OPERATIONS, usize::MAX, |thread, meter| {
        if thread == 0 {
            // What makes a new lock biased.
            (0..1 << 15).for_each(|_| drop(lock.0.read()));
            biased.store(true, Relaxed);
        }
        while !biased.load(Relaxed) {
            spin_loop();
        }
        while meter.goes_on() {
            drop(lock.0.read());
            meter.tick(thread);
        }
    })
}

/// Operations one after the other, each thread for itself.
fn apart(machine: &Machine, threads: usize, operation: impl Fn(usize) + Sync) -> Bill {
    bill(machine, threads, OPERATIONS, usize::MAX, |thread, meter| {
        while meter.goes_on() {
            operation(thread);
            meter.tick(thread);
        }
    })
}

fn pause(rounds: usize) {
    (0..rounds).for_each(|_| spin_loop());
}
