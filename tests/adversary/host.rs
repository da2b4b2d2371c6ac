//! What tests of other files, too, need of the system: processes of their own, filters of system calls, threads that sleep.

pub mod process;
pub mod seccomp;
pub mod system;
