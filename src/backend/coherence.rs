//! The coherence world: atomics that bill each line they move (see the crate `coherence`).

pub(crate) mod atomic {
    pub(crate) use coherence::sync::atomic::Ordering::{Acquire, Relaxed, Release};
    pub(crate) use coherence::sync::atomic::{AtomicBool, AtomicPtr, AtomicU32, AtomicU64, AtomicUsize};
}

pub(crate) mod hint {
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
}

/// Thread-locals, of a simulated thread.
macro_rules! per_thread {
    ($($(#[$meta:meta])* static $name:ident: $type:ty = $init:expr;)*) => {
        coherence::thread_local! { $($(#[$meta])* static $name: $type = const { $init };)* }
    };
}
pub(crate) use per_thread;
