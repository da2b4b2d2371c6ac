//! A reader may be on another thread than the one that has made the object.

use linchpin::hazard::{AtomicPtr, HazardPointer};
use std::cell::Cell;

fn main() {
    let current: AtomicPtr<Cell<u32>> = AtomicPtr::from(Box::new(Cell::new(1)));
    let mut hazard_pointer = HazardPointer::new();
    current.safe_load(&mut hazard_pointer);
}
