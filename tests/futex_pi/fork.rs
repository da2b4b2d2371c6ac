//! The child of a fork: its thread has another number than its parent's, to which the kernel holds it.

use linchpin::futex::{PiError, PiMutex};

use crate::stage::watchdog;

/// Runs `check` in a child process, and asserts that it is true there.
///
/// After a fork of a process with many threads only what is safe in a signal handler may be done: `check` locks no lock
/// of the C library, and allocates nothing.
fn in_a_child(check: impl FnOnce() -> bool) {
    // SAFETY: the child only runs `check`, which keeps to the above, and ends without running any destructor.
    let child = unsafe { libc::fork() };
    if child == 0 {
        let code = if check() { 0 } else { 1 };
        // SAFETY: ends the child, at once.
        unsafe { libc::_exit(code) };
    }
    assert!(child > 0, "no child was made");
    let mut status = 0;
    // SAFETY: it is a child of this process, and `status` is a place for the answer.
    let ended = unsafe { libc::waitpid(child, &raw mut status, 0) };
    assert_eq!(
        (ended, status),
        (child, 0),
        "the child has found it otherwise, or was killed"
    );
}

#[test]
fn a_child_locks_in_its_own_name() {
    let _watchdog = watchdog();
    let mutex = PiMutex::new(0);
    // So that this thread knows its number.
    drop(mutex.lock().expect("it is free"));
    in_a_child(|| {
        // Held in the name of the parent, it would be unlocked for nobody: the kernel knows whose name that is.
        let Ok(mut guard) = mutex.lock() else { return false };
        *guard = 1;
        let twice = matches!(mutex.lock(), Err(PiError::Deadlock));
        drop(guard);
        twice && mutex.try_lock().is_ok_and(|value| *value == 1)
    });
    assert_eq!(*mutex.lock().expect("the child had a copy"), 0);
}

#[test]
fn a_child_unlocks_what_its_thread_held() {
    let _watchdog = watchdog();
    let mutex = PiMutex::new(0);
    for awaited in [false, true] {
        let mut guard = Some(mutex.lock().expect("it is free"));
        if awaited {
            std::thread::scope(|scope| {
                scope.spawn(|| assert!(matches!(mutex.try_lock(), Err(PiError::WouldBlock))));
            });
        }
        in_a_child(|| {
            drop(guard.take());
            mutex.try_lock().is_ok()
        });
        drop(guard);
    }
    drop(mutex.try_lock().expect("it is free here too"));
}
