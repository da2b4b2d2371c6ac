//! Many threads: nothing is lost, and nothing comes twice.

use std::collections::HashSet;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, Barrier};
use std::thread;

use crate::kinds::{Kind, Stack, on_each_stack};

on_each_stack! {
    nothing_is_lost_or_doubled,
    those_who_push_and_those_who_pop,
    what_all_take_is_all_there_is,
    each_threads_own_values_come_last_first,
    #[cfg_attr(miri, ignore = "thousands of threads")]
    threads_come_and_go_by_the_thousand,
    a_thread_local_destructor_may_push_and_pop,
}

const ROUNDS: u64 = if cfg!(miri) { 40 } else { 200_000 };

/// Four threads push and pop at will; together they get back what they have put in.
fn nothing_is_lost_or_doubled<K: Kind>() {
    let stack = K::Of::<u64>::default();
    let (pushed, popped) = (AtomicU64::new(0), AtomicU64::new(0));
    let in_all = |act: &(dyn Fn(u64) + Sync)| {
        thread::scope(|scope| {
            (0..4).for_each(|number| _ = scope.spawn(move || act(number)));
        });
    };
    in_all(&|number| {
        let mut random = number + 1;
        for round in 0..ROUNDS {
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            if random >> 63 == 0 {
                let value = number * ROUNDS + round + 1;
                pushed.fetch_add(value, Relaxed);
                stack.push(value);
            } else if let Some(value) = stack.pop() {
                popped.fetch_add(value, Relaxed);
            }
        }
    });
    popped.fetch_add(stack.pop_all().sum::<u64>(), Relaxed);
    assert_eq!(pushed.into_inner(), popped.into_inner());
    // The sum may hide two errors: so once more, with a set.
    let seen = std::sync::Mutex::new(HashSet::new());
    in_all(&|number| {
        let mut own = Vec::new();
        for round in 0..ROUNDS / 4 {
            stack.push(number * ROUNDS + round);
            own.push(stack.pop().expect("no thread pops more than it has pushed"));
        }
        let mut seen = seen.lock().expect("no thread panics here");
        own.into_iter()
            .for_each(|value| assert!(seen.insert(value), "{value} came twice"));
    });
    assert_eq!(
        seen.into_inner().expect("no thread panics here").len() as u64,
        4 * (ROUNDS / 4)
    );
    assert!(stack.is_empty());
}

/// Nodes go from the threads that push to those that pop, and come back by the list that all share.
fn those_who_push_and_those_who_pop<K: Kind>() {
    let stack = K::Of::<Box<u64>>::default();
    let left = AtomicU64::new(2 * ROUNDS);
    let sum = AtomicU64::new(0);
    thread::scope(|scope| {
        for number in 0..2 {
            let (stack, left, sum) = (&stack, &left, &sum);
            scope.spawn(move || (0..ROUNDS).for_each(|round| stack.push(Box::new(number * ROUNDS + round))));
            scope.spawn(move || {
                while left.load(Relaxed) > 0 {
                    match stack.pop() {
                        Some(value) => {
                            sum.fetch_add(*value, Relaxed);
                            left.fetch_sub(1, Relaxed);
                        }
                        None => thread::yield_now(),
                    }
                }
            });
        }
    });
    assert_eq!(sum.into_inner(), (0..2 * ROUNDS).sum());
    assert!(stack.is_empty());
}

fn what_all_take_is_all_there_is<K: Kind>() {
    let stack = K::Of::<u64>::default();
    let is_over = AtomicBool::new(false);
    let sum = AtomicU64::new(0);
    thread::scope(|scope| {
        let takers: Vec<_> = (0..2)
            .map(|_| {
                scope.spawn(|| {
                    while !is_over.load(Relaxed) {
                        sum.fetch_add(stack.pop_all().sum(), Relaxed);
                        thread::yield_now();
                    }
                })
            })
            .collect();
        let pushers = [0, 1].map(|number| {
            let stack = &stack;
            scope.spawn(move || (0..ROUNDS).for_each(|round| stack.push(number * ROUNDS + round)))
        });
        pushers
            .into_iter()
            .for_each(|pusher| pusher.join().expect("it only pushes"));
        is_over.store(true, Relaxed);
        takers
            .into_iter()
            .for_each(|taker| taker.join().expect("it only takes"));
    });
    sum.fetch_add(stack.pop_all().sum(), Relaxed);
    assert_eq!(sum.into_inner(), (0..2 * ROUNDS).sum());
}

/// Of what one thread has pushed and not popped, a `pop_all` has the later before the earlier.
fn each_threads_own_values_come_last_first<K: Kind>() {
    let stack = K::Of::<(usize, u64)>::default();
    thread::scope(|scope| {
        for number in 0..3 {
            let stack = &stack;
            scope.spawn(move || (0..ROUNDS / 10).for_each(|round| stack.push((number, round))));
        }
        let mut taken = 0;
        while taken < 3 * (ROUNDS / 10) {
            let mut last = [u64::MAX; 3];
            for (number, round) in stack.pop_all() {
                assert!(round < last[number], "{round} of {number} after {}", last[number]);
                last[number] = round;
                taken += 1;
            }
            thread::yield_now();
        }
    });
}

fn threads_come_and_go_by_the_thousand<K: Kind>() {
    const THREADS: usize = 4_000;
    let stack = Arc::new(K::Of::<usize>::default());
    let popped = Arc::new(AtomicUsize::new(0));
    for wave in 0..THREADS / 50 {
        let threads: Vec<_> = (0..50)
            .map(|number| {
                let (stack, popped) = (stack.clone(), popped.clone());
                thread::spawn(move || {
                    for value in 0..20 {
                        stack.push(value + number + wave);
                    }
                    (0..20).for_each(|_| _ = popped.fetch_add(usize::from(stack.pop().is_some()), Relaxed));
                })
            })
            .collect();
        threads.into_iter().for_each(|thread| thread.join().expect("it ends"));
    }
    assert_eq!(popped.load(Relaxed), THREADS * 20);
    assert!(stack.is_empty());
}

/// Also where the thread's own cache is gone already.
fn a_thread_local_destructor_may_push_and_pop<K: Kind>() {
    struct Late(Box<dyn Fn()>);
    impl Drop for Late {
        fn drop(&mut self) {
            (self.0)();
        }
    }
    thread_local! {
        static EARLY: std::cell::RefCell<Option<Late>> = const { std::cell::RefCell::new(None) };
        static AFTER: std::cell::RefCell<Option<Late>> = const { std::cell::RefCell::new(None) };
    }
    let stack = Arc::new(K::Of::<u64>::default());
    let all_live = Arc::new(Barrier::new(4));
    let threads: Vec<_> = (0..4)
        .map(|number| {
            let (stack, all_live) = (stack.clone(), all_live.clone());
            thread::spawn(move || {
                let late = || {
                    let stack = stack.clone();
                    Some(Late(Box::new(move || {
                        (0..100).for_each(|value| stack.push(value));
                        (0..60).for_each(|_| _ = stack.pop().expect("there are more"));
                    })))
                };
                EARLY.set(late());
                all_live.wait();
                stack.push(number);
                AFTER.set(late());
            })
        })
        .collect();
    threads.into_iter().for_each(|thread| thread.join().expect("it ends"));
    assert_eq!(stack.pop_all().count(), 4 * (2 * 40 + 1));
}
