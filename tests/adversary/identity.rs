//! Rows 2 and 3: what a lock keeps beside itself follows the lock, not its address.

use std::mem::{self, ManuallyDrop};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use linchpin::{futex, queue, spin};
use lock_api::{RawMutex, RawRwLock, RawRwLockTimed, RawRwLockUpgrade};

use crate::common::{Held, Mode, is_read_mostly, lock, make_read_mostly, try_lock, unlock, write};
use crate::process::Child;
use crate::process::{alone, in_a_fork};
use crate::system::{Actor, leak, until};

const SOON: Duration = Duration::from_secs(3);

/// Safe code alone: a reader is forgotten, and another lock takes the place of the first.
#[test]
fn a_forgotten_reader_does_not_bar_the_next_lock_at_its_address() {
    alone(|| {
        let mut lock = Box::new(futex::RwLock::new(0));
        for round in 1..=10 {
            // SAFETY: only looks at how it is read.
            make_read_mostly(unsafe { lock.raw() });
            mem::forget(lock.read());
            assert!(
                lock.is_locked() && lock.try_write().is_none(),
                "the reader is forgotten, not gone"
            );
            *lock = futex::RwLock::new(round);
            // SAFETY: as above.
            make_read_mostly(unsafe { lock.raw() });
            assert!(!lock.is_locked(), "no reader of this lock is left");
            let mut writer = lock.try_write_for(SOON).expect("no reader of this lock is left");
            *writer += 1;
            drop(writer);
            assert_eq!(*lock.read(), round + 1);
        }
    });
}

/// More readers than a thread has slots, by threads that have ended since.
#[test]
fn forgotten_readers_of_other_threads_do_not_bar_it_either() {
    alone(|| {
        let place = leak(futex::RawRwLock::INIT);
        for round in 0..3 {
            make_read_mostly(place);
            for _ in 0..4 {
                let of_a_thread: &'static futex::RawRwLock = place;
                Actor::start(move || (0..10).for_each(|_| _ = ManuallyDrop::new(of_a_thread.lock_shared()))).join();
            }
            assert!(place.try_lock_exclusive().is_none(), "they are inside");
            // SAFETY: the threads have ended, and nothing refers to the lock but `place`, which is used from here on
            // only for the new one.
            unsafe { std::ptr::from_ref(place).cast_mut().write(futex::RawRwLock::INIT) };
            make_read_mostly(place);
            assert!(!place.is_locked(), "round {round}");
            let guard = place
                .try_lock_exclusive_for(SOON)
                .expect("no reader of this lock is left");
            // SAFETY: the acquisition just made.
            unsafe { place.unlock_exclusive(guard) };
        }
    });
}

/// In a child, the readers that were other threads of the parent are gone, and can never leave what they read.
#[test]
fn a_reader_that_a_fork_left_behind_does_not_bar_the_next_lock_at_its_address() {
    alone(|| {
        let place = leak(futex::RawRwLock::INIT);
        let (is_over, is_inside) = (leak(AtomicBool::new(false)), leak(AtomicBool::new(false)));
        make_read_mostly(place);
        let reader = Actor::start(|| {
            let guard = place.lock_shared();
            is_inside.store(true, Ordering::SeqCst);
            until("the children are through", || is_over.load(Ordering::SeqCst));
            // SAFETY: the acquisition above.
            unsafe { place.unlock_shared(guard) };
        });
        until("it reads", || is_inside.load(Ordering::SeqCst));
        for _ in 0..5 {
            let child = in_a_fork(10, || {
                // SAFETY: in the child this thread is the only one, and it holds no guard.
                unsafe { std::ptr::from_ref(place).cast_mut().write(futex::RawRwLock::INIT) };
                for _ in 0..1_000_000 {
                    crate::common::read(place);
                }
                let Some(guard) = place.try_lock_exclusive_for(SOON) else {
                    return false;
                };
                // SAFETY: the acquisition just made.
                unsafe { place.unlock_exclusive(guard) };
                true
            });
            assert_eq!(child, Child::Right, "no reader of this lock is left");
        }
        is_over.store(true, Ordering::SeqCst);
        reader.join();
    });
}

