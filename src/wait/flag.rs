//! The flag that one thread sets and one thread awaits: what every local-spinning algorithm waits with (queue locks and
//! tree barriers, since Mellor-Crummey and Scott, ACM TOCS 1991), here with a sleep in the end.
//!
//! One word, `epoch << 1 | SLEEPING`:
//!
//! | part | meaning | changed by |
//! |---|---|---|
//! | the epoch, 31 bits | how often the flag has been set, modulo 2^31 | the setter, by one `fetch_add(2)` |
//! | `SLEEPING` | the waiter sleeps, or is about to | the waiter: set before it sleeps, cleared when it no longer does |
//!
//! The setter's RMW tells it whether there is a thread to wake, and a waiter that would sleep sets `SLEEPING` only in
//! the epoch that it waits for, by a compare-exchange: so a set comes either before it, and no thread sleeps, or after,
//! and a thread wakes. A wait that gives up clears `SLEEPING` by an RMW, which may find the flag set in that very
//! instant; a setter that has seen the bit then wakes for nothing, once, and the thread that it wakes looks at its word
//! and sleeps on.

use crate::backend::atomic::{Acquire, AtomicU32, Relaxed, Release};
use crate::backend::const_fn;
#[cfg(feature = "std")]
use crate::backend::{
    futex,
    time::{self, Instant},
};

#[cfg(feature = "std")]
use super::restrict::LongWait;
#[cfg(feature = "std")]
use super::yielding;
use super::{Wait, WhenExhausted};
use crate::backend::hint;

/// How many rounds are waited for a [`Flag`], and how many pauses each is long. The thread that waits for a flag is the
/// only one that looks at it, so there is no thread to back off from: all rounds are short, to see at once that it is
/// set. Together (128 pauses) they last about as long as a `Backoff`.
const FLAG_ROUNDS: u32 = 32;
const FLAG_PAUSES: u32 = 4;
/// How often a thread then yields before it sleeps: a yield is cheaper for both than a sleep and a wake-up, and enough
/// if the setter only waits for a processor.
#[cfg(feature = "std")]
const FLAG_YIELDS: u32 = 2;

/// The waiter sleeps, or is about to.
pub(super) const SLEEPING: u32 = 1;
/// One epoch further.
pub(super) const EPOCH: u32 = 2;

/// A flag that one thread sets and one thread awaits, again and again.
///
/// The waiter notes the [`epoch`](Self::epoch), lets the setter know by other means that it waits, and then
/// [waits](Self::wait) for that epoch to end. The setter ends it with [`set`](Self::set). A set that comes before the
/// wait is not lost.
///
/// * **Guarantee**: the waiter sees everything that the setter did before `set`. In one epoch one thread may set and
///   one may wait; both may be others in the next, and the next `set` comes only after the wait before has returned.
///   Broken, that rule costs progress (a waiter may miss one of two sets, or sleep on beside another), never memory
///   safety.
/// * **Cost**: 4 bytes; give it a cache line of its own ([`CachePadded`](crate::CachePadded)). `set` is one RMW,
///   and a system call if the waiter sleeps. A waiter reads its cached copy; one that has slept pays an RMW each to
///   fall asleep and to wake up.
/// * **Not for**: several waiters, or several setters. And the flag must live until `set` has *returned*: after
///   its RMW `set` touches the flag no more, but still gives its address to the kernel. `&self` sees to that.
///
/// ```
/// use linchpin::wait::{DefaultWait, Flag};
///
/// let flag = Flag::new();
/// let epoch = flag.epoch();
/// std::thread::scope(|scope| {
///     scope.spawn(|| flag.set());
///     flag.wait::<DefaultWait>(epoch);
/// });
/// assert!(flag.is_set(epoch));
/// assert!(!flag.is_set(flag.epoch()));
/// ```
#[derive(Debug)]
pub struct Flag {
    pub(super) word: AtomicU32,
}

/// What [`Flag::wait`] waits for the end of: the time between two [sets](Flag::set) of one flag.
///
/// It comes round after 2^31 sets; a thread that keeps one for so long takes the new epoch for the old.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Epoch(pub(super) u32);

#[cfg(feature = "std")]
impl Epoch {
    /// Whether its number is odd; the number of the next is not then.
    #[inline]
    pub(crate) fn is_odd(self) -> bool {
        self.0 & EPOCH != 0
    }

    /// The epoch before, which has ended.
    #[inline]
    pub(crate) fn before(self) -> Self {
        Epoch(self.0.wrapping_sub(EPOCH))
    }
}

impl Flag {
    const_fn! {
        /// A flag that is not set.
        #[must_use]
        pub const fn new() -> Self {
            Self::at(0)
        }
    }

    const_fn! {
        pub(crate) const fn at(epoch: u32) -> Self {
            Flag { word: AtomicU32::new(epoch << 1) }
        }
    }

