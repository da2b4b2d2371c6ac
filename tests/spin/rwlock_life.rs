//! What any lock does, for the reader-writer lock: it survives panics and forgotten guards, and fits where it should.

use super::rwlock::{ANYBODY, NOBODY, PLAIN_READERS, READERS_OF_BOTH_KINDS, admits};
use super::*;

#[test]
fn a_free_lock_is_never_refused() {
    let lock = RwLock::new(0);
    for _ in 0..times(5000, 100) {
        assert_eq!(admits(&lock), ANYBODY);
        let upgradable = lock.upgradable_read();
        assert!(RwLockUpgradableReadGuard::try_upgrade(upgradable).is_ok());
    }
}

/// Readers change one word, each by a compare-exchange; that another was faster is no reason to refuse.
#[test]
fn readers_never_refuse_each_other() {
    let _watchdog = watchdog();
    let lock = RwLock::new(0);
    on_threads(4, |_| {
        for _ in 0..times(5000, 50) {
            assert!(lock.try_read().is_some());
        }
    });
    assert_eq!(admits(&lock), ANYBODY);
}

#[test]
fn a_panic_releases_it() {
    let lock = RwLock::new(0);
    let dies: [&dyn Fn(); 4] = [
        &|| {
            let _reader = lock.read();
            die();
        },
        &|| {
            let _upgradable = lock.upgradable_read();
            die();
        },
        &|| {
            *lock.write() = 1;
            let _writer = RwLockUpgradableReadGuard::upgrade(lock.upgradable_read());
            die();
        },
        &|| {
            let _ = RwLockReadGuard::map(lock.read(), |_| -> &i32 { die() });
        },
    ];
    for die in dies {
        assert!(catch_unwind(AssertUnwindSafe(die)).is_err());
        assert_eq!(admits(&lock), ANYBODY);
    }
    assert_eq!(lock.into_inner(), 1);
}

#[test]
fn a_thread_that_dies_releases_it() {
    let _watchdog = watchdog();
    let lock = RwLock::new(0);
    thread::scope(|scope| {
        let reader = scope.spawn(|| {
            let _reader = lock.read();
            die();
        });
        let writer = scope.spawn(|| {
            *lock.write() += 1;
            let _writer = lock.write();
            die();
        });
        assert!(reader.join().is_err() && writer.join().is_err());
    });
    assert_eq!(admits(&lock), ANYBODY);
    assert_eq!(lock.into_inner(), 1);
}

#[test]
fn forgetting_a_guard_leaves_its_mark_and_nothing_worse() {
    let drops = Drops::default();
    let lock = RwLock::new(drops.counted());
    mem::forget(lock.read());
    assert_eq!(admits(&lock), READERS_OF_BOTH_KINDS);
    mem::forget(lock.upgradable_read());
    assert_eq!(admits(&lock), PLAIN_READERS);
    drop(lock);
    assert_eq!(drops.count(), 1);
    let lock = RwLock::new(drops.counted());
    mem::forget(lock.write());
    assert_eq!(admits(&lock), NOBODY);
    drop(lock.into_inner());
    assert_eq!(drops.count(), 2);
}

#[test]
fn guards_may_be_dropped_on_another_thread() {
    let _watchdog = watchdog();
    fn send(guard: impl Send) {
        thread::scope(|scope| {
            scope.spawn(move || drop(guard));
        });
    }
    let lock = RwLock::new([0, 0]);
    send(lock.read());
    send(lock.upgradable_read());
    send(lock.write());
    send(RwLockReadGuard::map(lock.read(), |pair| &pair[0]));
    send(RwLockWriteGuard::map(lock.write(), |pair| &mut pair[0]));
    assert_eq!(admits(&lock), ANYBODY);
}

#[test]
fn mapped_guards_hold_it() {
    let lock = RwLock::new((1, 2));
    {
        let first = RwLockReadGuard::map(lock.read(), |pair| &pair.0);
        assert_eq!((*first, admits(&lock)), (1, READERS_OF_BOTH_KINDS));
    }
    {
        let mut second = RwLockWriteGuard::map(lock.write(), |pair| &mut pair.1);
        *second += 1;
        assert_eq!(admits(&lock), NOBODY);
    }
    assert_eq!(admits(&lock), ANYBODY);
    assert_eq!(lock.into_inner(), (1, 3));
}

