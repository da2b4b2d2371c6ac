//! The kernel's locks with priority inheritance, as far as the cost report goes: the lines that move, and the system
//! calls.
//!
//! An unlock hands over to the first waiter, as the kernel does among threads of one priority, and wakes it. Each
//! waiter sleeps at a word of its own, on a line of its own, which stands for what the kernel keeps of it; the lines of
//! the kernel's own locks and trees are not counted. No priority is inherited: no thread ends without unlocking, or
//! waits in a circle, in a workload. A waiter with a deadline does not queue: it tries again when the lock has been
//! free.
//!
//! Between one access to the simulated memory and the next, no other thread runs. So what follows an access here
//! without another is one step with it.

use core::sync::atomic::{AtomicU32 as Plain, Ordering};
use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::atomic::{Acquire, AtomicU32, Relaxed, Release};
use super::time::{self, Instant};
use super::{futex, global};
pub(crate) use crate::backend::pi_word::{ESRCH, ForkHandler, KernelError, OWNER_DIED, TID, WAITERS};

coherence::thread_local! {
    static NUMBER: u32 = {
        static YOUNGEST: Plain = Plain::new(0);
        YOUNGEST.fetch_add(1, Ordering::Relaxed) % TID + 1
    };
}

global! {
    /// Those that wait at any word, in the order in which they came.
    fn waiters() -> Mutex<VecDeque<Waiter>> = Mutex::new(VecDeque::new());
}

struct Waiter {
    word: usize,
    number: u32,
    /// Valid until it has been woken.
    place: *const Place,
}

// SAFETY: the thread that removes a waiter from the queue is the only one that follows its pointer, once, and the
// waiter keeps its place until then.
unsafe impl Send for Waiter {}

/// What a waiter sleeps at: 0 until it has the lock.
#[repr(align(128))]
struct Place(AtomicU32);

fn enter(waiters: &Mutex<VecDeque<Waiter>>) -> MutexGuard<'_, VecDeque<Waiter>> {
    waiters.lock().unwrap_or_else(PoisonError::into_inner)
}

fn address(word: &AtomicU32) -> usize {
    core::ptr::from_ref(word).addr()
}

pub(crate) fn thread_id() -> u32 {
    NUMBER.with(|number| *number)
}

/// A simulation does not fork.
pub(crate) fn on_fork(_: ForkHandler) -> bool {
    true
}

/// No thread ends while another may ask for it.
pub(crate) fn is_gone(_: u32) -> bool {
    false
}

pub(crate) fn is_dead(_: u32) -> bool {
    false
}

pub(crate) fn pause() {
    super::thread::yield_now();
}

/// One attempt; if it fails, the word is as is returned, and is marked as awaited.
#[track_caller]
fn take(word: &AtomicU32, mine: u32) -> Result<(), u32> {
    let mut seen = word.load(Relaxed);
    loop {
        let wanted = if seen == 0 { mine } else { seen | WAITERS };
        match word.compare_exchange(seen, wanted, Acquire, Relaxed) {
            Ok(0) => return Ok(()),
            Ok(_) => return Err(wanted),
            Err(other) => seen = other,
        }
    }
}

#[track_caller]
pub(crate) fn lock(word: &AtomicU32, deadline: Option<Instant>) -> Result<(), KernelError> {
    let number = thread_id();
    let waiters = waiters();
    let place = Place(AtomicU32::new(0));
    while let Err(seen) = take(word, number | if deadline.is_some() { WAITERS } else { 0 }) {
        let Some(deadline) = deadline else {
            // One step with the mark.
            enter(&waiters).push_back(Waiter {
                word: address(word),
                number,
                place: &raw const place,
            });
            while place.0.load(Acquire) == 0 {
                futex::wait(&place.0, 0);
            }
            return Ok(());
        };
        if time::has_passed(deadline) {
            return Err(KernelError::TimedOut);
        }
        _ = futex::wait_until(word, seen, deadline);
    }
    Ok(())
}

#[track_caller]
pub(crate) fn try_lock(word: &AtomicU32) -> Result<(), KernelError> {
    take(word, thread_id()).map_err(|_| KernelError::Held)
}

#[track_caller]
pub(crate) fn unlock(word: &AtomicU32) -> Result<(), KernelError> {
    let me = thread_id();
    let waiters = waiters();
    // Its place in the queue, and its number.
    let first = || {
        let waiters = enter(&waiters);
        let at = waiters.iter().position(|waiter| waiter.word == address(word))?;
        Some((at, waiters[at].number))
    };
    let mut seen = word.load(Relaxed);
    loop {
        let next = first();
        let wanted = match (next, seen & TID) {
            (Some((_, number)), owner) if owner == me || owner == 0 => number | WAITERS,
            (None, owner) if owner == me => 0,
            // It has been freed, and there are others again: they see to the waiter that came meanwhile.
            (Some(_), _) if seen & WAITERS == 0 => seen | WAITERS,
            _ => return Ok(()),
        };
        match word.compare_exchange(seen, wanted, Release, Relaxed) {
            Err(other) => seen = other,
            Ok(_) if wanted == 0 => {
                seen = 0;
                if first().is_none() {
                    futex::wake_one(word);
                    return Ok(());
                }
            }
            Ok(_) if wanted & TID == seen & TID => return Ok(()),
            Ok(_) => {
                // The same as before: no other thread takes waiters of this word out.
                let (at, number) = first().expect("a waiter without a deadline stays");
                assert_eq!(number, wanted & TID, "handed over to the first");
                let waiter = enter(&waiters).remove(at).expect("it was found");
                // SAFETY: the waiter keeps its place until it sees this store.
                let place = unsafe { &(*waiter.place).0 };
                place.store(1, Release);
                futex::wake_one(place);
                return Ok(());
            }
        }
    }
}
