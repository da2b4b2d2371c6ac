//! The backend boundary: every atomic, fence, pause, yield, sleep, clock and thread-local of this crate comes through
//! here.
//!
//! Three backends run the same source. The *native* one is `core` and the operating system. The *loom* one
//! (`--cfg linchpin_loom`) explores every schedule and every stale value, to find out whether the code is right.
//! The *coherence* one (`--cfg linchpin_coherence`) bills what it costs. The rest of the crate cannot tell which it
//! runs in: nothing outside this directory names a backend, and `tests/backend_boundary.rs` holds it to that.
//!
//! | what | why it is here |
//! |---|---|
//! | `atomic::*` | loom tracks every access; its wrappers also know the call site, for [`fault`](self) injection |
//! | `atomic::fence_after_rmw` | on x86 a read-modify-write is a fence |
//! | `cell::UnsafeCell` | loom reports an access at the wrong time |
//! | `BUCKETS`, `bucket` | how many buckets a table has that is shared by address, and which is a key's; addresses differ from one execution to the next |
//! | `hint::spin_for`, `hint::patience`, `hint::tuned` | thousands of pauses are one step of a model |
//! | `hint::first_chunk` | a simulation takes freed memory that is used again for the same memory |
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
compile_error!("choose one backend: `linchpin_loom` and `linchpin_coherence` exclude each other");

#[cfg(linchpin_coherence)]
mod coherence;
#[cfg(linchpin_loom)]
mod loom;
#[cfg(not(any(linchpin_loom, linchpin_coherence)))]
mod native;
#[cfg(all(feature = "std", any(target_os = "linux", target_os = "android")))]
mod pi_word;
#[cfg(any(linchpin_loom, linchpin_coherence))]
mod simulated;
#[cfg(not(linchpin_loom))]
mod unmodelled;

#[cfg(linchpin_coherence)]
pub(crate) use self::coherence::*;
#[cfg(linchpin_loom)]
pub(crate) use self::loom::*;
#[cfg(not(any(linchpin_loom, linchpin_coherence)))]
pub(crate) use self::native::*;
#[cfg(any(linchpin_loom, linchpin_coherence))]
pub(crate) use self::simulated::*;
#[cfg(not(linchpin_loom))]
pub(crate) use self::unmodelled::*;

/// What the models in `loom-tests` take from the loom backend; in the other backends empty.
pub mod models {
    #[cfg(all(linchpin_loom, any(target_os = "linux", target_os = "android")))]
    pub use super::loom::pi::reuse_thread_numbers;
    #[cfg(linchpin_loom)]
    pub use super::loom::{asymmetric, atomic::fence, bounds, fault};
}

/// What is compiled for models only: doors to the inside of a family.
#[cfg(feature = "std")]
macro_rules! only_in_models {
    ($($item:item)*) => {
        $(#[cfg(linchpin_loom)] $item)*
    };
}
#[cfg(feature = "std")]
pub(crate) use only_in_models;