    /// The present epoch. For the next waiter, before anybody can set the flag.
    #[inline]
    #[must_use]
    pub fn epoch(&self) -> Epoch {
        // Relaxed: no thread sets the flag before the waiter has made it known, and whatever makes it known orders this
        // load before the set. The sets before are in the waiter's past: it awaited them, or the thread that did let it
        // follow.
        Epoch(self.word.load(Relaxed) & !SLEEPING)
    }

    /// Ends the epoch, and wakes the waiter if it sleeps.
    ///
    /// ```
    /// # use linchpin::wait::{Flag, Spin};
    /// let flag = Flag::new();
    /// let epoch = flag.epoch();
    /// flag.set();
    /// flag.wait::<Spin>(epoch); // returns at once
    /// ```
    #[inline]
    pub fn set(&self) {
        // Release: pairs with the Acquire load in `is_set` and the Acquire RMW in `sleep`. The
        // waiter must see what came before; Relaxed loses it.
        // An RMW, so that a waiter which falls asleep or gives up at the same time is not
        // overwritten.
        // model: wait::flag_hands_over, wait::flag_sleeps, wait::flag_times_out
        let before = self.word.fetch_add(EPOCH, Release);
        // From here on the waiter may have returned: nothing of the flag is touched but its address.
        if before & SLEEPING != 0 {
            #[cfg(feature = "std")]
            self.wake();
        }
    }

    #[cfg(feature = "std")]
    #[cold]
    fn wake(&self) {
        futex::wake_one(&self.word);
    }

    /// Whether `epoch` has ended; if so, everything that the setter did before is seen.
    #[inline]
    #[must_use]
    pub fn is_set(&self, epoch: Epoch) -> bool {
        // Acquire: pairs with the Release RMW in `set`. What the setter did must be seen; Relaxed
        // loses it.
        // model: wait::flag_hands_over, wait::flag_sleeps
        self.word.load(Acquire) & !SLEEPING != epoch.0
    }

    /// Waits until `epoch` has ended: spins for a microsecond or a few, and then as the policy `W` says.
    ///
    /// ```
    /// # use linchpin::wait::{DefaultWait, Flag};
    /// let (there, back) = (Flag::new(), Flag::new());
    /// std::thread::scope(|scope| {
    ///     let start = there.epoch();
    ///     let end = back.epoch();
    ///     let (there, back) = (&there, &back);
    ///     scope.spawn(move || {
    ///         there.wait::<DefaultWait>(start);
    ///         back.set();
    ///     });
    ///     there.set();
    ///     back.wait::<DefaultWait>(end);
    /// });
    /// ```
    #[inline]
    pub fn wait<W: Wait>(&self, epoch: Epoch) {
        if !self.is_set(epoch) {
            self.wait_long::<W>(epoch);
        }
    }

    #[cold]
    fn wait_long<W: Wait>(&self, epoch: Epoch) {
        self.wait_for::<W>(epoch, None);
    }

    /// [`wait`](Self::wait), in the queue of a lock at the address `queue`: a long wait there is counted.
    #[inline]
    pub(crate) fn wait_in_queue<W: Wait>(&self, epoch: Epoch, queue: usize) {
        self.wait_for::<W>(epoch, Some(queue));
    }

    fn wait_for<W: Wait>(&self, epoch: Epoch, queue: Option<usize>) {
        let mut backoff = FlagBackoff::default();
        loop {
            let is_awake = backoff.wait::<W>();
            if self.is_set(epoch) || !is_awake && self.sleep_in_queue(epoch, queue) {
                return;
            }
        }
    }

    #[cfg(feature = "std")]
    fn sleep_in_queue(&self, epoch: Epoch, queue: Option<usize>) -> bool {
        let _long = queue.map(LongWait::new);
        self.sleep(epoch, None)
    }

    /// Without `std` no policy sleeps.
    #[cfg(not(feature = "std"))]
    fn sleep_in_queue(&self, _epoch: Epoch, _queue: Option<usize>) -> bool {
        false
    }

    /// Like [`wait`](Self::wait), but no longer than until `deadline`; answers whether `epoch` has ended.
    ///
    /// After false the flag may still be set, and may be awaited again in the same epoch. The deadline is looked at
    /// between two rounds, so it may be overrun by as much as one yield takes, and by what the operating system needs
    /// to wake a sleeper. A deadline that has passed makes this a look at the flag.
    ///
    /// ```
    /// # use linchpin::wait::{DefaultWait, Flag};
    /// use std::time::{Duration, Instant};
    ///
    /// let flag = Flag::new();
    /// let epoch = flag.epoch();
    /// assert!(!flag.wait_until::<DefaultWait>(epoch, Instant::now() + Duration::from_millis(1)));
    /// flag.set();
    /// assert!(flag.wait_until::<DefaultWait>(epoch, Instant::now()));
    /// ```
    #[cfg(feature = "std")]
    pub fn wait_until<W: Wait>(&self, epoch: Epoch, deadline: Instant) -> bool {
        let mut backoff = FlagBackoff::default();
        loop {
            if self.is_set(epoch) {
                return true;
            }
            if !backoff.wait::<W>() {
                return self.sleep(epoch, Some(deadline));
            }
            if time::has_passed(deadline) {
                return self.is_set(epoch);
            }
        }
    }

