//! The stacks of simulated threads: taken when a thread first runs, handed on when it has ended,
//! and what is reported when one overflows.
//!
//! Below each stack lies a page that must not be touched. The first simulation of a process
//! installs a handler for the fault which that causes; every other fault goes to the handler that
//! was there before.

use std::io;

use corosensei::stack::{DefaultStack, Stack};

/// The least that a stack has: a panic with a backtrace takes some of it.
pub(crate) const LEAST: usize = 64 * 1024;

/// The stacks of a simulation that no thread uses.
pub(crate) struct Stacks {
    size: usize,
    free: Vec<DefaultStack>,
}

impl Stacks {
    /// Stacks of so many bytes each.
    pub(crate) fn new(size: usize) -> Stacks {
        #[cfg(unix)]
        overflow::install_handler();
        // Beyond half the address space there is no stack, only sums that overflow.
        let size = size.clamp(LEAST, usize::MAX / 2);
        Stacks { size, free: Vec::new() }
    }

    pub(crate) fn size(&self) -> usize {
        self.size
    }

    /// A stack, or why there is none.
    pub(crate) fn take(&mut self) -> io::Result<DefaultStack> {
        self.free.pop().map_or_else(|| DefaultStack::new(self.size), Ok)
    }

    /// A thread has ended, and its stack may be another's.
    pub(crate) fn give_back(&mut self, stack: DefaultStack) {
        self.free.push(stack);
    }

    /// This thread is about to run on a stack that ends at `limit`.
    #[cfg(unix)]
    #[inline]
    pub(crate) fn enter(&self, thread: u32, limit: usize) {
        overflow::STACK.set(overflow::InUse {
            limit,
            thread,
            size: self.size,
        });
    }

    #[cfg(not(unix))]
    pub(crate) fn enter(&self, _thread: u32, _limit: usize) {}

    /// No simulated thread runs.
    #[cfg(unix)]
    #[inline]
    pub(crate) fn leave(&self) {
        overflow::STACK.set(overflow::InUse::NONE);
    }

    #[cfg(not(unix))]
    pub(crate) fn leave(&self) {}
}

/// The lowest address of a stack, its guard included.
pub(crate) fn limit(stack: &DefaultStack) -> usize {
    stack.limit().get()
}

#[cfg(unix)]
mod overflow {
    use core::cell::Cell;
    use core::ffi::{c_int, c_void};
    use core::fmt::{self, Write as _};
    use core::mem::MaybeUninit;
    use core::ptr;
    use std::sync::OnceLock;

    /// The stack that an OS thread uses for a simulated thread.
    #[derive(Clone, Copy)]
    pub(super) struct InUse {
        pub(super) limit: usize,
        pub(super) thread: u32,
        pub(super) size: usize,
    }

    impl InUse {
        pub(super) const NONE: InUse = InUse {
            limit: 0,
            thread: 0,
            size: 0,
        };
    }

    std::thread_local! {
        /// Without destructor or initialiser, so that the handler may look at it.
        pub(super) static STACK: Cell<InUse> = const { Cell::new(InUse::NONE) };
    }

    /// A touched guard is the one fault on some systems, and the other on others.
    const SIGNALS: [c_int; 2] = [libc::SIGSEGV, libc::SIGBUS];

    struct Before {
        handlers: [libc::sigaction; 2],
        page: usize,
    }

    static BEFORE: OnceLock<Before> = OnceLock::new();

    /// Installs the handler, once for the process.
    pub(super) fn install_handler() {
        BEFORE.get_or_init(|| {
            // SAFETY: `sysconf` only reads.
            let page = unsafe { libc::sysconf(libc::_SC_PAGESIZE) };
            let handlers = SIGNALS.map(current);
            Before {
                handlers,
                page: usize::try_from(page).expect("a page has a size"),
            }
        });
        static INSTALL: std::sync::Once = std::sync::Once::new();
        // After `BEFORE` is set, which the handler reads.
        INSTALL.call_once(|| SIGNALS.into_iter().for_each(install));
    }

