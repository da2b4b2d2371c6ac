//! How a thread waits at a barrier: how long it spins, how often it yields, and when it sleeps.
//!
//! What it waits for depends on *all* others. While each of them has a core of its own, they arrive soon, and spinning
//! is the fastest way to see it. With more participants than cores, some of those that are waited for need this very core:
//! then a waiter yields at once, and a sweep of yields through all threads of a core is an episode, at the cost of a
//! context switch for each, which is the least there can be.
//!
//! If the first yield was not enough, the thread waits for something that takes more than one sweep, as in the trees. Where
//! others have run meanwhile, it soon sleeps, and is not asked in vain in each sweep. Where none has, it goes on
//! yielding for a while: if it slept, the core would go idle, and waking an idle core takes longest of all.
//!
//! Where yields are long, because a core is busy with other work, it is better to sleep, for a thread that is woken preempts
//! the other work, if it has not used up its share of the core by spinning. One long yield holds up all participants; so after
//! one, none of them yields or spins for a while ([`Yields`]), and then a single one tries again.
//!
//! Threads that meet on one core, or seldom, spin in vain each time. After two such waits in a row at one barrier some do
//! without, four times as many after each further one; a spin that was not in vain ends that. A spin after one in vain is longer: the
//! others sleep meanwhile, and to wake one whose core has gone idle takes longer than a spin should; otherwise threads that could
//! meet by spinning would go on sleeping.

#[cfg(feature = "std")]
use core::time::Duration;

#[cfg(feature = "std")]
use crate::backend::atomic::{AtomicU32, Relaxed};
use crate::backend::const_fn;
use crate::backend::hint;
#[cfg(feature = "std")]
use crate::backend::thread;
#[cfg(feature = "std")]
use crate::wait::{yield_measured, yield_sampled};

/// Pauses between two looks, and rounds of them, while each participant can have a core.
const PAUSES: u32 = 1;
#[cfg(feature = "std")]
const ROUNDS: u32 = 512;
/// .. and after a spin in vain.
#[cfg(feature = "std")]
const ROUNDS_AFTER_VAIN: u32 = 8 * ROUNDS;
/// Yields before the thread sleeps: after the rounds above, ..
#[cfg(feature = "std")]
const YIELDS: u32 = 4;
/// .. and at once, when there are more participants than cores, ..
#[cfg(feature = "std")]
const YIELDS_IF_CROWDED: u32 = 64;
/// .. where each that let another thread run counts for as many as there are participants, up to so many: what is asked
/// in vain is a share of what all of them together do.
#[cfg(feature = "std")]
const MOST_FOR_A_SWITCH: u32 = 32;
/// A yield that takes no longer has let no other thread run. (Here it takes 0.3 microseconds, and a context switch 0.6.)
#[cfg(feature = "std")]
const IDLE: Duration = Duration::from_nanos(450);
/// How many waits do without yields and spins after a yield that was long, for each microsecond of it. At two microseconds or more for a
/// wait, what long yields cost stays below a few parts in a hundred.
#[cfg(feature = "std")]
const SKIPS_PER_MICROSECOND: u32 = 8;
/// How long a yield may take for each participant, and besides, before it counts as long.
#[cfg(feature = "std")]
const SWITCH: Duration = Duration::from_micros(2);
#[cfg(feature = "std")]
const SLACK: Duration = Duration::from_micros(300);

/// How many waits do without spinning after the second that has spun in vain, one after the other; each further one makes it
/// four times as many, and at last so many.
#[cfg(feature = "std")]
const FEWEST_UNSPUN: u32 = 4;
#[cfg(feature = "std")]
const MOST_UNSPUN: u32 = 256;

/// What the waits at one barrier know of yields and spins.
#[derive(Debug)]
pub(super) struct Yields {
    /// How many waits are to do without either.
    #[cfg(feature = "std")]
    skip: AtomicU32,
    /// How many waits are to do without spinning.
    #[cfg(feature = "std")]
    unspun: AtomicU32,
    /// How many that will be after the next spin in vain; 0 if the last was not.
    #[cfg(feature = "std")]
    vain: AtomicU32,
}

impl Yields {
    const_fn! {
        pub(super) const fn new() -> Self {
            Yields {
                #[cfg(feature = "std")]
                skip: AtomicU32::new(0),
                #[cfg(feature = "std")]
                unspun: AtomicU32::new(0),
                #[cfg(feature = "std")]
                vain: AtomicU32::new(0),
            }
        }
    }
}

#[cfg(feature = "std")]
impl Yields {
    /// Whether this wait may yield.
    fn are_allowed(&self) -> bool {
        Self::is_over(&self.skip)
    }

    /// Whether this wait may spin.
    fn may_spin(&self) -> bool {
        Self::is_over(&self.unspun)
    }

    /// For how many rounds.
    fn rounds(&self) -> u32 {
        // Relaxed: as below.
        hint::patience(if self.vain.load(Relaxed) > 0 {
            ROUNDS_AFTER_VAIN
        } else {
            ROUNDS
        })
    }

    fn is_over(skip: &AtomicU32) -> bool {
        // Relaxed: it is about time alone, and nothing is lost with a count.
        let left = skip.load(Relaxed);
        if left > 0 {
            skip.store(left - 1, Relaxed);
        }
        left == 0
    }

