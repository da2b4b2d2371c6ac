//! How a lock finds out how its readers should register: reads earn credit, what writers have to do for it costs.
//!
//! A unit of credit is [`UNIT`] of time. One in [`SAMPLE`] reads that are not biased, at random, earns what that many reads
//! would save in slots, as long as it took itself. A write costs a constant, so that slots pay where there are more than eight reads to a write; and
//! what its look at the slots took beyond that, measured. So a lock is slotted when its readers have earned twice what
//! a look costs, and until that is spent: many threads that have ever read, of whatever lock, make a look long, and the lock
//! stays as it is. To be biased it must have earned [`BIAS_WORTH`] times what a heavy fence and a look cost; that is spent with
//! the first write. So the cost of both is bounded by a share of what the reads have cost, however long fences take.

use super::{RawRwLockOf, slots};
use crossbeam_utils::CachePadded;

use crate::backend::atomic::{AtomicU32, Relaxed, Release};
use crate::backend::time::Instant;
use crate::backend::{asymmetric, global, hint};
use crate::internal::one_in;

use core::time::Duration;

const CREDIT: u32 = (1 << 26) - 1;
const COOLDOWN_SHIFT: u32 = 26;
const COOLDOWN: u32 = 31 << COOLDOWN_SHIFT;
const QUEUED: u32 = 1 << 31;

/// What a unit of credit is worth, in nanoseconds.
const UNIT: u64 = hint::tuned(8, 1 << 40);
/// One in `1 << SAMPLE` reads is sampled.
const SAMPLE: u32 = 6;
/// What a sample earns at least: 64 reads that save some ten nanoseconds each.
const EARNED: u32 = hint::tuned(80, 2);
/// What counting a read in the word takes where no other thread does, with the look at the clock, in nanoseconds. What it takes
/// longer, a slot saves.
const ALONE: u32 = 80;
/// What a read saves at the most: half of what a write costs. One that was slowed down by a writer, or preempted, would be so in a slot
/// too, and a lock that is written as often as read is not to be slotted.
const SAVED_AT_MOST: u32 = hint::tuned(WRITE / 2, 1 << 20);
/// What each write costs.
const WRITE: u32 = hint::tuned(10, 1);
/// The least credit of a lock that becomes slotted.
const SLOTTED_AT: u32 = hint::tuned(2 * EARNED, EARNED);
/// How many times what it costs to end it a lock must have earned to be biased.
const BIAS_WORTH: u32 = 9;
/// The least credit of a lock that becomes biased.
const BIASED_AT: u32 = hint::tuned(64 * EARNED, 2 * EARNED);
/// What fast mode saves a writer, in nanoseconds: an RMW.
const FAST_MODE_GAIN: u128 = 5;

global! {
    /// How many nanoseconds the last look at all slots took that was timed, of whatever lock.
    fn last_look() -> CachePadded<AtomicU32> = CachePadded::new(AtomicU32::new(0));
    /// How many nanoseconds the last heavy fence of a writer took, of whatever lock.
    fn last_fence() -> CachePadded<AtomicU32> = CachePadded::new(AtomicU32::new(20_000));
}

fn nanoseconds(duration: Duration) -> u32 {
    u32::try_from(duration.as_nanos()).unwrap_or(u32::MAX)
}

/// Units of credit for a time in nanoseconds.
fn units(nanoseconds: u32) -> u32 {
    u32::try_from(u64::from(nanoseconds) / UNIT).unwrap_or(CREDIT)
}

/// What a lock remembers of its past; see the table in the module comment of [`super`].
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Hints(u32);

impl Hints {
    /// Nothing that a writer has to look at.
    #[inline]
    pub(super) const fn are_none(self) -> bool {
        self.0 == 0
    }

    #[inline]
    pub(super) const fn is_queued(self) -> bool {
        self.0 & QUEUED != 0
    }

