//! Rows 5, 6, 7 and 16: what bystanders do does not decide what an operation costs.
//!
//! Compared is the CPU time of one thread, the least of some rounds, with `parking_lot`'s or with what the same costs
//! without bystanders. The bounds are a factor of ten and more from what is asked, and as far from what was found.

use std::ptr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use linchpin::futex;
use lock_api::{RawCondvar, RawMutex, RawRwLock, RawRwLockUpgrade};

use crate::common::{make_read_mostly, read, write};
use crate::process::{Busy, alone};
use crate::system::{Actor, HoldUp, all_asleep, cpu_time, leak, least_cpu_times, until};

/// Another's time is at most ten times as long, and what the clock cannot tell.
#[track_caller]
fn assert_comparable(what: &str, ours: Duration, other: Duration) {
    println!("{what}: {ours:?} against {other:?}");
    assert!(
        ours <= 10 * other + Duration::from_micros(200),
        "{what}: {ours:?} against {other:?}"
    );
}

/// Threads that have each read a read-mostly lock of ours, and one of `parking_lot`'s, and now only wait to end.
struct FormerReaders {
    threads: Vec<Actor>,
    may_end: &'static AtomicBool,
}

impl FormerReaders {
    fn start(threads: usize) -> Self {
        let lock = leak(futex::RawRwLock::INIT);
        make_read_mostly(lock);
        let (have_read, may_end) = (leak(AtomicUsize::new(0)), leak(AtomicBool::new(false)));
        let act = || {
            read(lock);
            have_read.fetch_add(1, Ordering::SeqCst);
            while !may_end.load(Ordering::SeqCst) {
                thread::park();
            }
        };
        let actors = (0..threads).map(|_| Actor::start(act)).collect();
        until("all have read", || have_read.load(Ordering::SeqCst) == threads);
        FormerReaders {
            threads: actors,
            may_end,
        }
    }

    fn end(self) {
        self.may_end.store(true, Ordering::SeqCst);
        self.threads.iter().for_each(Actor::unpark);
        self.threads.into_iter().for_each(Actor::join);
    }
}

/// Sixteen reads to a write, alone: a lock that is on the way to be read-mostly, or is it.
fn mostly_reads<R: RawRwLock>(lock: &R) {
    for _ in 0..50 {
        (0..16).for_each(|_| read(lock));
        write(lock);
    }
}

/// The same after some time, in which it may become read-mostly.
fn compare_mostly_reads(what: &str) {
    let (ours, theirs) = (futex::RawRwLock::INIT, <parking_lot::RawRwLock>::INIT);
    (0..20).for_each(|_| mostly_reads(&ours));
    let [ours, theirs] = least_cpu_times(15, [&mut || mostly_reads(&ours), &mut || mostly_reads(&theirs)]);
    assert_comparable(what, ours, theirs);
}

#[test]
fn a_write_does_not_pay_for_each_thread_that_has_read_and_lives() {
    alone(|| {
        compare_mostly_reads("no thread has read");
        let readers = FormerReaders::start(2_000);
        compare_mostly_reads("2,000 threads have read");
        readers.end();
    });
}

#[test]
fn a_write_does_not_pay_for_each_thread_that_has_read_and_ended() {
    alone(|| {
        FormerReaders::start(8_000).end();
        compare_mostly_reads("8,000 threads have read and ended");
    });
}

/// Thousands sleep for locks and condition variables of their own, all over any table.
#[test]
fn reads_are_not_slowed_by_those_that_sleep_for_other_locks() {
    const SLEEPERS: usize = 3_000;
    alone(|| {
        let locks: Vec<_> = (0..64).map(|_| Box::new(futex::RawRwLock::INIT)).collect();
        locks.iter().for_each(|lock| make_read_mostly(&**lock));
        let mut reads = || locks.iter().for_each(|lock| (0..20).for_each(|_| read(&**lock)));
        let [before] = least_cpu_times(50, [&mut reads]);

        let mutexes: Vec<_> = (0..SLEEPERS).map(|_| Arc::new(futex::Mutex::new(()))).collect();
        let condvar = leak(futex::Condvar::new());
        let guards: Vec<_> = mutexes.iter().map(|mutex| mutex.lock()).collect();
        let is_over = leak(futex::Mutex::new(false));
        let sleepers = all_asleep(mutexes.iter().enumerate().map(|(number, mutex)| {
            let mutex = Arc::clone(mutex);
            move || match number % 2 {
                0 => drop(mutex.lock()),
                _ => condvar.wait_while(&mut is_over.lock(), |is_over| !*is_over),
            }
        }));
        let [beside] = least_cpu_times(50, [&mut reads]);
        drop(guards);
        *is_over.lock() = true;
        condvar.notify_all();
        sleepers.into_iter().for_each(Actor::join);
        assert_comparable("1,280 reads beside 3,000 sleepers, against before", beside, before);
    });
}

