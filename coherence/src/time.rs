//! Virtual time, for deadlines that are as deterministic as the rest.

use core::ops::{Add, Sub};
use core::time::Duration;
use std::sync::OnceLock;

use crate::engine;

/// A stand-in for [`std::time::Instant`]: virtual time inside a simulation, real time outside.
///
/// Instants from inside and outside must not be mixed. Looking at the clock costs as much as one
/// [`spin_loop`](crate::hint::spin_loop).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Instant(Duration);

impl Instant {
    /// The virtual clock of the simulated thread that calls, in whole nanoseconds.
    #[track_caller]
    pub fn now() -> Instant {
        Instant(engine::now().unwrap_or_else(|| {
            static START: OnceLock<std::time::Instant> = OnceLock::new();
            START.get_or_init(std::time::Instant::now).elapsed()
        }))
    }

    /// When the simulation began; outside, when this type was first used.
    pub const START: Instant = Instant(Duration::ZERO);

    /// The time since this instant; zero if it lies ahead.
    #[track_caller]
    pub fn elapsed(&self) -> Duration {
        Instant::now().saturating_duration_since(*self)
    }

    /// The time from `earlier` to this instant; zero if `earlier` is later.
    pub fn saturating_duration_since(&self, earlier: Instant) -> Duration {
        self.0.saturating_sub(earlier.0)
    }

    /// This instant and a duration later; `None` if that is too far ahead.
    pub fn checked_add(&self, duration: Duration) -> Option<Instant> {
        self.0.checked_add(duration).map(Instant)
    }
}

impl Add<Duration> for Instant {
    type Output = Instant;

    fn add(self, duration: Duration) -> Instant {
        Instant(self.0 + duration)
    }
}

impl Sub for Instant {
    type Output = Duration;

    fn sub(self, earlier: Instant) -> Duration {
        self.saturating_duration_since(earlier)
    }
}