    /// How the process handles a signal now.
    fn current(signal: c_int) -> libc::sigaction {
        let mut action = MaybeUninit::zeroed();
        // SAFETY: with no new action, `sigaction` only fills in the old one, for which there is
        // room.
        unsafe { libc::sigaction(signal, ptr::null(), action.as_mut_ptr()) };
        // SAFETY: it is filled in, or all zeroes, which are an action too, should that have failed.
        unsafe { action.assume_init() }
    }

    fn install(signal: c_int) {
        // SAFETY: all zeroes are a `sigaction`.
        let mut action: libc::sigaction = unsafe { MaybeUninit::zeroed().assume_init() };
        action.sa_sigaction = on_fault as *const () as usize;
        // On the alternate stack that std gives each of its threads: the one in use is full.
        action.sa_flags = libc::SA_SIGINFO | libc::SA_ONSTACK;
        // SAFETY: the handler has the signature that `SA_SIGINFO` asks for, and does only what a
        // handler may.
        unsafe { libc::sigaction(signal, &raw const action, ptr::null_mut()) };
    }

    unsafe extern "C" fn on_fault(signal: c_int, info: *mut libc::siginfo_t, context: *mut c_void) {
        let Some(before) = BEFORE.get() else {
            return;
        };
        // SAFETY: the kernel passes the description of this fault, which is alive until the handler
        // returns.
        let info_of_fault = unsafe { &*info };
        // SAFETY: the description of these two signals has an address.
        let address = unsafe { info_of_fault.si_addr() }.addr();
        if let Ok(stack) = STACK.try_with(Cell::get)
            && stack.limit > 0
            && (stack.limit..stack.limit + before.page).contains(&address)
        {
            report(stack);
        }
        let handler = &before.handlers[usize::from(signal == SIGNALS[1])];
        match handler.sa_sigaction {
            libc::SIG_DFL | libc::SIG_IGN => {
                // SAFETY: all zeroes are a `sigaction`.
                let mut default: libc::sigaction = unsafe { MaybeUninit::zeroed().assume_init() };
                default.sa_sigaction = libc::SIG_DFL;
                // SAFETY: `SIG_DFL` is a valid action. The fault happens again, and ends the
                // process.
                unsafe { libc::sigaction(signal, &raw const default, ptr::null_mut()) };
            }
            function if handler.sa_flags & libc::SA_SIGINFO != 0 => {
                type Handler = unsafe extern "C" fn(c_int, *mut libc::siginfo_t, *mut c_void);
                // SAFETY: a handler with this flag has this signature.
                let handler = unsafe { core::mem::transmute::<usize, Handler>(function) };
                // SAFETY: it is called with what the kernel would have called it with.
                unsafe { handler(signal, info, context) };
            }
            function => {
                type Handler = unsafe extern "C" fn(c_int);
                // SAFETY: a handler without the flag takes the signal only.
                let handler = unsafe { core::mem::transmute::<usize, Handler>(function) };
                // SAFETY: it is called with the signal that the kernel would have called it with.
                unsafe { handler(signal) };
            }
        }
    }

    /// Reports which thread it was, and ends the process, as std does for its own threads.
    fn report(stack: InUse) -> ! {
        let mut message = Message {
            bytes: [0; 256],
            len: 0,
        };
        let InUse { thread, size, .. } = stack;
        _ = writeln!(
            message,
            "\nsimulated thread {thread} has overflowed its stack of {size} bytes: see `coherence::Simulation::stack_size`"
        );
        // SAFETY: the bytes are there; `write` may be called in a signal handler.
        unsafe { libc::write(libc::STDERR_FILENO, message.bytes.as_ptr().cast(), message.len) };
        std::process::abort();
    }

    /// A text that takes no memory from the allocator, which must not be called here.
    struct Message {
        bytes: [u8; 256],
        len: usize,
    }

    impl fmt::Write for Message {
        fn write_str(&mut self, text: &str) -> fmt::Result {
            let room = self.bytes.get_mut(self.len..self.len + text.len()).ok_or(fmt::Error)?;
            room.copy_from_slice(text.as_bytes());
            self.len += text.len();
            Ok(())
        }
    }
}
