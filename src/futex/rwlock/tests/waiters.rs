//! Which waiters are woken, and which are handed the lock.

use super::*;
use crate::futex::park::unpark_front;
use crate::futex::rwlock::state::Retain;
use crate::futex::rwlock::unlock::unpark_next;
use std::sync::mpsc;
use std::vec::Vec;

/// Longer than it takes until it is the turn of the first waiter.
const A_TURN: Duration = Duration::from_millis(20);
/// How long a waiter that should be woken is waited for.
const LONG: Duration = Duration::from_secs(10);

fn await_that(mut done: impl FnMut() -> bool) {
    while !done() {
        thread::yield_now();
    }
}

/// Whether each waiter has been woken before, and another thread was faster.
fn have_lost<const RECURSIVE: bool>(lock: &RawRwLockOf<RECURSIVE>) -> Vec<bool> {
    unpark_front(lock.key(), |front| {
        front.tokens().map(|token| token.has_lost()).collect()
    })
}

fn await_waiters<const RECURSIVE: bool>(lock: &RawRwLockOf<RECURSIVE>, count: usize) {
    await_that(|| have_lost(lock).len() == count);
}

/// Waits for that many waiters of a lock that stays held, wakes the first until all that are woken with it have lost, and lets
/// their turn come.
pub(super) fn lose(lock: &RawRwLock, count: usize) {
    await_waiters(lock, count);
    unpark_next(lock.key());
    await_that(|| have_lost(lock).len() == count && have_lost(lock)[0]);
    thread::sleep(A_TURN);
}

/// Whether a writer that waits claims the lock soon, in which this thread is a reader.
fn is_claimed<const RECURSIVE: bool>(lock: &RawRwLockOf<RECURSIVE>) -> bool {
    let end = std::time::Instant::now() + LONG;
    while !lock.state().has_writer() && std::time::Instant::now() < end {
        thread::yield_now();
    }
    lock.state().has_writer()
}

/// A reader and a writer wait, in this order; the lock is unlocked by `release`, which lets the reader in. Answers whether the
/// writer has been woken when the reader is inside.
fn is_passed_on<const RECURSIVE: bool>(
    lock: &RawRwLockOf<RECURSIVE>,
    release: impl FnOnce(lock_api::GuardSend),
) -> bool {
    // An owner in fast mode hands over nothing.
    lock.note_queued(Duration::from_secs(1));
    let held = lock.lock_exclusive();
    thread::scope(|scope| {
        let reader = scope.spawn(|| {
            let share = lock.lock_shared();
            let is_claimed = is_claimed(lock);
            // SAFETY: the acquisition just made.
            unsafe { lock.unlock_shared(share) };
            is_claimed
        });
        await_waiters(lock, 1);
        // With a deadline, so that it ends also if it is forgotten.
        let writer = scope.spawn(|| {
            let held = lock.try_lock_exclusive_for(2 * LONG);
            // SAFETY: the acquisition just made.
            held.map(|held| unsafe { lock.unlock_exclusive(held) }).is_some()
        });
        await_waiters(lock, 2);
        release(held);
        let is_passed_on = reader.join().expect("it only reads");
        writer.join().expect("it only writes") && is_passed_on
    })
}

#[test]
fn a_reader_that_is_woken_wakes_the_writer_behind_it() {
    let lock = RawRwLock::new();
    // SAFETY: what it is given is the acquisition.
    assert!(is_passed_on(&lock, |held| unsafe { lock.unlock_exclusive(held) }));
    let lock = RawRwLockRecursive::default();
    // SAFETY: the same.
    assert!(is_passed_on(&lock, |held| unsafe { lock.unlock_exclusive(held) }));
}

#[test]
fn a_writer_behind_a_reader_that_is_handed_the_lock_is_woken() {
    let lock = RawRwLock::new();
    assert!(is_passed_on(&lock, |held| {
        lose(&lock, 2);
        // SAFETY: the acquisition that it is given.
        unsafe { lock.unlock_exclusive(held) };
    }));
}

/// The lock is unlocked by a writer in either mode; the first waiter, an owner, is woken or handed the lock, and wakes the
/// writer behind it.
#[test]
fn an_owner_that_has_waited_wakes_the_writer_behind_it() {
    for (contended, loses, mode) in [
        (false, false, Mode::Upgradable),
        (false, false, Mode::Write),
        (true, false, Mode::Upgradable),
        (true, false, Mode::Write),
        (true, true, Mode::Upgradable),
        (true, true, Mode::Write),
    ] {
        let lock = RawRwLock::new();
        if contended {
            lock.note_queued(Duration::from_secs(1));
        }
        let held = lock.lock_exclusive();
        thread::scope(|scope| {
            let lock = &lock;
            // SAFETY: the acquisitions just made.
            scope.spawn(move || unsafe {
                if mode == Mode::Write {
                    lock.unlock_exclusive(lock.lock_exclusive());
                } else {
                    lock.unlock_upgradable(lock.lock_upgradable());
                }
            });
            await_waiters(lock, 1);
            let writer = scope.spawn(|| lock.try_lock_exclusive_for(LONG).is_some());
            await_waiters(lock, 2);
            if loses {
                lose(lock, 2);
            }
            // SAFETY: the acquisition made above.
            unsafe { lock.unlock_exclusive(held) };
            let is_woken = writer.join().expect("it only writes");
            assert!(is_woken, "contended: {contended}, handed over: {loses}, {mode:?}");
        });
    }
}

