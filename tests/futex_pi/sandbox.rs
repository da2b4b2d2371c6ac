//! What the kernel may refuse, error by error: a filter in a child process refuses in its place. And signals.
#![cfg(target_arch = "x86_64")]

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Barrier;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed};
use std::thread;
use std::time::{Duration, Instant};

use linchpin::futex::{PiError, PiMutex};

use crate::common::watchdog;
use crate::fork::in_a_child;
use crate::{A_WHILE, AN_HOUR, while_held};

const LOCK_PI: u32 = 6;
const UNLOCK_PI: u32 = 7;
const TRYLOCK_PI: u32 = 8;
const LOCK_PI2: u32 = 13;
const ALL: &[u32] = &[LOCK_PI, UNLOCK_PI, TRYLOCK_PI, LOCK_PI2];

/// From now on, these futex operations of this thread, and its `tgkill` if that is wanted, fail with `errno`.
fn refuse(operations: &[u32], tgkill: bool, errno: i32) {
    let statement = |code: u32, k: u32| libc::sock_filter {
        code: code as u16,
        jt: 0,
        jf: 0,
        k,
    };
    let load = |offset| statement(libc::BPF_LD | libc::BPF_W | libc::BPF_ABS, offset);
    let answer = |answer| statement(libc::BPF_RET | libc::BPF_K, answer);
    let fail = answer(libc::SECCOMP_RET_ERRNO | errno as u32);
    let unless = |value: i64, skip: u8| libc::sock_filter {
        code: (libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K) as u16,
        jt: 0,
        jf: skip,
        k: value as u32,
    };
    let mut filter = vec![load(0)];
    if tgkill {
        filter.extend([unless(libc::SYS_tgkill, 1), fail]);
    }
    filter.extend([unless(libc::SYS_futex, 1 + 1 + 2 * operations.len() as u8)]);
    // The lower half of the second argument, without the flags.
    filter.extend([load(24), statement(libc::BPF_ALU | libc::BPF_AND | libc::BPF_K, 127)]);
    for &operation in operations {
        filter.extend([unless(operation.into(), 1), fail]);
    }
    filter.push(answer(libc::SECCOMP_RET_ALLOW));
    let program = libc::sock_fprog {
        len: filter.len() as u16,
        filter: filter.as_mut_ptr(),
    };
    // SAFETY: the program lives, and the kernel copies it.
    let set = unsafe {
        libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0
            && libc::prctl(libc::PR_SET_SECCOMP, libc::SECCOMP_MODE_FILTER, &raw const program) == 0
    };
    assert!(set, "this kernel has filters: {}", std::io::Error::last_os_error());
}

/// Runs `check` on the only thread of a child that refuses, while another thread of the child holds the mutex.
fn while_held_in_a_sandbox(operations: &[u32], tgkill: bool, errno: i32, check: impl FnOnce(&PiMutex<i32>) -> bool) {
    let _watchdog = watchdog();
    in_a_child(|| {
        let mutex = PiMutex::new(0);
        let mut checked = false;
        while_held(&mutex, || {
            refuse(operations, tgkill, errno);
            checked = check(&mutex);
        });
        checked
    });
}

fn is_refused<T>(outcome: Result<T, PiError<T>>, expected: i32) -> bool {
    matches!(outcome, Err(PiError::Refused { errno }) if errno == expected)
}

#[test]
fn a_lock_that_would_wait_is_refused_and_says_why() {
    for errno in [libc::ENOSYS, libc::EPERM, libc::ENOMEM, libc::EACCES] {
        while_held_in_a_sandbox(ALL, false, errno, |mutex| {
            let free = PiMutex::new(0);
            is_refused(mutex.lock(), errno)
                && is_refused(mutex.try_lock_for(AN_HOUR), errno)
                && matches!(mutex.try_lock(), Err(PiError::WouldBlock))
                // What is free needs no kernel.
                && (0..3).all(|_| free.lock().is_ok() && free.try_lock().is_ok() && free.try_lock_for(A_WHILE).is_ok())
        });
    }
}

#[test]
fn a_state_that_stays_invalid_is_believed_after_a_while_or_at_the_deadline() {
    while_held_in_a_sandbox(ALL, false, libc::EINVAL, |mutex| {
        let timed_out = matches!(mutex.try_lock_for(A_WHILE), Err(PiError::TimedOut));
        let start = Instant::now();
        timed_out && is_refused(mutex.lock(), libc::EINVAL) && start.elapsed() >= Duration::from_secs(1)
    });
}

/// Linux before 5.14.
#[test]
fn without_the_newer_call_the_older_one_is_used() {
    while_held_in_a_sandbox(&[LOCK_PI2], false, libc::ENOSYS, |mutex| {
        (0..3).all(|_| {
            let start = Instant::now();
            matches!(mutex.try_lock_for(A_WHILE), Err(PiError::TimedOut)) && start.elapsed() >= A_WHILE
        })
    });
}

