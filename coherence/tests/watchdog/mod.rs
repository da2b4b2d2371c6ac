//! Bounds for programs that used to hang, or to take their process with them.

#![allow(dead_code)] // Each test that includes this file uses some of it.

use std::process::{Command, Output, Stdio};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::{Duration, Instant};

/// Far beyond what any of the programs takes, on a machine that is busy with other things too.
const LONGEST: Duration = Duration::from_secs(120);

/// Runs `program` on an OS thread of its own, which is left behind if it does not come to an end.
pub fn within<T: Send + 'static>(program: impl FnOnce() -> T + Send + 'static) -> T {
    let (sender, receiver) = mpsc::channel();
    let thread = std::thread::spawn(move || _ = sender.send(program()));
    match receiver.recv_timeout(LONGEST) {
        Ok(value) => value,
        Err(RecvTimeoutError::Timeout) => panic!("the program hangs"),
        Err(RecvTimeoutError::Disconnected) => match thread.join() {
            Err(payload) => std::panic::resume_unwind(payload),
            Ok(()) => unreachable!("it sends before it ends"),
        },
    }
}

/// Whether this process is the one that [`alone`] started for `test`.
pub fn is_alone(test: &str) -> bool {
    std::env::var("COHERENCE_ALONE").is_ok_and(|name| name == test)
}

/// Runs the test of this name in a process of its own, in which [`is_alone`] says so; with at most
/// so many KiB of address space, if given. Returns how it ended and all that it printed.
pub fn alone(test: &str, kib: Option<u64>) -> (Output, String) {
    let this = std::env::current_exe().expect("this test has a file");
    let limit = kib.map(|kib| format!("ulimit -v {kib}; ")).unwrap_or_default();
    let mut child = Command::new("sh")
        .args(["-c", &format!("{limit}exec \"$0\" \"$@\"")])
        .arg(this)
        .args(["--exact", test, "--nocapture", "--test-threads=1"])
        .env("COHERENCE_ALONE", test)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the test can be run again");
    let begun = Instant::now();
    while child.try_wait().expect("it is our child").is_none() {
        if begun.elapsed() > LONGEST {
            child.kill().expect("it is our child");
            panic!("the program hangs");
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    let output = child.wait_with_output().expect("it has ended");
    let text = [&output.stdout[..], &output.stderr]
        .map(String::from_utf8_lossy)
        .concat();
    (output, text)
}
