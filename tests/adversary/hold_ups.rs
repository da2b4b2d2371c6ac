//! Row 4: a thread that was woken and is stopped before it can run bars no other from a lock that is free.
//!
//! Some threads are parked. One of them is stopped in a signal handler, then the lock is released, so that the stopped
//! thread is the one that is woken. Others go on locking and unlocking: each parked thread has to get in, while the
//! first is still stopped. A release may also hand the lock over to the stopped thread, which then holds it: that says
//! nothing, and is tried again. `parking_lot` passes the same tests, save where that is said.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use linchpin::futex;
use lock_api::{RawMutex, RawRwLockUpgrade};

use crate::common::{self, Mode};
use crate::process::alone_for;
use crate::system::{Actor, HoldUp, leak, within};

/// How many threads are parked behind the first.
const OTHERS: usize = 8;
/// Within which they have to get in: for each a millisecond is asked.
const SOON: Duration = Duration::from_secs(5);
const LIMIT: Duration = Duration::from_secs(120);

/// What a parked thread waits for and how the others pass, for any lock.
trait Subject: Send + Sync + 'static {
    /// The lock, held by this thread.
    fn hold(&'static self) -> Box<dyn FnOnce()>;
    /// Parks, gets in, and leaves.
    fn park(&self, number: usize);
    /// Gets in and leaves.
    fn pass(&self);
    /// Whether no thread holds it now.
    fn is_free(&self) -> bool;
}

#[derive(Debug, PartialEq)]
enum Outcome {
    /// They all got in.
    Through,
    /// The stopped thread holds the lock.
    HandedOver,
    /// So many of them did not, though the lock was free.
    Starved(usize),
}

/// One attempt: of the parked threads the first `stopped` are stopped, and `passers` others pass.
fn attempt<S: Subject>(subject: S, stopped: usize, passers: usize) -> Outcome {
    let subject = leak(subject);
    let (through, is_over) = (leak(AtomicUsize::new(0)), leak(AtomicBool::new(false)));
    let release = subject.hold();
    // A hand-over that is due is spent on the first, which runs.
    let first = Actor::asleep(|| subject.park(0));
    let stopped: Vec<_> = (1..=stopped).map(|_| Actor::asleep(|| subject.park(1))).collect();
    let others: Vec<_> = (0..OTHERS)
        .map(|number| {
            Actor::asleep(move || {
                subject.park(number + 2);
                through.fetch_add(1, Ordering::SeqCst);
            })
        })
        .collect();
    let hold_up = HoldUp::of(&stopped);
    release();
    let pass = || {
        while !is_over.load(Ordering::Relaxed) {
            subject.pass();
            (0..200).for_each(|_| std::hint::spin_loop());
        }
    };
    let passers: Vec<_> = (0..passers).map(|_| Actor::start(pass)).collect();
    let mut looks_held = 0;
    let ended = within(SOON, || {
        thread::sleep(Duration::from_millis(1));
        let is_held = !(0..50).any(|_| subject.is_free());
        looks_held = if is_held { looks_held + 1 } else { 0 };
        looks_held > 500 || through.load(Ordering::SeqCst) == OTHERS
    });
    let left = OTHERS - through.load(Ordering::SeqCst);
    is_over.store(true, Ordering::Relaxed);
    drop(hold_up);
    for actor in others.into_iter().chain(passers).chain(stopped).chain([first]) {
        actor.join();
    }
    match (ended, left) {
        (_, 0) => Outcome::Through,
        (true, _) => Outcome::HandedOver,
        (false, _) => Outcome::Starved(left),
    }
}

/// Attempts until one says something.
#[track_caller]
fn all_get_through<S: Subject>(what: &str, stopped: usize, passers: usize, new: impl Fn() -> S) {
    let said = (0..10)
        .map(|_| attempt(new(), stopped, passers))
        .find(|outcome| *outcome != Outcome::HandedOver);
    assert_eq!(
        said,
        Some(Outcome::Through),
        "{what}, {stopped} stopped, {passers} pass: of {OTHERS} parked threads (None: a stopped thread was handed the lock each time)"
    );
}

struct Mutex<R>(R);

impl<R: RawMutex<Guard: 'static> + Send + Sync + 'static> Subject for Mutex<R> {
    fn hold(&'static self) -> Box<dyn FnOnce()> {
        let guard = self.0.lock();
        // SAFETY: the acquisition just made.
        Box::new(move || unsafe { self.0.unlock(guard) })
    }

    fn park(&self, _: usize) {
        self.pass();
    }

    fn pass(&self) {
        let guard = self.0.lock();
        // SAFETY: the acquisition just made.
        unsafe { self.0.unlock(guard) };
    }

    fn is_free(&self) -> bool {
        !self.0.is_locked()
    }
}

#[test]
fn of_a_mutex() {
    alone_for(LIMIT, || {
        for passers in [1, 3] {
            all_get_through("parking_lot's mutex", 1, passers, || Mutex(parking_lot::RawMutex::INIT));
            all_get_through("mutex", 1, passers, || Mutex(futex::RawMutex::INIT));
        }
    });
}

struct RwLock<R> {
    lock: R,
    /// How the stopped thread waits, and how those pass that are not parked.
    stopped: Mode,
    passing: Mode,
}

impl<R: RawRwLockUpgrade<ExclusiveGuard: 'static> + Send + Sync + 'static> RwLock<R> {
    fn new(stopped: Mode, passing: Mode) -> Self {
        RwLock {
            lock: R::INIT,
            stopped,
            passing,
        }
    }

