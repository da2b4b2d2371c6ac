//! What this machine is, and how far apart its cores are.

use std::hint::spin_loop;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use linchpin::CachePadded;

use crate::document::{Section, Table};
use crate::harness::{Job, ThreadConfig, Workers, cores};
use crate::options::Effort;

const TURNS: u64 = 20_000;

/// How long a line takes from one core to another, one way, by two pinned threads that take turns to write it; nothing
/// on a machine with one core.
pub fn line_transfer() -> Option<Duration> {
    if cores() < 2 {
        return None;
    }
    let workers = Workers::new(ThreadConfig::of(2));
    let mut times: Vec<Duration> = (0..5).map(|_| ping_pong(&workers)).collect();
    times.sort();
    Some(times[times.len() / 2])
}

fn ping_pong(workers: &Workers) -> Duration {
    let turn = CachePadded::new(AtomicU64::new(0));
    let job: Job = Arc::new(move |worker| {
        let mut mine = worker.thread as u64;
        worker.run(1, || {
            while turn.load(Ordering::Acquire) != mine {
                spin_loop();
            }
            turn.store(mine + 1, Ordering::Release);
            mine += 2;
        })
    });
    let elapsed = workers.finish(&job, 2 * TURNS);
    elapsed / u32::try_from(2 * TURNS).expect("it is small")
}

fn processor() -> String {
    let listing = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let field = |name: &str| {
        let line = listing.lines().find(|line| line.starts_with(name))?;
        Some(line.split_once(':')?.1.trim().to_owned())
    };
    match (field("model name"), field("cpu family"), field("model\t")) {
        (Some(name), Some(family), Some(model)) => format!("{name} (family {family}, model {model})"),
        _ => format!("{} (no /proc/cpuinfo)", std::env::consts::ARCH),
    }
}

/// The machine, for the report.
pub fn section(before: Option<Duration>, after: Option<Duration>, effort: &Effort) -> Section {
    let nanoseconds =
        |time: Option<Duration>| time.map_or("one core only".into(), |time| format!("{} ns", time.as_nanos()));
    let row = |what: &str, value: String| vec![what.to_owned(), value];
    Section {
        title: "The machine".into(),
        text: vec![
            "Only ratios within one run mean anything: on a virtual machine the cores sit nearer or farther from one run \
             to the next, as the line transfer shows. If it has changed much between before and after, measure again."
                .into(),
        ],
        tables: vec![Table {
            caption: "Where this was measured".into(),
            columns: vec!["what".into(), "value".into()],
            rows: vec![
                row("processor", processor()),
                row("cores", cores().to_string()),
                row("system", format!("{} {}", std::env::consts::OS, std::env::consts::ARCH)),
                row("line transfer, one way, before", nanoseconds(before)),
                row("line transfer, one way, after", nanoseconds(after)),
                row(
                    "rounds",
                    format!(
                        "{} of {} ms for each subject, taking turns; longer ones where threads outnumber cores",
                        effort.rounds,
                        effort.run.as_millis()
                    ),
                ),
            ],
        }],
        plots: vec![],
        maps: vec![],
    }
}
