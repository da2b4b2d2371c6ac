//! Which comparisons there are.

use std::time::Duration;

use super::Placement;

/// Which lock, and how often it is written.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    /// A mutex.
    Mutex,
    /// A reader-writer lock that is only read.
    Read,
    /// One write in twenty.
    Mixed,
    /// One write in two.
    Written,
}

impl Kind {
    /// All of them.
    pub const ALL: [Kind; 4] = [Kind::Mutex, Kind::Read, Kind::Mixed, Kind::Written];

    /// Its name in a table.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Kind::Mutex => "Mutex",
            Kind::Read => "RwLock, reads only",
            Kind::Mixed => "RwLock, 1 write in 20",
            Kind::Written => "RwLock, 1 write in 2",
        }
    }

    /// Whether the next acquisition writes.
    pub(super) fn writes(self, random: u64) -> bool {
        match self {
            Kind::Mutex => true,
            Kind::Read => false,
            Kind::Mixed => random.is_multiple_of(20),
            Kind::Written => random.is_multiple_of(2),
        }
    }
}

/// How long a critical section is, and how long a thread stays outside. All times are drawn evenly from zero to twice
/// the mean.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Load {
    /// A line of data inside, nothing outside.
    None,
    /// A line of data and 4 pauses inside, 8 outside.
    Short,
    /// A line of data and 20 pauses inside, 60 outside.
    Long,
}

impl Load {
    /// Those that make sense there (see the [module](super)).
    #[must_use]
    pub fn at(placement: Placement) -> &'static [Load] {
        if placement == Placement::TwoCores {
            &[Load::None, Load::Short, Load::Long]
        } else {
            &[Load::Short, Load::Long]
        }
    }

    /// Its name in a table.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Load::None => "none",
            Load::Short => "short",
            Load::Long => "long",
        }
    }

    /// Pauses inside, and outside, on average.
    #[must_use]
    pub fn pauses(self) -> (u64, u64) {
        match self {
            Load::None => (0, 0),
            Load::Short => (4, 8),
            Load::Long => (20, 60),
        }
    }
}

/// Comparisons that differ in the number of cores only: a row of a table.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Row {
    /// Where.
    pub placement: Placement,
    /// Threads on each core.
    pub threads_per_core: usize,
    /// Which lock.
    pub kind: Kind,
    /// How busy.
    pub load: Load,
}

impl Row {
    /// All of a kind.
    pub fn all(kind: Kind) -> impl Iterator<Item = Row> {
        Placement::ALL.into_iter().flat_map(move |placement| {
            Load::at(placement).iter().flat_map(move |load| {
                [1, 2].map(|threads_per_core| Row {
                    placement,
                    threads_per_core,
                    kind,
                    load: *load,
                })
            })
        })
    }

    /// Its name in a table of its kind.
    #[must_use]
    pub fn name(&self) -> String {
        let threads = if self.threads_per_core == 1 {
            ""
        } else {
            ", 2 threads a core"
        };
        format!("{}, {}{threads}", self.placement.name(), self.load.name())
    }

    /// Its comparisons.
    pub fn points(self) -> impl Iterator<Item = Point> {
        self.placement.cores().iter().map(move |cores| Point {
            row: self,
            cores: *cores,
        })
    }
}

/// One comparison.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Point {
    /// Where, and with what.
    pub row: Row,
    /// How many cores take part.
    pub cores: usize,
}

impl Point {
    /// How many threads compete: one or two on each core.
    #[must_use]
    pub fn threads(&self) -> usize {
        self.cores * self.row.threads_per_core
    }

    /// The warm-up, and what counts.
    pub(super) fn times(&self) -> (Duration, Duration) {
        // Time slices are 3 ms long.
        let (warm_up, length) = if self.row.threads_per_core == 1 {
            (500, 1_500)
        } else {
            (1_500, 4_500)
        };
        (Duration::from_micros(warm_up), Duration::from_micros(length))
    }
}
