//! Rows 8, 9 and 10: how many `membarrier` calls and wake-ups an operation causes, and what happens without them.
//!
//! Each call interrupts every core that runs this process, so its number is the cost.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use linchpin::futex;
use lock_api::{RawMutex, RawRwLock};

use crate::common::{make_read_mostly, read, write};
use crate::process::{alone, alone_for, describe, has_passed, outcome};
use crate::seccomp::{Counter, forbid_files, refuse_membarrier};
use crate::system::{Actor, all_asleep, leak, on_threads, until};

const SLEEPERS: usize = 200;
/// One is needed; some more, for threads that arrive in the same instant.
const FEW: usize = 4;

/// Counts what it takes to park threads, one after the other, for a lock that is held; `hold` answers how to release
/// it.
fn barriers_of_sleepers(
    hold: impl FnOnce() -> Box<dyn FnOnce()>,
    pass: impl Fn() + Copy + Send + 'static,
) -> Option<usize> {
    let counter = Counter::start()?;
    let release = hold();
    counter.take();
    let mut sleepers = vec![Actor::asleep(pass)];
    sleepers.extend(all_asleep((1..SLEEPERS).map(|_| pass)));
    let count = counter.take();
    release();
    sleepers.into_iter().for_each(Actor::join);
    println!("{SLEEPERS} sleepers: {count} membarrier calls");
    Some(count)
}

#[test]
fn one_barrier_for_all_that_park_behind_the_holder_of_a_mutex() {
    alone(|| {
        let lock = leak(futex::RawMutex::INIT);
        let hold = || -> Box<dyn FnOnce()> {
            let guard = lock.lock();
            // SAFETY: the acquisition just made.
            Box::new(|| unsafe { lock.unlock(guard) })
        };
        let pass = || {
            let guard = lock.lock();
            // SAFETY: the acquisition just made.
            unsafe { lock.unlock(guard) };
        };
        assert!(barriers_of_sleepers(hold, pass).is_none_or(|count| count <= FEW));
    });
}

#[test]
fn one_barrier_for_all_that_park_behind_a_writer() {
    alone(|| {
        let lock = leak(futex::RawRwLock::INIT);
        let hold = || -> Box<dyn FnOnce()> {
            let guard = lock.lock_exclusive();
            // SAFETY: the acquisition just made.
            Box::new(|| unsafe { lock.unlock_exclusive(guard) })
        };
        assert!(
            barriers_of_sleepers(hold, || read(lock)).is_none_or(|count| count <= FEW),
            "readers"
        );
        assert!(
            barriers_of_sleepers(hold, || write(lock)).is_none_or(|count| count <= FEW),
            "writers"
        );
    });
}

/// A writer waits for many readers that leave one by one.
#[test]
fn one_barrier_and_few_wake_ups_for_a_writer_that_waits_for_readers() {
    const READERS: usize = 128;
    alone(|| {
        let Some(counter) = Counter::start() else { return };
        let lock = leak(futex::RawRwLock::INIT);
        make_read_mostly(lock);
        let (inside, may_leave, left) = (counter_at_zero(), counter_at_zero(), counter_at_zero());
        let readers: Vec<_> = (0..READERS)
            .map(|number| {
                Actor::start(move || {
                    let guard = lock.lock_shared();
                    inside.fetch_add(1, Ordering::SeqCst);
                    // By the standard library, which has no such fences.
                    while may_leave.load(Ordering::SeqCst) <= number {
                        std::thread::park();
                    }
                    // SAFETY: the acquisition above.
                    unsafe { lock.unlock_shared(guard) };
                    left.fetch_add(1, Ordering::SeqCst);
                })
            })
            .collect();
        until("all read", || inside.load(Ordering::SeqCst) == READERS);
        counter.take();
        let (has_written, may_end) = (leak(AtomicBool::new(false)), leak(AtomicBool::new(false)));
        let writer = Actor::asleep(|| {
            write(lock);
            has_written.store(true, Ordering::SeqCst);
            while !may_end.load(Ordering::SeqCst) {
                std::thread::yield_now();
            }
        });
        let sleeps = writer.sleeps();
        for (number, reader) in readers.iter().enumerate() {
            assert!(!has_written.load(Ordering::SeqCst), "beside readers");
            may_leave.store(number + 1, Ordering::SeqCst);
            reader.unpark();
            until("a reader has left", || left.load(Ordering::SeqCst) == number + 1);
            if number + 1 < READERS {
                writer.await_sleep();
            }
        }
        until("the writer is through", || has_written.load(Ordering::SeqCst));
        let (barriers, wake_ups) = (counter.take(), writer.sleeps() - sleeps);
        println!("{READERS} readers leave: {barriers} membarrier calls, {wake_ups} sleeps of the writer");
        may_end.store(true, Ordering::SeqCst);
        readers.into_iter().chain([writer]).for_each(Actor::join);
        assert!(barriers <= FEW, "{barriers} barriers for one drain");
        assert!(wake_ups <= READERS as u64 / 8, "{wake_ups} wake-ups for one drain");
    });
}

fn counter_at_zero() -> &'static AtomicUsize {
    leak(AtomicUsize::new(0))
}

/// Threads contend for a counter behind a mutex, and take turns by a condition variable.
fn contend_for_a_mutex() {
    const THREADS: usize = 6;
    const ROUNDS: usize = 2_000;
    let (count, turn, changed) = (
        futex::Mutex::new(0_usize),
        futex::Mutex::new(0_usize),
        futex::Condvar::new(),
    );
    on_threads(THREADS, |index| {
        for round in 0..ROUNDS {
            let mut held = count.lock();
            *held += 1;
            if round % 64 == index {
                // So that others park.
                std::thread::sleep(Duration::from_micros(100));
            }
        }
        for _ in 0..100 {
            let mut now = turn.lock();
            changed.wait_while(&mut now, |now| *now % THREADS != index);
            *now += 1;
            changed.notify_all();
        }
    });
    assert_eq!((*count.lock(), *turn.lock()), (THREADS * ROUNDS, THREADS * 100));
}

