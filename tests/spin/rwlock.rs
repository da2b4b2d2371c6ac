//! What a reader-writer lock does.

use super::*;

/// Each opinion that an outsider can have of a lock: may it read, read upgradably, write?
pub fn admits<T>(lock: &RwLock<T>) -> [bool; 3] {
    let reads = lock.try_read().is_some();
    let reads_upgradably = lock.try_upgradable_read().is_some();
    let writes = lock.try_write().is_some();
    [reads, reads_upgradably, writes]
}

pub const ANYBODY: [bool; 3] = [true, true, true];
pub const READERS_OF_BOTH_KINDS: [bool; 3] = [true, true, false];
pub const PLAIN_READERS: [bool; 3] = [true, false, false];
pub const NOBODY: [bool; 3] = [false, false, false];

#[test]
fn who_may_be_inside_with_whom() {
    let _watchdog = watchdog();
    let lock = RwLock::new(());
    assert_eq!(admits(&lock), ANYBODY);
    {
        let _reader = lock.read();
        assert_eq!(admits(&lock), READERS_OF_BOTH_KINDS);
        assert!(lock.is_locked() && !lock.is_locked_exclusive());
        let _other = lock.read();
        assert_eq!(admits(&lock), READERS_OF_BOTH_KINDS);
    }
    assert_eq!(admits(&lock), ANYBODY);
    {
        let _upgradable = lock.upgradable_read();
        assert_eq!(admits(&lock), PLAIN_READERS);
        assert!(lock.is_locked() && !lock.is_locked_exclusive());
        let _reader = lock.read();
        assert_eq!(admits(&lock), PLAIN_READERS);
    }
    assert_eq!(admits(&lock), ANYBODY);
    {
        let _writer = lock.write();
        assert_eq!(admits(&lock), NOBODY);
        assert!(lock.is_locked() && lock.is_locked_exclusive());
    }
    assert_eq!(admits(&lock), ANYBODY);
    assert!(!lock.is_locked());
}

/// Each reader waits inside for all the others: they hold it at the same time, or this does not end.
#[test]
fn many_read_at_once() {
    let _watchdog = watchdog();
    for &readers in THREAD_COUNTS {
        let lock = RwLock::new(5);
        let inside = Barrier::new(readers + 1);
        thread::scope(|scope| {
            for _ in 0..readers {
                scope.spawn(|| {
                    let value = lock.read();
                    inside.wait();
                    assert_eq!(*value, 5);
                });
            }
            let _upgradable = lock.upgradable_read();
            inside.wait();
        });
        assert_eq!(admits(&lock), ANYBODY);
    }
}

#[test]
fn readers_see_whole_writes_and_nothing_is_lost() {
    let _watchdog = watchdog();
    for &threads in THREAD_COUNTS {
        let lock = RwLock::new([0_usize; 4]);
        let written = AtomicUsize::new(0);
        let rounds = times(8192, 48) / threads;
        let whole = |value: &[usize; 4]| {
            let value = std::hint::black_box(*value);
            assert!(value.iter().all(|&word| word == value[0]), "half a write: {value:?}");
            value[0]
        };
        let write = |value: &mut [usize; 4]| {
            let before = whole(value);
            value
                .iter_mut()
                .for_each(|word| *word = std::hint::black_box(before + 1));
            written.fetch_add(1, Ordering::Relaxed);
        };
        on_threads(threads, |index| {
            for round in 0..rounds {
                match (index + round) % 8 {
                    0 => write(&mut lock.write()),
                    1 => {
                        let mut writer = lock.write();
                        write(&mut writer);
                        let mine = whole(&writer);
                        let reader = RwLockWriteGuard::downgrade(writer);
                        assert_eq!(whole(&reader), mine, "no thread writes in between");
                    }
                    2 => {
                        let upgradable = lock.upgradable_read();
                        let seen = whole(&upgradable);
                        let mut writer = RwLockUpgradableReadGuard::upgrade(upgradable);
                        assert_eq!(whole(&writer), seen, "no thread writes in between");
                        write(&mut writer);
                        let upgradable = RwLockWriteGuard::downgrade_to_upgradable(writer);
                        assert_eq!(whole(&upgradable), seen + 1);
                        let reader = RwLockUpgradableReadGuard::downgrade(upgradable);
                        assert_eq!(whole(&reader), seen + 1);
                    }
                    3 => {
                        let upgradable = lock.upgradable_read();
                        match RwLockUpgradableReadGuard::try_upgrade(upgradable) {
                            Ok(mut writer) => write(&mut writer),
                            Err(upgradable) => assert!(whole(&upgradable) < usize::MAX),
                        }
                    }
                    4 => {
                        if let Some(mut writer) = lock.try_write() {
                            write(&mut writer);
                        }
                    }
                    5 => {
                        let _ = lock.try_read().map(|reader| whole(&reader));
                    }
                    _ => assert!(whole(&lock.read()) < usize::MAX),
                }
            }
        });
        assert_eq!(admits(&lock), ANYBODY, "with {threads} threads");
        assert_eq!(lock.into_inner(), [written.into_inner(); 4], "with {threads} threads");
    }
}

