//! What was taken goes back, node by node, to the stack that it came from.

use linchpin::stack::TaggedStack;

fn main() {
    let mut all = {
        let stack = TaggedStack::new();
        stack.push(1);
        stack.pop_all()
    };
    all.next();
}
