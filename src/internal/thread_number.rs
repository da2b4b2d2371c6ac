//! A number for each living thread that no other living thread has: the lowest that is free.
//!
//! Given back when the thread ends, and with it whatever is kept under that number: the next thread that is given it goes on
//! with what the last one has left. So what is kept by number has one user at a time and needs no atomics, as long as the
//! lease itself orders the one user after the other.

use core::cell::{Cell, OnceCell};
use core::num::NonZeroU32;

use super::{NumberLease, Numbers};
use crate::backend::{global, hint, per_thread};

/// How many threads can have a number at once. A thread that finds none left does without.
pub(crate) const MOST: usize = WORDS * u64::BITS as usize;

const WORDS: usize = hint::tuned(1024, 1);

/// This thread has not asked yet.
const UNKNOWN: u32 = 0;
/// There was none left, or this thread has given its number back.
const NONE: u32 = u32::MAX;

per_thread! {
    // Two, so that the one which is read all the time has no destructor, and with it no state to check.
    static NUMBER: Cell<u32> = Cell::new(UNKNOWN);
    static LEASE: OnceCell<Lease> = OnceCell::new();
}

global! {
    /// A thread whose number is `n + 1` has leased `n`.
    fn numbers() -> Numbers<WORDS> = Numbers::new();
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
        let lease = Numbers::lease(numbers()).map(|new| lease.get_or_init(|| Lease(new)));
        lease.map_or(NONE, |lease| u32::try_from(lease.0.number() + 1).unwrap_or(NONE))
    });
    let number = number.unwrap_or(NONE);
    let _ = NUMBER.try_with(|own| own.set(number));
    (number != NONE).then(|| NonZeroU32::new(number)).flatten()
}

/// A number, until the thread ends.
struct Lease(NumberLease<WORDS>);

impl Drop for Lease {
    fn drop(&mut self) {
        if hint::is_abandoned() {
            return;
        }
        // Before the number is another's: what still runs in this thread must not use it.
        let _ = NUMBER.try_with(|own| own.set(NONE));
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
