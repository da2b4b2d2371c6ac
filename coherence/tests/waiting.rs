//! How threads wait: spinning asleep, bounded loops, time slices, the futex, and programs that
//! never end.

use std::time::Duration;

use coherence::futex::{self, Wakeup};
use coherence::hint::spin_loop;
use coherence::sync::atomic::{AtomicBool, AtomicU32, AtomicUsize, Ordering::*};
use coherence::time::Instant;
use coherence::{Failure, Machine, thread};
use crossbeam_utils::CachePadded;

fn pause(rounds: u32) {
    (0..rounds).for_each(|_| spin_loop());
}

fn waiting(failure: Failure) -> Vec<(usize, String, String)> {
    match failure {
        Failure::Deadlock { waiting } => waiting.into_iter().map(|w| (w.thread, w.what, w.at)).collect(),
        other => panic!("not a deadlock: {other}"),
    }
}

fn sleeps_until_its_line_changes(hint: bool) {
    let flag = CachePadded::new(AtomicBool::new(false));
    let loads = std::sync::atomic::AtomicUsize::new(0);
    let machine = Machine::builder("slow pause")
        .cores(2)
        .pause_ns(1e6)
        .build()
        .expect("a fine machine");
    let report = coherence::run(&machine, 2, |i| {
        if i == 0 {
            pause(1000);
            flag.store(true, Release);
        } else {
            while !flag.load(Acquire) {
                loads.fetch_add(1, Relaxed);
                if hint {
                    spin_loop();
                }
            }
        }
    });
    // One second of virtual time, in which the loop would have gone round some 400 million times.
    // Where it has a hint, it is plain at once that it waits, and does not read.
    let most = if hint { 200 } else { 300_000 };
    assert!(report.elapsed() >= Duration::from_secs(1));
    assert!(loads.into_inner() < most);
    assert!(report.transactions() <= 3, "{report}");
}

#[test]
fn a_spinner_sleeps_until_its_line_changes() {
    sleeps_until_its_line_changes(true);
    sleeps_until_its_line_changes(false);
}

#[test]
fn a_spinner_on_two_words_wakes_for_either() {
    for which in 0..2 {
        let words = [const { CachePadded::new(AtomicBool::new(false)) }; 2];
        coherence::run(&Machine::flat(2), 2, |i| {
            if i == 0 {
                pause(10_000);
                words[which].store(true, Release);
            } else {
                while !words[0].load(Acquire) && !words[1].load(Acquire) {
                    spin_loop();
                }
            }
        });
    }
}

#[test]
fn a_spinner_wakes_for_a_thread_on_its_own_core() {
    let flag = AtomicBool::new(false);
    let report = coherence::run(&Machine::flat(1), 2, |i| {
        if i == 0 {
            while !flag.load(Acquire) {
                spin_loop();
            }
        } else {
            flag.store(true, Release);
        }
    });
    // The second thread runs when the first one's slice of 3 ms is over.
    assert!((3000..3100).contains(&report.elapsed().as_micros()), "{report}");
}

#[test]
fn a_compare_and_swap_loop_and_a_try_lock_loop_wait_too() {
    let lock = AtomicBool::new(true);
    let report = coherence::run(&Machine::flat(3), 3, |i| {
        if i == 0 {
            pause(100_000);
            lock.store(false, Release);
        } else {
            while lock.compare_exchange(false, true, Acquire, Relaxed).is_err() {}
            lock.store(false, Release);
        }
    });
    // Two cores take the line from each other all the time: that is the bill of such a loop.
    assert!(report.get_modified() > 10_000, "{report}");
}

#[test]
fn a_loop_of_hints_alone_advances_time() {
    let machine = Machine::builder("pauses")
        .cores(1)
        .pause_ns(10.0)
        .build()
        .expect("a fine machine");
    assert_eq!(
        coherence::run(&machine, 1, |_| pause(1000)).elapsed(),
        Duration::from_micros(10)
    );
}

#[test]
fn a_bounded_loop_ends_by_itself() {
    let flag = AtomicBool::new(false);
    for rounds in [100, 10_000, 1_000_000] {
        let report = coherence::run(&Machine::flat(2), 2, |i| {
            let tries = (0..rounds).take_while(|_| !flag.load(Acquire)).count();
            assert_eq!(tries, rounds);
            if i == 0 {
                pause(10);
            }
        });
        // No thread writes the line, so both hit all the time: 2.35 ns a turn.
        assert!((rounds as f64 * 2.35..rounds as f64 * 2.4 + 500.0).contains(&(report.elapsed().as_nanos() as f64)));
    }
}

