//! What the stacks hold on to: counted, since the whole program goes through an allocator that counts.
