//! For how long a newcomer polls a queue lock, which it may take by barging, before it joins the queue.
//!
//! A queue serves in order, and stands still while the next thread in it is not running. So a newcomer that finds the
//! lock taken first gives the running threads the time to leave. It is not in the queue yet, so that it passes no
//! thread in it.

#[cfg(feature = "std")]
use crate::backend::hint;
use crate::wait::{Wait, WhenExhausted};
#[cfg(feature = "std")]
use crate::wait::{restrict, yield_if_short};

/// How often a newcomer looks whether a lock is free before it joins the queue, pausing for 1, 2, 4 and 8 pauses
/// between.
#[cfg(feature = "std")]
const LOOKS: u32 = 4;
/// How often it then still yields. With four or fewer, sixteen threads on two cores pass through an MCS lock a tenth as
/// often as with eight, in some runs; more than eight make no difference.
#[cfg(feature = "std")]
const LOOK_YIELDS: u32 = 8;

/// The rounds of one newcomer.
pub(super) struct BargingBackoff {
    #[cfg(feature = "std")]
    round: u32,
}

impl BargingBackoff {
    #[inline]
    pub(super) const fn new() -> Self {
        BargingBackoff {
            #[cfg(feature = "std")]
            round: 0,
        }
    }

    /// Waits one round for the lock at the address `key`; false if it is time to join. With
    /// [`Spin`](crate::wait::Spin) that is at once.
    #[inline]
    pub(super) fn wait<W: Wait>(&mut self, key: usize) -> bool {
        #[cfg(not(feature = "std"))]
        let _ = key;
        match W::WHEN_EXHAUSTED {
            WhenExhausted::Spin => false,
            #[cfg(feature = "std")]
            WhenExhausted::Yield | WhenExhausted::Sleep => {
                if self.round >= hint::patience(LOOKS) + hint::patience(LOOK_YIELDS) {
                    return false;
                }
                if self.round < hint::patience(LOOKS) {
                    hint::spin_for(1 << self.round);
                } else if self.round == LOOKS && restrict::throttle_arrival::<W>(key) {
                    self.round = LOOKS + LOOK_YIELDS;
                    return true;
                } else if !yield_if_short() {
                    return false;
                }
                self.round += 1;
                true
            }
        }
    }
}