#[test]
fn a_loop_that_looks_at_the_clock_ends_at_its_deadline() {
    let flag = AtomicBool::new(false);
    let report = coherence::run(&Machine::flat(1), 1, |_| {
        let deadline = Instant::now() + Duration::from_micros(500);
        while !flag.load(Acquire) && Instant::now() < deadline {
            spin_loop();
        }
    });
    assert!((500..501).contains(&report.elapsed().as_micros()), "{report}");
}

#[test]
fn a_deadlock_names_each_thread_and_where_it_waits() {
    let locks = [const { CachePadded::new(AtomicBool::new(false)) }; 2];
    let word = CachePadded::new(AtomicU32::new(0));
    let failure = coherence::try_run(&Machine::flat(3), 3, |i| {
        if i == 2 {
            futex::wait(&word, 0, None);
            return;
        }
        assert!(!locks[i].swap(true, Acquire));
        pause(100);
        while locks[1 - i].load(Acquire) {
            spin_loop();
        }
    })
    .expect_err("each waits for the other");
    let text = failure.to_string();
    let waiting = waiting(failure);
    let at = |line: u32| format!("{}:{line}", file!());
    let here = line!() - 8;
    assert_eq!(waiting[0], (0, "spins on line 1".into(), at(here)), "{text}");
    assert_eq!(waiting[1], (1, "spins on line 0".into(), at(here)));
    assert_eq!(waiting[2].1, "sleeps in a futex wait on line 2");
    assert_eq!(waiting[2].2, at(here - 5));
    assert!(text.starts_with("deadlock: 3 simulated threads wait for each other\n  thread 0 spins on line 1 at "));
}

#[test]
fn loops_that_never_sleep_are_found_out_too() {
    let lock = AtomicBool::new(true);
    let all: [(&str, &(dyn Fn() + Sync)); 3] = [
        ("yields", &|| {
            while lock.load(Acquire) {
                thread::yield_now()
            }
        }),
        ("hints", &|| loop {
            spin_loop()
        }),
        ("swaps", &|| while lock.swap(true, Acquire) {}),
    ];
    for (what, wait) in all {
        // Two threads on each of two cores.
        let failure = coherence::try_run(&Machine::flat(2), 4, |_| wait()).expect_err(what);
        assert_eq!(waiting(failure).len(), 4, "{what}");
    }
}

#[test]
fn a_panic_is_reported_and_the_other_threads_are_left() {
    struct AbortsOnDrop;
    impl Drop for AbortsOnDrop {
        fn drop(&mut self) {
            std::process::abort();
        }
    }
    let flag = AtomicBool::new(false);
    let failure = coherence::try_run(&Machine::flat(4), 4, |i| {
        if i == 2 {
            panic!("number {i}");
        }
        let _aborts = AbortsOnDrop;
        while !flag.load(Acquire) {
            spin_loop();
        }
    });
    assert_eq!(
        failure,
        Err(Failure::Panicked {
            thread: 2,
            message: "number 2".into()
        })
    );
    // The engine is fit for another run.
    assert_eq!(coherence::run(&Machine::flat(1), 1, |_| ()).threads(), 1);
}

#[test]
fn a_thread_that_panics_can_be_joined() {
    let join = |take: bool| {
        coherence::try_model(&Machine::flat(2), || {
            let child = thread::spawn(|| panic!("child"));
            if take {
                assert!(child.join().is_err());
            }
        })
    };
    assert!(join(true).is_ok());
    assert_eq!(
        join(false),
        Err(Failure::Panicked {
            thread: 1,
            message: "child".into()
        })
    );
}

#[test]
fn a_thread_that_unwinds_is_not_switched_away_from() {
    struct Release<'a>(&'a AtomicUsize);
    impl Drop for Release<'_> {
        fn drop(&mut self) {
            (0..50).for_each(|_| _ = self.0.fetch_add(1, SeqCst));
        }
    }
    let counter = AtomicUsize::new(0);
    coherence::run(&Machine::flat(2), 2, |i| {
        if i == 0 {
            let unwinding = std::panic::AssertUnwindSafe(|| {
                let _release = Release(&counter);
                std::panic::resume_unwind(Box::new(()));
            });
            assert!(std::panic::catch_unwind(unwinding).is_err());
        } else {
            for _ in 0..50 {
                counter.fetch_add(1, SeqCst);
                assert!(!std::thread::panicking(), "sees another thread unwind");
            }
        }
    });
    assert_eq!(counter.into_inner(), 100);
}

