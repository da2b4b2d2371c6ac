//! Hazard pointers under native threads: what is protected is not freed, what is not protected is, and no more than the bound is kept.
#![cfg(all(feature = "std", target_has_atomic = "64"))]

mod common;
mod drop_in;
