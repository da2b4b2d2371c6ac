//! Where readers register, and for how long.

use super::*;
use crate::backend::asymmetric;
use crate::futex::park::is_announced;
use crate::futex::rwlock::state::Retain;
use std::cell::RefCell;
use std::sync::Arc;
use std::vec::Vec;

/// A lock whose readers register in slots.
fn slotted() -> RawRwLock {
    let lock = RawRwLock::new();
    assert!(lock.has_identity());
    lock.state.store(State::FREE_SLOTTED.bits(), Relaxed);
    lock
}

/// Which of so many reads at one time, of different locks, are in slots.
fn reads(count: usize) -> Vec<bool> {
    let locks: Vec<_> = (0..count).map(|_| slotted()).collect();
    let shares: Vec<_> = locks.iter().map(|lock| lock.lock_shared()).collect();
    let in_slots = shares.iter().map(|share| share.slot.is_some()).collect();
    for (lock, share) in locks.iter().zip(shares) {
        // SAFETY: the acquisition made above.
        unsafe { lock.unlock_shared(share) };
    }
    in_slots
}

fn unlock(lock: &RawRwLock) {
    lock.unlock_write(Retain::Nothing);
}

#[test]
fn a_reader_of_a_lock_without_identity_is_counted() {
    let lock = RawRwLock::new();
    lock.state.store(State::FREE_SLOTTED.bits(), Relaxed);
    assert!(lock.lock_shared().slot.is_none());
    assert_eq!(lock.state().readers(), 1);
}

/// A reader that has registered in its slot and will see the writer is not inside: none comes in beside it.
#[test]
fn a_reader_is_not_let_in_beside_one_that_is_not_inside() {
    let lock = RawRwLockRecursive::default();
    assert!(lock.has_identity());
    let writer = State::FREE_SLOTTED.claimed().drained(true);
    lock.state.store(writer.bits(), Relaxed);
    let slot = slots::take(lock.identity(), false).expect("this thread has a row");
    assert!(lock.try_lock_shared().is_none());
    assert_eq!(lock.state(), writer);
    slot.clear();
}

/// A reader that reads again must see from the first that the writer only waits.
#[test]
fn a_writer_of_a_recursive_lock_does_not_claim_it_in_fast_mode() {
    let lock = RawRwLockRecursive::default();
    assert!(lock.has_identity());
    lock.state.store(State::FREE_SLOTTED.bits(), Relaxed);
    let _held = lock.lock_exclusive();
    assert!(!lock.state().is_fast());
}

/// Makes the lock biased, with credit for many more; false where the system has no such fences.
fn make_biased(lock: &RawRwLock) -> bool {
    for _ in 0..100_000 {
        lock.earn(Duration::from_micros(10));
        if lock.state().is_biased() {
            (0..100).for_each(|_| lock.earn(Duration::from_micros(10)));
            return true;
        }
    }
    assert!(asymmetric::is_refused(), "{:?}", lock.hints());
    false
}

fn is_biased_soon(lock: &RawRwLock) -> bool {
    (0..3).for_each(|_| lock.earn(Duration::ZERO));
    lock.state().is_biased()
}

#[test]
#[cfg_attr(miri, ignore = "thousands of rounds, none of which is unsafe")]
fn a_bias_that_a_writer_has_ended_is_earned_again() {
    let lock = RawRwLock::new();
    if make_biased(&lock) {
        let _held = lock.lock_exclusive();
        unlock(&lock);
        assert!(!is_biased_soon(&lock));
    }
}

#[test]
#[cfg_attr(miri, ignore = "thousands of rounds, none of which is unsafe")]
fn a_writer_that_gives_up_ends_the_bias_that_it_has_paid_for() {
    let lock = RawRwLock::new();
    if make_biased(&lock) {
        let share = lock.lock_shared();
        assert!(share.slot.is_some());
        assert!(lock.try_lock_exclusive_for(Duration::from_millis(1)).is_none());
        assert!(!lock.state().is_biased());
        assert!(!is_biased_soon(&lock));
        // Threads of other tests may wait for locks that share the word.
        assert!((0..1000).any(|_| {
            thread::yield_now();
            !is_announced(lock.drain_key())
        }));
        // SAFETY: the acquisition made above.
        unsafe { lock.unlock_shared(share) };
    }
}