/// A reader leaves only when another has come after it, or when the lock turns readers away: without a bar for new
/// readers there is always one inside, and the writer never gets in.
#[test]
fn overlapping_readers_do_not_starve_a_writer() {
    let _watchdog = watchdog();
    for _ in 0..times(20, 2) {
        let lock = RwLock::new(false);
        let arrivals = AtomicUsize::new(0);
        thread::scope(|scope| {
            for _ in 0..3 {
                scope.spawn(|| {
                    loop {
                        let written = lock.read();
                        if *written {
                            return;
                        }
                        let mine = arrivals.fetch_add(1, Ordering::Relaxed) + 1;
                        await_that(|| arrivals.load(Ordering::Relaxed) != mine || lock.try_read().is_none());
                    }
                });
            }
            await_that(|| arrivals.load(Ordering::Relaxed) > 4);
            *lock.write() = true;
        });
        assert_eq!(admits(&lock), ANYBODY);
    }
}

#[test]
fn new_readers_stand_back_while_a_writer_waits() {
    let _watchdog = watchdog();
    let lock = RwLock::new(0);
    let reader = lock.read();
    thread::scope(|scope| {
        scope.spawn(|| *lock.write() = 1);
        await_that(|| lock.try_read().is_none());
        // The writer waits now, and cannot get in before `reader` is dropped.
        for _ in 0..100 {
            assert_eq!(admits(&lock), NOBODY);
        }
        assert!(lock.is_locked() && !lock.is_locked_exclusive());
        assert_eq!(*reader, 0);
        drop(reader);
        await_that(|| lock.try_read().is_some_and(|value| *value == 1));
    });
    assert_eq!(admits(&lock), ANYBODY);
}

#[test]
fn readers_come_back_after_the_last_of_several_writers() {
    let _watchdog = watchdog();
    let lock = RwLock::new(0);
    let reader = lock.read();
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| *lock.write() += 1);
        }
        await_that(|| lock.try_read().is_none());
        let late = scope.spawn(|| *lock.read());
        drop(reader);
        let seen = late.join().expect("it only reads");
        assert!(
            seen > 0,
            "the reader came while a writer was waiting, and went before it"
        );
    });
    assert_eq!(*lock.read(), 4);
    assert_eq!(admits(&lock), ANYBODY);
}

#[test]
fn new_readers_stand_back_while_an_upgrade_waits() {
    let _watchdog = watchdog();
    let lock = RwLock::new(0);
    let reader = lock.read();
    thread::scope(|scope| {
        scope.spawn(|| {
            let upgradable = lock.upgradable_read();
            let before = *upgradable;
            *RwLockUpgradableReadGuard::upgrade(upgradable) = before + 1;
        });
        await_that(|| lock.try_read().is_none());
        for _ in 0..100 {
            assert_eq!(admits(&lock), NOBODY);
        }
        assert_eq!(*reader, 0);
        drop(reader);
    });
    assert_eq!(admits(&lock), ANYBODY);
    assert_eq!(lock.into_inner(), 1);
}