/// A writer becomes an upgradable reader, whose unlock wakes the writer that waits; and so does a plain reader.
#[test]
fn a_writer_that_downgrades_wakes_those_that_wait() {
    for contended in [false, true] {
        for to_upgradable in [false, true] {
            let lock = RawRwLock::new();
            if contended {
                lock.note_queued(Duration::from_secs(1));
            }
            let held = lock.lock_exclusive();
            thread::scope(|scope| {
                let writer = scope.spawn(|| lock.try_lock_exclusive_for(LONG).is_some());
                await_waiters(&lock, 1);
                // It is queued, and then relies on this owner.
                thread::sleep(A_TURN);
                // SAFETY: the acquisition made above, and what it becomes.
                unsafe {
                    if to_upgradable {
                        let held = lock.downgrade_to_upgradable(held);
                        lock.unlock_upgradable(held);
                    } else {
                        let share = lock.downgrade(held);
                        lock.unlock_shared(share);
                    }
                }
                let is_woken = writer.join().expect("it only writes");
                assert!(is_woken, "contended: {contended}, to upgradable: {to_upgradable}");
            });
        }
    }
}

/// A reader is woken and finds no place: it panics, and the writer behind it is woken all the same.
#[test]
fn a_reader_that_finds_no_place_wakes_the_writer_behind_it() {
    let lock = crowded(MAX_READERS);
    thread::scope(|scope| {
        let first = scope.spawn(|| lock.try_lock_exclusive_for(Duration::from_millis(500)).is_none());
        await_that(|| lock.state().is_draining());
        let reader = scope.spawn(|| catch_unwind(AssertUnwindSafe(|| lock.lock_shared())).is_err());
        await_waiters(&lock, 1);
        let second = scope.spawn(|| lock.try_lock_exclusive_for(LONG).is_some());
        await_waiters(&lock, 2);
        assert!(first.join().expect("it only tries"), "it gives up");
        assert!(reader.join().expect("the panic is caught"), "there is no room for it");
        await_that(|| lock.state().has_writer() || second.is_finished());
        assert!(!second.is_finished(), "it was forgotten until it gave up");
        // It has claimed the lock, and all leave.
        lock.state.fetch_sub((MAX_READERS - 1) * State::ONE_READER, Relaxed);
        lock.unlock_counted_read();
        assert!(second.join().expect("it only writes"));
    });
}

/// Two readers wait for a lock in which there is room for one: it is not handed to both.
#[test]
fn readers_are_not_handed_a_lock_that_has_no_place_for_them_all() {
    let lock = RawRwLock::new();
    lock.state
        .store(State::FREE.with_readers(MAX_READERS - 1).claimed().bits(), Relaxed);
    thread::scope(|scope| {
        let readers = [(), ()].map(|()| scope.spawn(|| catch_unwind(AssertUnwindSafe(|| lock.lock_shared())).is_ok()));
        lose(&lock, 2);
        lock.unlock_write(Retain::Nothing);
        let inside = readers.map(|reader| reader.join().expect("the panic is caught"));
        assert_ne!(
            inside[0], inside[1],
            "one is inside, and there is no room for the other"
        );
    });
    assert_eq!(lock.state().readers(), MAX_READERS);
}

/// A waiter of a lock that is unlocked fairly holds it as soon as it is unlocked.
#[test]
fn a_fair_unlock_hands_over_in_the_same_step() {
    for upgradable in [false, true] {
        for _ in 0..10 {
            let lock = RawRwLock::new();
            let held = if upgradable {
                lock.lock_upgradable()
            } else {
                lock.lock_exclusive()
            };
            thread::scope(|scope| {
                let (tell, may_unlock) = mpsc::channel::<()>();
                let lock = &lock;
                scope.spawn(move || {
                    let held = lock.lock_upgradable();
                    may_unlock.recv().expect("it is told");
                    // SAFETY: the acquisition just made.
                    unsafe { lock.unlock_upgradable(held) };
                });
                await_waiters(lock, 1);
                // SAFETY: the acquisition made above.
                unsafe {
                    if upgradable {
                        lock_api::RawRwLockUpgradeFair::unlock_upgradable_fair(lock, held);
                    } else {
                        lock.unlock_exclusive_fair(held);
                    }
                }
                assert!(lock.state().has_upgradable(), "a newcomer may pass the waiter");
                tell.send(()).expect("it is awaited");
            });
        }
    }
}
