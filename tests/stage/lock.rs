//! What the tests of all locks share: what a section protects, and the ways in which a reader-writer lock is a mutex.
#![allow(dead_code, reason = "each test binary uses its own part")]

use std::mem::{self, MaybeUninit};
use std::sync::Barrier;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use lock_api::{RawRwLock, RawRwLockUpgrade};

use crate::stage::times;

/// A raw mutex whose guard may travel, and which threads can share.
pub trait Raw: lock_api::RawMutex<Guard: Send + Sync + 'static> + Send + Sync + 'static {}
impl<R: lock_api::RawMutex<Guard: Send + Sync + 'static> + Send + Sync + 'static> Raw for R {}

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

// SAFETY: whoever gets in is the lock's writer, by way of its one upgradable reader.
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
        // SAFETY: `guard` is the upgradable acquisition just made; nobody reads beside it in these tests, so it is not
        // left behind.
        match unsafe { self.0.try_upgrade(guard) } {
            Ok(guard) => Some(guard),
            Err(_) => panic!("an upgrade that nobody reads beside succeeds"),
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
    pub passages: usize,
}

impl Section {
    /// Passes it, and panics if somebody else is inside.
    pub fn pass(&mut self) {
        assert!(!mem::replace(&mut self.inside, true), "two threads hold the lock");
        self.passages = std::hint::black_box(self.passages) + 1;
        self.inside = false;
    }
}

/// Memory of a value that is gone: `leave` is the last to use the value in one thread, and `follow`, in another, returns
/// when `leave` has let go. From then on, not a byte of where the value was may change.
///
/// `leave` takes a pointer, since a reference that is an argument promises that the value outlives the call.
pub fn nothing_is_touched_after<L: Sync>(
    new: impl Fn() -> L,
    leave: fn(*const L, &AtomicBool),
    follow: fn(&L, &AtomicBool),
) {
    const GONE: u8 = 0xA5;
    struct Place<L>(*mut MaybeUninit<L>);
    // SAFETY: each thread uses the place as the protocol below says.
    unsafe impl<L: Sync> Sync for Place<L> {}

    let rounds = times(4000, 12);
    let mut memory = MaybeUninit::uninit();
    let place = Place(&raw mut memory);
    let place = &place;
    let inside = AtomicBool::new(false);
    let gate = Barrier::new(2);
    thread::scope(|scope| {
        scope.spawn(|| {
            for _ in 0..rounds {
                gate.wait();
                leave(place.0.cast(), &inside);
                gate.wait();
            }
        });
        for _ in 0..rounds {
            inside.store(false, Ordering::Relaxed);
            // SAFETY: the other thread waits at the gate.
            unsafe { place.0.write(MaybeUninit::new(new())) };
            gate.wait();
            // SAFETY: made above; this thread drops it below. Nobody else refers to it once `follow` has returned, save
            // a `leave` that is still on its way out and must touch nothing.
            unsafe {
                follow((*place.0).assume_init_ref(), &inside);
                place.0.cast::<L>().drop_in_place();
                place.0.cast::<u8>().write_bytes(GONE, size_of::<L>());
            }
            gate.wait();
            // SAFETY: initialised above, byte by byte.
            let bytes = unsafe { std::slice::from_raw_parts(place.0.cast::<u8>(), size_of::<L>()) };
            assert!(
                bytes.iter().all(|&byte| byte == GONE),
                "touched after the last instant: {bytes:x?}"
            );
        }
    });
}
