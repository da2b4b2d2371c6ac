//! The coherence backend: atomics that bill each line they move (see the crate `coherence`).

#[cfg(feature = "epoch")]
pub(crate) mod epoch;
pub(crate) mod futex;
#[cfg(any(target_os = "linux", target_os = "android"))]
pub(crate) mod pi;

pub(crate) mod atomic {
    #[cfg(feature = "tagged_ptr")]
    pub(crate) use crate::backend::simulated::wide::AtomicU128;
    pub(crate) use coherence::sync::atomic::Ordering::{Acquire, Relaxed, Release};
    pub(crate) use coherence::sync::atomic::{AtomicBool, AtomicPtr, AtomicU8, AtomicU32, AtomicU64, AtomicUsize};
    // The backend boundary has them in every backend, whether or not this crate uses all of them today.
    #[allow(unused_imports)]
    pub(crate) use coherence::sync::atomic::{
        Ordering::{self, AcqRel, SeqCst},
        fence,
    };

    /// A fence that directly follows a read-modify-write of this thread: billed as on x86, where that was one.
    pub(crate) fn fence_after_rmw(ordering: Ordering) {
        coherence::sync::atomic::compiler_fence(ordering);
    }
}

pub(crate) mod cell {
    pub(crate) use coherence::cell::UnsafeCell;
}

/// One bucket for all, so that no bill depends on addresses.
pub(crate) const BUCKETS: usize = 1;

pub(crate) mod hint {
    pub(crate) use crate::backend::unmodelled::hints::*;

    /// Room for so many that a table does not grow in a simulation. Where threads race for that, the losers free their
    /// chunks, and whether a chunk is then found in a cache is up to the system's allocator.
    pub(crate) const fn first_chunk(_entries: usize) -> usize {
        16
    }

    /// Pauses `rounds` times, in virtual time.
    #[track_caller]
    pub(crate) fn spin_for(rounds: u32) {
        for _ in 0..rounds {
            coherence::hint::spin_loop();
        }
    }
}

pub(crate) mod thread {
    pub(crate) use coherence::thread::{available_parallelism as parallelism, yield_now};

    pub(crate) use crate::backend::simulated::threads::*;

    /// Sleeps, in virtual time.
    pub(crate) fn sleep(duration: core::time::Duration) {
        let word = super::atomic::AtomicU32::new(0);
        coherence::futex::wait(&word, 0, Some(duration));
    }
}

pub(crate) mod time {
    pub(crate) use coherence::time::Instant;

    /// Whether `deadline` has passed, in virtual time.
    pub(crate) fn has_passed(deadline: Instant) -> bool {
        Instant::now() >= deadline
    }

    /// The time that far from now; `None` if the clock cannot say it, which is as good as never.
    #[allow(dead_code, reason = "for time-outs, which are durations")]
    pub(crate) fn after(duration: core::time::Duration) -> Option<Instant> {
        Instant::now().checked_add(duration)
    }
}

/// The fence pair of "announce, then check", billed as where Linux has its membarrier: `light` is free, and `heavy`
/// costs its caller what that system call takes beside running threads. The interrupts that it sends to the other cores
/// move no line, and are not billed.
///
/// With `LINCHPIN_MEMBARRIER=0` in the environment, as natively, both are billed as fences. A simulation asks once.
#[allow(dead_code, reason = "for hazard pointers and the announcements of waiters")]
pub(crate) mod asymmetric {
    use core::time::Duration;

    use super::atomic::{SeqCst, fence};
    use super::{hint, time};

    /// What the call takes while another core runs a thread of the process, on the machine of the README's figures.
    const MEMBARRIER: Duration = Duration::from_micros(14);

    static HAS_MEMBARRIER: coherence::Global<bool> =
        coherence::Global::new(|| std::env::var_os("LINCHPIN_MEMBARRIER").is_none_or(|value| value != "0"));

    /// The frequent side.
    pub(crate) fn light() {
        if *HAS_MEMBARRIER.get() {
            coherence::sync::atomic::compiler_fence(SeqCst);
        } else {
            fence(SeqCst);
        }
    }

    /// The rare side.
    #[track_caller]
    pub(crate) fn heavy() {
        if *HAS_MEMBARRIER.get() {
            let end = time::Instant::now() + MEMBARRIER;
            while !time::has_passed(end) {
                hint::spin_for(16);
            }
        }
        fence(SeqCst);
    }

    /// The same; false if there is no such fence any more, which does not happen here.
    pub(crate) fn try_heavy() -> bool {
        heavy();
        true
    }

    /// Whether `try_heavy` has failed before.
    pub(crate) fn is_refused() -> bool {
        false
    }

    /// Does without membarrier; a simulation says by itself whether it has one.
    pub(crate) fn disable() -> bool {
        true
    }
}

/// Thread-locals, of a simulated thread.
macro_rules! per_thread {
    ($($(#[$meta:meta])* static $name:ident: $type:ty = $init:expr;)*) => {
        coherence::thread_local! { $($(#[$meta])* static $name: $type = const { $init };)* }
    };
}
pub(crate) use per_thread;

/// Functions that return a [`Global`].
macro_rules! global {
    ($($(#[$meta:meta])* fn $name:ident() -> $type:ty = $init:expr;)*) => {
        $($(#[$meta])* fn $name() -> $crate::backend::Global<$type> {
            static VALUE: coherence::Global<$type> = coherence::Global::new(|| $init);
            VALUE.get()
        })*
    };
}
pub(crate) use global;

/// Functions that return a value that is never dropped, one for each simulation.
macro_rules! immortal {
    ($($(#[$meta:meta])* fn $name:ident() -> $type:ty = $init:expr;)*) => {
        $($(#[$meta])* fn $name() -> &'static $type {
            static VALUE: coherence::Global<&'static $type> =
                coherence::Global::new(|| std::boxed::Box::leak(std::boxed::Box::new($init)));
            *VALUE.get()
        })*
    };
}
pub(crate) use immortal;
