//! Holds the comments in the source to what they claim: "killed by `family::model`".

use std::io::Write;
use std::path::Path;
use std::sync::atomic::Ordering::{self, AcqRel, Acquire, Relaxed, Release, SeqCst};

use linchpin::models::bounds::Bounds;
use linchpin::models::fault::{Failure, Fault, Kind, Operation, Site, record};

use crate::{Model, glance};

/// Injects every fault that a comment in `sources` says is found, and asserts that the named models find it. What looks in
/// the wrong bucket, or goes no further than a bound, one of the models `beyond` has to find.
///
/// # Panics
///
/// If a model that a comment names does not exist, or does not find the fault; if an ordering stronger than Relaxed has
/// no such comment and none that begins with "Survivor:"; if one is in no model's path; if there is nothing to judge.
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
        let mut judged = Vec::new();
        let sites: Vec<&Site> = recorded
            .iter()
            .filter(|site| site.place.file.ends_with(source))
            .collect();
        if sites.is_empty() {
            verdict.fail(format!("{source}: no model comes by here"));
        }
        let strong = sites.iter().filter(|site| site.ordering != Relaxed).count();
        let written: usize = lines.iter().map(|line| strong_orderings(line)).sum();
        if strong != written {
            verdict.fail(format!(
                "{source}: {written} strong orderings are written, the models reach {strong}"
            ));
        }
        for site in sites {
            let comment = comment_above(&lines, site.place.line as usize);
            judged.push(comment.clone());
            let is_survivor = comment.contains("Survivor:");
            if matches!(site.operation, Operation::Lookup | Operation::Bound) {
                if !is_survivor {
                    verdict.judge_beyond(site, models, beyond);
                }
                continue;
            }
            let claimed = claims(&comment, family);
            if claimed.is_empty() && site.ordering != Relaxed && !is_survivor {
                verdict.fail(format!(
                    "{} has no comment that names the model which needs it",
                    site.place
                ));
            }
            for name in claimed {
                match models.iter().find(|model| model.name == name) {
                    Some(model) => verdict.judge(site, model),
                    None => verdict.fail(format!("{} names the model {family}::{name}, which is not", site.place)),
                }
            }
        }
        for (number, line) in lines.iter().enumerate().filter(|(_, line)| line.contains("killed by")) {
            let claim = comment_above(&lines, number + 1);
            if !judged.iter().any(|comment| comment.starts_with(&claim)) {
                verdict.fail(format!(
                    "{source}:{}: no model comes by what is claimed here: {line}",
                    number + 1
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

/// Whether this fault is to be injected. `LINCHPIN_FAULTS` chooses those that contain that text, and names each beforehand, as
/// when one has to be found that ends the process.
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

/// What a wrong ordering may lead to: an assertion of the model, a data race, a deadlock or a leak. Any other panic, such as
/// that of a model that does not end, shows nothing.
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
/// `source`, for threads that have spun in it. And that no model would come by who does not spin.
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

/// How many orderings stronger than Relaxed, and fences of the pair, a line of code names.
fn strong_orderings(line: &str) -> usize {
    let code = line.split("//").next().unwrap_or_default();
    if code.trim_start().starts_with("use ") {
        return 0;
    }
    let pair = ["asymmetric::light()", "asymmetric::heavy()", "asymmetric::try_heavy()"]
        .iter()
        .map(|call| code.matches(call).count())
        .sum::<usize>();
    let words = code
        .split(|letter: char| !letter.is_alphanumeric())
        .filter(|word| ["Acquire", "Release", "AcqRel", "SeqCst"].contains(word))
        .count();
    pair + words
}

/// The nearest block of comment lines at or above `line` (from 1), with no more than two statements between.
fn comment_above(lines: &[&str], line: usize) -> String {
    let is_comment = |line: &&&str| line.trim_start().starts_with("// ");
    let above = lines[..line].iter().rev();
    let gap = above.clone().take_while(|line| !is_comment(line)).count();
    let mut block: Vec<_> = above
        .skip(gap)
        .take_while(is_comment)
        .map(|line| line.trim_start_matches([' ', '/']))
        .collect();
    block.reverse();
    if gap > 6 { String::new() } else { block.join(" ") }
}

/// The models of `family` that `comment` names.
fn claims<'comment>(comment: &'comment str, family: &str) -> Vec<&'comment str> {
    let quoted = comment
        .split("killed by")
        .skip(1)
        .flat_map(|claim| claim.split('`').skip(1).step_by(2));
    quoted
        .filter_map(|name| name.strip_prefix(family)?.strip_prefix("::"))
        .collect()
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