/// Moves `lock` to other addresses and back, and looks at each whether it `is_right`.
fn moved<L>(lock: L, is_right: impl Fn(&L, &str)) -> L {
    is_right(&lock, "on the stack");
    let boxed = Box::new(lock);
    is_right(&boxed, "in a box");
    let mut both = vec![Some(boxed), None];
    both.swap(0, 1);
    let lock = *both.swap_remove(1).expect("swapped");
    is_right(&lock, "on the stack again");
    let (moved, _) = (Box::new([lock]), [0_u8; 100]);
    is_right(&moved[0], "in another box");
    let [lock] = *moved;
    lock
}

/// As lock_api 0.5 asks of each raw mutex: it may be moved and dropped while it is locked.
fn a_held_mutex_is_movable<R: RawMutex>() {
    for round in 0..3 {
        let lock = R::INIT;
        for _ in 0..round {
            let guard = lock.lock();
            // SAFETY: the acquisition just made.
            unsafe { lock.unlock(guard) };
        }
        let guard = if round == 1 {
            lock.try_lock().expect("it is free")
        } else {
            lock.lock()
        };
        let lock = moved(lock, |lock, place| {
            assert!(lock.is_locked() && lock.try_lock().is_none(), "{place}: it is held");
        });
        // SAFETY: the acquisition above: a lock may be moved while it is locked.
        unsafe { lock.unlock(guard) };
        assert!(!lock.is_locked());
        let guard = lock.try_lock().expect("it is free");
        // SAFETY: the acquisition just made.
        unsafe { lock.unlock(guard) };
        // Moved once more and dropped while it is held.
        _ = ManuallyDrop::new(lock.lock());
        drop(moved(lock, |lock, place| {
            assert!(lock.try_lock().is_none(), "{place}: it is held for ever")
        }));
    }
}

#[test]
fn a_held_mutex_stays_locked_when_it_is_moved() {
    alone(|| {
        a_held_mutex_is_movable::<spin::RawMutex>();
        a_held_mutex_is_movable::<spin::RawTasMutex>();
        a_held_mutex_is_movable::<spin::RawTicketMutex>();
        a_held_mutex_is_movable::<futex::RawMutex>();
        a_held_mutex_is_movable::<queue::RawMcsMutex>();
        a_held_mutex_is_movable::<queue::RawClhMutex>();
    });
}

/// By `prepare`, a lock has some past.
fn a_held_rwlock_is_movable<R: RawRwLockUpgrade>(prepare: impl Fn(&R)) {
    for mode in Mode::ALL {
        let held = R::INIT;
        prepare(&held);
        let was_read_mostly = is_read_mostly(&held);
        let guard = lock(&held, mode);
        let held = moved(held, |lock, place| {
            let is_right = lock.is_locked() && lock.is_locked_exclusive() == (mode == Mode::Write);
            assert!(is_right, "{place}, held by {mode:?} (read-mostly: {was_read_mostly})");
            for newcomer in Mode::ALL {
                let may = matches!(
                    (mode, newcomer),
                    (Mode::Read, Mode::Read | Mode::Upgradable) | (Mode::Upgradable, Mode::Read)
                );
                let got = try_lock(lock, newcomer);
                assert_eq!(
                    got.is_some(),
                    may,
                    "{place}: {newcomer:?} beside {mode:?} (read-mostly: {was_read_mostly})"
                );
                if let Some(got) = got {
                    // SAFETY: the acquisition just made.
                    unsafe { unlock(lock, got) };
                }
            }
        });
        // SAFETY: the acquisition above: a lock may be moved while it is locked.
        unsafe { unlock(&held, guard) };
        assert!(!held.is_locked());
        write(&held);
        _ = ManuallyDrop::new(lock(&held, mode));
        drop(moved(held, |lock, place| {
            assert!(lock.try_lock_exclusive().is_none(), "{place}: it is held for ever")
        }));
    }
}

#[test]
fn a_held_spinning_rwlock_stays_locked_when_it_is_moved() {
    alone(|| a_held_rwlock_is_movable::<spin::RawRwLock>(|_| {}));
}

