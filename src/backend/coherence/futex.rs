//! Sleeping in the simulated kernel. What each function does is said in the native backend's `futex.rs`.

use super::atomic::AtomicU32;
use super::time::Instant;
use coherence::futex::Wakeup;

#[track_caller]
pub(crate) fn wait(word: &AtomicU32, expected: u32) {
    coherence::futex::wait(word, expected, None);
}

#[track_caller]
pub(crate) fn wait_until(word: &AtomicU32, expected: u32, deadline: Instant) -> bool {
    let left = deadline.saturating_duration_since(Instant::now());
    !left.is_zero() && coherence::futex::wait(word, expected, Some(left)) != Wakeup::TimedOut
}

pub(crate) fn wake(word: &AtomicU32, count: u32) -> usize {
    coherence::futex::wake(word, usize::try_from(count).unwrap_or(usize::MAX))
}

pub(crate) fn wake_one(word: &AtomicU32) -> bool {
    wake(word, 1) > 0
}
