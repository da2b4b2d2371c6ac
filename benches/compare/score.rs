//! What a subject has reached, and how it is shown.

use hdrhistogram::Histogram;

use crate::document::{Plot, Section, Series, Table};
use crate::harness::{Beside, Heat, ThreadConfig, cores};

/// All scores of one benchmark, by config.
pub type Scores = Vec<(ThreadConfig, Vec<Score>)>;

/// What one subject has reached in one config.
pub struct Score {
    /// Its name.
    pub name: &'static str,
    /// Whether it is linchpin's.
    pub ours: bool,
    /// The times of acquisitions, if they were measured.
    pub tail: Option<Histogram<u64>>,
    throughput: Vec<f64>,
    fairness: Vec<f64>,
}

impl Score {
    /// Before the first round.
    pub fn new(name: &'static str, ours: bool) -> Self {
        Score {
            name,
            ours,
            tail: None,
            throughput: vec![],
            fairness: vec![],
        }
    }

    /// Counts a round.
    pub fn add(&mut self, run: &Heat) {
        self.throughput.push(run.throughput());
        self.fairness.push(run.fairness());
    }

    /// Counts a round of one thread, which has told its acquisitions per second.
    pub fn add_rate(&mut self, rate: f64) {
        self.throughput.push(rate);
        self.fairness.push(1.0);
    }

    /// The time within which that part of the acquisitions came, in nanoseconds.
    pub fn within(&self, part: f64) -> Option<u64> {
        self.tail.as_ref().map(|tail| tail.value_at_quantile(part))
    }

    /// Acquisitions per second, the median of all rounds.
    pub fn throughput(&self) -> f64 {
        median(self.throughput.clone())
    }

    /// The acquisitions of the slowest thread over those of the fastest, the median of all rounds.
    pub fn fairness(&self) -> f64 {
        median(self.fairness.clone())
    }

    /// The throughput of this over that of `other`: the median of the rounds in which both took part.
    pub fn over(&self, other: &Score) -> f64 {
        median(
            self.throughput
                .iter()
                .zip(&other.throughput)
                .map(|(ours, theirs)| ours / theirs)
                .collect(),
        )
    }
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// The name of a config.
pub fn label(config: ThreadConfig) -> String {
    let threads = match (config.threads, config.one_cpu) {
        (1, _) => "alone".into(),
        (threads, true) => format!("{threads} on 1 CPU"),
        (threads, false) if threads == cores() => format!("{threads}, 1 per core"),
        (threads, false) => format!("{threads} threads"),
    };
    match config.beside {
        Beside::Nothing => threads,
        Beside::BusyPerCore(number) => format!("{threads}, {number}/core busy"),
        Beside::Asleep(number) => format!("{threads}, {number} asleep"),
        Beside::HaveRead { threads: number, ended } => {
            format!("{threads}, {number} {}", if ended { "ended" } else { "idle" })
        }
    }
}

/// The one with the best throughput.
pub fn best<'scores>(scores: impl Iterator<Item = &'scores Score>) -> Option<&'scores Score> {
    scores.max_by(|one, other| one.throughput().total_cmp(&other.throughput()))
}

/// A benchmark, for the report.
pub fn section(title: &str, scores: &Scores) -> Section {
    // Not all take part under every load.
    let mut names: Vec<(&str, bool)> = vec![];
    for score in scores.iter().flat_map(|(_, scores)| scores) {
        if !names.contains(&(score.name, score.ours)) {
            names.push((score.name, score.ours));
        }
    }
    let of = |scores: &[Score], name: &str| scores.iter().position(|score| score.name == name);
    let places: Vec<String> = scores.iter().map(|(config, _)| label(*config)).collect();
    let table = |caption: &str, names: &[&str], cell: &dyn Fn(ThreadConfig, &[Score], &Score) -> String| Table {
        caption: caption.into(),
        columns: std::iter::once(String::new()).chain(places.iter().cloned()).collect(),
        rows: names
            .iter()
            .map(|name| {
                let cells = scores.iter().map(|(config, scores)| match of(scores, name) {
                    Some(number) => cell(*config, scores, &scores[number]),
                    None => String::new(),
                });
                std::iter::once((*name).to_owned()).chain(cells).collect()
            })
            .collect(),
    };
    let plot = |title: &str, values: &str, value: &dyn Fn(&Score) -> f64| Plot {
        title: title.into(),
        places: places.clone(),
        values: values.into(),
        series: names
            .iter()
            .map(|(name, _)| Series {
                name: (*name).to_owned(),
                points: scores
                    .iter()
                    .map(|(_, scores)| of(scores, name).map_or(0.0, |number| value(&scores[number])))
                    .collect(),
            })
            .collect(),
    };

    let all: Vec<&str> = names.iter().map(|(name, _)| *name).collect();
    let ours: Vec<&str> = names.iter().filter(|(_, ours)| *ours).map(|(name, _)| *name).collect();
    let mut tables = vec![
        table(
            "alone: ns per acquisition; else: million acquisitions per second, and slowest/fastest thread",
            &all,
            &|config, _, score| {
                if config.threads == 1 {
                    format!("{:.2} ns", 1e9 / score.throughput())
                } else {
                    format!("{:.2}  {:.2}", score.throughput() / 1e6, score.fairness())
                }
            },
        ),
        table(
            "throughput over that of the best peer, and which that is",
            &ours,
            &|_, scores, score| {
                let peer = best(scores.iter().filter(|score| !score.ours)).expect("each benchmark has a peer");
                format!("{:.2} {}", score.over(peer), peer.name)
            },
        ),
    ];
    let mut plots = vec![plot("throughput", "acquisitions per second", &Score::throughput)];
    if scores.iter().any(|(_, scores)| scores[0].tail.is_some()) {
        let caption = "time to acquire, 50th / 90th / 99th / 99.9th percentile";
        tables.push(table(caption, &all, &|_, _, score| percentiles(score).join(" / ")));
        plots.push(plot("time to acquire, 99.9th percentile", "ns", &|score| {
            score.within(0.999).unwrap_or(0) as f64
        }));
    }
    Section {
        title: title.into(),
        text: vec![],
        tables,
        plots,
        maps: vec![],
    }
}

/// The 50th, 90th, 99th and 99.9th percentile of the time to acquire; nothing, if there was no clock.
pub fn percentiles(score: &Score) -> Vec<String> {
    let parts = [0.5, 0.9, 0.99, 0.999];
    parts.iter().filter_map(|&part| score.within(part)).map(time).collect()
}

/// Nanoseconds, in three digits or so.
fn time(nanoseconds: u64) -> String {
    match nanoseconds {
        0..1_000 => format!("{nanoseconds}n"),
        1_000..10_000 => format!("{:.1}u", nanoseconds as f64 / 1e3),
        10_000..1_000_000 => format!("{}u", nanoseconds / 1_000),
        _ => format!("{:.1}m", nanoseconds as f64 / 1e6),
    }
}
