//! The central barrier: all arrivals are counted in one word, and one other word releases all.

use core::fmt;
use core::panic::{RefUnwindSafe, UnwindSafe};
#[cfg(feature = "std")]
use core::time::Duration;

use crossbeam_utils::CachePadded;

use crate::backend::cell::UnsafeCell;
use crate::backend::const_fn;

use super::arrivals::{self, Arrivals, Duty, Left};
use super::completing::refuse;
use super::gate::{Claim, Gate, Passed};
use super::patience::Yields;
use super::step::{NoStep, Step, StepCell};
use super::{Arrival, BarrierWaitResult, Poisoned};
#[cfg(feature = "std")]
use super::{PoisonOnPanic, WaitError};

/// A barrier for `n` threads: each waits until all have arrived. Takes the place of [`std::sync::Barrier`].
///
/// Central and sense-reversing: the arrivals are counted in one word and the waiters look at another, on a cache line of its
/// own. A waiter spins while there may be a core for each participant, yields while yields are short, and sleeps at last;
/// the last arrival wakes all sleepers at once.
///
/// * **Guarantee**: no thread leaves an episode before `n` have arrived in it, and each then sees what all did before
///   they arrived. Exactly one is the leader: the last to arrive. Where a thread completes the episode by leaving, the leader
///   is the first waiter to see that; there is none if all of them come too late, when the next episode is over as well,
///   which takes more threads than participants or an [`Arrival`] that is kept.
/// * **More threads than participants** may share a barrier: an arrival beyond the `n`th counts for the next episode. A
///   thread that completes an episode goes on with later ones that are complete by then, 64 of them at most.
/// * **Cost**: an episode takes an arrival's RMW on one line for each thread, one after the other, and a read of
///   another. Good for few threads and for many more threads than cores; with dozens of cores see the
///   [table](super).
/// * **Split phase**: [`arrive`](Self::arrive) returns an [`Arrival`], and work can be done before its `wait`.
/// * **Leaving**: [`arrive_and_drop`](Self::arrive_and_drop) lets all later episodes expect one fewer. With
///   [`wait_timeout`](Self::wait_timeout), a thread takes its arrival back if the others do not come in time.
/// * **Failing**: a barrier is poisoned by a completion step that panics, by an [`Arrival`] or a
///   [`PoisonOnPanic`] that is dropped by a panic, and by [`poison`](Self::poison). From then on every wait that has not
///   been completed returns an error, or panics if it is a plain [`wait`](Self::wait), for good.
/// * **Not for** places where a thread must not wait for one that is held up. A thread that neither arrives nor poisons the
///   barrier lets all others wait for ever.
///
/// The count of episodes comes round after 2^28 of them. An [`Arrival`] that is kept while the others complete more than
/// 267 million episodes (2^28 - 2^20) is mistaken for one in a later episode, as its page says; so is a thread that is
/// held up in `wait` for as many, which takes more threads than participants.
///
/// ```
/// use linchpin::barrier::Barrier;
///
/// static BARRIER: Barrier = Barrier::new(3);
/// let leaders: usize = std::thread::scope(|scope| {
///     let threads = [(); 3].map(|()| scope.spawn(|| BARRIER.wait().is_leader()));
///     threads.into_iter().map(|thread| usize::from(thread.join().unwrap())).sum()
/// });
/// assert_eq!(leaders, 1);
/// ```
pub struct Barrier<S = NoStep> {
    pub(super) arrivals: CachePadded<Arrivals>,
    pub(super) gate: CachePadded<Gate>,
    pub(super) yields: CachePadded<Yields>,
    pub(super) step: StepCell<S>,
}

impl Barrier {
    const_fn! {
        /// A barrier for `n` threads.
        ///
        /// # Panics
        ///
        /// If `n` is 0 or above 65,535.
        #[must_use]
        pub const fn new(n: usize) -> Self {
            Self::starting_at(0, n, NoStep)
        }
    }
}

impl<S> Barrier<S> {
    const_fn! {
        pub(super) const fn starting_at(episode: u32, n: usize, step: S) -> Self {
            assert!(n > 0, "`n` is 0: a barrier takes 1 to 65,535 participants");
            assert!(n <= arrivals::MAX, "`n` is above 65,535: a barrier takes 1 to 65,535 participants");
            Barrier {
                arrivals: CachePadded::new(Arrivals::at(episode, n)),
                gate: CachePadded::new(Gate::at(episode)),
                yields: CachePadded::new(Yields::new()),
                step: StepCell(UnsafeCell::new(step)),
            }
        }
    }
}

