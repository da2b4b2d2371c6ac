//! Holds the comments in the source to what they claim.
//!
//! The evidence for an operation stands on lines of their own, at the end of the comment above it:
//!
//! ```text
//! // Acquire: synchronizes with the Release store in `unlock`, so ...
//! // model: spin::mutex_excludes, spin::tas_mutex_excludes
//! ```
//!
//! `model:` names models, each of which has to fail if the operation is weakened. `survivor:` says why none does, and
//! why the operation stays as it is. Between such a comment and its operation there is code only, no empty line and no
//! other comment.

use std::collections::BTreeSet;
use std::io::Write;
use std::path::Path;
use std::sync::atomic::Ordering::{self, AcqRel, Acquire, Relaxed, Release, SeqCst};

use linchpin::models::bounds::Bounds;
use linchpin::models::fault::{Failure, Fault, Kind, Operation, Site, record};

use crate::comment::{Evidence, strong_orderings};
use crate::{Model, glance};

/// Injects every fault that a comment in `sources` says is found, and asserts that the named models find it. What looks
/// in the wrong bucket, or goes no further than a bound, one of the models `beyond` has to find.
///
/// A source may be of several families, such as a lock that they share. Then each family judges the operations that
/// name a model of its own, and leaves the others alone.
///
/// # Panics
///
/// If a model that a comment names does not exist, or does not find the fault; if an ordering stronger than Relaxed has
/// no evidence; if an operation that names a model is in no model's path; if there is nothing to judge.
pub fn evidence(family: &str, sources: &[&str], models: &[Model], beyond: &[&str]) {
    assert!(
        !sources.is_empty() && !models.is_empty(),
        "no sources, or no models: this proves nothing"
    );
    let recorded = record(|| {
        glance(|| {
            models.iter().for_each(|model| {
                (model.explore)();
            });
        });
    });
    let mut verdict = Verdict::default();
    for source in sources {
        let text = read(source);
        let lines: Vec<&str> = text
            .lines()
            .take_while(|line| !line.starts_with("#[cfg(test)]"))
            .collect();
        if lines.iter().any(|line| line.contains("killed by `")) {
            verdict.fail(format!(
                "{source}: evidence goes on a line of its own: `// model: family::name`"
            ));
        }
        let mut judged = BTreeSet::new();
        let sites: Vec<&Site> = recorded
            .iter()
            .filter(|site| site.place.file.ends_with(source))
            .collect();
        if sites.is_empty() {
            verdict.fail(format!("{source}: no model comes by here"));
        }
        let is_strong = |site: &&&Site| site.ordering != Relaxed;
        let reached = sites.iter().filter(is_strong).count();
        let written: usize = lines.iter().map(|line| strong_orderings(line)).sum();
        let others: usize = (1..=lines.len())
            .map(|number| (strong_orderings(lines[number - 1]), number))
            .filter(|&(strong, number)| {
                let is_reached = sites
                    .iter()
                    .filter(is_strong)
                    .any(|site| site.place.line as usize == number);
                strong > 0 && !is_reached && Evidence::above(&lines, number).is_of_other_families(family)
            })
            .map(|(strong, _)| strong)
            .sum();
        if reached + others != written {
            verdict.fail(format!(
                "{source}: {written} strong orderings are written, the models reach {reached}"
            ));
        }
        for site in sites {
            let evidence = Evidence::above(&lines, site.place.line as usize);
            judged.extend(evidence.lines.clone());
            if matches!(site.operation, Operation::Lookup | Operation::Bound) {
                if !evidence.is_survivor {
                    verdict.judge_beyond(site, models, beyond);
                }
                continue;
            }
            let is_judged = evidence.is_survivor || !evidence.models.is_empty();
            if site.ordering != Relaxed && !is_judged {
                verdict.fail(format!(
                    "{} has no evidence: neither `model:` nor `survivor:`",
                    site.place
                ));
            }
            for name in evidence.of(family) {
                match models.iter().find(|model| model.name == name) {
                    Some(model) => verdict.judge(site, model),
                    None => verdict.fail(format!("{} names the model {family}::{name}, which is not", site.place)),
                }
            }
        }
        for (index, line) in lines.iter().enumerate() {
            let of_family = Evidence::of_line(line).is_some_and(|evidence| evidence.of(family).next().is_some());
            if of_family && !judged.contains(&index) {
                verdict.fail(format!(
                    "{source}:{}: no model comes by what is claimed here: {line}",
                    index + 1
                ));
            }
        }
    }
    verdict.end(family);
}

