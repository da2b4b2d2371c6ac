//! Waits that end at a deadline: no thread that relies on the one that gives up is left asleep.

use std::sync::Arc;
use std::time::Instant;

use linchpin::futex::RwLockUpgradableReadGuard;
use loom_tests::{explore_to, explore_within_to, spawn};

use super::{PREEMPTIONS, end, total};

/// An upgrade that times out against a reader leaves the upgradable reader, and lets in whom it has held off.
pub(super) fn upgrade_times_out(reads: u32) -> usize {
    explore_to([(false, 0), (true, 0), (true, 1)], move || {
        let total = total(reads);
        let deadline = Instant::now();
        let upgrader = spawn({
            let total = Arc::clone(&total);
            move || {
                let held = total.upgradable_read();
                match RwLockUpgradableReadGuard::try_upgrade_until(held, deadline) {
                    Ok(held) => {
                        held.add(1);
                        true
                    }
                    Err(held) => {
                        assert_eq!(held.get(), 0);
                        assert!(total.try_upgradable_read().is_none());
                        false
                    }
                }
            }
        });
        let read = total.read().get();
        let upgraded = upgrader.join().expect("it only adds");
        assert_eq!(end(&total), u32::from(upgraded));
        (upgraded, read)
    })
}

/// A writer gives up, since a thread stays inside: it lets in the reader that it has held off.
pub(super) fn a_writer_gives_up(reads: u32, upgradable: bool) -> usize {
    explore_within_to(PREEMPTIONS, [0], move || {
        let total = total(reads);
        let deadline = Instant::now();
        let held = if upgradable {
            Ok(total.upgradable_read())
        } else {
            Err(total.read())
        };
        let writer = spawn({
            let total = Arc::clone(&total);
            move || total.try_write_until(deadline).is_some()
        });
        let reader = spawn({
            let total = Arc::clone(&total);
            move || total.read().get()
        });
        let read = reader.join().expect("it only reads");
        assert!(!writer.join().expect("it only tries"));
        drop(held);
        assert_eq!(end(&total), 0);
        read
    })
}

/// An upgrade gives up, since a reader stays inside: it lets in the reader that it has held off, and is upgradable
/// still.
pub(super) fn an_upgrade_gives_up(reads: u32) -> usize {
    explore_to([0], move || {
        let total = total(reads);
        let deadline = Instant::now();
        let (stays, held) = (total.read(), total.upgradable_read());
        let reader = spawn({
            let total = Arc::clone(&total);
            move || total.read().get()
        });
        let held = RwLockUpgradableReadGuard::try_upgrade_until(held, deadline)
            .err()
            .expect("it is being read");
        let read = reader.join().expect("it only reads");
        assert!(total.try_upgradable_read().is_none());
        drop((stays, held));
        assert_eq!(end(&total), 0);
        read
    })
}

/// A writer that times out against a reader lets in the reader that it has held off.
pub(super) fn writer_times_out(reads: u32) -> usize {
    explore_within_to(PREEMPTIONS, [(false, 0), (true, 0), (true, 1)], move || {
        let total = total(reads);
        let deadline = Instant::now();
        let held = total.read();
        let writer = spawn({
            let total = Arc::clone(&total);
            move || total.try_write_until(deadline).map(|held| held.add(1)).is_some()
        });
        let reader = spawn({
            let total = Arc::clone(&total);
            move || total.read().get()
        });
        assert_eq!(held.get(), 0);
        drop(held);
        let written = writer.join().expect("it only tries");
        let read = reader.join().expect("it only reads");
        assert_eq!(end(&total), u32::from(written));
        (written, read)
    })
}

/// A reader that times out takes no wake-up with it: the other thread that waits for the writer is woken.
pub(super) fn readers_time_out() -> usize {
    explore_within_to(PREEMPTIONS, [(None, 1), (Some(1), 1)], || {
        let total = total(0);
        let deadline = Instant::now();
        let held = total.write();
        let timed = spawn({
            let total = Arc::clone(&total);
            move || total.try_read_until(deadline).map(|held| held.get())
        });
        let reader = spawn({
            let total = Arc::clone(&total);
            move || total.read().get()
        });
        held.add(1);
        drop(held);
        let timed = timed.join().expect("it only tries");
        (timed, reader.join().expect("it only reads"))
    })
}
