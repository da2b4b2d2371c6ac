//! Models of the reader-writer lock that sleeps. In a model nobody spins, a thread has one slot, the first read makes a
//! lock's readers spread out, the second makes them biased, and the second write after that brings them back.
#![cfg(linchpin_loom)]

mod time_outs;

// std's: loom's own aborts the process if it is dropped after a deadlock, which a fault may lead to.
use std::sync::Arc;

use linchpin::futex::{
    RawRwLock, RawRwLockRecursive, RecursiveRwLock, RwLock, RwLockUpgradableReadGuard, RwLockWriteGuard,
};
use lock_api::RawRwLock as _;
use loom_tests::{Watched, explore_to, explore_within_to, models, spawn};

models! {
    futex_rwlock, sources: ["src/futex/rwlock/bias.rs", "src/futex/rwlock/drain.rs", "src/futex/rwlock/read.rs", "src/futex/rwlock/slots.rs", "src/futex/rwlock/unlock.rs", "src/futex/rwlock/write.rs"],
    excludes => reads_beside_a_write(0),
    spread_readers_exclude => reads_beside_a_write(1),
    biased_readers_exclude => reads_beside_a_write(2),
    upgrade_follows => upgrade_beside_a_reader([true], |held| Some(RwLockUpgradableReadGuard::upgrade(held))),
    tried_upgrade_follows => upgrade_beside_a_reader([false, true], |held| RwLockUpgradableReadGuard::try_upgrade(held).ok()),
    writers_exclude => writers_exclude(),
    spread_writers_exclude => two_writers(1, |held| drop(held)),
    rows_are_found => rows_are_found(),
    a_row_is_inherited => a_row_is_inherited(),
    a_slot_is_used_again => a_slot_is_used_again(),
    a_slot_is_taken_over => a_slot_is_taken_over(),
    upgrade_excludes => upgrade_excludes(),
    downgrade_publishes => downgrade_publishes(),
    downgrade_to_upgradable_publishes => downgrade_to_upgradable_publishes(),
    downgrade_to_upgradable_answers => downgrade_to_upgradable_answers(),
    upgrade_times_out => time_outs::upgrade_times_out(0),
    biased_upgrade_times_out => time_outs::upgrade_times_out(2),
    a_writer_waits_for_an_upgradable_reader => a_writer_waits_for_an_upgradable_reader(),
    a_writer_gives_up => time_outs::a_writer_gives_up(0, false),
    a_writer_gives_up_against_a_slot => time_outs::a_writer_gives_up(2, false),
    a_writer_gives_up_against_an_upgradable_reader => time_outs::a_writer_gives_up(0, true),
    an_upgrade_gives_up => time_outs::an_upgrade_gives_up(0),
    an_upgrade_gives_up_against_a_slot => time_outs::an_upgrade_gives_up(2),
    writer_times_out => time_outs::writer_times_out(0),
    biased_writer_times_out => time_outs::writer_times_out(2),
    readers_time_out => time_outs::readers_time_out(),
    tries => tries(0),
    spread_tries => tries(1),
    biased_tries => tries(2),
    slots_beside_a_write => slots_beside_a_write(),
    identities_differ => identities_differ(),
    reads_recursively => reads_recursively(),
    spread_readers_are_awaited => spread_readers_are_awaited(),
    a_writer_becomes_contended => a_writer_becomes_contended(),
    unlocks_fairly => two_writers(0, |held| RwLockWriteGuard::unlock_fair(held)),
}

/// For models of three threads, of which a sleep alone is a dozen steps. Their outcomes are still all there are.
const PREEMPTIONS: usize = 2;

type Total = Arc<RwLock<Watched>>;

/// A lock that has been read so often.
fn total(reads: u32) -> Total {
    let total = Arc::new(RwLock::from_raw(RawRwLock::new(), Watched::default()));
    (0..reads).for_each(|_| drop(total.read()));
    total
}

/// Whoever is last to know finds the lock free, and everything that was added.
fn end(total: &Total) -> u32 {
    total.try_write().expect("everybody has unlocked").get()
}

