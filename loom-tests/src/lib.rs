//! What the models of linchpin share: how one is explored, listed, and shown to be able to fail.
//!
//! ```text
//! RUSTFLAGS="--cfg linchpin_loom" cargo test -p loom-tests --release
//! ```
//!
//! Without that cfg the crate is empty. A `Model` is a scenario that loom explores in every schedule of up to three
//! preemptions, and with every value a load may return. `evidence` then goes through the source of the family: each
//! ordering stronger than Relaxed, and each Relaxed operation of which a comment says so, names the models that need
//! it. There the operation is made weaker, or torn in two, and each of those models has to fail. A comment that is no
//! longer true turns this red.
#![cfg(linchpin_loom)]

mod comment;
mod evidence;

use std::cell::Cell;
use std::collections::BTreeSet;
use std::io::Write;
use std::sync::{Arc, Mutex};

pub use evidence::{evidence, found_behind_spins};
pub use linchpin::models::bounds::Bounds;
use linchpin::models::bounds::within;
use loom::cell::UnsafeCell;

/// A scenario with a name, and the exploration of it, which returns how many executions there were.
#[derive(Clone, Copy)]
pub struct Model {
    /// The name by which comments in the source refer to it, after `family::`.
    pub name: &'static str,
    /// Explores it; panics if an execution goes wrong, or if the set of outcomes is not the expected one.
    pub explore: fn() -> usize,
}

impl Model {
    /// Explores it and prints the number of executions, also where the test runner captures what tests print.
    ///
    /// # Panics
    ///
    /// As the model does; and if there was one execution only, which means that nothing was explored.
    pub fn check(&self, family: &str) {
        let executions = (self.explore)();
        writeln!(
            std::io::stderr(),
            "model {family}::{}: {executions} executions",
            self.name
        )
        .expect("stderr is open");
        assert!(
            executions > 1,
            "{family}::{} explored a single execution: it models nothing",
            self.name
        );
    }
}

/// How often a thread may be interrupted in one execution where it could have gone on. `LOOM_MAX_PREEMPTIONS` sets
/// another bound, as `cargo xtask verify` does.
const PREEMPTIONS: usize = 3;

/// As many lead a model everywhere it can go, if not in every order.
const PREEMPTIONS_AT_A_GLANCE: usize = 2;

std::thread_local! {
    static GLANCES: Cell<bool> = const { Cell::new(false) };
}

/// Runs `explorations` with fewer preemptions, so that they end soon, and without a look at their outcomes.
pub(crate) fn glance(explorations: impl FnOnce()) {
    GLANCES.set(true);
    explorations();
    GLANCES.set(false);
}

/// Explores `scenario` in every execution, and returns their number and all outcomes there are.
pub fn explore<T: Ord + Send + 'static>(scenario: impl Fn() -> T + Send + Sync + 'static) -> (usize, BTreeSet<T>) {
    explore_within(PREEMPTIONS, usize::MAX, scenario)
}

/// The same with another bound than three preemptions, for models that are too large for that; `most` also where more are
/// asked for.
fn explore_within<T: Ord + Send + 'static>(
    preemptions: usize,
    most: usize,
    scenario: impl Fn() -> T + Send + Sync + 'static,
) -> (usize, BTreeSet<T>) {
    // std's: what is counted over all executions is not part of any of them.
    let seen = Arc::new(Mutex::new((0, BTreeSet::new())));
    let record = Arc::clone(&seen);
    let mut builder = loom::model::Builder::new();
    if GLANCES.get() {
        builder.preemption_bound = Some(PREEMPTIONS_AT_A_GLANCE.min(preemptions));
    }
    let asked = builder.preemption_bound.unwrap_or(preemptions);
    builder.preemption_bound = Some(asked.min(most));
    builder.check(move || {
        let outcome = scenario();
        let mut seen = record.lock().expect("no execution panics while it records");
        seen.0 += 1;
        seen.1.insert(outcome);
    });
    std::mem::take(&mut *seen.lock().expect("no execution panics while it records"))
}

