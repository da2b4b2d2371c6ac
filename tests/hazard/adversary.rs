//! Under an adversary: thousands of threads that were here once, threads that are held up anywhere, a fork, a sandbox.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, mpsc};
use std::thread;

use linchpin::hazard::{Domain, HazardPointer};

use crate::common::{Count, Counted, Family, Pointer, load, replace, retire};
use crate::process::{Child, alone, in_a_fork};
use crate::seccomp::refuse_membarrier;
use crate::system::{Actor, HoldUp, leak, least_cpu_times, until};

/// Takes a hazard pointer of `domain`, protects and retires.
fn use_once(domain: &Domain<Family>, pointer: &Pointer<Counted>, count: &Count) {
    let mut reader = HazardPointer::new_in_domain(domain);
    load(pointer, &mut reader).look();
    drop(reader);
    retire(domain, count.value());
}

/// How many slots a scan of `domain` looks at.
fn slots(domain: &Domain<Family>) -> String {
    let text = format!("{domain:?}");
    let (_, slots) = text.split_once("slots: ").expect("it says how many");
    slots.split([',', ' ']).next().expect("there is a number").to_string()
}

/// Threads that have protected once, and idle or end, cost a scan nothing: their slots are not looked at.
fn bystanders(end: bool) {
    const THREADS: usize = 10_000;
    let domain = leak(Domain::new(&Family));
    let fresh = leak(Domain::new(&Family));
    let count = leak(Count::default());
    let pointer = leak(Pointer::from(Box::new(count.value())));
    let held = leak(AtomicUsize::new(0));
    let gate = leak(std::sync::Mutex::new(()));
    let closed = gate.lock().expect("no thread panics under it");
    let threads: Vec<_> = (0..THREADS)
        .map(|_| {
            let bystander = move || {
                use_once(domain, pointer, count);
                held.fetch_add(1, Ordering::SeqCst);
                if !end {
                    drop(gate.lock());
                }
            };
            thread::Builder::new()
                .stack_size(64 << 10)
                .spawn(bystander)
                .expect("there is room for one more thread")
        })
        .collect();
    until("all have been there", || held.load(Ordering::SeqCst) == THREADS);
    let mut threads = Some(threads);
    if end {
        threads
            .take()
            .into_iter()
            .flatten()
            .for_each(|thread| thread.join().expect("it only reads"));
    }
    // Two scans to find out that they are idle.
    for domain in [domain, fresh] {
        for _ in 0..3 {
            retire(domain, count.value());
            domain.eager_reclaim();
        }
    }
    use_once(domain, pointer, count);
    use_once(fresh, pointer, count);
    assert!(
        ["0", "1"].contains(&&*slots(domain)),
        "looks at {} slots",
        slots(domain)
    );
    // The cost of whole cycles of a scan, beside a domain that has seen none of them.
    let cycle = |domain: &'static Domain<Family>| {
        move || {
            for _ in 0..2_000 {
                retire(domain, 1_u64);
            }
        }
    };
    let protect = |domain: &'static Domain<Family>| {
        move || {
            for _ in 0..2_000 {
                let mut reader = HazardPointer::new_in_domain(domain);
                load(pointer, &mut reader).look();
            }
        }
    };
    let [mut one, mut other] = [cycle(domain), cycle(fresh)];
    let [beside, alone] = least_cpu_times(20, [&mut one, &mut other]);
    println!("2000 retired: {beside:?} beside {THREADS} bystanders, {alone:?} without");
    assert!(beside < 10 * alone, "a scan: {beside:?} beside them, {alone:?} without");
    let [mut one, mut other] = [protect(domain), protect(fresh)];
    let [beside, alone] = least_cpu_times(20, [&mut one, &mut other]);
    println!("2000 protected: {beside:?} beside {THREADS} bystanders, {alone:?} without");
    assert!(
        beside < 10 * alone,
        "protection: {beside:?} beside them, {alone:?} without"
    );
    drop(closed);
    threads
        .into_iter()
        .flatten()
        .for_each(|thread| thread.join().expect("it only reads"));
    domain.eager_reclaim();
    fresh.eager_reclaim();
    assert_eq!(count.living(), 1);
}