/// A reader beside a writer, in a lock that has been read so often: either may have to sleep.
fn reads_beside_a_write(reads: u32) -> usize {
    explore_to([0, 1], move || {
        let total = total(reads);
        let reader = spawn({
            let total = Arc::clone(&total);
            move || total.read().get()
        });
        total.write().add(1);
        let read = reader.join().expect("it only reads");
        assert_eq!(end(&total), 1);
        read
    })
}

/// A thread upgrades beside a reader, who is gone when it claims the lock or has to be waited for: it comes after what was
/// read. The reader has been a writer, and not asked for the lock to be spread.
fn upgrade_beside_a_reader(expected: impl IntoIterator<Item = bool>, upgrade: Upgrade) -> usize {
    explore_to(expected, move || {
        let total = total(0);
        let held = RwLockWriteGuard::downgrade(total.write());
        let upgrader = spawn({
            let total = Arc::clone(&total);
            move || upgrade(total.upgradable_read()).map(|held| held.add(1)).is_some()
        });
        assert_eq!(held.get(), 0);
        drop(held);
        let upgraded = upgrader.join().expect("it only adds");
        assert_eq!(end(&total), u32::from(upgraded));
        upgraded
    })
}

type Upgrade = for<'a> fn(RwLockUpgradableReadGuard<'a, Watched>) -> Option<RwLockWriteGuard<'a, Watched>>;

/// Two writers and a reader: two of them may have to sleep, and who is woken first answers for the other.
fn writers_exclude() -> usize {
    explore_within_to(PREEMPTIONS, [0, 1, 2], || {
        let total = total(0);
        let writer = spawn({
            let total = Arc::clone(&total);
            move || total.write().add(1)
        });
        let reader = spawn({
            let total = Arc::clone(&total);
            move || total.read().get()
        });
        total.write().add(1);
        let read = reader.join().expect("it only reads");
        writer.join().expect("it only adds");
        assert_eq!(end(&total), 2);
        read
    })
}

