//! What is retired may be dropped on another thread.

use linchpin::hazard::AtomicPtr;
use std::rc::Rc;

fn main() {
    let current: AtomicPtr<Rc<u32>> = AtomicPtr::from(Box::new(Rc::new(1)));
    unsafe { current.retire() };
}
