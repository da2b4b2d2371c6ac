//! The native world: `core`'s atomics, the processor's pause, the operating system's scheduler.

pub(crate) mod atomic {
    #[cfg(feature = "std")]
    pub(crate) use core::sync::atomic::AtomicU8;
    #[cfg(target_has_atomic = "64")]
    pub(crate) use core::sync::atomic::AtomicU64;
    pub(crate) use core::sync::atomic::Ordering::{Acquire, Relaxed, Release};
    pub(crate) use core::sync::atomic::{AtomicBool, AtomicPtr, AtomicU32, AtomicUsize};
    #[cfg(all(feature = "tagged_ptr", target_pointer_width = "64"))]
    pub(crate) use portable_atomic::AtomicU128;
    // The door has them in every world, whether or not this crate uses all of them today.
    #[allow(unused_imports)]
    pub(crate) use core::sync::atomic::{
        Ordering::{self, AcqRel, SeqCst},
        fence,
    };

    /// A fence that directly follows a read-modify-write of this thread: on x86 that was one.
    #[cfg(feature = "std")]
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

/// The bucket of a key with that hash; of what kind the key is matters in a model only.
#[cfg(feature = "std")]
#[inline]
pub(crate) const fn bucket(hash: u64, _kind: usize) -> usize {
    (((hash >> 32) * BUCKETS as u64) >> 32) as usize
}

pub(crate) mod hint {
    /// Pauses the processor `rounds` times. A pause is 10 to 140 cycles long, by model: nothing may depend on it.
    #[inline]
    pub(crate) fn spin_for(rounds: u32) {
        for _ in 0..rounds {
            core::hint::spin_loop();
        }
    }

    /// Whether an execution of a model has failed and is being torn down, so that destructors must touch nothing of it.
    #[cfg(feature = "std")]
    #[inline]
    pub(crate) const fn is_abandoned() -> bool {
        false
    }

    /// Whether `deadline` has passed, for somebody who can do without the answer.
    #[cfg(feature = "std")]
    #[inline]
    pub(crate) fn is_late(deadline: super::time::Instant) -> bool {
        super::time::has_passed(deadline)
    }

    /// `native`; a model has a value of its own.
    #[inline]
    #[allow(dead_code, reason = "without `std` and `alloc` nothing is tuned")]
    pub(crate) const fn tuned<T: Copy>(native: T, _model: T) -> T {
        native
    }

    /// How many rounds to spin before doing something else, of the `rounds` that are asked for: all of them.
    #[inline]
    pub(crate) const fn patience(rounds: u32) -> u32 {
        rounds
    }

    /// How many places are in use, of the `places` that there are: all of them.
    #[cfg(feature = "std")]
    #[inline]
    pub(crate) const fn sized(places: usize) -> usize {
        places
    }

    /// What the clock decides; a model decides otherwise, or the same each time.
    #[cfg(feature = "std")]
    #[inline]
    pub(crate) fn decided(clock: impl FnOnce() -> bool) -> bool {
        clock()
    }
}

pub(crate) mod thread {
    #[cfg(feature = "std")]
    pub(crate) use std::thread::{panicking as is_unwinding, yield_now};

    /// Whether this is a model that has failed: it never is.
    #[inline]
    #[allow(dead_code, reason = "without `alloc` there is nothing to leave as it is")]
    pub(crate) const fn has_failed() -> bool {
        false
    }

    /// How many threads can run at once, as far as is known: the most that any thread has been told.
    ///
    /// Each thread asks once, since the answer is about the thread that asks: one that is pinned hears of one CPU.
    /// Asking takes microseconds, and may allocate. It is marked as done before it is, for an allocator that is guarded
    /// by a lock which asks; until there is an answer, there is room for all.
    #[cfg(feature = "std")]
    pub(crate) fn parallelism() -> usize {
        use core::cell::Cell;
        use core::sync::atomic::{AtomicUsize, Ordering::Relaxed};

        static MOST: AtomicUsize = AtomicUsize::new(0);
        std::thread_local! {
            static ASKED: Cell<bool> = const { Cell::new(false) };
        }
        if !ASKED.replace(true) {
            MOST.fetch_max(std::thread::available_parallelism().map_or(1, usize::from), Relaxed);
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

/// A value that lives as long as the program; in the other worlds, as long as somebody uses it in one execution.
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

/// Epoch-based reclamation.
#[cfg(feature = "epoch")]
pub(crate) mod epoch {
    /// A pinned thread.
    pub(crate) struct Guard(crossbeam_epoch::Guard);

    #[inline]
    pub(crate) fn pin() -> Guard {
        Guard(crossbeam_epoch::pin())
    }

    impl Guard {
        /// Calls `free` when no thread is pinned any more that is pinned now.
        ///
        /// # Safety
        ///
        /// It may be called on any thread, and after the end of any lifetime.
        #[inline]
        pub(crate) unsafe fn retire(&self, free: impl FnOnce()) {
            // SAFETY: the caller's promise.
            unsafe { self.0.defer_unchecked(free) };
        }

        /// Hands on what was retired, and frees what may be.
        pub(crate) fn flush(&self) {
            self.0.flush();
        }
    }
}

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

#[cfg(feature = "std")]
pub(crate) mod fork {
    use core::sync::atomic::{AtomicBool, Ordering::Relaxed};

    static IS_ARRANGED: AtomicBool = AtomicBool::new(false);

    /// Runs `handler` in the child of each fork from now on, on its only thread. Of all calls the first counts: there is
    /// one such handler. It must do only what is safe in a signal handler.
    pub(crate) fn in_child_once(handler: extern "C" fn()) {
        if !IS_ARRANGED.load(Relaxed) && !IS_ARRANGED.swap(true, Relaxed) {
            #[cfg(all(any(target_os = "linux", target_os = "android"), not(miri)))]
            let _ = crate::backend::pi::on_fork(handler);
            #[cfg(not(all(any(target_os = "linux", target_os = "android"), not(miri))))]
            let _ = handler;
        }
    }
}