#[test]
fn threads_share_a_core_by_time_slices() {
    let machine = Machine::builder("slices")
        .cores(1)
        .slice_ns(1e6)
        .context_switch_ns(1e5)
        .hit_ns(10.0)
        .build()
        .expect("a fine machine");
    let words = [const { CachePadded::new(AtomicU32::new(0)) }; 2];
    let ends = [const { std::sync::Mutex::new(None) }; 2];
    coherence::run(&machine, 2, |i| {
        for n in 0..290_000 {
            words[i].store(n, Relaxed);
        }
        *ends[i].lock().expect("no panic") = Some(Instant::now());
    });
    // Each needs 2.9 ms. They alternate by slices of 1 ms with 0.1 ms between: the first ends after
    // 5.3 ms, not 2.9.
    let end = |i: usize| ends[i].lock().expect("no panic").expect("set").elapsed_since_start();
    assert!((5300..5400).contains(&end(0).as_micros()), "{:?}", end(0));
    assert!((6300..6400).contains(&end(1).as_micros()), "{:?}", end(1));
}

trait SinceStart {
    fn elapsed_since_start(self) -> Duration;
}

impl SinceStart for Instant {
    fn elapsed_since_start(self) -> Duration {
        self.saturating_duration_since(Instant::START)
    }
}

#[test]
fn yielding_lets_the_next_thread_of_the_core_run() {
    let turn = AtomicUsize::new(0);
    let report = coherence::run(&Machine::flat(1), 4, |i| {
        while turn.load(Acquire) != i {
            thread::yield_now();
        }
        turn.store(i + 1, Release);
    });
    // No thread keeps its core for a slice of 3 ms.
    assert!(report.elapsed() < Duration::from_micros(100), "{report}");
}

#[test]
fn a_futex_sleeps_and_wakes_in_order() {
    let word = AtomicU32::new(0);
    let order = std::sync::Mutex::new(Vec::new());
    coherence::run(&Machine::flat(4), 4, |i| {
        if i == 3 {
            pause(1000);
            assert_eq!(futex::wake(&word, 1), 1);
            pause(1000);
            assert_eq!(futex::wake(&word, usize::MAX), 2);
            assert_eq!(futex::wake(&word, usize::MAX), 0);
        } else {
            pause(10 * (3 - i as u32));
            assert_eq!(futex::wait(&word, 1, None), Wakeup::Changed);
            assert_eq!(futex::wait(&word, 0, None), Wakeup::Woken);
            order.lock().expect("no panic").push(i);
        }
    });
    assert_eq!(order.into_inner().expect("no panic"), [2, 0, 1]);
}

#[test]
fn a_futex_times_out_in_virtual_time() {
    let word = AtomicU32::new(0);
    let report = coherence::run(&Machine::flat(2), 2, |i| {
        if i == 0 {
            assert_eq!(
                futex::wait(&word, 0, Some(Duration::from_millis(700))),
                Wakeup::TimedOut
            );
            assert_eq!(futex::wake(&word, 2), 1);
        } else {
            // Woken before its time-out, which then means nothing.
            assert_eq!(futex::wait(&word, 0, Some(Duration::from_millis(900))), Wakeup::Woken);
        }
    });
    assert!((700..701).contains(&report.elapsed().as_millis()), "{report}");
}

#[test]
fn a_thread_in_a_futex_wait_frees_its_core() {
    let word = AtomicU32::new(0);
    let report = coherence::run(&Machine::flat(1), 2, |i| {
        if i == 0 {
            while word.load(Acquire) == 0 {
                futex::wait(&word, 0, None);
            }
        } else {
            word.store(1, Release);
            futex::wake(&word, 1);
        }
    });
    assert!(report.elapsed() < Duration::from_micros(20), "{report}");
}

#[test]
fn a_long_wait_costs_no_real_time() {
    let flag = CachePadded::new(AtomicBool::new(false));
    coherence::run(&Machine::flat(64), 64, |i| {
        if i == 0 {
            pause(500_000);
            flag.store(true, Release);
        }
        while !flag.load(Acquire) {
            spin_loop();
        }
    });
}
