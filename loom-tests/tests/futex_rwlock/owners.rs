//! Owners that change what they hold: upgrades and downgrades.

use std::sync::Arc;

use linchpin::futex::{RwLockUpgradableReadGuard, RwLockWriteGuard};
use loom_tests::{Bounds, Watched, explore_beyond_to, explore_to, explore_within_to, spawn};

use super::{PREEMPTIONS, end, total};

/// A thread looks and then upgrades, beside a reader and a writer: what it has read is still so when it writes.
pub(super) fn upgrade_excludes() -> usize {
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
pub(super) fn downgrade_publishes() -> usize {
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
pub(super) fn downgrade_to_upgradable_publishes() -> usize {
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
pub(super) fn a_writer_waits_for_an_upgradable_reader() -> usize {
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
pub(super) fn downgrade_to_upgradable_answers(bounds: Bounds) -> usize {
    explore_beyond_to(bounds, 3, [0, 1], || {
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

/// A thread upgrades beside a reader, which is gone when it claims the lock or has to be waited for: it comes after
/// what was read. The reader has been a writer, and not asked for the lock to be spread.
pub(super) fn upgrade_beside_a_reader(expected: impl IntoIterator<Item = bool>, upgrade: Upgrade) -> usize {
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

pub(super) type Upgrade = for<'a> fn(RwLockUpgradableReadGuard<'a, Watched>) -> Option<RwLockWriteGuard<'a, Watched>>;