#[derive(Default)]
struct Verdict {
    found: usize,
    failures: Vec<String>,
}

impl Verdict {
    fn fail(&mut self, failure: String) {
        self.failures.push(failure);
    }

    /// Each fault at `site`, against a model that is said to find it.
    fn judge(&mut self, site: &Site, model: &Model) {
        let name = model.name;
        for kind in faults(site) {
            if !is_chosen(&format!("{kind:?} at {} in {name}", site.place)) {
                continue;
            }
            match try_fault(&Fault::of(site, kind), model.explore) {
                Outcome::Found(_) => self.found += 1,
                Outcome::Missed => self.fail(format!("{}: {name} does not come by here", site.place)),
                Outcome::Survived => self.fail(format!("{}: {name} does not find {kind:?}", site.place)),
                Outcome::Other(what) => self.fail(format!("{}: {name}, {kind:?}: {what}", site.place)),
            }
        }
    }

    /// The fault at a site that matters beyond the bounds of most models.
    fn judge_beyond(&mut self, site: &Site, models: &[Model], beyond: &[&str]) {
        let kind = if site.operation == Operation::Lookup {
            Kind::Misplace
        } else {
            Kind::Shrink
        };
        let mut others = Vec::new();
        for model in models.iter().filter(|model| beyond.contains(&model.name)) {
            if !is_chosen(&format!("{kind:?} at {} in {}", site.place, model.name)) {
                return;
            }
            match try_fault(&Fault::of(site, kind), model.explore) {
                Outcome::Found(_) => {
                    self.found += 1;
                    return;
                }
                Outcome::Other(what) => others.push(what),
                Outcome::Missed | Outcome::Survived => {}
            }
        }
        self.fail(format!(
            "{}: no model beyond the bounds finds {kind:?} {others:?}",
            site.place
        ));
    }

    fn end(self, family: &str) {
        writeln!(
            std::io::stderr(),
            "evidence {family}: {} faults injected and found",
            self.found
        )
        .expect("stderr is open");
        assert!(
            self.failures.is_empty(),
            "the comments claim what is not so:\n{}",
            self.failures.join("\n")
        );
        assert!(self.found > 0, "no fault was injected: this proves nothing");
    }
}

/// Whether this fault is to be injected. `LINCHPIN_FAULTS` chooses those that contain that text, and names each
/// beforehand, as when one has to be found that ends the process.
fn is_chosen(fault: &str) -> bool {
    let Ok(choice) = std::env::var("LINCHPIN_FAULTS") else {
        return true;
    };
    let is_chosen = fault.contains(&choice);
    if is_chosen {
        writeln!(std::io::stderr(), "fault: {fault}").expect("stderr is open");
    }
    is_chosen
}

