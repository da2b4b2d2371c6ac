//! Models of the queue locks: three threads, of which one is in the middle of the queue.
#![cfg(linchpin_loom)]

// std's: loom's own aborts the process if it is dropped after a deadlock, which a fault may lead to.
use std::sync::Arc;

use linchpin::queue::{McsCell, McsNode, RawClhMutex, RawMcsMutex};
use linchpin::wait::{Spin, SpinThenPark, Wait};
use lock_api::{Mutex, RawMutex};
use loom_tests::{Bounds, Watched, explore_beyond_to, explore_to, found_behind_spins, models, spawn};

models! {
    queue, sources: ["src/queue/mcs.rs", "src/queue/clh.rs", "src/internal/word_lock.rs"],
    mcs_excludes => excludes(Bounds::SMALL, 3, RawMcsMutex::<Spin>::with_wait),
    clh_excludes => excludes(Bounds::SMALL, 3, RawClhMutex::<Spin>::with_wait),
    mcs_sleeps => sleeps(Bounds::SMALL, RawMcsMutex::<SpinThenPark>::with_wait),
    clh_sleeps => sleeps(Bounds::SMALL, RawClhMutex::<SpinThenPark>::with_wait),
    mcs_tries => tries(RawMcsMutex::<Spin>::with_wait),
    clh_tries => tries(RawClhMutex::<Spin>::with_wait),
    mcs_node_is_used_again => node_is_used_again(),
    mcs_cell_excludes => cell_excludes::<Spin>(),
    mcs_cell_does_not_sleep => cell_does_not_sleep(),
    nodes_overflow => nodes_overflow(),
    nodes_change_hands => nodes_change_hands(RawMcsMutex::<Spin>::with_wait),
}

#[test]
fn a_thread_that_stands_back_acquires_the_lock() {
    found_behind_spins(
        "src/queue/mcs.rs",
        ".compare_exchange(null_mut(), node.as_ptr(), AcqRel, Relaxed)",
        "src/queue/barging.rs",
        |bounds| excludes(bounds, 2, RawMcsMutex::<SpinThenPark>::with_wait),
    );
    found_behind_spins(
        "src/queue/clh.rs",
        ".compare_exchange(null_mut(), place.0.as_ptr(), AcqRel, Relaxed)",
        "src/queue/barging.rs",
        |bounds| excludes(bounds, 2, RawClhMutex::<SpinThenPark>::with_wait),
    );
}

/// Three threads lock and add: nothing overlaps, nothing is lost, and all get through.
fn excludes<R: RawMutex<Guard: 'static> + Send + Sync + 'static>(
    bounds: Bounds,
    preemptions: usize,
    raw: fn() -> R,
) -> usize {
    explore_beyond_to(bounds, preemptions, [3], move || {
        let total = Arc::new(Mutex::from_raw(raw(), Watched::default()));
        let others = [(), ()].map(|()| {
            let total = Arc::clone(&total);
            spawn(move || total.lock().add(1))
        });
        total.lock().add(1);
        for other in others {
            other.join().expect("it only adds");
        }
        total.lock().get()
    })
}

/// Two threads, one of which may sleep: it is woken.
fn sleeps<R: RawMutex<Guard: 'static> + Send + Sync + 'static>(bounds: Bounds, raw: fn() -> R) -> usize {
    explore_beyond_to(bounds, 3, [3], move || {
        let total = Arc::new(Mutex::from_raw(raw(), Watched::default()));
        let other = spawn({
            let total = Arc::clone(&total);
            move || {
                total.lock().add(1);
                total.lock().add(1);
            }
        });
        total.lock().add(1);
        other.join().expect("it only adds");
        total.lock().get()
    })
}