/// What the holder pays to release a lock behind which a reader, then writers, then readers are parked.
fn unlock_of_many<R: RawRwLock<ExclusiveGuard: 'static> + Send + Sync + 'static>(
    writers: usize,
    readers: usize,
) -> Duration {
    let lock = leak(R::INIT);
    let guard = lock.lock_exclusive();
    let mut parked = vec![Actor::asleep(|| read(lock))];
    parked.extend(all_asleep((0..writers).map(|_| || write(lock))));
    parked.extend(all_asleep((0..readers).map(|_| || read(lock))));
    // SAFETY: the acquisition above.
    let time = cpu_time(|| unsafe { lock.unlock_exclusive(guard) });
    parked.into_iter().for_each(Actor::join);
    time
}

#[test]
fn an_unlock_is_linear_in_the_number_of_parked_threads() {
    alone(|| {
        let [ours, theirs] = [
            unlock_of_many::<futex::RawRwLock>(2_500, 2_500),
            unlock_of_many::<parking_lot::RawRwLock>(2_500, 2_500),
        ];
        // parking_lot may hand over to the first alone: then it pays for one wake-up, where ours wakes all readers.
        assert_comparable("unlock, 5,001 parked", ours, theirs.max(Duration::from_millis(6)));
    });
}

/// Memory for one value in each `stride` bytes.
struct Strided {
    first: *mut u8,
    stride: usize,
}

impl Strided {
    fn of(count: usize, stride: usize) -> Self {
        let bytes = count * stride;
        // SAFETY: new memory, wherever the kernel likes.
        let first = unsafe {
            libc::mmap(
                ptr::null_mut(),
                bytes,
                libc::PROT_READ | libc::PROT_WRITE,
                libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_NORESERVE,
                -1,
                0,
            )
        };
        assert_ne!(first, libc::MAP_FAILED, "there is room for {bytes} bytes");
        Strided {
            first: first.cast(),
            stride,
        }
    }

    /// Puts `value` into a place, for ever.
    fn put<T>(&self, place: usize, value: T) -> &'static T {
        assert!(size_of::<T>() <= self.stride && self.stride.is_multiple_of(align_of::<T>()));
        // SAFETY: inside the memory, which is never given back; each place is used once, and is large enough and
        // aligned.
        unsafe {
            let place = self.first.add(place * self.stride).cast::<T>();
            place.write(value);
            &*place
        }
    }
}

/// Strides: powers of two; and Fibonacci numbers, which are to a multiplication with the golden ratio what powers of
/// two are to none: each step moves the product on by next to nothing, by the less the larger they are.
const STRIDES: [usize; 5] = [64, 4_096, 1 << 16, 2_584, FIBONACCI];
const FIBONACCI: usize = 832_040;

/// What it costs to wake threads that each wait for a mutex of their own, beside thousands that wait for a few.
fn wake_each(stride: usize) -> Duration {
    const OTHERS: usize = 4;
    const EACH: usize = 1_500;
    const WOKEN: usize = 100;
    let memory = Strided::of(OTHERS + WOKEN, stride);
    let mutexes: Vec<_> = (0..OTHERS + WOKEN)
        .map(|place| memory.put(place, futex::RawMutex::INIT))
        .collect();
    let mut guards: Vec<_> = mutexes.iter().map(|mutex| mutex.lock()).collect();
    let pass = |&mutex: &&'static futex::RawMutex| {
        move || {
            let guard = mutex.lock();
            // SAFETY: the acquisition just made.
            unsafe { mutex.unlock(guard) };
        }
    };
    let (others, woken) = mutexes.split_at(OTHERS);
    let mut sleepers = all_asleep((0..OTHERS * EACH).map(|number| pass(&others[number % OTHERS])));
    // Stopped, they no longer sleep in the kernel's own table, which has its own cost; in that of the locks they do.
    let hold_up = HoldUp::of(&sleepers);
    sleepers.extend(all_asleep(woken.iter().map(pass)));
    // To wake a thread costs much more if that has to wake a core too, by an interrupt.
    let busy = Busy::start(thread::available_parallelism().expect("the kernel knows").get());
    let time = cpu_time(|| {
        for (mutex, guard) in woken.iter().zip(guards.drain(OTHERS..)) {
            // SAFETY: its acquisition.
            unsafe { mutex.unlock(guard) };
        }
    });
    drop((busy, hold_up));
    for (mutex, guard) in others.iter().zip(guards) {
        // SAFETY: its acquisition.
        unsafe { mutex.unlock(guard) };
    }
    sleepers.into_iter().for_each(Actor::join);
    time
}

