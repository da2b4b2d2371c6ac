//! The contests in virtual time, as tables.

use bills::{Contestant, Kind, Load, Point, Row, Standing, hold};

use crate::document::{Section, Table};

/// On how many cores contests are held.
const CORES: [usize; 6] = [2, 4, 8, 16, 32, 64];

/// All of them.
pub fn section() -> Section {
    let tables = Kind::ALL.iter().flat_map(|kind| {
        let rows: Vec<(Row, Vec<Standing>)> = Row::all(*kind)
            .map(|row| (row, hold(&row.points().collect::<Vec<Point>>(), 0)))
            .collect();
        let table =
            |what: &str, cell: &dyn Fn(&Standing) -> String| table(&format!("{}: {what}", kind.name()), &rows, cell);
        [
            table(
                "throughput of ours, for 1 of the best of std and parking_lot",
                &|standing| format!("{:.2}", standing.ratio()),
            ),
            table(
                "passages in a microsecond of virtual time: ours / std / parking_lot 0.12 / 0.13",
                &|standing| each(|contestant| digits(standing.of_contestant(contestant).throughput)),
            ),
            table(
                "passages of the slowest thread for 1 of the fastest: ours / std / parking_lot 0.12 / 0.13",
                &|standing| each(|contestant| format!("{:.2}", standing.of_contestant(contestant).fairness)),
            ),
        ]
    });
    Section {
        title: "Contests in virtual time: our sleeping locks against std's and parking_lot's".into(),
        text: vec![
            "std's futex locks and parking_lot's (0.12 with its timer for fairness, 0.13 without) are written over the same \
             simulated atomics as ours. As many threads as cores, or twice as many, pass through one lock for 1.5 ms, or 6 ms; \
             each is on a core for good."
                .into(),
            format!(
                "Loads: {}. Lines are handed on in the order of the requests, also between lock and unlock, so that sections \
                 of no length make all threads go round in lockstep; they are held only on the machine whose tenure is known.",
                loads()
            ),
            "Where there are twice as many threads as cores, a woken thread waits for the end of a time slice (3 ms), a yield, or \
             a sleep of the thread that runs: it neither preempts nor moves, as it would on Linux. Where readers do not sleep, \
             not all threads have had a slice when the contest ends, and the fairness says so."
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

fn each(cell: impl Fn(Contestant) -> String) -> String {
    Contestant::ALL.map(cell).join(" / ")
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

fn table(caption: &str, rows: &[(Row, Vec<Standing>)], cell: &dyn Fn(&Standing) -> String) -> Table {
    let columns = std::iter::once(String::new()).chain(CORES.map(|cores| format!("{cores} cores")));
    let rows = rows.iter().map(|(row, standings)| {
        let at = |cores: usize| standings.iter().find(|standing| standing.point.cores == cores);
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
