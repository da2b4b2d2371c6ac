//! The table of `tests/comparison/floors.rs`, as it would be written today.

use bills::{Kind, Point, Row, compare};

/// How many drawings of random times a floor is the lowest ratio of.
const DRAWINGS: u64 = 3;

/// Prints it: what falls short of 1 is rounded down to two decimals.
pub fn print() {
    for row in Kind::ALL.into_iter().flat_map(Row::all) {
        let points: Vec<Point> = row.points().collect();
        let drawings: Vec<_> = (0..DRAWINGS).map(|drawing| compare(&points, drawing)).collect();
        let floors: Vec<String> = (0..points.len())
            .map(|place| {
                let ratios = drawings.iter().map(|comparisons| comparisons[place].ratio());
                let lowest = ratios.fold(1.0, f64::min);
                format!("{:.2}", (lowest * 100.0).floor() / 100.0)
            })
            .collect();
        println!("(\"{}: {}\", &[{}]),", row.kind.name(), row.name(), floors.join(", "));
    }
}
