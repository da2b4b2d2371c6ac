//! Models of the condition variable.

use std::sync::Arc;
use std::time::Instant;

use linchpin::futex::{MutexGuardState, RawCondvar, RawMutex};
use lock_api::{RawCondvar as _, RawCondvarTimed as _, RawMutex as _};
use loom_tests::{Bounds, Watched, explore_beyond_to, explore_to, explore_within_to, spawn};

use super::PREEMPTIONS;

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

    /// Whether [`OVER`] has been added; for a thread that has the mutex.
    fn is_over(&self, _hold: &MutexGuardState) -> bool {
        self.total.get() >= OVER
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
pub(super) fn notifies(bounds: Bounds) -> usize {
    explore_beyond_to(bounds, 3, [false, true], || {
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
            "a notification counts if and only if a thread was waiting"
        );
        notified
    })
}

/// A wait that times out in the instant in which it is notified: both say the same.
pub(super) fn times_out() -> usize {
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
        assert!(!meeting.changed.notify_one(), "none is left behind");
        (waits, in_time)
    })
}

/// Two wait for what a third does for both: all that waited are counted, and none is forgotten.
pub(super) fn notifies_all(bounds: Bounds) -> usize {
    explore_beyond_to(bounds, PREEMPTIONS, [0, 1, 2], || {
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
pub(super) fn notifies_one_of_two() -> usize {
    explore_within_to(PREEMPTIONS, [0, 1], || {
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

/// The same with the mutex held: the second waits in its queue until the first, which is responsible for waking it,
/// lets go.
pub(super) fn notifies_all_inside(bounds: Bounds) -> usize {
    explore_beyond_to(bounds, PREEMPTIONS, [0, 1, 2], || {
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

/// Two wait, one of them not for long, and are notified by a holder: those that had not timed out are moved to the
/// queue of the mutex, where they time out no more; and each is counted once.
pub(super) fn times_out_when_all_are_notified(bounds: Bounds) -> usize {
    explore_beyond_to(bounds, PREEMPTIONS, [0, 1, 2], || {
        let meeting = Arc::new(Meeting::default());
        let deadline = Instant::now();
        let timed = spawn({
            let meeting = Arc::clone(&meeting);
            move || {
                let mut hold = meeting.mutex.lock();
                let in_time = !meeting.is_over(&hold) && {
                    // SAFETY: `hold` is an acquisition of this mutex.
                    !unsafe { meeting.changed.wait_until(&meeting.mutex, &mut hold, &deadline) }
                };
                meeting.total.add(1);
                meeting.unlock(hold);
                in_time
            }
        });
        let other = spawn({
            let meeting = Arc::clone(&meeting);
            move || {
                let mut hold = meeting.mutex.lock();
                let waits = !meeting.is_over(&hold);
                if waits {
                    // SAFETY: `hold` is an acquisition of this mutex.
                    unsafe { meeting.changed.wait(&meeting.mutex, &mut hold) };
                    assert!(meeting.is_over(&hold), "no wait ends before its time");
                }
                meeting.total.add(1);
                meeting.unlock(hold);
                waits
            }
        });
        // Lets the others come first: loom runs the main thread through where nothing makes it wait.
        loom::thread::yield_now();
        let hold = meeting.mutex.lock();
        meeting.total.add(OVER);
        let notified = meeting.changed.notify_all();
        meeting.unlock(hold);
        let in_time = timed.join().expect("it only waits");
        let waited = other.join().expect("it only waits");
        assert_eq!(notified, usize::from(in_time) + usize::from(waited));
        assert_eq!(meeting.total.get(), OVER + 2);
        notified
    })
}

/// What is added when it is over.
const OVER: u32 = 10;
