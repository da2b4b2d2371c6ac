//! What only shows from inside: indices that wrap, thieves that are held up in the middle, and how large the buffer is.

use std::collections::VecDeque;
use std::vec::Vec;

use crate::backend::atomic::Relaxed;

use super::shared::{Flavor, SMALLEST};
use super::steal::Steal;
use super::stealer::Reader;
use super::worker::{Unbounded, Worker};

#[cfg(test)]
use std::thread;

/// A few steps before the indices wrap.
const NEAR_THE_END: u64 = u64::MAX - 5;

fn worker<T>(flavor: Flavor) -> Worker<T> {
    Worker::<T, Unbounded>::starting_at(flavor, NEAR_THE_END, SMALLEST, usize::MAX)
}

fn slots<T, C>(worker: &Worker<T, C>) -> usize {
    worker.buffer().capacity()
}

/// How many buffers are kept for thieves.
fn retired<T, C>(worker: &Worker<T, C>) -> usize {
    // SAFETY: this thread has the worker, so it is the owner.
    unsafe { worker.shared.retired() }
}

fn claim<'a, T>(stealer: &'a super::stealer::Stealer<T>) -> Reader<'a, T> {
    let mut reader = stealer.reader().success().expect("there is something to steal");
    // SAFETY: the reader has found one.
    assert!(unsafe { reader.claim(1) }, "no other thread competes");
    reader
}

#[test]
fn indices_wrap() {
    for flavor in [Flavor::Fifo, Flavor::Lifo] {
        let (worker, dest) = (worker(flavor), worker(flavor));
        let stealer = worker.stealer();
        let mut model = VecDeque::new();
        let mut next = 0;
        for round in 0..if cfg!(miri) { 60 } else { 4000 } {
            for _ in 0..round % 23 {
                worker.push(next);
                model.push_back(next);
                next += 1;
            }
            for _ in 0..round % 7 {
                let expected = if flavor == Flavor::Fifo {
                    model.pop_front()
                } else {
                    model.pop_back()
                };
                assert_eq!(worker.pop(), expected);
            }
            for _ in 0..round % 5 {
                assert_eq!(stealer.steal().success(), model.pop_front());
            }
            let expected = model.len().div_ceil(2).min(32);
            if stealer.steal_batch(&dest).is_success() {
                assert_eq!(dest.len(), expected);
                let mut batch: Vec<_> = model.drain(..expected).collect();
                if flavor == Flavor::Lifo {
                    batch.reverse();
                }
                assert_eq!(dest.drain().collect::<Vec<_>>(), batch);
            }
            assert_eq!((worker.len(), stealer.len()), (model.len(), model.len()));
        }
        // Near the end only once: the test has crossed it.
        assert!(worker.back() < NEAR_THE_END);
    }
}

#[test]
fn indices_wrap_beside_a_thief() {
    for flavor in [Flavor::Fifo, Flavor::Lifo] {
        for _ in 0..if cfg!(miri) { 3 } else { 2000 } {
            let worker = worker(flavor);
            let stealer = worker.stealer();
            let mut seen: Vec<u32> = thread::scope(|scope| {
                let thief = scope.spawn(move || {
                    let mut seen = Vec::new();
                    while seen.last() != Some(&u32::MAX) && seen.len() < 20 {
                        match stealer.steal() {
                            Steal::Success(value) => seen.push(value),
                            Steal::Empty if seen.len() > 4 => break,
                            _ => thread::yield_now(),
                        }
                    }
                    seen
                });
                let mut seen = Vec::new();
                for value in 0..40 {
                    worker.push(value);
                    if value % 3 == 0 {
                        seen.extend(worker.pop());
                    }
                }
                seen.extend(thief.join().expect("it only steals"));
                seen
            });
            seen.extend(worker.drain());
            seen.sort_unstable();
            assert_eq!(seen, (0..40).collect::<Vec<_>>());
        }
    }
}

