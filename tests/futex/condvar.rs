//! The condition variable: exact counts, no spurious wake-ups, deadlines.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use linchpin::futex::{Condvar, Mutex, MutexGuard};

use super::common::{die, nothing_is_touched_after, on_threads, times, watchdog};
use super::{TIMES, long_ago};

/// Threads that wait, each for one notification.
struct Room {
    waiting: Mutex<usize>,
    opened: Condvar,
    returned: AtomicUsize,
}

impl Room {
    fn new() -> Self {
        Room {
            waiting: Mutex::new(0),
            opened: Condvar::new(),
            returned: AtomicUsize::new(0),
        }
    }

    fn wait(&self) {
        let mut waiting = self.waiting.lock();
        *waiting += 1;
        self.opened.wait(&mut waiting);
        *waiting -= 1;
        self.returned.fetch_add(1, Ordering::Relaxed);
    }

    /// Once the mutex is had and that many have counted themselves, all of them wait.
    fn await_waiters(&self, count: usize) {
        while *self.waiting.lock() < count {
            thread::yield_now();
        }
    }
}

#[test]
fn nobody_is_notified_where_nobody_waits() {
    let condvar = Condvar::new();
    assert!(!condvar.notify_one());
    assert_eq!(condvar.notify_all(), 0);
}

#[test]
fn counts_are_exact() {
    let _watchdog = watchdog();
    for threads in [1, 2, 5, times(40, 3)] {
        let room = Room::new();
        thread::scope(|scope| {
            for _ in 0..threads {
                scope.spawn(|| room.wait());
            }
            room.await_waiters(threads);
            assert!(room.opened.notify_one());
            // With the mutex held: the others have to be moved to its queue.
            let held = room.waiting.lock();
            assert_eq!(room.opened.notify_all(), threads - 1);
            assert_eq!(room.opened.notify_all(), 0);
            assert!(!room.opened.notify_one());
            drop(held);
        });
        assert_eq!(room.returned.into_inner(), threads);
        assert_eq!(room.waiting.into_inner(), 0);
    }
}

#[test]
fn first_come_first_notified() {
    let _watchdog = watchdog();
    let threads = times(20, 3);
    let room = Room::new();
    let order = Mutex::new(Vec::new());
    thread::scope(|scope| {
        for index in 0..threads {
            let (room, order) = (&room, &order);
            scope.spawn(move || {
                room.wait();
                order.lock().push(index);
            });
            room.await_waiters(index + 1);
        }
        for index in 0..threads {
            assert!(room.opened.notify_one());
            while order.lock().len() <= index {
                thread::yield_now();
            }
        }
    });
    assert!(order.into_inner().is_sorted());
}

#[test]
fn no_wait_ends_by_itself() {
    let _watchdog = watchdog();
    let room = Room::new();
    thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| room.wait());
        }
        room.await_waiters(8);
        thread::sleep(Duration::from_millis(100));
        let waiting = room.waiting.lock();
        assert_eq!((*waiting, room.returned.load(Ordering::Relaxed)), (8, 0));
        drop(waiting);
        assert_eq!(room.opened.notify_all(), 8);
    });
}

#[test]
fn a_deadline_passes_and_not_before() {
    let _watchdog = watchdog();
    let (mutex, condvar) = (Mutex::new(0), Condvar::new());
    on_threads(2, |_| {
        for time in TIMES {
            let start = Instant::now();
            let mut held = mutex.lock();
            assert!(condvar.wait_for(&mut held, time).timed_out());
            assert!(start.elapsed() >= time);
            assert!(condvar.wait_until(&mut held, long_ago()).timed_out());
            *held += 1;
        }
    });
    assert_eq!(condvar.notify_all(), 0, "a waiter that gave up waits no longer");
    assert_eq!(mutex.into_inner(), 2 * TIMES.len());
}

#[test]
fn the_longest_time_out_can_be_notified() {
    let _watchdog = watchdog();
    let (ready, condvar) = (Mutex::new(false), Condvar::new());
    thread::scope(|scope| {
        scope.spawn(|| {
            let mut held = ready.lock();
            let out = condvar.wait_while_for(&mut held, |ready| !*ready, Duration::MAX);
            assert!(!out.timed_out());
        });
        thread::sleep(Duration::from_millis(20));
        *ready.lock() = true;
        condvar.notify_one();
    });
}