#[test]
#[ignore = "takes ten seconds: `cargo xtask verify` runs it"]
fn no_stride_brings_all_locks_together() {
    alone(|| {
        // One whose multiples are as good as random to any hash.
        let usual = wake_each(0x6_A4C8).min(wake_each(0x6_A4C8));
        for stride in STRIDES {
            assert_comparable(
                &format!("100 wake-ups, locks {stride} bytes apart"),
                wake_each(stride),
                usual,
            );
        }
    });
}

/// What `notify_all` costs for waiters of one condition variable, while others wait for other ones.
fn notify_beside<C: RawCondvar<RawMutex: RawMutex + Send + Sync> + Send + Sync + 'static>(stride: usize) -> Duration {
    const OTHERS: usize = 4;
    const EACH: usize = 1_000;
    let memory = Strided::of(OTHERS + 1, stride);
    let condvars: Vec<_> = (0..=OTHERS).map(|place| memory.put(place, C::INIT)).collect();
    let (mutex, is_over) = (leak(C::RawMutex::INIT), leak(AtomicBool::new(false)));
    let wait_for = move |condvar: &'static C| {
        move || {
            let mut guard = mutex.lock();
            while !is_over.load(Ordering::SeqCst) {
                // SAFETY: the acquisition just made, or the one that the last wait has put in its place.
                unsafe { condvar.wait(mutex, &mut guard) };
            }
            // SAFETY: as above.
            unsafe { mutex.unlock(guard) };
        }
    };
    let (&subject, others) = condvars.split_last().expect("there is one more");
    let mut waiters = all_asleep(
        others
            .iter()
            .flat_map(|&condvar| (0..EACH).map(move |_| wait_for(condvar))),
    );
    waiters.extend(all_asleep((0..OTHERS * EACH).map(|_| wait_for(subject))));
    is_over.store(true, Ordering::SeqCst);
    let guard = mutex.lock();
    let mut count = 0;
    let time = cpu_time(|| count = subject.notify_all());
    assert_eq!(count, OTHERS * EACH);
    // SAFETY: the acquisition just made.
    unsafe { mutex.unlock(guard) };
    others.iter().for_each(|condvar| _ = condvar.notify_all());
    waiters.into_iter().for_each(Actor::join);
    time
}

#[test]
#[ignore = "takes ten seconds: `cargo xtask verify` runs it"]
fn notify_all_is_linear_also_beside_waiters_for_others() {
    alone(|| {
        for stride in [64, FIBONACCI] {
            let [ours, theirs] = [
                notify_beside::<futex::RawCondvar>(stride),
                notify_beside::<parking_lot::RawCondvar>(stride),
            ];
            let what = format!("notify_all of 4,000 beside 4,000, {stride} bytes apart");
            assert_comparable(&what, ours, theirs.max(Duration::from_millis(1)));
        }
    });
}

/// Regression: a look for readers in slots went through all rows each time, and the reader that was inside was in the last.
#[test]
fn a_failing_try_does_not_pay_for_each_thread_that_has_read() {
    alone(|| {
        let (ours, theirs) = (futex::RawRwLock::INIT, <parking_lot::RawRwLock>::INIT);
        make_read_mostly(&ours);
        let readers = FormerReaders::start(1_000);
        let guards = (ours.lock_shared(), theirs.lock_shared());
        fn tries<R: RawRwLock>(lock: &R) {
            (0..200).for_each(|_| assert!(lock.is_locked() && lock.try_lock_exclusive().is_none()));
        }
        let [our_time, their_time] = least_cpu_times(15, [&mut || tries(&ours), &mut || tries(&theirs)]);
        // SAFETY: the acquisitions made above.
        unsafe {
            ours.unlock_shared(guards.0);
            theirs.unlock_shared(guards.1);
        }
        readers.end();
        assert_comparable(
            "a failing try beside 1,000 threads that have read",
            our_time,
            their_time,
        );
    });
}

/// Regression: readers that came in unparked the writer every 0.3 ms, although an upgradable reader was inside.
#[test]
fn a_writer_sleeps_while_an_upgradable_reader_is_inside() {
    alone(|| {
        let lock = leak(futex::RawRwLock::INIT);
        let upgradable = lock.lock_upgradable();
        let may_end = leak(AtomicBool::new(false));
        let writer = Actor::asleep(|| {
            write(lock);
            while !may_end.load(Ordering::SeqCst) {
                thread::sleep(Duration::from_millis(1));
            }
        });
        let before = writer.sleeps();
        for _ in 0..2_000 {
            (0..20).for_each(|_| read(lock));
            thread::sleep(Duration::from_micros(50));
        }
        let sleeps = writer.sleeps() - before;
        // SAFETY: the acquisition made above.
        unsafe { lock.unlock_upgradable(upgradable) };
        may_end.store(true, Ordering::SeqCst);
        writer.join();
        assert!(sleeps <= 20, "woken {sleeps} times for nothing");
    });
}
