//! Programs that ask for too much or never end: each gets a sentence.

use std::time::Duration;

use coherence::hint::spin_loop;
use coherence::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering::*, fence};
use coherence::time::Instant;
use coherence::{Machine, futex, thread};

mod watchdog;
use watchdog::{alone, is_alone, within};

fn why<T>(result: Result<T, coherence::Failure>) -> String {
    match result {
        Ok(_) => "no failure".into(),
        Err(failure) => failure.to_string(),
    }
}

#[test]
fn waits_that_only_time_out_are_a_deadlock() {
    let here = line!() + 5;
    let text = within(|| {
        let words = [const { AtomicU32::new(0) }; 2];
        why(coherence::try_run(&Machine::flat(2), 2, |i| {
            while words[i].load(Acquire) == 0 {
                futex::wait(&words[i], 0, Some(Duration::from_millis(1)));
            }
        }))
    });
    assert!(text.starts_with("deadlock: 2 simulated threads"), "{text}");
    assert!(
        text.contains(&format!("{}:{}", file!(), here)) || text.contains(&format!("{}:{}", file!(), here + 1)),
        "{text}"
    );
}

#[test]
fn endless_loops_of_anything_are_a_deadlock() {
    let machine = || {
        Machine::builder("a kernel that costs nothing")
            .cores(1)
            .syscall_ns(0.0)
            .fence_ns(0.0)
            .build()
            .expect("a fine machine")
    };
    let loops: [(&str, fn()); 4] = [
        ("fences", || fence(SeqCst)),
        ("yields", || thread::yield_now()),
        ("wakes", || _ = futex::wake(&AtomicU32::new(0), 1)),
        ("phases", || coherence::phase("again")),
    ];
    for (what, turn) in loops {
        let text = within(move || {
            why(coherence::try_run(&machine(), 1, |_| {
                loop {
                    turn();
                }
            }))
        });
        assert!(text.starts_with("deadlock: 1 simulated thread waits"), "{what}: {text}");
        assert!(text.contains(&format!(" at {}:", file!())), "{what}: {text}");
    }
}

#[test]
fn a_deadlock_by_the_clock_names_a_place() {
    let here = line!() + 5;
    let text = within(|| {
        let flag = AtomicBool::new(false);
        why(coherence::try_run(&Machine::flat(1), 1, |_| {
            while !flag.load(Acquire) {
                _ = Instant::now();
            }
        }))
    });
    let at = |line: u32| text.ends_with(&format!(" at {}:{line}", file!()));
    assert!(at(here) || at(here - 1), "{text}");
    assert!(text.starts_with("deadlock: 1 simulated thread waits"), "{text}");
}

#[test]
fn a_time_out_beyond_the_clock_is_none() {
    for timeout in [
        Duration::MAX,
        Duration::from_secs(1 << 40),
        Duration::from_nanos(u64::MAX),
        Duration::from_secs(1 << 23),
    ] {
        let text = within(move || {
            let word = AtomicU32::new(0);
            why(coherence::try_run(&Machine::flat(1), 2, |_| {
                futex::wait(&word, 0, Some(timeout));
                // The last of them ends before the end of time; a second wait would not.
                futex::wait(&word, 0, Some(timeout));
            }))
        });
        assert!(text.starts_with("deadlock: 2 simulated threads"), "{timeout:?}: {text}");
    }
}

#[test]
fn virtual_time_does_not_wrap() {
    let text = within(|| {
        let machine = Machine::builder("slow")
            .cores(1)
            .rmw_ns(1e9)
            .build()
            .expect("a fine machine");
        let word = AtomicU64::new(0);
        why(coherence::try_run(&machine, 1, |_| {
            (0..20_000_000).for_each(|_| _ = word.fetch_add(1, Relaxed));
        }))
    });
    assert!(text.contains("virtual time"), "{text}");
}

#[inline(never)]
fn recurse(depth: u64) -> u64 {
    let here = std::hint::black_box([depth; 16]);
    if depth == u64::MAX {
        here[3]
    } else {
        recurse(depth + 1) + here[(depth % 16) as usize]
    }
}

#[cfg(unix)]
#[test]
fn a_stack_that_overflows_says_so() {
    let test = "a_stack_that_overflows_says_so";
    if is_alone(test) {
        coherence::run(&Machine::flat(2), 2, |i| assert!(i == 0 || recurse(0) > 0));
        return;
    }
    let (output, text) = alone(test, None);
    assert!(!output.status.success());
    assert!(
        text.contains("simulated thread 1 has overflowed its stack of 1048576 bytes"),
        "{text}"
    );
}

/// The OS thread's own overflow still gets the sentence of std.
#[cfg(unix)]
#[test]
fn the_stack_of_another_that_overflows_is_not_ours() {
    let test = "the_stack_of_another_that_overflows_is_not_ours";
    if is_alone(test) {
        coherence::run(&Machine::flat(2), 2, |_| ());
        assert!(recurse(0) > 0);
        return;
    }
    let (output, text) = alone(test, None);
    assert!(!output.status.success());
    assert!(
        text.contains("has overflowed its stack") && !text.contains("simulated"),
        "{text}"
    );
}

