//! The completion step: what runs once in each episode, after the last arrival and before any thread leaves.

#[cfg(feature = "std")]
use core::cell::Cell;

use super::gate::Gate;
use crate::backend::cell::UnsafeCell;
#[cfg(feature = "std")]
use crate::backend::per_thread;

/// What a barrier runs when an episode is complete: [`NoStep`], or a closure `FnMut() + Send`.
///
/// Sealed: a user's step is a closure.
pub trait Step: Send + sealed::Sealed {
    /// Whether there is anything to run.
    #[doc(hidden)]
    const RUNS: bool;

    #[doc(hidden)]
    fn run(&mut self);
}

/// No completion step.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoStep;

impl Step for NoStep {
    const RUNS: bool = false;

    fn run(&mut self) {}
}

impl<F: FnMut() + Send> Step for F {
    const RUNS: bool = true;

    fn run(&mut self) {
        self();
    }
}

mod sealed {
    pub trait Sealed {}
    impl Sealed for super::NoStep {}
    impl<F: FnMut() + Send> Sealed for F {}
}

/// A step inside a barrier.
pub(super) struct StepCell<S>(pub(super) UnsafeCell<S>);

// SAFETY: one thread at a time runs the step, as the caller of `run` promises, which takes `Send` and no more.
unsafe impl<S: Send> Sync for StepCell<S> {}

impl<S: Step> StepCell<S> {
    /// Runs the step of the barrier that `part` belongs to.
    ///
    /// # Safety
    ///
    /// The caller is the only thread that runs it now, and what other threads did in it before happens before.
    pub(super) unsafe fn run<T>(&self, part: &T) {
        if S::RUNS {
            #[cfg(not(feature = "std"))]
            let _ = part;
            #[cfg(feature = "std")]
            let running = Running {
                part: address(part),
                outer: RUNNING.with(Cell::get),
            };
            #[cfg(feature = "std")]
            let _reset = running.enter();
            self.0.with_mut(|step| {
                // SAFETY: no other thread uses it now, as the caller promises; and this one does not come back here while
                // it runs, since an arrival inside the step panics (`refuse_inside`), or with no `std` waits for ever.
                unsafe { &mut *step }.run();
            });
        }
    }

    /// The same, for a barrier with a gate, which is poisoned if the step panics.
    ///
    /// # Safety
    ///
    /// As above.
    #[inline]
    pub(super) unsafe fn run_or_poison(&self, gate: &Gate) {
        if S::RUNS {
            let poisons = Poisons(gate);
            // SAFETY: as the caller promises.
            unsafe { self.run(gate) };
            core::mem::forget(poisons);
        }
    }

    /// Panics inside the step of the barrier that `part` belongs to, where a wait for that would last for ever.
    ///
    /// A step without a size has an address that is the neighbour's; so a barrier is known by a part that has one, and is
    /// the same each time.
    #[inline]
    pub(super) fn refuse_inside<T>(&self, part: &T) {
        #[cfg(feature = "std")]
        if S::RUNS && is_running_here(address(part)) {
            refuse();
        }
        #[cfg(not(feature = "std"))]
        let _ = part;
    }
}

/// Poisons a gate when it is dropped.
struct Poisons<'gate>(&'gate Gate);

impl Drop for Poisons<'_> {
    fn drop(&mut self) {
        if !super::is_abandoned() {
            self.0.poison();
        }
    }
}

#[cfg(feature = "std")]
fn is_running_here(part: *const ()) -> bool {
    let mut next = RUNNING.try_with(Cell::get).unwrap_or(core::ptr::null());
    // SAFETY: the records in this list are on this thread's stack, further down: each is taken out of it (`Reset`)
    // before it goes out of scope.
    while let Some(running) = unsafe { next.as_ref() } {
        if running.part == part {
            return true;
        }
        next = running.outer;
    }
    false
}

#[cfg(feature = "std")]
fn address<T>(part: &T) -> *const () {
    const { assert!(size_of::<T>() > 0, "only what has a size has an address of its own") };
    core::ptr::from_ref(part).cast()
}

#[cfg(feature = "std")]
#[cold]
fn refuse() -> ! {
    panic!("the completion step of a barrier has come to that barrier itself, which would wait for the step to end");
}

#[cfg(feature = "std")]
per_thread! {
    /// The steps that this thread is in, the innermost first.
    static RUNNING: Cell<*const Running> = Cell::new(core::ptr::null());
}

/// A step that this thread is in.
#[cfg(feature = "std")]
struct Running {
    part: *const (),
    outer: *const Running,
}

/// Takes the innermost step out of the list, also when it panics.
#[cfg(feature = "std")]
struct Reset<'running>(&'running Running);

#[cfg(feature = "std")]
impl Running {
    fn enter(&self) -> Reset<'_> {
        RUNNING.with(|first| first.set(self));
        Reset(self)
    }
}

#[cfg(feature = "std")]
impl Drop for Reset<'_> {
    fn drop(&mut self) {
        let _ = RUNNING.try_with(|first| first.set(self.0.outer));
    }
}

#[cfg(all(test, feature = "std"))]
mod tests {
    use super::*;

    /// The list of steps is as it was when a step has ended, also by a panic, and none of it is left behind.
    #[test]
    fn a_step_that_ends_is_in_the_list_no_more() {
        let (outer, inner) = (0_u32, 1_u32);
        let fails = StepCell(UnsafeCell::new(|| panic!("on purpose")));
        let step = StepCell(UnsafeCell::new(|| {
            // SAFETY: this thread alone runs it, once.
            let run = || unsafe { fails.run(&inner) };
            assert!(std::panic::catch_unwind(core::panic::AssertUnwindSafe(run)).is_err());
            assert!(is_running_here(address(&outer)) && !is_running_here(address(&inner)));
        }));
        // SAFETY: as above.
        unsafe { step.run(&outer) };
        assert!(RUNNING.get().is_null());
    }
}