/// Explores `scenario`, and asserts that its outcomes are exactly `expected`; returns the number of executions.
pub fn explore_to<T: Ord + Send + std::fmt::Debug + 'static>(
    expected: impl IntoIterator<Item = T>,
    scenario: impl Fn() -> T + Send + Sync + 'static,
) -> usize {
    explore_within_to(PREEMPTIONS, expected, scenario)
}

/// As [`explore_to`], but with so many preemptions in place of three, for models that are too large for that.
pub fn explore_within_to<T: Ord + Send + std::fmt::Debug + 'static>(
    preemptions: usize,
    expected: impl IntoIterator<Item = T>,
    scenario: impl Fn() -> T + Send + Sync + 'static,
) -> usize {
    explore_at_most_to(preemptions, usize::MAX, expected, scenario)
}

/// As [`explore_within_to`], with `most` preemptions also where more are asked for: for models that would take hours.
pub fn explore_at_most_to<T: Ord + Send + std::fmt::Debug + 'static>(
    preemptions: usize,
    most: usize,
    expected: impl IntoIterator<Item = T>,
    scenario: impl Fn() -> T + Send + Sync + 'static,
) -> usize {
    let (executions, outcomes) = explore_within(preemptions, most, scenario);
    if GLANCES.get() {
        return executions;
    }
    assert_eq!(
        outcomes,
        expected.into_iter().collect(),
        "the outcomes of all {executions} executions"
    );
    executions
}

/// As [`explore_within_to`], beyond the bounds that models keep.
pub fn explore_beyond_to<T: Ord + Send + std::fmt::Debug + 'static>(
    bounds: Bounds,
    preemptions: usize,
    expected: impl IntoIterator<Item = T>,
    scenario: impl Fn() -> T + Send + Sync + 'static,
) -> usize {
    within(bounds, || explore_within_to(preemptions, expected, scenario))
}

/// A number that loom watches: two threads that use it at once, or one that has not seen the other's use, are an error.
#[derive(Default)]
pub struct Watched(UnsafeCell<u32>);

impl Watched {
    /// The number.
    pub fn get(&self) -> u32 {
        // SAFETY: loom panics if a write is concurrent with this read.
        self.0.with(|value| unsafe { *value })
    }

    /// Adds to it.
    pub fn add(&self, amount: u32) {
        self.0.with_mut(|value| {
            // SAFETY: loom panics if any access is concurrent with this one.
            unsafe { *value += amount };
        });
    }
}

// SAFETY: loom's cell panics at unsynchronised access, so sharing it in a model is checked, not assumed.
unsafe impl Sync for Watched {}

/// Spawns a thread of a model. Use it in place of loom's own.
///
/// A thread whose first operation is an atomic load makes loom 0.7 leave out schedules, down to a single one
/// (tokio-rs/loom#392). This one begins with a store to an atomic that no other thread knows.
pub fn spawn<T: 'static>(body: impl FnOnce() -> T + 'static) -> loom::thread::JoinHandle<T> {
    loom::thread::spawn(move || {
        loom::sync::atomic::AtomicBool::new(false).store(true, std::sync::atomic::Ordering::Relaxed);
        body()
    })
}

/// Declares the models of a family: a test for each, a test of the evidence in `sources`, and the list `MODELS`.
///
/// The models `beyond` the usual bounds are those that find what looks in the wrong bucket, or goes no further than a
/// bound of most models.
#[macro_export]
macro_rules! models {
    ($family:ident, sources: [$($source:literal),* $(,)?] $(beyond [$($beyond:ident),* $(,)?])?,
     $($name:ident => $explore:expr),* $(,)?) => {
        const MODELS: &[$crate::Model] =
            &[$($crate::Model { name: stringify!($name), explore: || { $explore } }),*];

        mod model {
            $(
                #[test]
                fn $name() {
                    let model = super::MODELS.iter().find(|model| model.name == stringify!($name));
                    model.expect("listed").check(stringify!($family));
                }
            )*
        }

        #[test]
        fn every_ordering_is_needed() {
            $crate::evidence(stringify!($family), &[$($source),*], MODELS, &[$($(stringify!($beyond)),*)?]);
        }
    };
}
