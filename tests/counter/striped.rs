//! `Counter`: stripes that any thread adds to.

use super::*;

/// One body for each number of stripes.
macro_rules! stripes {
        ($($name:ident: $stripes:literal;)*) => {$(
            #[test]
            fn $name() {
                let _watchdog = watchdog();
                nothing_is_lost::<$stripes>();
                nothing_is_lost_or_counted_twice_by_resets::<$stripes>();
                it_wraps::<$stripes>();
                it_shows_its_sum::<$stripes>();
                thread_local_destructors_may_add::<$stripes>();
            }
        )*};
    }

stripes! {
    one_stripe: 1;
    two_stripes: 2;
    four_stripes: 4;
    eight_stripes: 8;
    sixteen_stripes: 16;
    thirty_two_stripes: 32;
    sixty_four_stripes: 64;
}

fn nothing_is_lost<const STRIPES: usize>() {
    for &threads in THREAD_COUNTS {
        let adds = times(1 << 16, 64) / threads;
        let counter = Counter::<STRIPES>::with_stripes();
        on_threads(threads, |index| {
            for _ in 0..adds {
                counter.increment();
                counter.add(index as u64);
            }
        });
        let each: usize = (0..threads).map(|index| index + 1).sum();
        assert_eq!(counter.sum(), (adds * each) as u64, "{threads} threads");
        assert_eq!(counter.sum(), (adds * each) as u64, "a sum takes nothing away");
    }
}

fn nothing_is_lost_or_counted_twice_by_resets<const STRIPES: usize>() {
    let counter = Counter::<STRIPES>::with_stripes();
    let adding = AtomicBool::new(true);
    let adds = times(10_000, 40);
    thread::scope(|scope| {
        let resets: Vec<_> = (0..2)
            .map(|_| {
                scope.spawn(|| {
                    let mut total = 0;
                    while adding.load(Ordering::Relaxed) {
                        total += counter.reset();
                        thread::yield_now();
                    }
                    total
                })
            })
            .collect();
        on_threads(4, |_| (0..adds).for_each(|_| counter.increment()));
        adding.store(false, Ordering::Relaxed);
        let taken: u64 = resets
            .into_iter()
            .map(|reset| reset.join().expect("it only resets"))
            .sum();
        assert_eq!(taken + counter.reset(), 4 * adds as u64);
        assert_eq!((counter.sum(), counter.reset()), (0, 0));
    });
}

fn it_wraps<const STRIPES: usize>() {
    let counter = Counter::<STRIPES>::default();
    counter.add(u64::MAX);
    assert_eq!(counter.sum(), u64::MAX);
    counter.increment();
    assert_eq!(counter.sum(), 0);
    // In different stripes too, where it is the sum that wraps.
    on_threads(times(8, 3), |_| counter.add(u64::MAX));
    let expected = 0_u64.wrapping_sub(times(8, 3) as u64);
    assert_eq!((counter.sum(), counter.reset(), counter.sum()), (expected, expected, 0));
}

fn it_shows_its_sum<const STRIPES: usize>() {
    let counter = Counter::<STRIPES>::with_stripes();
    counter.add(7);
    assert_eq!(format!("{counter:?}"), "Counter { sum: 7 }");
}

fn thread_local_destructors_may_add<const STRIPES: usize>() {
    let counter = Arc::new(Counter::<STRIPES>::with_stripes());
    on_threads(2, |index| {
        let (before, after) = (Arc::clone(&counter), Arc::clone(&counter));
        at_thread_exit(move || before.increment());
        if index == 0 {
            counter.increment();
            at_thread_exit(move || after.increment());
        }
    });
    assert_eq!(counter.sum(), 4);
}

#[test]
fn it_fits_in_a_static() {
    static COUNTER: Counter = Counter::new();
    static SMALL: Counter<1> = Counter::with_stripes();
    on_threads(4, |_| {
        COUNTER.increment();
        SMALL.add(2);
    });
    assert_eq!((COUNTER.sum(), SMALL.sum()), (4, 8));
}

#[test]
fn departed_threads_keep_their_share() {
    let _watchdog = watchdog();
    let counter = Counter::new();
    // One after the other: each takes over the number of the one before.
    for _ in 0..times(200, 5) {
        on_threads(1, |_| counter.increment());
    }
    assert_eq!(counter.sum(), times(200, 5) as u64);
}

/// What an adder has told of, by a lock, a channel or the end of its thread, a sum sees.
#[test]
fn a_sum_sees_all_that_happened_before_it() {
    let _watchdog = watchdog();
    let counter = Counter::new();
    let (tell, told) = std::sync::mpsc::sync_channel(0);
    thread::scope(|scope| {
        let counter = &counter;
        scope.spawn(move || {
            for round in 1..=times(2000, 10) as u64 {
                counter.increment();
                tell.send(round).expect("the other listens");
            }
        });
        for round in told {
            let sum = counter.sum();
            assert!(sum == round || sum == round + 1, "{sum} after {round} adds");
        }
    });
}
