//! Tests in processes of their own, and children of a fork, each with a time limit.

use std::io::Write;
use std::process::{Command, Output, Stdio};
use std::sync::mpsc;
use std::time::Duration;

/// Set in the environment of a process that runs one test.
const ALONE: &str = "LINCHPIN_ADVERSARY_ALONE";

/// At 0 in the environment, leaves these tests out: where processes, signals and filters are only emulated.
const SWITCH: &str = "LINCHPIN_ADVERSARY";

/// Runs `body`, which must be a closure written directly in a test, in a process of its own; the test fails if that
/// does not end well within a minute.
pub fn alone(body: impl FnOnce()) {
    alone_for(Duration::from_secs(60), body);
}

/// The same with another time limit.
pub fn alone_for<F: FnOnce()>(limit: Duration, body: F) {
    match outcome(limit, body) {
        None => {}
        Some(None) => panic!("it has hung: no end within {limit:?}"),
        Some(Some(output)) => assert!(has_passed(&output), "{}", describe(&output)),
    }
}

/// What came of `body` in a process of its own, `Some(None)` if it did not end in time; `None` in that process, after
/// `body`.
pub fn outcome<F: FnOnce()>(limit: Duration, body: F) -> Option<Option<Output>> {
    if std::env::var_os(ALONE).is_some() {
        // The first panic ends the process: with it the other threads, which may hang by now.
        std::panic::set_hook(Box::new(|panic| {
            let _ = writeln!(std::io::stderr(), "{panic}");
            // SAFETY: ends the process, at once.
            unsafe { libc::_exit(101) };
        }));
        body();
        return None;
    }
    if std::env::var_os(SWITCH).is_some_and(|value| value == "0") {
        println!("left out: {SWITCH}=0");
        return None;
    }
    let output = run(test_around::<F>(), limit);
    // So that what a test measures can be seen with `--nocapture`.
    if let Some(output) = output.as_ref().filter(|output| has_passed(output)) {
        print!("{}", String::from_utf8_lossy(&output.stdout));
        eprint!("{}", String::from_utf8_lossy(&output.stderr));
    }
    Some(output)
}

/// Whether the one test of a process has passed.
pub fn has_passed(output: &Output) -> bool {
    output.status.success() && String::from_utf8_lossy(&output.stdout).contains("1 passed")
}

/// For a message.
pub fn describe(output: &Output) -> String {
    format!(
        "in its own process: {}\n{}{}",
        output.status,
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    )
}

/// The name of the test that the closure `F` is written in: `adversary::module::test::{{closure}}` without both ends.
fn test_around<F>() -> &'static str {
    let path = std::any::type_name::<F>();
    let path = path.split_once("::").map_or(path, |(_crate, path)| path);
    path.split_once("::{{closure}}").map_or(path, |(path, _)| path)
}

fn run(test: &str, limit: Duration) -> Option<Output> {
    let this = std::env::current_exe().expect("a test knows its program");
    let child = Command::new(this)
        .args(["--exact", test, "--include-ignored", "--nocapture", "--test-threads=1"])
        .env(ALONE, "1")
        .env("RUST_BACKTRACE", "0")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program can be run again");
    let pid = libc::pid_t::try_from(child.id()).expect("it is one");
    let (ended, end) = mpsc::channel();
    std::thread::spawn(move || ended.send(child.wait_with_output()));
    let in_time = end.recv_timeout(limit);
    if in_time.is_err() {
        // SAFETY: a child of this process that has not been waited for, or was an instant ago.
        unsafe { libc::kill(pid, libc::SIGKILL) };
        let _ = end.recv();
    }
    in_time.ok().map(|output| output.expect("it can be waited for"))
}

/// How a child of a fork has ended.
#[derive(Debug, PartialEq, Eq)]
pub enum Child {
    /// Its check held.
    Right,
    /// It did not.
    Wrong,
    /// It was not done after so many seconds as it was given.
    Hung,
    /// Another signal has ended it.
    Killed(i32),
}

/// Runs `check` in a child of a fork of this process as it is, other threads and all, for `seconds` at most.
///
/// The child has one thread, and copies of what the others were in the middle of. `check` allocates nothing and prints
/// nothing.
pub fn in_a_fork(seconds: u32, check: impl FnOnce() -> bool) -> Child {
    // SAFETY: the child runs only `check`, which keeps to the above, and ends without any destructor.
    let child = unsafe { libc::fork() };
    if child == 0 {
        // SAFETY: system calls on the child itself; the alarm ends it if `check` hangs.
        unsafe {
            libc::signal(libc::SIGALRM, libc::SIG_DFL);
            libc::alarm(seconds);
        }
        let code = if check() { 0 } else { 1 };
        // SAFETY: ends the child, at once.
        unsafe { libc::_exit(code) };
    }
    assert!(child > 0, "no child was made");
    let mut status = 0;
    loop {
        // SAFETY: a child of this process, and a place for the answer.
        let ended = unsafe { libc::waitpid(child, &raw mut status, 0) };
        if ended == child {
            break;
        }
    }
    match (
        libc::WIFEXITED(status),
        libc::WEXITSTATUS(status),
        libc::WTERMSIG(status),
    ) {
        (true, 0, _) => Child::Right,
        (true, ..) => Child::Wrong,
        (false, _, libc::SIGALRM) => Child::Hung,
        (false, _, signal) => Child::Killed(signal),
    }
}

/// Processes that do nothing but run, until dropped.
pub struct Busy(Vec<libc::pid_t>);

impl Busy {
    /// So many of them.
    pub fn start(processes: usize) -> Self {
        let start = |_| {
            // SAFETY: the child only loops, and dies with the thread that has made it.
            unsafe {
                let child = libc::fork();
                if child == 0 {
                    libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL);
                    libc::alarm(120);
                    loop {
                        std::hint::black_box(0);
                    }
                }
                assert!(child > 0, "no child was made");
                child
            }
        };
        Busy((0..processes).map(start).collect())
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        for &child in &self.0 {
            // SAFETY: a child of this process that has not been waited for.
            unsafe {
                libc::kill(child, libc::SIGKILL);
                libc::waitpid(child, std::ptr::null_mut(), 0);
            }
        }
    }
}
