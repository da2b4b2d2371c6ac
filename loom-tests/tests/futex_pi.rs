//! Models of the mutex with priority inheritance: its word, against a model of the kernel's part.
#![cfg(all(linchpin_loom, any(target_os = "linux", target_os = "android")))]

// std's: loom's own aborts the process if it is dropped after a deadlock, which a fault may lead to.
use std::sync::Arc;
use std::sync::atomic::Ordering::{Acquire, Relaxed, Release};
use std::time::Instant;

use linchpin::futex::{PiError, PiMutex, PiMutexGuard, PiResult};
use linchpin::models::fault::{Fault, Kind, Operation, record};
use linchpin::models::reuse_thread_numbers;
use loom_tests::{explore_to, explore_within_to, models, spawn};

models! {
    futex_pi, sources: ["src/futex/pi/word.rs", "src/futex/pi/number.rs"],
    excludes => excludes(&[2, 1]) + excludes(&[1, 1, 1]),
    tries => tries(),
    gives_up => gives_up(),
    a_lock_freed_by_the_kernel_hands_on => freed_by_the_kernel(),
    an_owner_that_is_gone_is_replaced => owner_gone(),
    an_owner_that_dies_is_reported => owner_dies(),
    an_owner_that_dies_is_inherited_once => inherited_once(),
    an_owner_may_die_twice => owner_dies_twice(),
    a_circle_is_found => circle(),
    an_owner_that_comes_back_keeps_it => comes_back(),
    a_number_that_is_given_again_keeps_it => number_reused(),
}

/// What the mutex guards is watched by loom through the cell of the mutex itself.
type Shared = Arc<PiMutex<u32>>;

fn shared() -> Shared {
    Arc::new(PiMutex::new(0))
}

fn add(guard: &mut PiMutexGuard<'_, u32>) -> u32 {
    **guard += 1;
    **guard
}

/// What came of an attempt to lock.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
enum Came {
    /// Locked, and this is the number now.
    Locked(u32),
    /// The same, from an owner that has died.
    Inherited(u32),
    TimedOut,
    WouldBlock,
    Deadlock,
}

/// Adds one if it is locked, repairs what it inherits, and unlocks.
fn pass(locked: PiResult<'_, u32>) -> Came {
    match locked {
        Ok(mut guard) => Came::Locked(add(&mut guard)),
        Err(PiError::OwnerDied(mut guard)) => {
            PiMutexGuard::mark_repaired(&mut guard);
            Came::Inherited(add(&mut guard))
        }
        Err(PiError::TimedOut) => Came::TimedOut,
        Err(PiError::WouldBlock) => Came::WouldBlock,
        Err(PiError::Deadlock) => Came::Deadlock,
        Err(error) => panic!("{error}"),
    }
}

/// A thread that locks, adds one, and ends without unlocking.
fn dies(mutex: &Shared) -> loom::thread::JoinHandle<Came> {
    let mutex = Arc::clone(mutex);
    spawn(move || {
        let (mut guard, came) = match mutex.lock() {
            Ok(guard) => (guard, Came::Locked as fn(u32) -> Came),
            Err(PiError::OwnerDied(guard)) => (guard, Came::Inherited as fn(u32) -> Came),
            Err(error) => panic!("{error}"),
        };
        let number = add(&mut guard);
        std::mem::forget(guard);
        came(number)
    })
}

/// Each thread passes so many times, the last of them is this one; nothing is lost.
fn excludes(acquisitions: &'static [u32]) -> usize {
    explore_to([acquisitions.iter().sum::<u32>()], || {
        let mutex = shared();
        let passes = |mutex: &Shared, count: u32| (0..count).for_each(|_| _ = pass(mutex.lock()));
        let (&here, elsewhere) = acquisitions.split_last().expect("a thread passes");
        let others: Vec<_> = elsewhere
            .iter()
            .map(|&count| {
                let mutex = Arc::clone(&mutex);
                spawn(move || passes(&mutex, count))
            })
            .collect();
        passes(&mutex, here);
        for other in others {
            other.join().expect("it only passes");
        }
        match pass(mutex.lock()) {
            Came::Locked(number) => number - 1,
            other => panic!("it is free: {other:?}"),
        }
    })
}

