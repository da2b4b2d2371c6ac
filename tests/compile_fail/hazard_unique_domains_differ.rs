//! Each unique domain has a family of its own.

use linchpin::hazard::{AtomicPtr, Domain, HazardPointer, unique_domain};

fn pointer_in<F>(_: &Domain<F>) -> AtomicPtr<u32, F> {
    AtomicPtr::from(Box::new(1))
}

fn main() {
    let (one, other) = (unique_domain!(), unique_domain!());
    let current = pointer_in(&one);
    let mut hazard_pointer = HazardPointer::new_in_domain(&other);
    current.safe_load(&mut hazard_pointer);
}
