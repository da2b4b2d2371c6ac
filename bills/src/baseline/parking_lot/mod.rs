//! `parking_lot::{Mutex, RwLock}`, in two versions: 0.12.5, whose unlock takes the lock's parked threads out first and
//! hands the lock over each half a millisecond on average, and 0.13.0, which lets go first and has no such timer.
//!
//! After `parking_lot/src/{raw_mutex,raw_rwlock}.rs` and `parking_lot_core/src/{parking_lot,word_lock,spinwait}.rs`.

mod mutex;
mod rwlock;
mod spin_wait;
mod table;
mod word_lock;

use coherence::futex;
use coherence::sync::atomic::{AtomicU32, Ordering::Acquire};
use coherence::thread;

pub(crate) use mutex::Mutex;
pub(crate) use rwlock::RwLock;

/// Which `parking_lot`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Version {
    V0_12,
    V0_13,
}

/// The link to no thread.
const NONE: u32 = 0;

/// What a thread is told that is woken to compete for the lock.
const TOKEN_NORMAL: u32 = 0;
/// What a thread is told to which the lock was handed over.
const TOKEN_HANDOFF: u32 = 1;

/// The link to the calling thread: its index and one.
fn me() -> u32 {
    thread::current()
        .index()
        .expect("the baselines run in simulations only") as u32
        + 1
}

/// Sleeps until the word is 0.
fn sleep(word: &AtomicU32) {
    while word.load(Acquire) != 0 {
        futex::wait(word, 1, None);
    }
}
