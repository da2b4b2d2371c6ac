//! A participant is one.

fn main() {
    let participants = linchpin::barrier::TreeBarrier::new(2);
    let _other = participants[0].clone();
}
