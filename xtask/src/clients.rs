//! Real clients as a test: published crates run their own tests with linchpin in a peer's place, and so do the peers.
//!
//! cargo fetches each, at the version that is written here, from the registry; its source is copied to `target/clients/`, where its
//! manifest gets a `[patch.crates-io]` with the packages of `compat/`. It fails where `cargo tree` shows the peer itself, where a test
//! fails, and where fewer tests pass than did when the version was written here: then they were not run.

mod list;
mod sources;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};

use list::{CLIENTS, Client};
use sources::{fetch, prepare};

/// Runs the tests of each client, or of the one that is named; prints how many have passed.
pub fn run(only: Option<&str>) -> ExitCode {
    let chosen: Vec<&Client> = CLIENTS
        .iter()
        .filter(|client| only.is_none_or(|name| name == client.name))
        .collect();
    if chosen.is_empty() {
        eprintln!("no client of that name; there are:");
        CLIENTS.iter().for_each(|client| eprintln!("  {}", client.name));
        return ExitCode::from(2);
    }
    let folder = crate::root().join("target/clients");
    let outcomes: Vec<(&Client, Result<usize, String>)> = match fetch(&folder) {
        Ok(sources) => chosen
            .into_iter()
            .map(|client| {
                println!("\n=== {} {}", client.name, client.version);
                (client, test(client, &sources, &folder))
            })
            .collect(),
        Err(error) => {
            eprintln!("{error}");
            return ExitCode::FAILURE;
        }
    };
    println!("\nclient | on | tests passed\n---|---|---");
    let mut total = 0;
    let mut failed = false;
    for (client, outcome) in outcomes {
        let Client {
            name, version, shim, ..
        } = client;
        match outcome {
            Ok(passed) => {
                total += passed;
                println!("{name} {version} | {shim} | {passed}");
            }
            Err(error) => {
                failed = true;
                println!("{name} {version} | {shim} | FAILED: {error}");
            }
        }
    }
    println!("all | | {total}");
    if failed { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}

fn cargo(at: &Path, arguments: &[&str]) -> Command {
    let mut cargo = Command::new("cargo");
    cargo.args(arguments).current_dir(at).stdin(Stdio::null());
    // The flags and the target folder of a surrounding build are none of theirs.
    for variable in ["RUSTFLAGS", "CARGO_TARGET_DIR", "CARGO_MANIFEST_DIR"] {
        cargo.env_remove(variable);
    }
    cargo
}

fn output(mut command: Command) -> Result<String, String> {
    let shown = format!("{command:?}");
    let output = command
        .stderr(Stdio::inherit())
        .output()
        .map_err(|error| format!("{shown} does not start: {error}"))?;
    if !output.status.success() {
        return Err(format!("{shown} fails"));
    }
    String::from_utf8(output.stdout).map_err(|error| format!("{shown} prints no text: {error}"))
}

fn write(path: &Path, text: &str) -> Result<(), String> {
    fs::write(path, text).map_err(|error| format!("cannot write {}: {error}", path.display()))
}

fn make(folder: &Path) -> Result<(), String> {
    fs::create_dir_all(folder).map_err(|error| format!("cannot make {}: {error}", folder.display()))
}

/// Fails unless the shim is what `client` is built with, and the peer itself is not.
fn check_tree(client: &Client, at: &Path) -> Result<(), String> {
    let features = ["--features", client.features];
    let tree = ["tree", "--prefix", "none", "--edges", "normal,build,dev"];
    let tree = output(cargo(at, &[&tree[..], &features].concat()))?;
    let (name, _) = client.shim.split_once(' ').ok_or("a shim has a name and a version")?;
    let root = format!("({}", crate::root().display());
    let found: Vec<&str> = tree
        .lines()
        .filter(|line| line.split(' ').next() == Some(name))
        .collect();
    if !found.iter().any(|line| line.starts_with(client.shim)) {
        return Err(format!("it is not built with {}: {found:?}", client.shim));
    }
    let is_ours = |line: &&str| line.contains(root.as_str());
    if let Some(peer) = found.iter().find(|line| !is_ours(line)) {
        return Err(format!("it is built with {peer} as well"));
    }
    Ok(())
}

/// Runs the tests of `client`; answers how many have passed.
fn test(client: &Client, sources: &[(&str, PathBuf)], folder: &Path) -> Result<usize, String> {
    let at = prepare(client, sources, folder)?;
    check_tree(client, &at)?;
    let shared = folder.join("target");
    let shared = shared.to_str().ok_or("the path of the target folder is no text")?;
    let mut words = vec!["test", "--no-fail-fast", "--lib", "--tests", "--target-dir", shared];
    words.extend(["--features", client.features, "--"]);
    words.extend(client.skips.iter().flat_map(|test| ["--skip", test]));
    let first = run_tests(&at, &words, "output.txt")?;
    // Some go by the clock, and fail beside busy processes. Each has one more chance, alone.
    let again: Vec<&str> = first.failures.iter().map(String::as_str).collect();
    let second = if again.is_empty() {
        Run::default()
    } else {
        words.extend(["--exact", "--test-threads=1"]);
        run_tests(&at, &[&words[..], &again[..]].concat(), "again.txt")?
    };
    let passed = first.passed + second.passed;
    if first.failed != first.failures.len() || second.failed > 0 || second.passed < first.failed {
        return Err(format!(
            "{passed} passed, {} failed: {:?}",
            first.failed, first.failures
        ));
    }
    if first.failed == 0 && !first.succeeded {
        return Err("it does not build, or a test ends its process".into());
    }
    if passed < client.at_least {
        return Err(format!("{passed} passed, and {} are known to", client.at_least));
    }
    Ok(passed)
}

/// What has come of `cargo test`.
#[derive(Default)]
struct Run {
    succeeded: bool,
    passed: usize,
    failed: usize,
    /// The names of those that have failed.
    failures: Vec<String>,
}

fn run_tests(at: &Path, words: &[&str], log: &str) -> Result<Run, String> {
    let mut command = cargo(at, words);
    let output = command
        .stderr(Stdio::inherit())
        .output()
        .map_err(|error| format!("cargo does not start: {error}"))?;
    let text = String::from_utf8_lossy(&output.stdout);
    let log = at.join(log);
    write(&log, &text)?;
    let (passed, failed) = count(&text);
    println!("{passed} passed, {failed} failed; all of it: {}", log.display());
    let failure = |line: &str| {
        let name = line.strip_prefix("test ")?.strip_suffix(" ... FAILED")?;
        Some(name.trim_end_matches(" - should panic").to_owned())
    };
    let failures: Vec<String> = text.lines().filter_map(failure).collect();
    failures.iter().for_each(|name| println!("failed: {name}"));
    Ok(Run {
        succeeded: output.status.success(),
        passed,
        failed,
        failures,
    })
}

/// How many tests have passed and failed, by the lines in which each test binary sums up.
fn count(text: &str) -> (usize, usize) {
    let before = |line: &str, word: &str| -> usize {
        let words: Vec<&str> = line.split([' ', ';']).collect();
        let place = words.iter().position(|found| *found == word).unwrap_or(0);
        place
            .checked_sub(1)
            .and_then(|place| words[place].parse().ok())
            .unwrap_or(0)
    };
    text.lines()
        .filter(|line| line.starts_with("test result: "))
        .fold((0, 0), |(passed, failed), line| {
            (passed + before(line, "passed"), failed + before(line, "failed"))
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_are_added_up() {
        let text = "running 2 tests\ntest result: ok. 12 passed; 0 failed; 1 ignored; 0 measured\n\
                    test result: FAILED. 3 passed; 2 failed; 0 ignored\nnot a test result: ok. 9 passed\n";
        assert_eq!(count(text), (15, 2));
        assert_eq!(count("error: could not compile"), (0, 0));
    }
}