    /// Whether a writer holds the lock in contended mode.
    #[inline]
    pub(super) const fn is_contended(self) -> bool {
        self.0 & (QUEUED | COOLDOWN) != 0
    }

    pub(super) const fn cooldown(self) -> u32 {
        (self.0 & COOLDOWN) >> COOLDOWN_SHIFT
    }

    const fn credit(self) -> u32 {
        self.0 & CREDIT
    }

    const fn with_credit(self, credit: u32) -> Self {
        Hints(self.0 & !CREDIT | if credit > CREDIT { CREDIT } else { credit })
    }

    const fn with_queued(self, cooldown: u32) -> Self {
        let cooldown = if cooldown > self.cooldown() {
            cooldown
        } else {
            self.cooldown()
        };
        Hints(self.0 & CREDIT | QUEUED | cooldown << COOLDOWN_SHIFT)
    }

    const fn without_queued(self) -> Self {
        Hints(self.0 & !QUEUED)
    }

    const fn cooled(self) -> Self {
        Hints(self.0 & CREDIT)
    }
}

/// Whether this read is to be sampled.
#[inline]
pub(super) fn is_sampled() -> bool {
    hint::tuned(false, true) || one_in(SAMPLE)
}

impl<const RECURSIVE: bool> RawRwLockOf<RECURSIVE> {
    #[inline]
    pub(super) fn hints(&self) -> Hints {
        // Relaxed: a hint.
        Hints(self.hints.load(Relaxed))
    }

    fn change_hints(&self, change: impl Fn(Hints) -> Hints) -> Hints {
        let mut hints = self.hints();
        loop {
            let changed = change(hints);
            if changed == hints {
                return changed;
            }
            // Relaxed: a hint. An RMW, so that a reader's sample does not take `QUEUED` back.
            match self.hints.compare_exchange(hints.0, changed.0, Relaxed, Relaxed) {
                Ok(_) => return changed,
                Err(now) => hints = Hints(now),
            }
        }
    }

    /// Notes that there are waiters, and that writers come in contended mode until that has cost so much. Under the lock of
    /// the bucket, or for a lock that waiters of it keep alive.
    pub(super) fn note_queued(&self, cost: Duration) {
        let unlocks = cost.as_nanos() / FAST_MODE_GAIN;
        let cooldown = (u128::BITS - unlocks.leading_zeros()).clamp(1, 31);
        self.change_hints(|hints| hints.with_queued(cooldown));
    }

    /// Notes that no waiters are queued. `cools`: and that writers may come in fast mode.
    pub(super) fn note_empty_queue(&self, cools: bool) {
        self.change_hints(|hints| {
            if cools && !hints.is_queued() {
                hints.cooled()
            } else {
                hints.without_queued()
            }
        });
    }

    /// Samples a read in a slot. Called by a reader inside.
    #[inline]
    pub(super) fn note_slot_read(&self) {
        if is_sampled() {
            self.earn(Duration::ZERO);
        }
    }

    /// Earns what a sample is worth, if the word was changed for it in so long, and lets readers register in slots, or without
    /// a fence.
    #[cold]
    pub(super) fn earn(&self, took: Duration) {
        let saved = units(nanoseconds(took).saturating_sub(ALONE)).min(SAVED_AT_MOST);
        let earned = EARNED.max(saved << SAMPLE);
        let credit = self
            .change_hints(|hints| hints.with_credit(hints.credit() + earned))
            .credit();
        // Relaxed, both: estimates.
        let look = units(last_look().load(Relaxed));
        let fence = units(last_fence().load(Relaxed));
        let mut state = self.state();
        while !state.has_writer() && !state.is_biased() {
            let changed = if !state.is_slotted() {
                if credit < SLOTTED_AT.max(look.saturating_mul(2)) || !self.has_identity() {
                    return;
                }
                state.with_slotted()
            } else if credit >= BIASED_AT.max(look.saturating_add(fence).saturating_mul(BIAS_WORTH))
                && !asymmetric::is_refused()
            {
                state.with_biased()
            } else {
                return;
            };
            // Release: a writer that claims the lock sees the identity.
            // survivor: a reader that is inside by a slot has a fence behind its look at the
            // identity, and the writer one before its own; so where the writer must not overlook
            // the reader, they order the identity too. Kept, since it costs nothing here, and the
            // argument is not local. An RMW, since it continues the release sequence of the last
            // writer's unlock.
            match self
                .state
                .compare_exchange(state.bits(), changed.bits(), Release, Relaxed)
            {
                Ok(_) => return,
                Err(now) => state = super::State::from_bits(now),
            }
        }
    }