/// The owner goes on, wherever the thief stands: at most one buffer is kept for it, and what it has claimed stays as it was.
#[test]
fn a_thief_is_held_up_after_its_claim() {
    for flavor in [Flavor::Fifo, Flavor::Lifo] {
        let worker = worker(flavor);
        worker.push(1_usize);
        worker.push(2);
        let (first, second) = (worker.stealer(), worker.stealer());
        let held_up = claim(&first);
        for round in 0..if cfg!(miri) { 300 } else { 20_000 } {
            worker.push(round);
            worker.push(round);
            assert!(second.steal().is_success());
            assert!(worker.pop().is_some());
            assert!(retired(&worker) <= 1, "one thief is held up");
        }
        assert!(retired(&worker) == 1, "it has been lapped");
        assert_eq!(slots(&worker), SMALLEST, "few elements need no larger buffer");
        // SAFETY: claimed above, and taken once.
        assert_eq!(unsafe { held_up.take(held_up.front).assume_init() }, 1);
        drop(held_up);
        for round in 0..2 * SMALLEST {
            worker.push(round);
            assert!(second.steal().is_success());
        }
        assert_eq!(retired(&worker), 0, "the thief has gone");
    }
}

#[test]
fn a_thief_is_held_up_before_its_claim() {
    let worker = worker(Flavor::Fifo);
    worker.push(0_usize);
    let (first, second) = (worker.stealer(), worker.stealer());
    let mut held_up = first.reader().success().expect("there is something to steal");
    for round in 1..10 * SMALLEST {
        worker.push(round);
        assert_eq!(second.steal(), Steal::Success(round - 1));
        assert!(retired(&worker) <= 1);
    }
    // SAFETY: there was one when it looked.
    assert!(!unsafe { held_up.claim(1) }, "the element has been stolen since");
}

/// Also while each of many thieves is held up in a buffer of its own.
#[test]
fn what_is_retained_is_bounded_by_the_thieves() {
    const THIEVES: usize = 8;
    let worker = worker(Flavor::Lifo);
    let stealer = worker.stealer();
    let mut held_up = Vec::new();
    let mut claimed = Vec::new();
    for thief in 0..THIEVES {
        for lap in 0..3 * SMALLEST {
            let value = thief * 1000 + lap;
            worker.push(value);
            if lap == 0 {
                // All through one handle: each leases a claim of its own.
                held_up.push(claim(&stealer));
                claimed.push(value);
            } else {
                assert!(stealer.steal().is_success());
            }
        }
        assert!(retired(&worker) <= thief + 1);
    }
    for (reader, value) in held_up.into_iter().zip(claimed) {
        // SAFETY: claimed above, and taken once.
        assert_eq!(unsafe { reader.take(reader.front).assume_init() }, value);
    }
    for value in 0..2 * SMALLEST {
        worker.push(value);
        assert!(stealer.steal().is_success());
    }
    assert_eq!(retired(&worker), 0);
}

#[test]
fn it_grows_and_shrinks() {
    let many = if cfg!(miri) { 1 << 9 } else { 1 << 20 };
    for flavor in [Flavor::Fifo, Flavor::Lifo] {
        let worker = worker(flavor);
        let stealer = worker.stealer();
        for value in 0..many {
            worker.push(value);
        }
        assert_eq!((slots(&worker), worker.len()), (many, many));
        for value in 0..many / 2 {
            assert_eq!(stealer.steal(), Steal::Success(value));
        }
        assert_eq!(worker.drain().count(), many / 2);
        assert_eq!((slots(&worker), retired(&worker)), (SMALLEST, 0));
    }
}

#[test]
fn a_bounded_deque_keeps_its_buffer() {
    for capacity in [0, 1, 2, 3, 63, 64, 65] {
        let worker = Worker::bounded(capacity);
        let stealer = worker.stealer();
        let before = slots(&worker);
        for lap in 0..200_usize {
            let held = worker.len();
            for value in held..capacity {
                assert_eq!(worker.push(lap * 100 + value), Ok(()));
            }
            assert_eq!(worker.push(usize::MAX), Err(usize::MAX), "full with {capacity}");
            assert_eq!(worker.len(), capacity);
            for _ in 0..lap % (capacity + 1) {
                assert!(stealer.steal().is_success());
            }
            for _ in 0..lap % 3 {
                let _ = worker.pop();
            }
        }
        assert_eq!(slots(&worker), before);
    }
}

