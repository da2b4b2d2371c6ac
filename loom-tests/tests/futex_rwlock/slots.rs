//! Readers in slots.

use std::sync::Arc;

use lock_api::RawRwLock as _;
use loom_tests::{Bounds, explore_beyond_to, explore_to, spawn};

use super::{end, total};

/// A reader, with a row that it has to make, beside a writer that looks through the rows. No thread waits.
pub(super) fn rows_are_found() -> usize {
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
pub(super) fn a_row_is_inherited() -> usize {
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
pub(super) fn a_slot_is_used_again() -> usize {
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
pub(super) fn a_slot_is_taken_over() -> usize {
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

/// Two threads make a lock each read-mostly at one time: neither is taken for the other.
pub(super) fn identities_differ() -> usize {
    explore_to([()], || {
        let other = spawn(|| {
            let mine = total(1);
            let held = mine.read();
            assert!(mine.try_write().is_none(), "it is being read");
            drop(held);
            end(&mine)
        });
        let mine = total(1);
        assert!(mine.try_write().is_some(), "no thread reads it");
        assert_eq!(other.join().expect("it only reads"), 0);
    })
}

/// A reader makes the lock slotted, and then reads in a slot, beside a writer: that looks for the right identity.
pub(super) fn slots_beside_a_write() -> usize {
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

/// A writer parks until a reader leaves its slot, which it has taken with a fence.
pub(super) fn spread_readers_are_awaited(bounds: Bounds) -> usize {
    explore_beyond_to(bounds, 3, [()], || {
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

/// A thread reads two locks at one time, in both of its slots, and the second is written.
pub(super) fn two_slots(bounds: Bounds) -> usize {
    explore_beyond_to(bounds, 3, [0, 1], || {
        let (total, other) = (total(2), total(2));
        let reader = spawn({
            let (total, other) = (Arc::clone(&total), Arc::clone(&other));
            move || {
                let held = total.read();
                let read = other.read().get();
                assert_eq!(held.get(), 0);
                read
            }
        });
        other.write().add(1);
        let read = reader.join().expect("it only reads");
        assert_eq!((end(&total), end(&other)), (0, 1));
        read
    })
}
