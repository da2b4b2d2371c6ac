//! Where a family may have several domains, it is for the caller to know which it is.

use linchpin::hazard::{AtomicPtr, Domain, HazardPointer};

struct Family;

fn main() {
    let domain = Domain::new(&Family);
    let current: AtomicPtr<u32, Family> = AtomicPtr::from(Box::new(1));
    let mut hazard_pointer = HazardPointer::new_in_domain(&domain);
    current.safe_load(&mut hazard_pointer);
}
