//! Row 11: a child that is forked in the middle of contention uses locks of its own.
//!
//! The child has one thread, and copies of all that the parent's threads were about to do: marks of contention, parked
//! threads, locks of queues. It uses new locks, which no other thread knows, in ways that never park: that works with
//! `parking_lot`, whose uncontended paths look at nothing but the lock.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use linchpin::futex;
use lock_api::{
    RawCondvar, RawMutex, RawMutexFair, RawMutexTimed, RawRwLock, RawRwLockDowngrade, RawRwLockFair, RawRwLockUpgrade,
};

use crate::common::{Mode, lock, read, unlock, write};
use crate::process::{Child, alone_for, in_a_fork};
use crate::system::{Actor, all_asleep, leak};

/// How many locks of each kind the child uses: wherever a lock may land in a table, one does.
const LOCKS: usize = 256;

/// A family: its mutex, reader-writer lock and condition variable.
trait Family: 'static {
    type Mutex: RawMutexFair + RawMutexTimed<Duration = Duration> + Send + Sync;
    type RwLock: RawRwLockUpgrade + RawRwLockDowngrade + RawRwLockFair + Send + Sync;
    type Condvar: RawCondvar<RawMutex = Self::Mutex> + Send + Sync;
}

struct Linchpin;
impl Family for Linchpin {
    type Mutex = futex::RawMutex;
    type RwLock = futex::RawRwLock;
    type Condvar = futex::RawCondvar;
}

struct ParkingLot;
impl Family for ParkingLot {
    type Mutex = parking_lot::RawMutex;
    type RwLock = parking_lot::RawRwLock;
    type Condvar = parking_lot::RawCondvar;
}

/// What the child does, with locks that it has made: all that never waits.
fn uses_its_own<F: Family>() -> bool {
    let mutexes = [const { F::Mutex::INIT }; LOCKS];
    let rwlocks = [const { F::RwLock::INIT }; LOCKS];
    let condvars = [const { F::Condvar::INIT }; LOCKS];
    for round in 0..30 {
        for mutex in &mutexes {
            let guard = mutex.lock();
            if mutex.try_lock().is_some() {
                return false;
            }
            // SAFETY: the acquisition just made, once.
            unsafe {
                match round % 3 {
                    0 => mutex.unlock_fair(guard),
                    _ => mutex.unlock(guard),
                }
            }
        }
        for rwlock in &rwlocks {
            (0..20).for_each(|_| read(rwlock));
            let mode = Mode::ALL[round % 3];
            let held = lock(rwlock, mode);
            if rwlock.try_lock_exclusive().is_some() {
                return false;
            }
            // SAFETY: the acquisition just made.
            unsafe { unlock(rwlock, held) };
            // After half of the rounds each has been read hundreds of times, and seldom written.
            if round > 15 {
                write(rwlock);
                let guard = rwlock.lock_exclusive();
                // SAFETY: the acquisition just made, and what it becomes.
                unsafe {
                    let guard = rwlock.downgrade(guard);
                    rwlock.unlock_shared_fair(guard);
                }
            }
        }
        if condvars
            .iter()
            .any(|condvar| condvar.notify_one() || condvar.notify_all() != 0)
        {
            return false;
        }
    }
    true
}

/// Threads that park, time out, are notified and woken, all the time; and many that only sleep.
struct Contention<F: Family> {
    /// Held, so that threads that want them sleep or time out: the more sleep for one, the longer its queue is looked
    /// through.
    mutexes: [F::Mutex; 4],
    rwlocks: [F::RwLock; 64],
    is_over: AtomicBool,
}

impl<F: Family> Contention<F> {
    fn contend(&self, index: usize) {
        let mut round = index;
        while !self.is_over.load(Ordering::Relaxed) {
            round += 1;
            if index < TIMED {
                let mutex = &self.mutexes[round % 4];
                if let Some(guard) = mutex.try_lock_for(Duration::from_micros(60)) {
                    // SAFETY: the acquisition just made.
                    unsafe { mutex.unlock(guard) };
                }
                continue;
            }
            let rwlock = &self.rwlocks[round % 64];
            let held = lock(rwlock, Mode::ALL[(index + round) % 3]);
            if round % 32 == 7 {
                thread::sleep(Duration::from_micros(50));
            }
            // SAFETY: the acquisition just made.
            unsafe { unlock(rwlock, held) };
        }
    }
}

/// How many threads park and time out, and how many contend for locks that come free.
const TIMED: usize = 3;
const CONTENDERS: usize = 2;

