//! `Flag` on native threads: nothing that is set is missed, and no wait outlasts its deadline for ever.

use linchpin::wait::{DefaultWait, Flag, Spin, Wait};
use std::cell::UnsafeCell;
use std::thread;

use crate::common::{times, watchdog};

/// One body, one line for each policy.
macro_rules! policies {
    ($($name:ident: $policy:ty;)*) => {$(
        mod $name {
            #[test]
            fn a_flag_that_is_set_before_is_not_waited_for() {
                super::is_set_before::<$policy>();
            }

            #[test]
            fn what_came_before_the_set_is_seen() {
                super::hands_over::<$policy>();
            }
        }
    )*};
}

policies! {
    spin: linchpin::wait::Spin;
    default: linchpin::wait::DefaultWait;
}

#[cfg(feature = "std")]
policies! {
    spin_then_park: linchpin::wait::SpinThenPark;
}

fn is_set_before<W: Wait>() {
    let flag = Flag::new();
    for _ in 0..10 {
        let epoch = flag.epoch();
        assert_eq!(epoch, flag.epoch());
        assert!(!flag.is_set(epoch));
        flag.set();
        assert!(flag.is_set(epoch));
        flag.wait::<W>(epoch);
        assert_ne!(epoch, flag.epoch());
    }
}

/// Two threads pass a number back and forth that is no atomic.
fn hands_over<W: Wait>() {
    struct Number(UnsafeCell<usize>);
    // SAFETY: the flags let one thread at a time go near it.
    unsafe impl Sync for Number {}
    impl Number {
        fn add_one(&self) {
            // SAFETY: called only by the thread whose turn it is.
            unsafe { *self.0.get() += 1 };
        }
    }

    let _alive = watchdog();
    let rounds = times(2000, 20);
    let number = Number(UnsafeCell::new(0));
    let (there, back) = (Flag::default(), Flag::default());
    let mut turn = there.epoch();
    thread::scope(|scope| {
        let (there, back, number) = (&there, &back, &number);
        scope.spawn(move || {
            for _ in 0..rounds {
                there.wait::<W>(turn);
                turn = there.epoch();
                number.add_one();
                back.set();
            }
        });
        for _ in 0..rounds {
            let turn = back.epoch();
            number.add_one();
            there.set();
            back.wait::<W>(turn);
        }
    });
    assert_eq!(number.0.into_inner(), 2 * rounds);
}

#[test]
fn a_flag_is_a_word_and_may_be_a_static() {
    static FLAG: Flag = Flag::new();
    assert_eq!(size_of::<Flag>(), 4);
    let epoch = FLAG.epoch();
    FLAG.set();
    FLAG.wait::<Spin>(epoch);
    FLAG.wait::<DefaultWait>(epoch);
}

#[cfg(feature = "std")]
mod asleep {
    use super::*;
    use crate::common::await_that;
    use linchpin::wait::{SpinThenPark, SpinThenYield};
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::time::{Duration, Instant};

    const FAR: Duration = Duration::from_secs(1 << 40);

    /// Pauses of every length from nothing to a sleep, in no order.
    fn linger(seed: &mut u32) {
        *seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        match *seed >> 29 {
            0 => thread::sleep(Duration::from_micros(u64::from(*seed >> 8 & 127))),
            1 | 2 => thread::yield_now(),
            _ => (0..*seed >> 8 & 2047).for_each(|_| std::hint::spin_loop()),
        }
    }

    /// Two pairs of threads, on two cores: a wake-up that is lost stops one of them for ever.
    #[test]
    fn no_wake_up_is_lost() {
        let _alive = watchdog();
        let end = Instant::now() + Duration::from_millis(if cfg!(miri) { 200 } else { 2000 });
        let passed = AtomicUsize::new(0);
        thread::scope(|scope| {
            for pair in 0..2 {
                let passed = &passed;
                scope.spawn(move || {
                    let (there, back) = (Flag::new(), Flag::new());
                    let stop = AtomicUsize::new(0);
                    let mut turn = there.epoch();
                    thread::scope(|scope| {
                        let (there, back, stop) = (&there, &back, &stop);
                        scope.spawn(move || {
                            let mut seed = 2 * pair;
                            loop {
                                there.wait::<SpinThenPark>(turn);
                                turn = there.epoch();
                                if stop.load(Ordering::Relaxed) == 1 {
                                    break;
                                }
                                linger(&mut seed);
                                back.set();
                            }
                        });
                        let mut seed = 2 * pair + 1;
                        while Instant::now() < end {
                            let turn = back.epoch();
                            there.set();
                            linger(&mut seed);
                            // Now and then with a deadline that passes as often as not.
                            if seed & 3 == 0 {
                                let soon = Instant::now() + Duration::from_micros(u64::from(seed >> 4 & 63));
                                if back.wait_until::<SpinThenPark>(turn, soon) {
                                    assert!(back.is_set(turn));
                                }
                            }
                            back.wait::<SpinThenPark>(turn);
                            passed.fetch_add(1, Ordering::Relaxed);
                        }
                        stop.store(1, Ordering::Relaxed);
                        there.set();
                    });
                });
            }
        });
        assert!(passed.load(Ordering::Relaxed) > times(100, 0));
    }

