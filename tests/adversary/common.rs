//! What several files need of locks: the modes of a reader-writer lock, and whether its readers write to it.

use std::ptr;

use lock_api::{RawRwLock, RawRwLockUpgrade};

/// How a thread holds a reader-writer lock.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Mode {
    Read,
    Upgradable,
    Write,
}

impl Mode {
    pub const ALL: [Mode; 3] = [Mode::Read, Mode::Upgradable, Mode::Write];
}

/// An acquisition in one of the modes.
pub enum Held<R: RawRwLockUpgrade> {
    Read(R::SharedGuard),
    Upgradable(R::UpgradableGuard),
    Write(R::ExclusiveGuard),
}

/// Acquires `lock`.
pub fn lock<R: RawRwLockUpgrade>(lock: &R, mode: Mode) -> Held<R> {
    match mode {
        Mode::Read => Held::Read(lock.lock_shared()),
        Mode::Upgradable => Held::Upgradable(lock.lock_upgradable()),
        Mode::Write => Held::Write(lock.lock_exclusive()),
    }
}

/// Tries to.
pub fn try_lock<R: RawRwLockUpgrade>(lock: &R, mode: Mode) -> Option<Held<R>> {
    match mode {
        Mode::Read => lock.try_lock_shared().map(Held::Read),
        Mode::Upgradable => lock.try_lock_upgradable().map(Held::Upgradable),
        Mode::Write => lock.try_lock_exclusive().map(Held::Write),
    }
}

/// Releases what [`lock`] or [`try_lock`] has acquired.
///
/// # Safety
///
/// `held` is an acquisition of `lock`.
pub unsafe fn unlock<R: RawRwLockUpgrade>(lock: &R, held: Held<R>) {
    // SAFETY: the caller's promise, all three.
    unsafe {
        match held {
            Held::Read(guard) => lock.unlock_shared(guard),
            Held::Upgradable(guard) => lock.unlock_upgradable(guard),
            Held::Write(guard) => lock.unlock_exclusive(guard),
        }
    }
}

/// Reads once.
pub fn read<R: RawRwLock>(lock: &R) {
    let guard = lock.lock_shared();
    // SAFETY: the acquisition just made.
    unsafe { lock.unlock_shared(guard) };
}

/// Writes once.
pub fn write<R: RawRwLock>(lock: &R) {
    let guard = lock.lock_exclusive();
    // SAFETY: the acquisition just made.
    unsafe { lock.unlock_exclusive(guard) };
}

/// Whether a reader leaves the memory of `lock` as it is. No other thread uses it meanwhile.
///
/// The majority of some tries decides: a read may change the lock for another reason, as a sample of what is read.
pub fn is_read_mostly<R: RawRwLock>(lock: &R) -> bool {
    let unchanged = (0..9).filter(|_| {
        let before = bytes(lock);
        let guard = lock.lock_shared();
        let during = bytes(lock);
        // SAFETY: the acquisition just made.
        unsafe { lock.unlock_shared(guard) };
        before == during
    });
    unchanged.count() > 4
}

/// Reads `lock` until it is read-mostly, and some more; no other thread uses it meanwhile.
pub fn make_read_mostly<R: RawRwLock>(lock: &R) {
    const READS: usize = 20_000;
    let is_it = (0..500).any(|_| {
        (0..READS).for_each(|_| read(lock));
        is_read_mostly(lock)
    });
    assert!(is_it, "{} reads and no write do not make it read-mostly", 500 * READS);
    (0..2 * READS).for_each(|_| read(lock));
}

fn bytes<T>(value: &T) -> Vec<u8> {
    let first = ptr::from_ref(value).cast::<u8>();
    // SAFETY: inside the value; the locks here are made of atomics, without padding, and no other thread uses this one.
    (0..size_of::<T>())
        .map(|offset| unsafe { first.add(offset).read_volatile() })
        .collect()
}
