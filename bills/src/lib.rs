//! What each primitive costs on simulated cores: a standard workload for each, and the bill that `coherence` makes out.
//!
//! ```text
//! cargo xtask bill
//! ```
//!
//! Built without `--cfg linchpin_coherence`, the crate is empty.
#![cfg(linchpin_coherence)]

mod barriers;
mod baseline;
mod comparison;
mod random;
mod reclamation;
mod workloads;

use std::cell::Cell;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::sync::{PoisonError, RwLock};

use coherence::{Machine, Report, Section};

pub use comparison::{
    Comparison, Kind, Load, Outcome, Placement, Point, Row, Subject, assert_machines_are_the_presets, compare,
};
pub use random::Random;
pub use workloads::{FAMILIES, all};

/// How many simulated cores the bills are made out for.
pub const CORES: [usize; 7] = [1, 2, 4, 8, 16, 32, 64];

/// A primitive's standard workload.
#[derive(Clone, Copy)]
pub struct Workload {
    /// Those with the same family are shown together.
    pub family: &'static str,
    /// The primitive, and what is done with it.
    pub name: &'static str,
    /// Whether this is one of ours. Otherwise it is a control: it shows that a bill can be high.
    pub ours: bool,
    /// Runs it with so many threads, each on a core of its own.
    run: fn(&Machine, usize) -> Bill,
}

impl Workload {
    /// Its bill on `threads` cores of `machine`.
    ///
    /// # Panics
    ///
    /// If the workload deadlocks or panics, or if `machine` has fewer cores than `threads`.
    #[must_use]
    pub fn bill(&self, machine: &Machine, threads: usize) -> Bill {
        assert!(
            threads <= machine.cores(),
            "{} cores are too few for {threads} threads",
            machine.cores()
        );
        (self.run)(machine, threads)
    }
}

/// The workload with this name.
///
/// # Panics
///
/// If there is none.
#[must_use]
pub fn workload(name: &str) -> &'static Workload {
    all()
        .find(|workload| workload.name == name)
        .unwrap_or_else(|| panic!("no workload has the name {name}"))
}

/// What a workload costs in its steady state: from when each thread has had its first operation until those that are
/// billed are done.
pub struct Bill {
    report: Report,
    operations: u64,
}

impl Bill {
    /// The part of the report that is billed.
    #[must_use]
    pub fn steady(&self) -> &Section {
        self.report.phase("steady")
    }

    /// How many operations are billed.
    #[must_use]
    pub fn operations(&self) -> u64 {
        self.operations
    }

    /// Coherence transactions per operation.
    #[must_use]
    pub fn transactions(&self) -> f64 {
        self.steady().transactions_per(self.operations())
    }

    /// Misses that brought in nothing that was needed.
    #[must_use]
    pub fn false_sharing_misses(&self) -> u64 {
        self.steady().false_sharing_misses()
    }

    /// Asserts that no miss was one of false sharing.
    ///
    /// # Panics
    ///
    /// If one was: with `what` and the report as its message.
    #[track_caller]
    pub fn assert_shares_nothing_falsely(&self, what: &str) {
        assert_eq!(self.false_sharing_misses(), 0, "{what}:\n{}", self.steady());
    }

    /// Operations per second of virtual time, by all threads.
    #[must_use]
    pub fn throughput(&self) -> f64 {
        self.operations as f64 / self.steady().elapsed().as_secs_f64()
    }
}

/// Counts the operations, and begins and ends the bill. Its own accesses are not simulated.
struct Meter {
    warm: Vec<AtomicBool>,
    cold: AtomicU64,
    patience: u64,
    operations: u64,
    done: AtomicU64,
    end: AtomicU64,
}

impl Meter {
    /// To be called by `thread` after each of its operations, or within.
    fn tick(&self, thread: usize) {
        let done = self.done.fetch_add(1, Relaxed) + 1;
        if !self.warm[thread].swap(true, Relaxed) {
            self.cold.fetch_sub(1, Relaxed);
        }
        // Where threads starve, as they may at an unfair lock, not all will ever be warm.
        let warm = self.cold.load(Relaxed) == 0 || done >= self.patience;
        if warm && self.end.load(Relaxed) == 0 {
            coherence::phase("steady");
            self.end.store(done + self.operations, Relaxed);
        } else if done == self.end.load(Relaxed) {
            coherence::phase("end");
        }
    }

    /// Whether there is more to do.
    fn goes_on(&self) -> bool {
        self.end.load(Relaxed) == 0 || self.done.load(Relaxed) < self.end.load(Relaxed)
    }
}

/// Runs `body` on each thread, until the meter has counted `each` operations for each of them, after the first of each,
/// or after `patience` of all for each.
fn bill(machine: &Machine, threads: usize, each: usize, patience: usize, body: impl Fn(usize, &Meter) + Sync) -> Bill {
    let operations = (each * threads) as u64;
    let meter = Meter {
        warm: (0..threads).map(|_| AtomicBool::new(false)).collect(),
        cold: AtomicU64::new(threads as u64),
        patience: patience.saturating_mul(threads) as u64,
        operations,
        done: AtomicU64::new(0),
        end: AtomicU64::new(0),
    };
    let report = one_at_a_time(|| coherence::run(machine, threads, |thread| body(thread, &meter)));
    Bill { report, operations }
}

thread_local! {
    /// Whether the next bills of this thread are for a system without membarrier.
    static WITHOUT_MEMBARRIER: Cell<bool> = const { Cell::new(false) };
}

/// Makes out a bill for a system that has no membarrier, so that both sides of linchpin's fence pair are fences.
fn without_membarrier(bill: impl FnOnce() -> Bill) -> Bill {
    WITHOUT_MEMBARRIER.set(true);
    let bill = bill();
    WITHOUT_MEMBARRIER.set(false);
    bill
}

/// Bills take turns, by `write`: they may change the environment. Comparisons, which do not, run side by side.
static TURN: RwLock<()> = RwLock::new(());

/// Says in the environment, as long as it lives, that there is no membarrier.
struct NoMembarrier;

impl NoMembarrier {
    const VARIABLE: &str = "LINCHPIN_MEMBARRIER";

    fn say() -> Self {
        // SAFETY: the only concurrent readers of the environment are those of this crate's programs, which go through
        // `std`, and `std` locks it. `TURN` is held, so no other simulation reads the variable meanwhile.
        unsafe { std::env::set_var(Self::VARIABLE, "0") };
        NoMembarrier
    }
}

impl Drop for NoMembarrier {
    fn drop(&mut self) {
        // SAFETY: as in `say`; this is dropped before `TURN` is let go.
        unsafe { std::env::remove_var(Self::VARIABLE) };
    }
}

/// Runs a simulation.
fn one_at_a_time(run: impl FnOnce() -> Report) -> Report {
    // Simulations side by side would share the statics of linchpin: the numbers of threads, for one.
    let _turn = TURN.write().unwrap_or_else(PoisonError::into_inner);
    let _said = WITHOUT_MEMBARRIER.get().then(NoMembarrier::say);
    run()
}
