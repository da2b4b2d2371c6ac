//! The child of a fork: its thread has another number than its parent's, to which the kernel holds it.

use std::sync::Barrier;
use std::sync::atomic::{AtomicI32, Ordering::SeqCst};
use std::thread;

use linchpin::futex::{PiError, PiMutex};

use crate::common::watchdog;
use crate::{A_WHILE, while_held};

/// Makes a child process that runs `check` and ends, with success if that is true there. A child that hangs is killed.
///
/// After a fork of a process with many threads only what is safe in a signal handler may be done, and what the C
/// library provides for: it may allocate, and make threads, which is more than POSIX asks for.
fn child(check: impl FnOnce() -> bool) -> libc::pid_t {
    // SAFETY: the child only runs `check`, which keeps to the above, and ends without running any destructor.
    let child = unsafe { libc::fork() };
    if child == 0 {
        // SAFETY: sets a timer of the child, whose signal ends it.
        unsafe { libc::alarm(50) };
        let code = if check() { 0 } else { 1 };
        // SAFETY: ends the child, at once.
        unsafe { libc::_exit(code) };
    }
    assert!(child > 0, "no child was made");
    child
}

/// Asserts that the child has found it as it expected.
fn succeeds(child: libc::pid_t) {
    let mut status = 0;
    // SAFETY: it is a child of this process, and `status` is a place for the answer.
    let ended = unsafe { libc::waitpid(child, &raw mut status, 0) };
    assert_eq!(
        (ended, status),
        (child, 0),
        "the child has found it otherwise, or was killed"
    );
}

pub fn in_a_child(check: impl FnOnce() -> bool) {
    succeeds(child(check));
}

/// Whether another thread finds `mutex` locked, and not by a dead one.
fn is_held_for_others(mutex: &PiMutex<i32>) -> bool {
    on_a_bare_thread(&|| {
        matches!(mutex.try_lock(), Err(PiError::WouldBlock))
            && matches!(mutex.try_lock_for(A_WHILE), Err(PiError::TimedOut))
    })
}

/// Runs `check` on another thread, which is made past `std`: in the child of a fork a lock of `std`'s own may be held by no thread.
fn on_a_bare_thread(check: &(dyn Fn() -> bool + Sync)) -> bool {
    extern "C" fn run(check: *mut libc::c_void) -> *mut libc::c_void {
        // SAFETY: what is passed below, which outlives this thread.
        let check = unsafe { *check.cast::<&(dyn Fn() -> bool + Sync)>() };
        std::ptr::without_provenance_mut(usize::from(check()))
    }
    let (mut thread, mut check, mut answer) = (0, check, std::ptr::null_mut());
    // SAFETY: `run` gets what it expects, and the thread is joined before that is gone.
    unsafe {
        let made = libc::pthread_create(&raw mut thread, std::ptr::null(), run, (&raw mut check).cast());
        assert_eq!(made, 0, "no thread was made");
        assert_eq!(libc::pthread_join(thread, &raw mut answer), 0);
    }
    !answer.is_null()
}

