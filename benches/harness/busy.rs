//! Processes that keep the cores busy: this program, started again with a hidden argument.

use std::io::Read;
use std::process::{Child, Command, Stdio};
use std::thread;

use super::{cores, work};

/// The argument that makes this program a busy process; the number of its core follows.
const BUSY: &str = "--busy-on-core=";

/// Children that never sleep. They end when this is dropped, and with this process however it ends.
pub struct BusyProcesses(Vec<Child>);

impl BusyProcesses {
    /// Starts so many for each core, each bound to its core, and returns when all are busy.
    pub fn start(per_core: usize) -> Self {
        // Each child is in the guard before the next is started.
        let mut all = BusyProcesses(vec![]);
        let program = std::env::current_exe().expect("this program has a path");
        for number in 0..per_core * cores() {
            let child = Command::new(&program)
                .arg(format!("{BUSY}{}", number % cores()))
                .stdin(Stdio::piped())
                .stdout(Stdio::piped())
                .spawn()
                .unwrap_or_else(|error| panic!("cannot start {}: {error}", program.display()));
            all.0.push(child);
        }
        for child in &mut all.0 {
            let output = child.stdout.as_mut().expect("it is a pipe");
            output.read_exact(&mut [0]).expect("a busy process says that it is");
        }
        all
    }
}

impl Drop for BusyProcesses {
    fn drop(&mut self) {
        for child in &mut self.0 {
            // One that has ended already is no reason to leave the others.
            let _ = child.kill();
        }
        for child in &mut self.0 {
            let _ = child.wait();
        }
    }
}

/// Keeps a core busy for as long as its parent lives, if this program was started for that. Else
/// returns.
pub fn be_busy_if_told() {
    let Some(core) = std::env::args().find_map(|argument| argument.strip_prefix(BUSY).map(str::to_owned)) else {
        return;
    };
    end_with_parent();
    let core: usize = core.parse().expect("the parent passes a number");
    if let Some(id) = core_affinity::get_core_ids().and_then(|all| all.get(core).copied()) {
        core_affinity::set_for_current(id);
    }
    println!("busy");
    loop {
        work(1_000_000);
    }
}

/// The parent holds the other end of this process's input, which closes when it dies; on Linux the
/// kernel kills as well.
fn end_with_parent() {
    #[cfg(target_os = "linux")]
    {
        // SAFETY: this request takes a signal's number, and touches no memory.
        let error = unsafe { libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL) };
        assert_eq!(error, 0, "the kernel does not know PR_SET_PDEATHSIG");
    }
    thread::spawn(|| {
        let _ = std::io::stdin().read(&mut [0]);
        std::process::exit(0);
    });
}