#[test]
#[cfg_attr(miri, ignore = "thousands of rounds, none of which is unsafe")]
fn a_try_that_fails_changes_nothing() {
    let lock = RawRwLock::new();
    if make_biased(&lock) {
        let share = lock.lock_shared();
        let before = (lock.state(), lock.hints());
        assert!(share.slot.is_some() && lock.try_lock_exclusive().is_none());
        let held = lock.lock_upgradable();
        // SAFETY: the acquisition just made, and what is left of it.
        unsafe {
            let held = lock.try_upgrade(held).err().expect("there is a reader");
            lock.unlock_upgradable(held);
        }
        assert_eq!((lock.state(), lock.hints()), before);
        // SAFETY: the acquisition made above.
        unsafe { lock.unlock_shared(share) };
    }
}

#[test]
fn credit_is_kept_at_its_most() {
    const MOST: u32 = (1 << 26) - 1;
    let lock = RawRwLock::new();
    lock.hints.store(MOST, Relaxed);
    lock.earn(Duration::from_secs(1));
    assert_eq!(lock.hints.load(Relaxed), MOST);
}

/// A writer that comes in fast mode, in a lock that was contended as the cost says.
fn becomes_fast(lock: &RawRwLock, rounds: usize) -> bool {
    (0..rounds).any(|_| {
        let _held = lock.lock_exclusive();
        let fast = lock.state().is_fast();
        unlock(lock);
        fast
    })
}

#[test]
#[cfg_attr(miri, ignore = "thousands of rounds, none of which is unsafe")]
fn a_lock_is_fast_again_when_its_contention_is_paid_for_and_not_before() {
    let lock = RawRwLock::new();
    // Contended for two unlocks on average, and for sixteen more until one looks whether the waiters are gone.
    lock.note_queued(Duration::ZERO);
    assert!(becomes_fast(&lock, 10_000));
    // For 2^28 unlocks on average.
    lock.note_queued(Duration::from_secs(1));
    assert!(!becomes_fast(&lock, 1000));
    assert!(!lock.hints().is_queued(), "an unlock has looked");
}

#[test]
fn each_write_spends_credit_and_adopts_the_mode() {
    const CREDIT: u32 = 1 << 20;
    for before in [State::FREE, State::FREE_SLOTTED] {
        let lock = slotted();
        lock.state.store(before.bits(), Relaxed);
        lock.hints.store(CREDIT, Relaxed);
        // One write in eight pays for all.
        for _ in 0..500 {
            let _held = lock.lock_exclusive();
            assert!(lock.state().is_fast());
            unlock(&lock);
            assert_eq!(lock.state(), before);
        }
        assert!(lock.hints.load(Relaxed) < CREDIT);
        lock.note_queued(Duration::from_secs(1));
        let _held = lock.lock_exclusive();
        assert!(!lock.state().is_fast());
    }
}

/// A thread that now and then reads more locks at one time than a row has slots goes on to use the rows that it has.
#[test]
fn the_rows_of_a_thread_are_used_again() {
    const MANY: usize = 8;
    for _ in 0..40 {
        assert_eq!(reads(MANY), [true; MANY]);
    }
}

/// Guards are forgotten in threads that end: their rows are of no use to the next.
#[test]
fn a_row_that_is_full_is_not_inherited() {
    for _ in 0..3 {
        let reader = thread::spawn(|| {
            for _ in 0..6 {
                let lock = slotted();
                assert!(lock.lock_shared().slot.is_some());
            }
        });
        reader.join().expect("it only reads");
    }
    let next = thread::spawn(|| reads(1));
    assert_eq!(next.join().expect("it only reads"), [true]);
}

/// A thread that has given its row back, and still runs destructors, is counted: another may have the row.
#[test]
fn a_thread_that_has_given_its_row_back_is_counted() {
    struct Reads(RefCell<Option<Arc<std::sync::Mutex<Vec<bool>>>>>);
    impl Drop for Reads {
        fn drop(&mut self) {
            if let Some(seen) = self.0.take() {
                seen.lock().expect("no thread panics with it").extend(reads(1));
            }
        }
    }
    std::thread_local! {
        static EARLY: Reads = const { Reads(RefCell::new(None)) };
        static LATE: Reads = const { Reads(RefCell::new(None)) };
    }
    let seen = Arc::new(std::sync::Mutex::new(Vec::new()));
    let thread = thread::spawn({
        let seen = Arc::clone(&seen);
        move || {
            // One destructor of the two runs after that of the row, whatever their order.
            EARLY.with(|reads| reads.0.replace(Some(Arc::clone(&seen))));
            let in_slots = reads(1);
            LATE.with(|reads| reads.0.replace(Some(seen)));
            in_slots
        }
    });
    assert_eq!(thread.join().expect("it only reads"), [true]);
    let mut seen = Arc::into_inner(seen)
        .and_then(|seen| seen.into_inner().ok())
        .expect("the thread is gone");
    seen.sort_unstable();
    assert_eq!(seen, [false, true], "which reads in destructors were in slots");
}
