//! In which order threads are served, and where nodes go: what only shows from inside.

use std::boxed::Box;
use std::cell::RefCell;
use std::collections::BTreeSet;
use std::sync::{Arc, Barrier, mpsc};
use std::thread;
use std::vec::Vec;

use crate::queue::{RawClhMutex, RawMcsMutex};
use crate::wait::{DefaultPark, Spin, SpinThenYield};
use lock_api::Mutex;

/// A lock whose last in the queue can be told from the one before.
trait Tail: lock_api::RawMutex + Send + Sync {
    /// Another for each that joins.
    fn tail(&self) -> usize;
}

fn tail<R: Tail, T>(lock: &Mutex<R, T>) -> usize {
    // SAFETY: only looks.
    unsafe { lock.raw() }.tail()
}

/// Waits until a thread has joined since `before`; answers which is last now.
fn await_arrival<R: Tail, T>(lock: &Mutex<R, T>, before: usize) -> usize {
    loop {
        let now = tail(lock);
        if now != before {
            return now;
        }
        thread::yield_now();
    }
}

const THREADS: usize = if cfg!(miri) { 3 } else { 12 };

/// Threads join one after the other, and are served in that order.
fn it_serves_in_the_order_of_arrival<R: Tail>() {
    let order = Mutex::<R, _>::new(Vec::new());
    thread::scope(|scope| {
        let held = order.lock();
        let mut last = tail(&order);
        for arrival in 0..THREADS {
            let order = &order;
            scope.spawn(move || order.lock().push(arrival));
            last = await_arrival(order, last);
        }
        drop(held);
    });
    assert!(!order.is_locked());
    assert_eq!(order.into_inner(), (0..THREADS).collect::<Vec<_>>());
}

/// Threads that try all the time get in when the queue has been served, and not before.
fn who_tries_passes_nobody_in_line<R: Tail>() {
    const TRIER: usize = usize::MAX;
    let order = Mutex::<R, _>::new(Vec::new());
    let triers = Barrier::new(3);
    thread::scope(|scope| {
        let held = order.lock();
        let mut last = tail(&order);
        for arrival in 0..THREADS {
            let order = &order;
            scope.spawn(move || order.lock().push(arrival));
            last = await_arrival(order, last);
        }
        for _ in 0..2 {
            let (order, triers) = (&order, &triers);
            scope.spawn(move || {
                assert!(order.try_lock().is_none(), "it is held, and others are in the queue");
                triers.wait();
                loop {
                    if let Some(mut order) = order.try_lock() {
                        order.push(TRIER);
                        return;
                    }
                    thread::yield_now();
                }
            });
        }
        triers.wait();
        drop(held);
    });
    let expected: Vec<_> = (0..THREADS).chain([TRIER, TRIER]).collect();
    assert_eq!(order.into_inner(), expected);
}

/// One thread is always first and another always last in the queue. With CLH the second takes over the nodes of the
/// first.
fn nodes_that_go_one_way_come_back<R: Tail>() {
    const ROUNDS: usize = if cfg!(miri) { 30 } else { 200 };
    let lock = Mutex::<R, _>::new(());
    let (ask, asked) = mpsc::channel::<()>();
    let mut nodes = BTreeSet::new();
    let gate = Barrier::new(2);
    thread::scope(|scope| {
        let (lock, gate) = (&lock, &gate);
        scope.spawn(move || {
            while asked.recv().is_ok() {
                drop(lock.lock());
                gate.wait();
            }
        });
        for _ in 0..ROUNDS {
            let held = lock.lock();
            let first = tail(lock);
            ask.send(()).expect("the other thread waits for this");
            await_arrival(lock, first);
            nodes.insert(first & !1);
            drop(held);
            gate.wait();
        }
        drop(ask);
    });
    assert!(
        nodes.len() < ROUNDS / 4 + 16,
        "{} nodes in {ROUNDS} rounds",
        nodes.len()
    );
}

/// Threads that come and go leave their nodes to those that come later, also what they take when their cache is gone.
fn nodes_outlive_their_threads<R: Tail>() {
    const THREADS: usize = if cfg!(miri) { 20 } else { 400 };
    /// Calls this when the thread ends.
    struct Last(Option<Box<dyn FnOnce()>>);
    impl Drop for Last {
        fn drop(&mut self) {
            if let Some(act) = self.0.take() {
                act();
            }
        }
    }
    std::thread_local! {
        static LAST: RefCell<Last> = const { RefCell::new(Last(None)) };
    }
    fn note<R: Tail>(nodes: &std::sync::Mutex<BTreeSet<usize>>) {
        let lock = Mutex::<R, _>::new(());
        let _held = lock.lock();
        nodes.lock().expect("no thread panics").insert(tail(&lock) & !1);
    }
    let nodes = Arc::new(std::sync::Mutex::new(BTreeSet::new()));
    for thread in 0..THREADS {
        let nodes = Arc::clone(&nodes);
        let before = thread % 2 == 0;
        let thread = thread::spawn(move || {
            if before {
                note::<R>(&nodes);
            }
            let late = Arc::clone(&nodes);
            LAST.with_borrow_mut(|last| last.0 = Some(Box::new(move || note::<R>(&late))));
            note::<R>(&nodes);
        });
        thread.join().expect("it only notes");
    }
    let nodes = nodes.lock().expect("no thread panics").len();
    assert!(nodes < THREADS / 4 + 16, "{nodes} nodes for {THREADS} threads");
}

macro_rules! lines {
($($name:ident: $raw:ident;)*) => {$(
    impl<W: crate::wait::Wait> Tail for $raw<W> {
        fn tail(&self) -> usize {
            self.last_in_queue()
        }
    }

    mod $name {
        use super::*;

        #[test]
        fn it_serves_in_the_order_of_arrival() {
            super::it_serves_in_the_order_of_arrival::<$raw<DefaultPark>>();
            super::it_serves_in_the_order_of_arrival::<$raw<SpinThenYield>>();
        }

        #[test]
        fn who_tries_passes_nobody_in_line() {
            super::who_tries_passes_nobody_in_line::<$raw<DefaultPark>>();
        }

        #[test]
        fn nodes_outlive_their_threads() {
            super::nodes_outlive_their_threads::<$raw<DefaultPark>>();
        }

        #[test]
        fn nodes_that_go_one_way_come_back() {
            super::nodes_that_go_one_way_come_back::<$raw<DefaultPark>>();
            super::nodes_that_go_one_way_come_back::<$raw<Spin>>();
        }
    }
)*};
}

lines! {
    mcs: RawMcsMutex;
    clh: RawClhMutex;
}
