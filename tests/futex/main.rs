//! What the locks that sleep do beyond excluding: deadlines, hand-overs, notifications. That they exclude is in
//! `tests/mutual_exclusion`.
#![cfg(feature = "std")]

#[path = "../common/mod.rs"]
mod common;
mod condvar;
mod kinds;
mod mutex;

use std::time::{Duration, Instant};

/// Times that a wait on something that does not come has to last, and no less.
const TIMES: [Duration; 4] = [
    Duration::ZERO,
    Duration::from_nanos(1),
    Duration::from_micros(100),
    Duration::from_millis(5),
];

/// A deadline long gone.
fn long_ago() -> Instant {
    Instant::now()
        .checked_sub(Duration::from_secs(1))
        .unwrap_or_else(Instant::now)
}

/// What a migration from `parking_lot` finds: the same names, with the same meaning.
#[test]
fn the_names_of_parking_lot_work() {
    let _watchdog = common::watchdog();
    macro_rules! program {
        ($krate:ident) => {{
            use $krate::{Condvar, MappedMutexGuard, Mutex, MutexGuard, WaitTimeoutResult};
            let pair: Mutex<(u32, String)> = Mutex::new((1, String::from("axle")));
            pair.lock().0 += 1;
            let text: MappedMutexGuard<'_, String> = MutexGuard::map(pair.lock(), |pair| &mut pair.1);
            let length = text.len();
            MappedMutexGuard::unlock_fair(text);
            let tried = pair.try_lock().map(|pair| pair.0);
            let soon = Instant::now() + Duration::from_millis(1);
            let timed = pair.try_lock_for(Duration::from_millis(1)).is_some() && pair.try_lock_until(soon).is_some();
            let condvar = Condvar::new();
            let notified = (condvar.notify_one(), condvar.notify_all());
            let mut held = pair.lock();
            let waited: WaitTimeoutResult = condvar.wait_for(&mut held, Duration::from_millis(1));
            let until = condvar.wait_until(&mut held, soon).timed_out();
            let while_ = condvar
                .wait_while_for(&mut held, |pair| pair.0 > 0, Duration::from_millis(1))
                .timed_out();
            MutexGuard::bump(&mut held);
            let unlocked = MutexGuard::unlocked(&mut held, || pair.is_locked());
            MutexGuard::unlock_fair(held);
            (
                length,
                tried,
                timed,
                notified,
                waited.timed_out(),
                until,
                while_,
                unlocked,
                pair.into_inner().0,
            )
        }};
    }
    use linchpin::futex as ours;
    let expected = (4, Some(2), true, (false, 0), true, true, true, false, 2);
    assert_eq!(program!(ours), expected);
    assert_eq!(program!(parking_lot), expected);
}

#[cfg(feature = "arc_lock")]
#[test]
fn a_guard_may_own_its_lock() {
    let lock = std::sync::Arc::new(linchpin::futex::Mutex::new(1));
    let mut held = lock.lock_arc();
    *held += 1;
    assert!(lock.is_locked());
    drop(held);
    assert_eq!(*lock.lock(), 2);
}

#[cfg(feature = "serde")]
#[test]
fn a_lock_is_written_and_read_as_its_value() {
    let lock = linchpin::futex::Mutex::new(vec![1, 2]);
    let text = serde_json::to_string(&lock).expect("a list of numbers can be written");
    assert_eq!(text, "[1,2]");
    let read: linchpin::futex::Mutex<Vec<i32>> = serde_json::from_str(&text).expect("what was written can be read");
    assert_eq!(read.into_inner(), [1, 2]);
}
