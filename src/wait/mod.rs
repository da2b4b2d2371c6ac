//! How a thread waits: how long it spins, and what it does when spinning does not help.
//!
//! A [`Backoff`] counts the rounds of one wait. Each [`wait`](Backoff::wait) pauses twice as long as the one before, up
//! to a bound; when the rounds are used up, the [`Wait`] policy decides. [`SpinThenYield`] gives the processor to
//! the thread that can use it, which is what a lock needs whose holder may have been preempted: with more threads than
//! cores, a lock that only spins stands still for whole time slices. [`Spin`] goes on spinning, for places without a
//! scheduler.
//!
//! A yield is not free either: it lets any other thread run, a busy process too, for a whole time slice. So each yield
//! is timed. After one of more than 50 us a thread that can be woken parks instead, and one that cannot (it polls)
//! sleeps for 50 us at a time, until twice the time has passed that the long yield took. The poller also sleeps after
//! 256 yields in one wait: a real-time thread that yields lets no ordinary thread run, and a sleep does.
//!
//! A thread that waits for one certain thread need not poll at all: a [`Flag`] is set by one thread and awaited by one, and with
//! the policy [`SpinThenPark`] the waiter sleeps in the kernel until it is woken.
//!
//! The bound is a number of rounds. One pause takes some 10 cycles on one processor and 140 on the next, so a bound in
//! pauses tuned to one machine is off by an order of magnitude on another; here it only sets how soon the scheduler is
//! asked, and all the pauses together (127) stay below 10 microseconds on the slowest of them.
//!
//! ```
//! use linchpin::wait::{Backoff, DefaultWait};
//! use std::sync::OnceLock;
//!
//! static ANSWER: OnceLock<u32> = OnceLock::new();
//! # std::thread::spawn(|| ANSWER.set(42));
//! let mut backoff = Backoff::new();
//! while ANSWER.get().is_none() {
//!     backoff.wait::<DefaultWait>();
//! }
//! ```

mod flag;
#[cfg(all(feature = "alloc", target_has_atomic = "64"))]
mod interrupt;
mod lazy_lock;
mod once_lock;
mod once_word;
#[cfg(feature = "std")]
pub(crate) mod restrict;
#[cfg(feature = "std")]
mod yielding;

pub use flag::{Epoch, Flag};
pub use lazy_lock::LazyLock;
pub use once_lock::OnceLock;
#[cfg(feature = "std")]
pub(crate) use once_word::{OnceWord, Phase, Poisoned};
#[cfg(feature = "std")]
pub(crate) use yielding::{yield_if_short, yield_measured, yield_sampled};

use crate::backend::hint;
#[cfg(feature = "std")]
use crate::backend::thread;
pub(crate) use sealed::WhenExhausted;

/// The longest a single round spins, in pauses: `1 << LAST_ROUND`.
pub(crate) const LAST_ROUND: u32 = 6;

/// The count of the rounds that one thread has waited; bounded and exponential.
///
/// Costs nothing to make, and makes no system call by itself: see the [module](self) for what happens when it is
/// exhausted.
#[derive(Debug)]
pub struct Backoff {
    round: u32,
}

impl Backoff {
    /// A back-off at its beginning: the first round is one pause.
    #[must_use]
    pub const fn new() -> Self {
        Backoff { round: 0 }
    }

    /// Begins anew. Call it after progress: what has kept the thread waiting so far says nothing about the next wait.
    pub const fn reset(&mut self) {
        self.round = 0;
    }

    /// Whether the rounds are used up, so that [`wait`](Self::wait) now does what its policy says.
    #[must_use]
    pub const fn is_exhausted(&self) -> bool {
        self.round > LAST_ROUND
    }

    /// Waits one round: 1, 2, 4, .. 64 pauses, and from then on as the policy `W` says.
    #[inline]
    pub fn wait<W: Wait>(&mut self) {
        if self.is_exhausted() {
            W::relax(self.round - LAST_ROUND);
        } else {
            hint::spin_for(1 << self.round);
        }
        self.round = self.round.saturating_add(1);
    }
}

impl Default for Backoff {
    fn default() -> Self {
        Self::new()
    }
}

