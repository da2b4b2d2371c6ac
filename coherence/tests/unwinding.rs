//! Threads that have to wait while they unwind: the simulation ends, and says for which panic and
//! where.

use std::sync::Arc;
use std::time::Duration;

use coherence::hint::spin_loop;
use coherence::sync::atomic::{AtomicBool, AtomicU32, AtomicUsize, Ordering::*};
use coherence::time::Instant;
use coherence::{Machine, futex, thread};

mod watchdog;
use watchdog::within;

/// Calls a function when it is dropped.
struct OnDrop<F: FnMut()>(F);

impl<F: FnMut()> Drop for OnDrop<F> {
    fn drop(&mut self) {
        (self.0)();
    }
}

/// What comes of thread 0 panicking with a destructor that waits for `flag`, which thread 1 would
/// set.
fn wait_in_drop(wait: fn(&AtomicBool)) -> String {
    within(move || {
        let flag = AtomicBool::new(false);
        let failure = coherence::try_run(&Machine::flat(2), 2, |i| {
            if i == 0 {
                let _waits = OnDrop(|| wait(&flag));
                panic!("the cause");
            }
            (0..1000).for_each(|_| spin_loop());
            flag.store(true, Release);
        });
        failure.expect_err("a panic").to_string()
    })
}

fn holds(text: &str, line: u32) {
    let place = format!("{}:{line}", file!());
    for part in ["simulated thread 0", "the cause", "while it unwinds", &place] {
        assert!(text.contains(part), "{part:?} is missing: {text}");
    }
}

#[test]
fn spinning_with_a_hint() {
    let here = line!() + 2;
    let text = wait_in_drop(|flag| {
        while !flag.load(Acquire) {
            spin_loop();
        }
    });
    holds(&text, here);
}

#[test]
fn spinning_without() {
    let here = line!() + 1;
    holds(&wait_in_drop(|flag| while !flag.load(Acquire) {}), here);
    let here = line!() + 1;
    holds(&wait_in_drop(|flag| while !flag.fetch_and(true, AcqRel) {}), here);
}

#[test]
fn yielding_and_looking_at_the_clock() {
    let here = line!() + 2;
    let text = wait_in_drop(|flag| {
        while !flag.load(Acquire) {
            thread::yield_now();
        }
    });
    holds(&text, here);
    let here = line!() + 3;
    let text = wait_in_drop(|_| {
        let begin = Instant::now();
        while Instant::now() >= begin {}
    });
    holds(&text, here);
    let here = line!() + 3;
    let text = wait_in_drop(|_| {
        loop {
            spin_loop();
        }
    });
    holds(&text, here);
}

/// A bounded wait runs its course: here no thread sets the flag in time, and the destructor copes.
#[test]
fn a_wait_that_gives_up_is_no_failure() {
    let text = wait_in_drop(|flag| {
        for _ in 0..10_000 {
            if flag.load(Acquire) {
                return;
            }
            spin_loop();
        }
    });
    assert_eq!(text, "simulated thread 0 panicked: the cause");
}

#[test]
fn a_destructor_that_takes_a_lock() {
    let here = line!() + 12;
    let text = within(|| {
        let lock = AtomicBool::new(false);
        let failure = coherence::try_run(&Machine::flat(2), 2, |i| {
            if i == 1 {
                assert!(!lock.swap(true, Acquire));
                (0..1000).for_each(|_| spin_loop());
                lock.store(false, Release);
                return;
            }
            let _takes = OnDrop(|| {
                // The lock is another's, and no other can run.
                while lock.swap(true, Acquire) {
                    spin_loop();
                }
            });
            while !lock.load(Relaxed) {
                spin_loop();
            }
            panic!("the cause");
        });
        failure.expect_err("a panic").to_string()
    });
    holds(&text, here);
}

/// The holder of an MCS lock panics after its successor has put itself at the tail, and before it
/// has linked its node.
#[test]
fn a_holder_whose_successor_links_its_node() {
    let here = line!() + 14;
    let text = within(|| {
        // Nodes are 1 and 2.
        let (tail, next_of_1) = (AtomicUsize::new(0), AtomicUsize::new(0));
        let failure = coherence::try_run(&Machine::flat(2), 2, |i| {
            if i == 1 {
                assert_eq!(tail.swap(2, AcqRel), 1);
                (0..1000).for_each(|_| spin_loop());
                next_of_1.store(2, Release);
                return;
            }
            assert_eq!(tail.swap(1, AcqRel), 0);
            let _unlocks = OnDrop(|| {
                let last = tail.compare_exchange(1, 0, Release, Relaxed).is_ok();
                while !last && next_of_1.load(Acquire) == 0 {
                    spin_loop();
                }
            });
            while tail.load(Relaxed) == 1 {
                spin_loop();
            }
            panic!("the cause");
        });
        failure.expect_err("a panic").to_string()
    });
    holds(&text, here);
}

