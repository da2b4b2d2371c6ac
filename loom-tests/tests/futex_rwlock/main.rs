//! Models of the reader-writer lock that sleeps. In a model no thread spins, a thread has one slot, the first read
//! makes a lock's readers spread out, the second makes them biased, and the second write after that brings them back.
#![cfg(linchpin_loom)]

mod beyond;
mod owners;
mod slots;
mod time_outs;

// std's: loom's own aborts the process if it is dropped after a deadlock, which a fault may lead to.
use std::sync::Arc;

use linchpin::futex::{
    RawRwLock, RawRwLockRecursive, RecursiveRwLock, RwLock, RwLockUpgradableReadGuard, RwLockWriteGuard,
};
use lock_api::RawRwLock as _;
use loom_tests::{Bounds, Watched, explore_beyond_to, explore_to, models, spawn};

models! {
    futex_rwlock, sources: [
        "src/futex/rwlock/bias.rs", "src/futex/rwlock/drain.rs", "src/futex/rwlock/read.rs",
        "src/futex/rwlock/slots.rs", "src/internal/grow_list.rs", "src/futex/rwlock/unlock.rs", "src/futex/rwlock/write.rs",
    ] beyond [
        excludes_by_kind, biased_readers_by_kind, spread_readers_by_kind, writer_by_kind, writers_by_kind,
        downgrade_by_kind, deputies_by_kind, two_slots,
    ],
    excludes => reads_beside_a_write(Bounds::SMALL, 0),
    spread_readers_exclude => reads_beside_a_write(Bounds::SMALL, 1),
    biased_readers_exclude => reads_beside_a_write(Bounds::SMALL, 2),
    upgrade_follows => owners::upgrade_beside_a_reader([true], |held| Some(RwLockUpgradableReadGuard::upgrade(held))),
    tried_upgrade_follows => owners::upgrade_beside_a_reader([false, true], |held| RwLockUpgradableReadGuard::try_upgrade(held).ok()),
    writers_exclude => writers_exclude(Bounds::SMALL),
    spread_writers_exclude => two_writers(1, |held| drop(held)),
    rows_are_found => slots::rows_are_found(),
    a_row_is_inherited => slots::a_row_is_inherited(),
    a_slot_is_used_again => slots::a_slot_is_used_again(),
    a_slot_is_taken_over => slots::a_slot_is_taken_over(),
    upgrade_excludes => owners::upgrade_excludes(),
    downgrade_publishes => owners::downgrade_publishes(),
    downgrade_to_upgradable_publishes => owners::downgrade_to_upgradable_publishes(),
    downgrade_to_upgradable_answers => owners::downgrade_to_upgradable_answers(Bounds::SMALL),
    upgrade_times_out => time_outs::upgrade_times_out(0),
    biased_upgrade_times_out => time_outs::upgrade_times_out(2),
    a_writer_waits_for_an_upgradable_reader => owners::a_writer_waits_for_an_upgradable_reader(),
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
    slots_beside_a_write => slots::slots_beside_a_write(),
    identities_differ => slots::identities_differ(),
    reads_recursively => reads_recursively(Bounds::SMALL),
    spread_readers_are_awaited => slots::spread_readers_are_awaited(Bounds::SMALL),
    a_writer_becomes_contended => a_writer_becomes_contended(Bounds::SMALL),
    excludes_without_turns => writers_exclude(beyond::NO_TURNS),
    excludes_by_kind => reads_beside_a_write(beyond::BY_KIND, 0),
    biased_readers_by_kind => reads_beside_a_write(beyond::BY_KIND, 2),
    spread_readers_by_kind => reads_beside_a_write(beyond::BY_KIND, 1),
    writer_by_kind => a_writer_becomes_contended(beyond::BY_KIND),
    writers_by_kind => writers_exclude(beyond::BY_KIND),
    deputies_by_kind => writers_exclude(Bounds { decides: false, ..beyond::BY_KIND }),
    downgrade_by_kind => owners::downgrade_to_upgradable_answers(beyond::BY_KIND),
    two_slots => slots::two_slots(beyond::TWO_SLOTS),
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

/// The thread that is last to know finds the lock free, and everything that was added.
fn end(total: &Total) -> u32 {
    total.try_write().expect("everybody has unlocked").get()
}

/// A reader beside a writer, in a lock that has been read so often: either may have to sleep.
fn reads_beside_a_write(bounds: Bounds, reads: u32) -> usize {
    explore_beyond_to(bounds, 3, [0, 1], move || {
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

/// Two writers and a reader: two of them may have to sleep, and the one woken first is responsible for waking the
/// other.
fn writers_exclude(bounds: Bounds) -> usize {
    explore_beyond_to(bounds, PREEMPTIONS, [0, 1, 2], || {
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

/// A thread tries to write and one to upgrade beside a reader: a thread that fails has changed nothing, one that gets
/// in is alone.
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

/// A thread that reads reads again while a writer waits, and sees what it saw before. It holds no guards, since a fault
/// may leave it asleep.
fn reads_recursively(bounds: Bounds) -> usize {
    explore_beyond_to(bounds, 3, [0, 1], || {
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

/// A writer that has come in fast mode changes to contended mode while another parks, and unparks it.
fn a_writer_becomes_contended(bounds: Bounds) -> usize {
    explore_beyond_to(bounds, 3, [4], || {
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