    /// Whether the lock has an identity, after it was given one if there are any left.
    pub(super) fn has_identity(&self) -> bool {
        if self.identity() != 0 {
            return true;
        }
        let Some(new) = slots::new_identity() else {
            return false;
        };
        // Relaxed: the RMW that lets readers use slots publishes it. An RMW, so that it never changes.
        let _ = self.identity.compare_exchange(0, new, Relaxed, Relaxed);
        true
    }

    /// A write of a lock with credit costs; answers whether readers may go on to use slots.
    pub(super) fn spend(&self, paid: Paid) -> bool {
        let cost = WRITE + units(paid.look);
        let spent = self.change_hints(|hints| {
            let credit = hints.credit().saturating_sub(cost);
            // What was earned for a bias that has ended has to be earned again.
            let limit = if paid.fence {
                SLOTTED_AT.max(units(paid.look).saturating_mul(2))
            } else {
                CREDIT
            };
            hints.with_credit(credit.min(limit))
        });
        spent.credit() > 0
    }
}

/// What a writer has done to see the readers in slots.
#[derive(Clone, Copy, Default)]
pub(super) struct Paid {
    /// How long the look took, in nanoseconds.
    look: u32,
    /// There was a heavy fence.
    fence: bool,
}

/// Looks through all slots for `identity`; answers whether any names it, and what that cost.
pub(super) fn look(identity: u32) -> (bool, Paid) {
    let is_timed = hint::tuned(false, true) || one_in(LOOK_SAMPLE);
    let start = is_timed.then(Instant::now);
    let (found, rows) = slots::look(identity);
    let took = match start {
        Some(start) => {
            // Not what it took to be preempted in between.
            let took = nanoseconds(start.elapsed()).min(rows.saturating_mul(ROW_AT_MOST));
            // Relaxed: an estimate.
            last_look().store(took, Relaxed);
            took
        }
        // Relaxed: an estimate.
        None => last_look().load(Relaxed).min(rows.saturating_mul(ROW_AT_MOST)),
    };
    let look = took.saturating_sub(FREE_LOOK);
    (found, Paid { look, fence: false })
}

/// What a look may take that counts as part of the write itself, in nanoseconds.
const FREE_LOOK: u32 = 150;
/// One in `1 << LOOK_SAMPLE` looks is timed; the others are taken to cost as much.
const LOOK_SAMPLE: u32 = 4;
/// How long a look at a row may take, in nanoseconds.
const ROW_AT_MOST: u32 = 300;

impl Paid {
    /// A heavy fence that took so long, and what was paid before.
    pub(super) fn with_fence(self, took: Duration) -> Self {
        // Relaxed, both: an estimate. It follows a quick fence at once, and a slow one by an eighth: that may have been preempted.
        let last = last_fence().load(Relaxed);
        last_fence().store(nanoseconds(took).min(last.saturating_add(last / 8 + 1)), Relaxed);
        Paid { fence: true, ..self }
    }

    /// The longer of two looks: a writer that waits looks again and again.
    pub(super) fn and_look(self, other: Paid) -> Self {
        Paid {
            look: self.look.max(other.look),
            ..self
        }
    }
}
