//! What must not compile, and how the compiler says so.
//!
//! The messages are those of the Rust version in `rust-version`; with another compiler, run with `TRYBUILD=overwrite` and
//! read what has changed.
#![cfg(not(miri))]

#[test]
fn misuse_does_not_compile() {
    let cases = trybuild::TestCases::new();
    cases.compile_fail("tests/compile_fail/spin_*.rs");
    if cfg!(all(feature = "std", any(target_os = "linux", target_os = "android"))) {
        cases.compile_fail("tests/compile_fail/pi_*.rs");
    }
    if cfg!(feature = "std") {
        cases.compile_fail("tests/compile_fail/queue_*.rs");
        // The compiler names this lock by its path, since there is another of its name.
        cases.compile_fail("tests/compile_fail/rwlock_*.rs");
    }
    if cfg!(feature = "alloc") {
        cases.compile_fail("tests/compile_fail/counter_*.rs");
        cases.compile_fail("tests/compile_fail/barrier_*.rs");
        cases.compile_fail("tests/compile_fail/hazard_*.rs");
        cases.compile_fail("tests/compile_fail/stack_*.rs");
    }
}
