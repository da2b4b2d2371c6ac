//! Stand-ins for [`core::hint`].

use crate::engine;

/// One turn of a loop that waits: costs the PAUSE of the [`Machine`](crate::Machine), and nothing
/// moves.
///
/// A loop of nothing else advances virtual time and ends when the caller's bound says so. A loop
/// that also looks at words which do not change is not simulated after 128 looks, until one of
/// their lines changes: this call is what distinguishes it from a loop that reads.
#[inline]
#[track_caller]
pub fn spin_loop() {
    if !engine::spin_hint() {
        core::hint::spin_loop();
    }
}