/// Two writers of a lock that has been read so often. One of them may sleep, and be handed it by a fair unlock; where
/// readers are spread, each claims it at once if it can.
fn two_writers(reads: u32, unlock: fn(RwLockWriteGuard<'_, Watched>)) -> usize {
    explore_to([1, 2], move || {
        let total = total(reads);
        let writer = spawn({
            let total = Arc::clone(&total);
            move || total.write().add(1)
        });
        let held = total.write();
        held.add(1);
        let so_far = held.get();
        unlock(held);
        writer.join().expect("it only adds");
        assert_eq!(end(&total), 2);
        so_far
    })
}

/// A reader, with a row that it has to make, beside a writer that looks through the rows. Nobody waits.
fn rows_are_found() -> usize {
    let expected = [
        (false, None),
        (false, Some(0)),
        (true, None),
        (true, Some(0)),
        (true, Some(1)),
    ];
    explore_to(expected, || {
        let total = total(2);
        let reader = spawn({
            let total = Arc::clone(&total);
            move || total.try_read().map(|held| held.get())
        });
        let wrote = total.try_write().map(|held| held.add(1)).is_some();
        let read = reader.join().expect("it only tries");
        assert_eq!(end(&total), u32::from(wrote));
        (wrote, read)
    })
}

/// A thread ends while its row says that it reads, and the next thread has the row: it leaves that slot alone.
fn a_row_is_inherited() -> usize {
    explore_to([()], || {
        let (total, other) = (total(2), total(2));
        let leaver = spawn({
            let total = Arc::clone(&total);
            move || std::mem::forget(total.read())
        });
        let heir = spawn({
            let other = Arc::clone(&other);
            move || assert_eq!(other.read().get(), 0)
        });
        leaver.join().expect("it only reads");
        heir.join().expect("it only reads");
        assert!(total.try_write().is_none(), "it is still being read");
        assert_eq!(end(&other), 0);
    })
}

/// A reader's only slot names another lock when the writer looks: it comes after the read all the same.
fn a_slot_is_used_again() -> usize {
    explore_to([0, 1], || {
        let (total, other) = (total(2), total(2));
        let reader = spawn({
            let (total, other) = (Arc::clone(&total), Arc::clone(&other));
            move || {
                let read = total.read().get();
                assert_eq!(other.read().get(), 0);
                read
            }
        });
        total.write().add(1);
        let read = reader.join().expect("it only reads");
        assert_eq!((end(&total), end(&other)), (1, 0));
        read
    })
}

/// The same, but the first guard is given up by another thread.
fn a_slot_is_taken_over() -> usize {
    explore_to([()], || {
        let (total, other) = (total(2), total(2));
        let share = {
            // SAFETY: the acquisition is given back below.
            unsafe { total.raw() }.lock_shared()
        };
        let leaver = spawn({
            let total = Arc::clone(&total);
            move || {
                assert_eq!(
                    {
                        // SAFETY: read under the acquisition that this thread has been given.
                        unsafe { &*total.data_ptr() }.get()
                    },
                    0
                );
                // SAFETY: the acquisition made above, which is this thread's now.
                unsafe { total.raw().unlock_shared(share) };
            }
        });
        let writer = spawn({
            let total = Arc::clone(&total);
            move || total.write().add(1)
        });
        // Lets the leaver come first: loom runs the main thread through where nothing makes it wait.
        loom::thread::yield_now();
        assert_eq!(other.read().get(), 0);
        leaver.join().expect("it only reads");
        writer.join().expect("it only adds");
        assert_eq!(end(&total), 1);
    })
}

/// A thread looks and then upgrades, beside a reader and a writer: what it has read is still so when it writes.
fn upgrade_excludes() -> usize {
    explore_within_to(PREEMPTIONS, [(0, 0), (0, 10), (0, 11), (1, 0), (1, 1), (1, 11)], || {
        let total = total(0);
        let upgrader = spawn({
            let total = Arc::clone(&total);
            move || {
                let held = total.upgradable_read();
                let before = held.get();
                let held = RwLockUpgradableReadGuard::upgrade(held);
                assert_eq!(held.get(), before);
                held.add(10);
                before
            }
        });
        let reader = spawn({
            let total = Arc::clone(&total);
            move || total.read().get()
        });
        total.write().add(1);
        let read = reader.join().expect("it only reads");
        let before = upgrader.join().expect("it only adds");
        assert_eq!(end(&total), 11);
        (before, read)
    })
}

/// A writer that becomes a reader has published what it wrote, and still keeps the other writer out.
fn downgrade_publishes() -> usize {
    explore_within_to(
        PREEMPTIONS,
        [(1, 0), (1, 1), (1, 11), (11, 0), (11, 10), (11, 11)],
        || {
            let total = total(0);
            let writer = spawn({
                let total = Arc::clone(&total);
                move || {
                    let held = total.write();
                    held.add(1);
                    let written = held.get();
                    assert_eq!(RwLockWriteGuard::downgrade(held).get(), written);
                    written
                }
            });
            let other = spawn({
                let total = Arc::clone(&total);
                move || total.write().add(10)
            });
            let read = total.read().get();
            other.join().expect("it only adds");
            let written = writer.join().expect("it only adds");
            assert_eq!(end(&total), 11);
            (written, read)
        },
    )
}

/// The same by way of an upgradable reader: sleeping readers come in beside it, a sleeping writer after it.
fn downgrade_to_upgradable_publishes() -> usize {
    explore_to([0, 1], || {
        let total = total(0);
        let writer = spawn({
            let total = Arc::clone(&total);
            move || {
                let held = total.write();
                held.add(1);
                let held = RwLockWriteGuard::downgrade_to_upgradable(held);
                assert_eq!(held.get(), 1);
                assert_eq!(RwLockUpgradableReadGuard::downgrade(held).get(), 1);
            }
        });
        let read = total.read().get();
        writer.join().expect("it only adds");
        assert_eq!(end(&total), 1);
        read
    })
}

/// A writer that waits for an upgradable reader holds off no readers, and comes in after it.
fn a_writer_waits_for_an_upgradable_reader() -> usize {
    explore_to([Some(0)], || {
        let total = total(0);
        let held = total.upgradable_read();
        let writer = spawn({
            let total = Arc::clone(&total);
            move || total.write().add(1)
        });
        let read = total.try_read().map(|other| other.get());
        assert_eq!(held.get(), 0);
        drop(held);
        writer.join().expect("it only adds");
        assert_eq!(end(&total), 1);
        read
    })
}

/// A quiet writer that becomes an upgradable reader answers from then on for the writer that sleeps.
fn downgrade_to_upgradable_answers() -> usize {
    explore_to([0, 1], || {
        let total = total(0);
        let writer = spawn({
            let total = Arc::clone(&total);
            move || {
                let held = total.write();
                held.add(1);
                let written = held.get();
                assert_eq!(RwLockWriteGuard::downgrade_to_upgradable(held).get(), written);
            }
        });
        let held = total.write();
        let before = held.get();
        held.add(1);
        drop(held);
        writer.join().expect("it only adds");
        assert_eq!(end(&total), 2);
        before
    })
}

/// A thread tries to write and one to upgrade beside a reader: who fails has changed nothing, who gets in is alone.
fn tries(reads: u32) -> usize {
    explore_to([(false, 0), (true, 0), (true, 1)], move || {
        let total = total(reads);
        let reader = spawn({
            let total = Arc::clone(&total);
            move || total.read().get()
        });
        let wrote = total.try_write().map(|held| held.add(1)).is_some();
        let read = reader.join().expect("it only reads");
        assert_eq!(end(&total), u32::from(wrote));
        (wrote, read)
    })
}

/// Two threads make a lock each read-mostly at one time: neither is taken for the other.
fn identities_differ() -> usize {
    explore_to([()], || {
        let other = spawn(|| {
            let mine = total(1);
            let held = mine.read();
            assert!(mine.try_write().is_none(), "it is being read");
            drop(held);
            end(&mine)
        });
        let mine = total(1);
        assert!(mine.try_write().is_some(), "nobody reads it");
        assert_eq!(other.join().expect("it only reads"), 0);
    })
}

/// A thread that reads reads again while a writer waits, and sees what it saw before. It holds no guards, since a fault
/// may leave it asleep.
fn reads_recursively() -> usize {
    explore_to([0, 1], || {
        let total = Arc::new(RecursiveRwLock::from_raw(
            RawRwLockRecursive::default(),
            Watched::default(),
        ));
        let writer = spawn({
            let total = Arc::clone(&total);
            move || total.write().add(1)
        });
        // SAFETY: each acquisition is given back below, and the value is only read in between.
        let read = unsafe {
            let first = total.raw().lock_shared();
            let read = (*total.data_ptr()).get();
            let second = total.raw().lock_shared();
            assert_eq!((*total.data_ptr()).get(), read);
            total.raw().unlock_shared(second);
            total.raw().unlock_shared(first);
            read
        };
        writer.join().expect("it only adds");
        read
    })
}

/// A writer parks until a reader leaves its slot, which it has taken with a fence.
fn spread_readers_are_awaited() -> usize {
    explore_to([()], || {
        let total = total(1);
        let held = total.read();
        let writer = spawn({
            let total = Arc::clone(&total);
            move || total.write().add(1)
        });
        assert_eq!(held.get(), 0);
        drop(held);
        writer.join().expect("it only adds");
        assert_eq!(end(&total), 1);
    })
}

/// A writer that has come in fast mode changes to contended mode while another parks, and unparks it.
fn a_writer_becomes_contended() -> usize {
    explore_to([4], || {
        let total = total(0);
        let writer = spawn({
            let total = Arc::clone(&total);
            move || (0..2).for_each(|_| total.write().add(1))
        });
        (0..2).for_each(|_| total.write().add(1));
        writer.join().expect("it only adds");
        end(&total)
    })
}

/// A reader makes the lock slotted, and then reads in a slot, beside a writer: that looks for the right identity.
fn slots_beside_a_write() -> usize {
    explore_to([(0, 0), (0, 1), (1, 1)], || {
        let total = total(0);
        let reader = spawn({
            let total = Arc::clone(&total);
            move || {
                // One after the other: in one expression, the first guard would outlive the second read.
                let first = total.read().get();
                (first, total.read().get())
            }
        });
        total.write().add(1);
        let read = reader.join().expect("it only reads");
        assert_eq!(end(&total), 1);
        read
    })
}
