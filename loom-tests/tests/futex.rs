//! Models of the locks that sleep. In a model nobody spins: whoever does not get a lock at once goes to sleep, and whoever
//! wakes has lost its patience.
#![cfg(linchpin_loom)]

// std's: loom's own aborts the process if it is dropped after a deadlock, which a fault may lead to.
use std::sync::Arc;
use std::time::Instant;

use linchpin::futex::{Mutex, MutexGuard, MutexGuardState, RawCondvar, RawMutex};
use lock_api::{RawCondvar as _, RawCondvarTimed as _, RawMutex as _};
use loom_tests::{Watched, explore_to, explore_within_to, models, spawn};

models! {
    futex, sources: ["src/internal/word_lock.rs", "src/futex/park/mod.rs", "src/futex/park/table.rs", "src/futex/park/waiter.rs", "src/futex/mutex.rs", "src/futex/condvar.rs"],
    mutex_excludes => mutex_excludes(),
    mutex_wakes_a_sleeper => mutex_wakes_a_sleeper(),
    mutex_becomes_contended => mutex_becomes_contended(),
    mutex_is_handed_over => mutex_is_handed_over(),
    mutex_times_out => mutex_times_out(),
    mutex_unlocks_fairly => mutex_unlocks_fairly(),
    mutex_tries => mutex_tries(),
    condvar_notifies => condvar_notifies(),
    condvar_times_out => condvar_times_out(),
    condvar_notifies_all => condvar_notifies_all(),
    condvar_notifies_one_of_two => condvar_notifies_one_of_two(),
    condvar_notifies_all_inside => condvar_notifies_all_inside(),
}

type Total = Arc<Mutex<Watched>>;

fn total() -> Total {
    Arc::new(Mutex::from_raw(RawMutex::new(), Watched::default()))
}

/// Whoever is last to know finds the lock free, and everything that was added.
fn end(total: &Total) -> u32 {
    total.try_lock().expect("everybody has unlocked").get()
}

