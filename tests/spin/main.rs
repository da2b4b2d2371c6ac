//! The spin locks under native threads: one body for each behaviour, one line for each lock.
//!
//! Nothing here asserts a time. A test that would hang is ended by a watchdog.

mod exclusion;
mod rwlock;
mod rwlock_life;
#[path = "../stage/mod.rs"]
mod stage;

use std::any::Any;
use std::fmt::Debug;
use std::mem::{self, MaybeUninit};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Barrier};
use std::thread;

use linchpin::spin::{RawMutex, RawRwLock, RawTasMutex, RawTicketMutex};
use linchpin::wait::Spin;
use lock_api::{GuardSend, RawRwLock as _, RawRwLockUpgrade as _};
use stage::{CROWDS, Drops, at_thread_exit, await_that, crowd, die, times, watchdog};

/// The locks that exclude: the three mutexes, and both ways in which a reader-writer lock makes a writer.
macro_rules! mutexes {
    ($($name:ident: $raw:ty;)*) => {$(
        mod $name {
            use super::*;

            behaviours! { exclusion, $raw:
                nothing_is_lost_and_nobody_overlaps,
                eight_threads_on_one_cpu_make_progress,
                try_lock_fails_while_it_is_held_and_only_then,
                a_free_lock_is_never_refused,
                tries_that_succeed_exclude,
                a_panic_releases_it,
                a_thread_that_dies_releases_it,
                a_panic_in_map_releases_it,
                into_inner_returns_the_value,
                get_mut_needs_no_lock,
                unsized_values_work,
                forgetting_a_guard_leaves_it_locked_and_nothing_worse,
                a_value_is_dropped_once,
                debug_shows_the_value_or_that_it_is_locked,
                default_and_from_make_it_unlocked,
                a_guard_may_be_dropped_on_another_thread,
                a_mapped_guard_holds_it,
                a_leaked_guard_holds_it,
                unlocked_lets_others_in,
                thread_local_destructors_may_lock,
                unlock_touches_nothing_after_the_last_instant,
                thousands_at_once,
                two_locks_are_independent,
            }

            static STATIC: lock_api::Mutex<$raw, u64> = lock_api::Mutex::new(0);

            #[test]
            fn it_fits_in_a_static() {
                crowd(4, |_| *STATIC.lock() += 1);
                assert_eq!(*STATIC.lock(), 4);
            }

            #[test]
            fn from_raw_is_const() {
                static LOCK: lock_api::Mutex<$raw, u64> = lock_api::Mutex::from_raw(<$raw>::new(), 7);
                assert_eq!(*LOCK.lock(), 7);
            }
        }
    )*};
}

macro_rules! behaviours {
    ($module:ident, $raw:ty: $($behaviour:ident,)*) => {$(
        #[test]
        fn $behaviour() {
            let _watchdog = watchdog();
            $module::$behaviour::<$raw>();
        }
    )*};
}

mutexes! {
    mutex: RawMutex;
    tas_mutex: RawTasMutex;
    ticket_mutex: RawTicketMutex;
    rwlock_writer: Writer;
    rwlock_upgraded: Upgraded;
}

/// A raw mutex whose guard may travel, and which threads can share.
trait Raw: lock_api::RawMutex<Guard: Send + Sync + 'static> + Send + Sync + 'static {}
impl<R: lock_api::RawMutex<Guard: Send + Sync + 'static> + Send + Sync + 'static> Raw for R {}

/// The writers of a reader-writer lock, as a mutex.
struct Writer(RawRwLock);

impl Writer {
    const fn new() -> Self {
        Writer(RawRwLock::new())
    }
}

// SAFETY: each operation is the writer's of the lock inside, under the same contract.
unsafe impl lock_api::RawMutex for Writer {
    const INIT: Self = Writer(<RawRwLock as lock_api::RawRwLock>::INIT);

    type Guard = GuardSend;

    fn lock(&self) -> GuardSend {
        self.0.lock_exclusive()
    }

    fn try_lock(&self) -> Option<GuardSend> {
        self.0.try_lock_exclusive()
    }

