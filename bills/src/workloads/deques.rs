//! Owners and thieves. Elements are a line long, so that only what is the deque's own can be shared falsely: short elements
//! share lines, which is what makes them cheap to pass.

use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use coherence::Machine;
use coherence::hint::spin_loop;
use linchpin::CachePadded;
use linchpin::deque::{Injector, Worker, block};

use super::{Apart, DEQUES, OPERATIONS, control, ours};
use crate::{Bill, Workload, bill};

type Element = CachePadded<u64>;

/// How many elements lie about before no more are made.
const AHEAD: u64 = 16;

pub(super) const ALL: &[Workload] = &[
    ours(DEQUES, "deque::Worker, LIFO, alone", |machine, threads| {
        alone(machine, threads, Worker::<Element>::new_lifo, |own| {
            own.push(CachePadded::new(1));
            own.pop().is_some()
        })
    }),
    ours(DEQUES, "deque::Worker, FIFO, alone", |machine, threads| {
        alone(machine, threads, Worker::<Element>::new_fifo, |own| {
            own.push(CachePadded::new(1));
            own.pop().is_some()
        })
    }),
    ours(DEQUES, "deque::block::Worker, alone", |machine, threads| {
        alone(machine, threads, block::Worker::<Element>::new_lifo, |own| {
            own.push(CachePadded::new(1));
            own.pop().is_some()
        })
    }),
    ours(DEQUES, "deque::Stealer, one owner", stolen),
    ours(DEQUES, "deque::Stealer, batches", batches),
    ours(DEQUES, "deque::block::Stealer, blocks", blocks),
    ours(DEQUES, "deque::Injector", injected),
    control(DEQUES, "control: both ends on one line", |machine, threads| {
        use coherence::sync::atomic::AtomicU64;
        let ends = Apart([const { AtomicU64::new(0) }; 2]);
        bill(machine, threads, OPERATIONS, usize::MAX, |thread, meter| {
            let end = &ends.0[usize::from(thread > 0)];
            while meter.goes_on() {
                end.store(end.load(Relaxed) + 1, Relaxed);
                meter.tick(thread);
            }
        })
    }),
];

/// A deque for each thread, which nobody else knows.
fn alone<W>(machine: &Machine, threads: usize, make: impl Fn() -> W + Sync, act: impl Fn(&W) -> bool + Sync) -> Bill {
    bill(machine, threads, OPERATIONS, usize::MAX, |thread, meter| {
        let own = make();
        while meter.goes_on() {
            assert!(act(&own), "nobody steals");
            meter.tick(thread);
        }
    })
}

/// What a thread does: it makes elements, or takes some, and says how many; or both in turn.
struct Role<'a> {
    make: Option<Box<dyn Fn() -> u64 + 'a>>,
    take: Option<Box<dyn Fn() -> u64 + 'a>>,
}

/// Threads that make elements, as long as few lie about, and threads that take them.
fn passed<'a>(machine: &Machine, threads: usize, role: impl Fn(usize) -> Role<'a> + Sync) -> Bill {
    let made = AtomicU64::new(0);
    let taken = AtomicU64::new(0);
    bill(machine, threads, OPERATIONS / 4, 64, |thread, meter| {
        let role = role(thread);
        while meter.goes_on() {
            if let Some(make) = &role.make
                && made.load(Relaxed).saturating_sub(taken.load(Relaxed)) < AHEAD
            {
                let count = make();
                made.fetch_add(count, Relaxed);
                (0..count).for_each(|_| meter.tick(thread));
                continue;
            }
            let got = role.take.as_ref().map_or(0, |take| take());
            taken.fetch_add(got, Relaxed);
            (0..got).for_each(|_| meter.tick(thread));
            if got == 0 {
                spin_loop();
            }
        }
    })
}

fn element() -> Element {
    CachePadded::new(1)
}

/// The first thread owns `worker`, the others steal; one alone does both.
fn owned<W: Send>(
    machine: &Machine,
    threads: usize,
    worker: W,
    push: fn(&W) -> u64,
    thief: impl Fn() -> Box<dyn Fn() -> u64 + Send> + Sync,
) -> Bill {
    let worker = Mutex::new(Some(worker));
    passed(machine, threads, |thread| Role {
        make: (thread == 0).then(|| -> Box<dyn Fn() -> u64> {
            let worker = worker
                .lock()
                .expect("no thread panics")
                .take()
                .expect("one thread is the first");
            Box::new(move || push(&worker))
        }),
        take: (thread > 0 || threads == 1).then(|| -> Box<dyn Fn() -> u64> { thief() }),
    })
}

fn stolen(machine: &Machine, threads: usize) -> Bill {
    let worker = Worker::new_lifo();
    let stealer = worker.stealer();
    owned(
        machine,
        threads,
        worker,
        |worker| {
            worker.push(element());
            1
        },
        || {
            let stealer = stealer.clone();
            Box::new(move || u64::from(stealer.steal().is_success()))
        },
    )
}

fn batches(machine: &Machine, threads: usize) -> Bill {
    let worker = Worker::new_fifo();
    let stealer = worker.stealer();
    owned(
        machine,
        threads,
        worker,
        |worker| {
            worker.push(element());
            1
        },
        || {
            let (stealer, own) = (stealer.clone(), Worker::new_fifo());
            Box::new(move || {
                let _ = stealer.steal_batch(&own);
                own.drain().count() as u64
            })
        },
    )
}

fn blocks(machine: &Machine, threads: usize) -> Bill {
    let worker = block::Worker::new_lifo();
    let stealer = worker.stealer();
    owned(
        machine,
        threads,
        worker,
        |worker| {
            (0..AHEAD).for_each(|_| worker.push(element()));
            worker.publish();
            AHEAD
        },
        || {
            let (stealer, own) = (stealer.clone(), block::Worker::new_lifo());
            Box::new(move || {
                let _ = stealer.steal_batch(&own);
                own.drain().count() as u64
            })
        },
    )
}

/// Every other thread pushes.
fn injected(machine: &Machine, threads: usize) -> Bill {
    let tasks = Injector::new();
    passed(machine, threads, |thread| Role {
        make: (thread % 2 == 0).then(|| -> Box<dyn Fn() -> u64> {
            Box::new(|| {
                tasks.push(element());
                1
            })
        }),
        take: (thread % 2 == 1 || threads == 1)
            .then(|| -> Box<dyn Fn() -> u64> { Box::new(|| u64::from(tasks.steal().is_success())) }),
    })
}