#[test]
fn a_child_locks_in_its_own_name() {
    let _watchdog = watchdog();
    let mutex = PiMutex::new(0);
    // So that this thread knows its number.
    drop(mutex.lock().expect("it is free"));
    in_a_child(|| {
        // Held in the name of the parent, its unlock would be refused: the kernel knows whose name that is.
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

fn number() -> libc::pid_t {
    // SAFETY: no memory is touched.
    unsafe { libc::syscall(libc::SYS_gettid) as libc::pid_t }
}

/// Whether no thread of `process` has the number any more.
fn is_gone(process: libc::pid_t, number: libc::pid_t) -> bool {
    // SAFETY: signal 0 only asks.
    let answer = unsafe { libc::syscall(libc::SYS_tgkill, process, number, 0) };
    answer == -1 && std::io::Error::last_os_error().raw_os_error() == Some(libc::ESRCH)
}

/// The guard has come along. In the parent, its thread ends, so that no thread has the number in the word.
#[test]
fn what_the_child_holds_is_held_when_its_parent_has_ended() {
    let _watchdog = watchdog();
    let mutex = PiMutex::new(0);
    let parent = std::process::id() as libc::pid_t;
    let made = AtomicI32::new(0);
    thread::scope(|scope| {
        scope.spawn(|| {
            let mut guard = Some(mutex.lock().expect("it is free"));
            let me = number();
            let process = child(|| {
                while !is_gone(parent, me) {
                    thread::yield_now();
                }
                let held = is_held_for_others(&mutex);
                let twice = matches!(mutex.lock(), Err(PiError::Deadlock));
                drop(guard.take());
                let free = thread::scope(|scope| scope.spawn(|| mutex.lock().is_ok()).join().is_ok_and(|free| free));
                held && twice && free && !is_held_for_others(&mutex)
            });
            made.store(process, SeqCst);
        });
    });
    succeeds(made.into_inner());
}

/// The same with a thread that waits, and a parent that lives.
#[test]
fn the_others_wait_for_what_the_child_holds() {
    let _watchdog = watchdog();
    let mutex = PiMutex::new(0);
    let mut guard = Some(mutex.lock().expect("it is free"));
    in_a_child(|| {
        thread::scope(|scope| {
            let waiter = scope.spawn(|| mutex.lock().map(|mut value| *value += 1).is_ok());
            thread::sleep(A_WHILE);
            if let Some(guard) = guard.as_mut() {
                **guard += 10;
            }
            drop(guard.take());
            waiter.join().is_ok_and(|locked| locked)
        }) && mutex.lock().is_ok_and(|value| *value == 11)
    });
    drop(guard);
}

/// A guard comes along twice, and one of the child once.
#[test]
fn a_grandchild_holds_what_its_thread_held() {
    let _watchdog = watchdog();
    let (old, new) = (PiMutex::new(0), PiMutex::new(0));
    let mut first = Some(old.lock().expect("it is free"));
    in_a_child(|| {
        let Ok(second) = new.lock() else { return false };
        let mut second = Some(second);
        let process = child(|| {
            let held = is_held_for_others(&old) && is_held_for_others(&new);
            drop((first.take(), second.take()));
            held && old.try_lock().is_ok() && new.try_lock().is_ok()
        });
        let mut status = 0;
        // SAFETY: it is a child of this process, and `status` is a place for the answer.
        let ended = unsafe { libc::waitpid(process, &raw mut status, 0) };
        (ended, status) == (process, 0) && is_held_for_others(&new)
    });
    drop(first);
}

/// Beyond eight generations it is no longer told which numbers a thread has had; then nothing is taken for dead.
#[test]
fn too_many_generations_cost_the_finding_of_the_dead_only() {
    fn generation(mutex: &PiMutex<i32>, more: u32) -> bool {
        if more == 0 {
            return thread::scope(|scope| {
                let other = scope.spawn(|| matches!(mutex.try_lock(), Err(PiError::Refused { errno: libc::ESRCH })));
                other.join().is_ok_and(|refused| refused)
            });
        }
        let process = child(|| generation(mutex, more - 1));
        let mut status = 0;
        // SAFETY: it is a child of this process, and `status` is a place for the answer.
        let ended = unsafe { libc::waitpid(process, &raw mut status, 0) };
        (ended, status) == (process, 0)
    }
    let _watchdog = watchdog();
    let mutex = PiMutex::new(0);
    while_held(&mutex, || {
        // So that this thread has a number.
        drop(PiMutex::new(()).lock().expect("it is free"));
        assert!(generation(&mutex, 9));
    });
}

/// Another thread of the parent holds it, which the child does not have.
#[test]
fn a_child_is_told_that_the_holder_did_not_come_along() {
    let _watchdog = watchdog();
    let mutex = PiMutex::new(0);
    while_held(&mutex, || {
        in_a_child(|| {
            // The first two may wait; a thread of another process would be waited for in vain.
            matches!(mutex.lock(), Err(PiError::OwnerDied(_)))
                && matches!(mutex.try_lock_for(A_WHILE), Err(PiError::OwnerDied(_)))
                && matches!(mutex.try_lock(), Err(PiError::OwnerDied(_)))
        });
        assert!(matches!(mutex.try_lock(), Err(PiError::WouldBlock)));
    });
    drop(mutex.try_lock().expect("it is free, and here no owner has died"));
}

/// Children are made while threads register, lock, and end with the lock: each child can use what it finds.
#[test]
fn forks_meet_threads_that_die() {
    let _watchdog = watchdog();
    let mutex = PiMutex::new(0);
    let begun = Barrier::new(3);
    thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                begun.wait();
                for _ in 0..200 {
                    thread::scope(|scope| {
                        scope.spawn(|| match mutex.lock() {
                            Ok(guard) | Err(PiError::OwnerDied(guard)) => std::mem::forget(guard),
                            Err(error) => panic!("{error}"),
                        });
                    });
                }
            });
        }
        begun.wait();
        for _ in 0..50 {
            in_a_child(|| {
                let locked = matches!(mutex.lock(), Ok(_) | Err(PiError::OwnerDied(_)));
                let again = on_a_bare_thread(&|| matches!(mutex.lock(), Ok(_) | Err(PiError::OwnerDied(_))));
                locked && again
            });
        }
    });
}
