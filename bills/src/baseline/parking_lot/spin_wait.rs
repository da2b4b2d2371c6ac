//! How a thread waits before it parks: three rounds of pauses, then seven yields.

use coherence::hint::spin_loop;
use coherence::thread::yield_now;

const PAUSING: u32 = 3;
const ROUNDS: u32 = 10;

pub(super) struct SpinWait {
    /// 0.12 waits 2, 4, 8 pauses, and 0.13 waits 1, 2, 4.
    halvings: u32,
    round: u32,
}

impl SpinWait {
    pub(super) fn new(version: super::Version) -> Self {
        SpinWait {
            halvings: match version {
                super::Version::V0_12 => 0,
                super::Version::V0_13 => 1,
            },
            round: 0,
        }
    }

    pub(super) fn reset(&mut self) {
        self.round = 0;
    }

    fn pause(&self) {
        (0..1 << (self.round - self.halvings)).for_each(|_| spin_loop());
    }

    /// Waits one round; false if it is time to park.
    pub(super) fn spin(&mut self) -> bool {
        if self.round >= ROUNDS {
            return false;
        }
        self.round += 1;
        if self.round <= PAUSING {
            self.pause();
        } else {
            yield_now();
        }
        true
    }

    /// Waits one round without yielding, for readers that collide.
    pub(super) fn spin_without_yields(&mut self) {
        self.round = (self.round + 1).min(ROUNDS);
        self.pause();
    }
}
