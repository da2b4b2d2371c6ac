//! The report as text.

use core::fmt;

use super::{Line, Report, Section, Site};
use crate::counts::Counts;

/// A report names at most so many lines; the rest is summed up.
const LINES: usize = 16;

impl fmt::Display for Report {
    /// A table of phases, then the lines with the most transactions, falsely shared ones first,
    /// each with the source sites that touched it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let threads = if self.threads == 1 { "thread" } else { "threads" };
        writeln!(
            f,
            "{} {threads} on {}, {:?}",
            self.threads,
            self.machine,
            self.elapsed()
        )?;
        heading(f, "phase")?;
        let phases = if self.phases.len() > 1 {
            self.phases.as_slice()
        } else {
            &[]
        };
        for section in phases.iter().chain([&self.total]) {
            row(f, &section.name, &section.counts)?;
        }
        lines(f, &self.total)
    }
}

impl fmt::Display for Section {
    /// As for the whole report, of one phase.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        heading(f, "phase")?;
        row(f, &self.name, &self.counts)?;
        lines(f, self)
    }
}

impl fmt::Display for Line {
    /// The line's counters, and below them those of each source site.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        row(f, &format!("line {}", self.name), &self.counts)?;
        for site in &self.sites {
            row(f, &format!("  {site}"), &site.counts)?;
        }
        Ok(())
    }
}

impl fmt::Display for Site {
    /// `file:line`, and the bytes of the cache line that it touches.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bytes = self.bytes();
        write!(f, "{}:{} [{}..{}]", self.file, self.line, bytes.start, bytes.end)
    }
}

fn lines(f: &mut fmt::Formatter<'_>, section: &Section) -> fmt::Result {
    let mut lines: Vec<&Line> = section.lines.iter().collect();
    lines.sort_by_key(|line| core::cmp::Reverse((line.false_sharing_misses(), line.transactions())));
    writeln!(f)?;
    heading(f, "line and source [bytes]")?;
    let (shown, rest) = lines.split_at(lines.len().min(LINES));
    shown.iter().try_for_each(|line| write!(f, "{line}"))?;
    if rest.is_empty() {
        return Ok(());
    }
    let mut counts = Counts::default();
    rest.iter().for_each(|line| counts.add(&line.counts));
    let lines = if rest.len() == 1 { "line" } else { "lines" };
    row(f, &format!("{} more {lines}", rest.len()), &counts)
}

fn heading(f: &mut fmt::Formatter<'_>, first: &str) -> fmt::Result {
    let columns = [
        "GetS", "GetM", "upgrade", "sum", "invalid.", "cold", "true", "FALSE", "hits",
    ];
    write!(f, "{first:<48}")?;
    columns.iter().try_for_each(|column| write!(f, " {column:>8}"))?;
    writeln!(f)
}

fn row(f: &mut fmt::Formatter<'_>, name: &str, c: &Counts) -> fmt::Result {
    let sum = c.get_shared + c.get_modified + c.upgrades;
    let misses = [c.cold_misses, c.true_sharing_misses, c.false_sharing_misses];
    write!(f, "{name:<48}")?;
    for count in [c.get_shared, c.get_modified, c.upgrades, sum, c.invalidations]
        .iter()
        .chain(&misses)
        .chain([&c.hits])
    {
        write!(f, " {count:>8}")?;
    }
    writeln!(f)
}
