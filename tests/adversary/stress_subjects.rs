//! What `stress` does with each kind of lock.

use std::mem::{self, ManuallyDrop};
use std::thread;
use std::time::Duration;

use linchpin::futex::{Condvar, Mutex, MutexGuard, RwLock, RwLockUpgradableReadGuard, RwLockWriteGuard};
use lock_api::RawMutex;

use crate::common::{self, Mode};

/// Random numbers that differ from thread to thread (Marsaglia's xorshift).
pub struct Dice(u64);

impl Dice {
    pub fn of(thread: usize) -> Self {
        Dice((thread as u64 + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15))
    }

    pub fn below(&mut self, sides: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 16) % sides
    }

    /// Most often nothing; sometimes a yield, or a sleep of up to a tenth of a millisecond.
    pub fn dawdle(&mut self) {
        match self.below(24) {
            0 => thread::sleep(Duration::from_micros(self.below(100))),
            1 => thread::yield_now(),
            _ => {}
        }
    }

    fn time_out(&mut self) -> Duration {
        match self.below(4) {
            0 => Duration::from_nanos(self.below(2)),
            _ => Duration::from_micros(self.below(300)),
        }
    }

    fn mode(&mut self) -> Mode {
        Mode::ALL[self.below(3) as usize]
    }
}

/// What `stress` needs.
pub trait Stressed: Send + Sync + 'static {
    fn new() -> Self;
    /// Gets in and out, or not; answers how often it has counted itself. It waits for nothing but other threads.
    fn pass(&self, dice: &mut Dice) -> usize;
    /// No thread is inside, and so many have counted themselves.
    fn check(&mut self, acquisitions: usize);
    fn is_held(&self) -> bool;
    /// Acquires it and forgets the guard.
    fn hold_for_ever(&self, dice: &mut Dice);
    /// Moves it while it is held, and releases it then.
    fn moved_while_held(self, dice: &mut Dice) -> Self;
}

/// What a critical section protects: plain memory, which shows when two are inside.
#[derive(Default)]
pub struct Section {
    is_inside: bool,
    acquisitions: usize,
}

impl Section {
    fn pass(&mut self, dice: &mut Dice) {
        assert!(!mem::replace(&mut self.is_inside, true), "two threads hold the lock");
        dice.dawdle();
        self.acquisitions = std::hint::black_box(self.acquisitions) + 1;
        self.is_inside = false;
    }

    /// What a reader sees, twice.
    fn look(&self, dice: &mut Dice) {
        let seen = std::hint::black_box(self.acquisitions);
        dice.dawdle();
        assert!(!self.is_inside && self.acquisitions == seen, "a writer beside a reader");
    }
}

impl Stressed for Mutex<Section> {
    fn new() -> Self {
        Mutex::default()
    }

    fn pass(&self, dice: &mut Dice) -> usize {
        let held = match dice.below(8) {
            0 => self.try_lock(),
            1 | 2 => self.try_lock_for(dice.time_out()),
            _ => Some(self.lock()),
        };
        let Some(mut held) = held else { return 0 };
        held.pass(dice);
        match dice.below(8) {
            0 => MutexGuard::unlock_fair(held),
            1 => MutexGuard::bump(&mut held),
            _ => drop(held),
        }
        1
    }

    fn check(&mut self, acquisitions: usize) {
        assert!(!self.is_locked(), "held by no thread");
        assert_eq!(self.get_mut().acquisitions, acquisitions);
    }

    fn is_held(&self) -> bool {
        self.is_locked()
    }

    fn hold_for_ever(&self, _: &mut Dice) {
        mem::forget(self.lock());
    }

    fn moved_while_held(self, _: &mut Dice) -> Self {
        // SAFETY: it is unlocked below, with the state of this acquisition.
        let state = unsafe { self.raw() }.lock();
        let moved = Box::new(self);
        assert!(moved.try_lock().is_none(), "a lock that was moved is not held any more");
        // SAFETY: the acquisition above, and there is no guard.
        unsafe { moved.force_unlock(state) };
        *moved
    }
}

impl Stressed for RwLock<Section> {
    fn new() -> Self {
        RwLock::default()
    }

