//! What models shrink so that they end, and how far.
//!
//! What lies behind a bound that is shrunk to nothing is in no model's path. So each bound can be set: most models
//! leave it [where it is](Bounds::SMALL), and a few small ones [go beyond](within) one of them at a time.

use std::cell::Cell;
use std::panic::Location;

use super::atomic::Relaxed;
use super::fault::{self, Kind, Operation};

/// How far a model goes.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    /// The back-off whose threads spin before they do something else: the end of the path of its source file. The
    /// others do not spin at all: the thread that looks twice sees in a model what it could have seen at once, and each
    /// look multiplies the schedules.
    pub spins_in: Option<&'static str>,
    /// How many rounds they spin there.
    pub rounds: u32,
    /// Two buckets, chosen by the kind of a key; else one for all. Never by address: those differ from one execution to
    /// the next, and executions must not.
    pub two_buckets: bool,
    /// How many places there are where a thread has several, such as the slots of a reader.
    pub places: usize,
    /// What is decided where the native backend asks the clock.
    pub decides: bool,
    /// How often a thread may wait in one execution before the model stops looking for alternatives in it.
    ///
    /// Two threads that wait for a third can take turns for ever, and each turn is one more schedule. A thread that has
    /// waited this often sees nothing new: the rest of such an execution runs to its end in one way only.
    pub waits: u32,
}

impl Bounds {
    /// Those of most models.
    pub const SMALL: Self = Bounds {
        spins_in: None,
        rounds: 1,
        two_buckets: false,
        places: 1,
        decides: true,
        waits: 2,
    };
}

std::thread_local! {
    // Of the thread that explores: see `fault`.
    static CURRENT: Cell<Bounds> = const { Cell::new(Bounds::SMALL) };
}

/// The bounds of the model that is being explored.
pub(crate) fn current() -> Bounds {
    CURRENT.get()
}

/// Runs `explore` within `bounds`.
pub fn within<R>(bounds: Bounds, explore: impl FnOnce() -> R) -> R {
    /// Puts the bounds back, also where a model fails.
    struct Restore(Bounds);
    impl Drop for Restore {
        fn drop(&mut self) {
            CURRENT.set(self.0);
        }
    }
    let _restore = Restore(CURRENT.replace(bounds));
    explore()
}

/// How many buckets a table has that is shared by address; models use one of them, or two.
pub(crate) const BUCKETS: usize = 2;

/// The bucket of a key of that kind.
#[track_caller]
pub(crate) fn bucket(_hash: u64, kind: usize) -> usize {
    let is_misplaced = fault::at(Location::caller(), Operation::Lookup, Relaxed) == Some(Kind::Misplace);
    if current().two_buckets {
        (kind + usize::from(is_misplaced)) % BUCKETS
    } else {
        0
    }
}

/// How many rounds to spin before doing something else, of the `rounds` that are asked for.
#[track_caller]
pub(crate) fn patience(_rounds: u32) -> u32 {
    let bounds = current();
    match bounds.spins_in {
        Some(file) if Location::caller().file().ends_with(file) => {
            fault::note_behind();
            bounds.rounds
        }
        _ => 0,
    }
}

/// How many places are in use, of the `places` that there are.
#[track_caller]
pub(crate) fn sized(places: usize) -> usize {
    match fault::at(Location::caller(), Operation::Bound, Relaxed) {
        Some(Kind::Shrink) => 1,
        _ => places.min(current().places),
    }
}

/// What the native backend lets `_clock` decide.
pub(crate) fn decided(_clock: impl FnOnce() -> bool) -> bool {
    current().decides
}