#[cfg(target_os = "linux")]
#[test]
fn more_stacks_than_there_is_room_for_are_a_failure() {
    let test = "more_stacks_than_there_is_room_for_are_a_failure";
    if is_alone(test) {
        let word = AtomicU32::new(0);
        let result = coherence::try_run(&Machine::flat(1000), 65_536, |_| _ = futex::wait(&word, 0, None));
        println!("RESULT {}", why(result));
        return;
    }
    let (output, text) = alone(test, Some(3_000_000));
    assert!(output.status.success(), "{text}");
    assert!(text.contains("RESULT no stack for simulated thread "), "{text}");
}

#[test]
fn threads_that_come_and_go_need_no_stack_each() {
    let report = within(|| {
        let word = AtomicU32::new(0);
        coherence::run(&Machine::flat(4), 65_536, |_| _ = word.fetch_add(1, Relaxed))
    });
    assert_eq!(report.threads(), 65_536);
}

#[test]
fn one_thread_too_many_is_refused() {
    let text = within(|| {
        why(coherence::try_model(&Machine::flat(1), || {
            for _ in 0..65_536 {
                thread::spawn(|| ()).join().expect("no panic");
            }
        }))
    });
    assert_eq!(
        text,
        "simulated thread 0 panicked: a simulation has at most 65536 threads"
    );
}

#[test]
fn a_handle_of_another_simulation_is_joined_by_itself() {
    let handles = within(|| {
        let handles = std::sync::Mutex::new(Vec::new());
        coherence::model(&Machine::flat(2), || {
            for n in 0..3 {
                handles.lock().expect("no panic").push(thread::spawn(move || n));
            }
        });
        handles.into_inner().expect("no panic")
    });
    // Neither the index of the caller itself, nor of a thread that runs for long, nor of none is
    // waited for.
    let report = within(|| {
        coherence::model(&Machine::flat(1), || {
            for (n, handle) in handles.into_iter().enumerate() {
                assert_eq!(handle.join().expect("it has ended"), n);
            }
        })
    });
    assert!(report.elapsed() < Duration::from_micros(1), "{report}");
    let handle = within(|| {
        let handle = std::sync::Mutex::new(None);
        let failure = coherence::try_model(&Machine::flat(2), || {
            *handle.lock().expect("no panic") = Some(thread::spawn(|| {
                loop {
                    spin_loop();
                }
            }));
            panic!("the cause");
        });
        assert!(failure.is_err());
        handle.into_inner().expect("no panic").expect("spawned")
    });
    let text = within(|| {
        why(coherence::try_model(&Machine::flat(1), || {
            _ = handle.join();
        }))
    });
    assert!(
        text.contains("simulated thread 1 is joined outside its simulation"),
        "{text}"
    );
}

/// A hook that uses the atomics of a simulation, in each of the panics that the engine makes
/// itself.
#[test]
fn a_panic_hook_may_touch_a_simulated_atomic() {
    static PANICS: AtomicU32 = AtomicU32::new(0);
    let test = "a_panic_hook_may_touch_a_simulated_atomic";
    if !is_alone(test) {
        let (output, text) = alone(test, None);
        assert!(output.status.success(), "{text}");
        return;
    }
    std::panic::set_hook(Box::new(|_| _ = PANICS.fetch_add(1, Relaxed)));
    let nested = coherence::try_run(&Machine::flat(1), 1, |_| {
        coherence::run(&Machine::flat(1), 1, |_| ());
    });
    assert!(why(nested).contains("inside another simulation"));
    let many = coherence::try_model(&Machine::flat(1), || {
        (0..65_536).for_each(|_| drop(thread::spawn(|| ())))
    });
    assert!(why(many).contains("at most 65536 threads"));
    assert_eq!(PANICS.load(Relaxed), 2);
}

#[test]
fn one_thread_is_a_thread() {
    let text = within(|| {
        why(coherence::try_run(&Machine::flat(1), 1, |_| {
            _ = futex::wait(&AtomicU32::new(0), 0, None)
        }))
    });
    assert!(text.starts_with("deadlock: 1 simulated thread waits"), "{text}");
}

struct PanicsOnDrop(&'static str);

impl Drop for PanicsOnDrop {
    fn drop(&mut self) {
        assert!(std::thread::panicking() || self.0.is_empty(), "{}", self.0);
    }
}

/// Values that panic when they are dropped: what a thread returns that no thread joins, what it
/// panics with, what it keeps in a thread-local.
#[test]
fn a_value_that_panics_when_it_is_dropped_is_a_panic_of_its_thread() {
    coherence::thread_local! {
        static KEPT: PanicsOnDrop = const { PanicsOnDrop("kept") };
    }
    let text = within(|| {
        why(coherence::try_model(&Machine::flat(2), || {
            drop(thread::spawn(|| PanicsOnDrop("returned")))
        }))
    });
    assert_eq!(text, "simulated thread 1 panicked: returned");
    let text = within(|| {
        why(coherence::try_run(&Machine::flat(1), 1, |_| {
            std::panic::panic_any(PanicsOnDrop("thrown"))
        }))
    });
    assert_eq!(text, "simulated thread 0 panicked: (no message)");
    let text = within(|| {
        why(coherence::try_model(&Machine::flat(2), || {
            drop(thread::spawn(|| std::panic::panic_any(PanicsOnDrop("thrown"))))
        }))
    });
    assert_eq!(text, "simulated thread 1 panicked: thrown");
    let text = within(|| why(coherence::try_run(&Machine::flat(1), 1, |_| KEPT.with(|_| ()))));
    assert_eq!(text, "simulated thread 0 panicked: kept");
}
