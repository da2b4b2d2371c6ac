//! Writes the bills of all primitives as the report that `cargo xtask bill` shows; or, with `--floors`, the ratios that
//! `tests/comparison.rs` holds, as they are now.

#[cfg(linchpin_coherence)]
#[path = "../../xtask/src/document.rs"]
mod document;
#[cfg(linchpin_coherence)]
mod floors;
#[cfg(linchpin_coherence)]
mod report;

#[cfg(linchpin_coherence)]
fn main() {
    if std::env::args().any(|argument| argument == "--floors") {
        floors::print();
        return;
    }
    let report = serde_json::to_string_pretty(&report::sections()).expect("a report is plain data");
    match std::env::args().find_map(|argument| argument.strip_prefix("--report=").map(str::to_owned)) {
        Some(path) => std::fs::write(&path, report).unwrap_or_else(|error| panic!("cannot write {path}: {error}")),
        None => println!("{report}"),
    }
}

#[cfg(not(linchpin_coherence))]
fn main() {
    eprintln!("this needs RUSTFLAGS=\"--cfg linchpin_coherence\"; `cargo xtask bill` sets it");
    std::process::exit(2);
}
