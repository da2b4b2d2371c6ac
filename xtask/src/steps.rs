//! Commands, one after the other, each with its name and its time.

use std::path::Path;
use std::process::{Command, ExitCode};
use std::time::Instant;

use crate::root;

/// One command.
pub struct Step {
    name: &'static str,
    program: String,
    arguments: Vec<String>,
    environment: Vec<(&'static str, String)>,
}

/// Whether there is a standard library for `target`.
pub fn has_target(target: &str) -> bool {
    let rustc = std::env::var("RUSTC").unwrap_or_else(|_| "rustc".into());
    let output = Command::new(rustc)
        .args(["--print", "target-libdir", "--target", target])
        .current_dir(root())
        .output();
    output.is_ok_and(|output| Path::new(String::from_utf8_lossy(&output.stdout).trim()).is_dir())
}

/// A call of the cargo that runs this.
pub fn cargo(name: &'static str, arguments: &[&str]) -> Step {
    // `+nightly` is understood by rustup's cargo only, not by the one that it has put in charge here.
    let program = match arguments {
        [first, ..] if first.starts_with('+') => "cargo".into(),
        _ => std::env::var("CARGO").unwrap_or_else(|_| "cargo".into()),
    };
    command(name, &program, arguments)
}

/// A call of any program.
pub fn command(name: &'static str, program: &str, arguments: &[&str]) -> Step {
    let arguments = arguments.iter().map(ToString::to_string).collect();
    Step {
        name,
        program: program.to_owned(),
        arguments,
        environment: vec![],
    }
}

impl Step {
    /// The same, with a variable set in its environment.
    pub fn env(mut self, variable: &'static str, value: &str) -> Self {
        self.environment.push((variable, value.to_owned()));
        self
    }

    fn succeeds(&self) -> bool {
        let mut command = Command::new(&self.program);
        command
            .args(&self.arguments)
            .envs(self.environment.iter().map(|(name, value)| (name, value)))
            .current_dir(root());
        // What rustup and cargo have set for this program is not meant for another toolchain.
        if self.arguments[0].starts_with('+') {
            command.env_remove("RUSTUP_TOOLCHAIN").env_remove("CARGO");
        }
        match command.status() {
            Ok(status) => status.success(),
            Err(error) => {
                eprintln!("cannot run {}: {error}", self.program);
                false
            }
        }
    }
}

/// Runs them all, also after one has failed, and lists what came of each.
pub fn run(steps: &[Step]) -> ExitCode {
    let mut outcomes = vec![];
    for step in steps {
        eprintln!("\n=== {}", step.name);
        let start = Instant::now();
        let succeeded = step.succeeds();
        outcomes.push((step.name, succeeded, start.elapsed()));
    }
    eprintln!();
    for (name, succeeded, time) in &outcomes {
        eprintln!(
            "{} {:>4} s  {name}",
            if *succeeded { "ok    " } else { "FAILED" },
            time.as_secs()
        );
    }
    if outcomes.iter().all(|(_, succeeded, _)| *succeeded) {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}
