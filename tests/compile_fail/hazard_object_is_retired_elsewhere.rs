//! What a pointer holds is retired in the domain of its own family.

use linchpin::hazard::{AtomicPtr, Domain};

struct Family;

fn main() {
    let current: AtomicPtr<u32, Family> = AtomicPtr::from(Box::new(1));
    unsafe { current.retire_in(Domain::global()) };
}