#[test]
fn a_circle_that_only_the_kernel_sees_is_reported() {
    while_held_in_a_sandbox(ALL, false, libc::EDEADLK, |mutex| {
        matches!(mutex.lock(), Err(PiError::Deadlock)) && matches!(mutex.try_lock_for(AN_HOUR), Err(PiError::Deadlock))
    });
}

/// The kernel says, again and again, that a living owner is gone; it is not believed.
#[test]
fn an_owner_that_lives_is_not_replaced_whatever_the_kernel_says() {
    while_held_in_a_sandbox(&[LOCK_PI, LOCK_PI2], false, libc::ESRCH, |mutex| {
        thread::scope(|scope| {
            // It asks for ever, and ends with this process.
            scope.spawn(|| _ = mutex.lock());
            thread::sleep(A_WHILE);
            let held = matches!(mutex.try_lock(), Err(PiError::WouldBlock));
            // SAFETY: ends this child, at once.
            unsafe { libc::_exit(if held { 0 } else { 1 }) };
        })
    });
}

#[test]
fn without_tgkill_the_kernels_own_word_finds_the_dead() {
    let _watchdog = watchdog();
    for errno in [libc::ENOSYS, libc::EPERM] {
        in_a_child(|| {
            refuse(&[], true, errno);
            let mutex = PiMutex::new(0);
            let dies = || {
                // The scope would only wait for the end of the closure.
                thread::scope(|scope| _ = scope.spawn(|| std::mem::forget(mutex.lock())).join());
            };
            dies();
            let by_lock = matches!(mutex.lock(), Err(PiError::OwnerDied(_)));
            dies();
            let by_try = matches!(mutex.try_lock(), Err(PiError::OwnerDied(_)));
            by_lock && by_try
        });
    }
}

/// Set up while it is held and awaited: there is no way to unlock it. That is said, and the waiter gets it in the end.
#[test]
fn an_unlock_that_is_refused_panics_and_says_what_to_permit() {
    let _watchdog = watchdog();
    for errno in [libc::ENOSYS, libc::EPERM] {
        in_a_child(|| {
            std::panic::set_hook(Box::new(|_| {}));
            let mutex = PiMutex::new(0);
            let (waits, held) = (AtomicBool::new(false), Barrier::new(2));
            thread::scope(|scope| {
                let holder = scope.spawn(|| {
                    let guard = mutex.lock();
                    held.wait();
                    while !waits.load(Relaxed) {
                        thread::yield_now();
                    }
                    thread::sleep(A_WHILE);
                    refuse(ALL, false, errno);
                    let Err(panic) = catch_unwind(AssertUnwindSafe(|| drop(guard))) else {
                        return false;
                    };
                    let says = |message: &String| message.contains("UNLOCK_PI") && message.contains(&errno.to_string());
                    panic.downcast_ref::<String>().is_some_and(says)
                        && matches!(mutex.try_lock(), Err(PiError::Deadlock))
                });
                held.wait();
                waits.store(true, Relaxed);
                matches!(mutex.lock(), Err(PiError::OwnerDied(_))) && holder.join().is_ok_and(|said| said)
            })
        });
    }
}

/// Handlers without `SA_RESTART` interrupt what waits, with and without a deadline.
#[test]
fn signals_neither_wake_a_waiter_nor_lose_it() {
    static HANDLED: AtomicUsize = AtomicUsize::new(0);
    extern "C" fn handler(_: libc::c_int) {
        HANDLED.fetch_add(1, Relaxed);
    }
    let _watchdog = watchdog();
    // SAFETY: all zero is a set of flags and an empty mask; the handler only counts.
    unsafe {
        let mut action: libc::sigaction = std::mem::zeroed();
        action.sa_sigaction = handler as *const () as usize;
        assert_eq!(
            libc::sigaction(libc::SIGUSR1, &raw const action, std::ptr::null_mut()),
            0
        );
    }
    let mutex = PiMutex::new(0);
    for timeout in [Duration::MAX, AN_HOUR] {
        let held = mutex.lock().expect("it is free");
        let done = AtomicBool::new(false);
        thread::scope(|scope| {
            let (mutex, done) = (&mutex, &done);
            let (send, receive) = std::sync::mpsc::channel();
            scope.spawn(move || {
                // SAFETY: it names the calling thread.
                send.send(unsafe { libc::pthread_self() }).expect("it is received");
                *mutex.try_lock_for(timeout).expect("it is handed over") += 1;
                done.store(true, Relaxed);
                // It is sent signals for as long as it may be waiting.
                thread::sleep(A_WHILE);
            });
            let waiter = receive.recv().expect("it is sent");
            for _ in 0..100 {
                // SAFETY: the thread lives: it waits for this one.
                unsafe { libc::pthread_kill(waiter, libc::SIGUSR1) };
                thread::sleep(Duration::from_micros(200));
            }
            assert!(!done.load(Relaxed), "it is held");
            drop(held);
        });
    }
    assert!(HANDLED.load(Relaxed) >= 2);
    assert_eq!(mutex.into_inner(), 2);
}
