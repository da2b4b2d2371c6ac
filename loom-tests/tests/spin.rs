//! Models of the spin locks: three threads, exhaustively.
#![cfg(linchpin_loom)]

use linchpin::spin::{Barrier, RawMutex, RawRwLock, RawTasMutex, RawTicketMutex};
use lock_api::{Mutex, RwLock, RwLockUpgradableReadGuard, RwLockWriteGuard};
use loom::sync::Arc;
use loom_tests::{Watched, explore_to, explore_within_to, models, spawn};

models! {
    spin, sources: ["src/spin/mutex.rs", "src/spin/ticket.rs", "src/spin/rwlock.rs", "src/spin/barrier.rs"],
    mutex_excludes => excludes(RawMutex::<Policy>::with_wait),
    tas_mutex_excludes => excludes(RawTasMutex::<Policy>::with_wait),
    ticket_mutex_excludes => excludes(RawTicketMutex::<Policy>::with_wait),
    mutex_tries => tries(RawMutex::<Policy>::with_wait),
    tas_mutex_tries => tries(RawTasMutex::<Policy>::with_wait),
    ticket_mutex_tries => tries(RawTicketMutex::<Policy>::with_wait),
    rwlock_excludes => rwlock_excludes(),
    rwlock_writers_exclude => rwlock_writers_exclude(),
    rwlock_upgrade_excludes => rwlock_upgrade_excludes(),
    rwlock_downgrade_publishes => rwlock_downgrade_publishes(),
    rwlock_downgrade_beside_readers => rwlock_downgrade_beside_readers(),
    rwlock_tries_to_upgrade => rwlock_tries_to_upgrade(),
    mutex_times_out => mutex_times_out(),
    barrier_meets => barrier_meets(),
}

type Policy = linchpin::wait::DefaultWait;

/// Three threads lock and add: nothing overlaps, nothing is lost.
fn excludes<R: lock_api::RawMutex<Guard: 'static> + Send + Sync + 'static>(raw: fn() -> R) -> usize {
    explore_to([3], move || {
        let total = Arc::new(Mutex::from_raw(raw(), Watched::default()));
        let others = [(), ()].map(|()| {
            let total = Arc::clone(&total);
            spawn(move || total.lock().add(1))
        });
        total.lock().add(1);
        for other in others {
            other.join().expect("it only adds");
        }
        total.lock().get()
    })
}

/// Two threads try while a third locks: a thread that fails has changed nothing, one that gets in is alone, and the
/// lock is free in the end.
fn tries<R: lock_api::RawMutex<Guard: 'static> + Send + Sync + 'static>(raw: fn() -> R) -> usize {
    explore_to(
        [(false, false), (false, true), (true, false), (true, true)],
        move || {
            let total = Arc::new(Mutex::from_raw(raw(), Watched::default()));
            let locker = spawn({
                let total = Arc::clone(&total);
                move || total.lock().add(1)
            });
            let trier = spawn({
                let total = Arc::clone(&total);
                move || total.try_lock().map(|held| held.add(1)).is_some()
            });
            let first = total.try_lock().map(|held| held.add(1)).is_some();
            locker.join().expect("it only adds");
            let second = trier.join().expect("it only adds");
            let end = total.try_lock().expect("everybody has unlocked");
            assert_eq!(end.get(), 1 + u32::from(first) + u32::from(second));
            (first, second)
        },
    )
}

/// A reader, an upgradable reader and a writer: a reader sees all of the write or nothing of it.
fn rwlock_excludes() -> usize {
    explore_to([(0, 0), (0, 1), (1, 0), (1, 1)], || {
        let total = Arc::new(RwLock::from_raw(RawRwLock::<Policy>::with_wait(), Watched::default()));
        let reader = spawn({
            let total = Arc::clone(&total);
            move || total.read().get()
        });
        let writer = spawn({
            let total = Arc::clone(&total);
            move || total.write().add(1)
        });
        let here = total.upgradable_read().get();
        writer.join().expect("it only adds");
        let there = reader.join().expect("it only reads");
        assert_eq!(total.try_read().expect("everybody has unlocked").get(), 1);
        (here, there)
    })
}

/// Two writers that wait, and a reader that tries: a `WAITING` that is left behind would lock readers out for ever.
fn rwlock_writers_exclude() -> usize {
    explore_to([None, Some(0), Some(1), Some(2)], || {
        let total = Arc::new(RwLock::from_raw(RawRwLock::<Policy>::with_wait(), Watched::default()));
        let writer = spawn({
            let total = Arc::clone(&total);
            move || total.write().add(1)
        });
        let reader = spawn({
            let total = Arc::clone(&total);
            move || total.try_read().map(|held| held.get())
        });
        total.write().add(1);
        writer.join().expect("it only adds");
        let read = reader.join().expect("it only reads");
        assert_eq!(total.try_read().expect("everybody has unlocked").get(), 2);
        assert!(total.try_write().is_some());
        read
    })
}