/// Two threads lock and add: one of them may have to sleep.
fn mutex_wakes_a_sleeper() -> usize {
    explore_to([2], || {
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
fn mutex_excludes() -> usize {
    explore_to([3], || {
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
fn mutex_becomes_contended() -> usize {
    explore_within_to(2, [4], || {
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

/// One thread locks again and again: another that sleeps, is woken and finds the lock taken once more has it handed over.
fn mutex_is_handed_over() -> usize {
    explore_to([4], || {
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
fn mutex_times_out() -> usize {
    explore_to([2, 3], || {
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
    explore_to([3], || {
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
    explore_to([2, 3], || {
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

/// A mutex and a condition variable, raw: `lock_api` makes condition variables only where that is `const`.
#[derive(Default)]
struct Meeting {
    mutex: RawMutex,
    changed: RawCondvar,
    total: Watched,
}

impl Meeting {
    fn add(&self, amount: u32) {
        let hold = self.mutex.lock();
        self.total.add(amount);
        self.unlock(hold);
    }

    fn unlock(&self, hold: MutexGuardState) {
        // SAFETY: `hold` is what the only lock before has returned.
        unsafe { self.mutex.unlock(hold) };
    }

    /// Waits until something has been added, and takes one away: how much there was.
    fn take(&self) -> u32 {
        let mut hold = self.mutex.lock();
        while self.total.get() == 0 {
            // SAFETY: `hold` is an acquisition of this mutex.
            unsafe { self.changed.wait(&self.mutex, &mut hold) };
        }
        let there = self.total.get();
        self.total.add(0_u32.wrapping_sub(1));
        self.unlock(hold);
        there
    }
}

/// One waits for what the other does: it is never too late, and notified at most once.
fn condvar_notifies() -> usize {
    explore_to([false, true], || {
        let meeting = Arc::new(Meeting::default());
        let other = spawn({
            let meeting = Arc::clone(&meeting);
            move || {
                meeting.add(1);
                meeting.changed.notify_one()
            }
        });
        let mut hold = meeting.mutex.lock();
        let waits = meeting.total.get() == 0;
        if waits {
            // SAFETY: `hold` is an acquisition of this mutex.
            unsafe { meeting.changed.wait(&meeting.mutex, &mut hold) };
            assert_eq!(meeting.total.get(), 1, "no wait ends before its time");
        }
        meeting.unlock(hold);
        let notified = other.join().expect("it only notifies");
        assert_eq!(
            waits, notified,
            "a notification counts if and only if somebody was waiting"
        );
        notified
    })
}

/// A wait that times out in the instant in which it is notified: both say the same.
fn condvar_times_out() -> usize {
    explore_to([(false, false), (true, false), (true, true)], || {
        let meeting = Arc::new(Meeting::default());
        let deadline = Instant::now();
        let other = spawn({
            let meeting = Arc::clone(&meeting);
            move || {
                meeting.add(1);
                meeting.changed.notify_one()
            }
        });
        let mut hold = meeting.mutex.lock();
        let waits = meeting.total.get() == 0;
        let in_time = waits && {
            // SAFETY: `hold` is an acquisition of this mutex.
            !unsafe { meeting.changed.wait_until(&meeting.mutex, &mut hold, &deadline) }
        };
        meeting.total.add(1);
        meeting.unlock(hold);
        let notified = other.join().expect("it only notifies");
        assert_eq!(
            in_time, notified,
            "a notification counts if and only if it has ended a wait"
        );
        assert_eq!(meeting.total.get(), 2);
        assert!(!meeting.changed.notify_one(), "nobody is left behind");
        (waits, in_time)
    })
}

/// Two wait for what a third does for both: all that waited are counted, and none is forgotten.
fn condvar_notifies_all() -> usize {
    explore_to([0, 1, 2], || {
        let meeting = Arc::new(Meeting::default());
        let others = [(), ()].map(|()| {
            let meeting = Arc::clone(&meeting);
            spawn(move || meeting.take())
        });
        meeting.add(2);
        let notified = meeting.changed.notify_all();
        let there = others.map(|other| other.join().expect("it only takes"));
        assert_eq!(there[0] + there[1], 3, "one found two, the other found one");
        notified
    })
}

/// Two wait, one of them not for long, and one notification comes: the one that has time is not left behind, unless
/// the other has taken it in time.
fn condvar_notifies_one_of_two() -> usize {
    explore_within_to(2, [0, 1], || {
        let meeting = Arc::new(Meeting::default());
        let deadline = Instant::now();
        let timed = spawn({
            let meeting = Arc::clone(&meeting);
            move || {
                let mut hold = meeting.mutex.lock();
                // SAFETY: `hold` is an acquisition of this mutex.
                let timed_out = unsafe { meeting.changed.wait_until(&meeting.mutex, &mut hold, &deadline) };
                meeting.unlock(hold);
                !timed_out
            }
        });
        let other = spawn({
            let meeting = Arc::clone(&meeting);
            move || meeting.take()
        });
        meeting.add(1);
        let notified = u32::from(meeting.changed.notify_one());
        // What the timed one has taken in time it passes on, as a program would.
        if timed.join().expect("it only waits") {
            meeting.changed.notify_one();
        }
        assert_eq!(other.join().expect("it only takes"), 1);
        notified
    })
}

/// The same with the mutex held: the second waits in its queue until the first, who answers for it, lets go.
fn condvar_notifies_all_inside() -> usize {
    explore_within_to(2, [0, 1, 2], || {
        let meeting = Arc::new(Meeting::default());
        let others = [(), ()].map(|()| {
            let meeting = Arc::clone(&meeting);
            spawn(move || meeting.take())
        });
        // Lets the others come first: loom runs the main thread through where nothing makes it wait.
        loom::thread::yield_now();
        let hold = meeting.mutex.lock();
        meeting.total.add(2);
        let notified = meeting.changed.notify_all();
        meeting.unlock(hold);
        let there = others.map(|other| other.join().expect("it only takes"));
        assert_eq!(there[0] + there[1], 3, "one found two, the other found one");
        notified
    })
}
