//! A small number for the current thread, by which it picks its stripe.
//!
//! With `std` the number is leased: the lowest of 64 that no living thread has, and free again when the thread ends.
//! Threads that find all 64 taken get one in turn, and keep it, so that numbers are shared from then on. Without `std`
//! there is no place to keep it, and the number is hashed from where the thread's stack lies.
//!
//! Numbers are a matter of cost, not of correctness: whatever two threads do with the same number has to be right.

/// How many numbers there are.
pub(super) const SLOTS: usize = 64;

#[cfg(feature = "std")]
pub(super) use leased::current;

#[cfg(not(feature = "std"))]
#[inline]
pub(super) fn current() -> usize {
    /// The smallest stack that is told apart from its neighbour: 8 KiB.
    const STACK_SHIFT: u32 = 13;
    let here = 0_u8;
    let stack = (&raw const here).addr() >> STACK_SHIFT;
    // Fibonacci hashing: the golden ratio of the range spreads equidistant stacks; the high bits are the good ones.
    let hashed = (stack as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    (hashed >> (u64::BITS - SLOTS.ilog2())) as usize
}

#[cfg(feature = "std")]
mod leased {
    use core::cell::{Cell, OnceCell};

    use crossbeam_utils::CachePadded;

    use super::SLOTS;
    use crate::backend::atomic::{AtomicU64, AtomicUsize, Relaxed};
    use crate::backend::{global, per_thread};
    use crate::internal::{NumberLease, Numbers};

    const WORDS: usize = SLOTS / u64::BITS as usize;

    const NONE: usize = usize::MAX;

    /// The number is kept as the offset of a stripe, which saves the shift between the load and the add.
    const SCALE: u32 = size_of::<CachePadded<AtomicU64>>().trailing_zeros();

    per_thread! {
        // Two, so that the one which every add reads has no destructor, and with it no state to check.
        static SLOT: Cell<usize> = Cell::new(NONE);
        static LEASE: OnceCell<NumberLease<WORDS>> = OnceCell::new();
    }

    global! {
        fn numbers() -> Numbers<WORDS> = Numbers::new();

        /// How many threads have found all numbers taken.
        fn crowd() -> AtomicUsize = AtomicUsize::new(0);
    }

    /// The number of this thread, below [`SLOTS`].
    #[inline]
    pub(in super::super) fn current() -> usize {
        let scaled = match SLOT.try_with(Cell::get) {
            Ok(NONE) | Err(_) => assign(),
            Ok(scaled) => scaled,
        };
        scaled >> SCALE
    }

    /// A number for this thread, scaled.
    #[cold]
    fn assign() -> usize {
        // A thread that is past its destructors could not give a number back, so it takes none.
        let leased = LEASE.try_with(|lease| {
            let lease = Numbers::lease(numbers()).map(|new| lease.get_or_init(|| new));
            lease.map(NumberLease::number)
        });
        // Relaxed: only spreads the crowd over the numbers.
        let slot = leased
            .ok()
            .flatten()
            .unwrap_or_else(|| crowd().fetch_add(1, Relaxed) % SLOTS);
        let scaled = slot << SCALE;
        let _ = SLOT.try_with(|own| own.set(scaled));
        scaled
    }
}

#[cfg(test)]
mod tests {
    use super::{SLOTS, current};
    use std::thread;

    #[test]
    fn a_number_is_below_the_number_of_slots() {
        let numbers = (0..3).map(|_| thread::spawn(current).join().expect("it only asks"));
        assert!(numbers.chain([current()]).all(|number| number < SLOTS));
    }

    #[cfg(feature = "std")]
    mod leased {
        use super::super::{SLOTS, current};
        use std::cell::RefCell;
        use std::collections::BTreeSet;
        use std::sync::{Barrier, Mutex, MutexGuard, PoisonError, mpsc};
        use std::thread;
        use std::vec::Vec;

        /// Each of these tests wants all the numbers, and there is one set of them.
        static ALL_NUMBERS: Mutex<()> = Mutex::new(());

        /// Runs `act` on a fresh set of numbers, on a thread that has none.
        fn alone(act: impl FnOnce() + Send) {
            let _all: MutexGuard<'_, ()> = ALL_NUMBERS.lock().unwrap_or_else(PoisonError::into_inner);
            thread::scope(|scope| scope.spawn(act).join()).unwrap_or_else(|panic| std::panic::resume_unwind(panic));
        }

        /// The numbers of `threads` threads that live at once.
        fn numbers_of(threads: usize) -> Vec<usize> {
            let (all_live, all_have_one) = (Barrier::new(threads), Barrier::new(threads));
            thread::scope(|scope| {
                let threads: Vec<_> = (0..threads)
                    .map(|_| {
                        scope.spawn(|| {
                            all_live.wait();
                            let number = current();
                            all_have_one.wait();
                            assert_eq!(current(), number, "a thread keeps its number");
                            number
                        })
                    })
                    .collect();
                threads
                    .into_iter()
                    .map(|thread| thread.join().expect("it only asks"))
                    .collect()
            })
        }

        // One test: `a_number_is_below_the_number_of_slots` may hold a number or two meanwhile, which the sets allow
        // for, but these tests would starve one another.
        #[test]
        fn numbers_differ_come_back_and_run_out() {
            alone(|| {
                const ROUNDS: usize = if cfg!(miri) { 1 } else { 20 };
                const OTHERS: usize = 2; // the test thread of the test above, and the one it starts
                // One after the other, each finds the same number free, or one that the other test gives back.
                let successive: BTreeSet<_> = (0..2 * SLOTS).flat_map(|_| numbers_of(1)).collect();
                assert!(
                    successive.len() <= 1 + OTHERS,
                    "numbers do not come back: {successive:?}"
                );
                for _ in 0..ROUNDS {
                    let numbers = numbers_of(SLOTS - OTHERS);
                    let different: BTreeSet<_> = numbers.iter().copied().collect();
                    assert_eq!(
                        different.len(),
                        numbers.len(),
                        "two living threads share a number: {numbers:?}"
                    );
                    assert!(numbers.iter().all(|&number| number < SLOTS));
                }
                let crowd = numbers_of(4 * SLOTS);
                assert!(crowd.iter().all(|&number| number < SLOTS));
                let different: BTreeSet<_> = crowd.iter().copied().collect();
                assert!(
                    different.len() >= SLOTS - OTHERS,
                    "a crowd has all the numbers that there are"
                );
                let fullest = different
                    .iter()
                    .map(|&number| crowd.iter().filter(|&&other| other == number).count());
                // Each number is leased once, and 3 x SLOTS threads more go round them.
                assert!(fullest.max() <= Some(4 + OTHERS), "a crowd is spread: {crowd:?}");
                let numbers = numbers_of(SLOTS - OTHERS);
                let different: BTreeSet<_> = numbers.iter().copied().collect();
                assert_eq!(
                    different.len(),
                    numbers.len(),
                    "the crowd has given back what it had leased"
                );
            });
        }

        /// A thread past its destructors takes a number that it does not have to give back; one that had a lease may
        /// have given it back already.
        #[test]
        fn a_thread_local_destructor_may_ask() {
            struct Asks(mpsc::Sender<usize>);
            impl Drop for Asks {
                fn drop(&mut self) {
                    let _ = self.0.send(current());
                }
            }
            std::thread_local! {
                static EARLY: RefCell<Option<Asks>> = const { RefCell::new(None) };
                static LATE: RefCell<Option<Asks>> = const { RefCell::new(None) };
            }
            alone(|| {
                for asks_in_its_life in [false, true] {
                    let (tell, told) = mpsc::channel();
                    let dying = thread::spawn(move || {
                        EARLY.set(Some(Asks(tell.clone())));
                        if asks_in_its_life {
                            let _ = current();
                        }
                        LATE.set(Some(Asks(tell)));
                    });
                    dying.join().expect("it only asks");
                    let numbers: Vec<_> = told.iter().collect();
                    assert_eq!(numbers.len(), 2);
                    assert!(numbers.iter().all(|&number| number < SLOTS));
                }
                let numbers = numbers_of(SLOTS - 2);
                let different: BTreeSet<_> = numbers.iter().copied().collect();
                assert_eq!(different.len(), numbers.len(), "a destructor has kept a number");
            });
        }
    }
}
