//! What a section is lent does not leave it.

use linchpin::queue::{McsCell, McsNode};

fn main() {
    let total = McsCell::new(1);
    let escaped: &mut i32 = total.lock_with(&mut McsNode::new(), |total| total);
    *escaped += 1;
}
