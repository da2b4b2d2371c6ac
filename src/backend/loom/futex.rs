//! The kernel's futexes, as a model: what sleeps, on which address.
//!
//! Comparing the word and falling asleep is one step, because both happen under the lock that [`wake`] takes too. That
//! lock orders the thread that sleeps after the thread that has woken before, and a wake-up orders the sleeper after
//! its waker. No kernel promises as much to the memory of its callers, so how a word has to be read after a sleep is
//! judged by the executions in which no thread sleeps.
//!
//! [`wake`] goes by the address alone, so a model may free the word before that.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::Instant;
use std::vec::Vec;

use super::atomic::AtomicU32;
use super::global;
use loom::sync::Mutex;
use loom::thread::{Thread, current, park};

struct Sleeper {
    address: usize,
    thread: Thread,
    /// Set by the waker, under the lock. No part of the model: std's.
    woken: Arc<AtomicBool>,
}

global! {
    /// The sleepers, the longest first.
    fn sleepers() -> Mutex<VecDeque<Sleeper>> = Mutex::new(VecDeque::new());
}

/// What says whether this thread has been woken, if the word is as expected and it is now to sleep.
fn fall_asleep(word: &AtomicU32, expected: u32) -> Option<Arc<AtomicBool>> {
    let sleepers = sleepers();
    let mut sleepers = sleepers.lock().expect("no execution goes on after a panic");
    // Relaxed: the thread that has changed the word and then woken had this lock before, so that the change is seen.
    if word.0.load(Relaxed) != expected {
        return None;
    }
    let woken = Arc::new(AtomicBool::new(false));
    sleepers.push_back(Sleeper {
        address: core::ptr::from_ref(word).addr(),
        thread: current(),
        woken: Arc::clone(&woken),
    });
    Some(woken)
}

/// Sleeps until woken, if the word is as expected.
///
/// # Panics
///
/// If no thread is left that could wake it: loom reports the deadlock, in whichever thread comes last. Whatever of
/// loom's is dropped on that thread's stack then panics again, which ends the process. So models in which a fault may
/// lead to a deadlock share by std's `Arc`, and hold no guard where they sleep.
pub(crate) fn wait(word: &AtomicU32, expected: u32) {
    if let Some(woken) = fall_asleep(word, expected) {
        while !woken.load(Relaxed) {
            park();
        }
    }
}

/// Sleeps if the word is as expected, until woken (true) or until the deadline, which may pass at any moment (false).
///
/// Between falling asleep and waking up by itself it gives the others one chance to wake it, so it never sleeps for
/// ever.
pub(crate) fn wait_until(word: &AtomicU32, expected: u32, _deadline: Instant) -> bool {
    let Some(woken) = fall_asleep(word, expected) else {
        return true;
    };
    let sleepers = sleepers();
    let mut sleepers = sleepers.lock().expect("no execution goes on after a panic");
    sleepers.retain(|sleeper| !Arc::ptr_eq(&sleeper.woken, &woken));
    woken.load(Relaxed)
}

/// Wakes up to `count` threads that sleep on this address, the longest sleeper first; answers how many.
pub(crate) fn wake(word: &AtomicU32, count: u32) -> usize {
    let address = core::ptr::from_ref(word).addr();
    let mut chosen = Vec::new();
    let sleepers = sleepers();
    let mut sleepers = sleepers.lock().expect("no execution goes on after a panic");
    while chosen.len() < count as usize
        && let Some(place) = sleepers.iter().position(|sleeper| sleeper.address == address)
    {
        chosen.extend(sleepers.remove(place));
    }
    for sleeper in &chosen {
        sleeper.woken.store(true, Relaxed);
        sleeper.thread.unpark();
    }
    chosen.len()
}

/// Wakes the longest sleeper on this address; answers whether there was one.
pub(crate) fn wake_one(word: &AtomicU32) -> bool {
    wake(word, 1) > 0
}
