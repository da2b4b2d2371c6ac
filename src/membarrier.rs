//! Doing without the system call `membarrier`.
//!
//! On Linux the sleeping locks unlock without a locked instruction and read without one, because a thread that waits can
//! send the fence that is needed to all cores: by `membarrier`. A sandbox that forbids that call *after* a lock was used
//! leaves a read-mostly [`futex::RwLock`](crate::futex::RwLock) without any way to write, and its process is aborted; and
//! [hazard pointers](crate::reclaim) without any way to tell what may be freed, and nothing is.
//! Such a program calls [`disable`] first.

/// Makes every lock of this process do without `membarrier`, at the price of a fence in each uncontended unlock, and every
/// hazard pointer, at the price of one in each load; answers whether it does. Call it before the first of them is used:
/// later it answers false and changes nothing, unless `membarrier` was not in use anyway. `LINCHPIN_MEMBARRIER=0` in the environment does the same.
///
/// ```
/// assert!(linchpin::membarrier::disable());
/// ```
#[must_use]
pub fn disable() -> bool {
    crate::backend::asymmetric::disable()
}
