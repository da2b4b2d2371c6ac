//! The model against the textbooks: coherence transactions per acquisition of each lock, as a
//! simple MESI model counts them.

use std::sync::atomic as plain;
use std::sync::atomic::Ordering::Relaxed;

use coherence::hint::spin_loop;
use coherence::{Machine, Report};

mod locks;
use locks::{Clh, Lock, Mcs, OneLine, Packed, Spread, Ticket, Ttas, TwoLines};

const ACQUISITIONS: usize = 500;
const WARM_UP: usize = 5;

fn pause(rounds: usize) {
    (0..rounds).for_each(|_| spin_loop());
}

/// Transactions per acquisition with all threads always queued, from the moment each has acquired
/// the lock to the moment the first thread ends. Every critical section outlasts the transactions
/// that the hand-off before it caused, and the threads queue again in the middle of one.
fn contended(threads: usize, lock: &dyn Lock) -> f64 {
    let acquisitions = (0..threads).map(|_| plain::AtomicUsize::new(0)).collect::<Vec<_>>();
    let done = || acquisitions.iter().map(|p| p.load(Relaxed)).sum::<usize>();
    let (began, ended) = (plain::AtomicUsize::new(0), plain::AtomicUsize::new(0));
    let report = coherence::run(&Machine::flat(threads), threads, |i| {
        while ended.load(Relaxed) == 0 {
            lock.with_lock(i, &|| {
                pause(16 * threads);
                acquisitions[i].fetch_add(1, Relaxed);
                if began.load(Relaxed) == 0 && done() > WARM_UP * threads {
                    coherence::phase("steady");
                    began.store(done(), Relaxed);
                } else if done() == began.load(Relaxed) + ACQUISITIONS {
                    coherence::phase("end");
                    ended.store(done(), Relaxed);
                }
            });
            pause(8 * threads);
        }
    });
    report.phase("steady").transactions_per(ACQUISITIONS as u64)
}

/// Transactions per acquisition with no thread queued, by the one of two threads that was not the
/// last to hold the lock.
fn alone(lock: &dyn Lock) -> f64 {
    let report = coherence::run(&Machine::flat(2), 2, |i| {
        pause(1000 * i);
        for round in 0..ACQUISITIONS + WARM_UP {
            if round == WARM_UP {
                coherence::phase("steady");
            }
            lock.with_lock(i, &|| ());
            pause(2000);
        }
    });
    // Both threads' acquisitions but for the one of thread 1 that came while thread 0 was still
    // warming up.
    report.phase("steady").transactions_per(2 * ACQUISITIONS as u64)
}

/// Holds a lock to its row of the table: `expected` of the number of threads, give or take `slack`
/// for the layout.
fn hold(
    make: impl Fn(usize) -> Box<dyn Lock>,
    alone_costs: f64,
    expected: impl Fn(f64) -> f64,
    slack: f64,
) -> Vec<f64> {
    let measured = alone(&*make(2));
    assert!(
        (measured - alone_costs).abs() <= 0.05,
        "alone: {measured} transactions, not {alone_costs}"
    );
    let of_size = |threads: usize| {
        let measured = contended(threads, &*make(threads));
        let expected = expected(threads as f64);
        assert!(
            (measured - expected).abs() <= slack,
            "{threads} threads: {measured} transactions, not {expected}"
        );
        measured
    };
    [4, 8, 16, 32].map(of_size).to_vec()
}

fn constant(counts: &[f64]) {
    let (few, many) = (counts[0], counts[3]);
    assert!(
        (many - few).abs() <= 0.5,
        "{few} transactions with 4 threads, {many} with 32"
    );
}

#[test]
fn ttas_costs_three_for_each_waiter() {
    hold(|_| Box::new(Ttas::default()), 2.0, |n| 3.0 * n - 3.0, 2.0);
}

#[test]
fn ticket_on_one_line_costs_two_for_each_waiter() {
    hold(|_| Box::new(Ticket::<OneLine>::default()), 1.0, |n| 2.0 * n, 1.0);
}

#[test]
fn ticket_on_two_lines_costs_one_for_each_waiter() {
    hold(|_| Box::new(Ticket::<TwoLines>::default()), 3.0, |n| n + 1.0, 0.0);
}

#[test]
fn clh_is_constant() {
    constant(&hold(|n| Box::new(Clh::new(n)), 3.0, |_| 5.0, 0.0));
}

#[test]
fn mcs_on_one_line_is_constant() {
    constant(&hold(|n| Box::new(Mcs::<Packed>::new(n)), 1.0, |_| 6.0, 0.0));
}

#[test]
fn mcs_on_two_lines_is_constant() {
    constant(&hold(|n| Box::new(Mcs::<Spread>::new(n)), 1.0, |_| 7.0, 0.0));
}

/// The order in which threads acquire the lock: every waiter of a fair lock is overtaken once at
/// most.
#[test]
fn fair_locks_are_fair() {
    let overtaken = |lock: &dyn Lock| {
        let order = std::sync::Mutex::new(Vec::new());
        let _: Report = coherence::run(&Machine::flat(8), 8, |i| {
            for _ in 0..50 {
                lock.with_lock(i, &|| order.lock().expect("no panic").push(i));
            }
        });
        let order = order.into_inner().expect("no panic");
        let rounds = order[16..320].windows(16);
        rounds
            .map(|round| {
                (0..8)
                    .map(|i| round.iter().filter(|&&j| j == i).count())
                    .max()
                    .unwrap_or(0)
            })
            .max()
    };
    assert_eq!(overtaken(&Ticket::<TwoLines>::default()), Some(2));
    assert_eq!(overtaken(&Clh::new(8)), Some(2));
    assert_eq!(overtaken(&Mcs::<Packed>::new(8)), Some(2));
    assert!(
        overtaken(&Ttas::default()) > Some(2),
        "the control is a lock without order"
    );
}
