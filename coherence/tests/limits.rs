//! What a simulation may take, as `Simulation` sets it.

use std::time::Duration;

use coherence::hint::spin_loop;
use coherence::sync::atomic::{AtomicU32, AtomicU64, Ordering::*};
use coherence::{Failure, Machine, Simulation, futex};

mod watchdog;
use watchdog::{alone, is_alone, within};

/// Two threads that take turns for ever, and change memory each time: nothing but the limit ends
/// them.
fn turns(limit: Duration) -> Failure {
    within(move || {
        let turn = AtomicU64::new(0);
        let result = Simulation::new(&Machine::flat(2)).time_limit(limit).try_run(2, |i| {
            loop {
                while turn.load(Acquire) % 2 != i as u64 {
                    spin_loop();
                }
                turn.fetch_add(1, Release);
            }
        });
        result.expect_err("it is endless")
    })
}

#[test]
fn a_program_that_is_not_done_in_time_is_a_failure() {
    let limit = Duration::from_millis(2);
    let failure = turns(limit);
    let text = failure.to_string();
    let Failure::OutOfTime {
        limit: reported,
        waiting,
    } = failure
    else {
        panic!("another failure: {text}");
    };
    assert_eq!(reported, limit);
    assert_eq!(waiting.iter().map(|w| w.thread).collect::<Vec<_>>(), [0, 1]);
    assert!(
        text.contains("2ms") && text.contains(&format!(" at {}:", file!())),
        "{text}"
    );
    assert!(matches!(turns(Duration::ZERO), Failure::OutOfTime { .. }));
}

#[test]
fn loops_that_take_no_turns_of_their_own_end_too() {
    let word = AtomicU32::new(0);
    let loops: [&(dyn Fn() + Sync); 3] = [
        &|| loop {
            word.fetch_add(1, Relaxed);
            (0..1000).for_each(|_| spin_loop());
        },
        &|| loop {
            word.fetch_add(1, Relaxed);
            futex::wake(&word, 1);
        },
        // Nothing happens before the time-out, and that comes too late.
        &|| _ = futex::wait(&word, word.load(Relaxed), Some(Duration::from_secs(3))),
    ];
    for body in loops {
        let simulation = Simulation::new(&Machine::flat(1)).time_limit(Duration::from_millis(10));
        let result = simulation.try_run(1, |_| body());
        assert!(matches!(result, Err(Failure::OutOfTime { .. })), "{result:?}");
    }
}

#[test]
fn a_program_that_is_done_in_time_is_none() {
    let simulation = Simulation::new(&Machine::flat(1)).time_limit(Duration::from_millis(1));
    let report = simulation.run(1, |_| (0..10_000).for_each(|_| spin_loop()));
    assert_eq!(report.elapsed(), Duration::from_micros(200));
    // However large, a limit is no longer than the clock.
    let forever = Simulation::new(&Machine::flat(1)).time_limit(Duration::MAX);
    assert_eq!(forever.model(|| ()).threads(), 1);
}

#[inline(never)]
fn recurse(depth: u64) -> u64 {
    let here = std::hint::black_box([depth; 128]);
    if depth == 0 {
        0
    } else {
        recurse(depth - 1) + here[(depth % 128) as usize]
    }
}

#[test]
fn a_larger_stack_holds_more() {
    let test = "a_larger_stack_holds_more";
    // Four megabytes and more of frames.
    let body = |_: usize| assert!(recurse(4096) > 0);
    if is_alone(test) {
        Simulation::new(&Machine::flat(1)).run(1, body);
        return;
    }
    Simulation::new(&Machine::flat(1)).stack_size(64 << 20).run(1, body);
    let (output, text) = alone(test, None);
    assert!(!output.status.success(), "the control fits into the default: {text}");
}

#[test]
fn a_stack_of_no_size_is_one_still() {
    let report = Simulation::new(&Machine::flat(2)).stack_size(0).run(4, |i| {
        assert!(std::panic::catch_unwind(|| panic!("{i}")).is_err());
    });
    assert_eq!(report.threads(), 4);
}

#[test]
fn a_stack_beyond_all_memory_is_a_failure() {
    for size in [1 << 60, usize::MAX] {
        let failure = Simulation::new(&Machine::flat(1)).stack_size(size).try_run(2, |_| ());
        let failure = failure.expect_err("there is no such stack");
        assert!(matches!(failure, Failure::NoStack { thread: 0, .. }), "{failure}");
    }
}