#[test]
fn ten_thousand_threads_that_have_ended() {
    alone(|| bystanders(true));
}

#[test]
fn ten_thousand_threads_that_idle() {
    alone(|| bystanders(false));
}

/// Threads that protect, replace, retire and scan: one after the other is stopped wherever it is, and the others go on,
/// and keep no more than they may.
#[test]
fn a_thread_that_is_held_up_keeps_no_other_from_progress() {
    const THREADS: usize = 4;
    const STOPS: usize = 60;
    alone(|| {
        let domain = leak(Domain::new(&Family));
        let count = leak(Count::default());
        let pointers = leak([(); 4].map(|()| Pointer::from(Box::new(count.value()))));
        let stop = leak(AtomicBool::new(false));
        let done = leak([(); THREADS].map(|()| AtomicUsize::new(0)));
        let actors: Vec<_> = (0..THREADS)
            .map(|number| {
                Actor::start(move || {
                    let mut kept = HazardPointer::new_in_domain(domain);
                    let mut round = number;
                    while !stop.load(Ordering::Relaxed) {
                        let pointer = &pointers[round % pointers.len()];
                        let mut reader = HazardPointer::new_in_domain(domain);
                        let object = load(pointer, &mut reader);
                        load(&pointers[(round + 1) % pointers.len()], &mut kept).look();
                        replace(pointer, count.value(), domain);
                        object.look();
                        if round.is_multiple_of(64) {
                            domain.eager_reclaim();
                        }
                        round += 1;
                        done[number].store(round, Ordering::Relaxed);
                    }
                })
            })
            .collect();
        for round in 0..STOPS {
            // At another point each time: after another number of steps.
            let before = done[round % THREADS].load(Ordering::Relaxed);
            until("it goes on", || done[round % THREADS].load(Ordering::Relaxed) > before);
            let stopped = HoldUp::of([&actors[round % THREADS]]);
            let others = (0..THREADS).filter(|&number| number != round % THREADS);
            let before: Vec<_> = others
                .map(|number| (number, done[number].load(Ordering::Relaxed)))
                .collect();
            until("the others go on", || {
                before
                    .iter()
                    .all(|&(number, before)| done[number].load(Ordering::Relaxed) > before + 1_500)
            });
            let living = count.living();
            assert!(living <= THREADS * 1_000 + 2 * THREADS + 8, "{living} are kept");
            drop(stopped);
        }
        stop.store(true, Ordering::Relaxed);
        actors.into_iter().for_each(Actor::join);
        domain.eager_reclaim();
        assert_eq!(count.living(), pointers.len());
    });
}

/// A child of a fork has what its one thread had. What other threads protect stays protected there, for ever.
#[test]
fn a_child_of_a_fork_goes_on() {
    alone(|| {
        let domain = leak(Domain::new(&Family));
        let count = leak(Count::default());
        let pointer = leak(Pointer::from(Box::new(count.value())));
        let (ready, is_ready) = mpsc::channel();
        let (end, ends) = mpsc::channel::<()>();
        let other = thread::spawn(move || {
            let mut reader = HazardPointer::new_in_domain(domain);
            let object = load(pointer, &mut reader);
            (0..100).for_each(|_| _ = retire(domain, count.value()));
            ready.send(()).expect("it is awaited");
            let _ = ends.recv();
            object.look();
        });
        is_ready.recv().expect("it gets ready");
        (0..100).for_each(|_| _ = retire(domain, count.value()));
        let check = || {
            replace(pointer, count.value(), domain);
            // All that this thread has retired, but the one that the other thread protects.
            let mine = domain.eager_reclaim() == 100;
            let mut reader = HazardPointer::new_in_domain(domain);
            load(pointer, &mut reader).look();
            let mut most = 0;
            for _ in 0..5_000 {
                retire(domain, count.value());
                most = most.max(count.living());
            }
            // Beside them what the other thread has retired, the protected one, and the one in the pointer.
            mine && most <= 1_000 + 100 + 3
        };
        assert_eq!(in_a_fork(20, check), Child::Right);
        assert!(check(), "and so does the parent");
        end.send(()).expect("it is awaited");
        other.join().expect("the object is still there");
        domain.eager_reclaim();
        assert_eq!(count.living(), 1);
    });
}

