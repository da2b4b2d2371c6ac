//! How a thread waits for a lock before it parks.
//!
//! Rounds of pauses, and yields in turns with them while yields are short. How long it pauses between two looks depends on
//! what the threads do between two acquisitions. If they come back at once, the lock is in use whichever of them has
//! it, and each look, and still more each change of hands, costs them a transfer of its line: so it looks seldom. If they work
//! outside for longer than such a transfer takes, the lock falls idle in between: so it looks often.
//!
//! Pauses are measured, since one takes 10 cycles on one processor and 140 on the next.

use crossbeam_utils::CachePadded;

use crate::backend::atomic::{AtomicU32, Relaxed};
use crate::backend::time::Instant;
use crate::backend::{global, hint};

use crate::wait::yield_if_short;

/// The time between two looks at a lock that falls idle between two acquisitions, in nanoseconds.
const EAGER_PAUSE: u32 = 50;
/// How many such looks take as long as two rounds, and every how manieth is a yield.
const EAGER_LOOKS: u32 = 16;
/// The time between two looks at a lock that is always in use, at first, in nanoseconds.
const PAUSE: u32 = 700;

/// The rounds of one wait for a lock.
pub(crate) struct SpinThenParkBackoff {
    looks_done: u32,
    is_eager: bool,
    /// Where yields are long, because other processes run, it does not spin either: a thread that has used up its time slice by
    /// spinning cannot preempt a busy one when it is woken.
    is_for_event: bool,
}

impl SpinThenParkBackoff {
    /// A back-off at its beginning. `is_eager`: the threads work outside of the lock.
    pub(crate) const fn new(is_eager: bool) -> Self {
        SpinThenParkBackoff {
            looks_done: 0,
            is_eager,
            is_for_event: false,
        }
    }

    /// For what another thread does once, as a notification.
    pub(crate) const fn for_event() -> Self {
        SpinThenParkBackoff {
            looks_done: 0,
            is_eager: false,
            is_for_event: true,
        }
    }

    /// Waits until it is worth while to look again; false if there have been so many rounds.
    #[inline]
    pub(crate) fn wait(&mut self, rounds: u32) -> bool {
        let looks = if self.is_eager { EAGER_LOOKS } else { 2 };
        if self.looks_done >= hint::patience(rounds * looks / 2) {
            return false;
        }
        self.looks_done += 1;
        if self.looks_done.is_multiple_of(looks) {
            if yield_if_short() {
                return true;
            }
            if self.is_for_event {
                return false;
            }
        }
        pause_for(if self.is_eager {
            EAGER_PAUSE << (self.looks_done / 4).min(4)
        } else {
            PAUSE << (self.looks_done / 2).min(2)
        });
        true
    }
}

global! {
    /// How long 64 pauses take, in nanoseconds; 0 before that is known.
    fn sixty_four_pauses() -> CachePadded<AtomicU32> = CachePadded::new(AtomicU32::new(0));
}

/// Pauses for about so many nanoseconds.
fn pause_for(nanoseconds: u32) {
    if hint::tuned(false, true) {
        return hint::spin_for(1);
    }
    let known = sixty_four_pauses();
    // Relaxed: an estimate.
    let mut cost = known.load(Relaxed);
    if cost == 0 {
        cost = (0..3).map(|_| time_pauses()).min().unwrap_or(1).max(1);
        known.store(cost, Relaxed);
    }
    hint::spin_for((nanoseconds * 64 / cost).max(1));
}

fn time_pauses() -> u32 {
    let start = Instant::now();
    hint::spin_for(64);
    u32::try_from(start.elapsed().as_nanos()).unwrap_or(u32::MAX)
}
