//! Holds the comments in the source to what they claim: "killed by `family::model`".

use std::cell::Cell;
use std::io::Write;
use std::path::Path;
use std::sync::Once;
use std::sync::atomic::Ordering::{self, AcqRel, Acquire, Relaxed, Release, SeqCst};

use linchpin::backend::fault::{Fault, Kind, Operation, Site, record};

use crate::{Model, glance};

/// Injects every fault that a comment in `sources` says is found, and asserts that the named models find it.
///
/// # Panics
///
/// If a model that a comment names does not exist, or does not find the fault; if an ordering stronger than Relaxed has
/// no such comment and none that begins with "Survivor:"; if one is in no model's path.
pub fn evidence(family: &str, sources: &[&str], models: &[Model]) {
    let recorded = record(|| {
        glance(|| {
            models.iter().for_each(|model| {
                (model.explore)();
            });
        });
    });
    let (mut found, mut failures) = (0, Vec::new());
    expect_panics();
    for source in sources {
        let text = read(source);
        let lines: Vec<&str> = text
            .lines()
            .take_while(|line| !line.starts_with("#[cfg(test)]"))
            .collect();
        let mut judged = Vec::new();
        let sites: Vec<&Site> = recorded.iter().filter(|site| site.file.ends_with(source)).collect();
        let strong = sites.iter().filter(|site| site.ordering != Relaxed).count();
        let written = lines.iter().filter(|line| names_a_strong_ordering(line)).count();
        if strong != written {
            failures.push(format!(
                "{source}: {written} strong orderings are written, the models reach {strong}"
            ));
        }
        for site in sites {
            let comment = comment_above(&lines, site.line as usize);
            judged.push(comment.clone());
            let claimed = claims(&comment, family);
            if claimed.is_empty() && site.ordering != Relaxed && !comment.contains("Survivor:") {
                failures.push(format!(
                    "{source}:{} has no comment that names the model which needs it",
                    site.line
                ));
            }
            for name in claimed {
                let Some(model) = models.iter().find(|model| model.name == name) else {
                    failures.push(format!(
                        "{source}:{} names the model {family}::{name}, which is not",
                        site.line
                    ));
                    continue;
                };
                for kind in faults(site) {
                    match Fault::of(site, kind).inject(|| {
                        (model.explore)();
                    }) {
                        (0, _) => failures.push(format!("{source}:{}: {name} does not come by here", site.line)),
                        (_, Ok(())) => failures.push(format!("{source}:{}: {name} does not find {kind:?}", site.line)),
                        // loom gives up on an execution that does not end; that shows no wrong outcome.
                        (_, Err(message)) if message.starts_with("Model exceeded") => {
                            failures.push(format!("{source}:{}: {name} does not end with {kind:?}", site.line));
                        }
                        (_, Err(_)) => found += 1,
                    }
                }
            }
        }
        for (number, line) in lines.iter().enumerate().filter(|(_, line)| line.contains("killed by")) {
            let claim = comment_above(&lines, number + 1);
            if !judged.iter().any(|comment| comment.starts_with(&claim)) {
                failures.push(format!(
                    "{source}:{}: no model comes by what is claimed here: {line}",
                    number + 1
                ));
            }
        }
    }
    writeln!(
        std::io::stderr(),
        "evidence {family}: {found} faults injected and found"
    )
    .expect("stderr is open");
    EXPECTS_PANICS.set(false);
    assert!(
        failures.is_empty(),
        "the comments claim what is not so:\n{}",
        failures.join("\n")
    );
    assert!(found > 0, "no fault was injected: this proves nothing");
}

std::thread_local! {
    static EXPECTS_PANICS: Cell<bool> = const { Cell::new(false) };
}

/// From here on, panics of this thread are not reported: each found fault is one.
fn expect_panics() {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        let report = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            if !EXPECTS_PANICS.get() {
                report(panic);
            }
        }));
    });
    EXPECTS_PANICS.set(true);
}

fn read(source: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(source);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("cannot read {}: {error}", path.display()))
}

fn names_a_strong_ordering(line: &str) -> bool {
    let code = line.split("//").next().unwrap_or_default();
    let is_fence_pair = ["asymmetric::light()", "asymmetric::heavy()", "asymmetric::try_heavy()"]
        .iter()
        .any(|call| code.contains(call));
    is_fence_pair
        || !code.trim_start().starts_with("use ")
            && ["Acquire", "Release", "AcqRel", "SeqCst"].iter().any(|ordering| {
                code.split(|letter: char| !letter.is_alphanumeric())
                    .any(|word| word == *ordering)
            })
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