/// A bounded deque whose slot is still being read has room all the same.
#[test]
fn a_bounded_deque_is_full_of_elements_only() {
    let worker = Worker::bounded(2);
    let stealer = worker.stealer();
    assert_eq!((worker.push(1), worker.push(2)), (Ok(()), Ok(())));
    let held_up = claim(&stealer);
    assert_eq!(worker.push(3), Ok(()));
    assert_eq!(worker.push(4), Err(4));
    // SAFETY: claimed above, and taken once.
    assert_eq!(unsafe { held_up.take(held_up.front).assume_init() }, 1);
    drop(held_up);
    assert_eq!(worker.drain().collect::<Vec<_>>(), [3, 2]);
}

/// A thief that is held up in the middle of a steal does not make the owner of a bounded deque replace its buffer, until the others
/// have come so far as the buffer has slots to spare.
#[test]
fn a_bounded_deque_has_slots_to_spare() {
    let bounds: &[usize] = if cfg!(miri) { &[1, 3] } else { &[1, 2, 64, 1000, 1024] };
    for &bound in bounds {
        for make in [Worker::bounded, Worker::bounded_fifo] {
            let worker = make(bound);
            let (first, second) = (worker.stealer(), worker.stealer());
            (0..bound).for_each(|value| assert_eq!(worker.push(value), Ok(())));
            let held_up = claim(&first);
            for round in 0..bound / 4 + SMALLEST {
                assert_eq!(worker.push(round), Ok(()));
                assert_eq!(retired(&worker), 0, "{round} rounds with {bound}");
                assert_eq!(worker.len(), bound);
                assert_eq!(worker.push(0), Err(0));
                assert!(second.steal().is_success());
            }
            // Then it does, and has room all the same.
            for round in 0..slots(&worker) {
                assert_eq!(worker.push(round), Ok(()));
                assert!(second.steal().is_success());
            }
            assert_eq!(retired(&worker), 1);
            // SAFETY: claimed above, and taken once.
            assert_eq!(unsafe { held_up.take(held_up.front).assume_init() }, 0);
        }
    }
}

/// What stealers cost that are many, or were many: looks at claims, not time.
#[test]
fn many_stealers_cost_each_other_little() {
    let count = if cfg!(miri) { 200 } else { 4000 };
    for flavor in [Flavor::Fifo, Flavor::Lifo] {
        for is_reversed in [false, true] {
            let worker = worker(flavor);
            let all_looks = &worker.shared.place.claims.looks;
            // How many looks `act` takes.
            let looks = |act: &mut dyn FnMut()| {
                let before = all_looks.load(Relaxed);
                act();
                all_looks.load(Relaxed) - before
            };
            let mut stealers = Vec::new();
            let made = looks(&mut || stealers.extend((0..count).map(|_| worker.stealer())));
            assert_eq!(made, 0, "no claim is vacant");
            let cloned = looks(&mut || (0..count).for_each(|at| drop(stealers[at].clone())));
            assert!(cloned <= 4 * count, "{cloned} looks for {count} clones");
            let work = || {
                looks(&mut || {
                    for value in 0..8 * count {
                        worker.push(value);
                        assert_eq!(worker.pop(), Some(value));
                    }
                })
            };
            let worked = work();
            assert!(worked <= 24 * count, "{worked} looks beside {count} stealers");
            if is_reversed {
                stealers.reverse();
            }
            stealers.clear();
            let worked = work();
            assert!(worked <= 24 * count, "{worked} looks after {count} stealers");
            let again = looks(&mut || stealers.extend((0..count).map(|_| worker.stealer())));
            assert!(again <= 4 * count, "{again} looks for {count} new stealers");
            assert!(worker.shared.place.claims.count() <= count + 1);
        }
    }
}

/// The buffer does not become larger than the claims for which it is larger than it need be.
#[test]
fn many_stealers_of_large_elements_cost_little_memory() {
    let worker = Worker::new_fifo();
    let stealers: Vec<_> = (0..1000).map(|_| worker.stealer()).collect();
    for value in 0..200_u8 {
        worker.push([value; 4096]);
        assert!(worker.pop().is_some());
    }
    assert_eq!((stealers.len(), slots(&worker)), (1000, SMALLEST));
    // And a buffer that has grown for other reasons shrinks again.
    (0..200_u8).for_each(|value| worker.push([value; 4096]));
    assert_eq!(worker.drain().count(), 200);
    assert_eq!(slots(&worker), SMALLEST);
}
