//! An operation that is held up after exactly so many instructions: the processor traps after each one, and the handler counts.
//!
//! So a test can go through all points within an operation, and with them all between its look at the top and its
//! compare-exchange. x86-64 only: elsewhere a thread cannot step itself.

use std::arch::asm;
use std::sync::atomic::{AtomicBool, AtomicI32, AtomicU64, Ordering::SeqCst};
use std::sync::mpsc::{Receiver, Sender, TryRecvError, channel};
use std::thread;

/// The trap flag among the processor's flags.
const TRAP: i64 = 0x100;

/// At which instruction the operation is held up, and how many have been stepped.
static HOLD_AT: AtomicU64 = AtomicU64::new(u64::MAX);
static TAKEN: AtomicU64 = AtomicU64::new(0);
static IS_HELD: AtomicBool = AtomicBool::new(false);
/// What the handler reads from while it holds the thread up.
static GATE: AtomicI32 = AtomicI32::new(-1);

extern "C" fn trapped(_: libc::c_int, _: *mut libc::siginfo_t, context: *mut libc::c_void) {
    if TAKEN.fetch_add(1, SeqCst) + 1 != HOLD_AT.load(SeqCst) {
        return;
    }
    IS_HELD.store(true, SeqCst);
    let mut byte = 0_u8;
    // SAFETY: reading is safe in a signal handler, and `errno` is this thread's. The kernel passes a context, from which the
    // flags come when the handler returns: from there on the thread runs without traps.
    unsafe {
        let errno = *libc::__errno_location();
        while libc::read(GATE.load(SeqCst), (&raw mut byte).cast(), 1) != 1 {}
        *libc::__errno_location() = errno;
        (*context.cast::<libc::ucontext_t>()).uc_mcontext.gregs[libc::REG_EFL as usize] &= !TRAP;
    }
    IS_HELD.store(false, SeqCst);
}

/// Runs `act` step by step; returns what it does, and how many instructions were stepped.
fn stepped<R>(hold_at: u64, act: impl FnOnce() -> R) -> (R, u64) {
    TAKEN.store(0, SeqCst);
    HOLD_AT.store(hold_at, SeqCst);
    // SAFETY: changes one flag, for which there is a handler.
    unsafe { asm!("pushfq", "or qword ptr [rsp], 0x100", "popfq") };
    let outcome = act();
    // SAFETY: as above.
    unsafe { asm!("pushfq", "and qword ptr [rsp], -0x101", "popfq") };
    (outcome, TAKEN.load(SeqCst))
}

/// A thread that does one thing again and again, and can be held up within it.
pub struct Victim<R> {
    orders: Sender<u64>,
    outcomes: Receiver<(R, u64)>,
    release: libc::c_int,
}

impl<R: Send + 'static> Victim<R> {
    /// A thread that does `act`. There is one in a process.
    pub fn new(mut act: impl FnMut() -> R + Send + 'static) -> Self {
        let mut ends = [0; 2];
        // SAFETY: room for two numbers.
        assert_eq!(unsafe { libc::pipe(ends.as_mut_ptr()) }, 0, "no pipe was made");
        GATE.store(ends[0], SeqCst);
        // SAFETY: the handler does only what is safe in one.
        unsafe {
            let mut action: libc::sigaction = std::mem::zeroed();
            action.sa_sigaction = trapped as *const () as usize;
            action.sa_flags = libc::SA_SIGINFO;
            assert_eq!(
                libc::sigaction(libc::SIGTRAP, &raw const action, std::ptr::null_mut()),
                0
            );
        }
        let (orders, ordered) = channel();
        let (tell, outcomes) = channel();
        thread::spawn(move || {
            for hold_at in ordered {
                if tell.send(stepped(hold_at, &mut act)).is_err() {
                    return;
                }
            }
        });
        Victim {
            orders,
            outcomes,
            release: ends[1],
        }
    }

    /// Lets it act without a hold-up; returns what it has done, and in how many instructions.
    pub fn act(&self) -> (R, u64) {
        self.orders.send(u64::MAX).expect("it waits for orders");
        self.outcomes.recv().expect("it acts")
    }

    /// Lets it act, holds it up after so many instructions, and calls `meanwhile` then. Returns what it has done in the end; if
    /// it had done that earlier, `meanwhile` was not called.
    pub fn act_held_up(&self, hold_at: u64, meanwhile: impl FnOnce()) -> R {
        self.orders.send(hold_at).expect("it waits for orders");
        loop {
            if IS_HELD.load(SeqCst) {
                meanwhile();
                // SAFETY: one byte from a place of one byte.
                assert_eq!(unsafe { libc::write(self.release, [1_u8].as_ptr().cast(), 1) }, 1);
                return self.outcomes.recv().expect("it goes on").0;
            }
            match self.outcomes.try_recv() {
                Ok((outcome, _)) => return outcome,
                Err(TryRecvError::Empty) => thread::yield_now(),
                Err(TryRecvError::Disconnected) => panic!("the thread has ended"),
            }
        }
    }
}
