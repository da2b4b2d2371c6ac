//! The promise itself: the holder runs at the priority of its waiters.

use std::fs;
use std::sync::Barrier;
use std::sync::atomic::{AtomicI32, Ordering::Relaxed};
use std::thread;

use linchpin::futex::PiMutex;

use crate::common::{await_that, watchdog};

/// Makes this thread a real-time one (`SCHED_FIFO`), if that is permitted.
fn become_urgent(priority: i32) -> Result<(), std::io::Error> {
    let parameter = libc::sched_param {
        sched_priority: priority,
    };
    // SAFETY: the parameter lives, and concerns this thread only.
    match unsafe { libc::sched_setscheduler(0, libc::SCHED_FIFO, &raw const parameter) } {
        0 => Ok(()),
        _ => Err(std::io::Error::last_os_error()),
    }
}

fn my_number() -> i32 {
    // SAFETY: no memory is touched.
    unsafe { libc::syscall(libc::SYS_gettid) as i32 }
}

/// The priority at which the kernel runs a thread of this process: -1 - p for a real-time one of priority p, else from
/// 0.
fn priority_of(number: i32) -> i32 {
    let line = fs::read_to_string(format!("/proc/self/task/{number}/stat")).expect("it lives");
    // The name is in parentheses, and may contain anything.
    let after_the_name = line.rsplit(')').next().expect("there is one");
    let field = after_the_name.split_whitespace().nth(15).expect("the 18th field");
    field.parse().expect("a number")
}

/// Whether a real-time thread may be made here; says so if not.
fn permitted() -> bool {
    let tried = thread::spawn(|| become_urgent(2)).join().expect("it only asks");
    if let Err(error) = &tried {
        eprintln!("skipped: this system permits no SCHED_FIFO: {error}");
    }
    tried.is_ok()
}

#[test]
fn the_holder_inherits_the_priority_of_a_waiter() {
    let _watchdog = watchdog();
    if !permitted() {
        return;
    }
    let mutex = PiMutex::new(());
    let held = mutex.lock().expect("it is free");
    let me = my_number();
    let usual = priority_of(me);
    assert!(usual >= 0, "this thread is of the ordinary kind: {usual}");
    thread::scope(|scope| {
        for (priority, at_most) in [(3, None), (7, Some(std::time::Duration::from_secs(3600))), (5, None)] {
            let mutex = &mutex;
            scope.spawn(move || {
                become_urgent(priority).expect("it was permitted before");
                let locked = at_most.map_or_else(|| mutex.lock(), |timeout| mutex.try_lock_for(timeout));
                drop(locked.expect("it is handed over"));
            });
        }
        // That of the most urgent, not of the last to come.
        await_that(|| priority_of(me) == -1 - 7);
        drop(held);
        assert_eq!(priority_of(me), usual, "and gives it back");
    });
}

/// A waits for B, which waits for C: C inherits from A.
#[test]
fn it_is_inherited_through_a_chain() {
    let _watchdog = watchdog();
    if !permitted() {
        return;
    }
    let (first, second) = (PiMutex::new(()), PiMutex::new(()));
    let held = second.lock().expect("it is free");
    let middle = AtomicI32::new(0);
    let holds_first = Barrier::new(2);
    thread::scope(|scope| {
        scope.spawn(|| {
            let _first = first.lock().expect("it is free");
            middle.store(my_number(), Relaxed);
            holds_first.wait();
            drop(second.lock().expect("it is handed over"));
        });
        holds_first.wait();
        scope.spawn(|| {
            become_urgent(4).expect("it was permitted before");
            drop(first.lock().expect("it is handed over"));
        });
        await_that(|| priority_of(my_number()) == -1 - 4 && priority_of(middle.load(Relaxed)) == -1 - 4);
        drop(held);
    });
}

/// Three wait, the least urgent longest: they get it by urgency.
#[test]
fn the_most_urgent_is_served_first() {
    let _watchdog = watchdog();
    if !permitted() {
        return;
    }
    let mutex = PiMutex::new(Vec::new());
    let me = my_number();
    let held = mutex.lock().expect("it is free");
    thread::scope(|scope| {
        for priority in [3, 5, 8] {
            let mutex = &mutex;
            scope.spawn(move || {
                become_urgent(priority).expect("it was permitted before");
                mutex.lock().expect("it is handed over").push(priority);
            });
            // It waits: this thread has its priority.
            await_that(|| priority_of(me) == -1 - priority);
        }
        drop(held);
    });
    assert_eq!(mutex.into_inner(), [8, 5, 3]);
}
