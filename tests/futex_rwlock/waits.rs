//! Deadlines, and the order in which waiters come in.

use super::rwlock::{ANYBODY, NOBODY, PLAIN_READERS, admits};
use super::*;

/// Times that a wait on something that does not come has to last, and no less.
const TIMES: [Duration; 4] = [
    Duration::ZERO,
    Duration::from_nanos(1),
    Duration::from_micros(100),
    Duration::from_millis(5),
];

fn long_ago() -> Instant {
    Instant::now()
        .checked_sub(Duration::from_secs(1))
        .unwrap_or_else(Instant::now)
}

/// A lock whose readers are counted, and one whose readers are biased.
fn both() -> [RwLock<u32>; 2] {
    let biased = RwLock::new(0);
    (0..times(40_000, 10)).for_each(|_| drop(biased.read()));
    [RwLock::new(0), biased]
}

/// A timed attempt: for so long, or until then; answers whether it got in.
type Attempt = fn(&RwLock<u32>, Duration) -> bool;

const READ: Attempt = |lock, time| lock.try_read_for(time).is_some();
const UPGRADABLE: Attempt = |lock, time| lock.try_upgradable_read_for(time).is_some();
const WRITE: Attempt = |lock, time| lock.try_write_for(time).is_some();
const UNTIL: [Attempt; 3] = [
    |lock, time| lock.try_read_until(Instant::now() + time).is_some(),
    |lock, time| lock.try_upgradable_read_until(Instant::now() + time).is_some(),
    |lock, time| lock.try_write_until(Instant::now() + time).is_some(),
];

#[test]
fn a_deadline_passes_and_not_before() {
    let _watchdog = watchdog();
    let fails = |lock: &RwLock<u32>, attempts: &[Attempt]| {
        for attempt in attempts {
            for time in TIMES {
                let start = Instant::now();
                assert!(!attempt(lock, time));
                assert!(start.elapsed() >= time);
            }
        }
    };
    for lock in both() {
        let writer = lock.write();
        fails(&lock, &[READ, UPGRADABLE, WRITE]);
        fails(&lock, &UNTIL);
        assert!(lock.try_read_until(long_ago()).is_none() && lock.try_write_until(long_ago()).is_none());
        drop(writer);
        let upgradable = lock.upgradable_read();
        fails(&lock, &[UPGRADABLE, WRITE]);
        assert!(READ(&lock, Duration::ZERO));
        drop(upgradable);
        let reader = lock.read();
        fails(&lock, &[WRITE]);
        fails(&lock, &UNTIL[2..]);
        assert!(READ(&lock, Duration::ZERO) && UPGRADABLE(&lock, Duration::ZERO));
        drop(reader);
        assert_eq!(admits(&lock), ANYBODY, "a waiter that gave up has left nothing behind");
    }
}

#[test]
fn a_free_lock_is_had_at_any_deadline() {
    for lock in both() {
        for time in TIMES.into_iter().chain([Duration::MAX]) {
            for attempt in [READ, UPGRADABLE, WRITE] {
                assert!(attempt(&lock, time));
            }
        }
        assert!(lock.try_read_until(long_ago()).is_some());
        assert!(lock.try_upgradable_read_until(long_ago()).is_some());
        assert!(lock.try_write_until(long_ago()).is_some());
        assert_eq!(admits(&lock), ANYBODY);
    }
}

#[test]
fn an_upgrade_gives_up_and_keeps_what_it_had() {
    let _watchdog = watchdog();
    for lock in both() {
        let reader = lock.read();
        let mut upgradable = lock.upgradable_read();
        for time in TIMES {
            let start = Instant::now();
            let attempt = RwLockUpgradableReadGuard::try_upgrade_for(upgradable, time);
            upgradable = attempt.expect_err("there is a reader");
            assert!(start.elapsed() >= time);
        }
        let attempt = RwLockUpgradableReadGuard::try_upgrade_until(upgradable, long_ago());
        upgradable = attempt.expect_err("there is a reader");
        assert_eq!(admits(&lock), PLAIN_READERS);
        drop(reader);
        let attempt = RwLockUpgradableReadGuard::try_upgrade_for(upgradable, Duration::ZERO);
        let writer = attempt.expect("no other thread is inside");
        assert_eq!(admits(&lock), NOBODY);
        drop(writer);
        assert_eq!(admits(&lock), ANYBODY);
    }
}

