//! The native backend: `core`'s atomics, the processor's pause, the operating system's scheduler.

#[cfg(feature = "epoch")]
pub(crate) mod epoch;
#[cfg(feature = "std")]
pub(crate) mod fork;
#[cfg(feature = "std")]
pub(crate) mod futex;
#[cfg(any(feature = "std", all(feature = "alloc", target_has_atomic = "64")))]
pub(crate) mod membarrier;
#[cfg(all(feature = "std", any(target_os = "linux", target_os = "android")))]
pub(crate) mod pi;

#[cfg(any(feature = "std", all(feature = "alloc", target_has_atomic = "64")))]
pub(crate) use membarrier as asymmetric;

pub(crate) mod atomic {
    #[cfg(feature = "std")]
    pub(crate) use core::sync::atomic::AtomicU8;
    #[cfg(target_has_atomic = "64")]
    pub(crate) use core::sync::atomic::AtomicU64;
    pub(crate) use core::sync::atomic::Ordering::{Acquire, Relaxed, Release};
    pub(crate) use core::sync::atomic::{AtomicBool, AtomicPtr, AtomicU32, AtomicUsize};
    #[cfg(all(feature = "tagged_ptr", target_pointer_width = "64"))]
    pub(crate) use portable_atomic::AtomicU128;
    // The backend boundary has them in every backend, whether or not this crate uses all of them today.
    #[allow(unused_imports)]
    pub(crate) use core::sync::atomic::{
        Ordering::{self, AcqRel, SeqCst},
        fence,
    };

    /// A fence that directly follows a read-modify-write of this thread: on x86 that was one.
    #[cfg(any(feature = "std", all(feature = "alloc", target_has_atomic = "64")))]
    #[inline]
    pub(crate) fn fence_after_rmw(ordering: core::sync::atomic::Ordering) {
        if cfg!(all(target_arch = "x86_64", not(miri))) {
            core::sync::atomic::compiler_fence(ordering);
        } else {
            fence(ordering);
        }
    }
}

pub(crate) mod cell {
    /// Memory that a protocol of this crate lets one thread at a time change. loom checks that in a model.
    #[derive(Debug)]
    pub(crate) struct UnsafeCell<T: ?Sized>(core::cell::UnsafeCell<T>);

    #[allow(dead_code, reason = "for the families that have queues")]
    impl<T> UnsafeCell<T> {
        pub(crate) const fn new(value: T) -> Self {
            UnsafeCell(core::cell::UnsafeCell::new(value))
        }

        pub(crate) fn into_inner(self) -> T {
            self.0.into_inner()
        }
    }

    #[allow(dead_code, reason = "for the families that have queues")]
    impl<T: ?Sized> UnsafeCell<T> {
        /// Hands out a pointer that is only read from.
        #[inline]
        pub(crate) fn with<R>(&self, read: impl FnOnce(*const T) -> R) -> R {
            read(self.0.get())
        }

        /// Hands out a pointer that is written through.
        #[inline]
        pub(crate) fn with_mut<R>(&self, write: impl FnOnce(*mut T) -> R) -> R {
            write(self.0.get())
        }
    }
}

/// How many buckets a table has that is shared by address: which addresses share one is a matter of speed alone.
#[cfg(feature = "std")]
pub(crate) const BUCKETS: usize = 512;

pub(crate) mod hint {
    pub(crate) use crate::backend::unmodelled::hints::*;

    /// How many entries a table has room for that is used for the first time, where `entries` are enough.
    #[allow(dead_code, reason = "without `alloc` no table grows")]
    pub(crate) const fn first_chunk(entries: usize) -> usize {
        entries
    }

    /// Pauses the processor `rounds` times. A pause is 10 to 140 cycles long, by model: nothing may depend on it.
    #[inline]
    pub(crate) fn spin_for(rounds: u32) {
        for _ in 0..rounds {
            core::hint::spin_loop();
        }
    }
}

