//! A report as its parts: what a bench writes and `cargo xtask bench` prints and draws.
//!
//! The benches include this file, so that both sides have the same shape.

use serde::{Deserialize, Serialize};

/// A chapter of the report.
#[derive(Serialize, Deserialize)]
pub struct Section {
    /// Its heading.
    pub title: String,
    /// Paragraphs, before the tables.
    pub text: Vec<String>,
    /// Tables, printed and drawn.
    pub tables: Vec<Table>,
    /// Plots, only drawn.
    pub plots: Vec<Plot>,
    /// Heat maps, only drawn.
    pub maps: Vec<Map>,
}

/// Rows and columns of text.
#[derive(Serialize, Deserialize)]
pub struct Table {
    /// What it shows, and in which units.
    pub caption: String,
    /// The heads of the columns.
    pub columns: Vec<String>,
    /// As many cells in each as there are columns.
    pub rows: Vec<Vec<String>>,
}

/// Lines over places, of which each has a name.
#[derive(Serialize, Deserialize)]
pub struct Plot {
    /// What it shows.
    pub title: String,
    /// The names of the places, from left to right.
    pub places: Vec<String>,
    /// What is drawn, and in which units; the axis is logarithmic.
    pub values: String,
    /// The lines.
    pub series: Vec<Series>,
}

/// One line of a plot.
#[derive(Serialize, Deserialize)]
pub struct Series {
    /// Its name.
    pub name: String,
    /// Its values, one for each place; 0 or less where there is none.
    pub points: Vec<f64>,
}

/// Cache lines by cores.
#[derive(Serialize, Deserialize)]
pub struct Map {
    /// What it shows.
    pub title: String,
    /// A name for each line.
    pub lines: Vec<String>,
    /// For each line, a place for each core.
    pub places: Vec<Vec<Place>>,
}

/// What a core paid for a line.
#[derive(Clone, Default, Serialize, Deserialize)]
pub struct Place {
    /// Coherence transactions.
    pub transactions: u64,
    /// Those of them that were false-sharing misses.
    pub false_sharing: u64,
}
