//! A participant cannot do anything else while its arrival is pending.

fn main() {
    let mut participants = linchpin::barrier::CombiningBarrier::new(2);
    let arrival = participants[0].arrive().unwrap();
    let _ = participants[0].wait();
    let _ = arrival.wait();
}
