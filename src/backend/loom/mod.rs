//! The loom backend: atomics that explore every schedule and every value a load may return, and that can be made to
//! fail on demand (see [`fault`]).

pub(crate) mod atomic;
pub mod bounds;
#[cfg(feature = "epoch")]
pub(crate) mod epoch;
pub mod fault;
pub(crate) mod futex;
#[cfg(any(target_os = "linux", target_os = "android"))]
pub(crate) mod pi;

pub(crate) mod cell {
    pub(crate) use loom::cell::UnsafeCell;
}

pub(crate) use bounds::{BUCKETS, bucket};

pub(crate) mod hint {
    pub(crate) use super::bounds::{decided, patience, sized};

    /// As few as can be, so that tables grow in a model.
    pub(crate) const fn first_chunk(_entries: usize) -> usize {
        2
    }

    /// However many pauses: to a model they are one point at which the others run.
    pub(crate) fn spin_for(_rounds: u32) {
        super::thread::yield_now();
    }

    /// Whether this execution has failed and is being torn down: its threads are unwound, and their destructors must
    /// touch nothing of the model.
    pub(crate) fn is_abandoned() -> bool {
        std::thread::panicking()
    }

    loom::thread_local! {
        static ASKED: std::cell::Cell<bool> = std::cell::Cell::new(false);
    }

    /// Whether `deadline` has passed; "no" the first time: a thread is told so when it asks again.
    pub(crate) fn is_late(_deadline: super::time::Instant) -> bool {
        ASKED.with(|asked| asked.replace(true))
    }

    /// `model`, for what takes too long in a model as it is.
    pub(crate) const fn tuned<T: Copy>(_native: T, model: T) -> T {
        model
    }
}

pub(crate) mod time {
    pub(crate) use std::time::Instant;

    /// Whether `deadline` has passed: always. Nothing in a model depends on the real clock, and others may have run for
    /// as long as they like before this is asked.
    pub(crate) fn has_passed(_deadline: Instant) -> bool {
        true
    }

    /// The time that far from now, which says nothing in a model; `None` as in the native backend.
    #[allow(dead_code, reason = "for time-outs, which are durations")]
    pub(crate) fn after(duration: core::time::Duration) -> Option<Instant> {
        Instant::now().checked_add(duration)
    }
}

/// The fence pair of "announce, then check": both sides are what the pair stands for, and each can be left out.
pub mod asymmetric {
    use super::atomic::{SeqCst, fence};

    /// The frequent side.
    #[track_caller]
    pub fn light() {
        fence(SeqCst);
    }

    /// The rare side.
    #[track_caller]
    pub fn heavy() {
        fence(SeqCst);
    }

    /// The same; false if there is no such fence any more, which does not happen in a model.
    #[track_caller]
    pub fn try_heavy() -> bool {
        fence(SeqCst);
        true
    }

    /// Whether `try_heavy` has failed before.
    pub fn is_refused() -> bool {
        false
    }

    /// Does without membarrier, as always here.
    pub fn disable() -> bool {
        true
    }
}

pub(crate) mod thread {
    use std::cell::Cell;

    pub(crate) use crate::backend::simulated::threads::*;

    /// As if on two cores, so that a model of three threads has one too many.
    pub(crate) fn parallelism() -> usize {
        2
    }

    loom::thread_local! {
        static WAITED: Cell<u32> = Cell::new(0);
    }

    /// To a model that is no more than to let the others run.
    pub(crate) fn sleep(_duration: core::time::Duration) {
        yield_now();
    }

    pub(crate) fn yield_now() {
        let waits = WAITED.try_with(|waited| waited.replace(waited.get() + 1) + 1);
        // The thread that waits in the destructor of another thread-local, when this one is gone, has waited often
        // enough.
        if waits.map_or(true, |waits| waits > super::bounds::current().waits) {
            loom::skip_branch();
        }
        loom::thread::yield_now();
    }
}

/// Thread-locals, of a simulated thread.
macro_rules! per_thread {
    ($($(#[$meta:meta])* static $name:ident: $type:ty = $init:expr;)*) => {
        loom::thread_local! { $($(#[$meta])* static $name: $type = $init;)* }
    };
}
pub(crate) use per_thread;

/// Functions that return a [`Global`].
macro_rules! global {
    ($($(#[$meta:meta])* fn $name:ident() -> $type:ty = $init:expr;)*) => {
        $($(#[$meta])* fn $name() -> $crate::backend::Global<$type> {
            loom::lazy_static! {
                static ref VALUE: $crate::backend::Global<$type> = $crate::backend::Global::new($init);
            }
            VALUE.clone()
        })*
    };
}
pub(crate) use global;

/// Functions that return a value that is never dropped, one for each execution. No model uses it, since what is never dropped
/// cannot be checked.
macro_rules! immortal {
    ($($(#[$meta:meta])* fn $name:ident() -> $type:ty = $init:expr;)*) => {
        $($(#[$meta])* fn $name() -> &'static $type {
            loom::lazy_static! {
                static ref VALUE: &'static $type = std::boxed::Box::leak(std::boxed::Box::new($init));
            }
            *VALUE
        })*
    };
}
pub(crate) use immortal;

/// loom registers an atomic where it is made, so no constructor is `const` here.
macro_rules! const_fn {
    ($(#[$meta:meta])* $vis:vis const fn $($rest:tt)*) => {
        $(#[$meta])* $vis fn $($rest)*
    };
}
pub(crate) use const_fn;

/// An associated constant is evaluated only where it is used, and models do not use it.
macro_rules! const_init {
    ($value:expr) => {
        panic!("in the loom backend, make the raw lock with `new()` and the lock with `from_raw`")
    };
}
pub(crate) use const_init;

/// `[value; N]` for a value that is made anew for each place.
macro_rules! array {
    ($value:expr; $length:expr) => {{
        let places: [_; $length] = core::array::from_fn(|_| $value);
        places
    }};
}
pub(crate) use array;