    /// Takes note of what has come of spinning.
    #[cold]
    fn note_spin(&self, in_vain: bool) {
        // Relaxed: as above.
        let vain = self.vain.load(Relaxed);
        if in_vain {
            self.unspun.store(vain, Relaxed);
            self.vain.store((vain * 4).clamp(FEWEST_UNSPUN, MOST_UNSPUN), Relaxed);
        } else if vain > 0 {
            self.vain.store(0, Relaxed);
        }
    }

    /// Takes note of a long yield.
    #[cold]
    fn pause(&self, took: Duration) {
        let waits = u32::try_from(took.as_micros()).unwrap_or(u32::MAX);
        // Relaxed: as above.
        self.skip.store(waits.saturating_mul(SKIPS_PER_MICROSECOND), Relaxed);
    }
}

/// The rounds of one wait.
pub(super) struct Patience<'barrier> {
    #[cfg(feature = "std")]
    rounds: u32,
    #[cfg(feature = "std")]
    left: u32,
    #[cfg(feature = "std")]
    is_first: bool,
    /// What a yield counts for that has let another thread run.
    #[cfg(feature = "std")]
    switch: u32,
    /// A yield that takes longer went to other work.
    #[cfg(feature = "std")]
    sweep: Duration,
    #[cfg(feature = "std")]
    yields: &'barrier Yields,
    #[cfg(not(feature = "std"))]
    _yields: &'barrier Yields,
}

impl<'barrier> Patience<'barrier> {
    /// For a wait that `participants` take part in.
    #[cfg(feature = "std")]
    #[cold]
    pub(super) fn new(participants: u32, yields: &'barrier Yields) -> Self {
        let is_crowded = participants as usize > thread::parallelism();
        let left = hint::patience(if is_crowded { YIELDS_IF_CROWDED } else { YIELDS });
        let rounds = if is_crowded { 0 } else { yields.rounds() };
        // Where yields are long, a core has other work, and a thread preempts that when it is woken, if it has not used up
        // its share by spinning.
        let is_asleep = left > 0 && !yields.are_allowed();
        Patience {
            rounds: if rounds > 0 && !is_asleep && yields.may_spin() {
                rounds
            } else {
                0
            },
            left: if is_asleep { 0 } else { left },
            is_first: true,
            switch: participants.clamp(1, MOST_FOR_A_SWITCH),
            sweep: SLACK + SWITCH * participants,
            yields,
        }
    }

    /// For a wait without a scheduler.
    #[cfg(not(feature = "std"))]
    pub(super) fn new(_participants: u32, yields: &'barrier Yields) -> Self {
        Patience { _yields: yields }
    }

    /// Waits one round; false if it is time to sleep. Without `std` it never is.
    #[inline]
    pub(super) fn wait(&mut self) -> bool {
        #[cfg(feature = "std")]
        {
            if self.rounds == 0 {
                return self.yields();
            }
            self.rounds -= 1;
            if self.rounds == 0 {
                self.yields.note_spin(true);
            }
        }
        hint::spin_for(PAUSES);
        true
    }

    #[cfg(feature = "std")]
    fn yields(&mut self) -> bool {
        if self.left == 0 {
            return false;
        }
        let took = if self.is_first {
            yield_sampled(self.sweep).unwrap_or_default()
        } else {
            yield_measured()
        };
        self.is_first = false;
        if took > self.sweep {
            self.left = 0;
            self.yields.pause(took);
        } else {
            self.left = self.left.saturating_sub(if took > IDLE { self.switch } else { 1 });
        }
        true
    }
}

#[cfg(feature = "std")]
impl Drop for Patience<'_> {
    #[inline]
    fn drop(&mut self) {
        if self.rounds > 0 {
            self.yields.note_spin(false);
        }
    }
}

#[cfg(all(test, feature = "std"))]
mod tests {
    use super::*;

    /// Waits until it is time to sleep, or until it has spun for so many rounds; how many rounds there were to spin.
    fn rounds(yields: &Yields, spins: u32) -> u32 {
        let mut patience = Patience::new(1, yields);
        let rounds = patience.rounds;
        for _ in 0..spins.min(rounds) {
            patience.wait();
        }
        rounds
    }

    #[test]
    fn spins_in_vain_become_rare() {
        let yields = Yields::new();
        assert_eq!(rounds(&yields, ROUNDS), ROUNDS);
        let mut unspun = 0;
        for expected in [0, 4, 16, 64, 256, 256] {
            while rounds(&yields, ROUNDS_AFTER_VAIN) == 0 {
                unspun += 1;
            }
            assert_eq!(core::mem::take(&mut unspun), expected);
        }
    }

    #[test]
    fn a_spin_that_is_not_in_vain_makes_them_common_again() {
        let yields = Yields::new();
        for _ in 0..3 {
            while rounds(&yields, ROUNDS_AFTER_VAIN) == 0 {}
        }
        while rounds(&yields, ROUNDS) == 0 {}
        let after = [rounds(&yields, ROUNDS), rounds(&yields, ROUNDS_AFTER_VAIN)];
        assert_eq!(after, [ROUNDS, ROUNDS_AFTER_VAIN], "the one before was not in vain");
        assert_eq!(rounds(&yields, 1), 0, "the second in vain");
    }

    #[test]
    fn after_a_long_yield_waits_sleep_at_once() {
        let yields = Yields::new();
        yields.pause(Duration::from_micros(2));
        for _ in 0..2 * SKIPS_PER_MICROSECOND {
            assert!(!Patience::new(1, &yields).wait());
        }
        assert!(Patience::new(1, &yields).wait());
    }
}
