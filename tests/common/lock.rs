//! What the tests of all locks share: what a critical section protects, and the ways in which a reader-writer lock is a
//! mutex.
#![allow(dead_code, reason = "each test binary uses its own part")]

use std::mem;

use lock_api::{RawRwLock, RawRwLockUpgrade};

/// A raw mutex that threads can share.
pub trait Raw: lock_api::RawMutex<Guard: 'static> + Send + Sync + 'static {}
impl<R: lock_api::RawMutex<Guard: 'static> + Send + Sync + 'static> Raw for R {}

/// One whose guard may travel.
pub trait Traveller: Raw + lock_api::RawMutex<Guard: Send + Sync + 'static> {}
impl<R: Raw + lock_api::RawMutex<Guard: Send + Sync + 'static>> Traveller for R {}

/// The writers of a reader-writer lock, as a mutex.
pub struct Writer<R>(R);

impl<R: RawRwLock> Writer<R> {
    /// An unlocked one.
    pub const fn new() -> Self {
        Writer(R::INIT)
    }
}

// SAFETY: each operation is the writer's of the lock inside, under the same contract.
unsafe impl<R: RawRwLock> lock_api::RawMutex for Writer<R> {
    const INIT: Self = Self::new();

    type Guard = R::ExclusiveGuard;

    fn lock(&self) -> R::ExclusiveGuard {
        self.0.lock_exclusive()
    }

    fn try_lock(&self) -> Option<R::ExclusiveGuard> {
        self.0.try_lock_exclusive()
    }

    unsafe fn unlock(&self, guard: R::ExclusiveGuard) {
        // SAFETY: the caller's promise.
        unsafe { self.0.unlock_exclusive(guard) }
    }

    fn is_locked(&self) -> bool {
        self.0.is_locked()
    }
}

/// The upgradable readers of a reader-writer lock that become writers, as a mutex.
pub struct Upgraded<R>(R);

impl<R: RawRwLock> Upgraded<R> {
    /// An unlocked one.
    pub const fn new() -> Self {
        Upgraded(R::INIT)
    }
}

// SAFETY: the thread that gets in is the lock's writer, by way of its one upgradable reader.
unsafe impl<R: RawRwLockUpgrade> lock_api::RawMutex for Upgraded<R> {
    const INIT: Self = Self::new();

    type Guard = R::ExclusiveGuard;

    fn lock(&self) -> R::ExclusiveGuard {
        let guard = self.0.lock_upgradable();
        // SAFETY: `guard` is the upgradable acquisition just made.
        unsafe { self.0.upgrade(guard) }
    }

    fn try_lock(&self) -> Option<R::ExclusiveGuard> {
        let guard = self.0.try_lock_upgradable()?;
        // SAFETY: `guard` is the upgradable acquisition just made; no thread reads beside it in these tests, so it is
        // not left behind.
        match unsafe { self.0.try_upgrade(guard) } {
            Ok(guard) => Some(guard),
            Err(_) => panic!("an upgrade beside no reader succeeds"),
        }
    }

    unsafe fn unlock(&self, guard: R::ExclusiveGuard) {
        // SAFETY: the caller's promise.
        unsafe { self.0.unlock_exclusive(guard) }
    }

    fn is_locked(&self) -> bool {
        self.0.is_locked()
    }
}

/// What a critical section protects: plain memory that shows when two are inside.
#[derive(Default)]
pub struct Section {
    inside: bool,
    /// How often it has been passed.
    pub acquisitions: usize,
}

impl Section {
    /// Passes it, and panics if another thread is inside.
    pub fn pass(&mut self) {
        assert!(!mem::replace(&mut self.inside, true), "two threads hold the lock");
        self.acquisitions = std::hint::black_box(self.acquisitions) + 1;
        self.inside = false;
    }
}
