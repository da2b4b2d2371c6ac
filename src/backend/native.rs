//! The native world: `core`'s atomics, the processor's pause, the operating system's scheduler.

pub(crate) mod atomic {
    #[cfg(feature = "alloc")]
    pub(crate) use core::sync::atomic::AtomicPtr;
    #[cfg(target_has_atomic = "64")]
    pub(crate) use core::sync::atomic::AtomicU64;
    pub(crate) use core::sync::atomic::Ordering::{Acquire, Relaxed, Release};
    pub(crate) use core::sync::atomic::{AtomicBool, AtomicU32, AtomicUsize};
}

pub(crate) mod hint {
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
    pub(crate) use std::thread::yield_now;

    /// How many threads can run at once. Asked once: the answer takes the operating system microseconds.
    pub(crate) fn parallelism() -> usize {
        use core::sync::atomic::{AtomicUsize, Ordering::Relaxed};

        static CORES: AtomicUsize = AtomicUsize::new(0);
        match CORES.load(Relaxed) {
            0 => {
                let cores = std::thread::available_parallelism().map_or(1, usize::from);
                CORES.store(cores, Relaxed);
                cores
            }
            cores => cores,
        }
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
