//! How an episode of the central barrier is completed. The numbers in brackets are the invariants of [`arrivals`](super::arrivals).

#[cfg(feature = "std")]
use core::time::Duration;

use super::Poisoned;
use super::arrivals::{Counted, Duty, Early, GOES_ON, Refused};
use super::central::Barrier;
use super::gate::{Claim, Gate, Offer, Passed, Sleepers};
use super::step::Step;
use crate::backend::hint;
#[cfg(feature = "std")]
use crate::backend::time::Instant;

impl<S: Step> Barrier<S> {
    /// Panics inside the step of this barrier.
    #[inline]
    pub(super) fn refuse_inside(&self) {
        self.step.refuse_inside(&*self.gate);
    }

    #[inline]
    pub(super) fn count(&self) -> Result<Counted, Poisoned> {
        self.refuse_inside();
        self.arrivals.arrive().or_else(|early| self.count_early(early))
    }

    #[cold]
    pub(super) fn count_early(&self, early: Early) -> Result<Counted, Poisoned> {
        let placed = self.arrivals.place(early);
        if self.gate.is_poisoned() {
            let is_over = placed.is_ok_and(|Counted { episode, expected, .. }| {
                self.gate.wait(episode, Claim::Nothing, expected, &self.yields) == Passed::Through
            });
            if !is_over {
                // Its episode never completes, and the count must not run over.
                self.arrivals.undo();
                return Err(Poisoned);
            }
        }
        placed.map_err(|refused| {
            match refused {
                // None is ever counted upon it.
                Refused::AllHaveLeft => self.arrivals.undo(),
                // It stays counted (6).
                Refused::TooMany => self.gate.poison(),
            }
            refuse(refused)
        })
    }

    /// What the last to arrive in an episode does, which is its leader.
    #[inline]
    pub(super) fn conclude(&self, counted: Counted) -> Result<(), Poisoned> {
        match counted.duty {
            Duty::Lead => self.lead(counted),
            _ => self.complete(counted, false),
        }
    }

    /// Waits for the owner of an earlier episode to go on to this one (4), and claims what it hands on (5).
    #[cold]
    fn lead(&self, counted: Counted) -> Result<(), Poisoned> {
        let Counted { episode, expected, .. } = counted;
        loop {
            match self.gate.wait(episode, Claim::Completion, expected, &self.yields) {
                // Whether it is poisoned, the next look at the gate says.
                Passed::AsOwner => _ = self.complete_present(self.arrivals.expected(), false),
                Passed::Poisoned => return Err(Poisoned),
                _ => return Ok(()),
            }
        }
    }

    /// Completes the episode whose owner this thread is by an arrival or by leaving; `leaderless` if its leader is to be
    /// found among those that wait.
    #[inline]
    pub(super) fn complete(&self, counted: Counted, leaderless: bool) -> Result<(), Poisoned> {
        let Counted { episode, expected, .. } = counted;
        // The owner of the episode before may be about to open the gate (7).
        if self.gate.wait(episode.before(), Claim::Nothing, expected, &self.yields) == Passed::Poisoned {
            return Err(Poisoned);
        }
        self.complete_present(expected, leaderless)
    }

    /// Completes the present episode, whose owner this thread is and in which so many are expected, and goes on.
    #[inline]
    fn complete_present(&self, expected: u32, leaderless: bool) -> Result<(), Poisoned> {
        if self.gate.is_poisoned() {
            return Err(Poisoned);
        }
        // SAFETY: this thread alone is the owner of this episode (2), and has seen the gate open for the one before (7),
        // whose step ended before that.
        unsafe { self.step.run_or_poison(&self.gate) };
        let owns_next = self.arrivals.close(expected);
        let goes_on = owns_next && hint::decided(|| true);
        let offer = Offer {
            leadership: leaderless,
            completion: owns_next && !goes_on,
        };
        let sleepers = self.gate.open(offer, || {})?;
        if goes_on {
            self.go_on(expected, sleepers);
        } else {
            self.gate.wake(sleepers);
        }
        Ok(())
    }

    /// Completes later episodes that are complete already, and hands on the one after [`GOES_ON`] of them (5). The
    /// episode that this thread is to wait for has been completed.
    #[cold]
    fn go_on(&self, expected: u32, sleepers: Sleepers) {
        let mut asleep = Asleep {
            gate: &self.gate,
            sleepers,
        };
        let mut steps = Steps::default();
        for left in (0..GOES_ON).rev() {
            if S::RUNS {
                if steps.may_take_long() {
                    asleep.wake();
                    steps = Steps::begin();
                }
                if self.gate.is_poisoned() {
                    break;
                }
            }
            // SAFETY: as in `complete_present`: by `close`, this thread is the owner (2), and has opened the gate itself.
            unsafe { self.step.run_or_poison(&self.gate) };
            let owns_next = self.arrivals.close(expected);
            let offer = Offer {
                leadership: false,
                completion: owns_next && left == 0,
            };
            match self.gate.open(offer, || {}) {
                // All sleepers are woken at once, also those of episodes that are still to come: so seldom.
                Ok(more) => asleep.sleepers.0 |= more.0,
                Err(Poisoned) => break,
            }
            if !owns_next {
                break;
            }
        }
    }
}

/// Those that sleep for episodes which are over. Dropped, it wakes them: also where a later step panics.
struct Asleep<'gate> {
    gate: &'gate Gate,
    sleepers: Sleepers,
}

impl Asleep<'_> {
    fn wake(&mut self) {
        self.gate.wake(core::mem::replace(&mut self.sleepers, Sleepers(false)));
    }
}

impl Drop for Asleep<'_> {
    fn drop(&mut self) {
        if !super::is_abandoned() {
            self.wake();
        }
    }
}

/// The steps that an owner has run one after the other, since it woke the sleepers.
#[derive(Default)]
struct Steps {
    #[cfg(feature = "std")]
    began: Option<Instant>,
}

#[cfg(feature = "std")]
impl Steps {
    /// Steps that took no longer together are quick, and so, it is supposed, is the next. If that is wrong, those that
    /// sleep for an episode before wait for one step more.
    const QUICK: Duration = Duration::from_micros(50);

    fn begin() -> Self {
        Steps {
            began: Some(Instant::now()),
        }
    }

    fn may_take_long(&self) -> bool {
        self.began
            .is_none_or(|began| !hint::decided(|| began.elapsed() < Self::QUICK))
    }
}

/// Without `std` no thread sleeps.
#[cfg(not(feature = "std"))]
impl Steps {
    fn begin() -> Self {
        Steps {}
    }

    fn may_take_long(&self) -> bool {
        false
    }
}

#[cold]
pub(super) fn refuse(refused: Refused) -> ! {
    match refused {
        Refused::AllHaveLeft => panic!("all participants have left this barrier: it takes no more arrivals"),
        Refused::TooMany => panic!("more than 524,288 arrivals at a barrier at once: it is poisoned"),
    }
}
