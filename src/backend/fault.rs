//! Faults on demand: how a model shows that it can fail.
//!
//! Only in the loom world. Every atomic of the door knows the source line it was called from. A [`Fault`] names such a
//! line, and for as long as it is [injected](Fault::inject), the operation there is carried out wrongly: with a weaker
//! ordering, torn into a load and a store, or not at all. The code under test is the code that ships; nothing is
//! copied into a mutant that could drift away from it.
//!
//! ```ignore
//! for site in record(model) {
//!     let (hits, outcome) = Fault::of(&site, Kind::Weaken(Relaxed)).inject(model);
//!     assert!(hits > 0 && outcome.is_err()); // or the ordering at this line proves nothing
//! }
//! ```

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::panic::Location;
use std::string::{String, ToString};
use std::sync::atomic::Ordering;
use std::vec::Vec;

/// What an injected fault does to the operation at its line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Uses this ordering in place of the one that is written there. A compare-exchange then fails with Relaxed.
    Weaken(Ordering),
    /// Tears a read-modify-write into a load and a store between which other threads may run.
    Tear,
    /// Leaves a store or a fence out; a read-modify-write becomes a load.
    Omit,
}

/// What an atomic operation is, for a listing of the sites that a model runs through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operation {
    /// Only reads.
    Load,
    /// Only writes.
    Store,
    /// Reads and writes in one step.
    ReadModifyWrite,
    /// Orders other operations. Both sides of the asymmetric pair are such.
    Fence,
}

/// One wrong operation in the source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    file: String,
    line: u32,
    kind: Kind,
}

/// An atomic operation in the source that a recorded model has run through.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Site {
    /// The path of the file, as the compiler has it.
    pub file: &'static str,
    /// The line, from 1.
    pub line: u32,
    /// What is done there.
    pub operation: Operation,
    /// The strongest ordering seen there.
    pub ordering: Ordering,
}

#[derive(Default)]
struct Plan {
    fault: Option<Fault>,
    hits: usize,
    record: Option<BTreeMap<(&'static str, u32), Site>>,
}

std::thread_local! {
    // loom runs all simulated threads as coroutines of the one that called it, so a plain thread-local reaches them all.
    static PLAN: RefCell<Plan> = RefCell::default();
}

impl Fault {
    /// The fault `kind` at a site that [`record`] has found.
    #[must_use]
    pub fn of(site: &Site, kind: Kind) -> Self {
        Fault {
            file: site.file.to_string(),
            line: site.line,
            kind,
        }
    }

    /// Runs `scenario` with this fault, and tells how often the wrong operation was carried out.
    ///
    /// The count is also right when `scenario` panics, as a model does that finds the fault: that panic comes back as
    /// an error.
    ///
    /// # Errors
    ///
    /// The message of the panic of `scenario`, as text.
    pub fn inject(&self, scenario: impl FnOnce()) -> (usize, Result<(), String>) {
        PLAN.with_borrow_mut(|plan| {
            plan.fault = Some(self.clone());
            plan.hits = 0;
        });
        let outcome = std::panic::catch_unwind(std::panic::AssertUnwindSafe(scenario));
        let hits = PLAN.with_borrow_mut(|plan| {
            plan.fault = None;
            plan.hits
        });
        (hits, outcome.map_err(|panic| message(&*panic)))
    }
}

fn message(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(ToString::to_string);
    text.or_else(|| panic.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "a panic that is no text".to_string())
}

/// Runs `scenario` and lists the atomic operations of this crate that it went through, by file and line.
pub fn record(scenario: impl FnOnce()) -> Vec<Site> {
    PLAN.with_borrow_mut(|plan| plan.record = Some(BTreeMap::new()));
    scenario();
    let record = PLAN.with_borrow_mut(|plan| plan.record.take());
    record.unwrap_or_default().into_values().collect()
}

/// The fault to commit at `location`, if one is injected there; also notes the site.
pub(super) fn at(location: &'static Location<'static>, operation: Operation, ordering: Ordering) -> Option<Kind> {
    PLAN.with_borrow_mut(|plan| {
        if let Some(record) = &mut plan.record {
            let (file, line) = (location.file(), location.line());
            let site = record.entry((file, line)).or_insert(Site {
                file,
                line,
                operation,
                ordering,
            });
            site.ordering = strongest(site.ordering, ordering);
        }
        let fault = plan.fault.as_ref()?;
        if fault.line != location.line() || !location.file().ends_with(fault.file.as_str()) {
            return None;
        }
        plan.hits += 1;
        Some(fault.kind)
    })
}

fn strongest(one: Ordering, other: Ordering) -> Ordering {
    let rank = |ordering| match ordering {
        Ordering::Relaxed => 0,
        Ordering::Acquire | Ordering::Release => 1,
        Ordering::AcqRel => 2,
        _ => 3,
    };
    if rank(one) >= rank(other) { one } else { other }
}
