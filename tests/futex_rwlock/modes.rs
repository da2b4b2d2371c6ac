//! The three ways in which readers come in: counted in the word, spread over slots, and biased. Each test goes through
//! all.

use super::rwlock::{ANYBODY, NOBODY, PLAIN_READERS, READERS_OF_BOTH_KINDS, admits};
use super::*;

/// So many reads make a new lock let its readers count themselves, spread out, or be biased.
const READS: [usize; 3] = [0, 500, 40_000];

/// A lock for each way.
fn each_way<T>(new: impl Fn() -> T, act: impl Fn(RwLock<T>)) {
    for reads in READS {
        act(after(reads, new()));
    }
}

/// A lock that has been read so often.
fn after<T>(reads: usize, value: T) -> RwLock<T> {
    let lock = RwLock::new(value);
    (0..if cfg!(miri) { reads / 100 } else { reads }).for_each(|_| drop(lock.read()));
    lock
}

#[test]
fn who_may_be_inside_with_whom() {
    let _watchdog = watchdog();
    each_way(
        || 0,
        |lock| {
            assert_eq!(admits(&lock), ANYBODY);
            let reader = lock.read();
            assert_eq!(admits(&lock), READERS_OF_BOTH_KINDS);
            assert!(lock.is_locked() && !lock.is_locked_exclusive());
            let upgradable = lock.upgradable_read();
            assert_eq!(admits(&lock), PLAIN_READERS);
            let Err(upgradable) = RwLockUpgradableReadGuard::try_upgrade(upgradable) else {
                panic!("upgraded beside a reader");
            };
            assert_eq!(admits(&lock), PLAIN_READERS, "nothing has changed");
            drop(reader);
            let Ok(writer) = RwLockUpgradableReadGuard::try_upgrade(upgradable) else {
                panic!("not upgraded, with no other thread inside");
            };
            assert_eq!(admits(&lock), NOBODY);
            assert!(lock.is_locked() && lock.is_locked_exclusive());
            drop(writer);
            assert!(!lock.is_locked());
            assert_eq!(admits(&lock), ANYBODY);
        },
    );
}

/// There are six slots; the readers that find none are counted.
#[test]
fn one_thread_may_read_many_locks_at_once() {
    let _watchdog = watchdog();
    let locks: Vec<_> = (0..20).map(|number| after(READS[number % 3], number)).collect();
    for round in 0..3 {
        let mut guards: Vec<_> = locks.iter().map(RwLock::read).collect();
        guards.extend(locks.iter().map(RwLock::read));
        assert!(locks.iter().all(|lock| admits(lock) == READERS_OF_BOTH_KINDS));
        let sum: usize = guards.iter().map(|guard| **guard).sum();
        assert_eq!(sum, 2 * (0..20).sum::<usize>());
        if round == 1 {
            guards.reverse();
        }
        for place in (0..guards.len()).rev().step_by(2) {
            drop(guards.swap_remove(place));
        }
        drop(guards);
        assert!(locks.iter().all(|lock| admits(lock) == ANYBODY));
    }
}

/// A guard goes to another thread, and its thread ends before or after that: the slot is freed by the thread that drops
/// it.
#[test]
fn guards_outlive_the_threads_that_took_them() {
    let _watchdog = watchdog();
    each_way(
        || 7,
        |lock| {
            for _ in 0..times(50, 2) {
                let guards: Vec<_> = thread::scope(|scope| {
                    let readers: Vec<_> = (0..4).map(|_| scope.spawn(|| (lock.read(), lock.read()))).collect();
                    readers
                        .into_iter()
                        .map(|reader| reader.join().expect("it only reads"))
                        .collect()
                });
                assert_eq!(admits(&lock), READERS_OF_BOTH_KINDS);
                thread::scope(|scope| {
                    for guard in guards {
                        scope.spawn(move || assert_eq!(*guard.0 + *guard.1, 14));
                    }
                });
                assert_eq!(admits(&lock), ANYBODY);
            }
        },
    );
}

/// Slots that are taken for ever are not taken again, also not by the next thread that has the row.
#[test]
fn forgotten_readers_hold_it_for_ever() {
    let _watchdog = watchdog();
    let forgotten: Vec<_> = (0..30).map(|_| after(READS[2], ())).collect();
    for chunk in forgotten.chunks(5) {
        thread::scope(|scope| {
            scope.spawn(|| chunk.iter().for_each(|lock| mem::forget(lock.read())));
        });
    }
    each_way(
        || 0,
        |lock| {
            on_threads(8, |_| {
                for _ in 0..times(200, 4) {
                    *lock.write() += 1;
                    assert!(*lock.read() > 0);
                }
            });
            assert_eq!(*lock.read(), 8 * times(200, 4));
        },
    );
    assert!(forgotten.iter().all(|lock| admits(lock) == READERS_OF_BOTH_KINDS));
}

