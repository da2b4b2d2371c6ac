//! What needs to see the word.

#[allow(clippy::multiple_unsafe_ops_per_block, reason = "tests name an acquisition once")]
mod registers;
#[allow(clippy::multiple_unsafe_ops_per_block, reason = "as above")]
mod waiters;

use core::time::Duration;

use super::*;
use lock_api::{
    RawRwLock as _, RawRwLockDowngrade as _, RawRwLockFair as _, RawRwLockTimed as _, RawRwLockUpgrade as _,
    RawRwLockUpgradeDowngrade as _,
};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::thread;

/// A lock that `readers` hold already.
fn crowded(readers: u32) -> RawRwLock {
    RawRwLock {
        state: AtomicU32::new(State::FREE.with_readers(readers).bits()),
        ..RawRwLock::new()
    }
}

#[test]
#[should_panic(expected = "readers hold this lock, and that is its limit")]
fn one_reader_too_many_panics() {
    let _ = crowded(MAX_READERS).lock_shared();
}

#[test]
fn at_the_limit_the_lock_stays_what_it_was() {
    let lock = crowded(MAX_READERS);
    assert!(catch_unwind(AssertUnwindSafe(|| lock.try_lock_shared())).is_err());
    assert!(catch_unwind(AssertUnwindSafe(|| lock.try_lock_shared_for(Duration::ZERO))).is_err());
    assert_eq!(lock.state(), State::FREE.with_readers(MAX_READERS));
    assert!(!lock.is_locked_exclusive() && lock.try_lock_exclusive().is_none());
    // SAFETY: `crowded` made a lock that this many readers hold; this is one of them.
    unsafe { lock.unlock_shared(ReadGuardState::COUNTED) };
    assert!(lock.try_lock_shared().is_some());
}

#[test]
fn an_upgradable_reader_fits_beside_the_last_reader_and_may_become_one() {
    let lock = crowded(MAX_READERS);
    let guard = lock.try_lock_upgradable().expect("no writer, no upgradable reader");
    // SAFETY: `guard` is the upgradable acquisition of this lock, made above.
    let _share = unsafe { lock.downgrade_upgradable(guard) };
    assert_eq!(lock.state().readers(), state::COUNT_LIMIT);
    assert!(!lock.is_locked_exclusive());
    // A second one would carry the count over into nothing: an unlocked lock, with readers in it.
    assert!(catch_unwind(AssertUnwindSafe(|| lock.try_lock_upgradable())).is_err());
    assert!(lock.try_lock_exclusive().is_none());
}

#[test]
fn a_write_leaves_nothing_but_how_readers_register() {
    for before in [State::FREE, State::FREE_SLOTTED, State::FREE_SLOTTED.with_biased()] {
        let lock = RawRwLock::new();
        lock.state.store(before.bits(), Relaxed);
        let guard = lock.lock_exclusive();
        assert!(lock.is_locked_exclusive());
        // SAFETY: the acquisition just made.
        let share = unsafe { lock.downgrade(guard) };
        assert_eq!(lock.state().readers(), 1);
        // SAFETY: what it has become.
        unsafe { lock.unlock_shared(share) };
        assert!(
            [State::FREE, State::FREE_SLOTTED].contains(&lock.state()),
            "{:?}",
            lock.state()
        );
    }
}

/// Regression: an upgradable reader was handed the lock in the same step in which the one before took the place that is kept for
/// it; when it became a plain reader, the count ran over, and the lock was free with all of them inside.
#[test]
fn an_upgradable_reader_is_not_handed_a_lock_in_which_its_place_is_taken() {
    let lock = crowded(MAX_READERS);
    let first = lock.lock_upgradable();
    thread::scope(|scope| {
        let second = scope.spawn(|| catch_unwind(AssertUnwindSafe(|| lock.lock_upgradable())).is_err());
        // It is woken, and loses: so it is handed the lock next.
        waiters::lose(&lock, 1);
        // SAFETY: the acquisition made above.
        let _share = unsafe { lock.downgrade_upgradable(first) };
        assert!(
            second.join().expect("the panic is caught"),
            "there is no room for a second"
        );
    });
    assert_eq!(lock.state().readers(), state::COUNT_LIMIT);
}

/// Regression: `bump` gives its place up, and panicked if another had taken it; its guard then unlocked what it did not hold.
#[test]
#[cfg_attr(miri, ignore = "it runs itself in another process")]
fn a_reader_whose_place_is_taken_while_it_bumps_ends_the_process() {
    const BUMPS: &str = "LINCHPIN_TEST_BUMPS";
    if std::env::var_os(BUMPS).is_none() {
        let this = std::env::current_exe().expect("a test knows its program");
        let name = "futex::rwlock::tests::a_reader_whose_place_is_taken_while_it_bumps_ends_the_process";
        let output = std::process::Command::new(this)
            .args(["--exact", name, "--nocapture"])
            .env(BUMPS, "1")
            .output()
            .expect("the program can be run again");
        let text = std::string::String::from_utf8_lossy(&output.stderr);
        assert!(
            !output.status.success() && text.contains("`bump` has lost its place"),
            "{text}"
        );
        return;
    }
    // A writer has claimed the lock, and the place that `bump` gives up is another's before it is back.
    let lock = crowded(MAX_READERS);
    let mut held = ReadGuardState::COUNTED;
    thread::scope(|scope| {
        scope.spawn(|| assert!(lock.try_lock_exclusive_for(Duration::from_millis(200)).is_none()));
        while !lock.state().has_writer() {
            thread::yield_now();
        }
        scope.spawn(|| {
            while lock.state().readers() == MAX_READERS {
                core::hint::spin_loop();
            }
            lock.state.fetch_add(State::ONE_READER, Relaxed);
        });
        // SAFETY: one of the acquisitions of a crowded lock.
        let bumped = catch_unwind(AssertUnwindSafe(|| unsafe { lock.bump_shared(&mut held) }));
        panic!("it goes on without its place, with a panic: {}", bumped.is_err());
    });
}

