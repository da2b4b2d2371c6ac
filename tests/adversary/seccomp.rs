//! Filters on the system call `membarrier`: one that counts, one that refuses. A filter holds for the thread that
//! installs it and for those that it starts from then on.

use std::sync::atomic::{AtomicUsize, Ordering};

/// Marks the calls that the counting handler makes: `membarrier` takes three arguments, and this is the sixth.
const PASS: u32 = 0x1C4_9117;
/// `MEMBARRIER_CMD_PRIVATE_EXPEDITED`.
const PRIVATE_EXPEDITED: libc::c_long = 8;

static CALLS: AtomicUsize = AtomicUsize::new(0);

/// How many expedited barriers `act` has caused, in whichever thread; `None` where they cannot be counted.
pub struct Counter(());

impl Counter {
    /// Begins to count, if this kernel and this sandbox allow.
    pub fn start() -> Option<Self> {
        // SAFETY: the handler only makes system calls and uses an atomic.
        unsafe {
            let mut action: libc::sigaction = std::mem::zeroed();
            action.sa_sigaction = trapped as *const () as usize;
            action.sa_flags = libc::SA_SIGINFO;
            assert_eq!(
                libc::sigaction(libc::SIGSYS, &raw const action, std::ptr::null_mut()),
                0
            );
        }
        if !cfg!(any(target_arch = "x86_64", target_arch = "aarch64")) || !install(libc::SECCOMP_RET_TRAP) {
            println!("membarrier cannot be counted here");
            return None;
        }
        let counter = Counter(());
        // SAFETY: no pointers; the call is refused if the process has not registered, which is of no concern here.
        unsafe { libc::syscall(libc::SYS_membarrier, PRIVATE_EXPEDITED, 0, 0) };
        assert_eq!(counter.take(), 1, "the filter traps, and its handler counts");
        Some(counter)
    }

    /// How many since the last time.
    pub fn take(&self) -> usize {
        CALLS.swap(0, Ordering::SeqCst)
    }
}

/// Refuses every `membarrier` from now on, with EPERM; false where that cannot be done.
pub fn refuse_membarrier() -> bool {
    let refused = install(libc::SECCOMP_RET_ERRNO | libc::EPERM as u32);
    if !refused {
        println!("membarrier cannot be refused here");
    }
    refused
}

/// Ends the process at the next file that is opened; false where that cannot be done.
pub fn forbid_files() -> bool {
    let forbidden = install_for(libc::SYS_openat, libc::SECCOMP_RET_KILL_PROCESS);
    if !forbidden {
        println!("files cannot be forbidden here");
    }
    forbidden
}

/// Answers each `membarrier` by `answer`.
fn install(answer: u32) -> bool {
    install_for(libc::SYS_membarrier, answer)
}

/// Answers each call of this number by `answer`.
fn install_for(call: libc::c_long, answer: u32) -> bool {
    const LOAD: u16 = (libc::BPF_LD | libc::BPF_W | libc::BPF_ABS) as u16;
    const JUMP_IF: u16 = (libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K) as u16;
    const RETURN: u16 = (libc::BPF_RET | libc::BPF_K) as u16;
    let step = |code, k, jt, jf| libc::sock_filter { code, jt, jf, k };
    // `seccomp_data`: the number of the call at 0, its sixth argument at 56, of which the lower half comes first.
    let mut filter = [
        step(LOAD, 0, 0, 0),
        step(JUMP_IF, call as u32, 0, 2),
        step(LOAD, 56, 0, 0),
        step(JUMP_IF, PASS, 0, 1),
        step(RETURN, libc::SECCOMP_RET_ALLOW, 0, 0),
        step(RETURN, answer, 0, 0),
    ];
    let program = libc::sock_fprog {
        len: filter.len() as u16,
        filter: filter.as_mut_ptr(),
    };
    // SAFETY: `program` outlives the calls, and says how long it is; this process runs nothing else that it could hurt.
    unsafe {
        libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0
            && libc::prctl(libc::PR_SET_SECCOMP, libc::SECCOMP_MODE_FILTER, &raw const program) == 0
    }
}

/// Counts the call that was trapped, makes it, and returns its result from it.
extern "C" fn trapped(_: libc::c_int, _: *mut libc::siginfo_t, context: *mut libc::c_void) {
    // SAFETY: the kernel passes a context in which the registers are those of the call; the handler returns to behind
    // it.
    unsafe {
        let errno = *libc::__errno_location();
        let context = context.cast::<libc::ucontext_t>();
        #[cfg(target_arch = "x86_64")]
        let (arguments, answer) = {
            let registers = &raw mut (*context).uc_mcontext.gregs;
            let of = |name: libc::c_int| (*registers)[name as usize];
            let arguments = [of(libc::REG_RDI), of(libc::REG_RSI), of(libc::REG_RDX)];
            (arguments, (&raw mut (*registers)[libc::REG_RAX as usize]).cast::<i64>())
        };
        #[cfg(target_arch = "aarch64")]
        let (arguments, answer) = {
            let registers = &raw mut (*context).uc_mcontext.regs;
            let of = |number: usize| (*registers)[number] as i64;
            ([of(0), of(1), of(2)], (&raw mut (*registers)[0]).cast::<i64>())
        };
        #[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
        let (arguments, answer) = ([0, 0, 0], context.cast::<i64>());
        let [command, flags, cpu] = arguments;
        if command == PRIVATE_EXPEDITED {
            CALLS.fetch_add(1, Ordering::SeqCst);
        }
        let result = libc::syscall(
            libc::SYS_membarrier,
            command,
            flags,
            cpu,
            0,
            0,
            libc::c_long::from(PASS),
        );
        *answer = if result < 0 {
            -i64::from(*libc::__errno_location())
        } else {
            result
        };
        *libc::__errno_location() = errno;
    }
}
