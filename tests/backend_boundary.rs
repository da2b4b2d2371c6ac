//! Outside `src/backend/`, no line of this crate's code names an atomic of `core`, a
//! system call, a model checker, or the backend that it runs on.
//!
//! Comments may speak of all of it, and examples in the documentation are a user's code, with a user's atomics.
#![cfg(not(miri))]

use std::fs;
use std::path::{Path, PathBuf};

use proc_macro2::{Delimiter, TokenStream, TokenTree};

/// What code outside the backend does not name.
const FORBIDDEN: &[&str] = &[
    "sync::atomic",
    "core::sync as",
    "std::sync as",
    "loom::",
    "use loom",
    "extern crate loom",
    "coherence::",
    "use coherence",
    "extern crate coherence",
    "linchpin_loom",
    "linchpin_coherence",
    "rustix",
    "parking_lot_core",
    "crossbeam_epoch",
    "portable_atomic",
];

/// What it takes from the backend as well; unit tests, at the end of a file or in a `tests.rs` or beside it in `tests/`, run natively and need not.
const FORBIDDEN_BEFORE_TESTS: &[&str] = &["hint::spin_loop", "thread_local!", "std::thread", "std::time"];

/// The lines of `source` that name what they must not, and what that is.
fn offences(source: &str) -> Vec<(usize, &'static str)> {
    let code = Code::of(source);
    let tests = code.text.find("#[cfg(test)]").unwrap_or(code.text.len());
    let mut offences = Vec::new();
    for &name in FORBIDDEN {
        offences.extend(code.places(name).map(|at| (code.lines[at], name)));
    }
    for &name in FORBIDDEN_BEFORE_TESTS {
        let places = code.places(name).filter(|&at| at < tests);
        offences.extend(places.map(|at| (code.lines[at], name)));
    }
    // `use core::sync::{.., atomic, ..}` names it in pieces.
    let in_pieces = code.places("sync::{").filter(|&at| {
        let rest = &code.text[at..];
        rest[..rest.find(';').unwrap_or(rest.len())].contains("atomic")
    });
    offences.extend(in_pieces.map(|at| (code.lines[at], FORBIDDEN[0])));
    offences.sort_unstable();
    offences
}

/// The tokens of a file, without what is in quotes (which documentation is to a compiler), and with white space only where
/// it keeps two words apart, so that a line break inside a path hides nothing.
#[derive(Default)]
struct Code {
    text: String,
    /// The line of each byte of `text`.
    lines: Vec<usize>,
}

impl Code {
    fn of(source: &str) -> Self {
        let mut code = Code::default();
        code.extend(source.parse().expect("a source consists of Rust's tokens"));
        code
    }

    fn extend(&mut self, tokens: TokenStream) {
        for token in tokens {
            let line = token.span().start().line;
            match token {
                TokenTree::Group(group) => {
                    let (open, close) = match group.delimiter() {
                        Delimiter::Parenthesis => ("(", ")"),
                        Delimiter::Brace => ("{", "}"),
                        Delimiter::Bracket => ("[", "]"),
                        Delimiter::None => ("", ""),
                    };
                    self.push(open, line);
                    self.extend(group.stream());
                    self.push(close, group.span_close().start().line);
                }
                TokenTree::Literal(_) => self.push("_", line),
                other => self.push(&other.to_string(), line),
            }
        }
    }

    fn push(&mut self, token: &str, line: usize) {
        if self.text.ends_with(in_word) && token.starts_with(in_word) {
            self.text.push(' ');
        }
        self.text.push_str(token);
        self.lines.resize(self.text.len(), line);
    }

    /// Where `name` stands, not as the end of a longer word.
    fn places(&self, name: &str) -> impl Iterator<Item = usize> {
        let found = self.text.match_indices(name).map(|(at, _)| at);
        found.filter(|&at| !self.text[..at].ends_with(in_word))
    }
}

fn in_word(character: char) -> bool {
    character.is_alphanumeric() || character == '_'
}

fn source() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src")
}

/// All sources of this crate outside the backend boundary.
fn sources() -> Vec<PathBuf> {
    let mut folders = vec![source()];
    let mut sources = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).expect("src can be listed") {
            let path = entry.expect("src can be listed").path();
            if path == source().join("backend") {
                continue;
            }
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                sources.push(path);
            }
        }
    }
    sources.sort();
    sources
}