    fn pass(&self, dice: &mut Dice) -> usize {
        let written = match dice.below(24) {
            0 => self.try_write(),
            1 => self.try_write_for(dice.time_out()),
            2 => Some(self.write()),
            3 | 4 => {
                let found = self.upgradable_read();
                found.look(dice);
                match dice.below(3) {
                    0 => Some(RwLockUpgradableReadGuard::upgrade(found)),
                    1 => RwLockUpgradableReadGuard::try_upgrade_for(found, dice.time_out()).ok(),
                    _ => None,
                }
            }
            5 => {
                if let Some(found) = self.try_read_for(dice.time_out()) {
                    found.look(dice);
                }
                None
            }
            6 => {
                drop(self.try_upgradable_read_for(dice.time_out()));
                None
            }
            // Many, so that it becomes read-mostly.
            _ => {
                (0..64).for_each(|_| drop(self.read()));
                self.read().look(dice);
                None
            }
        };
        let Some(mut written) = written else { return 0 };
        written.pass(dice);
        match dice.below(4) {
            0 => RwLockWriteGuard::unlock_fair(written),
            1 => RwLockWriteGuard::downgrade(written).look(dice),
            2 => RwLockWriteGuard::downgrade_to_upgradable(written).look(dice),
            _ => drop(written),
        }
        1
    }

    fn check(&mut self, acquisitions: usize) {
        assert!(!self.is_locked(), "held by no thread");
        assert_eq!(self.get_mut().acquisitions, acquisitions);
    }

    fn is_held(&self) -> bool {
        self.is_locked()
    }

    fn hold_for_ever(&self, dice: &mut Dice) {
        (0..2_000).for_each(|_| drop(self.read()));
        // SAFETY: it stays as it is.
        _ = ManuallyDrop::new(common::lock(unsafe { self.raw() }, dice.mode()));
    }

    fn moved_while_held(self, dice: &mut Dice) -> Self {
        // SAFETY: it is unlocked below, with the state of this acquisition.
        let state = common::lock(unsafe { self.raw() }, dice.mode());
        let moved = Box::new(self);
        assert!(
            moved.try_write().is_none(),
            "a lock that was moved is not held any more"
        );
        // SAFETY: the acquisition above, and there is no guard.
        unsafe { common::unlock(moved.raw(), state) };
        *moved
    }
}

const TOKENS: usize = 2;

/// Tokens that are taken and put back: each taker waits until there is one.
pub struct Tokens {
    free: Mutex<usize>,
    returned: Condvar,
}

impl Stressed for Tokens {
    fn new() -> Self {
        Tokens {
            free: Mutex::new(TOKENS),
            returned: Condvar::new(),
        }
    }

    fn pass(&self, dice: &mut Dice) -> usize {
        let mut free = self.free.lock();
        if dice.below(2) == 0 {
            self.returned.wait_while(&mut free, |free| *free == 0);
        } else if self
            .returned
            .wait_while_for(&mut free, |free| *free == 0, dice.time_out())
            .timed_out()
        {
            assert_eq!(*free, 0, "a wait gives up only if its condition does not hold");
            return 0;
        }
        *free -= 1;
        drop(free);
        dice.dawdle();
        let mut free = self.free.lock();
        *free += 1;
        assert!(*free <= TOKENS, "a token was put back twice");
        // With the mutex held or without it.
        let held = (dice.below(2) == 0).then_some(free);
        if dice.below(4) == 0 {
            self.returned.notify_all();
        } else {
            self.returned.notify_one();
        }
        drop(held);
        0
    }

    fn check(&mut self, _: usize) {
        assert!(
            !self.free.is_locked() && !self.returned.notify_one(),
            "no thread uses it"
        );
        assert_eq!(*self.free.get_mut(), TOKENS);
    }

    fn is_held(&self) -> bool {
        self.free.is_locked()
    }

    fn hold_for_ever(&self, _: &mut Dice) {
        mem::forget(self.free.lock());
    }

    fn moved_while_held(self, _: &mut Dice) -> Self {
        // SAFETY: it is unlocked below, with the state of this acquisition.
        let state = unsafe { self.free.raw() }.lock();
        let moved = Box::new(self);
        assert!(
            moved.free.try_lock().is_none(),
            "a lock that was moved is not held any more"
        );
        // SAFETY: the acquisition above, and there is no guard.
        unsafe { moved.free.force_unlock(state) };
        *moved
    }
}
