//! The fence pair of "announce, then check": [`light`] for the side that runs often, [`heavy`] for the one that seldom
//! does.
//!
//! Two threads each store to a word of their own and then load the other's: a reader announces a hazard and checks that
//! the object is still there, a reclaimer takes the object away and checks the hazards. A processor may carry out the
//! load before the store is seen (store buffering), and then each of them misses the other. A SeqCst fence between
//! store and load on both sides forbids it. It costs the frequent side as much as an RMW.
//!
//! **The pair.** Where Linux has `membarrier(MEMBARRIER_CMD_PRIVATE_EXPEDITED)`, `heavy` is that system call, and
//! `light` keeps only the compiler from moving memory accesses. The call makes every running thread of the process pass
//! a full barrier before it returns (membarrier(2), "Expedited"; the kernel interrupts their cores, and a thread that
//! is not running has passed one when it was switched out). It falls at some point of the light side's program. If that
//! is after the light side's store, the store is seen by the loads after `heavy`. If it is before, then so is the light
//! side's load not yet made, and it sees what the heavy side stored before `heavy`. So one of them sees the other,
//! provided that the light side's instructions are in program order, which is what the compiler fence is for. The idea
//! is Dice, Huang, Yang, "Asymmetric Dekker synchronization" (Sun, 2001) and the signals of userspace RCU (Desnoyers
//! and others, IEEE TPDS 2012); as a fence pair for C++ it is Goldblatt's P1202.
//!
//! **The fall-back.** Where there is no such call (no `std`, another system, an older kernel, a sandbox, Miri, or with
//! `LINCHPIN_MEMBARRIER=0` in the environment) both are SeqCst fences.
//!
//! **They always agree.** Which one it is, is found out by the first call. Until it is published both sides are real
//! fences: a real `light` goes with either `heavy`. What must not meet is a compiler fence and a mere fence, so
//! publishing has two steps. First `heavy` becomes the system call. Then the prober makes such a call itself: a thread
//! that has not seen the first step and is about to do with a fence had, at its barrier, already stored what it
//! announces, so the prober has that store in its past. Only then does it publish, with Release, that `light` is a
//! compiler fence; the thread that reads that, with Acquire, sees the announcement in its own check. The last state is
//! never left, not even by a child after a fork.
//!
//! | state | `light` | `heavy` | next |
//! |---|---|---|---|
//! | `UNKNOWN` | a fence | a fence | `PROBING`, by the first call |
//! | `PROBING` | a fence | a fence | `FENCES` or `REGISTERED`, by the prober |
//! | `FENCES` | a fence | a fence | |
//! | `REGISTERED` | a fence | membarrier | `EXPEDITED`, by the prober |
//! | `EXPEDITED` | a compiler fence | membarrier | |
//!
//! **Cost.** `light`: a load of a byte that no thread writes any more, and a branch. `heavy`: 14 microseconds here
//! while the other core runs a thread of this process. The first call of either registers the process, which may take
//! some milliseconds: the kernel waits until every core has noticed.
//!
//! The prober looks into the environment, which may allocate, and the allocator may be guarded by one of our locks:
//! that call finds `PROBING` and does not probe.
//!
//! **Refused later.** A sandbox may forbid `membarrier` after it was used. There is no way back from a compiler fence,
//! so [`try_heavy`] then answers false: a thread that only risks to sleep too long polls instead. Where exclusion
//! depends on the fence, [`heavy`] aborts the process with a sentence that names the remedy. Page protection, with
//! which other libraries interrupt the cores instead, is no way out: processors with broadcast TLB invalidation take it
//! without an interrupt.

#[cfg(not(all(feature = "std", any(target_os = "linux", target_os = "android"), not(miri))))]
#[allow(dead_code, reason = "as in `expedited`")]
mod fences {
    use crate::backend::atomic::{SeqCst, fence};

    /// The frequent side.
    #[inline]
    pub(crate) fn light() {
        fence(SeqCst);
    }

    /// The rare side.
    #[inline]
    pub(crate) fn heavy() {
        fence(SeqCst);
    }