/// One tries, while another passes: it gets in before, after, or not at all.
fn tries() -> usize {
    use Came::{Locked, WouldBlock};
    explore_to(
        [(Locked(1), Locked(2)), (Locked(2), Locked(1)), (WouldBlock, Locked(1))],
        || {
            let mutex = shared();
            let other = spawn({
                let mutex = Arc::clone(&mutex);
                move || pass(mutex.lock())
            });
            let here = pass(mutex.try_lock());
            let there = other.join().expect("it only passes");
            drop(mutex.try_lock().expect("it is free in the end"));
            (here, there)
        },
    )
}

/// One waits until a deadline, which may pass before or after the lock is handed over.
fn gives_up() -> usize {
    use Came::{Locked, TimedOut};
    explore_to(
        [(Locked(1), Locked(2)), (Locked(2), Locked(1)), (TimedOut, Locked(1))],
        || {
            let mutex = shared();
            let other = spawn({
                let mutex = Arc::clone(&mutex);
                move || pass(mutex.lock())
            });
            let here = pass(mutex.try_lock_until(Instant::now()));
            let there = other.join().expect("it only passes");
            drop(mutex.try_lock().expect("it is free in the end"));
            (here, there)
        },
    )
}

/// One holds it, one gives up waiting, so that the kernel frees it; one comes later and does not ask the kernel.
fn freed_by_the_kernel() -> usize {
    use Came::{Locked, TimedOut};
    let locked = |other| (Locked(1), other, Locked(2));
    explore_to(
        [
            locked(TimedOut),
            (Locked(1), Locked(2), Locked(3)),
            (Locked(1), Locked(3), Locked(2)),
        ],
        || {
            let mutex = shared();
            let mut first = mutex.lock().expect("it is free");
            let second = spawn({
                let mutex = Arc::clone(&mutex);
                move || pass(mutex.try_lock_until(Instant::now()))
            });
            let third = spawn({
                let mutex = Arc::clone(&mutex);
                move || pass(mutex.lock())
            });
            let one = add(&mut first);
            drop(first);
            let two = second.join().expect("it only passes");
            (Locked(one), two, third.join().expect("it only passes"))
        },
    )
}

/// Its owner has died before any thread waited; one of the two that come inherits it, the other gets it from that one.
fn owner_gone() -> usize {
    use Came::{Inherited, Locked};
    explore_to([(Inherited(2), Locked(3)), (Locked(3), Inherited(2))], || {
        let mutex = shared();
        assert_eq!(dies(&mutex).join().expect("it only dies"), Locked(1));
        let other = spawn({
            let mutex = Arc::clone(&mutex);
            move || pass(mutex.lock())
        });
        let here = pass(mutex.lock());
        let there = other.join().expect("it only passes");
        drop(mutex.try_lock().expect("it is free in the end"));
        (here, there)
    })
}

/// Its owner dies before, while or after another locks.
fn owner_dies() -> usize {
    use Came::{Inherited, Locked};
    explore_to([(Locked(1), Locked(2)), (Inherited(2), Locked(1))], || {
        let mutex = shared();
        let other = dies(&mutex);
        let here = pass(mutex.lock());
        (here, other.join().expect("it only dies"))
    })
}

/// Its owner dies while two others come, of which one may get it from the other's finding that the owner has died.
fn inherited_once() -> usize {
    use Came::{Inherited, Locked};
    explore_within_to(
        2,
        [
            (Locked(1), Locked(2), Locked(3)),
            (Locked(2), Locked(1), Locked(3)),
            (Locked(1), Inherited(3), Locked(2)),
            (Inherited(3), Locked(1), Locked(2)),
            (Locked(3), Inherited(2), Locked(1)),
            (Inherited(2), Locked(3), Locked(1)),
        ],
        || {
            let mutex = shared();
            let dead = dies(&mutex);
            let other = spawn({
                let mutex = Arc::clone(&mutex);
                move || pass(mutex.lock())
            });
            let here = pass(mutex.lock());
            let there = other.join().expect("it only passes");
            (here, there, dead.join().expect("it only dies"))
        },
    )
}

