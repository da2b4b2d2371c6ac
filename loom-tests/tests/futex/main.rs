//! Models of the locks that sleep. In most of them no thread spins: one that does not get a lock at once goes to sleep,
//! and it is always the turn of the first in the queue. `beyond` has those that go further.
#![cfg(linchpin_loom)]

mod beyond;
mod condvar;
mod kinds;

// std's: loom's own aborts the process if it is dropped after a deadlock, which a fault may lead to.
use std::sync::Arc;
use std::time::Instant;

use linchpin::futex::{Mutex, MutexGuard, RawMutex};
use loom_tests::{Bounds, Watched, explore_beyond_to, explore_within_to, models, spawn};

models! {
    futex, sources: [
        "src/internal/word_lock.rs", "src/futex/mutex/mod.rs", "src/futex/mutex/contend.rs", "src/futex/condvar.rs",
        "src/futex/reentrant.rs",
    ] beyond [mutex_by_kind, condvar_one_by_kind, condvar_by_kind],
    mutex_excludes => mutex_excludes(Bounds::SMALL),
    mutex_wakes_deputies => mutex_excludes(beyond::NO_TURNS),
    mutex_wakes_a_sleeper => mutex_wakes_a_sleeper(Bounds::SMALL),
    mutex_becomes_contended => mutex_becomes_contended(Bounds::SMALL),
    mutex_by_kind => mutex_becomes_contended(beyond::BY_KIND),
    mutex_is_handed_over => mutex_is_handed_over(Bounds::SMALL),
    mutex_passes_a_deputy => mutex_is_handed_over(beyond::NO_TURNS),
    mutex_times_out => mutex_times_out(Bounds::SMALL),
    mutex_times_out_as_deputy => mutex_times_out(beyond::NO_TURNS),
    mutex_unlocks_fairly => mutex_unlocks_fairly(),
    mutex_tries => mutex_tries(),
    fair_mutex_hands_off => kinds::fair_mutex_hands_off(),
    reentrant_mutex_excludes => kinds::reentrant_mutex_excludes(),
    condvar_notifies => condvar::notifies(Bounds::SMALL),
    condvar_one_by_kind => condvar::notifies(beyond::BY_KIND),
    condvar_times_out => condvar::times_out(),
    condvar_notifies_all => condvar::notifies_all(Bounds::SMALL),
    condvar_by_kind => condvar::notifies_all(beyond::BY_KIND),
    condvar_notifies_one_of_two => condvar::notifies_one_of_two(),
    condvar_notifies_all_inside => condvar::notifies_all_inside(Bounds::SMALL),
    condvar_wakes_deputies => condvar::notifies_all_inside(beyond::NO_TURNS),
    condvar_times_out_when_all_are_notified => condvar::times_out_when_all_are_notified(Bounds::SMALL),
    condvar_times_out_by_kind => condvar::times_out_when_all_are_notified(beyond::BY_KIND),
}

/// For models of three threads, of which a sleep alone is a dozen steps. Their outcomes are still all there are.
const PREEMPTIONS: usize = 2;

type Total = Arc<Mutex<Watched>>;

fn total() -> Total {
    Arc::new(Mutex::from_raw(RawMutex::new(), Watched::default()))
}

/// The thread that is last to know finds the lock free, and everything that was added.
fn end(total: &Total) -> u32 {
    total.try_lock().expect("everybody has unlocked").get()
}

/// Two threads lock and add: one of them may have to sleep.
fn mutex_wakes_a_sleeper(bounds: Bounds) -> usize {
    explore_beyond_to(bounds, 3, [2], || {
        let total = total();
        let other = spawn({
            let total = Arc::clone(&total);
            move || total.lock().add(1)
        });
        total.lock().add(1);
        other.join().expect("it only adds");
        end(&total)
    })
}

/// Three threads lock and add: two of them may have to sleep, and the first that is woken answers for the other.
fn mutex_excludes(bounds: Bounds) -> usize {
    explore_beyond_to(bounds, PREEMPTIONS, [3], || {
        let total = total();
        let others = [(), ()].map(|()| {
            let total = Arc::clone(&total);
            spawn(move || total.lock().add(1))
        });
        total.lock().add(1);
        for other in others {
            other.join().expect("it only adds");
        }
        end(&total)
    })
}

/// A holder that has come in fast mode changes to contended mode while another thread parks, and unparks it: the second
/// lock of the one that has been contended before.
fn mutex_becomes_contended(bounds: Bounds) -> usize {
    mutex_becomes_contended_within(bounds, 3)
}

fn mutex_becomes_contended_within(bounds: Bounds, preemptions: usize) -> usize {
    explore_beyond_to(bounds, preemptions, [4], || {
        let total = total();
        let other = spawn({
            let total = Arc::clone(&total);
            move || (0..2).for_each(|_| total.lock().add(1))
        });
        (0..2).for_each(|_| total.lock().add(1));
        other.join().expect("it only adds");
        end(&total)
    })
}

/// One thread locks again and again: another that sleeps, is woken and finds the lock taken once more has it handed
/// over.
fn mutex_is_handed_over(bounds: Bounds) -> usize {
    explore_beyond_to(bounds, 3, [4], || {
        let total = total();
        let other = spawn({
            let total = Arc::clone(&total);
            move || total.lock().add(1)
        });
        for _ in 0..3 {
            total.lock().add(1);
        }
        other.join().expect("it only adds");
        end(&total)
    })
}

/// A wait that times out, beside one that does not: it takes no wake-up with it.
fn mutex_times_out(bounds: Bounds) -> usize {
    explore_beyond_to(bounds, PREEMPTIONS, [2, 3], || {
        let total = total();
        let deadline = Instant::now();
        let timed = spawn({
            let total = Arc::clone(&total);
            move || total.try_lock_until(deadline).map(|held| held.add(1)).is_some()
        });
        let other = spawn({
            let total = Arc::clone(&total);
            move || total.lock().add(1)
        });
        total.lock().add(1);
        other.join().expect("it only adds");
        let timed = timed.join().expect("it only adds");
        let end = end(&total);
        assert_eq!(end, 2 + u32::from(timed));
        end
    })
}

/// A thread that sleeps has the lock handed over, and one that comes later does not pass it.
fn mutex_unlocks_fairly() -> usize {
    explore_within_to(PREEMPTIONS, [3], || {
        let total = total();
        let others = [(), ()].map(|()| {
            let total = Arc::clone(&total);
            spawn(move || total.lock().add(1))
        });
        let held = total.lock();
        held.add(1);
        MutexGuard::unlock_fair(held);
        for other in others {
            other.join().expect("it only adds");
        }
        end(&total)
    })
}

/// A thread tries while two others lock: it fails if one of them is inside, and changes nothing.
fn mutex_tries() -> usize {
    explore_within_to(PREEMPTIONS, [2, 3], || {
        let total = total();
        let locker = spawn({
            let total = Arc::clone(&total);
            move || total.lock().add(1)
        });
        let trier = spawn({
            let total = Arc::clone(&total);
            move || total.try_lock().map(|held| held.add(1)).is_some()
        });
        total.lock().add(1);
        locker.join().expect("it only adds");
        let tried = trier.join().expect("it only adds");
        let end = end(&total);
        assert_eq!(end, 2 + u32::from(tried));
        end
    })
}