/// Two threads try while a third locks: a thread that fails has changed nothing, one that gets in is alone, and the
/// lock is free in the end.
fn tries<R: RawMutex<Guard: 'static> + Send + Sync + 'static>(raw: fn() -> R) -> usize {
    explore_to(
        [(false, false), (false, true), (true, false), (true, true)],
        move || {
            let total = Arc::new(Mutex::from_raw(raw(), Watched::default()));
            let locker = spawn({
                let total = Arc::clone(&total);
                move || total.lock().add(1)
            });
            let trier = spawn({
                let total = Arc::clone(&total);
                move || total.try_lock().map(|held| held.add(1)).is_some()
            });
            let first = total.try_lock().map(|held| held.add(1)).is_some();
            locker.join().expect("it only adds");
            let second = trier.join().expect("it only adds");
            let end = total.try_lock().expect("everybody has unlocked");
            assert_eq!(end.get(), 1 + u32::from(first) + u32::from(second));
            (first, second)
        },
    )
}

/// Three threads with nodes on their stacks, which are gone when they have passed.
fn cell_excludes<W: Wait>() -> usize {
    explore_to([3], || {
        let total = Arc::new(McsCell::<_, W>::with_wait(Watched::default()));
        let others = [(), ()].map(|()| {
            let total = Arc::clone(&total);
            spawn(move || total.lock_with(&mut McsNode::new(), |total| total.add(1)))
        });
        total.lock_with(&mut McsNode::new(), |total| total.add(1));
        for other in others {
            other.join().expect("it only adds");
        }
        total.lock_with(&mut McsNode::new(), |total| total.get())
    })
}

/// Two threads, one of which passes twice with one node: what was left in it the first time does no harm.
fn node_is_used_again() -> usize {
    explore_to([3], || {
        let total = Arc::new(McsCell::<_, Spin>::with_wait(Watched::default()));
        let other = spawn({
            let total = Arc::clone(&total);
            move || total.lock_with(&mut McsNode::new(), |total| total.add(1))
        });
        let mut node = McsNode::new();
        total.lock_with(&mut node, |total| total.add(1));
        total.lock_with(&mut node, |total| total.add(1));
        other.join().expect("it only adds");
        total
            .try_lock_with(&mut node, |total| total.get())
            .expect("everybody has left")
    })
}

/// A sleeping policy, and nodes on the stack: no thread is woken by the address of a node that may be gone. In this
/// backend a thread would sleep at once, and only be woken if a thread did.
fn cell_does_not_sleep() -> usize {
    explore_to([2], || {
        let total = Arc::new(McsCell::<_, SpinThenPark>::with_wait(Watched::default()));
        let other = spawn({
            let total = Arc::clone(&total);
            move || total.lock_with(&mut McsNode::new(), |total| total.add(1))
        });
        total.lock_with(&mut McsNode::new(), |total| total.add(1));
        other.join().expect("it only adds");
        total.lock_with(&mut McsNode::new(), |total| total.get())
    })
}

/// The second thread may find the node that the first has given back when it ended.
fn nodes_change_hands<R: RawMutex<Guard: 'static> + Send + Sync + 'static>(raw: fn() -> R) -> usize {
    explore_to([()], move || {
        let others = [(), ()].map(|()| {
            spawn(move || {
                let lock = Mutex::from_raw(raw(), Watched::default());
                lock.lock().add(1);
                assert_eq!(lock.lock().get(), 1);
            })
        });
        for other in others {
            other.join().expect("it locks what is its own");
        }
    })
}

/// A thread holds four locks at one time, which is more nodes than it keeps: the others go to the pool while it lives,
/// and another thread takes them from there.
fn nodes_overflow() -> usize {
    explore_to([()], || {
        let others = [(), ()].map(|()| {
            spawn(|| {
                let locks = [(); 4].map(|()| Mutex::from_raw(RawMcsMutex::<Spin>::with_wait(), Watched::default()));
                let held = locks.each_ref().map(|lock| lock.lock());
                held.iter().for_each(|total| total.add(1));
                drop(held);
                locks
                    .each_ref()
                    .map(|lock| lock.lock())
                    .iter()
                    .for_each(|total| assert_eq!(total.get(), 1));
            })
        });
        for other in others {
            other.join().expect("it locks what is its own");
        }
    })
}
