//! The way into the engine: the simulation of the OS thread, and what the API calls.
//!
//! There is one simulation at a time on an OS thread. Whatever a simulated thread does, it does
//! through this module. Outside a simulation every entry point is a no-op, so statics and set-up
//! code may use the same atomics.

use core::cell::RefCell;
use core::panic::Location;
use core::time::Duration;

use super::access::{Access, Effect, Kind, Site};
use super::futex::Progress;
use super::globals::Globals;
use super::locals::Locals;
use super::simulation::Simulation;
use super::suspension::Step;
use super::thread::Wakeup;

std::thread_local! {
    static SIMULATION: RefCell<Option<Box<Simulation>>> = const { RefCell::new(None) };
}

/// Holds the place in `SIMULATION` for as long as a simulation runs, and frees it however that
/// ends.
pub(crate) struct Installed(());

impl Installed {
    /// # Panics
    /// Inside a simulation.
    pub(crate) fn new(simulation: Simulation) -> Installed {
        // No panic while it is borrowed: the hook may be the caller's, and come back here.
        let free = SIMULATION.with_borrow(Option::is_none);
        assert!(free, "a simulation cannot be run inside another simulation");
        SIMULATION.set(Some(Box::new(simulation)));
        Installed(())
    }

    pub(crate) fn with<R>(&self, f: impl FnOnce(&mut Simulation) -> R) -> R {
        SIMULATION.with_borrow_mut(|s| f(s.as_mut().expect("set until this is dropped")))
    }
}

impl Drop for Installed {
    fn drop(&mut self) {
        SIMULATION.take();
    }
}

/// Lets the simulated thread that runs act on the simulation, as often as it takes, suspended in
/// between. `None` outside a simulation.
#[inline]
pub(crate) fn act<T>(mut action: impl FnMut(&mut Simulation) -> Step<T>) -> Option<T> {
    loop {
        let step = SIMULATION
            .try_with(|s| {
                // It is borrowed where a panic of the engine itself calls a hook that uses the
                // atomics of a simulation.
                let mut s = s.try_borrow_mut().ok()?;
                let simulation = s.as_deref_mut().filter(|simulation| simulation.in_thread())?;
                Some(action(simulation))
            })
            .ok()
            .flatten()?;
        match step {
            Step::Done(value) => return Some(value),
            Step::Again(suspension) => suspension.suspend(),
        }
    }
}

/// Bills an access to memory, which the caller carries out right after. `effect` is called once,
/// when it is this thread's turn; it may look at the memory.
#[inline]
pub(crate) fn access(address: usize, size: usize, kind: Kind, site: Site, effect: impl Fn() -> Effect) {
    let access = Access {
        address,
        size,
        kind,
        site,
    };
    act(|s| s.access(&access, &effect));
}

/// Bills an access to an object of any size, line by line.
pub(crate) fn access_object(address: usize, size: usize, kind: Kind, effect: Effect, site: Site) {
    let Some(line) = act(|s| Step::Done(s.machine.line)) else {
        return;
    };
    let (mut from, end) = (address, address + size);
    while from < end {
        let next = ((from / line + 1) * line).min(end);
        access(from, next - from, kind, site, || effect);
        from = next;
    }
}

/// Bills a sequentially consistent fence.
#[track_caller]
pub(crate) fn fence() {
    let site = Location::caller();
    act(|s| s.fence(site));
}

/// Bills one turn of a spin loop. Returns whether there is a simulation.
#[track_caller]
pub(crate) fn spin_hint() -> bool {
    let site = Location::caller();
    act(|s| s.spin_hint(site)).is_some()
}

/// Gives up the core. Returns whether there is a simulation.
#[track_caller]
pub(crate) fn yield_now() -> bool {
    let site = Location::caller();
    let mut done = false;
    act(|s| s.yield_now(site, &mut done)).is_some()
}

/// Sleeps while the word at `address` is as expected; see [`crate::futex::wait`]. `None` outside a
/// simulation.
pub(crate) fn futex_wait(
    address: usize,
    site: Site,
    as_expected: impl Fn() -> bool,
    timeout: Option<Duration>,
) -> Option<Wakeup> {
    let mut progress = Progress::Call;
    act(|s| s.futex_wait(address, site, &as_expected, timeout, &mut progress))
}

/// Wakes up to `count` threads; see [`crate::futex::wake`]. `None` outside a simulation.
pub(crate) fn futex_wake(address: usize, count: usize, site: Site) -> Option<usize> {
    act(|s| s.futex_wake(address, count, site))
}

/// The index of the simulated thread that runs.
pub(crate) fn current() -> Option<usize> {
    act(|s| Step::Done(s.current()))
}

/// How many cores the simulated machine has.
pub(crate) fn cores() -> Option<usize> {
    act(|s| Step::Done(s.machine.cores()))
}

/// The virtual time of the simulated thread that runs. A loop that looks at the clock is never
/// taken for a wait.
#[track_caller]
pub(crate) fn now() -> Option<Duration> {
    let site = Location::caller();
    act(|s| s.look_at_clock(site))
}

/// From here on, everything is counted under this name: accesses of all simulated threads that come
/// after this call in virtual order.
///
/// The call takes its place among the accesses like any of them: what threads with a smaller
/// virtual clock do is counted under the phase before. It costs nothing. A name that was used
/// before goes on being counted; what runs before the first call is counted as `"start"`. Outside a
/// simulation it does nothing.
///
/// A miss counts in the phase in which it happened, also if its class (true or false sharing) is
/// only known later.
///
/// ```
/// use coherence::sync::atomic::{AtomicU32, Ordering::Relaxed};
///
/// let word = AtomicU32::new(0);
/// let report = coherence::run(&coherence::Machine::flat(1), 1, |_| {
///     word.fetch_add(1, Relaxed);
///     coherence::phase("steady");
///     word.fetch_add(1, Relaxed);
/// });
/// assert_eq!(report.phase("start").transactions(), 1);
/// assert_eq!(report.phase("steady").transactions(), 0);
/// ```
#[track_caller]
pub fn phase(name: &str) {
    let site = Location::caller();
    act(|s| s.phase(name, site));
}

/// Calls `f` with the statics of the simulation that runs. `None` outside a simulation.
pub(crate) fn with_globals<R>(mut f: impl FnMut(&mut Globals) -> R) -> Option<R> {
    act(|s| Step::Done(f(&mut s.globals)))
}

/// Calls `f` with the thread-locals of the simulated thread that runs. `None` outside a simulation.
pub(crate) fn with_locals<R>(mut f: impl FnMut(&mut Locals) -> R) -> Option<R> {
    act(|s| Step::Done(f(&mut s.me().locals)))
}
