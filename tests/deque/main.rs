//! The deques under native threads: each element that was pushed is popped or stolen once, or dropped once.
#![cfg(all(feature = "std", target_has_atomic = "64"))]

#[path = "../common/mod.rs"]
mod common;

mod adversary;
mod block;
mod chase_lev;
mod elements;
mod injector;
mod ledger;
mod once;
mod promises;
