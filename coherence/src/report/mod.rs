//! What a simulation cost: in total, per phase, per line, per source site and per core.

mod table;

use core::time::Duration;
use std::collections::BTreeMap;

use crate::counts::{Counts, bill};
use crate::engine::{self, Measurements, Tally};
use crate::machine::Machine;

/// The bill of one simulation.
///
/// Its own counting methods speak of the whole program; [`phase`](Report::phase) gives the same for
/// one phase. Equal programs on equal machines give equal reports, byte for byte, also as text and
/// as JSON.
///
/// Lines are named 0, 1, ... by the order in which the program first touched them.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Report {
    machine: String,
    threads: usize,
    total: Section,
    phases: Vec<Section>,
}

/// The bill of one phase, or of all of them.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Section {
    name: String,
    elapsed: Duration,
    counts: Counts,
    lines: Vec<Line>,
}

/// The bill of one line.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Line {
    name: usize,
    counts: Counts,
    sites: Vec<Site>,
    cores: Vec<Core>,
}

/// What one place in the source did to one line.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Site {
    file: String,
    line: u32,
    column: u32,
    bytes: (u8, u8),
    counts: Counts,
}

/// What one core did to one line.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Core {
    core: usize,
    counts: Counts,
}

impl Report {
    pub(crate) fn new(machine: &Machine, measured: &Measurements) -> Report {
        let elapsed = |picoseconds: u64| Duration::from_nanos(picoseconds / 1000);
        let phases = measured.phases.iter().enumerate();
        let phases = phases.map(|(i, phase)| {
            let of_phase = |tally: &Tally| tally.phase as usize == i;
            Section::new(phase.name.clone(), elapsed(phase.elapsed), &measured.lines, of_phase)
        });
        Report {
            machine: machine.name.clone(),
            threads: measured.threads,
            phases: phases.collect(),
            total: Section::new("total".into(), elapsed(measured.elapsed), &measured.lines, |_| true),
        }
    }

    /// The name of the [`Machine`](crate::Machine).
    pub fn machine(&self) -> &str {
        &self.machine
    }

    /// How many threads the program had, from beginning to end.
    pub fn threads(&self) -> usize {
        self.threads
    }

    /// The whole program.
    pub fn total(&self) -> &Section {
        &self.total
    }

    /// The phases, in the order in which they first began; the first is `"start"`.
    pub fn phases(&self) -> &[Section] {
        &self.phases
    }

    /// One phase.
    ///
    /// # Panics
    /// If the program named no such phase; the message lists those it named.
    pub fn phase(&self, name: &str) -> &Section {
        self.phases.iter().find(|phase| phase.name == name).unwrap_or_else(|| {
            let names: Vec<_> = self.phases.iter().map(|phase| phase.name.as_str()).collect();
            panic!("no phase of this program is called {name:?}, only {names:?}")
        })
    }

    /// Virtual time from the start to the end of the last thread.
    pub fn elapsed(&self) -> Duration {
        self.total.elapsed
    }

    /// Every line the program touched, by name.
    pub fn lines(&self) -> &[Line] {
        &self.total.lines
    }

    bill!(total.counts);
}

impl Section {
    fn new(name: String, elapsed: Duration, touched: &[engine::Line], wanted: impl Fn(&Tally) -> bool) -> Section {
        let mut counts = Counts::default();
        let mut lines = Vec::new();
        for (name, line) in touched.iter().enumerate() {
            if let Some(line) = Line::new(name, line, &wanted) {
                counts.add(&line.counts);
                lines.push(line);
            }
        }
        Section {
            name,
            elapsed,
            counts,
            lines,
        }
    }

    /// The name given to [`phase`](crate::phase), or `"total"`.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Virtual time between the calls of [`phase`](crate::phase) that began and ended it, or to the
    /// program's end.
    pub fn elapsed(&self) -> Duration {
        self.elapsed
    }

    /// The lines touched in this phase, by name.
    pub fn lines(&self) -> &[Line] {
        &self.lines
    }

    /// The lines with false-sharing misses, the worst first.
    pub fn falsely_shared(&self) -> Vec<&Line> {
        let mut lines: Vec<_> = self
            .lines
            .iter()
            .filter(|line| line.false_sharing_misses() > 0)
            .collect();
        lines.sort_by_key(|line| core::cmp::Reverse(line.false_sharing_misses()));
        lines
    }

    /// Transactions for each of `operations`.
    ///
    /// # Panics
    /// If `operations` is 0.
    pub fn transactions_per(&self, operations: u64) -> f64 {
        assert!(
            operations > 0,
            "the number of operations to divide by is at least 1, not 0"
        );
        self.transactions() as f64 / operations as f64
    }

    bill!(counts);
}

impl Line {
    /// The line, unless no wanted tally touches it.
    fn new(name: usize, line: &engine::Line, wanted: &impl Fn(&Tally) -> bool) -> Option<Line> {
        let mut counts = Counts::default();
        let mut sites: BTreeMap<(&str, u32, u32), Site> = BTreeMap::new();
        let mut cores: BTreeMap<usize, Core> = BTreeMap::new();
        for copy in &line.copies {
            for tally in copy.tallies.iter().filter(|tally| wanted(tally)) {
                counts.add(&tally.counts);
                let core = usize::from(copy.core);
                cores
                    .entry(core)
                    .or_insert_with(|| Core {
                        core,
                        counts: Counts::default(),
                    })
                    .counts
                    .add(&tally.counts);
                let (file, line, column) = (tally.site.file(), tally.site.line(), tally.site.column());
                let site = sites.entry((file, line, column)).or_insert_with(|| Site {
                    file: file.to_owned(),
                    line,
                    column,
                    bytes: tally.bytes,
                    counts: Counts::default(),
                });
                site.bytes = (site.bytes.0.min(tally.bytes.0), site.bytes.1.max(tally.bytes.1));
                site.counts.add(&tally.counts);
            }
        }
        let touched = !sites.is_empty();
        let (sites, cores) = (sites.into_values().collect(), cores.into_values().collect());
        touched.then_some(Line {
            name,
            counts,
            sites,
            cores,
        })
    }

    /// The line's name: how many lines the program touched before it.
    pub fn name(&self) -> usize {
        self.name
    }

    /// The places in the source that touched the line, by file, line and column.
    pub fn sites(&self) -> &[Site] {
        &self.sites
    }

    /// The cores that touched the line, by number.
    pub fn cores(&self) -> &[Core] {
        &self.cores
    }

    bill!(counts);
}

impl Site {
    /// The source file, as the compiler was given it.
    pub fn file(&self) -> &str {
        &self.file
    }

    /// The line in the source file, from 1.
    pub fn line(&self) -> u32 {
        self.line
    }

    /// The column in that line, from 1.
    pub fn column(&self) -> u32 {
        self.column
    }

    /// The bytes of the cache line that the site touched, as offsets: from the first to one past
    /// the last. Empty if it only fetched the line as the neighbour of another.
    pub fn bytes(&self) -> core::ops::Range<usize> {
        let (from, to) = self.bytes;
        if from < to {
            usize::from(from)..usize::from(to)
        } else {
            0..0
        }
    }

    bill!(counts);
}

impl Core {
    /// The core's number.
    pub fn core(&self) -> usize {
        self.core
    }

    bill!(counts);
}
