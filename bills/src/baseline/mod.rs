//! The locks that ours are held against, as far as their acquire and release paths go: written over the simulated
//! atomics and the simulated futex, after the sources that are named in each module.
//!
//! What is left out has no part in those paths: time-outs, poisoning, upgrades, `try_` forms, and the growth of
//! `parking_lot`'s hash table. The orderings are the originals'; a bill does not depend on them, since none is SeqCst.

pub(crate) mod parking_lot;
pub(crate) mod standard;

/// At the beginning of a line, and alone on it, on a machine that fetches lines in pairs too.
#[derive(Default)]
#[repr(align(128))]
pub(crate) struct Apart<T>(pub(crate) T);
