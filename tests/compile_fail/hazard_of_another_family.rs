//! A hazard pointer protects what is retired in its own domain, and nothing else.

use linchpin::hazard::{AtomicPtr, Domain, HazardPointer};

struct Family;

fn main() {
    let domain = Domain::new(&Family);
    let global: AtomicPtr<u32> = AtomicPtr::from(Box::new(1));
    let mut hazard_pointer = HazardPointer::new_in_domain(&domain);
    let _ = unsafe { global.load(&mut hazard_pointer) };
}