/// Readers sleep behind a writer that waits for a reader; when it gives up, they come in.
#[test]
fn a_writer_that_gives_up_lets_the_readers_in_that_it_held_off() {
    let _watchdog = watchdog();
    for lock in both() {
        for behind_an_upgradable in [false, true] {
            let reader = (!behind_an_upgradable).then(|| lock.read());
            let upgradable = behind_an_upgradable.then(|| lock.upgradable_read());
            thread::scope(|scope| {
                let writer = scope.spawn(|| lock.try_write_for(Duration::from_millis(30)).is_some());
                await_that(|| lock.try_read().is_none() || writer.is_finished());
                let readers = [(), ()].map(|()| scope.spawn(|| *lock.read()));
                assert!(!writer.join().expect("it only tries"));
                for reader in readers {
                    assert_eq!(reader.join().expect("it only reads"), 0);
                }
            });
            drop((reader, upgradable));
            assert_eq!(admits(&lock), ANYBODY);
        }
    }
}

/// Each waiter is woken: readers by the thousand, upgradable readers and writers, with and without a deadline.
#[test]
fn nobody_is_forgotten() {
    let _watchdog = watchdog();
    for &threads in THREAD_COUNTS {
        let lock = RwLock::new(0_usize);
        let done = AtomicUsize::new(0);
        on_threads(threads, |index| {
            for round in 0..times(4000, 24) / threads {
                let time = Duration::from_micros((index * 7 + round) as u64 % 60);
                match (index + round) % 8 {
                    0 => {
                        let mut writer = lock.write();
                        *writer += 1;
                        done.fetch_add(1, Ordering::Relaxed);
                        thread::sleep(Duration::from_micros(20));
                    }
                    1 => {
                        if let Some(mut writer) = lock.try_write_for(time) {
                            *writer += 1;
                            done.fetch_add(1, Ordering::Relaxed);
                        }
                    }
                    2 => {
                        if let Some(upgradable) = lock.try_upgradable_read_for(time) {
                            *RwLockUpgradableReadGuard::upgrade(upgradable) += 1;
                            done.fetch_add(1, Ordering::Relaxed);
                        }
                    }
                    3 => {
                        let mut writer = lock.write();
                        *writer += 1;
                        done.fetch_add(1, Ordering::Relaxed);
                        let upgradable = RwLockWriteGuard::downgrade_to_upgradable(writer);
                        thread::yield_now();
                        drop(RwLockUpgradableReadGuard::downgrade(upgradable));
                    }
                    4 => drop(lock.try_read_for(time)),
                    5 => {
                        let reader = lock.read();
                        thread::yield_now();
                        RwLockReadGuard::unlock_fair(reader);
                    }
                    6 => RwLockWriteGuard::unlock_fair(lock.write()),
                    _ => assert!(*lock.read() <= done.load(Ordering::Relaxed) + threads),
                }
            }
        });
        assert_eq!(admits(&lock), ANYBODY, "with {threads} threads");
        assert_eq!(lock.into_inner(), done.into_inner(), "with {threads} threads");
    }
}

/// Readers that wait are let in, however many writers follow one another.
#[test]
fn a_stream_of_writers_does_not_starve_a_reader() {
    let _watchdog = watchdog();
    let lock = RwLock::new(0);
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| {
                while !done.load(Ordering::Relaxed) {
                    let mut writer = lock.write();
                    *writer += 1;
                    // Long enough for the others to be asleep, and one is always in the queue.
                    thread::sleep(Duration::from_micros(200));
                }
            });
        }
        for _ in 0..times(30, 2) {
            await_that(|| lock.is_locked_exclusive());
            let before = Instant::now();
            let _ = std::hint::black_box(*lock.read());
            drop(lock.upgradable_read());
            assert!(before.elapsed() < Duration::from_secs(10));
        }
        done.store(true, Ordering::Relaxed);
    });
}

/// A writer gets in though eight readers on one CPU with it overlap all the time.
#[test]
fn readers_on_one_cpu_do_not_starve_a_writer() {
    if cfg!(miri) {
        return; // it has no processors to pin to
    }
    let _watchdog = watchdog();
    let cpu = core_affinity::get_core_ids().and_then(|all| all.first().copied());
    for lock in both() {
        let done = AtomicBool::new(false);
        on_threads(9, |index| {
            if let Some(cpu) = cpu {
                core_affinity::set_for_current(cpu);
            }
            if index == 0 {
                (0..100).for_each(|_| *lock.write() += 1);
                done.store(true, Ordering::Relaxed);
            }
            while !done.load(Ordering::Relaxed) {
                let _reader = lock.read();
                thread::yield_now(); // with the lock held: there is always a reader inside
            }
        });
        assert_eq!(*lock.read(), 100);
    }
}