/// Two die, and the value is not repaired: the last to come is told, whichever died last.
fn owner_dies_twice() -> usize {
    use Came::{Inherited, Locked};
    explore_to([(Inherited(2), Locked(1)), (Locked(1), Inherited(2))], || {
        let mutex = shared();
        let others = [dies(&mutex), dies(&mutex)];
        let [one, two] = others.map(|other| other.join().expect("it only dies"));
        // Not a try: a thread can be joined here before it has quite ended.
        assert_eq!(pass(mutex.lock()), Inherited(3));
        assert_eq!(pass(mutex.try_lock()), Locked(4));
        (one, two)
    })
}

/// Two lock two mutexes in opposite order: both do it, or one of them hears that it would wait for itself.
fn circle() -> usize {
    use Came::{Deadlock, Locked};
    explore_to(
        [(Locked(1), Locked(1)), (Deadlock, Locked(1)), (Locked(1), Deadlock)],
        || {
            let (left, right) = (shared(), shared());
            let both = |first: &Shared, second: &Shared| {
                let _held = first.lock().expect("its holder does not wait for this thread");
                pass(second.lock())
            };
            let other = spawn({
                let (left, right) = (Arc::clone(&left), Arc::clone(&right));
                move || both(&right, &left)
            });
            let here = both(&left, &right);
            (here, other.join().expect("it only passes"))
        },
    )
}

/// This thread holds it and unlocks, another takes it and dies, this thread takes it again; a third, which has found
/// this thread the first time, hears of the death late.
fn comes_back() -> usize {
    use Came::{Inherited, Locked};
    explore_within_to(
        4,
        [
            (Inherited(3), Locked(4)),
            (Locked(4), Inherited(3)),
            (Inherited(4), Locked(2)),
        ],
        || {
            let mutex = shared();
            let mut guard = mutex.lock().expect("it is free");
            let late = spawn({
                let mutex = Arc::clone(&mutex);
                move || pass(mutex.lock())
            });
            let dead = dies(&mutex);
            add(&mut guard);
            drop(guard);
            dead.join().expect("it only dies");
            let here = pass(mutex.lock());
            (here, late.join().expect("it only passes"))
        },
    )
}

/// The owner dies while this thread waits. Another thread proves it dead, and is late to change the word; until it
/// does, this thread has had the lock and handed it over to a new one, which has the number of the dead one.
fn number_reused() -> usize {
    use Came::{Inherited, Locked};
    explore_within_to(
        3,
        [
            (Inherited(2), Locked(3), Locked(4)),
            (Inherited(2), Locked(4), Locked(3)),
            (Locked(3), Inherited(2), Locked(4)),
        ],
        || {
            let mutex = shared();
            let here = loom::thread::current();
            let dead = spawn({
                let mutex = Arc::clone(&mutex);
                move || {
                    let mut guard = mutex.lock().expect("it is free");
                    add(&mut guard);
                    std::mem::forget(guard);
                    here.unpark();
                }
            });
            loom::thread::park();
            let late = spawn({
                let mutex = Arc::clone(&mutex);
                move || pass(mutex.lock())
            });
            let held = mutex.lock();
            reuse_thread_numbers();
            let new = spawn({
                let mutex = Arc::clone(&mutex);
                move || {
                    let locked = mutex.lock();
                    loom::thread::yield_now();
                    pass(locked)
                }
            });
            loom::thread::yield_now();
            let here = pass(held);
            dead.join().expect("it only dies");
            let late = late.join().expect("it only passes");
            (here, late, new.join().expect("it only passes"))
        },
    )
}

/// The cells of the mutex are loom's, and see what a mutant does: the value is used out of order without an unlock that
/// releases, or a lock that acquires.
#[test]
fn the_cells_of_the_mutex_find_a_race() {
    let word = "src/futex/pi/word.rs";
    let explore: fn() -> usize = || excludes(&[1, 1]);
    let sites = record(|| _ = explore());
    let mut found = Vec::new();
    for site in sites {
        let is_strong = site.operation == Operation::ReadModifyWrite && site.ordering != Relaxed;
        if !site.place.file.ends_with(word) || !is_strong {
            continue;
        }
        let (_, outcome) = Fault::of(&site, Kind::Weaken(Relaxed)).inject(|| _ = explore());
        let Err(failure) = outcome else { continue };
        let message = failure.message;
        assert!(
            message.contains("Causality violation") && message.contains("UnsafeCell"),
            "{message}"
        );
        found.push(site.ordering);
    }
    assert_eq!(found, [Acquire, Release], "by the lock, and by the unlock");
}
