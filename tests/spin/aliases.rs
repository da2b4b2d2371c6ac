//! Deadlines, the barrier, and the names that users of `spin` type.

use std::sync::atomic::{AtomicUsize, Ordering};

use linchpin::spin::{Barrier, SpinOnlyMutex, SpinOnlyRwLock, SpinOnlyTicketMutex};

use super::common::{on_threads, times, watchdog};

#[test]
fn a_barrier_lets_no_thread_leave_early_and_has_one_leader_an_episode() {
    let _watchdog = watchdog();
    for threads in [1, 2, if cfg!(feature = "std") { 8 } else { 2 }] {
        let episodes = times(200, 4);
        let (barrier, arrived, leaders) = (Barrier::new(threads), AtomicUsize::new(0), AtomicUsize::new(0));
        on_threads(threads, |_| {
            for episode in 1..=episodes {
                arrived.fetch_add(1, Ordering::Relaxed);
                let is_leader = barrier.wait().is_leader();
                leaders.fetch_add(usize::from(is_leader), Ordering::Relaxed);
                let seen = arrived.load(Ordering::Relaxed);
                assert!(
                    (episode * threads..=(episode + 1) * threads).contains(&seen),
                    "{seen} in {episode}"
                );
            }
        });
        assert_eq!(leaders.into_inner(), episodes);
    }
}

/// Four threads at a barrier for two: twice as many episodes, and none is lost.
#[test]
#[cfg(feature = "std")]
fn more_threads_than_participants_may_share_a_barrier() {
    let _watchdog = watchdog();
    let (barrier, leaders) = (Barrier::new(2), AtomicUsize::new(0));
    // So many waits in all, whichever threads make them: one with waits of its own could be left without another.
    let (waits, begun) = (times(800, 16), AtomicUsize::new(0));
    on_threads(4, |_| {
        while begun.fetch_add(1, Ordering::Relaxed) < waits {
            leaders.fetch_add(usize::from(barrier.wait().is_leader()), Ordering::Relaxed);
        }
    });
    assert_eq!(leaders.into_inner(), waits / 2);
}

#[test]
fn no_thread_waits_at_a_barrier_for_none_or_one() {
    assert!(Barrier::new(0).wait().is_leader() && Barrier::new(1).wait().is_leader());
    assert!(format!("{:?} {:?}", Barrier::new(1), Barrier::new(1).wait()).contains("is_leader: true"));
}

#[test]
#[should_panic(expected = "does not fit into half a word")]
fn too_many_participants_are_refused() {
    let _ = Barrier::new(usize::MAX);
}

#[test]
fn locks_that_only_spin_exclude() {
    let _watchdog = watchdog();
    static MUTEX: SpinOnlyMutex<usize> = SpinOnlyMutex::new(0);
    static TICKET: SpinOnlyTicketMutex<usize> = SpinOnlyTicketMutex::new(0);
    static RWLOCK: SpinOnlyRwLock<usize> = SpinOnlyRwLock::new(0);
    on_threads(2, |_| {
        for _ in 0..times(500, 5) {
            *MUTEX.lock() += 1;
            *TICKET.lock() += 1;
            *RWLOCK.write() += 1;
        }
    });
    assert_eq!([*MUTEX.lock(), *TICKET.lock(), *RWLOCK.read()], [2 * times(500, 5); 3]);
}

#[test]
fn the_other_names_of_the_spin_crate_work() {
    let _watchdog = watchdog();
    macro_rules! program {
        ($krate:ident) => {{
            static NUMBER: $krate::Once<u32> = $krate::Once::new();
            static START: $krate::Once = $krate::Once::INIT;
            static LAZY: $krate::LazyLock<Vec<u32>> = $krate::LazyLock::new(|| vec![1, 2]);
            let barrier: $krate::Barrier = $krate::Barrier::new(1);
            let before = (NUMBER.get().copied(), NUMBER.poll().copied(), START.is_completed());
            let failed = NUMBER.try_call_once(|| "x".parse::<u32>()).is_err();
            START.call_once(|| ());
            let made = (*NUMBER.call_once(|| 5), *NUMBER.wait(), START.is_completed());
            let rwlock = $krate::RwLock::new(1);
            let upgradable: $krate::RwLockUpgradableGuard<'_, i32> = rwlock.upgradeable_read();
            let seen = *upgradable;
            (before, failed, made, LAZY.len(), barrier.wait().is_leader(), seen)
        }};
    }
    use linchpin::spin as ours;
    use linchpin::spin::RwLockExt as _;
    let expected = ((None, None, false), true, (5, 5, true), 2, true, 1);
    assert_eq!(program!(ours), expected);
    assert_eq!(program!(spin), expected);
}

#[cfg(feature = "std")]
mod deadlines {
    use std::time::{Duration, Instant};

    use linchpin::spin::{Mutex, RwLock, TasMutex};

    use super::super::common::watchdog;

    const TIMES: [Duration; 3] = [Duration::ZERO, Duration::from_micros(100), Duration::from_millis(5)];

    #[test]
    fn a_held_mutex_is_waited_for_as_long_as_was_said() {
        let _watchdog = watchdog();
        let (mutex, tas) = (Mutex::new(0), TasMutex::new(0));
        let held = (mutex.lock(), tas.lock());
        for time in TIMES {
            let start = Instant::now();
            assert!(mutex.try_lock_for(time).is_none() && tas.try_lock_for(time).is_none());
            assert!(start.elapsed() >= 2 * time);
            assert!(mutex.try_lock_until(start).is_none() && tas.try_lock_until(start).is_none());
        }
        drop(held);
        assert!(mutex.try_lock_for(Duration::ZERO).is_some() && tas.try_lock_until(Instant::now()).is_some());
        assert!(
            mutex.try_lock_for(Duration::MAX).is_some(),
            "a deadline that the clock cannot say is none"
        );
    }

    #[test]
    fn a_writer_that_gives_up_keeps_no_reader_out() {
        let _watchdog = watchdog();
        let lock = RwLock::new(0);
        let reader = lock.read();
        for time in TIMES {
            let start = Instant::now();
            assert!(lock.try_write_for(time).is_none());
            assert!(start.elapsed() >= time);
            assert!(lock.try_write_until(start).is_none());
            assert!(lock.try_read().is_some() && lock.try_read_for(time).is_some());
        }
        drop(reader);
        let writer = lock.try_write_for(Duration::ZERO).expect("it is free");
        assert!(lock.try_read_for(Duration::from_millis(1)).is_none());
        assert!(lock.try_read_until(Instant::now()).is_none());
        drop(writer);
        assert!(lock.try_read_until(Instant::now()).is_some());
    }
}
