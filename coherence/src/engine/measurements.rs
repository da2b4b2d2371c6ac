//! What a simulation has counted, when it is over.

use super::directory::Line;
use super::phases::Phase;

pub(crate) struct Measurements {
    /// How many threads there were.
    pub(crate) threads: usize,
    /// The end of the last thread, in picoseconds.
    pub(crate) elapsed: u64,
    pub(crate) phases: Vec<Phase>,
    /// Every line touched, by name.
    pub(crate) lines: Vec<Line>,
}
