//! The eight counters of every bill: what the engine counts and the report shows.

/// The counters of a bill, as values.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Counts {
    pub(crate) get_shared: u64,
    pub(crate) get_modified: u64,
    pub(crate) upgrades: u64,
    pub(crate) invalidations: u64,
    pub(crate) cold_misses: u64,
    pub(crate) true_sharing_misses: u64,
    pub(crate) false_sharing_misses: u64,
    pub(crate) hits: u64,
}

impl Counts {
    pub(crate) fn add(&mut self, other: &Counts) {
        self.get_shared += other.get_shared;
        self.get_modified += other.get_modified;
        self.upgrades += other.upgrades;
        self.invalidations += other.invalidations;
        self.cold_misses += other.cold_misses;
        self.true_sharing_misses += other.true_sharing_misses;
        self.false_sharing_misses += other.false_sharing_misses;
        self.hits += other.hits;
    }
}

/// The methods that read the [`Counts`] at this path.
macro_rules! bill {
    ($($path:ident).+) => {
        /// The counters, as values.
        pub fn counts(&self) -> Counts {
            self.$($path).+
        }

        /// GetS transactions: loads that missed.
        pub fn get_shared(&self) -> u64 {
            self.$($path).+.get_shared
        }

        /// GetM transactions: stores and read-modify-writes that missed.
        pub fn get_modified(&self) -> u64 {
            self.$($path).+.get_modified
        }

        /// Upgrade transactions: stores and read-modify-writes of a line that the core held only
        /// for reading.
        pub fn upgrades(&self) -> u64 {
            self.$($path).+.upgrades
        }

        /// All coherence transactions: the sum of the three.
        pub fn transactions(&self) -> u64 {
            self.get_shared() + self.get_modified() + self.upgrades()
        }

        /// Copies of lines that other cores lost, counted where they were caused.
        pub fn invalidations(&self) -> u64 {
            self.$($path).+.invalidations
        }

        /// Misses that were the core's first on the line.
        pub fn cold_misses(&self) -> u64 {
            self.$($path).+.cold_misses
        }

        /// Misses that brought something another core had written.
        pub fn true_sharing_misses(&self) -> u64 {
            self.$($path).+.true_sharing_misses
        }

        /// Misses that brought nothing the core needed: the other core wrote other bytes of the
        /// line.
        pub fn false_sharing_misses(&self) -> u64 {
            self.$($path).+.false_sharing_misses
        }

        /// Accesses that needed no transaction. A dormant thread, whose spin loop is not simulated,
        /// has none.
        pub fn hits(&self) -> u64 {
            self.$($path).+.hits
        }
    };
}

pub(crate) use bill;
