//! An arrival belongs to its episode, and is used up by the wait.

fn main() {
    let barrier = linchpin::barrier::Barrier::new(1);
    let arrival = barrier.arrive();
    let _ = arrival.wait();
    let _ = arrival.wait();
}
