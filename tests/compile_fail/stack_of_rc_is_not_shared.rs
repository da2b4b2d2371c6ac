//! A value that is not `Send` may not come out on another thread.

use std::rc::Rc;

use linchpin::stack::TaggedStack;

fn main() {
    let stack = TaggedStack::new();
    stack.push(Rc::new(1));
    std::thread::scope(|scope| {
        scope.spawn(|| drop(stack.pop()));
    });
}
