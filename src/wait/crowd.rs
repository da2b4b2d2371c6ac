//! Concurrency restriction: where more threads want a lock than can run, all but a few sleep (Dice, "Malthusian locks",
//! EuroSys 2017, without its lists).
//!
//! A FIFO queue in which most threads are not running costs a context switch for each acquisition, and a crowd of threads
//! that poll costs the holder its core. So a thread that finds a lock taken, and as many in a long wait for it as can run,
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
const INTERVAL: Duration = Duration::from_micros(100);
/// For how long a thread that has come back does not sleep again.
const STINT: Duration = Duration::from_micros(300);
/// The most intervals that one sleep lasts.
const MOST: usize = 128;

global! {
    /// How many threads are in a long wait, by the address of what they wait for.
    fn waiting() -> [CachePadded<AtomicUsize>; BUCKETS] = array![CachePadded::new(AtomicUsize::new(0)); BUCKETS];
}

per_thread! {
    /// When this thread last came back.
    static STINT_BEGAN: Cell<Option<Instant>> = Cell::new(None);
    /// The lock at which this thread has last been one too many.
    static CROWDED: Cell<usize> = Cell::new(0);
}

/// A model has no crowds, and no clock.
#[inline]
fn is_watched() -> bool {
    hint::tuned(true, false)
}

/// The bucket of an address: the multiplications let all of its bits take part.
fn bucket(key: usize) -> usize {
    let mixed = (key as u64).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let mixed = (mixed ^ mixed >> 31).wrapping_mul(0x94D0_49BB_1331_11EB);
    usize::try_from(mixed >> 40).unwrap_or(0) % BUCKETS
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
pub(crate) fn stand_back<W: Wait>(key: usize) -> bool {
    if !is_watched() {
        return false;
    }
    // Relaxed: a hint at how many there are.
    let others = waiting()[bucket(key)].load(Relaxed);
    if others < W::room() {
        return false;
    }
    let began = STINT_BEGAN.try_with(Cell::get).ok().flatten();
    let stint = began.map_or(Duration::MAX, |began| Instant::now().saturating_duration_since(began));
    if stint < tune("STINT", 100) {
        return false;
    }
    let _long = LongWait::new(key);
    let intervals = u32::try_from((others + 1).min(MOST)).unwrap_or(1);
    let r = tune("R", 250);
    let most = if std::env::var("PROP").is_ok() { 4 * r } else { r };
    thread::sleep(stint.clamp(r, most) * intervals);
    let _ = STINT_BEGAN.try_with(|began| began.set(Some(Instant::now())));
    true
}

/// Notes that this thread was one too many at `key`, for [`was_crowded`].
pub(crate) fn note_crowded(key: usize) {
    if is_watched() {
        let _ = CROWDED.try_with(|crowded| crowded.set(key));
    }
}

/// Whether this thread has been one too many at `key`, of all locks there last.
#[inline]
pub(crate) fn was_crowded(key: usize) -> bool {
    is_watched() && CROWDED.try_with(|crowded| crowded.get() == key).unwrap_or(false)
}

/// Takes back what [`note_crowded`] has noted.
pub(crate) fn forget_crowded() {
    let _ = CROWDED.try_with(|crowded| crowded.set(0));
}

fn tune(name: &'static str, default: u64) -> Duration {
    static V: [std::sync::OnceLock<u64>; 2] = [const { std::sync::OnceLock::new() }; 2];
    Duration::from_micros(*V[usize::from(name == "R")].get_or_init(|| std::env::var(name).ok().map_or(default, |v| v.parse().unwrap())))
}
