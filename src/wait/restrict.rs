//! Concurrency restriction: where more threads want a lock than can run, all but a few sleep (Dice, "Malthusian locks",
//! EuroSys 2017, without its lists).
//!
//! A FIFO queue in which most threads are not running costs a context switch for each acquisition, and many threads
//! that poll cost the holder its core. So a thread that finds a lock taken, and as many in a long wait for it as can run,
//! sleeps once before it joins: the longer, the more are waiting, so that on average one comes back in each
//! [`INTERVAL`]. It then has a stint of [`STINT`], in which it does not sleep again. The few that are active pass the
//! lock on without a context switch, and all have their stints in turn.
//!
//! Nothing here is needed for a lock to be right. The counts are kept by the lock's address, as hints: a lock that is moved, or two
//! that share a bucket, cost a sleep too many or too few. No thread wakes another: the sleep has a bound of its own.

use core::cell::Cell;
use core::time::Duration;

use crossbeam_utils::CachePadded;

use super::Wait;
use crate::backend::atomic::{AtomicUsize, Relaxed};
use crate::backend::time::Instant;
use crate::backend::{BUCKETS, array, global, hint, per_thread, thread};

/// How often one comes back, of those that sleep for one lock.
const INTERVAL: Duration = Duration::from_micros(250);
/// For how long a thread that has come back does not sleep again.
const STINT: Duration = Duration::from_micros(100);
/// The most intervals that one sleep lasts.
const MOST: usize = 64;

global! {
    /// How many threads are in a long wait, by the address of what they wait for.
    fn waiting() -> [CachePadded<AtomicUsize>; BUCKETS] = array![CachePadded::new(AtomicUsize::new(0)); BUCKETS];
}

per_thread! {
    /// When this thread last came back.
    static STINT_BEGAN: Cell<Option<Instant>> = Cell::new(None);
}

/// A model has few threads, and no clock.
#[inline]
fn is_watched() -> bool {
    hint::tuned(true, false)
}

/// The bucket of an address: the multiplications let all of its bits take part.
fn bucket(key: usize) -> usize {
    let mixed = (key as u64).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let mixed = (mixed ^ (mixed >> 31)).wrapping_mul(0x94D0_49BB_1331_11EB);
    // The upper half, scaled: no division, and right for any number of buckets.
    usize::try_from(((mixed >> 32) * BUCKETS as u64) >> 32).unwrap_or(0)
}

/// A thread that is in a long wait, until this is dropped.
pub(crate) struct LongWait {
    key: usize,
}

impl LongWait {
    pub(crate) fn new(key: usize) -> Self {
        if is_watched() {
            // Relaxed: a hint at how many there are.
            waiting()[bucket(key)].fetch_add(1, Relaxed);
        }
        LongWait { key }
    }
}

impl Drop for LongWait {
    fn drop(&mut self) {
        if is_watched() {
            // Relaxed: as above.
            waiting()[bucket(self.key)].fetch_sub(1, Relaxed);
        }
    }
}

/// Sleeps if as many are in a long wait for `key` as can run, and this thread's stint is over; answers whether it did.
#[cold]
pub(crate) fn throttle_arrival<W: Wait>(key: usize) -> bool {
    // Relaxed: a hint at how many there are.
    is_watched() && waiting()[bucket(key)].load(Relaxed) >= W::parallelism() && LongWait::new(key).throttle_arrival()
}

impl LongWait {
    /// Sleeps if this thread's stint is over; answers whether it did.
    pub(crate) fn throttle_arrival(&self) -> bool {
        if !is_watched() {
            return false;
        }
        let began = STINT_BEGAN.try_with(Cell::get).ok().flatten();
        if began.is_some_and(|began| Instant::now().saturating_duration_since(began) < STINT) {
            return false;
        }
        // Relaxed: a hint at how many there are.
        let waiting = waiting()[bucket(self.key)].load(Relaxed);
        thread::sleep(INTERVAL * u32::try_from(waiting.min(MOST)).unwrap_or(1));
        let _ = STINT_BEGAN.try_with(|began| began.set(Some(Instant::now())));
        true
    }
}

/// How many threads may be in the queue for `key`: as many as can run; where some are in a long wait, one, since two may be
/// on the same core. With `Spin` there is room for all.
pub(crate) fn admitted<W: Wait>(key: usize) -> usize {
    let room = W::parallelism();
    // Relaxed: a hint at how many there are.
    if is_watched() && room != usize::MAX && waiting()[bucket(key)].load(Relaxed) > 0 {
        1
    } else {
        room
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wait::{Spin, SpinThenYield};
    use std::thread;
    use std::vec::Vec;

    /// An address of its own. The buckets of two tests may be the same by chance, so no test says how many others wait.
    fn key(of: &u64) -> usize {
        core::ptr::from_ref(of).addr()
    }

    /// As many in a long wait as can run.
    fn oversubscribe(key: usize) -> Vec<LongWait> {
        (0..SpinThenYield::parallelism()).map(|_| LongWait::new(key)).collect()
    }

    #[test]
    fn one_too_many_sleeps_once_and_then_has_a_stint() {
        let lock = 0;
        let waiting = oversubscribe(key(&lock));
        thread::scope(|scope| {
            let newcomer = scope.spawn(|| {
                let before = Instant::now();
                let slept = throttle_arrival::<SpinThenYield>(key(&lock));
                let came_back = Instant::now();
                let again = throttle_arrival::<SpinThenYield>(key(&lock));
                assert!(slept && came_back - before >= INTERVAL);
                assert!(!again || came_back.elapsed() >= STINT, "its stint has just begun");
            });
            newcomer.join().expect("it stands back once");
        });
        drop(waiting);
    }

    #[test]
    fn with_spin_a_thread_never_sleeps() {
        let lock = 0;
        let _waiting = oversubscribe(key(&lock));
        assert!(!throttle_arrival::<Spin>(key(&lock)));
        assert!(
            !throttle_arrival::<Spin>(key(&lock)),
            "a thread that spins keeps no stint"
        );
        assert!(STINT_BEGAN.with(Cell::get).is_none());
    }

    #[test]
    fn where_threads_wait_for_long_one_may_queue() {
        let lock = 0;
        let waits = LongWait::new(key(&lock));
        assert_eq!(admitted::<SpinThenYield>(key(&lock)), 1);
        assert_eq!(admitted::<Spin>(key(&lock)), usize::MAX);
        drop(waits);
    }

    #[test]
    fn neighbours_and_strides_do_not_share_a_bucket() {
        for stride in [1, 16, 64, 4096, 1 << 21, 0x9E37_79B9_7F4A_7C15_u64 as usize] {
            let buckets: std::collections::BTreeSet<usize> = (0..BUCKETS)
                .map(|number| bucket(number.wrapping_mul(stride) + 0x7F00_0000))
                .collect();
            // At random 63% of the buckets would be hit.
            assert!(
                buckets.len() > BUCKETS / 2,
                "stride {stride:#x}: {} buckets",
                buckets.len()
            );
        }
    }
}
