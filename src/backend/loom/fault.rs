//! Faults on demand: how a model shows that it can fail.
//!
//! Only in the loom backend. Every atomic of the backend knows the source location it was called from, and so does each
//! look-up of a bucket and each bound that a model shrinks. A [`Fault`] names such a location, and for as long as it is
//! [injected](Fault::inject), the operation there is carried out wrongly: with a weaker ordering, torn into a load and
//! a store, not at all, or in the wrong bucket. The code under test is the code that ships; nothing is copied into a
//! mutant that could drift away from it.
//!
//! ```ignore
//! for site in record(model) {
//!     let (hits, outcome) = Fault::of(&site, Kind::Weaken(Relaxed)).inject(model);
//!     assert!(hits > 0 && outcome.is_err()); // or the ordering at this location proves nothing
//! }
//! ```

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::panic::Location;
use std::string::{String, ToString};
use std::sync::atomic::Ordering;
use std::vec::Vec;

/// What an injected fault does to the operation at its location.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Uses this ordering in place of the one that is written there. A compare-exchange then fails with Relaxed.
    Weaken(Ordering),
    /// Tears a read-modify-write into a load and a store between which other threads may run.
    Tear,
    /// Leaves a store or a fence out; a read-modify-write becomes a load.
    Omit,
    /// Looks in another bucket.
    Misplace,
    /// Goes no further than the models that shrink the bound.
    Shrink,
}

/// What is done at a location, for a listing of the sites that a model runs through.
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
    /// Finds the bucket of a key.
    Lookup,
    /// Asks for a bound that models shrink.
    Bound,
}

/// One wrong operation in the source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    place: Place,
    kind: Kind,
    behind: bool,
}

/// A location in the source: the path of the file as the compiler has it, the line and the column, both from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// The path of the file, as the compiler has it.
    pub file: &'static str,
    /// The line, from 1.
    pub line: u32,
    /// The column, from 1.
    pub column: u32,
}

impl core::fmt::Display for Place {
    fn fmt(&self, formatter: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(formatter, "{}:{}:{}", self.file, self.line, self.column)
    }
}

impl From<&Location<'static>> for Place {
    fn from(location: &Location<'static>) -> Self {
        Place {
            file: location.file(),
            line: location.line(),
            column: location.column(),
        }
    }
}

/// An operation in the source that a recorded model has run through.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Site {
    /// Where it is.
    pub place: Place,
    /// What is done there.
    pub operation: Operation,
    /// The strongest ordering seen there.
    pub ordering: Ordering,
}

#[derive(Default)]
struct Plan {
    fault: Option<Fault>,
    hits: usize,
    record: Option<BTreeMap<Place, Site>>,
}

std::thread_local! {
    // loom runs all simulated threads as coroutines of the one that called it, so a plain thread-local reaches them
    // all.
    static PLAN: RefCell<Plan> = RefCell::default();
}

loom::thread_local! {
    /// Whether this simulated thread has gone beyond a bound that most models shrink to nothing.
    static IS_BEHIND: Cell<bool> = Cell::new(false);
}

/// This simulated thread has gone beyond such a bound: see [`Fault::behind`].
pub(super) fn note_behind() {
    // A thread that is past its destructors commits no more faults.
    let _ = IS_BEHIND.try_with(|behind| behind.set(true));
}

/// How a scenario has ended that came to no good end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// What its first panic says.
    pub message: String,
    /// The file of that panic.
    pub file: String,
}

impl Fault {
    /// The fault `kind` at a site that [`record`] has found.
    #[must_use]
    pub fn of(site: &Site, kind: Kind) -> Self {
        Fault {
            place: site.place,
            kind,
            behind: false,
        }
    }

    /// The same, but only threads commit it that have gone beyond a bound: that have spun.
    #[must_use]
    pub fn behind(self) -> Self {
        Fault { behind: true, ..self }
    }

    /// Runs `scenario` with this fault, and tells how often the wrong operation was carried out.
    ///
    /// The count is also right when `scenario` panics, as a model does that finds the fault: that panic comes back as
    /// an error.
    ///
    /// # Errors
    ///
    /// The first panic of `scenario`.
    pub fn inject(&self, scenario: impl FnOnce()) -> (usize, Result<(), Failure>) {
        PLAN.with_borrow_mut(|plan| {
            plan.fault = Some(self.clone());
            plan.hits = 0;
        });
        let outcome = catch(scenario);
        let hits = PLAN.with_borrow_mut(|plan| {
            plan.fault = None;
            plan.hits
        });
        (hits, outcome)
    }
}

std::thread_local! {
    /// The first panic since `catch` began; `None` where panics are reported as usual.
    static FIRST: RefCell<Option<Option<Failure>>> = const { RefCell::new(None) };
}

/// Runs `scenario`, whose panics are not reported.
fn catch(scenario: impl FnOnce()) -> Result<(), Failure> {
    static HOOK: std::sync::Once = std::sync::Once::new();
    HOOK.call_once(|| {
        let report = std::panic::take_hook();
        std::panic::set_hook(std::boxed::Box::new(move |panic| {
            let is_expected = FIRST.with_borrow_mut(|first| {
                let is_expected = first.is_some();
                // Without a text it is how a coroutine is cancelled.
                if let (Some(first @ None), Some(message)) = (first, message(panic.payload())) {
                    let file = panic.location().map_or("", Location::file).to_string();
                    *first = Some(Failure { message, file });
                }
                is_expected
            });
            if !is_expected {
                report(panic);
            }
        }));
    });
    FIRST.set(Some(None));
    let outcome = std::panic::catch_unwind(std::panic::AssertUnwindSafe(scenario));
    let first = FIRST.take().flatten();
    outcome.map_err(|panic| {
        first.unwrap_or_else(|| Failure {
            message: message(&*panic).unwrap_or_default(),
            file: String::new(),
        })
    })
}

fn message(panic: &(dyn std::any::Any + Send)) -> Option<String> {
    let text = panic.downcast_ref::<&str>().map(ToString::to_string);
    text.or_else(|| panic.downcast_ref::<String>().cloned())
}

/// Runs `scenario` and lists the operations of this crate that it went through, by their place in the source.
pub fn record(scenario: impl FnOnce()) -> Vec<Site> {
    PLAN.with_borrow_mut(|plan| plan.record = Some(BTreeMap::new()));
    scenario();
    let record = PLAN.with_borrow_mut(|plan| plan.record.take());
    record.unwrap_or_default().into_values().collect()
}

/// The fault to commit at `location`, if one is injected there; also notes the site.
pub(super) fn at(location: &'static Location<'static>, operation: Operation, ordering: Ordering) -> Option<Kind> {
    PLAN.with_borrow_mut(|plan| {
        if plan.record.is_none() && plan.fault.is_none() {
            return None;
        }
        let place = Place::from(location);
        if let Some(record) = &mut plan.record {
            let site = record.entry(place).or_insert(Site {
                place,
                operation,
                ordering,
            });
            site.ordering = strongest(site.ordering, ordering);
        }
        let fault = plan.fault.as_ref()?;
        if fault.place != place || fault.behind && !IS_BEHIND.try_with(Cell::get).unwrap_or(false) {
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