    /// The same; false if there is no such fence any more, which does not happen here.
    #[inline]
    pub(crate) fn try_heavy() -> bool {
        fence(SeqCst);
        true
    }

    /// Whether `try_heavy` has failed before.
    #[inline]
    pub(crate) fn is_refused() -> bool {
        false
    }

    /// Does without membarrier, as always here.
    #[allow(unreachable_pub, reason = "public with `std`")]
    pub fn disable() -> bool {
        true
    }
}
#[cfg(not(all(feature = "std", any(target_os = "linux", target_os = "android"), not(miri))))]
#[allow(unused_imports, reason = "for hazard pointers and the announcements of waiters")]
pub(crate) use fences::{disable, heavy, is_refused, light, try_heavy};

#[cfg(all(feature = "std", any(target_os = "linux", target_os = "android"), not(miri)))]
#[allow(unused_imports, reason = "for hazard pointers and the announcements of waiters")]
pub(crate) use expedited::{disable, heavy, is_refused, light, try_heavy};

#[cfg(all(feature = "std", any(target_os = "linux", target_os = "android"), not(miri)))]
#[allow(dead_code, reason = "for hazard pointers and the announcements of waiters")]
mod expedited {
    use core::sync::atomic::{AtomicBool, AtomicU8, compiler_fence};

    use crate::backend::atomic::{Acquire, Relaxed, Release, SeqCst, fence};
    use rustix::io::Errno;
    use rustix::thread::{MembarrierCommand, membarrier, membarrier_query};

    const UNKNOWN: u8 = 0;
    const PROBING: u8 = 1;
    const FENCES: u8 = 2;
    const REGISTERED: u8 = 3;
    const EXPEDITED: u8 = 4;

    /// See the table in the module comment.
    pub(super) static STATE: AtomicU8 = AtomicU8::new(UNKNOWN);
    /// A barrier has been refused after one had been granted.
    static REFUSED: AtomicBool = AtomicBool::new(false);

    /// The frequent side: orders what is before it and what is after it, against a [`heavy`] of another thread.
    #[inline]
    pub(crate) fn light() {
        // Acquire: pairs with the Release store in `probe`. With a compiler fence alone the load that follows must see
        // what was announced with a mere fence before that store (see the module comment). In no model: there both are
        // fences.
        if STATE.load(Acquire) == EXPEDITED {
            compiler_fence(SeqCst);
        } else {
            light_fence();
        }
    }

    #[cold]
    #[inline(never)]
    fn light_fence() {
        probe();
        fence(SeqCst);
    }

    /// The rare side: orders what is before it and what is after it, against a [`light`] of another thread.
    ///
    /// Aborts the process if the kernel refuses the fence after it has granted one: `light` is a compiler fence for
    /// good.
    pub(crate) fn heavy() {
        if !try_heavy() {
            std::eprintln!(
                "linchpin: the kernel refuses membarrier, which it granted before, and a reader-writer lock cannot do \
                 without it any more. Call `linchpin::membarrier::disable()` before the first lock is used, or set \
                 LINCHPIN_MEMBARRIER=0 in the environment, or let the sandbox allow membarrier."
            );
            std::process::abort();
        }
    }

    /// As [`heavy`]; false if the kernel refuses the fence after it has granted one.
    #[must_use]
    pub(crate) fn try_heavy() -> bool {
        probe();
        // The announcement comes before the load of the state, for the prober's barrier to find it made.
        compiler_fence(SeqCst);
        // Relaxed: the prober's barrier is between its store of `REGISTERED` and that of `EXPEDITED`. If it comes
        // before this load, `REGISTERED` is seen here.
        if STATE.load(Relaxed) >= REGISTERED {
            if barrier().is_ok() {
                return true;
            }
            // Relaxed: a hint.
            REFUSED.store(true, Relaxed);
            // Acquire: as in `light`. Before `EXPEDITED`, every `light` is a fence, and a fence goes with it: the
            // prober that would publish `EXPEDITED` makes a barrier first, and gives up if that is refused.
            if STATE.load(Acquire) == EXPEDITED {
                return false;
            }
        }
        fence(SeqCst);
        true
    }

