//! Threads that wait for one another by condition variables, and readers and writers without membarrier.

use std::array::from_fn;

use coherence::Machine;
use linchpin::futex::{Condvar, Mutex, RwLock};

use super::{Apart, CONTENDED, OPERATIONS, TURNS, biased, contended, control, ours};
use crate::{Bill, Workload, bill, without_membarrier};

/// Wake-ups that are billed, for each thread.
const WAKE_UPS: usize = 32;
/// At every how manieth acquisition a thread writes, where it mostly reads.
const WRITE: usize = 16;

pub(super) const ALL: &[Workload] = &[
    ours(TURNS, "futex::Condvar, taking turns", turns),
    ours(TURNS, "futex::Condvar, notify_all", |machine, threads| {
        to_all(machine, threads, false)
    }),
    control(
        TURNS,
        "control: a notification for each, mutex held",
        |machine, threads| to_all(machine, threads, true),
    ),
    ours(
        CONTENDED,
        "futex::RwLock, biased read, no membarrier",
        |machine, threads| without_membarrier(|| biased(machine, threads)),
    ),
    ours(CONTENDED, "futex::RwLock, write, no membarrier", |machine, threads| {
        without_membarrier(|| {
            let lock = Apart(RwLock::new(()));
            contended(machine, threads, || lock.0.write())
        })
    }),
    ours(CONTENDED, "futex::RwLock, 1 write in 16", mostly_read),
    ours(
        CONTENDED,
        "futex::RwLock, 1 write in 16, no membarrier",
        |machine, threads| without_membarrier(|| mostly_read(machine, threads)),
    ),
];

/// The turn goes round, and each thread sleeps at a condition variable of its own until it has it; two play ping-pong.
fn turns(machine: &Machine, threads: usize) -> Bill {
    let turn = Apart(Mutex::new(0));
    let changed: [Apart<Condvar>; 64] = from_fn(|_| Apart(Condvar::new()));
    bill(machine, threads, WAKE_UPS, usize::MAX, |thread, meter| {
        let mut held = turn.0.lock();
        loop {
            while *held != thread && meter.goes_on() {
                changed[thread].0.wait(&mut held);
            }
            *held = (thread + 1) % threads;
            changed[*held].0.notify_one();
            if !meter.goes_on() {
                return;
            }
            meter.tick(thread);
        }
    })
}

/// What those that are notified together wait for.
struct Round {
    number: usize,
    waiting: usize,
    over: bool,
}

/// One thread notifies all others, as soon as all of them wait; what each of them pays for being woken is billed.
fn to_all(machine: &Machine, threads: usize, one_by_one: bool) -> Bill {
    let round = Apart(Mutex::new(Round {
        number: 0,
        waiting: 0,
        over: false,
    }));
    let (begun, complete) = (Apart(Condvar::new()), Apart(Condvar::new()));
    let others = threads - 1;
    bill(machine, threads, WAKE_UPS, 4, |thread, meter| {
        let mut held = round.0.lock();
        if thread > 0 {
            while !held.over {
                let number = held.number;
                held.waiting += 1;
                if held.waiting == others {
                    complete.0.notify_one();
                }
                begun.0.wait_while(&mut held, |round| round.number == number);
                meter.tick(thread);
            }
            return;
        }
        while !held.over {
            complete.0.wait_while(&mut held, |round| round.waiting < others);
            held.waiting = 0;
            held.number += 1;
            held.over = !meter.goes_on();
            if one_by_one {
                (0..others).for_each(|_| _ = begun.0.notify_one());
            } else {
                drop(held);
                begun.0.notify_all();
                held = round.0.lock();
            }
            if others == 0 {
                meter.tick(thread);
            }
        }
    })
}

/// Readers, each of which writes now and then.
fn mostly_read(machine: &Machine, threads: usize) -> Bill {
    let lock = Apart(RwLock::new(()));
    bill(machine, threads, OPERATIONS, 16, |thread, meter| {
        let mut acquisitions = thread;
        while meter.goes_on() {
            acquisitions += 1;
            if acquisitions.is_multiple_of(WRITE) {
                drop(lock.0.write());
            } else {
                drop(lock.0.read());
            }
            meter.tick(thread);
        }
    })
}
