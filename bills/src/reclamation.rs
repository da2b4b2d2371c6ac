//! Reclamation: what threads pay that protect what they share, and retire what they have.

use coherence::Machine;
use linchpin::hazard::{AtomicPtr, Domain, HazardPointer};

use crate::workloads::Apart;
use crate::{Bill, bill};

struct Family;

/// Protections that are billed, for each thread.
const PROTECTIONS: usize = 256;
/// Objects that are retired, for each thread: enough for two scans.
const OBJECTS: usize = 2_000;

/// A domain, and a pointer that all threads read, as in a table of settings.
struct Shared {
    domain: Apart<Domain<Family>>,
    current: Apart<AtomicPtr<u64, Family>>,
}

impl Shared {
    fn new() -> Self {
        Shared {
            domain: Apart(Domain::new(&Family)),
            current: Apart(AtomicPtr::from(Box::new(1))),
        }
    }

    fn read(&self, hazard_pointer: &mut HazardPointer<'_, Family>) {
        // SAFETY: all that it ever holds is one object, which is dropped with this.
        let seen = unsafe { self.current.0.load(hazard_pointer) };
        assert_eq!(seen, Some(&1));
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        // SAFETY: from a box, and no thread is left.
        drop(unsafe { Box::from_raw(self.current.0.load_ptr()) });
    }
}

/// All protect one object, each with a hazard pointer that it keeps.
pub fn protect(machine: &Machine, threads: usize) -> Bill {
    let shared = Shared::new();
    bill(machine, threads, PROTECTIONS, usize::MAX, |thread, meter| {
        let mut hazard_pointer = HazardPointer::new_in_domain(&shared.domain.0);
        while meter.goes_on() {
            shared.read(&mut hazard_pointer);
            hazard_pointer.reset_protection();
            meter.tick(thread);
        }
    })
}

/// All protect one object, each time with a new hazard pointer.
pub fn protect_anew(machine: &Machine, threads: usize) -> Bill {
    let shared = Shared::new();
    bill(machine, threads, PROTECTIONS, usize::MAX, |thread, meter| {
        while meter.goes_on() {
            shared.read(&mut HazardPointer::new_in_domain(&shared.domain.0));
            meter.tick(thread);
        }
    })
}

/// Each retires objects of its own, and scans for all of them.
pub fn retire(machine: &Machine, threads: usize) -> Bill {
    let shared = Shared::new();
    bill(machine, threads, OBJECTS, usize::MAX, |thread, meter| {
        while meter.goes_on() {
            let object = Box::into_raw(Box::new(1_u64));
            // SAFETY: no other thread has seen it.
            unsafe { shared.domain.0.retire_ptr::<u64, Box<u64>>(object) };
            meter.tick(thread);
        }
    })
}

/// The control: all protect one object, each in a word of its own, side by side with those of others.
pub fn protect_side_by_side(machine: &Machine, threads: usize) -> Bill {
    use coherence::sync::atomic::{AtomicPtr, Ordering};
    let current = Apart(AtomicPtr::new(Box::into_raw(Box::new(1_u64))));
    let hazards = Apart([const { AtomicPtr::<u64>::new(std::ptr::null_mut()) }; 64]);
    let bill = bill(machine, threads, PROTECTIONS, usize::MAX, |thread, meter| {
        while meter.goes_on() {
            let object = current.0.load(Ordering::Acquire);
            hazards.0[thread].store(object, Ordering::Release);
            assert_eq!(current.0.load(Ordering::Acquire), object);
            hazards.0[thread].store(std::ptr::null_mut(), Ordering::Release);
            meter.tick(thread);
        }
    });
    // SAFETY: from a box, and no thread is left.
    drop(unsafe { Box::from_raw(current.0.load(Ordering::Relaxed)) });
    bill
}
