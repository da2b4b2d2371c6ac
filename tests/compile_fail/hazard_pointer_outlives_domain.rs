//! A hazard pointer borrows its domain.

use linchpin::hazard::{Domain, HazardPointer};

struct Family;

fn main() {
    let domain = Domain::new(&Family);
    let hazard_pointer = HazardPointer::new_in_domain(&domain);
    drop(domain);
    drop(hazard_pointer);
}