    fn pass_by(&self, mode: Mode) {
        let held = common::lock(&self.lock, mode);
        // SAFETY: the acquisition just made.
        unsafe { common::unlock(&self.lock, held) };
    }
}

impl<R: RawRwLockUpgrade<ExclusiveGuard: 'static> + Send + Sync + 'static> Subject for RwLock<R> {
    fn hold(&'static self) -> Box<dyn FnOnce()> {
        let guard = self.lock.lock_exclusive();
        // SAFETY: the acquisition just made.
        Box::new(move || unsafe { self.lock.unlock_exclusive(guard) })
    }

    fn park(&self, number: usize) {
        self.pass_by(match number {
            0 => Mode::Write,
            1 => self.stopped,
            _ => Mode::ALL[number % 3],
        });
    }

    fn pass(&self) {
        self.pass_by(self.passing);
    }

    fn is_free(&self) -> bool {
        !self.lock.is_locked()
    }
}

/// For a way in which the stopped thread may wait, behind which others wait in all ways.
fn of_an_rwlock<R>(name: &str, stopped: Mode, passing: &[Mode])
where
    R: RawRwLockUpgrade<ExclusiveGuard: 'static> + Send + Sync + 'static,
{
    for &passing in passing {
        for passers in [1, 3] {
            let what = format!("{name}'s rwlock: {stopped:?} is stopped, {passing:?} passes");
            all_get_through(&what, 1, passers, || RwLock::<R>::new(stopped, passing));
        }
    }
}

/// The same for both.
fn of_both_rwlocks(stopped: Mode) {
    const OWNERS: [Mode; 2] = [Mode::Write, Mode::Upgradable];
    of_an_rwlock::<parking_lot::RawRwLock>("parking_lot", stopped, &OWNERS);
    of_an_rwlock::<futex::RawRwLock>("linchpin", stopped, &OWNERS);
}

#[test]
fn of_a_reader() {
    alone_for(LIMIT, || of_both_rwlocks(Mode::Read));
}

#[test]
fn of_an_upgradable_reader() {
    alone_for(LIMIT, || of_both_rwlocks(Mode::Upgradable));
}

#[test]
fn of_a_writer() {
    alone_for(LIMIT, || of_both_rwlocks(Mode::Write));
}

/// Only readers pass. Here `parking_lot` lets the others wait, if the stopped thread is not a reader itself.
#[test]
fn beside_readers_that_pass() {
    alone_for(LIMIT, || {
        for stopped in Mode::ALL {
            of_an_rwlock::<futex::RawRwLock>("linchpin", stopped, &[Mode::Read]);
        }
    });
}

/// Several in a row are stopped: each is woken in vain.
#[test]
fn of_several_threads() {
    alone_for(LIMIT, || {
        all_get_through("parking_lot's mutex", 4, 1, || Mutex(parking_lot::RawMutex::INIT));
        all_get_through("mutex", 4, 1, || Mutex(futex::RawMutex::INIT));
        for stopped in Mode::ALL {
            all_get_through(&format!("rwlock: {stopped:?} is stopped"), 4, 1, || {
                RwLock::<futex::RawRwLock>::new(stopped, Mode::Write)
            });
        }
    });
}

/// Waiters of a condition variable, which `notify_all` wakes.
struct Condvar<C: lock_api::RawCondvar> {
    mutex: C::RawMutex,
    condvar: C,
    is_told: AtomicBool,
}

impl<C> Subject for Condvar<C>
where
    C: lock_api::RawCondvar<RawMutex: RawMutex<Guard: 'static> + Send + Sync> + Send + Sync + 'static,
{
    /// `notify_all` is called with the mutex free.
    fn hold(&'static self) -> Box<dyn FnOnce()> {
        Box::new(|| {
            let guard = self.mutex.lock();
            self.is_told.store(true, Ordering::Relaxed);
            // SAFETY: the acquisition just made.
            unsafe { self.mutex.unlock(guard) };
            self.condvar.notify_all();
        })
    }

    fn park(&self, number: usize) {
        // A notification hands nothing over.
        while number == 0 && !self.is_told.load(Ordering::Relaxed) {
            thread::sleep(Duration::from_millis(5));
        }
        let mut guard = self.mutex.lock();
        while !self.is_told.load(Ordering::Relaxed) {
            // SAFETY: the acquisition just made, or the one that the wait before has put in its place.
            unsafe { self.condvar.wait(&self.mutex, &mut guard) };
        }
        // SAFETY: as above.
        unsafe { self.mutex.unlock(guard) };
    }

    fn pass(&self) {
        let guard = self.mutex.lock();
        // SAFETY: the acquisition just made.
        unsafe { self.mutex.unlock(guard) };
    }

    fn is_free(&self) -> bool {
        !self.mutex.is_locked()
    }
}

fn condvar<C: lock_api::RawCondvar>() -> Condvar<C> {
    Condvar {
        mutex: C::RawMutex::INIT,
        condvar: C::INIT,
        is_told: AtomicBool::new(false),
    }
}

#[test]
fn of_a_thread_that_notify_all_wakes() {
    alone_for(LIMIT, || {
        for passers in [1, 3] {
            all_get_through("parking_lot's condvar", 1, passers, condvar::<parking_lot::RawCondvar>);
            all_get_through("condvar", 1, passers, condvar::<futex::RawCondvar>);
        }
    });
}