/// Threads read and write a lock, some of them beside a reader that sleeps inside.
fn contend_for_an_rwlock(lock: &futex::RwLock<[usize; 2]>) {
    const THREADS: usize = 6;
    const ROUNDS: usize = 2_000;
    let before = lock.read()[0];
    let written = AtomicUsize::new(0);
    on_threads(THREADS, |index| {
        for round in 0..ROUNDS {
            if round % 10 == index {
                let mut value = lock.write();
                value[0] += 1;
                if round % 64 == index {
                    std::thread::sleep(Duration::from_micros(100));
                }
                value[1] += 1;
                written.fetch_add(1, Ordering::Relaxed);
            } else {
                let value = lock.read();
                let first = value[0];
                if round % 64 == index {
                    std::thread::sleep(Duration::from_micros(100));
                }
                assert_eq!(value[1], first, "half a write");
            }
        }
    });
    let now = before + written.into_inner();
    assert_eq!(*lock.read(), [now, now]);
}

/// Refuses `membarrier` after the first use of each kind of lock.
fn refused_after_first_use() -> bool {
    let (mutex, rwlock) = (futex::Mutex::new(0), futex::RwLock::new(0));
    *mutex.lock() += 1;
    *rwlock.write() += 1;
    assert_eq!(*rwlock.read(), 1);
    on_threads(4, |_| (0..100).for_each(|_| *mutex.lock() += 1));
    refuse_membarrier()
}

#[test]
fn a_mutex_and_a_condvar_do_without_membarrier_when_it_is_refused_later() {
    alone(|| {
        if refused_after_first_use() {
            contend_for_a_mutex();
        }
    });
}

#[test]
fn an_rwlock_does_without_membarrier_when_it_is_refused_later() {
    alone(|| {
        if refused_after_first_use() {
            contend_for_an_rwlock(&futex::RwLock::new([0, 0]));
        }
    });
}

/// Regression: a waiter for which the fence was refused looks at the lock every now and then, and others rely on it; when its time was
/// over it left, and no thread looked for them.
#[test]
fn a_waiter_that_polls_leaves_another_that_does() {
    alone(|| {
        let mutex = leak(futex::Mutex::new(()));
        on_threads(4, |_| (0..100).for_each(|_| drop(mutex.lock())));
        // As long as a lock is held in the fast mode it was acquired in, its waiters need the fence.
        let fresh = leak(futex::Mutex::new(()));
        if !refuse_membarrier() {
            return;
        }
        let held = fresh.lock();
        let first = Actor::start(|| assert!(fresh.try_lock_for(Duration::from_millis(500)).is_none()));
        until("the first polls", || first.sleeps() > 3);
        let second = Actor::asleep(|| drop(fresh.lock()));
        first.join();
        let sleeps = second.sleeps();
        until("the second polls", || second.sleeps() > sleeps + 3);
        drop(held);
        second.join();
    });
}

/// Where only a fence will do, an abort may be the answer, whose message names the remedy.
#[test]
fn a_read_mostly_lock_is_right_or_names_the_remedy_when_membarrier_is_refused_later() {
    let limit = Duration::from_secs(60);
    let output = outcome(limit, || {
        let lock = futex::RwLock::new([0, 0]);
        // SAFETY: only looks at how it is read.
        make_read_mostly(unsafe { lock.raw() });
        if refused_after_first_use() {
            contend_for_an_rwlock(&lock);
            // SAFETY: as above.
            make_read_mostly(unsafe { lock.raw() });
            contend_for_an_rwlock(&lock);
        }
    });
    if let Some(output) = output {
        let output = output.expect("it has hung");
        let said = String::from_utf8_lossy(&output.stderr);
        let names_the_remedy = said.contains("LINCHPIN_MEMBARRIER") && said.contains("membarrier::disable");
        assert!(has_passed(&output) || names_the_remedy, "{}", describe(&output));
    }
}

/// The environment variable is honoured: nothing calls `membarrier`, and all is right without it.
#[test]
fn no_barrier_where_it_is_switched_off() {
    alone_for(Duration::from_secs(60), || {
        // SAFETY: no other thread of this process looks at the environment now, and no lock has been used.
        unsafe { std::env::set_var("LINCHPIN_MEMBARRIER", "0") };
        let Some(counter) = Counter::start() else { return };
        contend_for_a_mutex();
        let lock = futex::RwLock::new([0, 0]);
        // SAFETY: only looks at how it is read.
        (0..100_000).for_each(|_| read(unsafe { lock.raw() }));
        contend_for_an_rwlock(&lock);
        assert_eq!(counter.take(), 0);
    });
}

/// Regression: the first wait of each thread opened files, to learn how many processors it may use.
#[test]
fn a_thread_that_waits_opens_no_file() {
    fn contend(mutex: &'static futex::Mutex<()>, lock: &'static futex::RwLock<()>) {
        let guards = (mutex.lock(), lock.write());
        let waiter = std::thread::spawn(|| (drop(mutex.lock()), drop(lock.read())));
        std::thread::sleep(Duration::from_millis(20));
        drop(guards);
        waiter.join().expect("it only waits");
    }
    alone(|| {
        let (mutex, lock) = (leak(futex::Mutex::new(())), leak(futex::RwLock::new(())));
        contend(mutex, lock);
        if forbid_files() {
            contend(mutex, lock);
        }
    });
}
