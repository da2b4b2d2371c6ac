//! Short histories of three threads, thousands of them, each of which a sequential stack could have had.

use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::thread;

use crate::history::{Clock, Done, Operation, is_linearizable};
use crate::kinds::{Kind, Stack, on_each_stack};

on_each_stack! { histories_are_those_of_a_sequential_stack }

const THREADS: usize = 3;
const EACH: usize = 6;
const HISTORIES: usize = if cfg!(miri) {
    6
} else if cfg!(debug_assertions) {
    5_000
} else {
    20_000
};

/// How often a thread looks before it lets others run.
const LOOKS: usize = if cfg!(miri) { 1 } else { 1000 };

/// Lets all threads go at once, as far as they run: no thread sleeps here, since those that are woken come one by one.
#[derive(Default)]
struct Gate(AtomicUsize);

impl Gate {
    /// Returns whether this thread was the last to come.
    fn wait(&self) -> bool {
        let arrived = self.0.fetch_add(1, SeqCst) + 1;
        let all = arrived.next_multiple_of(THREADS);
        let mut looks = 0;
        while self.0.load(SeqCst) < all {
            looks += 1;
            if looks % LOOKS == 0 {
                thread::yield_now();
            }
            std::hint::spin_loop();
        }
        arrived == all
    }
}

fn act<S: Stack<u32>>(stack: &S, random: u64, value: u32) -> Done {
    match random >> 60 {
        0..8 => {
            stack.push(value);
            Done::Pushed(value)
        }
        8..14 => Done::Popped(stack.pop()),
        14 => Done::PoppedAll(stack.pop_all().collect()),
        _ => Done::WasEmpty(stack.is_empty()),
    }
}

/// What each of the threads has done, in each of the histories.
fn record<S: Stack<u32>>(stack: &S) -> Vec<Vec<Vec<Operation>>> {
    let (clock, gate) = (&Clock::default(), &Gate::default());
    let thread = |number: usize| {
        let mut random = number as u64 + 1;
        let mut histories = Vec::new();
        for _ in 0..HISTORIES {
            gate.wait();
            let mut own = Vec::with_capacity(EACH + 1);
            for round in 0..EACH {
                random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                let value = u32::try_from(number * EACH + round).expect("a small number");
                // Some let others run, for where there are too few cores for all.
                let hesitate = || {
                    if random >> 40 & 3 == 0 {
                        thread::yield_now();
                    }
                };
                own.push(clock.time(hesitate, || act(stack, random, value)));
            }
            // The next history begins with an empty stack; what this one has left belongs to it.
            if gate.wait() {
                own.push(clock.time(|| (), || Done::PoppedAll(stack.pop_all().collect())));
            }
            histories.push(own);
        }
        histories
    };
    thread::scope(|scope| {
        let threads = [0, 1, 2].map(|number| scope.spawn(move || thread(number)));
        threads.map(|thread| thread.join().expect("it only records")).into()
    })
}

fn histories_are_those_of_a_sequential_stack<K: Kind>() {
    let histories = record(&K::Of::<u32>::default());
    let mut at_once = 0;
    for number in 0..HISTORIES {
        let history: Vec<Operation> = histories.iter().flat_map(|own| own[number].iter().cloned()).collect();
        at_once += usize::from(overlap(&history));
        assert!(is_linearizable(&history), "no order explains {history:#?}");
    }
    assert!(
        at_once > 0,
        "no two operations of {HISTORIES} histories were under way at once"
    );
    println!("operations overlapped in {at_once} of {HISTORIES} histories");
}

/// Whether two operations were under way at one time.
fn overlap(history: &[Operation]) -> bool {
    let begins_within = |one: &Operation| {
        history
            .iter()
            .any(|other| one.begin < other.begin && other.begin < one.end)
    };
    history.iter().any(begins_within)
}
