//! What issue 9 adds to the public API: to be switched on with it, by `mod new_api;` in `main.rs`.
//!
//! `lock_api` 0.5 has no `read_recursive` (0.4 had). What `parking_lot` 0.13 has in its place, and with it this file,
//! is another raw lock, `RawRwLockRecursive`, whose readers get in while a writer waits.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use linchpin::futex::{RawMutex, RawRwLock, RawRwLockRecursive};
use lock_api::{RawMutex as _, RawRwLock as _, RawRwLockTimed, RawRwLockUpgrade};

use crate::common::{make_read_mostly, write};
use crate::process::alone;
use crate::seccomp::{Counter, refuse_membarrier};
use crate::system::{Actor, all_asleep, leak, on_threads, until};

/// Row 13: a thread that reads reads once more, while a writer waits for it.
fn a_reader_reads_again<R>(name: &str, prepare: fn(&R))
where
    R: RawRwLockUpgrade + RawRwLockTimed<Duration = Duration> + Send + Sync + 'static,
{
    let lock = leak(R::INIT);
    prepare(lock);
    let first = lock.lock_shared();
    let has_written = leak(AtomicBool::new(false));
    let writer = Actor::asleep(|| {
        let guard = lock.lock_exclusive();
        has_written.store(true, Ordering::SeqCst);
        // SAFETY: the acquisition just made.
        unsafe { lock.unlock_exclusive(guard) };
    });
    let again = lock
        .try_lock_shared()
        .unwrap_or_else(|| panic!("{name}: a reader is barred from trying"));
    // One that would wait deadlocks, where it does.
    let once_more = lock.lock_shared();
    let timed = lock.try_lock_shared_for(Duration::from_secs(3));
    let timed = timed.unwrap_or_else(|| panic!("{name}: a reader is barred"));
    assert!(!has_written.load(Ordering::SeqCst), "{name}: a writer beside readers");
    for guard in [first, again, once_more, timed] {
        // SAFETY: the acquisitions above.
        unsafe { lock.unlock_shared(guard) };
    }
    until("the writer gets in", || has_written.load(Ordering::SeqCst));
    writer.join();
}

#[test]
fn a_recursive_reader_is_not_barred_by_a_waiting_writer() {
    alone(|| {
        a_reader_reads_again::<parking_lot::RawRwLockRecursive>("parking_lot", |_| {});
        a_reader_reads_again::<RawRwLockRecursive>("linchpin", |_| {});
        a_reader_reads_again::<RawRwLockRecursive>("linchpin, after many reads", |lock| {
            (0..1_000_000).for_each(|_| crate::common::read(lock));
        });
    });
}

/// Row 10: switched off before the first lock, `membarrier` is never called, and all is right.
#[test]
fn switched_off_no_barrier_is_made() {
    alone(|| {
        assert!(linchpin::membarrier::disable());
        let counter = Counter::start();
        contend();
        if let Some(counter) = counter {
            assert_eq!(counter.take(), 0);
        }
    });
}

/// The remedy that the message names: a process that will refuse the call says so before its first lock.
#[test]
fn switched_off_it_may_be_refused_later() {
    alone(|| {
        assert!(linchpin::membarrier::disable());
        contend();
        if refuse_membarrier() {
            contend();
        }
    });
}

/// Parks threads for a mutex and for a lock that has been read often.
fn contend() {
    let (mutex, rwlock) = (leak(RawMutex::INIT), leak(RawRwLock::INIT));
    (0..200_000).for_each(|_| crate::common::read(rwlock));
    for _ in 0..3 {
        let (guard, writer) = (mutex.lock(), rwlock.lock_exclusive());
        let sleepers = all_asleep((0..8).map(|number| {
            move || {
                if number % 2 == 0 {
                    write(rwlock);
                }
                let guard = mutex.lock();
                // SAFETY: the acquisition just made.
                unsafe { mutex.unlock(guard) };
            }
        }));
        // SAFETY: the acquisitions above.
        unsafe {
            rwlock.unlock_exclusive(writer);
            mutex.unlock(guard);
        }
        sleepers.into_iter().for_each(Actor::join);
    }
    let count = linchpin::futex::RwLock::new(0);
    on_threads(4, |_| {
        (0..20_000).for_each(|round| {
            if round % 100 == 0 {
                *count.write() += 1;
            } else {
                assert!(*count.read() <= 800);
            }
        });
    });
    assert_eq!(count.into_inner(), 800);
    let read_mostly = RawRwLock::INIT;
    make_read_mostly(&read_mostly);
    write(&read_mostly);
}
