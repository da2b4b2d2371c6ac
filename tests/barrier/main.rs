//! Barriers under native threads: no thread is ever an episode ahead or behind, and one is the leader.
#![cfg(all(feature = "std", target_has_atomic = "64"))]

#[path = "../common/mod.rs"]
mod common;

mod adversary;
mod central;
mod failing;
mod participants;
mod phases;
mod steps;
mod surplus;
mod traits;

/// For a result that is of no interest.
fn ignore<T>(_result: T) {}

/// Runs `act` in a thread of its own; what it returns or panics with. One that hangs is left behind.
///
/// # Panics
///
/// If it has not ended after twenty seconds.
fn ends<T: Send + 'static>(act: impl FnOnce() -> T + Send + 'static) -> std::thread::Result<T> {
    let thread = std::thread::spawn(act);
    for _ in 0..2_000 {
        if thread.is_finished() {
            return thread.join();
        }
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    panic!("it hangs");
}