#[test]
fn debug_shows_the_value_or_that_it_is_locked() {
    fn shown(lock: &impl Debug) -> String {
        format!("{lock:?}")
    }
    let lock = RwLock::new(7);
    assert_eq!(shown(&lock), "RwLock { data: 7 }");
    let reader = lock.read();
    assert_eq!(
        (shown(&lock), shown(&reader)),
        ("RwLock { data: 7 }".into(), "7".into())
    );
    drop(reader);
    let upgradable = lock.upgradable_read();
    assert_eq!(
        (shown(&lock), shown(&upgradable)),
        ("RwLock { data: 7 }".into(), "7".into())
    );
    drop(upgradable);
    let writer = lock.write();
    assert_eq!(
        (shown(&lock), shown(&writer)),
        ("RwLock { data: <locked> }".into(), "7".into())
    );
    drop(writer);
    assert_eq!(admits(&lock), ANYBODY);
}

#[test]
fn it_is_made_and_unmade_like_a_mutex() {
    static STATIC: RwLock<u64> = RwLock::new(0);
    on_threads(4, |_| *STATIC.write() += 1);
    assert_eq!(*STATIC.read(), 4);
    static RAW: RwLock<u8> = RwLock::from_raw(RawRwLock::new(), 7);
    assert_eq!(*RAW.read(), 7);
    assert_eq!(admits(&RwLock::<u8>::default()), ANYBODY);
    let mut lock = RwLock::from(vec![1]);
    lock.get_mut().push(2);
    mem::forget(lock.write());
    lock.get_mut().push(3);
    assert_eq!(lock.into_inner(), [1, 2, 3]);

    let lock = RwLock::new([1, 2, 3]);
    let slice: &RwLock<[i32]> = &lock;
    slice.write()[0] = 4;
    assert_eq!(slice.read().iter().sum::<i32>(), 9);
    let dynamic: &RwLock<dyn Debug> = &lock;
    assert_eq!(format!("{:?}", &*dynamic.read()), "[4, 2, 3]");

    let drops = Drops::default();
    let locks: Vec<_> = (0..times(5000, 50)).map(|_| RwLock::new(drops.counted())).collect();
    let readers: Vec<_> = locks.iter().map(RwLock::read).collect();
    assert!(locks.iter().all(|lock| lock.try_write().is_none()));
    drop(readers);
    drop(locks);
    assert_eq!(drops.count(), times(5000, 50));
}

#[test]
fn thread_local_destructors_may_lock() {
    let _watchdog = watchdog();
    static LOCK: RwLock<u32> = RwLock::new(0);
    let thread = thread::spawn(|| {
        at_thread_exit(|| {
            let seen = *LOCK.read();
            *LOCK.write() = seen + 1;
        });
        *LOCK.write() += 1;
    });
    thread.join().expect("it only adds");
    assert_eq!(*LOCK.read(), 2);
}

#[test]
fn unlock_touches_nothing_after_the_last_instant() {
    let _watchdog = watchdog();
    fn follow(lock: &RwLock<u32>, inside: &AtomicBool) {
        await_that(|| inside.load(Ordering::Acquire));
        drop(lock.write());
    }
    let new = || RwLock::new(0);
    nothing_is_touched_after(
        new,
        |lock, inside| {
            // SAFETY: it lives until this has let go.
            let _reader = unsafe { &*lock }.read();
            inside.store(true, Ordering::Release);
        },
        follow,
    );
    nothing_is_touched_after(
        new,
        |lock, inside| {
            // SAFETY: it lives until this has let go.
            let _upgradable = unsafe { &*lock }.upgradable_read();
            inside.store(true, Ordering::Release);
        },
        follow,
    );
    nothing_is_touched_after(
        new,
        |lock, inside| {
            // SAFETY: it lives until this has let go.
            let upgradable = unsafe { &*lock }.upgradable_read();
            inside.store(true, Ordering::Release);
            let _writer = RwLockUpgradableReadGuard::upgrade(upgradable);
        },
        |lock, inside| {
            await_that(|| inside.load(Ordering::Acquire));
            drop(lock.upgradable_read());
            drop(lock.write());
        },
    );
}
