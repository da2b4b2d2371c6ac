//! linchpin's commands:
//!
//! | `cargo xtask` ... | |
//! |---|---|
//! | `test` | everything that has to be green: native, documentation, compile-fail, features, loom, bills |
//! | `bench` | ours against the peers: a table, and a page with plots (`--quick`, the default; `--full`) |
//! | `bill` | what each primitive costs on 1 to 64 simulated cores |
//! | `stress` | hunts rare schedules: lost wake-ups, elements lost or had twice; so many seconds for each lock and deque |
//! | `clients` | the tests of published crates with linchpin in a peer's place (needs the registry); of one, if it is named |
//! | `verify` | what takes longer: deeper models, long stress, Miri (needs a nightly with it), 64-bit Arm, the packages |

mod clients;
mod document;
mod page;
mod steps;
mod table;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use document::Section;
use steps::{Step, cargo};

const USAGE: &str = "usage: cargo xtask test | bench [--quick | --full] [--only=WORDS] [--rounds=N] [--run=MILLISECONDS] | bill | stress [SECONDS] | clients [NAME] | verify";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments[..] {
        ["test"] => steps::run(&test()),
        ["verify"] => steps::run(&verify()),
        ["bill"] => report(&[bills()]),
        ["stress"] => steps::run(&[stress("stress, an hour for each", "3600")]),
        ["stress", seconds] if seconds.parse::<u64>().is_ok() => steps::run(&[stress("stress", seconds)]),
        ["clients"] => clients::run(None),
        ["clients", name] => clients::run(Some(name)),
        ["bench", ref options @ ..] if options.iter().all(|option| is_bench_option(option)) => bench(options),
        _ => {
            eprintln!("{USAGE}");
            ExitCode::from(2)
        }
    }
}

/// The workspace's folder.
fn root() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().expect("xtask lies in the workspace").to_owned()
}

const COMPARISON: &str = "--report=target/linchpin/compare.json";
const BILL: &str = "--report=target/linchpin/bill.json";
const LOOM: &str = "--cfg linchpin_loom";
const COHERENCE: &str = "--cfg linchpin_coherence";

fn loom(name: &'static str) -> Step {
    // A target folder of its own: the flags of a backend are those of all its crates.
    cargo(
        name,
        &["test", "-p", "loom-tests", "--release", "--target-dir", "target/loom"],
    )
    .env("RUSTFLAGS", LOOM)
}

fn test() -> Vec<Step> {
    // Without `std` a waiting thread spins on, so that many threads get in each other's way: one test at a time.
    let bare = |name, arguments: &[&str]| {
        let arguments = [&["test", "-p", "linchpin", "--no-default-features"], arguments].concat();
        cargo(name, &[&arguments[..], &["--", "--test-threads=1"]].concat())
    };
    let mut steps = vec![
        cargo("native, documentation, compile-fail", &["test", "--workspace"]),
        bare("features: none", &["--lib"]),
        bare("features: alloc", &["--features", "alloc"]),
        cargo(
            "features: arc_lock, serde",
            &[
                "test",
                "-p",
                "linchpin",
                "--features",
                "arc_lock,serde",
                "--test",
                "futex",
            ],
        ),
        // With the whole workspace, above, it has `epoch` and `tagged_ptr`: some members ask for them.
        cargo(
            "features: std alone",
            &[
                "test",
                "-p",
                "linchpin",
                "--lib",
                "--test",
                "stack",
                "--test",
                "send_sync",
            ],
        ),
        cargo(
            "example: migrate_from_parking_lot",
            &["run", "--example", "migrate_from_parking_lot"],
        ),
        cargo("example: counters", &["run", "--example", "counters"]),
        cargo("example: pi_mutex_recovery", &["run", "--example", "pi_mutex_recovery"]),
        cargo("example: thread_pool", &["run", "--example", "thread_pool"]),
        cargo(
            "example: no_std_mcs",
            &["run", "--example", "no_std_mcs", "--no-default-features"],
        ),
        loom("loom: models, and the faults that they find"),
        cargo(
            "coherence: bills",
            &["test", "-p", "bills", "--release", "--target-dir", "target/coherence"],
        )
        .env("RUSTFLAGS", COHERENCE),
    ];
    if steps::has_target(SMALL) {
        steps.push(small());
    } else {
        eprintln!("left out: 32 bits, for want of `rustup target add {SMALL}`");
    }
    steps
}

/// A machine of 32 bits.
const SMALL: &str = "i686-unknown-linux-gnu";