/// Readers keep the lock biased and writers withdraw that, again and again.
#[test]
fn withdrawals_exclude() {
    let _watchdog = watchdog();
    for &threads in THREAD_COUNTS {
        let lock = after(READS[2], [0_usize; 4]);
        let rounds = times(60_000, 40) / threads;
        let written = AtomicUsize::new(0);
        on_threads(threads, |index| {
            for round in 0..rounds {
                if (round + index) % 4000 == 7 {
                    let mut writer = lock.write();
                    let next = writer[0] + 1;
                    writer.iter_mut().for_each(|word| *word = std::hint::black_box(next));
                    written.fetch_add(1, Ordering::Relaxed);
                } else {
                    let value = std::hint::black_box(*lock.read());
                    assert!(value.iter().all(|&word| word == value[0]), "half a write: {value:?}");
                }
            }
        });
        assert_eq!(lock.into_inner(), [written.into_inner(); 4], "with {threads} threads");
    }
}

#[test]
fn a_panic_in_a_read_releases_it() {
    each_way(
        || 0,
        |lock| {
            let outcome = catch_unwind(AssertUnwindSafe(|| {
                let _reader = lock.read();
                die();
            }));
            assert!(outcome.is_err());
            assert_eq!(admits(&lock), ANYBODY);
        },
    );
}

/// A thread may read as long as it runs code: before its row is given back and after.
#[test]
fn thread_local_destructors_may_read() {
    let _watchdog = watchdog();
    each_way(
        || AtomicUsize::new(0),
        |lock| {
            let lock = Arc::new(lock);
            for reads_in_its_life in [false, true] {
                let count = |lock: &RwLock<AtomicUsize>| {
                    let (one, two) = (lock.read(), lock.read());
                    one.fetch_add(1, Ordering::Relaxed);
                    two.fetch_add(1, Ordering::Relaxed);
                };
                let (early, late) = (Arc::clone(&lock), Arc::clone(&lock));
                let dying = thread::spawn(move || {
                    at_thread_exit(move || count(&early));
                    if reads_in_its_life {
                        count(&late);
                    }
                    at_thread_exit(move || count(&late));
                });
                dying.join().expect("it only reads");
            }
            assert_eq!(admits(&lock), ANYBODY);
            assert_eq!(lock.write().get_mut(), &mut 10);
        },
    );
}

#[test]
fn a_reader_touches_nothing_after_the_last_instant() {
    let _watchdog = watchdog();
    for reads in READS {
        let lock = after(reads, 0);
        nothing_is_touched_after(
            // SAFETY: a lock that no thread holds is plain numbers.
            || unsafe { std::ptr::read(&raw const lock) },
            |lock, inside| {
                // SAFETY: it lives until this has let go.
                let _reader = unsafe { &*lock }.read();
                inside.store(true, Ordering::Release);
            },
            |lock, inside| {
                await_that(|| inside.load(Ordering::Acquire));
                drop(lock.write());
            },
        );
    }
}

/// Waits until that thread sleeps in the kernel, where the system tells; elsewhere for so long that it should.
fn await_sleep(thread: &std::sync::mpsc::Receiver<i32>) {
    let thread = thread.recv().expect("it says which thread it is");
    if cfg!(all(target_os = "linux", not(miri))) {
        let sleeps = || {
            let status = std::fs::read_to_string(format!("/proc/self/task/{thread}/stat")).expect("it lives");
            // The state comes after the name, which is in parentheses.
            status.rsplit(") ").next().is_some_and(|rest| rest.starts_with('S'))
        };
        // A thread may sleep for a moment on its way, for the lock of a bucket.
        let mut in_a_row = 0;
        while in_a_row < 20 {
            in_a_row = if sleeps() { in_a_row + 1 } else { 0 };
            thread::sleep(Duration::from_millis(1));
        }
    } else {
        thread::sleep(Duration::from_millis(100));
    }
}

fn thread_number() -> i32 {
    #[cfg(all(target_os = "linux", not(miri)))]
    // SAFETY: it only asks.
    return unsafe { libc::gettid() };
    #[cfg(not(all(target_os = "linux", not(miri))))]
    return 0;
}

/// A writer that has fallen asleep behind readers that last is woken by the last of them, in whatever order and
/// wherever they leave. With readers in slots it sleeps under another key than those that wait for the lock.
#[test]
fn a_writer_asleep_behind_lasting_readers_is_woken() {
    let _watchdog = watchdog();
    for first_to_leave in 0..3 {
        each_way(
            || 0,
            |lock| {
                let (tell, asleep) = std::sync::mpsc::channel();
                let mut readers: Vec<_> = (0..3).map(|_| lock.read()).collect();
                thread::scope(|scope| {
                    let lock = &lock;
                    let writer = scope.spawn(move || {
                        tell.send(thread_number()).expect("the other end waits");
                        *lock.write() += 1;
                    });
                    await_sleep(&asleep);
                    let first = readers.swap_remove(first_to_leave);
                    scope.spawn(move || drop(first));
                    readers.pop();
                    assert!(lock.try_read().is_none(), "a writer that waits holds off new readers");
                    assert!(!writer.is_finished() && readers.iter().all(|value| **value == 0));
                    drop(readers);
                    writer.join().expect("it only writes");
                });
                assert_eq!(lock.into_inner(), 1);
            },
        );
    }
}
