//! Rows 12 and 13: which locks become read-mostly, and which readers a waiting writer bars.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use linchpin::futex;
use lock_api::{RawRwLock, RawRwLockTimed, RawRwLockUpgrade};

use crate::common::{is_read_mostly, read, write};
use crate::process::alone;
use crate::system::{Actor, leak, on_threads, until, within};

/// A loop in which each iteration reads one lock `period - 1` times, and reads and writes another once: whatever the
/// period is, the first is read-mostly and the second is not. Answers how often each is, of [`LOOKS`].
fn decisions(period: usize) -> (usize, usize) {
    const READS: usize = 60_000;
    let (mostly_read, often_written) = (futex::RawRwLock::INIT, futex::RawRwLock::INIT);
    let mut read_mostly = (0, 0);
    // The first time, to decide.
    for look in 0..=LOOKS {
        let reads = if look == 0 { 4 * READS } else { READS };
        on_threads(2, |_| {
            for _ in 0..reads / period {
                (1..period).for_each(|_| read(&mostly_read));
                read(&often_written);
                write(&often_written);
            }
        });
        if look > 0 {
            read_mostly.0 += usize::from(is_read_mostly(&mostly_read));
            read_mostly.1 += usize::from(is_read_mostly(&often_written));
        }
    }
    read_mostly
}

/// A sample may mislead for a short while, so that the majority decides.
const LOOKS: usize = 5;

#[test]
fn no_period_of_a_loop_leads_to_the_wrong_decision() {
    alone(|| {
        let periods = [16, 31, 32, 33, 48, 61, 63, 64, 65, 96, 127, 128, 129, 192, 256, 1024];
        let decided = periods.map(|period| (period, decisions(period)));
        let wrong = decided
            .iter()
            .filter(|(_, (mostly_read, often_written))| *mostly_read < 3 || *often_written > 2);
        let wrong: Vec<_> = wrong.collect();
        assert!(
            wrong.is_empty(),
            "(period, how often of {LOOKS} (what is mostly read is read-mostly, what is often written is)): {wrong:?}"
        );
    });
}

/// An upgradable reader is inside, and a writer waits for it: which other readers get in.
fn readers_beside_an_upgradable_reader<R>(name: &str)
where
    R: RawRwLockUpgrade + RawRwLockTimed<Duration = Duration> + Send + Sync + 'static,
{
    let lock = leak(R::INIT);
    let upgradable = lock.lock_upgradable();
    let has_written = leak(AtomicBool::new(false));
    let writer = Actor::asleep(|| {
        let guard = lock.lock_exclusive();
        has_written.store(true, Ordering::SeqCst);
        // SAFETY: the acquisition just made.
        unsafe { lock.unlock_exclusive(guard) };
    });
    let tried = lock.try_lock_shared();
    assert!(tried.is_some(), "{name}: a reader is barred from trying");
    let timed = lock.try_lock_shared_for(Duration::from_secs(3));
    assert!(timed.is_some(), "{name}: a reader is barred");
    // One that waits without a time-out, on a thread of its own.
    let have_read = leak(AtomicUsize::new(0));
    let reader = Actor::start(|| {
        read(lock);
        have_read.fetch_add(1, Ordering::SeqCst);
    });
    assert!(
        within(Duration::from_secs(3), || have_read.load(Ordering::SeqCst) == 1),
        "{name}: a reader parks"
    );
    reader.join();
    assert!(!has_written.load(Ordering::SeqCst), "{name}: a writer beside readers");
    // SAFETY: the acquisitions above; the last one out lets the writer in.
    unsafe {
        lock.unlock_upgradable(upgradable);
        tried
            .into_iter()
            .chain(timed)
            .for_each(|guard| lock.unlock_shared(guard));
    }
    until("the writer gets in", || has_written.load(Ordering::SeqCst));
    writer.join();
    assert!(!lock.is_locked());
}

#[test]
fn a_writer_that_waits_for_an_upgradable_reader_bars_no_other_reader() {
    alone(|| {
        readers_beside_an_upgradable_reader::<parking_lot::RawRwLock>("parking_lot");
        readers_beside_an_upgradable_reader::<futex::RawRwLock>("linchpin");
    });
}

/// The deadlock of row 13: the upgradable reader waits for a reader that the waiting writer bars.
#[test]
fn an_upgradable_reader_may_wait_for_another_reader() {
    alone(|| {
        let lock = leak(futex::RawRwLock::INIT);
        for _ in 0..20 {
            let upgradable = lock.lock_upgradable();
            let writer = Actor::asleep(|| write(lock));
            let reader = Actor::start(|| read(lock));
            reader.join();
            // SAFETY: the acquisition above.
            unsafe { lock.unlock_upgradable(upgradable) };
            writer.join();
        }
    });
}
