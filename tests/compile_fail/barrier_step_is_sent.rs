//! The completion step runs in whichever thread comes last.

fn main() {
    let count = std::rc::Rc::new(());
    let barrier = linchpin::barrier::Barrier::with_step(1, move || drop(count.clone()));
    barrier.wait();
}
