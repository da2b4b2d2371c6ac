//! Models of the flag that one thread sets and one thread awaits.
#![cfg(linchpin_loom)]

// std's: loom's own aborts the process if it is dropped after a deadlock, which a fault may lead to.
use std::sync::Arc;
use std::time::Instant;

use linchpin::wait::{Flag, Spin, SpinThenPark, SpinThenYield, Wait};
use loom::cell::UnsafeCell;
use loom_tests::{Bounds, explore_beyond_to, explore_to, found_behind_spins, models, spawn};

models! {
    wait, sources: ["src/wait/flag.rs"],
    flag_hands_over => hands_over::<Spin>(Bounds::SMALL) + hands_over::<SpinThenYield>(Bounds::SMALL),
    flag_sleeps => hands_over::<SpinThenPark>(Bounds::SMALL),
    flag_goes_back_and_forth => goes_back_and_forth(),
    flag_passes_on => passes_on(),
    flag_times_out => times_out::<SpinThenPark>(),
    flag_times_out_spinning => times_out::<SpinThenYield>(),
    flag_times_out_twice => times_out_twice(),
    flag_sets_two => sets_two(),
}

#[test]
fn a_thread_that_spins_for_a_flag_sees_it() {
    for explore in [hands_over::<SpinThenPark>, hands_over::<SpinThenYield>] {
        found_behind_spins(
            "src/wait/flag.rs",
            "self.word.load(Acquire) & !SLEEPING != epoch.0",
            "src/wait/flag.rs",
            explore,
        );
    }
}

/// A flag, and a number that its setter writes and its waiter reads: loom panics if the one has not seen the other.
#[derive(Default)]
struct Letter {
    flag: Flag,
    text: UnsafeCell<u32>,
}

impl Letter {
    fn write(&self, text: u32) {
        self.text.with_mut(|place| {
            // SAFETY: loom panics if any access is concurrent with this one.
            unsafe { *place = text };
        });
    }

    fn read(&self) -> u32 {
        // SAFETY: loom panics if a write is concurrent with this read.
        self.text.with(|place| unsafe { *place })
    }
}

// SAFETY: loom's cell panics at unsynchronised access, so sharing it in a model is checked, not assumed.
unsafe impl Sync for Letter {}

/// One thread sets while the other waits, is about to, or has not begun.
fn hands_over<W: Wait>(bounds: Bounds) -> usize {
    explore_beyond_to(bounds, 3, [1], || {
        let letter = Arc::new(Letter::default());
        let epoch = letter.flag.epoch();
        let setter = spawn({
            let letter = Arc::clone(&letter);
            move || {
                letter.write(1);
                letter.flag.set();
            }
        });
        letter.flag.wait::<W>(epoch);
        let read = letter.read();
        setter.join().expect("it only sets");
        assert!(letter.flag.is_set(epoch) && !letter.flag.is_set(letter.flag.epoch()));
        read
    })
}

/// Two flags, two epochs of each: what a wait leaves behind does not harm the next.
fn goes_back_and_forth() -> usize {
    explore_to([4], || {
        let (there, back) = (Arc::new(Letter::default()), Arc::new(Letter::default()));
        let first = there.flag.epoch();
        let other = spawn({
            let (there, back) = (Arc::clone(&there), Arc::clone(&back));
            move || {
                let mut epoch = first;
                for _ in 0..2 {
                    there.flag.wait::<SpinThenPark>(epoch);
                    // Before the answer: with it the other may set again.
                    epoch = there.flag.epoch();
                    back.write(there.read() + 1);
                    back.flag.set();
                }
            }
        });
        for round in 0..2 {
            let epoch = back.flag.epoch();
            there.write(2 * round + 1);
            there.flag.set();
            back.flag.wait::<SpinThenPark>(epoch);
            assert_eq!(back.read(), 2 * round + 2);
        }
        other.join().expect("it only answers");
        back.read()
    })
}

/// A thread in the middle is woken and wakes the next.
fn passes_on() -> usize {
    explore_to([3], || {
        let (first, last) = (Arc::new(Letter::default()), Arc::new(Letter::default()));
        let (begin, end) = (first.flag.epoch(), last.flag.epoch());
        let setter = spawn({
            let first = Arc::clone(&first);
            move || {
                first.write(1);
                first.flag.set();
            }
        });
        let middle = spawn({
            let (first, last) = (Arc::clone(&first), Arc::clone(&last));
            move || {
                first.flag.wait::<SpinThenPark>(begin);
                last.write(first.read() + 2);
                last.flag.set();
            }
        });
        last.flag.wait::<SpinThenPark>(end);
        let read = last.read();
        setter.join().expect("it only sets");
        middle.join().expect("it only passes on");
        read
    })
}

/// The deadline passes before the set, after it, or in the same instant: the wait has seen the set, or the next one
/// does.
fn times_out<W: Wait>() -> usize {
    explore_to([(false, 1), (true, 1)], || {
        let letter = Arc::new(Letter::default());
        let epoch = letter.flag.epoch();
        let setter = spawn({
            let letter = Arc::clone(&letter);
            move || {
                letter.write(1);
                letter.flag.set();
            }
        });
        let in_time = letter.flag.wait_until::<W>(epoch, Instant::now());
        if !in_time {
            letter.flag.wait::<W>(epoch);
        }
        let read = letter.read();
        setter.join().expect("it only sets");
        assert_ne!(letter.flag.epoch(), epoch);
        (in_time, read)
    })
}

/// Two timed waits in one epoch, and a wake-up that comes too late for either: it does not end a later epoch.
fn times_out_twice() -> usize {
    explore_to([(false, false), (false, true), (true, true)], || {
        let letter = Arc::new(Letter::default());
        let epoch = letter.flag.epoch();
        let setter = spawn({
            let letter = Arc::clone(&letter);
            move || letter.flag.set()
        });
        let [first, second] = [(), ()].map(|()| letter.flag.wait_until::<SpinThenPark>(epoch, Instant::now()));
        if second {
            let next = letter.flag.epoch();
            assert!(!letter.flag.wait_until::<SpinThenPark>(next, Instant::now()));
        }
        setter.join().expect("it only sets");
        assert!(letter.flag.wait_until::<SpinThenPark>(epoch, Instant::now()));
        (first, second)
    })
}

/// One setter, two sleepers on flags of their own: a wake-up reaches the one it is meant for.
fn sets_two() -> usize {
    explore_to([(1, 1)], || {
        let letters = [(), ()].map(|()| Arc::new(Letter::default()));
        let waiters = letters.each_ref().map(|letter| {
            let (letter, epoch) = (Arc::clone(letter), letter.flag.epoch());
            spawn(move || {
                letter.flag.wait::<SpinThenPark>(epoch);
                letter.read()
            })
        });
        for letter in &letters {
            letter.write(1);
            letter.flag.set();
        }
        let [first, second] = waiters.map(|waiter| waiter.join().expect("it only reads"));
        (first, second)
    })
}
