//! A node is in one line at a time.

use linchpin::queue::{McsCell, McsNode};

fn main() {
    let (one, other) = (McsCell::new(1), McsCell::new(2));
    let mut node = McsNode::new();
    one.lock_with(&mut node, |one| other.lock_with(&mut node, |other| *one += *other));
}
