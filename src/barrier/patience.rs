//! How a thread waits at a barrier: how long it spins, how often it yields, and when it sleeps.
//!
//! What it waits for depends on *all* others. While each of them has a core of its own, they arrive soon, and spinning
//! is the fastest way to see it. With more participants than cores, some of those that are waited for need this very core:
//! then a waiter yields at once, and a sweep of yields through all threads of a core is an episode, at the cost of a
//! context switch for each. A sleep and a wake-up would be two, and the wake-ups would come one after the other from
//! one thread. Where yields are long, because a core is busy with other work, the waiter sleeps
//! ([`yield_sampled`]).

#[cfg(feature = "std")]
use core::time::Duration;

use crate::backend::hint;
#[cfg(feature = "std")]
use crate::backend::thread;
#[cfg(feature = "std")]
use crate::wait::yield_sampled;

/// Pauses between two looks, and rounds of them, while each participant can have a core.
const PAUSES: u32 = 1;
#[cfg(feature = "std")]
const ROUNDS: u32 = 512;
/// Yields before the thread sleeps: after the rounds above, ..
#[cfg(feature = "std")]
const YIELDS: u32 = 4;
/// .. and at once, when there are more participants than cores.
#[cfg(feature = "std")]
const YIELDS_IF_CROWDED: u32 = 64;
/// How long a yield may take for each participant, and besides, before it counts as long.
#[cfg(feature = "std")]
const SWITCH: Duration = Duration::from_micros(2);
#[cfg(feature = "std")]
const SLACK: Duration = Duration::from_micros(50);

/// The rounds of one wait.
pub(super) struct Patience {
    #[cfg(feature = "std")]
    rounds: u32,
    #[cfg(feature = "std")]
    yields: u32,
    /// A yield that takes longer went to other work.
    #[cfg(feature = "std")]
    sweep: Duration,
}

impl Patience {
    /// For a wait that `participants` take part in.
    #[cold]
    pub(super) fn new(participants: u32) -> Self {
        #[cfg(not(feature = "std"))]
        let _ = participants;
        #[cfg(feature = "std")]
        let is_crowded = participants as usize > thread::parallelism();
        Patience {
            #[cfg(feature = "std")]
            rounds: if is_crowded { 0 } else { hint::patience(ROUNDS) },
            #[cfg(feature = "std")]
            yields: hint::patience(if is_crowded { YIELDS_IF_CROWDED } else { YIELDS }),
            #[cfg(feature = "std")]
            sweep: SLACK + SWITCH * participants,
        }
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
        }
        hint::spin_for(PAUSES);
        true
    }

    #[cfg(feature = "std")]
    fn yields(&mut self) -> bool {
        if self.yields == 0 || !yield_sampled(self.sweep) {
            // No more of it in this wait.
            self.yields = 0;
            return false;
        }
        self.yields -= 1;
        true
    }
}
