//! The loom world: atomics that explore every schedule and every value a load may return, and that can be made to fail
//! on demand (see [`super::fault`]).

pub(crate) mod atomic {
    use super::super::fault::{self, Kind, Operation};
    #[cfg(feature = "tagged_ptr")]
    pub(crate) use super::super::wide::AtomicU128;
    pub(crate) use std::sync::atomic::Ordering;
    // The door has them in every world, whether or not this crate uses all of them today.
    #[allow(unused_imports)]
    pub(crate) use std::sync::atomic::Ordering::{AcqRel, Acquire, Relaxed, Release, SeqCst};

    use std::panic::Location;

    /// A fence. loom judges sequential consistency by fences alone: its SeqCst accesses are no more than AcqRel.
    #[track_caller]
    pub fn fence(ordering: Ordering) {
        match fault::at(Location::caller(), Operation::Fence, ordering) {
            Some(Kind::Weaken(weaker)) => loom::sync::atomic::fence(weaker),
            Some(Kind::Omit) => {}
            Some(other) => panic!("a fence cannot have the fault {other:?}"),
            None => loom::sync::atomic::fence(ordering),
        }
    }

    /// A fence that directly follows a read-modify-write of this thread: a model has no processor to rely on.
    #[track_caller]
    pub(crate) fn fence_after_rmw(ordering: Ordering) {
        fence(ordering);
    }

    macro_rules! atomic {
        ($name:ident$(<$parameter:ident>)?, $value:ty, [$($arithmetic:ident => $compute:expr),*]) => {
            #[derive(Debug)]
            pub struct $name$(<$parameter>)?(pub(super) loom::sync::atomic::$name$(<$parameter>)?);

            // Each type has the whole set, whether or not this crate uses all of it today.
            #[allow(dead_code)]
            impl$(<$parameter>)? $name$(<$parameter>)? {
                #[track_caller]
                pub(crate) fn new(value: $value) -> Self {
                    Self(loom::sync::atomic::$name::new(value))
                }

                #[track_caller]
                pub(crate) fn load(&self, ordering: Ordering) -> $value {
                    match fault::at(Location::caller(), Operation::Load, ordering) {
                        Some(Kind::Weaken(weaker)) => self.0.load(weaker),
                        Some(other) => panic!("a load cannot have the fault {other:?}"),
                        None => self.0.load(ordering),
                    }
                }

                #[track_caller]
                pub(crate) fn store(&self, value: $value, ordering: Ordering) {
                    match fault::at(Location::caller(), Operation::Store, ordering) {
                        Some(Kind::Weaken(weaker)) => self.0.store(value, weaker),
                        Some(Kind::Omit) => {}
                        Some(other) => panic!("a store cannot have the fault {other:?}"),
                        None => self.0.store(value, ordering),
                    }
                }

                #[track_caller]
                pub(crate) fn swap(&self, value: $value, ordering: Ordering) -> $value {
                    match fault::at(Location::caller(), Operation::ReadModifyWrite, ordering) {
                        Some(Kind::Weaken(weaker)) => self.0.swap(value, weaker),
                        Some(fault) => self.torn(fault, ordering, |_| value),
                        None => self.0.swap(value, ordering),
                    }
                }

                #[track_caller]
                pub(crate) fn compare_exchange(
                    &self,
                    current: $value,
                    new: $value,
                    success: Ordering,
                    failure: Ordering,
                ) -> Result<$value, $value> {
                    match fault::at(Location::caller(), Operation::ReadModifyWrite, success) {
                        Some(Kind::Weaken(weaker)) => self.0.compare_exchange(current, new, weaker, Ordering::Relaxed),
                        Some(fault) => {
                            let old = self.0.compare_exchange(current, current, read_half(success), failure)?;
                            self.write_late(fault, new, success);
                            Ok(old)
                        }
                        None => self.0.compare_exchange(current, new, success, failure),
                    }
                }

                #[track_caller]
                pub(crate) fn compare_exchange_weak(
                    &self,
                    current: $value,
                    new: $value,
                    success: Ordering,
                    failure: Ordering,
                ) -> Result<$value, $value> {
                    self.compare_exchange(current, new, success, failure)
                }

                $(#[track_caller]
                pub(crate) fn $arithmetic(&self, operand: $value, ordering: Ordering) -> $value {
                    let compute: fn($value, $value) -> $value = $compute;
                    match fault::at(Location::caller(), Operation::ReadModifyWrite, ordering) {
                        Some(Kind::Weaken(weaker)) => self.0.$arithmetic(operand, weaker),
                        Some(fault) => self.torn(fault, ordering, |old| compute(old, operand)),
                        None => self.0.$arithmetic(operand, ordering),
                    }
                })*

                /// A read-modify-write in two halves. The first sees the newest value, as the whole would: nothing is wrong
                /// but that others may come in between.
                fn torn(&self, fault: Kind, ordering: Ordering, new: impl FnOnce($value) -> $value) -> $value {
                    let mut guess = self.0.load(Ordering::Relaxed);
                    let old = loop {
                        match self.0.compare_exchange(guess, guess, read_half(ordering), Ordering::Relaxed) {
                            Ok(old) => break old,
                            Err(now) => guess = now,
                        }
                    };
                    self.write_late(fault, new(old), ordering);
                    old
                }

                /// The second half, which [`Kind::Omit`] leaves out.
                fn write_late(&self, fault: Kind, new: $value, ordering: Ordering) {
                    match fault {
                        Kind::Tear => self.0.store(new, write_half(ordering)),
                        Kind::Omit => {}
                        other => panic!("a read-modify-write cannot have the fault {other:?}"),
                    }
                }
            }
        };
    }