#[test]
fn only_the_backend_names_what_it_stands_for() {
    let sources = sources();
    assert!(sources.len() >= 10, "these are not all the sources: {sources:?}");
    let mut report = String::new();
    for file in sources {
        let mut text = fs::read_to_string(&file).expect("a source can be read");
        if file.ends_with("tests.rs") || file.parent().is_some_and(|parent| parent.ends_with("tests")) {
            text.insert_str(0, "#[cfg(test)] ");
        }
        for (line, name) in offences(&text) {
            report += &format!(
                "{}:{line}: names `{name}`, which only src/backend may\n",
                file.display()
            );
        }
    }
    assert!(report.is_empty(), "{report}");
}

/// The backend itself does name them: if it did not, this file would look for the wrong words.
#[test]
fn the_backend_names_what_it_stands_for() {
    let read = |name: &str| fs::read_to_string(source().join("backend").join(name)).expect("a source can be read");
    let names = |text: &str, name: &str| offences(text).iter().any(|&(_, found)| found == name);
    assert!(names(&read("native/mod.rs"), "sync::atomic"));
    assert!(names(&read("loom/atomic.rs"), "loom::"));
    assert!(names(&read("mod.rs"), "linchpin_loom"));
    assert!(names(&read("native/futex.rs"), "rustix") && names(&read("native/futex.rs"), "parking_lot_core"));
}

#[test]
fn an_offence_is_found() {
    let offending = [
        (1, "use core::sync::atomic::AtomicBool;"),
        (2, "\nuse std::sync::atomic::{AtomicBool, Ordering};"),
        (1, "use core::sync::{atomic, Exclusive};"),
        (1, "use std::sync::{Arc, atomic::AtomicBool};"),
        (1, "use core::{cell::Cell, sync::atomic};"),
        (
            3,
            "// fine\n/// fine\nstatic FLAG: core :: sync\n  :: atomic::AtomicBool = make();",
        ),
        (1, "use core::sync as innocent;"),
        (1, "let flag = ::std::sync::atomic::AtomicBool::new(false);"),
        (2, "fn wait() {\n    loom::thread::yield_now();\n}"),
        (1, "use loom as model;"),
        (1, "extern crate loom;"),
        (1, "use coherence::atomic::AtomicU64;"),
        (1, "#[cfg(linchpin_loom)]"),
        (1, "#[cfg(not(linchpin_loom))] fn only_here() {}"),
        (1, "if cfg!(any(linchpin_loom, miri)) {}"),
        (1, "#[cfg_attr(linchpin_coherence, path = \"other.rs\")] mod inside;"),
        (1, "rustix::thread::sched_yield();"),
        (1, "use parking_lot_core::{park, unpark_one};"),
        (1, "let now = std::time::Instant::now();"),
        (1, "core::hint::spin_loop();"),
        (1, "std::thread_local! { static ROUND: u32 = 0; }"),
        (1, "let quote = '\"'; loom::model(f); let quote = '\"';"),
        (1, "let escaped = '\\''; loom::model(f); let escaped = '\\'';"),
        (1, "let text = \"// no comment\"; loom::model(f);"),
        (1, "let text = r#\"a \" and // \"#; loom::model(f);"),
        (1, "let text = \"a \\\" and \\\\\"; loom::model(f);"),
        (1, "/* a /* nested */ comment */ loom::model(f);"),
        (1, "fn lifetime<'a>(text: &'a str) { loom::model(f) }"),
        (
            3,
            "#[cfg(test)]\nmod tests {\n    use std::sync::atomic::AtomicBool;\n}",
        ),
    ];
    for (line, snippet) in offending {
        let found = offences(snippet);
        assert!(!found.is_empty(), "not found: {snippet}");
        assert!(
            found.iter().all(|&(at, _)| at == line),
            "found elsewhere: {snippet}: {found:?}"
        );
    }
}

#[test]
fn the_innocent_are_let_through() {
    let innocent = [
        "use crate::backend::atomic::{Acquire, AtomicBool, Relaxed, Release};",
        "//! loom::model explores what std::sync::atomic does under cfg(linchpin_loom)",
        "/// use std::sync::atomic::{AtomicBool, Ordering};",
        "/* loom::model, and core::sync::atomic */ fn code() {}",
        "let text = \"loom::model\"; let raw = r\"loom::\"; let bytes = b\"loom::\";",
        "bloom::filter(); use crate::bloom;",
        "use alloc::sync::{Arc, Weak}; use crate::backend::atomic;",
        "#[cfg(test)]\nmod tests {\n    use std::thread;\n}",
    ];
    for snippet in innocent {
        assert_eq!(offences(snippet), [], "{snippet}");
    }
}
