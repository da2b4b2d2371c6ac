//! Holds our sleeping locks against those of std and `parking_lot`, in virtual time: at least as fast, but for the
//! known shortfalls, which may not grow.
#![cfg(linchpin_coherence)]

mod floors;

use bills::{Comparison, Kind, Load, Placement, Point, Row, Subject, assert_machines_are_the_presets, compare};
use floors::FLOORS;

/// How far a ratio may fall below its floor. Any change shifts all that follows it, like other random times: these move
/// half of the ratios by more than a hundredth, and some of those of 64 cores by a half, which is why a floor is the
/// lowest of three.
const SLACK: f64 = 0.05;

fn rows() -> impl Iterator<Item = Row> {
    Kind::ALL.into_iter().flat_map(Row::all)
}

fn name(row: &Row) -> String {
    format!("{}: {}", row.kind.name(), row.name())
}

fn floor(row: &Row, place: usize) -> f64 {
    let listed = FLOORS.iter().find(|(listed, _)| *listed == name(row));
    listed.map_or(1.0, |(_, floors)| floors[place])
}

#[test]
fn ours_are_as_fast_as_the_best_baseline_or_not_slower_than_is_known() {
    let mut below = vec![];
    for row in rows() {
        let points: Vec<Point> = row.points().collect();
        for (place, comparison) in compare(&points, 0).iter().enumerate() {
            let floor = floor(&row, place);
            if comparison.ratio() < floor - SLACK {
                below.push(shortfall(&row, comparison, floor));
            }
        }
    }
    assert!(below.is_empty(), "below their floors:\n{}", below.join("\n"));
}

fn shortfall(row: &Row, comparison: &Comparison, floor: f64) -> String {
    format!(
        "{}, {} cores: {:.3} of {}, floor {floor}",
        name(row),
        comparison.point.cores,
        comparison.ratio(),
        comparison.best().name()
    )
}

#[test]
fn each_floor_is_one_of_a_comparison_and_falls_short_of_it() {
    for (listed, floors) in FLOORS {
        let row = rows().find(|row| name(row) == *listed);
        let row = row.unwrap_or_else(|| panic!("no comparison has the name {listed}"));
        assert_eq!(floors.len(), row.points().count(), "{listed}");
        assert!(floors.iter().all(|floor| (0.0..=1.0).contains(floor)), "{listed}");
        assert!(floors.iter().any(|floor| *floor < 1.0), "{listed} needs no floors");
    }
}

#[test]
fn two_comparisons_with_the_same_random_times_end_alike_and_with_others_do_not() {
    let point = Point {
        row: Row {
            placement: Placement::EpycFar,
            threads_per_core: 2,
            kind: Kind::Mixed,
            load: Load::Short,
        },
        cores: 8,
    };
    // Two of them side by side.
    let comparisons = compare(&[point, point], 0);
    assert_eq!(comparisons[0], comparisons[1]);
    assert_ne!(compare(&[point], 1), comparisons[..1]);
}

#[test]
fn the_machines_are_the_presets() {
    assert_machines_are_the_presets();
}

/// The baselines too are locks: without that it would mean nothing to be faster.
#[test]
fn all_subjects_exclude_and_wake_all_that_wait() {
    for kind in Kind::ALL {
        for threads_per_core in [1, 3] {
            for cores in [2, 8] {
                let row = Row {
                    placement: Placement::EpycFar,
                    threads_per_core,
                    kind,
                    load: Load::Short,
                };
                let point = Point { row, cores };
                for subject in Subject::ALL {
                    let intrusions = point.intrusions(subject, 200);
                    assert_eq!(intrusions, 0, "{}, {}, {cores} cores", subject.name(), name(&row));
                }
            }
        }
    }
}
