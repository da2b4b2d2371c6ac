//! The kernel's locks with priority inheritance, as far as the bill goes: the lines that move, and the system calls.
//!
//! The lock is left free for the waiter that is woken, as by an ordinary futex, where the kernel would hand it over, and
//! no priority is inherited: no thread ends without unlocking, or waits in a circle, in a workload.

use core::sync::atomic::{AtomicU32 as Plain, Ordering};

use super::atomic::{Acquire, AtomicU32, Relaxed, Release};
use super::futex;
use super::time::{self, Instant};
use crate::backend::pi::{ForkHandler, KernelError, TID, WAITERS};

coherence::thread_local! {
    static NUMBER: u32 = {
        static YOUNGEST: Plain = Plain::new(0);
        YOUNGEST.fetch_add(1, Ordering::Relaxed) % TID + 1
    };
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
    let mut mine = thread_id();
    while let Err(seen) = take(word, mine) {
        match deadline {
            None => futex::wait(word, seen),
            Some(deadline) if time::has_passed(deadline) => return Err(KernelError::TimedOut),
            Some(deadline) => _ = futex::wait_until(word, seen, deadline),
        }
        // More threads may wait.
        mine |= WAITERS;
    }
    Ok(())
}

#[track_caller]
pub(crate) fn try_lock(word: &AtomicU32) -> Result<(), KernelError> {
    take(word, thread_id()).map_err(|_| KernelError::Held)
}

#[track_caller]
pub(crate) fn unlock(word: &AtomicU32) -> Result<(), KernelError> {
    word.store(0, Release);
    futex::wake_one(word);
    Ok(())
}