    /// Whether the kernel has refused a barrier after it had granted one.
    pub(crate) fn is_refused() -> bool {
        // Relaxed: a hint.
        REFUSED.load(Relaxed)
    }

    /// Makes both sides fences for good; answers whether they are. They are not if the pair was used before.
    pub(crate) fn disable() -> bool {
        // Relaxed, both: fences go with everything.
        match STATE.compare_exchange(UNKNOWN, FENCES, Relaxed, Relaxed) {
            Ok(_) => true,
            Err(state) => state == FENCES,
        }
    }

    /// Finds out what there is, if no thread has begun to.
    fn probe() {
        // Relaxed, all: a thread that sees that another thread probes uses real fences, and needs to see nothing else.
        if STATE.load(Relaxed) != UNKNOWN || STATE.compare_exchange(UNKNOWN, PROBING, Relaxed, Relaxed).is_err() {
            return;
        }
        if !is_wanted() || !is_supported() || register().is_err() {
            // Relaxed: fences go with everything.
            STATE.store(FENCES, Relaxed);
            return;
        }
        // Relaxed: the barrier that follows makes it seen.
        STATE.store(REGISTERED, Relaxed);
        if barrier().is_err() {
            // Relaxed: no `light` has ever been less than a fence.
            STATE.store(FENCES, Relaxed);
            return;
        }
        // Release: pairs with the Acquire load in `light`; Relaxed would not hand on what the barrier has shown.
        STATE.store(EXPEDITED, Release);
    }

    fn is_wanted() -> bool {
        std::env::var_os("LINCHPIN_MEMBARRIER").is_none_or(|value| value != "0")
    }

    fn is_supported() -> bool {
        membarrier_query().contains_command(MembarrierCommand::PrivateExpedited)
    }

    fn register() -> Result<(), Errno> {
        membarrier(MembarrierCommand::RegisterPrivateExpedited)
    }

    /// Every running thread of this process passes a full barrier, this one too; or the kernel says why not.
    pub(super) fn barrier() -> Result<(), Errno> {
        let mut is_registered = false;
        loop {
            match membarrier(MembarrierCommand::PrivateExpedited) {
                Ok(()) => return Ok(()),
                // Not registered: a child after a fork, whose parent was. A sandbox says the same, also after that.
                Err(Errno::PERM) if !is_registered => {
                    register()?;
                    is_registered = true;
                }
                // A kernel for very many cores needs memory for the list of them; it comes back.
                Err(Errno::NOMEM) => std::thread::sleep(core::time::Duration::from_micros(50)),
                Err(error) => return Err(error),
            }
        }
    }
}

#[cfg(all(test, feature = "std", any(target_os = "linux", target_os = "android"), not(miri)))]
mod tests {
    use super::*;
    use crate::backend::atomic::{AtomicU32, Relaxed, SeqCst};
    use core::sync::atomic::AtomicU8;
    use std::process::Command;
    use std::thread;
    use std::{env, format};

    fn state() -> u8 {
        expedited::STATE.load(Relaxed)
    }

    /// Runs the test `name` of this file in a process of its own, with the pair as `mode` says.
    fn alone(name: &str, mode: &str) {
        let this = env::current_exe().expect("a test knows its program");
        let output = Command::new(this)
            .args([
                "--exact",
                &format!("backend::native::membarrier::tests::{name}"),
                "--ignored",
            ])
            .env("LINCHPIN_MEMBARRIER", mode)
            .output()
            .expect("the program can be run again");
        let said = std::string::String::from_utf8_lossy(&output.stdout);
        assert!(
            output.status.success() && said.contains("1 passed"),
            "with LINCHPIN_MEMBARRIER={mode}:\n{said}{}",
            std::string::String::from_utf8_lossy(&output.stderr)
        );
    }

    #[test]
    fn both_sides_meet_with_membarrier() {
        alone("both_sides_meet", "1");
    }

    #[test]
    fn both_sides_meet_with_fences() {
        alone("both_sides_meet", "0");
    }

    #[test]
    fn both_sides_meet_while_it_is_found_out() {
        for _ in 0..20 {
            alone("both_sides_meet_from_the_start", "1");
        }
    }

