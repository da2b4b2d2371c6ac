//! The API of `crossbeam-deque` 0.8 over [`linchpin::deque`].

pub use linchpin::deque::{Injector, Steal, Stealer, Worker};