    unsafe fn unlock(&self, guard: GuardSend) {
        // SAFETY: the caller's promise.
        unsafe { self.0.unlock_exclusive(guard) }
    }

    fn is_locked(&self) -> bool {
        self.0.is_locked()
    }
}

/// The upgradable readers of a reader-writer lock that become writers, as a mutex.
struct Upgraded(RawRwLock);

impl Upgraded {
    const fn new() -> Self {
        Upgraded(RawRwLock::new())
    }
}

// SAFETY: whoever gets in is the lock's writer, by way of its one upgradable reader.
unsafe impl lock_api::RawMutex for Upgraded {
    const INIT: Self = Upgraded(<RawRwLock as lock_api::RawRwLock>::INIT);

    type Guard = GuardSend;

    fn lock(&self) -> GuardSend {
        let guard = self.0.lock_upgradable();
        // SAFETY: `guard` is the upgradable acquisition just made.
        unsafe { self.0.upgrade(guard) }
    }

    fn try_lock(&self) -> Option<GuardSend> {
        let guard = self.0.try_lock_upgradable()?;
        // SAFETY: `guard` is the upgradable acquisition just made; nobody reads beside it in these tests, so it is not
        // left behind.
        match unsafe { self.0.try_upgrade(guard) } {
            Ok(guard) => Some(guard),
            Err(_) => panic!("an upgrade that nobody reads beside succeeds"),
        }
    }

    unsafe fn unlock(&self, guard: GuardSend) {
        // SAFETY: the caller's promise.
        unsafe { self.0.unlock_exclusive(guard) }
    }

    fn is_locked(&self) -> bool {
        self.0.is_locked()
    }
}

/// What a critical section protects: plain memory that shows when two are inside.
#[derive(Default)]
struct Section {
    inside: bool,
    passages: usize,
}

impl Section {
    fn pass(&mut self) {
        assert!(!mem::replace(&mut self.inside, true), "two threads hold the lock");
        self.passages = std::hint::black_box(self.passages) + 1;
        self.inside = false;
    }
}

/// Memory of a value that is gone: `leave` is the last to use the value in one thread, and `follow`, in another, returns
/// when `leave` has let go. From then on, not a byte of where the value was may change.
///
/// `leave` takes a pointer, since a reference that is an argument promises that the value outlives the call.
fn nothing_is_touched_after<L: Sync>(new: fn() -> L, leave: fn(*const L, &AtomicBool), follow: fn(&L, &AtomicBool)) {
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

/// The lock for places without a scheduler is named by its raw type, and does what the others do.
#[test]
fn a_mutex_that_only_spins_is_named_by_its_raw_lock() {
    let _watchdog = watchdog();
    fn add<R: Raw>() {
        static SPINS: lock_api::Mutex<RawMutex<Spin>, ()> = lock_api::Mutex::new(());
        assert!(SPINS.try_lock().is_some());
        let total = lock_api::Mutex::<R, _>::new(0);
        crowd(2, |_| (0..times(1000, 10)).for_each(|_| *total.lock() += 1));
        assert_eq!(total.into_inner(), 2 * times(1000, 10));
    }
    add::<RawMutex<Spin>>();
    add::<RawTasMutex<Spin>>();
    if cfg!(not(miri)) {
        add::<RawTicketMutex<Spin>>();
    }
}

/// What a migration from `spin` finds: the same names, with the same meaning.
#[test]
fn the_names_of_the_spin_crate_work() {
    let _watchdog = watchdog();
    macro_rules! program {
        ($krate:ident) => {{
            let mutex: $krate::Mutex<Vec<i32>> = $krate::Mutex::new(vec![1]);
            mutex.lock().push(2);
            let count = mutex.try_lock().map(|held| held.len());
            let rwlock: $krate::RwLock<i32> = $krate::RwLock::new(1);
            *rwlock.write() += 1;
            let read = *rwlock.read();
            (mutex.into_inner(), count, read, rwlock.into_inner())
        }};
    }
    use linchpin::spin as ours;
    let expected = (vec![1, 2], Some(2), 2, 2);
    assert_eq!(program!(ours), expected);
    assert_eq!(program!(spin), expected);
}
