//! Models of what happens once: `futex::Once`, `futex::OnceLock`, `spin::Once`.
#![cfg(linchpin_loom)]

// std's: loom's own aborts the process if it is dropped after a deadlock, which a fault may lead to.
use std::sync::Arc;

use linchpin::futex::{Once, OnceState};
use linchpin::wait::{OnceLock, Spin, SpinThenPark, SpinThenYield, Wait};
use loom_tests::{Watched, explore_within_to, models, spawn};

models! {
    once, sources: ["src/wait/once_word.rs"],
    once_runs_once => once_runs_once(),
    once_is_awaited => once_is_awaited(),
    value_is_made_once => value_is_made_once::<SpinThenYield>() + value_is_made_once::<SpinThenPark>(),
    value_is_tried_again => value_is_tried_again::<SpinThenYield>() + value_is_tried_again::<SpinThenPark>(),
    value_is_polled => value_is_polled::<Spin>() + value_is_polled::<SpinThenPark>(),
    value_is_awaited => value_is_awaited::<SpinThenYield>() + value_is_awaited::<SpinThenPark>(),
}

/// For models of three threads, of which a sleep alone is a dozen steps. Their outcomes are still all there are.
const PREEMPTIONS: usize = 2;

/// What is done once, and how often it was.
#[derive(Default)]
struct Deed {
    once: Once,
    count: Watched,
}

/// Three threads, of which one acts while the others may sleep: each sees that it was done, once.
fn once_runs_once() -> usize {
    explore_within_to(PREEMPTIONS, [0, 1, 2], || {
        let deed = Arc::new(Deed::default());
        let act = |deed: &Deed| {
            let mut mine = false;
            deed.once.call_once(|| {
                deed.count.add(1);
                mine = true;
            });
            assert_eq!(deed.count.get(), 1);
            mine
        };
        let others = [(), ()].map(|()| {
            let deed = Arc::clone(&deed);
            spawn(move || act(&deed))
        });
        let here = act(&deed);
        let there = others.map(|other| other.join().expect("it only acts"));
        let all = [here, there[0], there[1]];
        assert_eq!(all.iter().filter(|&&mine| mine).count(), 1);
        all.iter().position(|&mine| mine).expect("one of them")
    })
}

/// One thread waits from before it has begun, if it likes, and one acts: no wake-up is lost.
fn once_is_awaited() -> usize {
    explore_within_to(
        3,
        [OnceState::New as u8, OnceState::InProgress as u8, OnceState::Done as u8],
        || {
            let deed = Arc::new(Deed::default());
            let waiter = spawn({
                let deed = Arc::clone(&deed);
                move || {
                    let before = deed.once.state();
                    deed.once.wait();
                    assert_eq!(deed.count.get(), 1);
                    before
                }
            });
            deed.once.call_once_force(|state| {
                assert_eq!(state, OnceState::New);
                deed.count.add(1);
            });
            assert!(deed.once.is_completed());
            waiter.join().expect("it only waits") as u8
        },
    )
}

/// Three threads want a value, and each would make another: all have the same.
fn value_is_made_once<W: Wait>() -> usize {
    explore_within_to(PREEMPTIONS, [1, 2, 3], || {
        let value = Arc::new(OnceLock::<u32, W>::new());
        let others = [2, 3].map(|number| {
            let value = Arc::clone(&value);
            spawn(move || *value.call_once(|| number))
        });
        let here = *value.call_once(|| 1);
        for other in others {
            assert_eq!(other.join().expect("it only asks"), here);
        }
        assert_eq!(value.get(), Some(&here));
        here
    })
}

/// A closure that fails leaves the place to the next, which sees what it has done, and wakes that if it sleeps.
fn value_is_tried_again<W: Wait>() -> usize {
    explore_within_to(3, [(false, 1), (true, 2)], || {
        let tried = Arc::new((Watched::default(), OnceLock::<u32, W>::new()));
        let other = spawn({
            let tried = Arc::clone(&tried);
            move || {
                let failing = || {
                    tried.0.add(1);
                    Err(())
                };
                tried.1.try_call_once(failing).is_err()
            }
        });
        let value = *tried.1.call_once(|| {
            tried.0.add(1);
            tried.0.get()
        });
        let failed = other.join().expect("it only tries");
        (failed, value)
    })
}

/// A poll tells what is there, waits while it is being made, and does not wait for what has not begun.
fn value_is_polled<W: Wait>() -> usize {
    explore_within_to(3, [None, Some(1)], || {
        let value = Arc::new(OnceLock::<u32, W>::new());
        let maker = spawn({
            let value = Arc::clone(&value);
            move || {
                value.call_once(|| 1);
            }
        });
        // A thread that begins with a load makes loom leave out schedules.
        loom::thread::yield_now();
        let polled = value.poll().copied();
        maker.join().expect("it only makes");
        assert_eq!(value.poll(), Some(&1));
        polled
    })
}

/// Two wait for a value that a third makes, and may sleep from before that begins: both are woken.
fn value_is_awaited<W: Wait>() -> usize {
    explore_within_to(PREEMPTIONS, [1], || {
        let value = Arc::new(OnceLock::<u32, W>::new());
        let waiters = [(), ()].map(|()| {
            let value = Arc::clone(&value);
            spawn(move || *value.wait())
        });
        let made = *value.call_once(|| 1);
        for waiter in waiters {
            assert_eq!(waiter.join().expect("it only waits"), made);
        }
        made
    })
}