/// Nothing is linked, so that a C compiler for it is not needed.
fn small() -> Step {
    cargo(
        "32 bits: it compiles",
        &["check", "-p", "linchpin", "--lib", "--target", SMALL],
    )
}

fn stress(name: &'static str, seconds: &str) -> Step {
    let test = ["test", "-p", "linchpin", "--release", "--test", "stress"];
    let alone = ["--", "--test-threads=1"];
    cargo(name, &[&test[..], &alone].concat()).env("LINCHPIN_STRESS_SECONDS", seconds)
}

/// The tests in which processes are stopped, forked and confined; one at a time, since some compare times.
fn adversary(name: &'static str, only: &[&str]) -> Step {
    let all = [
        "test",
        "-p",
        "linchpin",
        "--features",
        "epoch",
        "--release",
        "--test",
        "adversary",
    ];
    let alone = ["--", "--include-ignored", "--test-threads=1", "--nocapture"];
    cargo(name, &[&all[..], only, &alone[..]].concat())
}

/// Tests under Miri: each in several schedules, with stale values where the orderings allow them, and in virtual time.
///
/// Left out: `futex_pi`, `adversary` (the kernel's part, signals, forks and filters are not emulated), `stress` (which
/// looks for rare schedules by time), `backend_boundary`, `compile_fail` (they read files and run cargo), `send_sync`
/// (nothing runs), `allocator_mutex` and `allocator_rwlock` (minutes for one schedule).
fn miri(name: &'static str, tests: &[&str], flags: &'static str) -> Step {
    cargo(name, &[&["+nightly", "miri", "test", "-p", "linchpin"], tests].concat()).env("MIRIFLAGS", flags)
}

/// What has to compile elsewhere: the target, and with which features.
const TARGETS: [(&str, &[&str]); 8] = [
    ("check: macOS", &["aarch64-apple-darwin"]),
    ("check: Windows", &["x86_64-pc-windows-msvc"]),
    ("check: FreeBSD", &["x86_64-unknown-freebsd"]),
    ("check: Android", &["aarch64-linux-android"]),
    ("check: 32-bit x86", &["i686-unknown-linux-gnu"]),
    ("check: 32-bit Arm", &["armv7-unknown-linux-gnueabihf"]),
    ("check: WebAssembly", &["wasm32-unknown-unknown"]),
    (
        "check: Cortex-M4, no_std",
        &["thumbv7em-none-eabi", "--no-default-features", "--features", "alloc"],
    ),
];

fn targets() -> impl Iterator<Item = Step> {
    let names = TARGETS.map(|(_, arguments)| arguments[0]);
    let add = steps::command("targets", "rustup", &[&["target", "add"][..], &names].concat());
    let check = TARGETS.map(|(name, arguments)| {
        let check = [
            "check",
            "-p",
            "linchpin",
            "--lib",
            "--target-dir",
            "target/check",
            "--target",
        ];
        cargo(name, &[&check[..], arguments].concat()).env("RUSTFLAGS", "-D warnings")
    });
    [add].into_iter().chain(check)
}

/// The packages that are named as peers, which are in no workspace of ours.
fn compat() -> impl Iterator<Item = Step> {
    [
        ("compat: parking_lot 0.12", "compat/parking_lot-0.12/Cargo.toml"),
        ("compat: parking_lot 0.13", "compat/parking_lot-0.13/Cargo.toml"),
        ("compat: crossbeam-deque", "compat/crossbeam-deque/Cargo.toml"),
        ("compat: haphazard", "compat/haphazard/Cargo.toml"),
        ("compat: spin", "compat/spin/Cargo.toml"),
    ]
    .into_iter()
    .map(|(name, manifest)| {
        let check = [
            "check",
            "--all-features",
            "--target-dir",
            "target/compat",
            "--manifest-path",
        ];
        cargo(name, &[&check[..], &[manifest]].concat())
    })
}

