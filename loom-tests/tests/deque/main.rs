//! Models of the deques: each element comes out once, whole, whatever the owner and the thieves do meanwhile. Buffers have two
//! slots.
#![cfg(linchpin_loom)]

mod block;
mod chase_lev;
mod injector;

use loom_tests::models;

models! {
    deque, sources: [
        "src/deque/worker.rs", "src/deque/room.rs", "src/deque/stealer.rs", "src/deque/shared.rs", "src/deque/claims.rs",
        "src/deque/injector/mod.rs", "src/deque/injector/segment.rs", "src/deque/injector/spare.rs",
        "src/deque/injector/batch.rs", "src/deque/block/opened.rs", "src/deque/block/returned.rs",
    ],
    last_element => chase_lev::last_element(),
    last_of_two => chase_lev::last_of_two(),
    fifo => chase_lev::fifo(),
    pop_publishes => chase_lev::pop_publishes(),
    growth => chase_lev::growth(),
    shrinking => chase_lev::shrinking(),
    slot_is_reused => chase_lev::slot_is_reused(),
    slot_is_reused_late => chase_lev::slot_is_reused_late(),
    batch => chase_lev::batch(),
    batch_publishes => chase_lev::batch_publishes(),
    fifo_batch => chase_lev::fifo_batch(),
    shared_stealer => chase_lev::shared_stealer(),
    length => chase_lev::length(),
    injector => injector::injector(),
    injector_hands_over => injector::injector_hands_over(),
    injector_reuses => injector::injector_reuses(),
    injector_keeps => injector::injector_keeps(),
    injector_batch => injector::injector_batch(),
    block_returns => block::block_returns(),
    block_opens => block::block_opens(),
    block_retires => block::block_retires(),
    block_answers => block::block_answers(),
    block_comes_back => block::block_comes_back(),
}
