//! The comparisons in virtual time, as tables.

use bills::{Comparison, Kind, Load, Point, Row, Subject, compare};

use crate::document::{Section, Table};

/// How many cores take part, in the columns.
const CORES: [usize; 6] = [2, 4, 8, 16, 32, 64];

/// All of them.
pub fn section() -> Section {
    let tables = Kind::ALL.iter().flat_map(|kind| {
        let rows: Vec<(Row, Vec<Comparison>)> = Row::all(*kind)
            .map(|row| (row, compare(&row.points().collect::<Vec<Point>>(), 0)))
            .collect();
        let table =
            |what: &str, cell: &dyn Fn(&Comparison) -> String| table(&format!("{}: {what}", kind.name()), &rows, cell);
        [
            table(
                "throughput of ours, for 1 of the best of std and parking_lot",
                &|comparison| format!("{:.2}", comparison.ratio()),
            ),
            table(
                "acquisitions in a microsecond of virtual time: ours / std / parking_lot 0.12 / 0.13",
                &|comparison| each(|subject| digits(comparison.of_subject(subject).throughput)),
            ),
            table(
                "acquisitions of the slowest thread for 1 of the fastest: ours / std / parking_lot 0.12 / 0.13",
                &|comparison| each(|subject| format!("{:.2}", comparison.of_subject(subject).fairness)),
            ),
        ]
    });
    Section {
        title: "Comparisons in virtual time: our sleeping locks against std's and parking_lot's".into(),
        text: vec![
            "std's futex locks and parking_lot's (0.12 with its timer for fairness, 0.13 without) are written over the same \
             simulated atomics as ours. As many threads as cores, or twice as many, acquire one lock for 1.5 ms, or 6 ms; \
             each is on a core for good."
                .into(),
            format!(
                "Loads: {}. Lines are handed on in the order of the requests, also between lock and unlock, so that sections \
                 of no length would make all threads go round in lockstep; those are measured only on the machine whose tenure is known.",
                loads()
            ),
            "Where there are twice as many threads as cores, a woken thread waits for the end of a time slice (3 ms), a yield, or \
             a sleep of the thread that runs: it neither preempts nor moves, as it would on Linux. Where readers do not sleep, \
             not all threads have had a slice when the comparison ends, and the fairness says so."
                .into(),
        ],
        tables: tables.collect(),
        plots: vec![],
        maps: vec![],
    }
}

fn loads() -> String {
    let load = |load: Load| {
        let (inside, outside) = load.pauses();
        format!(
            "{}, a line of data and {inside} pauses inside, {outside} outside",
            load.name()
        )
    };
    [Load::None, Load::Short, Load::Long].map(load).join("; ")
}

fn each(cell: impl Fn(Subject) -> String) -> String {
    Subject::ALL.map(cell).join(" / ")
}

/// Three digits or so.
fn digits(value: f64) -> String {
    let decimals = if value >= 100.0 {
        0
    } else if value >= 10.0 {
        1
    } else {
        2
    };
    format!("{value:.decimals$}")
}

fn table(caption: &str, rows: &[(Row, Vec<Comparison>)], cell: &dyn Fn(&Comparison) -> String) -> Table {
    let columns = std::iter::once(String::new()).chain(CORES.map(|cores| format!("{cores} cores")));
    let rows = rows.iter().map(|(row, comparisons)| {
        let at = |cores: usize| comparisons.iter().find(|comparison| comparison.point.cores == cores);
        std::iter::once(row.name())
            .chain(CORES.map(|cores| at(cores).map_or_else(String::new, cell)))
            .collect()
    });
    Table {
        caption: caption.into(),
        columns: columns.collect(),
        rows: rows.collect(),
    }
}