#[test]
fn sleeping_in_a_futex_or_a_join() {
    let here = line!() + 6;
    for timeout in [None, Some(Duration::from_secs(1))] {
        let text = within(move || {
            let word = AtomicU32::new(0);
            let failure = coherence::try_run(&Machine::flat(2), 2, |i| {
                let _sleeps = OnDrop(|| _ = futex::wait(&word, 0, timeout));
                assert!(i != 0, "the cause");
            });
            failure.expect_err("a panic").to_string()
        });
        holds(&text, here - 1);
    }
    let here = line!() + 4;
    let text = within(|| {
        let failure = coherence::try_model(&Machine::flat(2), || {
            let mut child = Some(thread::spawn(|| (0..1000).for_each(|_| spin_loop())));
            let _joins = OnDrop(|| _ = child.take().map(|child| child.join()));
            panic!("the cause");
        });
        failure.expect_err("a panic").to_string()
    });
    holds(&text, here);
}

#[test]
fn what_does_not_have_to_wait_may_be_done() {
    let failure = within(|| {
        let word = AtomicU32::new(0);
        coherence::try_model(&Machine::flat(2), || {
            let mut child = Some(thread::spawn(|| 5));
            (0..1000).for_each(|_| spin_loop());
            let _works = OnDrop(|| {
                assert_eq!(futex::wait(&word, 1, None), futex::Wakeup::Changed);
                assert_eq!(futex::wake(&word, 1), 0);
                thread::yield_now();
                assert!(child.take().is_some_and(|child| child.join().is_ok()));
                drop(thread::spawn(|| ()));
            });
            panic!("the cause");
        })
    });
    assert_eq!(
        failure.expect_err("a panic").to_string(),
        "simulated thread 0 panicked: the cause"
    );
}

/// A panic that was caught is not taken for the one that unwinds later without a message.
#[test]
fn an_earlier_panic_is_not_to_blame() {
    let text = within(|| {
        let word = AtomicU32::new(0);
        let failure = coherence::try_run(&Machine::flat(1), 1, |_| {
            assert!(std::panic::catch_unwind(|| panic!("another")).is_err());
            word.load(Relaxed);
            thread::yield_now();
            let _sleeps = OnDrop(|| _ = futex::wait(&word, 0, None));
            std::panic::resume_unwind(Box::new(()));
        });
        failure.expect_err("a panic").to_string()
    });
    assert!(text.contains("while it unwinds") && !text.contains("another"), "{text}");
}

/// The OS thread counts as panicking for ever after: the next simulation says so instead of
/// hanging; elsewhere all is well.
#[test]
fn the_next_simulation_refuses_the_thread() {
    let (first, second) = within(|| {
        let word = Arc::new(AtomicU32::new(0));
        let first = coherence::try_run(&Machine::flat(1), 1, |_| {
            let _sleeps = OnDrop(|| _ = futex::wait(&word, 0, None));
            panic!("the cause");
        });
        let next = coherence::try_run(&Machine::flat(2), 2, |i| {
            while word.load(Acquire) != i as u32 {
                spin_loop();
            }
            word.store(i as u32 + 1, Release);
        });
        (
            first.expect_err("a panic").to_string(),
            next.map_err(|failure| failure.to_string()),
        )
    });
    assert!(first.contains("the cause"), "{first}");
    let second = second.expect_err("no thread to run on");
    assert!(
        second.contains("panicking") && second.contains("another OS thread"),
        "{second}"
    );
    assert_eq!(coherence::run(&Machine::flat(1), 1, |_| ()).threads(), 1);
}

#[test]
fn a_destructor_of_the_callers_may_ask() {
    let text = within(|| {
        let mut text = String::new();
        let unwound = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            let _runs = OnDrop(|| {
                text = coherence::try_run(&Machine::flat(1), 1, |_| ())
                    .expect_err("refused")
                    .to_string()
            });
            panic!("outside");
        }));
        assert!(unwound.is_err());
        text
    });
    assert!(text.contains("panicking"), "{text}");
}
