//! The door: every atomic, fence, pause, yield, sleep, clock and thread-local of this crate comes through here.
//!
//! Three worlds run the same source. The *native* one is `core` and the operating system. The *loom* one
//! (`--cfg linchpin_loom`) explores every schedule and every stale value, to find out whether the code is right.
//! The *coherence* one (`--cfg linchpin_coherence`) bills what it costs. The rest of the crate cannot tell which it
//! runs in: nothing outside this directory names a world, and `tests/door.rs` holds it to that.
//!
//! | what | why it is here |
//! |---|---|
//! | `atomic::*` | loom tracks every access; its wrappers also know the call site, for [`fault`](self) injection |
//! | `atomic::fence_after_rmw` | on x86 a read-modify-write is a fence |
//! | `cell::UnsafeCell` | loom tells who touches it at the wrong time |
//! | `BUCKETS`, `bucket` | how many buckets a table has that is shared by address, and which is a key's; addresses differ from one execution to the next |
//! | `hint::spin_for`, `hint::patience`, `hint::tuned` | thousands of pauses are one step of a model |
//! | `hint::sized`, `hint::decided` | bounds that models shrink, and decisions that they make themselves |
//! | `only_in_models!` | what a model needs to see of the inside |
//! | `futex`, `time` | sleeping in the kernel, with its fall-back; in a model a deadline may pass at any moment |
//! | `pi` | locking in the kernel, with priority inheritance, where there is such a kernel |
//! | `asymmetric` | the fence pair of "announce, then check", with its fall-back |
//! | `epoch` | epoch-based reclamation; a model has what it promises, and frees as early as it may |
//! | `thread::yield_now` | a model has its own scheduler |
//! | `per_thread!`, `global!`, `immortal!` | each execution of a model starts with fresh ones |
//! | `const_fn!`, `const_init!`, `array!` | loom's atomics have no `const` constructor |

#[cfg(all(linchpin_loom, linchpin_coherence))]
compile_error!("choose one world: `linchpin_loom` and `linchpin_coherence` exclude each other");

#[cfg(all(feature = "alloc", not(any(linchpin_loom, linchpin_coherence))))]
#[path = "membarrier.rs"]
pub(crate) mod asymmetric;
#[cfg(not(linchpin_loom))]
mod constant;
#[cfg(all(feature = "epoch", any(linchpin_loom, linchpin_coherence)))]
mod epoch_model;
#[cfg(linchpin_loom)]
pub mod fault;
#[cfg(all(feature = "std", not(any(linchpin_loom, linchpin_coherence))))]
pub(crate) mod futex;
#[cfg(all(feature = "std", any(target_os = "linux", target_os = "android")))]
pub(crate) mod pi;
#[cfg_attr(linchpin_loom, path = "loom.rs")]
#[cfg_attr(linchpin_coherence, path = "coherence.rs")]
#[cfg_attr(not(any(linchpin_loom, linchpin_coherence)), path = "native.rs")]
mod world;

#[cfg(all(feature = "tagged_ptr", any(linchpin_loom, linchpin_coherence)))]
mod wide;

#[cfg(not(linchpin_loom))]
pub(crate) use constant::*;
/// For models in which a thread gets the number of one that has ended.
#[cfg(all(linchpin_loom, feature = "std", any(target_os = "linux", target_os = "android")))]
pub use world::kernel_pi::reuse_thread_numbers;
pub(crate) use world::*;
/// For the models of the door itself.
#[cfg(linchpin_loom)]
pub use world::{asymmetric, atomic::fence, bounds};

/// What is compiled for models only: doors to the inside of a family.
#[cfg(feature = "std")]
macro_rules! only_in_models {
    ($($item:item)*) => {
        $(#[cfg(linchpin_loom)] $item)*
    };
}
#[cfg(feature = "std")]
pub(crate) use only_in_models;