    fn read_half(ordering: Ordering) -> Ordering {
        match ordering {
            Ordering::Release => Ordering::Relaxed,
            Ordering::AcqRel => Ordering::Acquire,
            other => other,
        }
    }

    fn write_half(ordering: Ordering) -> Ordering {
        match ordering {
            Ordering::Acquire => Ordering::Relaxed,
            Ordering::AcqRel => Ordering::Release,
            other => other,
        }
    }

    macro_rules! atomic_integer {
        ($name:ident, $value:ty) => {
            atomic!($name, $value, [
                fetch_add => |old, operand| old.wrapping_add(operand),
                fetch_sub => |old, operand| old.wrapping_sub(operand),
                fetch_or => |old, operand| old | operand,
                fetch_and => |old, operand| old & operand
            ]);
        };
    }

    atomic_integer!(AtomicU8, u8);
    atomic_integer!(AtomicU32, u32);
    atomic_integer!(AtomicU64, u64);
    atomic_integer!(AtomicUsize, usize);
    atomic!(AtomicBool, bool, []);
    atomic!(AtomicPtr<T>, *mut T, []);

    impl<T> AtomicPtr<T> {
        /// Is there to be compiled: loom lends what is in an atomic to a closure only.
        pub(crate) fn get_mut(&mut self) -> &mut *mut T {
            panic!("no model has a reference to what is in an atomic")
        }
    }
}

pub(crate) mod cell {
    pub(crate) use loom::cell::UnsafeCell;
}

/// What models shrink, and how far; and how a model goes beyond that.
#[path = "loom_bounds.rs"]
pub mod bounds;

pub(crate) use bounds::{BUCKETS, bucket};

pub(crate) mod hint {
    pub(crate) use super::bounds::{decided, patience, sized};

    /// However many pauses: to a model they are one point at which the others run.
    pub(crate) fn spin_for(_rounds: u32) {
        super::thread::yield_now();
    }

    /// Whether an execution of a model has failed and is being torn down, so that destructors must touch nothing of it.
    pub(crate) fn is_abandoned() -> bool {
        std::thread::panicking()
    }

    loom::thread_local! {
        static ASKED: std::cell::Cell<bool> = std::cell::Cell::new(false);
    }

    /// Whether `deadline` has passed, for somebody who can do without the answer: a thread is told so when it asks again.
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

    /// The time that far from now, which says nothing in a model; `None` as in the native world.
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

#[path = "loom_futex.rs"]
pub(crate) mod futex;

#[cfg(any(target_os = "linux", target_os = "android"))]
#[path = "loom_pi.rs"]
pub(crate) mod kernel_pi;

pub(crate) mod thread {
    use std::cell::Cell;

    /// Whether this thread is unwinding. All simulated threads are coroutines of one, so std cannot say which it is: a model
    /// or a simulation does by itself what a destructor would do then.
    pub(crate) const fn is_unwinding() -> bool {
        false
    }

    /// As if on two cores, so that a model of three threads has one too many.
    pub(crate) fn parallelism() -> usize {
        2
    }

    /// Whether this execution has failed. Its threads are unwound and can use nothing of the model any more.
    pub(crate) fn has_failed() -> bool {
        std::thread::panicking()
    }

    loom::thread_local! {
        static WAITED: Cell<u32> = Cell::new(0);
    }

    pub(crate) fn yield_now() {
        let waits = WAITED.try_with(|waited| waited.replace(waited.get() + 1) + 1);
        // Whoever waits in the destructor of another thread-local, when this one is gone, has waited often enough.
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

/// A value that lives as long as somebody uses it in one execution.
///
/// Counted, since loom ends its statics with the main thread, and other threads may still have destructors to run.
pub(crate) type Global<T> = std::sync::Arc<T>;

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
        panic!("in the loom world, make the raw lock with `new()` and the lock with `from_raw`")
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

#[cfg(feature = "epoch")]
#[path = "loom_epoch.rs"]
pub(crate) mod epoch;

pub(crate) mod fork {
    /// Nothing is forked here.
    pub(crate) fn in_child_once(_handler: extern "C" fn()) {}
}