    #[test]
    fn who_is_not_registered_registers_again() {
        alone("a_barrier_without_registration", "0");
    }

    /// Announces and checks on two threads, `rounds` times, and counts the rounds in which both have missed the other.
    fn misses(rounds: u32, here: fn(), there: fn()) -> u32 {
        use crossbeam_utils::CachePadded;
        struct Side {
            announced: CachePadded<AtomicU32>,
            seen: CachePadded<AtomicU32>,
            ready: CachePadded<AtomicU32>,
        }
        let side = || Side {
            announced: CachePadded::new(AtomicU32::new(0)),
            seen: CachePadded::new(AtomicU32::new(0)),
            ready: CachePadded::new(AtomicU32::new(0)),
        };
        let sides = [side(), side()];
        // Both arrive, and leave as close together as they can.
        let meet = |mine: &Side, other: &Side, stamp: u32| {
            mine.ready.store(stamp, SeqCst);
            let mut asked = 0_u32;
            while other.ready.load(SeqCst) < stamp {
                asked += 1;
                if asked > 1000 {
                    thread::yield_now();
                }
            }
        };
        // The one hears of the other later than it goes on itself, by as much as a line takes to cross: all the
        // differences are tried. Without any fence this counts some hundred misses where both cores are free (x86-64);
        // none, at times, where they are not.
        let linger = |rounds: u32| (0..rounds).for_each(|round| _ = core::hint::black_box(round));
        let act = |mine: &Side, other: &Side, fence: fn(), lingers: fn(u32) -> u32| {
            let mut both_missed = 0;
            for round in 1..=rounds {
                meet(mine, other, 2 * round - 1);
                linger(lingers(round));
                mine.announced.store(round, Relaxed);
                fence();
                let seen = other.announced.load(Relaxed);
                mine.seen.store(seen, Relaxed);
                meet(mine, other, 2 * round);
                both_missed += u32::from(seen < round && other.seen.load(Relaxed) < round);
            }
            both_missed
        };
        thread::scope(|scope| {
            let other = scope.spawn(|| act(&sides[1], &sides[0], there, |round| round / 40 % 40));
            act(&sides[0], &sides[1], here, |round| round % 40).max(other.join().expect("it only counts"))
        })
    }

    #[test]
    #[ignore = "run by the tests above, in a process of its own"]
    fn both_sides_meet() {
        let forced = env::var_os("LINCHPIN_MEMBARRIER").is_some_and(|mode| mode == "0");
        light();
        if forced {
            assert_eq!(state(), 2, "fences are forced");
        } else {
            assert!([2, 4].contains(&state()), "it is found out: {}", state());
        }
        let decided = state();
        assert_eq!(misses(20_000, light, heavy), 0);
        assert_eq!(misses(20_000, heavy, light), 0);
        assert_eq!(misses(2_000, heavy, heavy), 0);
        assert_eq!(state(), decided, "it stays so");
    }

    #[test]
    #[ignore = "run by the tests above, in a process of its own"]
    fn both_sides_meet_from_the_start() {
        assert_eq!(state(), 0, "no thread has asked yet");
        assert_eq!(misses(2_000, light, heavy), 0);
        assert!([2, 4].contains(&state()), "it is found out: {}", state());
    }

    /// As in a child after a fork whose parent was registered, if the kernel did not hand that on.
    #[test]
    #[ignore = "run by the tests above, in a process of its own"]
    fn a_barrier_without_registration() {
        static TURN: AtomicU8 = AtomicU8::new(0);
        heavy();
        assert_eq!(state(), 2, "not registered");
        if !rustix::thread::membarrier_query().contains_command(rustix::thread::MembarrierCommand::PrivateExpedited) {
            return; // there is nothing to register for
        }
        thread::scope(|scope| {
            scope.spawn(|| TURN.store(1, Relaxed));
            assert_eq!(expedited::barrier(), Ok(()));
            assert_eq!(expedited::barrier(), Ok(()));
        });
        assert_eq!(
            rustix::thread::membarrier(rustix::thread::MembarrierCommand::PrivateExpedited),
            Ok(())
        );
    }
}
