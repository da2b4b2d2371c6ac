//! What simulated threads do: accesses, hints, yields, looks at the clock, phases. Each takes its
//! turn and is billed.

use core::time::Duration;

use super::access::{Access, Effect, Kind, Site};
use super::directory::{Outcome, Place};
use super::livelock::SLOW;
use super::simulation::Simulation;
use super::suspension::{Step, Suspension};
use super::tally::State;

/// A `spin_loop` may run so far (in picoseconds) ahead of the other threads: it touches nothing
/// they see.
const LEAD: u64 = 10_000_000;

impl Simulation {
    /// Bills an access; see [`entry::access`](super::entry::access).
    #[inline]
    pub(crate) fn access(&mut self, a: &Access, effect: &impl Fn() -> Effect) -> Step<()> {
        loop {
            if let Some(suspension) = self.await_turn() {
                return Step::Again(suspension);
            }
            let me = self.current();
            let t = &mut self.threads[me];
            let place = self.directory.place(t.core, self.directory.number(a.address));
            let e = effect();
            if !e.changed && self.may_go_dormant(me, a, place) {
                return Step::Again(self.go_dormant(me));
            }
            let t = &mut self.threads[me];
            let atomic = if a.kind == Kind::Rmw { self.machine.rmw } else { 0 };
            let outcome = self
                .directory
                .access(&self.machine, place, a, e.wrote, self.phases.current(), t.clock);
            let hit = matches!(outcome, Outcome::Hit);
            match outcome {
                Outcome::Hit => {
                    t.clock += self.machine.hit + atomic;
                    if e.changed && !self.directory.lines[place.line as usize].watchers.is_empty() {
                        let now = self.threads[me].clock;
                        self.wake_watchers(place.line, now, None);
                    }
                }
                Outcome::Moved { end, downgraded } => {
                    t.clock = end.saturating_add(atomic);
                    self.line_moved(place, a, end, downgraded);
                }
                Outcome::Later(time) => {
                    t.clock = time;
                    // A turn must be taken anew, however far the limit is: the owner goes first.
                    self.limit = self.limit.min(time);
                    continue;
                }
            }
            let t = &mut self.threads[me];
            if e.changed {
                t.window.restart();
                self.idle.clear();
            } else {
                t.window.look(a.address, a.site, place, hit);
                self.count_idle(if hit { 1 } else { SLOW });
            }
            return Step::Done(());
        }
    }

    #[inline]
    fn may_go_dormant(&mut self, me: usize, a: &Access, place: Place) -> bool {
        let held = self.directory.state(place);
        (held == State::Owned || held == State::Shared && a.kind == Kind::Load)
            && self.threads[me]
                .window
                .nothing_new(a.address, a.site, &self.directory, self.unhinted_looks)
            && (!std::thread::panicking() || self.threads[me].window.is_stuck())
    }

    /// The line moved until `end`: dormant threads that look at it run, and its pair is fetched if
    /// the machine does so.
    #[inline(never)]
    fn line_moved(&mut self, place: Place, a: &Access, end: u64, downgraded: Option<u16>) {
        if !self.directory.lines[place.line as usize].watchers.is_empty() {
            match (a.kind, downgraded) {
                (Kind::Load, None) => {}
                (Kind::Load, core) => self.wake_watchers(place.line, end, core),
                _ => self.wake_watchers(place.line, end, None),
            }
        }
        if self.machine.adjacent
            && let Some(number) = self.directory.other_of_pair(place)
        {
            let core = self.me().core;
            let other = self.directory.place(core, number);
            if self.directory.state(other) == State::Invalid {
                let load = Access {
                    size: 0,
                    kind: Kind::Load,
                    ..*a
                };
                let outcome = self
                    .directory
                    .access(&self.machine, other, &load, false, self.phases.current(), end);
                if let Outcome::Moved {
                    end,
                    downgraded: Some(core),
                } = outcome
                {
                    self.wake_watchers(other.line, end, Some(core));
                }
            }
        }
    }

    /// One turn of a spin loop.
    pub(crate) fn spin_hint(&mut self, site: Site) -> Step<()> {
        self.me().call = Some(("spins", site));
        if let Some(suspension) = self.await_turn_or_lead() {
            return Step::Again(suspension);
        }
        self.me().window.hint();
        self.count_idle(1);
        self.spend(self.machine.pause);
        Step::Done(())
    }

    /// A sequentially consistent fence.
    pub(crate) fn fence(&mut self, site: Site) -> Step<()> {
        self.me().call = Some(("makes a fence", site));
        if let Some(suspension) = self.await_turn_or_lead() {
            return Step::Again(suspension);
        }
        self.count_idle(SLOW / 8);
        self.spend(self.machine.fence);
        Step::Done(())
    }

    /// Waits for a turn, but lets the thread run ahead a little.
    #[inline]
    fn await_turn_or_lead(&mut self) -> Option<Suspension> {
        if self.me().clock > self.limit.saturating_add(LEAD) || self.is_livelocked() {
            self.turn()
        } else {
            None
        }
    }

    /// A system call that lets the next thread of the core run; `done` is set once it is made.
    pub(crate) fn yield_now(&mut self, site: Site, done: &mut bool) -> Step<()> {
        if *done {
            return Step::Done(());
        }
        self.me().call = Some(("yields", site));
        if let Some(suspension) = self.await_turn() {
            return Step::Again(suspension);
        }
        *done = true;
        self.count_idle(2 * SLOW);
        self.spend(self.machine.syscall);
        let me = self.current() as u32;
        let t = self.me();
        t.window.yields = true;
        t.window.hint();
        let core = usize::from(t.core);
        if self.cores[core].ready.is_empty() || std::thread::panicking() {
            return Step::Done(());
        }
        self.rotate(me);
        Step::Again(self.suspension())
    }

    pub(crate) fn look_at_clock(&mut self, site: Site) -> Step<Duration> {
        self.me().call = Some(("looks at the clock", site));
        if let Some(suspension) = self.await_turn() {
            return Step::Again(suspension);
        }
        self.count_idle(1);
        self.spend(self.machine.pause);
        self.me().window.restart();
        Step::Done(Duration::from_nanos(self.me().clock / 1000))
    }

    /// Counts under this name from now on.
    pub(crate) fn phase(&mut self, name: &str, site: Site) -> Step<()> {
        self.me().call = Some(("names a phase", site));
        if let Some(suspension) = self.await_turn() {
            return Step::Again(suspension);
        }
        self.count_idle(2 * SLOW);
        let now = self.me().clock;
        self.phases.begin(name, now);
        Step::Done(())
    }
}
