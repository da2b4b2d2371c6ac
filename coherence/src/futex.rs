//! Sleeping in the kernel, in virtual time: the two futex operations.
//!
//! A wait gives up the core; so the model of a lock that parks its waiters is billed for system
//! calls, wake-up latency and context switches, as the [`Machine`](crate::Machine) states them.

use core::panic::Location;
use core::time::Duration;

use crate::engine;
pub use crate::engine::Wakeup;
use crate::sync::atomic::{AtomicU32, Ordering};

/// Sleeps while `*word == expected`, until a [`wake`] on the same word, or until `timeout` has
/// passed.
///
/// Comparing and falling asleep is one step: no [`wake`] is lost between them. Costs a system call
/// and a load of the word; a thread that slept also pays for the context switch back. Threads are
/// woken in the order in which they came.
///
/// Outside a simulation there is no kernel to sleep in: it yields once and reports
/// [`Wakeup::Woken`] if the word is as expected, a spurious wake-up such as every futex wait may
/// have.
///
/// A time-out that ends after the end of virtual time (106 days) is none. A thread that unwinds
/// cannot sleep: the simulation ends with [`Failure::Unwinding`](crate::Failure::Unwinding).
#[track_caller]
pub fn wait(word: &AtomicU32, expected: u32, timeout: Option<Duration>) -> Wakeup {
    let as_expected = || word.peek() == expected;
    let address = core::ptr::from_ref(word).addr();
    engine::futex_wait(address, Location::caller(), as_expected, timeout).unwrap_or_else(|| {
        if word.load(Ordering::SeqCst) != expected {
            return Wakeup::Changed;
        }
        std::thread::yield_now();
        Wakeup::Woken
    })
}

/// Wakes up to `count` threads that sleep in a [`wait`] on this word, the one that has slept
/// longest first; returns how many.
///
/// Costs a system call, also if no thread sleeps. The word is not touched. Outside a simulation it
/// does nothing.
#[track_caller]
pub fn wake(word: &AtomicU32, count: usize) -> usize {
    engine::futex_wake(core::ptr::from_ref(word).addr(), count, Location::caller()).unwrap_or(0)
}