fn verify() -> Vec<Step> {
    let arm = [
        "cargo",
        "test",
        "--release",
        "-p",
        "linchpin",
        "--target",
        "aarch64-unknown-linux-gnu",
    ];
    let mut steps = test();
    steps.extend(compat());
    steps.extend([
        loom("loom: up to 4 preemptions").env("LOOM_MAX_PREEMPTIONS", "4"),
        cargo("native, optimised", &["test", "--workspace", "--release"]),
        stress("stress: 30 s for each lock and deque", "30"),
        stress("the same without membarrier, 2 s", "2").env("LINCHPIN_MEMBARRIER", "0"),
        adversary("the adversary, 60 s of stress for each lock", &[]).env("LINCHPIN_ADVERSARY_SECONDS", "60"),
        adversary("the adversary's stress without membarrier, 10 s", &["stress::"])
            .env("LINCHPIN_ADVERSARY_SECONDS", "10")
            .env("LINCHPIN_MEMBARRIER", "0"),
        miri(
            "Miri, 4 seeds",
            &[
                "--lib",
                "--test",
                "counter",
                "--test",
                "deque",
                "--test",
                "futex",
                "--test",
                "futex_rwlock",
                "--test",
                "spin",
                "--test",
                "wait",
            ],
            // The pointers of `AtomicTaggedPtr` go through addresses.
            "-Zmiri-many-seeds=0..4 -Zmiri-permissive-provenance",
        ),
        // So do those of boxed nodes: Miri does not see that what is retired at the end is still reached.
        miri(
            "Miri, stacks, 4 seeds",
            &["--test", "stack"],
            "-Zmiri-many-seeds=0..4 -Zmiri-permissive-provenance -Zmiri-ignore-leaks",
        ),
        // The node of a guard that is forgotten is lost, as is said there.
        miri(
            "Miri, where nodes are lost, 4 seeds",
            &[
                "--test",
                "queue",
                "--test",
                "allocation_free",
                "--test",
                "barrier",
                "--test",
                "mutual_exclusion",
            ],
            "-Zmiri-many-seeds=0..4 -Zmiri-ignore-leaks",
        ),
        miri("Miri, hazard pointers", &["--test", "hazard"], ""),
        steps::command("64-bit Arm (qemu: no weak memory)", "tools/aarch64.sh", &arm)
            // Filters, and signals by the thousand, are not emulated well enough.
            .env("LINCHPIN_ADVERSARY", "0"),
        comparison("the comparison, as short as it can be", &["--rounds=1", "--run=1"]),
        cargo("the packages", &["package"]),
        cargo("clients: tests of published crates on compat/", &["xtask", "clients"]),
    ]);
    steps.extend(targets());
    steps
}

fn is_bench_option(option: &str) -> bool {
    let values = ["--only=", "--rounds=", "--run="];
    ["--quick", "--full"].contains(&option) || values.iter().any(|value| option.starts_with(value))
}

fn comparison(name: &'static str, options: &[&str]) -> Step {
    let bench = [
        "bench",
        "--quiet",
        "-p",
        "linchpin",
        "--features",
        "epoch",
        "--bench",
        "compare",
        "--",
    ];
    cargo(name, &[&bench, options].concat())
}

fn bench(options: &[&str]) -> ExitCode {
    eprintln!("building the benches, for a minute or two the first time");
    report(&[
        comparison("the comparison", &[&[COMPARISON], options].concat()),
        bills(),
    ])
}

fn bills() -> Step {
    cargo(
        "the bills",
        &[
            "run",
            "--quiet",
            "-p",
            "bills",
            "--release",
            "--target-dir",
            "target/coherence",
            "--",
            BILL,
        ],
    )
    .env("RUSTFLAGS", COHERENCE)
}

/// Runs `steps`, prints what they have reported, and draws it together with what earlier runs have.
fn report(steps: &[Step]) -> ExitCode {
    let folder = root().join("target/linchpin");
    let read = |name: &str| -> Vec<Section> {
        // One that was never run has no report.
        let Ok(text) = std::fs::read_to_string(folder.join(name)) else {
            return vec![];
        };
        serde_json::from_str(&text).unwrap_or_else(|error| {
            eprintln!("left out: {name} is of another version ({error})");
            vec![]
        })
    };
    std::fs::create_dir_all(&folder).unwrap_or_else(|error| panic!("cannot make {}: {error}", folder.display()));
    let outcome = steps::run(steps);
    if outcome != ExitCode::SUCCESS {
        return outcome;
    }
    let (comparison, bill) = (read("compare.json"), read("bill.json"));
    if steps.len() > 1 {
        comparison.iter().for_each(table::print);
    }
    bill.iter().for_each(table::print);
    let html = folder.join("report.html");
    let sections: Vec<Section> = comparison.into_iter().chain(bill).collect();
    std::fs::write(&html, page::render(&sections))
        .unwrap_or_else(|error| panic!("cannot write {}: {error}", html.display()));
    println!("\nthe page with the plots: {}", html.display());
    ExitCode::SUCCESS
}
