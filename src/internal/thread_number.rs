//! A number for each living thread that no other living thread has: the lowest that is free.
//!
//! Given back when the thread ends, and with it whatever is kept under that number: the next thread that is given it goes on
//! with what the last one has left. So what is kept by number has one user at a time and needs no atomics, as long as the
//! lease itself orders the one user after the other.

use core::cell::{Cell, OnceCell};
use core::num::NonZeroU32;

use crate::backend::atomic::{Acquire, AtomicU64, Relaxed, Release};
use crate::backend::{Global, array, global, hint, per_thread};

/// How many threads can have a number at once. A thread that finds none left does without.
pub(crate) const MOST: usize = WORDS * BITS;

const WORDS: usize = hint::tuned(1024, 1);
const BITS: usize = u64::BITS as usize;

/// This thread has not asked yet.
const UNKNOWN: u32 = 0;
/// There was none left, or this thread has given its number back.
const NONE: u32 = u32::MAX;

type Taken = [AtomicU64; WORDS];

per_thread! {
    // Two, so that the one which is read all the time has no destructor, and with it no state to check.
    static NUMBER: Cell<u32> = Cell::new(UNKNOWN);
    static LEASE: OnceCell<Lease> = OnceCell::new();
}

global! {
    /// Bit `n % 64` of word `n / 64` is set while a thread has the number `n + 1`.
    fn taken() -> Taken = array![AtomicU64::new(0); WORDS];
}

/// The number of this thread if it has asked for one before; else 0, or a number above [`MOST`].
#[inline]
pub(crate) fn known() -> u32 {
    NUMBER.try_with(Cell::get).unwrap_or(NONE)
}

/// The number of this thread, from 1 to [`MOST`]; `None` past the destructors of its thread-locals.
#[inline]
pub(crate) fn current() -> Option<NonZeroU32> {
    match NUMBER.try_with(Cell::get) {
        Ok(UNKNOWN) => assign(),
        Ok(NONE) | Err(_) => None,
        Ok(number) => NonZeroU32::new(number),
    }
}

#[cold]
#[inline(never)]
fn assign() -> Option<NonZeroU32> {
    // A thread that is past its destructors could not give a number back, so it is given none.
    let number = LEASE.try_with(|lease| {
        let lease = Lease::take().map(|new| lease.get_or_init(|| new));
        lease.map_or(NONE, |lease| lease.number)
    });
    let number = number.unwrap_or(NONE);
    let _ = NUMBER.try_with(|own| own.set(number));
    (number != NONE).then(|| NonZeroU32::new(number)).flatten()
}

/// A number, until the thread ends.
struct Lease {
    number: u32,
    taken: Global<Taken>,
}

impl Lease {
    fn take() -> Option<Self> {
        let taken = taken();
        for (place, word) in taken.iter().enumerate() {
            loop {
                // Relaxed: only proposes a bit to the RMW.
                let bit = (!word.load(Relaxed)).trailing_zeros();
                if bit == u64::BITS {
                    break;
                }
                // Acquire: synchronizes with the Release RMW in `drop`, so that what the number's
                // last thread has left under it is seen. One RMW, so that no two threads take the
                // same bit.
                // model: stack::a_departed_thread_leaves_its_nodes
                if word.fetch_or(1 << bit, Acquire) & (1 << bit) == 0 {
                    let number = u32::try_from(place * BITS).unwrap_or(NONE) + bit + 1;
                    return Some(Lease { number, taken });
                }
            }
        }
        None
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        if hint::is_abandoned() {
            return;
        }
        // Before the number is another's: what still runs in this thread must not use it.
        let _ = NUMBER.try_with(|own| own.set(NONE));
        let place = self.number as usize - 1;
        // Release: synchronizes with the Acquire RMW in `take`.
        // model: stack::a_departed_thread_leaves_its_nodes
        self.taken[place / BITS].fetch_and(!(1 << (place % BITS)), Release);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;
    use std::sync::{Barrier, mpsc};
    use std::thread;
    use std::vec::Vec;

    #[test]
    fn living_threads_have_different_numbers_and_leave_them_behind() {
        const THREADS: usize = if cfg!(miri) { 8 } else { 200 };
        for _ in 0..3 {
            let all_have_one = Barrier::new(THREADS);
            let numbers: Vec<_> = thread::scope(|scope| {
                let threads: Vec<_> = (0..THREADS)
                    .map(|_| {
                        scope.spawn(|| {
                            let number = current();
                            all_have_one.wait();
                            assert_eq!(current(), number, "a thread keeps its number");
                            number.expect("there are enough").get() as usize
                        })
                    })
                    .collect();
                threads
                    .into_iter()
                    .map(|thread| thread.join().expect("it only asks"))
                    .collect()
            });
            let different: BTreeSet<_> = numbers.iter().collect();
            assert_eq!(different.len(), THREADS, "two living threads share a number");
            // Other tests of this process have some.
            assert!(numbers.iter().all(|&number| number <= THREADS + 300), "{numbers:?}");
        }
    }

    #[test]
    fn a_destructor_that_runs_after_the_lease_has_none() {
        struct Asks(mpsc::Sender<bool>);
        impl Drop for Asks {
            fn drop(&mut self) {
                let _ = self.0.send(current().is_some());
            }
        }
        std::thread_local! {
            static LATE: Cell<Option<Asks>> = const { Cell::new(None) };
        }
        let (tell, told) = mpsc::channel();
        let dying = thread::spawn(move || {
            // Registered first, so dropped last.
            LATE.set(Some(Asks(tell)));
            assert!(current().is_some());
        });
        dying.join().expect("it only asks");
        let late: Vec<_> = told.iter().collect();
        assert_eq!(late.len(), 1);
        // Which of two destructors runs first is the system's choice; that it may ask is not.
        if cfg!(target_os = "linux") {
            assert!(!late[0], "the number was given back before");
        }
    }
}
