//! The coherence world: atomics that bill each line they move (see the crate `coherence`).

pub(crate) mod atomic {
    #[cfg(feature = "tagged_ptr")]
    pub(crate) use super::super::wide::AtomicU128;
    pub(crate) use coherence::sync::atomic::Ordering::{Acquire, Relaxed, Release};
    pub(crate) use coherence::sync::atomic::{AtomicBool, AtomicPtr, AtomicU8, AtomicU32, AtomicU64, AtomicUsize};
    // The door has them in every world, whether or not this crate uses all of them today.
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

/// The bucket of a key with that hash; of what kind the key is matters in a model only.
#[inline]
pub(crate) const fn bucket(hash: u64, _kind: usize) -> usize {
    (((hash >> 32) * BUCKETS as u64) >> 32) as usize
}

pub(crate) mod hint {
    /// Pauses `rounds` times, in virtual time.
    #[track_caller]
    pub(crate) fn spin_for(rounds: u32) {
        for _ in 0..rounds {
            coherence::hint::spin_loop();
        }
    }

    /// Whether an execution of a model has failed and is being torn down, so that destructors must touch nothing of it.
    pub(crate) const fn is_abandoned() -> bool {
        false
    }

    /// Whether `deadline` has passed, for somebody who can do without the answer.
    pub(crate) fn is_late(deadline: super::time::Instant) -> bool {
        super::time::has_passed(deadline)
    }

    /// `native`; a model has a value of its own.
    pub(crate) const fn tuned<T: Copy>(native: T, _model: T) -> T {
        native
    }

    /// How many rounds to spin before doing something else, of the `rounds` that are asked for: all of them.
    pub(crate) const fn patience(rounds: u32) -> u32 {
        rounds
    }

    /// How many places are in use, of the `places` that there are: all of them.
    #[inline]
    pub(crate) const fn sized(places: usize) -> usize {
        places
    }

    /// What the clock decides; a model decides otherwise, or the same each time.
    #[inline]
    pub(crate) fn decided(clock: impl FnOnce() -> bool) -> bool {
        clock()
    }
}

pub(crate) mod thread {
    pub(crate) use coherence::thread::{available_parallelism as parallelism, yield_now};

    /// Whether this thread is unwinding. All simulated threads are coroutines of one, so std cannot say which it is: a model
    /// or a simulation does by itself what a destructor would do then.
    pub(crate) const fn is_unwinding() -> bool {
        false
    }

    /// Whether this is a model that has failed: it never is.
    pub(crate) const fn has_failed() -> bool {
        false
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

/// Sleeping in the simulated kernel. What each function does is said in the native world's `futex.rs`.
pub(crate) mod futex {
    use super::atomic::AtomicU32;
    use super::time::Instant;
    use coherence::futex::Wakeup;

    #[track_caller]
    pub(crate) fn wait(word: &AtomicU32, expected: u32) {
        coherence::futex::wait(word, expected, None);
    }

    #[track_caller]
    pub(crate) fn wait_until(word: &AtomicU32, expected: u32, deadline: Instant) -> bool {
        let left = deadline.saturating_duration_since(Instant::now());
        !left.is_zero() && coherence::futex::wait(word, expected, Some(left)) != Wakeup::TimedOut
    }

    pub(crate) fn wake(word: &AtomicU32, count: u32) -> usize {
        coherence::futex::wake(word, usize::try_from(count).unwrap_or(usize::MAX))
    }

    pub(crate) fn wake_one(word: &AtomicU32) -> bool {
        wake(word, 1) > 0
    }
}

#[cfg(any(target_os = "linux", target_os = "android"))]
#[path = "coherence_pi.rs"]
pub(crate) mod kernel_pi;

/// The fence pair of "announce, then check", billed as where Linux has its membarrier: `light` is free, and `heavy` costs
/// its caller what that system call takes beside running threads. The interrupts that it sends to the other cores move no line,
/// and are not billed.
///
/// With `LINCHPIN_MEMBARRIER=0` in the environment, as natively, both are billed as fences. A simulation asks once.
#[allow(dead_code, reason = "for hazard pointers and sleeper registration")]
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
    pub fn disable() -> bool {
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

/// A value of one simulation: what a run leaves behind must not change the bill of the next.
pub(crate) type Global<T> = std::sync::Arc<T>;

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

/// Epoch-based reclamation, billed as crossbeam-epoch does it while nothing is collected: to pin is to load the epoch, to store
/// to a line of one's own and to pass a full fence; to unpin is a store. What is retired is kept beside the simulation.
#[cfg(feature = "epoch")]
pub(crate) mod epoch {
    use super::super::epoch_model::{Epochs, Free};
    use super::Global;
    use super::atomic::{AtomicU64, Relaxed, Release, SeqCst, fence};
    use crossbeam_utils::CachePadded;

    struct Shared {
        epoch: CachePadded<AtomicU64>,
        epochs: Epochs,
    }

    global! {
        fn shared() -> Shared = Shared { epoch: CachePadded::new(AtomicU64::new(1)), epochs: Epochs::default() };
    }

    per_thread! {
        static PINNED: CachePadded<AtomicU64> = CachePadded::new(AtomicU64::new(0));
    }

    /// A pinned thread.
    pub(crate) struct Guard {
        number: u64,
        shared: Global<Shared>,
    }

    pub(crate) fn pin() -> Guard {
        let shared = shared();
        let epoch = shared.epoch.load(Relaxed);
        let _ = PINNED.try_with(|pinned| pinned.store(epoch, Relaxed));
        fence(SeqCst);
        let number = shared.epochs.pin();
        Guard { number, shared }
    }

    impl Guard {
        /// Calls `free` when no thread is pinned any more that is pinned now.
        ///
        /// # Safety
        ///
        /// It may be called on any thread, and after the end of any lifetime.
        pub(crate) unsafe fn retire(&self, free: impl FnOnce()) {
            // SAFETY: the caller's promise.
            self.shared.epochs.retire(unsafe { Free::new(free) });
        }

        /// Nothing is kept that could be freed.
        pub(crate) fn flush(&self) {}
    }

    impl Drop for Guard {
        fn drop(&mut self) {
            let _ = PINNED.try_with(|pinned| pinned.store(0, Release));
            self.shared.epochs.unpin(self.number).into_iter().for_each(Free::call);
        }
    }
}

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

pub(crate) mod fork {
    /// Nothing is forked here.
    pub(crate) fn in_child_once(_handler: extern "C" fn()) {}
}