/// A notification in the instant of a time-out is either counted and reported, or neither.
#[test]
fn notifier_and_waiter_agree() {
    let _watchdog = watchdog();
    let (mutex, condvar) = (Mutex::new(()), Condvar::new());
    let (sent, received) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let rounds = times(500, 10);
    on_threads(8, |index| {
        for round in 0..rounds {
            match index {
                0 => sent.fetch_add(usize::from(condvar.notify_one()), Ordering::Relaxed),
                1 => {
                    thread::sleep(Duration::from_micros(20));
                    sent.fetch_add(condvar.notify_all(), Ordering::Relaxed)
                }
                _ => {
                    let time = Duration::from_micros(((round * index) % 60) as u64);
                    let out = condvar.wait_for(&mut mutex.lock(), time);
                    received.fetch_add(usize::from(!out.timed_out()), Ordering::Relaxed)
                }
            };
        }
    });
    assert_eq!(condvar.notify_all(), 0);
    assert_eq!(sent.into_inner(), received.into_inner());
}

#[test]
fn two_mutexes_may_share_a_condition_variable() {
    let _watchdog = watchdog();
    let (one, two, condvar) = (Mutex::new(0), Mutex::new(0), Condvar::new());
    thread::scope(|scope| {
        for mutex in [&one, &two, &one, &two] {
            let condvar = &condvar;
            scope.spawn(move || {
                let mut held = mutex.lock();
                *held += 1;
                condvar.wait(&mut held);
                *held += 10;
            });
        }
        while *one.lock() + *two.lock() < 4 {
            thread::yield_now();
        }
        let (_one, _two) = (one.lock(), two.lock());
        assert_eq!(condvar.notify_all(), 4);
    });
    assert_eq!((one.into_inner(), two.into_inner()), (22, 22));
}

/// Those that a notification moves to the queue of the mutex are let in by a holder that bumps.
#[test]
#[cfg_attr(
    miri,
    ignore = "the look for waiters is Relaxed, and Miri lets it miss them for any time"
)]
fn a_bump_lets_in_those_that_were_notified() {
    let _watchdog = watchdog();
    let (order, condvar) = (Mutex::new(Vec::new()), Condvar::new());
    // A lock that is contended, so that they are moved; and then no waiter is left.
    let held = order.lock();
    thread::scope(|scope| {
        scope.spawn(|| drop(order.lock()));
        thread::sleep(Duration::from_millis(50));
        drop(held);
    });
    (0..1000).for_each(|_| drop(order.lock()));
    let (tell, waits) = std::sync::mpsc::channel();
    thread::scope(|scope| {
        scope.spawn(|| {
            let mut held = order.lock();
            tell.send(()).expect("it is awaited");
            condvar.wait(&mut held);
            held.push("the waiter");
        });
        waits.recv().expect("it is told");
        let mut held = order.lock();
        assert_eq!(condvar.notify_all(), 1);
        // Where it was not moved but woken, it falls asleep again.
        thread::sleep(Duration::from_millis(100));
        MutexGuard::bump(&mut held);
        held.push("the holder");
        drop(held);
    });
    assert_eq!(order.into_inner(), ["the waiter", "the holder"]);
}

#[test]
fn a_condition_that_panics_leaves_the_mutex_free() {
    let _watchdog = watchdog();
    let (mutex, condvar) = (Mutex::new(0), Condvar::new());
    let asked = AtomicUsize::new(0);
    thread::scope(|scope| {
        let waiter = scope.spawn(|| {
            catch_unwind(AssertUnwindSafe(|| {
                condvar.wait_while(&mut mutex.lock(), |_| {
                    if asked.fetch_add(1, Ordering::Relaxed) == 1 {
                        die();
                    }
                    true
                });
            }))
        });
        while !condvar.notify_one() {
            thread::yield_now();
        }
        assert!(waiter.join().expect("it catches the panic").is_err());
    });
    assert!(mutex.try_lock().is_some());
    assert!(!condvar.notify_one());
}

/// A waiter that is notified may drop the condition variable while the notifier is still on its way out.
#[test]
fn a_notification_touches_nothing_after_the_last_instant() {
    let _watchdog = watchdog();
    nothing_is_touched_after(
        || (Mutex::new(false), Condvar::new()),
        |room: *const (Mutex<bool>, Condvar), _| {
            // SAFETY: `follow` returns only after the notification, and only then is the room gone.
            unsafe {
                let mut ready = (*room).0.lock();
                *ready = true;
                (*room).1.notify_all();
            }
        },
        |(ready, changed), _| changed.wait_while(&mut ready.lock(), |ready| !*ready),
    );
}
