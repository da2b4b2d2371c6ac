//! A deque whose owner works in blocks of its own, without a fence or RMW, and shares whole blocks.
//!
//! | operation | cost |
//! |---|---|
//! | push, pop | plain accesses, and a look at a flag that thieves seldom set |
//! | once for each block of 64, when more than two blocks are there | the push or pop of one element of a [`deque::Worker`](super::Worker) |
//! | steal of one element | two RMWs, on the lines of the opened block and of the thief |
//! | steal of a block | the steal of one element of a [`deque::Worker`](super::Worker), for up to 64 elements |
//!
//! After Wang and others, "BWoS: formally verified block-based work stealing for parallel processing" (OSDI 2023): owner and
//! thieves synchronize for each block in place of each element. There the blocks are a ring of fixed length, in each of which owner
//! and thieves count; here they are the elements of a Chase-Lev deque, so that the deque is unbounded, and a block is handed
//! over as a whole, to its owner as to a thief.
//!
//! **What differs from [`deque::Worker`](super::Worker).** The newest elements are invisible to thieves: up to 128 of a LIFO
//! owner, and up to 64 pushed last and 64 popped next of a FIFO owner. A thief that finds nothing leaves word: at its next `push`
//! or `pop` the owner shares all it has, if that is 16 elements, or if the thief has found nothing 16 times. So where thieves go
//! on looking, an element stays invisible for one operation of the owner; but an owner that waits or computes does no operation. It
//! calls [`Worker::publish`] before; dropping the worker publishes too.
//!
//! Order: an owner alone pops strictly first in, first out, or last in, first out. Thieves take the oldest block, and its
//! elements in the order in which they were pushed. Beside thieves, a FIFO owner pops what a block has left where thieves have
//! opened it.
//!
//! Memory: the blocks in use, up to 8 empty ones that the owner keeps, up to 7 that thieves have left for it, those that thieves
//! have used up since the owner last published or filled a block, and one used-up block for each thief that is held up in the
//! middle of a steal. A thief that is held up holds up no other thread. What it has claimed no other thread gets: one
//! element, or a block.
//!
//! When *not* to use it: where each element must be visible to thieves once it is pushed, though its owner does nothing further; where
//! there are few elements and each is stolen one by one, [`deque::Worker`](super::Worker) costs less.

mod opened;
mod piece;
mod returned;
mod stealer;
#[cfg(all(test, feature = "std"))]
mod tests;
mod worker;

pub use stealer::Stealer;
pub use worker::{Drain, Worker};