fn children_finish<F: Family>(name: &str, forks: usize) {
    let contention = leak(Contention::<F> {
        mutexes: [const { F::Mutex::INIT }; 4],
        rwlocks: [const { F::RwLock::INIT }; 64],
        is_over: AtomicBool::new(false),
    });
    let guards: Vec<_> = contention.mutexes.iter().map(RawMutex::lock).collect();
    let sleepers = all_asleep((0..3_000).map(|number| {
        move || {
            let mutex = &contention.mutexes[number % 4];
            let guard = mutex.lock();
            // SAFETY: the acquisition just made.
            unsafe { mutex.unlock(guard) };
        }
    }));
    let contenders: Vec<_> = (0..TIMED + CONTENDERS)
        .map(|index| Actor::start(move || contention.contend(index)))
        .collect();
    let outcomes: Vec<_> = (0..forks)
        .map(|_| {
            thread::sleep(Duration::from_micros(500));
            in_a_fork(5, uses_its_own::<F>)
        })
        .take_while(|outcome| *outcome == Child::Right)
        .collect();
    contention.is_over.store(true, Ordering::Relaxed);
    contenders.into_iter().for_each(Actor::join);
    for (mutex, guard) in contention.mutexes.iter().zip(guards) {
        // SAFETY: its acquisition.
        unsafe { mutex.unlock(guard) };
    }
    sleepers.into_iter().for_each(Actor::join);
    let right = outcomes.len();
    assert_eq!(
        right, forks,
        "{name}: the child after {right} others has hung or was wrong"
    );
}

#[test]
fn a_child_of_a_fork_uses_locks_of_its_own() {
    alone_for(Duration::from_secs(120), || {
        children_finish::<ParkingLot>("parking_lot", 10);
        children_finish::<Linchpin>("linchpin", 40);
    });
}

/// Regression: the queues of the parent's threads were copied too. A child that unlocked what its thread had locked handed it to
/// a thread that is not there.
fn child_goes_on_with_a_held_mutex<F: Family>(name: &str) {
    for attempt in 0..10 {
        let mutex = leak(F::Mutex::INIT);
        let guard = mutex.lock();
        let waiter = Actor::asleep(move || {
            let guard = mutex.lock();
            // SAFETY: the acquisition just made.
            unsafe { mutex.unlock(guard) };
        });
        // It is woken, and loses against this thread.
        // SAFETY: the acquisition made above.
        unsafe { mutex.unlock(guard) };
        let mut held = Some(mutex.lock());
        thread::sleep(Duration::from_millis(3));
        let outcome = in_a_fork(5, || {
            // In the child's copy of this variable.
            let mut guard = held.take().expect("it is held");
            for _ in 0..100 {
                // SAFETY: the one acquisition that there is, in this copy of the mutex.
                unsafe { mutex.unlock(guard) };
                guard = mutex.lock();
            }
            true
        });
        assert_eq!(outcome, Child::Right, "{name}, attempt {attempt}");
        // SAFETY: the acquisition made above; the child has used its own copy.
        unsafe { mutex.unlock(held.take().expect("only the child has taken it")) };
        waiter.join();
    }
}

#[test]
fn a_child_of_a_fork_goes_on_with_a_mutex_that_its_thread_holds() {
    alone_for(Duration::from_secs(120), || {
        child_goes_on_with_a_held_mutex::<ParkingLot>("parking_lot");
        child_goes_on_with_a_held_mutex::<Linchpin>("linchpin");
    });
}

/// What the handlers of a fork lock before it and unlock in both processes, as a library does it.
static HANDLED: futex::Mutex<u64> = futex::Mutex::new(0);

thread_local! {
    static HELD: std::cell::RefCell<Option<linchpin::futex::MutexGuard<'static, u64>>> = const { std::cell::RefCell::new(None) };
}

extern "C" fn lock_before() {
    HELD.with(|held| *held.borrow_mut() = Some(HANDLED.lock()));
    // Others come to wait meanwhile.
    thread::sleep(Duration::from_millis(3));
}

extern "C" fn unlock_after() {
    HELD.with(|held| drop(held.borrow_mut().take()));
}

/// Regression: such handlers, arranged before a thread first waits, ran in the child before what makes it forget the parent's waiters.
#[test]
fn a_child_locks_what_a_handler_of_its_has_unlocked() {
    alone_for(Duration::from_secs(120), || {
        // SAFETY: the handlers lock, sleep and unlock, which is what is tried here.
        let arranged = unsafe { libc::pthread_atfork(Some(lock_before), Some(unlock_after), Some(unlock_after)) };
        assert_eq!(arranged, 0);
        for _ in 0..6 {
            thread::spawn(|| {
                loop {
                    *HANDLED.lock() += 1;
                }
            });
        }
        thread::sleep(Duration::from_millis(50));
        for attempt in 0..20 {
            let outcome = in_a_fork(5, || HANDLED.try_lock_for(Duration::from_secs(2)).is_some());
            assert_eq!(outcome, Child::Right, "attempt {attempt}");
        }
    });
}
