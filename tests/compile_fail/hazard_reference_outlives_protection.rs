//! A reference lasts until the hazard pointer is used again.

use linchpin::hazard::{AtomicPtr, HazardPointer};

fn main() {
    let current: AtomicPtr<u32> = AtomicPtr::from(Box::new(1));
    let mut hazard_pointer = HazardPointer::new();
    let seen = current.safe_load(&mut hazard_pointer);
    hazard_pointer.reset_protection();
    drop(seen);
}