impl<F: FnMut() + Send> Barrier<F> {
    const_fn! {
        /// A barrier for `n` threads that runs `step` once in each episode, after the last arrival and before any
        /// thread leaves: in the thread that arrives last, or that leaves as the last. With more threads than participants it
        /// may also be one that has completed an episode shortly before. It runs, too, when the last participant
        /// leaves, which completes an episode in which none has arrived.
        ///
        /// If `step` panics, the barrier is poisoned, and the panic goes on in the thread that ran it. If it waits for or
        /// arrives at this same barrier, or waits with an [`Arrival`] at it, that panics; without the feature `std` it waits
        /// for ever. It must not wait for a thread that is itself to pass this barrier; nor, where more threads than participants
        /// use it, for one whose wait has not returned: that may be asleep while the next step runs.
        ///
        /// # Panics
        ///
        /// If `n` is 0 or above 65,535.
        ///
        /// ```
        /// # use linchpin::barrier::Barrier;
        /// let mut episodes = 0;
        /// let barrier = Barrier::with_step(2, || episodes += 1);
        /// std::thread::scope(|scope| {
        ///     for _ in 0..2 {
        ///         scope.spawn(|| for _ in 0..10 { barrier.wait(); });
        ///     }
        /// });
        /// drop(barrier);
        /// assert_eq!(episodes, 10);
        /// ```
        #[must_use]
        pub const fn with_step(n: usize, step: F) -> Self {
            Self::starting_at(0, n, step)
        }
    }
}

impl<S: Step> Barrier<S> {
    /// Arrives, and waits for the others.
    ///
    /// # Panics
    ///
    /// If the barrier is poisoned; see [`wait_checked`](Self::wait_checked). If all participants have left. Inside the
    /// completion step of this barrier. If there are 524,288 arrivals in episodes that are not over, which also poisons
    /// the barrier: with a large `n`, a few threads that drop their [`Arrival`]s come to that.
    #[inline]
    pub fn wait(&self) -> BarrierWaitResult {
        self.wait_checked().unwrap_or_else(|Poisoned| refuse_poisoned())
    }

    /// The same, but a poisoned barrier is an error.
    ///
    /// # Errors
    ///
    /// If the barrier is poisoned before the episode is complete.
    ///
    /// # Panics
    ///
    /// As [`wait`](Self::wait), but for poison.
    ///
    /// ```
    /// # use linchpin::barrier::Barrier;
    /// let barrier = Barrier::new(2);
    /// std::thread::scope(|scope| {
    ///     let waiter = scope.spawn(|| barrier.wait_checked());
    ///     barrier.poison();
    ///     assert!(waiter.join().unwrap().is_err());
    /// });
    /// ```
    #[inline]
    pub fn wait_checked(&self) -> Result<BarrierWaitResult, Poisoned> {
        let counted = self.count()?;
        if counted.duty != Duty::Wait {
            self.conclude(counted)?;
            return Ok(BarrierWaitResult::of(true));
        }
        let passed = self
            .gate
            .wait(counted.episode, Claim::Leadership, counted.expected, &self.yields);
        result(passed)
    }

    /// Arrives, and waits for the others no longer than `timeout`.
    ///
    /// A thread that waits for longer takes its arrival back: the episode then lacks it as if it had never come. An episode
    /// that is complete is no longer lacking, so the wait lasts until its completion step has ended.
    ///
    /// # Errors
    ///
    /// If the others have not come in time, or if the barrier is poisoned.
    ///
    /// # Panics
    ///
    /// As [`wait`](Self::wait), but for poison.
    ///
    /// ```
    /// # use linchpin::barrier::{Barrier, WaitError};
    /// use std::time::Duration;
    ///
    /// let barrier = Barrier::new(2);
    /// let alone = barrier.wait_timeout(Duration::from_millis(1));
    /// assert_eq!(alone.unwrap_err(), WaitError::TimedOut);
    /// std::thread::scope(|scope| {
    ///     scope.spawn(|| barrier.wait());
    ///     barrier.wait(); // two, and not one
    /// });
    /// ```
    #[cfg(feature = "std")]
    pub fn wait_timeout(&self, timeout: Duration) -> Result<BarrierWaitResult, WaitError> {
        self.arrive().wait_timeout(timeout)
    }