#[test]
fn a_fair_unlock_hands_the_lock_to_a_sleeper() {
    let _watchdog = watchdog();
    let lock = RwLock::new(0);
    for _ in 0..times(20, 2) {
        let writer = lock.write();
        thread::scope(|scope| {
            let asleep = scope.spawn(|| {
                let mut writer = lock.write();
                *writer += 1;
                thread::sleep(Duration::from_millis(1));
            });
            thread::sleep(Duration::from_millis(3));
            RwLockWriteGuard::unlock_fair(writer);
            // Whether or not the other was asleep by then, it comes before the thread that asks for the lock much
            // later.
            asleep.join().expect("it only adds");
        });
        let mut writer = lock.write();
        RwLockWriteGuard::bump(&mut writer);
        *writer += 1;
        drop(writer);
        let mut reader = lock.read();
        RwLockReadGuard::bump(&mut reader);
        let mut upgradable = lock.upgradable_read();
        RwLockUpgradableReadGuard::bump(&mut upgradable);
        RwLockUpgradableReadGuard::unlock_fair(upgradable);
        RwLockReadGuard::unlock_fair(reader);
        assert_eq!(admits(&lock), ANYBODY);
    }
    assert_eq!(lock.into_inner(), 2 * times(20, 2));
}

/// A bump lets those in that wait, and comes back.
#[test]
fn a_bump_lets_others_pass() {
    let _watchdog = watchdog();
    let lock = RwLock::new(0);
    thread::scope(|scope| {
        let mut writer = lock.write();
        let other = scope.spawn(|| *lock.write() += 1);
        while *writer == 0 {
            thread::yield_now();
            RwLockWriteGuard::bump(&mut writer);
        }
        assert_eq!(admits(&lock), NOBODY);
        drop(writer);
        other.join().expect("it only adds");
        let mut reader = lock.read();
        let other = scope.spawn(|| *lock.write() += 1);
        while *reader == 1 {
            thread::yield_now();
            RwLockReadGuard::bump(&mut reader);
        }
        drop(reader);
        other.join().expect("it only adds");
        let mut upgradable = lock.upgradable_read();
        let other = scope.spawn(|| *lock.write() += 1);
        while *upgradable == 2 {
            thread::yield_now();
            RwLockUpgradableReadGuard::bump(&mut upgradable);
        }
        drop(upgradable);
        other.join().expect("it only adds");
    });
    assert_eq!(lock.into_inner(), 3);
}

/// What a migration from `parking_lot` finds: the same names, with the same meaning.
#[test]
fn the_names_of_parking_lot_work() {
    let _watchdog = watchdog();
    macro_rules! program {
        ($krate:ident) => {{
            use $krate::{
                MappedRwLockReadGuard, MappedRwLockWriteGuard, RwLock, RwLockReadGuard, RwLockUpgradableReadGuard,
                RwLockWriteGuard,
            };
            let lock: RwLock<(u32, String)> = RwLock::new((1, String::from("axle")));
            let soon = Instant::now() + Duration::from_millis(1);
            let text: MappedRwLockReadGuard<'_, String> = RwLockReadGuard::map(lock.read(), |pair| &pair.1);
            let length = text.len();
            let refused =
                lock.try_write_for(Duration::from_millis(1)).is_none() && lock.try_write_until(soon).is_none();
            MappedRwLockReadGuard::unlock_fair(text);
            let mut number: MappedRwLockWriteGuard<'_, u32> = RwLockWriteGuard::map(lock.write(), |pair| &mut pair.0);
            *number += 1;
            MappedRwLockWriteGuard::unlock_fair(number);
            let mut upgradable: RwLockUpgradableReadGuard<'_, _> = lock.upgradable_read();
            upgradable.with_upgraded(|pair| pair.0 += 1);
            let mut upgradable = match RwLockUpgradableReadGuard::try_upgrade_for(upgradable, Duration::from_millis(1))
            {
                Ok(writer) => RwLockWriteGuard::downgrade_to_upgradable(writer),
                Err(upgradable) => upgradable,
            };
            let timed = upgradable
                .try_with_upgraded_for(Duration::from_millis(1), |pair| pair.0 += 1)
                .is_some();
            let reader = RwLockUpgradableReadGuard::downgrade(upgradable);
            let read = (reader.0, lock.try_read_for(Duration::ZERO).is_some());
            drop(reader);
            let mut reader = RwLockWriteGuard::downgrade(lock.write());
            let unlocked = RwLockReadGuard::unlocked(&mut reader, || lock.is_locked());
            drop(reader);
            (length, refused, timed, read, unlocked, lock.into_inner().0)
        }};
    }
    use linchpin::futex as ours;
    let expected = (4, true, true, (4, true), false, 4);
    assert_eq!(program!(ours), expected);
    assert_eq!(program!(parking_lot), expected);
}