    /// Sleeps until `epoch` has ended, or until the deadline; answers whether it has ended.
    #[cfg(feature = "std")]
    pub(crate) fn sleep(&self, epoch: Epoch, deadline: Option<Instant>) -> bool {
        let asleep = epoch.0 | SLEEPING;
        // Relaxed: the setter's RMW sees the bit or comes before, and nothing else is made known
        // here. Torn, it would take back a set.
        // model: wait::flag_sleeps
        match self.word.compare_exchange(epoch.0, asleep, Relaxed, Relaxed) {
            Err(word) if word != asleep => return self.is_set(epoch),
            // If the bit is set already there are two waiters, against the rule: one of them may sleep on.
            _ => {}
        }
        loop {
            let in_time = match deadline {
                None => {
                    futex::wait(&self.word, asleep);
                    true
                }
                Some(deadline) => futex::wait_until(&self.word, asleep, deadline),
            };
            // Relaxed: only decides whether to sleep on; what it finds is acted on by the RMW that follows.
            if !in_time || self.word.load(Relaxed) != asleep {
                break;
            }
        }
        // Acquire: pairs with the Release RMW in `set`, which may have come in the instant in which
        // this wait gave up. What the setter did must be seen; Relaxed loses it.
        // An RMW and no store, so that such a set is not taken back.
        // model: wait::flag_times_out
        let word = self.word.fetch_and(!SLEEPING, Acquire);
        word & !SLEEPING != epoch.0
    }
}

/// The rounds of one wait for a [`Flag`].
#[derive(Default)]
struct FlagBackoff {
    round: u32,
}

impl FlagBackoff {
    /// Waits one round; false if `W` would now rather sleep.
    #[inline]
    fn wait<W: Wait>(&mut self) -> bool {
        if self.round < hint::patience(FLAG_ROUNDS) {
            self.round += 1;
            hint::spin_for(FLAG_PAUSES);
            return true;
        }
        match W::WHEN_EXHAUSTED {
            WhenExhausted::Spin => hint::spin_for(FLAG_PAUSES),
            #[cfg(feature = "std")]
            WhenExhausted::Yield => {
                yielding::yield_or_sleep(self.round - hint::patience(FLAG_ROUNDS));
                self.round = self.round.saturating_add(1);
            }
            #[cfg(feature = "std")]
            WhenExhausted::Sleep => {
                if self.round >= hint::patience(FLAG_ROUNDS) + hint::patience(FLAG_YIELDS)
                    || !yielding::yield_if_short()
                {
                    return false;
                }
                self.round += 1;
            }
        }
        true
    }
}

impl Default for Flag {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wait::DefaultWait;
    #[cfg(feature = "std")]
    use std::thread;

    /// The last epoch before they come round.
    const LAST: u32 = u32::MAX >> 1;

    #[test]
    fn epochs_wrap() {
        let flag = Flag::at(LAST);
        let last = flag.epoch();
        assert!(!flag.is_set(last));
        flag.set();
        assert!(flag.is_set(last));
        flag.wait::<DefaultWait>(last);
        assert_eq!(flag.epoch(), Flag::new().epoch());
        assert_eq!(flag.word.load(Relaxed), 0, "no thread sleeps");
    }

    /// The set that wraps leaves the sleeper's bit alone, and wakes it.
    #[cfg(feature = "std")]
    #[test]
    fn a_sleeper_is_woken_where_epochs_wrap() {
        for first in [LAST - 1, LAST, 0] {
            let flag = Flag::at(first);
            let epoch = flag.epoch();
            thread::scope(|scope| {
                scope.spawn(|| flag.wait::<crate::wait::SpinThenPark>(epoch));
                while flag.word.load(Relaxed) & SLEEPING == 0 {
                    thread::yield_now();
                }
                flag.set();
            });
            assert_eq!(flag.word.load(Relaxed), first.wrapping_add(1) << 1);
        }
    }

    /// A wait that has given up leaves no bit behind for the setter to make a system call for.
    #[cfg(feature = "std")]
    #[test]
    fn who_gives_up_does_not_sleep() {
        let flag = Flag::at(LAST);
        let epoch = flag.epoch();
        let soon = Instant::now() + core::time::Duration::from_millis(5);
        assert!(!flag.wait_until::<crate::wait::SpinThenPark>(epoch, soon));
        assert_eq!(flag.word.load(Relaxed), LAST << 1);
    }
}
