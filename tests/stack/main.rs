//! Stacks, on native threads: what goes in comes out, once, the last first; and what becomes of it where something goes wrong
//! in the middle.

#![cfg(feature = "alloc")]

mod behaviour;
mod drops;
mod history;
mod kinds;
mod linearizable;
mod memory;
mod re_entered;
mod tagged;
mod threads;
