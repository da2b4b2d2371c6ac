//! Models of the locks that sleep. In a model nobody spins: whoever does not get a lock at once goes to sleep, and whoever
//! wakes has lost its patience.
#![cfg(linchpin_loom)]

// std's: loom's own aborts the process if it is dropped after a deadlock, which a fault may lead to.
use std::sync::Arc;
use std::time::Instant;

use linchpin::futex::{Mutex, RawMutex};
use loom::cell::UnsafeCell;
use loom_tests::{explore_to, models, spawn};

models! {
    futex, sources: ["src/futex/latch.rs", "src/futex/lot.rs", "src/futex/mutex.rs", "src/futex/condvar.rs"],
    mutex_excludes => mutex_excludes(),
    mutex_wakes_a_sleeper => mutex_wakes_a_sleeper(),
    mutex_is_handed_over => mutex_is_handed_over(),
    mutex_times_out => mutex_times_out(),
}

/// A number that loom watches: two threads that use it at once, or one that has not seen the other's use, are an error.
#[derive(Default)]
struct Watched(UnsafeCell<u32>);

impl Watched {
    fn get(&self) -> u32 {
        // SAFETY: loom panics if a write is concurrent with this read.
        self.0.with(|value| unsafe { *value })
    }

    fn add(&self, amount: u32) {
        self.0.with_mut(|value| {
            // SAFETY: loom panics if any access is concurrent with this one.
            unsafe { *value += amount };
        });
    }
}

// SAFETY: loom's cell panics at unsynchronised access, so sharing it in a model is checked, not assumed.
unsafe impl Sync for Watched {}

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