    /// Arrives, and does not wait: what it returns does, later.
    ///
    /// The last arrival runs the completion step here, and releases the others; or it waits for the thread that goes on to
    /// its episode, where there are more threads than participants.
    ///
    /// # Panics
    ///
    /// As [`wait`](Self::wait), but for poison.
    ///
    /// ```
    /// # use linchpin::barrier::Barrier;
    /// let barrier = Barrier::new(2);
    /// std::thread::scope(|scope| {
    ///     for _ in 0..2 {
    ///         scope.spawn(|| {
    ///             let arrival = barrier.arrive();
    ///             // ... what the others need not wait for ...
    ///             arrival.wait().unwrap();
    ///         });
    ///     }
    /// });
    /// ```
    #[inline]
    pub fn arrive(&self) -> Arrival<'_, S> {
        let counted = self.count().and_then(|counted| {
            if counted.duty != Duty::Wait {
                self.conclude(counted)?;
            }
            Ok(counted)
        });
        Arrival::new(self, counted)
    }

    /// Leaves the barrier: counts as an arrival in this episode, and all later ones expect one fewer.
    ///
    /// If that completes the episode, one of the waiters is its leader. If this was the last participant, the barrier is
    /// at its end, and an arrival panics. While an episode is being completed this waits for the end of that.
    ///
    /// # Panics
    ///
    /// If all participants have left already; inside the completion step of this barrier.
    ///
    /// ```
    /// # use linchpin::barrier::Barrier;
    /// let barrier = Barrier::new(2);
    /// barrier.arrive_and_drop();
    /// assert!(barrier.wait().is_leader()); // it is for one thread now
    /// ```
    pub fn arrive_and_drop(&self) {
        self.refuse_inside();
        loop {
            match self.arrivals.leave() {
                Err(refused) => refuse(refused),
                Ok(Left::Early) => return,
                Ok(Left::Last { counted, others }) => {
                    // A poisoned barrier has been left all the same.
                    let _ = self.complete(counted, others);
                    return;
                }
                Ok(Left::Busy { episode, expected }) => {
                    if self.gate.wait(episode, Claim::Nothing, expected, &self.yields) == Passed::Poisoned {
                        return;
                    }
                }
            }
        }
    }

    /// Poisons the barrier: episodes that are not complete never are. What has been completed stays so.
    pub fn poison(&self) {
        self.gate.poison();
    }

    /// Whether the barrier is poisoned. It then is for good.
    #[must_use]
    pub fn is_poisoned(&self) -> bool {
        self.gate.is_poisoned()
    }

    /// Poisons the barrier if this thread panics while what it returns lives, so that the others do not wait for it.
    ///
    /// ```
    /// # use linchpin::barrier::Barrier;
    /// # std::panic::set_hook(Box::new(|_| {}));
    /// let barrier = Barrier::new(2);
    /// std::thread::scope(|scope| {
    ///     let failing = scope.spawn(|| {
    ///         let _guard = barrier.poison_on_panic();
    ///         barrier.wait();
    ///         panic!("between two episodes");
    ///     });
    ///     barrier.wait();
    ///     assert!(barrier.wait_checked().is_err());
    ///     assert!(failing.join().is_err());
    /// });
    /// ```
    #[cfg(feature = "std")]
    pub fn poison_on_panic(&self) -> PoisonOnPanic<'_> {
        PoisonOnPanic::new(&self.gate)
    }
}

#[inline]
pub(super) fn result(passed: Passed) -> Result<BarrierWaitResult, Poisoned> {
    match passed {
        Passed::Through => Ok(BarrierWaitResult::of(false)),
        Passed::AsLeader => Ok(BarrierWaitResult::of(true)),
        _ => Err(Poisoned),
    }
}

#[cold]
fn refuse_poisoned() -> ! {
    panic!("the barrier is poisoned: a participant has panicked, and will not arrive any more");
}

// A step that panics poisons the barrier, and is not run again.
impl<S> UnwindSafe for Barrier<S> {}
impl<S> RefUnwindSafe for Barrier<S> {}

impl<S> fmt::Debug for Barrier<S> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut fields = formatter.debug_struct("Barrier");
        fields
            .field("is_poisoned", &self.gate.is_poisoned())
            .finish_non_exhaustive()
    }
}