/// What became of an injected fault.
enum Outcome {
    /// It was found as what a fault in an ordering leads to.
    Found(&'static str),
    /// It was never committed.
    Missed,
    /// It was committed, and nothing came of it.
    Survived,
    /// Something else came of it, which shows no wrong outcome.
    Other(String),
}

fn try_fault(fault: &Fault, explore: impl FnOnce() -> usize) -> Outcome {
    match fault.inject(|| {
        explore();
    }) {
        (0, _) => Outcome::Missed,
        (_, Ok(())) => Outcome::Survived,
        (_, Err(failure)) => match expected(&failure) {
            Some(kind) => Outcome::Found(kind),
            None => Outcome::Other(format!(
                "a panic of another kind, in {}: {}",
                failure.file, failure.message
            )),
        },
    }
}

/// What a wrong ordering may lead to: an assertion of the model, a data race, a deadlock or a leak. Any other panic,
/// such as that of a model that does not end, shows nothing.
fn expected(failure: &Failure) -> Option<&'static str> {
    let says = |text: &str| failure.message.contains(text);
    let races = [
        "Causality violation",
        "currently reading from cell",
        "currently writing to cell",
    ];
    if races.iter().any(|race| says(race)) {
        Some("data race")
    } else if says("deadlock; threads") {
        Some("deadlock")
    } else if says("leaked") {
        Some("leak")
    } else if failure.file.contains("loom-tests")
        || says("and that is its limit")
        || says("have left this barrier: it takes no more")
    {
        // The others are assertions of the primitives themselves, about their counts.
        Some("assertion")
    } else {
        None
    }
}

/// Asserts that what is wrong only behind the spins of one back-off is found: the ordering at the operation `code`, in
/// `source`, for threads that have spun in it. And that no thread would come by that does not spin.
///
/// # Panics
///
/// If it is not found, or if it is committed without a spin.
pub fn found_behind_spins(source: &str, code: &str, spins_in: &'static str, explore: fn(Bounds) -> usize) {
    let spinning = Bounds {
        spins_in: Some(spins_in),
        ..Bounds::SMALL
    };
    let text = read(source);
    let lines: Vec<&str> = text.lines().collect();
    let sites = record(|| {
        glance(|| {
            explore(spinning);
        });
    });
    let site = sites
        .iter()
        .find(|site| {
            let line = site.place.line as usize;
            site.place.file.ends_with(source) && lines[line - 1].contains(code)
        })
        .unwrap_or_else(|| panic!("no model comes by {code} in {source}"));
    for kind in faults(site) {
        let fault = Fault::of(site, kind).behind();
        match try_fault(&fault, || explore(spinning)) {
            Outcome::Found(how) => {
                writeln!(
                    std::io::stderr(),
                    "behind {spins_in}: {kind:?} at {} is found: {how}",
                    site.place
                )
                .expect("stderr is open");
            }
            Outcome::Missed => panic!("{}: no thread that has spun comes by here", site.place),
            Outcome::Survived => panic!("{}: {kind:?} is not found where threads spin", site.place),
            Outcome::Other(what) => panic!("{}: {kind:?}: {what}", site.place),
        }
        assert!(
            matches!(try_fault(&fault, || explore(Bounds::SMALL)), Outcome::Missed),
            "{}: it is committed by threads that do not spin",
            site.place
        );
    }
}

fn read(source: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(source);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("cannot read {}: {error}", path.display()))
}

fn faults(site: &Site) -> Vec<Kind> {
    let weaker: &[Ordering] = match (site.ordering, site.operation) {
        (_, Operation::Lookup) => return vec![Kind::Misplace],
        (_, Operation::Bound) => return vec![Kind::Shrink],
        (SeqCst, Operation::Fence) => return vec![Kind::Omit, Kind::Weaken(AcqRel)],
        (AcqRel, Operation::Fence) => return vec![Kind::Weaken(Acquire), Kind::Weaken(Release)],
        // A Relaxed fence is none.
        (_, Operation::Fence) => return vec![Kind::Omit],
        (Relaxed, Operation::ReadModifyWrite) => return vec![Kind::Tear],
        (Relaxed, Operation::Store) => return vec![Kind::Omit],
        // Nothing is weaker. A claim above such a load is about the operation that follows it.
        (Relaxed, Operation::Load) => return vec![],
        (AcqRel, _) => &[Acquire, Release],
        (SeqCst, _) => &[AcqRel],
        _ => &[Relaxed],
    };
    weaker.iter().copied().map(Kind::Weaken).collect()
}
