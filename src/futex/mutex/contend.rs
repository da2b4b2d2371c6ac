//! How a thread acquires the mutex, or decides to park for it.

use super::{AWAKE, CONTENDED, FREE, LOCKED, MODE_LOOKS, MutexGuardState, PARKED, QUEUED, RawMutex};
use crate::backend::atomic::Relaxed;
use crate::backend::hint;
use crate::futex::park::{Contend, Fence, Key, ParkToken, Validate, fence_cost};
use core::time::Duration;

impl Contend for RawMutex {
    type Acquired = MutexGuardState;

    fn key(&self) -> Key {
        self.key()
    }

    fn token(&self) -> ParkToken {
        ParkToken::default()
    }

    #[inline]
    fn try_acquire(&self, responsible: bool) -> Option<MutexGuardState> {
        if self.state() != FREE {
            return None;
        }
        if responsible {
            let acquired = self.acquire(CONTENDED | PARKED);
            if acquired {
                self.change_hints(|hints| hints & !AWAKE);
            }
            acquired.then_some(MutexGuardState::CONTENDED)
        } else if self.hints() != 0 {
            self.acquire(CONTENDED).then_some(MutexGuardState::CONTENDED)
        } else {
            self.try_lock_fast()
        }
    }

    fn is_queued(&self) -> bool {
        self.hints() & QUEUED != 0
    }

    fn claim_responsibility(&self) -> bool {
        self.hints() & (QUEUED | AWAKE) == QUEUED && self.change_hints(|hints| hints | AWAKE) & AWAKE == 0
    }

    fn validate(&self, fence: Fence, on_its_own: bool) -> Validate {
        match fence {
            Fence::NotYet { .. } => {}
            Fence::Made(cost) => self.note_queued(cost),
            // Never again fast: each thread that waits would have to poll.
            Fence::Refused => self.note_queued(Duration::MAX),
        }
        let mut looks = 0;
        loop {
            let state = self.state();
            if state == FREE {
                return Validate::Abort;
            }
            if on_its_own {
                self.change_hints(|hints| hints & !AWAKE);
            } else if self.hints() & AWAKE != 0 {
                self.note_queued(Duration::ZERO);
                return Validate::ParkBesideDeputy;
            }
            if state == LOCKED {
                match fence {
                    Fence::NotYet {
                        others: true,
                        announced,
                    } if announced || !on_its_own => {
                        // The fence of the waiter that has announced the key, or a deputy, covers this one too.
                    }
                    // A holder that has not yet changed to contended mode is about to.
                    Fence::NotYet { .. } if self.hints() != 0 && looks < hint::patience(MODE_LOOKS) => {
                        looks += 1;
                        hint::spin_for(looks);
                        continue;
                    }
                    Fence::NotYet { .. } => {
                        self.note_queued(fence_cost());
                        return Validate::NeedsHeavyFence;
                    }
                    Fence::Made(_) | Fence::Refused => {
                        // This one's own fence does, or it polls.
                    }
                }
                self.note_queued(fence_cost());
                return Validate::Park;
            }
            // Relaxed: the queue is under the bucket's lock. An RMW, so that the holder sees it or
            // has unlocked before; torn, it would lock a lock that no thread holds.
            // model: futex::mutex_becomes_contended
            if self
                .state
                .compare_exchange(state, state | PARKED, Relaxed, Relaxed)
                .is_ok()
            {
                self.note_queued(Duration::ZERO);
                return Validate::Park;
            }
        }
    }

    fn handed_off(&self) -> MutexGuardState {
        MutexGuardState::CONTENDED
    }
}