/// Regression: a reader that had freed its slot, and not yet counted down, found its mark overwritten by that of another lock which
/// was read in the same slot meanwhile; the writer that counted on it slept for good.
#[test]
fn a_mark_that_another_lock_has_overwritten_is_no_lost_wake_up() {
    let locks = [RawRwLock::new(), RawRwLock::new()];
    let [x, y] = &locks;
    for lock in &locks {
        assert!(lock.has_identity());
        lock.state.store(State::FREE_SLOTTED.bits(), Relaxed);
    }
    let slot = x.lock_shared().slot.expect("it is slotted");
    let is_counted = |lock: &RawRwLock| slot.counts(lock.identity());
    let (done, is_done) = std::sync::mpsc::channel();
    thread::scope(|scope| {
        let write = |lock: &RawRwLock| {
            let guard = lock.lock_exclusive();
            // SAFETY: the acquisition just made.
            unsafe { lock.unlock_exclusive(guard) };
        };
        scope.spawn({
            let done = done.clone();
            move || {
                write(x);
                done.send("x").expect("it is awaited");
            }
        });
        while !is_counted(x) {
            thread::yield_now();
        }
        // The first half of leaving: and then the same slot is taken for another lock, whose writer counts on it.
        let (key, identity) = (x.drain_key(), slot.identity());
        slot.clear();
        let other = y.lock_shared().slot.expect("it is slotted");
        assert!(core::ptr::eq(other, slot));
        scope.spawn(move || {
            write(y);
            done.send("y").expect("it is awaited");
        });
        while !is_counted(y) {
            thread::yield_now();
        }
        // The second half.
        drain::leave_counted_slot(slot, identity, key);
        let first = is_done.recv_timeout(Duration::from_secs(10));
        y.leave_slot(slot);
        if first.is_err() {
            std::process::abort();
        }
        assert_eq!(first, Ok("x"));
    });
}

/// Regression: a reader that was responsible for those behind it found no place, and took that along when it panicked.
#[test]
fn a_reader_that_finds_no_place_lets_another_see_to_the_waiters() {
    let lock = RawRwLockRecursive::unlocked();
    let guard = lock.lock_exclusive();
    let (done, is_done) = std::sync::mpsc::channel();
    thread::scope(|scope| {
        scope.spawn(|| {
            let guard = lock.lock_upgradable();
            done.send(()).expect("it is awaited");
            // SAFETY: the acquisition just made.
            unsafe { lock.unlock_upgradable(guard) };
        });
        while !lock.hints().is_queued() {
            thread::yield_now();
        }
        let _ = guard;
        // The writer has left, and so many readers have come that there is room for an upgradable one only.
        lock.state.store(State::FREE.with_readers(MAX_READERS).bits(), Relaxed);
        let found = catch_unwind(AssertUnwindSafe(|| read::try_to_read_as_deputy(&lock)));
        assert!(found.is_err(), "there was room");
        if is_done.recv_timeout(Duration::from_secs(10)).is_err() {
            std::process::abort();
        }
    });
}

/// Regression: rows whose guards were dropped after their threads had ended were lost, one for each such thread.
#[test]
#[cfg_attr(miri, ignore = "hundreds of threads")]
fn rows_are_used_again_whose_guards_outlive_their_threads() {
    const THREADS: usize = 400;
    let locks: std::vec::Vec<RawRwLock> = (0..6).map(|_| RawRwLock::new()).collect();
    for lock in &locks {
        assert!(lock.has_identity());
    }
    let before = slots::number_of_rows();
    for _ in 0..THREADS {
        for lock in &locks {
            lock.state.store(State::FREE_SLOTTED.bits(), Relaxed);
        }
        let read_all = || {
            locks
                .iter()
                .map(|lock| lock.lock_shared())
                .collect::<std::vec::Vec<_>>()
        };
        let guards = thread::scope(|scope| scope.spawn(read_all).join()).expect("it only reads");
        for (lock, guard) in locks.iter().zip(guards) {
            // SAFETY: its acquisition.
            unsafe { lock.unlock_shared(guard) };
        }
    }
    let made = slots::number_of_rows() - before;
    assert!(
        made < THREADS / 4,
        "{made} rows for {THREADS} threads, one after the other"
    );
}