    fn deadlines<W: Wait>() {
        let _alive = watchdog();
        let flag = Flag::new();
        let epoch = flag.epoch();
        for after in [0, 1, 1000, 3_000_000].map(Duration::from_nanos) {
            let start = Instant::now();
            assert!(!flag.wait_until::<W>(epoch, start + after));
            assert!(start.elapsed() >= after);
            assert_eq!(flag.epoch(), epoch, "a wait that gives up leaves nothing behind");
        }
        if let Some(past) = Instant::now().checked_sub(Duration::from_millis(1)) {
            assert!(!flag.wait_until::<W>(epoch, past));
        }
        let far = Instant::now().checked_add(FAR).expect("the clock goes that far");
        thread::scope(|scope| {
            let waiter = scope.spawn(|| flag.wait_until::<W>(epoch, far));
            thread::sleep(Duration::from_millis(5));
            flag.set();
            assert!(waiter.join().expect("it only waits"));
        });
        assert!(
            flag.wait_until::<W>(epoch, Instant::now()),
            "a deadline that has passed is a look"
        );
    }

    #[test]
    fn a_deadline_is_kept_asleep() {
        deadlines::<SpinThenPark>();
    }

    #[test]
    fn a_deadline_is_kept_yielding() {
        deadlines::<SpinThenYield>();
    }

    #[test]
    fn a_deadline_is_kept_spinning() {
        deadlines::<Spin>();
    }

    /// A sleeper uses no processor: its thread's time stands still. Linux tells.
    #[test]
    #[cfg(all(target_os = "linux", not(miri)))]
    fn a_sleeper_sleeps() {
        let _alive = watchdog();
        let flag = Flag::new();
        let epoch = flag.epoch();
        let status = |path: &str| std::fs::read_to_string(format!("{path}/status")).expect("Linux has it");
        let path = std::sync::OnceLock::new();
        thread::scope(|scope| {
            scope.spawn(|| {
                let link = std::fs::read_link("/proc/thread-self").expect("Linux has it");
                path.set(format!("/proc/{}", link.display())).expect("set once");
                flag.wait::<SpinThenPark>(epoch);
            });
            await_that(|| path.get().is_some_and(|path| status(path).contains("State:\tS")));
            flag.set();
        });
    }

    /// Eight threads in a ring on one processor, each waiting for the one before it.
    #[test]
    #[cfg(not(miri))]
    fn a_ring_on_one_processor_goes_round() {
        const RING: usize = 8;
        let _alive = watchdog();
        let cores = core_affinity::get_core_ids().expect("this system tells");
        let one = *cores.first().expect("there is one");
        let flags: [Flag; RING] = std::array::from_fn(|_| Flag::new());
        let starts: [_; RING] = std::array::from_fn(|index| flags[index].epoch());
        let rounds = 500;
        thread::scope(|scope| {
            for (index, start) in starts.into_iter().enumerate() {
                let flags = &flags;
                scope.spawn(move || {
                    core_affinity::set_for_current(one);
                    let mut epoch = start;
                    for round in 0..rounds {
                        flags[index].wait::<SpinThenPark>(epoch);
                        epoch = flags[index].epoch();
                        if round + 1 < rounds || index + 1 < RING {
                            flags[(index + 1) % RING].set();
                        }
                    }
                });
            }
            flags[0].set();
        });
        // Each was set once in each round, and no thread a time more.
        assert!(flags.iter().all(|flag| flag.epoch() == flags[0].epoch()));
        assert!(flags[0].is_set(starts[0]));
    }
}