#[test]
fn a_held_rwlock_stays_locked_when_it_is_moved() {
    alone(|| {
        a_held_rwlock_is_movable::<futex::RawRwLock>(|_| {});
        a_held_rwlock_is_movable::<futex::RawRwLock>(write);
    });
}

#[test]
fn a_held_read_mostly_rwlock_stays_locked_when_it_is_moved() {
    alone(|| a_held_rwlock_is_movable::<futex::RawRwLock>(make_read_mostly));
}

/// Two locks of which each has a reader change places.
#[test]
fn read_mostly_locks_that_are_swapped_keep_their_own_readers() {
    alone(|| {
        let mut locks = [futex::RawRwLock::INIT, futex::RawRwLock::INIT];
        locks.iter().for_each(make_read_mostly);
        let of_the_first = locks[0].lock_shared();
        locks.reverse();
        assert!(
            locks[1].is_locked() && locks[1].try_lock_exclusive().is_none(),
            "it is read"
        );
        assert!(!locks[0].is_locked(), "no thread reads this one");
        let written = locks[0].try_lock_exclusive_for(SOON).expect("no thread reads this one");
        // SAFETY: both acquisitions, each of the lock that it was made of.
        unsafe {
            locks[0].unlock_exclusive(written);
            locks[1].unlock_shared(of_the_first);
        }
        assert!(locks.iter().all(|lock| !lock.is_locked()));
        locks.iter().for_each(write);
    });
}

/// A writer that has begun to wait after the move is woken by a reader from before it.
#[test]
fn a_reader_from_before_a_move_wakes_the_writer_that_waits_after_it() {
    alone(|| {
        for prepare in [|_: &_| {}, make_read_mostly as fn(&futex::RawRwLock)] {
            let first = futex::RawRwLock::INIT;
            prepare(&first);
            let reader = lock(&first, Mode::Read);
            let moved = leak(first);
            let is_inside = leak(AtomicBool::new(false));
            let writer = Actor::asleep(|| {
                let guard = moved.lock_exclusive();
                is_inside.store(true, Ordering::SeqCst);
                // SAFETY: the acquisition just made.
                unsafe { moved.unlock_exclusive(guard) };
            });
            assert!(!is_inside.load(Ordering::SeqCst), "a writer beside a reader");
            // SAFETY: the acquisition above.
            unsafe { unlock(moved, reader) };
            until("the writer gets in", || is_inside.load(Ordering::SeqCst));
            writer.join();
        }
    });
}

/// `lock_api::Mutex` and `RwLock` with guards: leaked, moved, and unlocked by force.
#[test]
fn a_leaked_guard_is_unlocked_by_force_after_a_move() {
    alone(|| {
        let mutex = futex::Mutex::new(1);
        // SAFETY: locks it without a guard.
        let hold = unsafe { mutex.raw() }.lock();
        let mutex = Box::new(mutex);
        assert!(mutex.try_lock().is_none());
        // SAFETY: the acquisition above, and there is no guard.
        unsafe { mutex.force_unlock(hold) };
        assert_eq!(*mutex.lock(), 1);

        let rwlock = futex::RwLock::new(1);
        // SAFETY: locks it without a guard.
        let share = unsafe {
            make_read_mostly(rwlock.raw());
            rwlock.raw().lock_shared()
        };
        let rwlock = Box::new(rwlock);
        assert!(rwlock.try_write().is_none(), "it is read");
        // SAFETY: the acquisition above, and there is no guard.
        unsafe { rwlock.force_unlock_read(share) };
        *rwlock.write() += 1;
        assert_eq!(rwlock.into_inner(), 2);
    });
}

/// The state of an acquisition and the lock, which is moved, go to another thread.
#[test]
fn a_state_is_sent_to_where_the_lock_is_moved() {
    alone(|| {
        let first = futex::RawRwLock::INIT;
        make_read_mostly(&first);
        let Held::Read(share) = lock(&first, Mode::Read) else {
            unreachable!("as asked")
        };
        let moved = Box::new(first);
        Actor::start(move || {
            assert!(moved.try_lock_exclusive().is_none(), "it is read");
            // SAFETY: the acquisition above.
            unsafe { moved.unlock_shared(share) };
            write(&*moved);
        })
        .join();
    });
}