/// A sandbox refuses `membarrier` after it was used: what is retired under it is kept, then and later, until another
/// thread that may use it scans, or the domain is dropped.
#[test]
fn a_sandbox_refuses_the_fence() {
    alone(|| {
        let domain = Arc::new(Domain::new(&Family));
        let count = Count::default();
        let pointer = Arc::new(Pointer::from(Box::new(count.value())));
        let mut reader = HazardPointer::new_in_domain(&domain);
        let object = load(&pointer, &mut reader);
        // It has been used.
        retire(&domain, count.value());
        assert_eq!(domain.eager_reclaim(), 1);
        let thread = thread::spawn({
            let (domain, pointer, count) = (Arc::clone(&domain), Arc::clone(&pointer), count.clone());
            move || {
                if !refuse_membarrier() {
                    return None;
                }
                let before = count.dropped();
                let replaced = replace(&pointer, count.value(), &domain);
                let retired: usize = (0..10_000).map(|_| retire(&domain, count.value())).sum();
                let mut own = HazardPointer::new_in_domain(&domain);
                load(&pointer, &mut own).look();
                let reclaimed = replaced + retired + domain.eager_reclaim();
                Some((reclaimed, count.dropped() - before))
            }
        });
        let outcome = thread.join().expect("it only retires");
        object.look();
        let Some(outcome) = outcome else { return };
        // Too late to disable anything: it answers whether there is nothing to disable.
        if linchpin::membarrier::disable() {
            assert_eq!(outcome.0, outcome.1, "there never was a membarrier: nothing is missed");
        } else {
            assert_eq!(outcome, (0, 0), "nothing is freed that may be protected");
            assert_eq!(count.living(), 10_002);
        }
        // This thread is not in the sandbox: it takes over what the other has left.
        domain.eager_reclaim();
        object.look();
        assert_eq!(count.living(), 2);
        drop(reader);
        assert_eq!(domain.eager_reclaim(), 1);
        assert!(refuse_membarrier());
        (0..3_000).for_each(|_| _ = retire(&domain, count.value()));
        let domain = Arc::into_inner(domain).expect("the thread has ended");
        drop(domain);
        assert_eq!(count.living(), 1, "with the domain goes all that was retired");
    });
}

/// A thread that was refused `membarrier`, and retires nothing itself, gives on what it takes over from others: a thread
/// that may use it finds that.
#[test]
fn a_thread_in_a_sandbox_keeps_nothing_from_others() {
    const ENDED: usize = 20;
    alone(|| {
        let domain = leak(Domain::new(&Family));
        let count = leak(Count::default());
        drop(HazardPointer::new_in_domain(domain));
        let (orders, next) = mpsc::channel::<()>();
        let (done, is_done) = mpsc::channel();
        let refused = thread::spawn(move || {
            let is_refused = refuse_membarrier();
            for () in next {
                domain.eager_reclaim();
                retire(domain, count.value());
                domain.eager_reclaim();
                done.send(is_refused).expect("it is awaited");
            }
        });
        for _ in 0..ENDED {
            let thread = thread::spawn(|| (0..900).for_each(|_| _ = retire(domain, count.value())));
            thread.join().expect("it only retires");
            orders.send(()).expect("it waits");
            is_done.recv().expect("it reports");
        }
        // Where nothing can be refused, there is nothing left.
        domain.eager_reclaim();
        assert_eq!(count.living(), 0, "all is found");
        drop(orders);
        refused.join().expect("it only scans");
    });
}