/// The upgrade and the writer wait for one another, if either holds the other off.
#[test]
fn an_upgrade_goes_before_the_writer_that_waits_for_it() {
    let _watchdog = watchdog();
    for tries in [false, true] {
        let lock = RwLock::new(0);
        let upgradable = lock.upgradable_read();
        thread::scope(|scope| {
            let writer = scope.spawn(|| {
                let mut writer = lock.write();
                *writer += 1;
                *writer
            });
            // Only `spin`'s lock shows that the writer waits: elsewhere readers come in beside an upgradable reader.
            thread::sleep(std::time::Duration::from_millis(20));
            let mut upgraded = if tries {
                RwLockUpgradableReadGuard::try_upgrade(upgradable).expect("no other thread is inside")
            } else {
                RwLockUpgradableReadGuard::upgrade(upgradable)
            };
            *upgraded += 10;
            assert_eq!(*upgraded, 10);
            drop(upgraded);
            assert_eq!(writer.join().expect("it only writes"), 11);
        });
        assert_eq!(admits(&lock), ANYBODY);
    }
}

#[test]
fn a_failed_try_upgrade_gives_the_guard_back() {
    let lock = RwLock::new(0);
    let reader = lock.read();
    let upgradable = lock.upgradable_read();
    let Err(upgradable) = RwLockUpgradableReadGuard::try_upgrade(upgradable) else {
        panic!("upgraded beside a reader");
    };
    assert_eq!(admits(&lock), PLAIN_READERS, "nothing has changed");
    drop(reader);
    let Ok(mut writer) = RwLockUpgradableReadGuard::try_upgrade(upgradable) else {
        panic!("not upgraded, with no other thread inside");
    };
    *writer = 1;
    assert_eq!(admits(&lock), NOBODY);
    drop(writer);
    assert_eq!(admits(&lock), ANYBODY);
}

#[test]
fn each_downgrade_admits_whom_it_should() {
    let lock = RwLock::new(0);
    let upgradable = RwLockWriteGuard::downgrade_to_upgradable(lock.write());
    assert_eq!(admits(&lock), PLAIN_READERS);
    let reader = RwLockUpgradableReadGuard::downgrade(upgradable);
    assert_eq!(admits(&lock), READERS_OF_BOTH_KINDS);
    drop(reader);
    let reader = RwLockWriteGuard::downgrade(lock.write());
    assert_eq!(admits(&lock), READERS_OF_BOTH_KINDS);
    drop(reader);
    assert_eq!(admits(&lock), ANYBODY);
}

/// A writer that waits through a downgrade comes after the reader it has made, not before.
#[test]
fn no_writer_gets_in_during_a_downgrade() {
    let _watchdog = watchdog();
    for _ in 0..times(200, 4) {
        let lock = RwLock::new(0);
        let mut writer = lock.write();
        thread::scope(|scope| {
            scope.spawn(|| *lock.write() += 10);
            *writer += 1;
            let upgradable = RwLockWriteGuard::downgrade_to_upgradable(writer);
            assert_eq!(*upgradable, 1);
            let reader = RwLockUpgradableReadGuard::downgrade(upgradable);
            assert_eq!(*reader, 1);
        });
        assert_eq!(lock.into_inner(), 11);
    }
}

#[test]
fn with_upgraded_becomes_upgradable_again() {
    let lock = RwLock::new(0);
    let mut upgradable = lock.upgradable_read();
    upgradable.with_upgraded(|value| {
        assert_eq!(admits(&lock), NOBODY);
        *value = 1;
    });
    assert_eq!(admits(&lock), PLAIN_READERS);
    let reader = lock.read();
    assert_eq!(upgradable.try_with_upgraded(|value| *value = 2), None);
    drop(reader);
    assert_eq!(upgradable.try_with_upgraded(|value| *value += 1), Some(()));
    let outcome = catch_unwind(AssertUnwindSafe(|| upgradable.with_upgraded(|_| die())));
    assert!(outcome.is_err());
    assert_eq!(admits(&lock), PLAIN_READERS, "also after a panic in the closure");
    assert_eq!(*upgradable, 2);
    drop(upgradable);
    assert_eq!(admits(&lock), ANYBODY);
}