#[cfg(feature = "std")]
pub(crate) mod thread {
    pub(crate) use std::thread::{ThreadId as Id, panicking as is_unwinding, sleep, yield_now};

    /// Which thread this is.
    pub(crate) fn id() -> Id {
        std::thread::current().id()
    }

    /// How many threads can run at once, as far as is known: the most that any thread has been told.
    ///
    /// Each thread asks once, since the answer is about the thread that asks: one that is pinned hears of one CPU. On Linux
    /// that is one system call, without the files that `std` reads (a sandbox may forbid them). Elsewhere it may allocate: so it is
    /// marked as done before it is, for an allocator that is guarded by a lock which asks; until there is an answer, there
    /// is room for all.
    pub(crate) fn parallelism() -> usize {
        #[cfg(all(any(target_os = "linux", target_os = "android"), not(miri)))]
        fn ask() -> usize {
            // It fails where there are more CPUs than `CpuSet` has room for.
            rustix::thread::sched_getaffinity(None).map_or(usize::MAX, |cpus| cpus.count() as usize)
        }
        #[cfg(not(all(any(target_os = "linux", target_os = "android"), not(miri))))]
        fn ask() -> usize {
            std::thread::available_parallelism().map_or(1, usize::from)
        }

        use core::cell::Cell;
        use core::sync::atomic::{AtomicUsize, Ordering::Relaxed};

        static MOST: AtomicUsize = AtomicUsize::new(0);
        std::thread_local! {
            static ASKED: Cell<bool> = const { Cell::new(false) };
        }
        if !ASKED.replace(true) {
            MOST.fetch_max(ask(), Relaxed);
        }
        match MOST.load(Relaxed) {
            0 => usize::MAX,
            most => most,
        }
    }
}

#[cfg(feature = "std")]
pub(crate) mod time {
    pub(crate) use std::time::Instant;

    /// Whether `deadline` has passed.
    #[inline]
    pub(crate) fn has_passed(deadline: Instant) -> bool {
        Instant::now() >= deadline
    }

    /// The time that far from now; `None` if the clock cannot say it, which is as good as never.
    #[allow(dead_code, reason = "for time-outs, which are durations")]
    pub(crate) fn after(duration: core::time::Duration) -> Option<Instant> {
        Instant::now().checked_add(duration)
    }
}

/// Thread-locals, of constant initial value: with no destructor, they cost as much as a `static`.
#[cfg(feature = "std")]
macro_rules! per_thread {
    ($($(#[$meta:meta])* static $name:ident: $type:ty = $init:expr;)*) => {
        std::thread_local! { $($(#[$meta])* static $name: $type = const { $init };)* }
    };
}
#[cfg(feature = "std")]
pub(crate) use per_thread;

/// A value that lives as long as the program; in the other backends, as long as a thread uses it in one execution.
#[cfg(feature = "std")]
pub(crate) type Global<T> = &'static T;

/// Functions that return a [`Global`].
#[cfg(feature = "std")]
macro_rules! global {
    ($($(#[$meta:meta])* fn $name:ident() -> $type:ty = $init:expr;)*) => {
        $($(#[$meta])* #[inline] fn $name() -> $crate::backend::Global<$type> {
            static VALUE: $type = $init;
            &VALUE
        })*
    };
}
#[cfg(feature = "std")]
pub(crate) use global;

/// Functions that return a value that is never dropped.
#[cfg(all(feature = "alloc", target_has_atomic = "64"))]
macro_rules! immortal {
    ($($(#[$meta:meta])* fn $name:ident() -> $type:ty = $init:expr;)*) => {
        $($(#[$meta])* #[inline] fn $name() -> &'static $type {
            static VALUE: $type = $init;
            &VALUE
        })*
    };
}
#[cfg(all(feature = "alloc", target_has_atomic = "64"))]
pub(crate) use immortal;