/// Two threads look and then upgrade, beside a plain reader: what an upgrade has read is still so when it writes.
fn rwlock_upgrade_excludes() -> usize {
    fn look_and_add(total: &RwLock<RawRwLock<Policy>, Watched>) {
        let held = total.upgradable_read();
        let before = held.get();
        let held = RwLockUpgradableReadGuard::upgrade(held);
        held.add(1);
        assert_eq!(held.get(), before + 1);
    }
    explore_to([0, 1, 2], || {
        let total = Arc::new(RwLock::from_raw(RawRwLock::<Policy>::with_wait(), Watched::default()));
        let upgrader = spawn({
            let total = Arc::clone(&total);
            move || look_and_add(&total)
        });
        let reader = spawn({
            let total = Arc::clone(&total);
            move || total.read().get()
        });
        look_and_add(&total);
        upgrader.join().expect("it only adds");
        let read = reader.join().expect("it only reads");
        assert_eq!(total.try_write().expect("everybody has unlocked").get(), 2);
        read
    })
}

/// A writer that becomes a reader has published what it wrote, and still keeps the other writer out.
fn rwlock_downgrade_publishes() -> usize {
    explore_to([0, 1, 2, 3], || {
        let total = Arc::new(RwLock::from_raw(RawRwLock::<Policy>::with_wait(), Watched::default()));
        let to_reader = spawn({
            let total = Arc::clone(&total);
            move || {
                let held = total.write();
                held.add(1);
                let written = held.get();
                let held = RwLockWriteGuard::downgrade(held);
                assert_eq!(held.get(), written);
            }
        });
        let to_upgradable = spawn({
            let total = Arc::clone(&total);
            move || {
                let held = total.write();
                held.add(2);
                let written = held.get();
                let held = RwLockWriteGuard::downgrade_to_upgradable(held);
                assert_eq!(held.get(), written);
                let held = RwLockUpgradableReadGuard::downgrade(held);
                assert_eq!(held.get(), written);
            }
        });
        let read = total.read().get();
        to_reader.join().expect("it only adds");
        to_upgradable.join().expect("it only adds");
        assert_eq!(total.try_write().expect("everybody has unlocked").get(), 3);
        read
    })
}

/// An upgradable reader becomes a plain one while others come and go: no thread's mark is lost, or left behind.
fn rwlock_downgrade_beside_readers() -> usize {
    explore_to([0], || {
        let total = Arc::new(RwLock::from_raw(RawRwLock::<Policy>::with_wait(), Watched::default()));
        let readers = [(), ()].map(|()| {
            let total = Arc::clone(&total);
            spawn(move || total.read().get())
        });
        let held = RwLockUpgradableReadGuard::downgrade(total.upgradable_read());
        let read = held.get();
        drop(held);
        for reader in readers {
            reader.join().expect("it only reads");
        }
        assert!(total.try_write().is_some(), "everybody has unlocked");
        read
    })
}

/// `try_upgrade` succeeds only without readers, and otherwise leaves the upgradable read as it was.
fn rwlock_tries_to_upgrade() -> usize {
    explore_to([(false, 0), (true, 0), (true, 1)], || {
        let total = Arc::new(RwLock::from_raw(RawRwLock::<Policy>::with_wait(), Watched::default()));
        let reader = spawn({
            let total = Arc::clone(&total);
            move || total.read().get()
        });
        let upgraded = match RwLockUpgradableReadGuard::try_upgrade(total.upgradable_read()) {
            Ok(held) => {
                held.add(1);
                true
            }
            Err(held) => held.get() != 0,
        };
        let read = reader.join().expect("it only reads");
        assert_eq!(
            total.try_write().expect("everybody has unlocked").get(),
            u32::from(upgraded)
        );
        (upgraded, read)
    })
}

/// A deadline may come while another thread holds the lock: the thread that gives up has changed nothing.
fn mutex_times_out() -> usize {
    explore_to([false, true], || {
        let total = Arc::new(Mutex::from_raw(RawMutex::<Policy>::with_wait(), Watched::default()));
        let locker = spawn({
            let total = Arc::clone(&total);
            move || total.lock().add(1)
        });
        let deadline = std::time::Instant::now();
        let in_time = total.try_lock_until(deadline).map(|held| held.add(1)).is_some();
        locker.join().expect("it only adds");
        let end = total.try_lock().expect("everybody has unlocked");
        assert_eq!(end.get(), 1 + u32::from(in_time));
        in_time
    })
}

/// Three threads meet: each sees what the others did before, and one of them is the leader.
fn barrier_meets() -> usize {
    explore_within_to(2, [0, 1, 2], || {
        let place = Arc::new((Barrier::<Policy>::with_wait(3), [(); 3].map(|()| Watched::default())));
        fn meet(place: &(Barrier<Policy>, [Watched; 3]), mine: usize) -> bool {
            place.1[mine].add(1);
            let is_leader = place.0.wait().is_leader();
            assert!(place.1.iter().all(|written| written.get() == 1));
            is_leader
        }
        let others = [1, 2].map(|mine| {
            let place = Arc::clone(&place);
            spawn(move || meet(&place, mine))
        });
        let here = meet(&place, 0);
        let there = others.map(|other| other.join().expect("it only meets"));
        let leaders = [here, there[0], there[1]];
        assert_eq!(leaders.iter().filter(|&&leads| leads).count(), 1);
        leaders.iter().position(|&leads| leads).expect("one of them")
    })
}