/// What a thread does when spinning has not helped: [`Spin`], `SpinThenYield` or `SpinThenPark`.
///
/// Sealed: the policies are part of what the models have checked.
pub trait Wait: sealed::Sealed + 'static {
    /// `rounds` counts how often it was called before in this wait.
    #[doc(hidden)]
    fn relax(rounds: u32);

    /// The same without the sleep: for a flag that may be gone when its waiter is to be woken.
    #[doc(hidden)]
    type Awake: Wait;

    /// What it comes to at last, in a wait for a [`Flag`].
    #[doc(hidden)]
    const WHEN_EXHAUSTED: WhenExhausted;

    /// How many threads can wait for one another and all be running.
    #[doc(hidden)]
    fn parallelism() -> usize;
}

/// Goes on spinning, 64 pauses at a time. For interrupt handlers, kernels and pinned real-time threads.
///
/// When *not* to use it: wherever the thread that is waited for may not be running. With more threads than cores it
/// costs whole time slices.
#[derive(Debug)]
pub enum Spin {}

impl Wait for Spin {
    type Awake = Spin;

    const WHEN_EXHAUSTED: WhenExhausted = WhenExhausted::Spin;

    #[inline]
    fn relax(_rounds: u32) {
        hint::spin_for(1 << LAST_ROUND);
    }

    #[inline]
    fn parallelism() -> usize {
        usize::MAX
    }
}

/// Yields to the scheduler, so that the thread that is waited for can run. The default where there is `std`.
///
/// Each yield is a system call. A yield that took more than 50 us is followed by sleeps of 50 us instead, for twice as
/// long as it took; and after 256 yields in one wait all others are sleeps, of 50 to 800 us. When *not* to use it: for
/// waits of milliseconds, through which a thread should sleep until it is woken.
#[cfg(feature = "std")]
#[derive(Debug)]
pub enum SpinThenYield {}

#[cfg(feature = "std")]
impl Wait for SpinThenYield {
    type Awake = SpinThenYield;

    const WHEN_EXHAUSTED: WhenExhausted = WhenExhausted::Yield;

    #[inline]
    fn relax(rounds: u32) {
        yielding::yield_or_sleep(rounds);
    }

    #[inline]
    fn parallelism() -> usize {
        thread::parallelism()
    }
}

/// Yields a little and then sleeps in the kernel, until the thread that is waited for wakes it. Only where there is
/// `std`.
///
/// A sleep and its wake-up cost two system calls and two context switches, some 10 to 50 microseconds together, and the
/// wake-up is paid for by the thread that is waited for. Between them the waiter costs nothing.
///
/// Only a thread that waits for a [`Flag`] can be woken. Waits that poll, as those of the spin locks do, yield
/// as with [`SpinThenYield`]. When *not* to use it: where the thread that is waited for must not make a system call.
#[cfg(feature = "std")]
#[derive(Debug)]
pub enum SpinThenPark {}

#[cfg(feature = "std")]
impl Wait for SpinThenPark {
    type Awake = SpinThenYield;

    const WHEN_EXHAUSTED: WhenExhausted = WhenExhausted::Sleep;

    #[inline]
    fn relax(rounds: u32) {
        yielding::yield_or_sleep(rounds);
    }

    #[inline]
    fn parallelism() -> usize {
        thread::parallelism()
    }
}

/// The policy of a type that does not name one: `SpinThenYield` with the feature `std`, else [`Spin`].
#[cfg(feature = "std")]
pub type DefaultWait = SpinThenYield;
/// The policy of a type that does not name one: `SpinThenYield` with the feature `std`, else [`Spin`].
#[cfg(not(feature = "std"))]
pub type DefaultWait = Spin;

/// The policy of a type whose waiters can sleep, if it does not name one: `SpinThenPark` with the feature `std`, else
/// [`Spin`].
#[cfg(feature = "std")]
pub type DefaultPark = SpinThenPark;
/// The policy of a type whose waiters can sleep, if it does not name one: `SpinThenPark` with the feature `std`, else
/// [`Spin`].
#[cfg(not(feature = "std"))]
pub type DefaultPark = Spin;

mod sealed {
    pub trait Sealed {}
    impl Sealed for super::Spin {}
    #[cfg(feature = "std")]
    impl Sealed for super::SpinThenYield {}
    #[cfg(feature = "std")]
    impl Sealed for super::SpinThenPark {}

    /// What a policy comes to at last.
    #[derive(Clone, Copy, Debug)]
    pub enum WhenExhausted {
        Spin,
        #[cfg(feature = "std")]
        Yield,
        #[cfg(feature = "std")]
        Sleep,
    }
}
