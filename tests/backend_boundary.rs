//! The backend boundary is shut: outside `src/backend/`, no line of this crate's code names an atomic of `core`, a
//! system call, a model checker, or the world it runs in.
//!
//! Comments may speak of all of it, and examples in the documentation are a user's code, with a user's atomics.
#![cfg(not(miri))]

use std::fs;
use std::path::{Path, PathBuf};

/// What code outside the backend boundary does not name.
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
];

/// What it takes through the backend boundary as well; unit tests, at the end of a file, run in the native backend and
/// need not.
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

/// The code of a file: without comments, documentation and what is in quotes, and with no white space but where it
/// keeps two words apart, so that a line break inside a path hides nothing.
#[derive(Default)]
struct Code {
    text: String,
    /// The line of each byte of `text`.
    lines: Vec<usize>,
}

impl Code {
    fn of(source: &str) -> Self {
        let mut code = Code::default();
        let mut line = 1;
        let mut rest = source;
        let mut apart = false;
        while let Some(first) = rest.chars().next() {
            let skipped = skipped(rest);
            if skipped > 0 {
                apart = true;
                line += rest[..skipped].matches('\n').count();
                rest = &rest[skipped..];
                continue;
            }
            if apart && code.text.ends_with(in_word) && in_word(first) {
                code.push(' ', line);
            }
            apart = false;
            code.push(first, line);
            rest = &rest[first.len_utf8()..];
        }
        code
    }

    fn push(&mut self, character: char, line: usize) {
        self.text.push(character);
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

/// How many bytes at the beginning of `rest` are no code: white space, a comment, a string or a character in quotes.
fn skipped(rest: &str) -> usize {
    let end = |of: Option<usize>| of.unwrap_or(rest.len());
    let raw = rest.strip_prefix('b').unwrap_or(rest);
    let hashes = raw
        .strip_prefix('r')
        .map(|after| after.len() - after.trim_start_matches('#').len());
    if rest.starts_with(char::is_whitespace) {
        end(rest.find(|character: char| !character.is_whitespace()))
    } else if rest.starts_with("//") {
        end(rest.find('\n'))
    } else if rest.starts_with("/*") {
        block_comment(rest)
    } else if let Some(hashes) = hashes
        && raw[1 + hashes..].starts_with('"')
    {
        let close = format!("\"{}", "#".repeat(hashes));
        let open = rest.len() - raw.len() + 2 + hashes;
        end(rest[open..].find(&close).map(|at| open + at + close.len()))
    } else if rest.starts_with('"') {
        quoted(rest, '"')
    } else if rest.starts_with("'\\") || (rest.starts_with('\'') && rest.chars().nth(2) == Some('\'')) {
        quoted(rest, '\'') // and not a lifetime
    } else {
        0
    }
}

fn block_comment(rest: &str) -> usize {
    let mut depth = 0;
    let mut at = 0;
    while at < rest.len() {
        if rest[at..].starts_with("/*") {
            depth += 1;
            at += 2;
        } else if rest[at..].starts_with("*/") {
            depth -= 1;
            at += 2;
            if depth == 0 {
                return at;
            }
        } else {
            at += rest[at..].chars().next().map_or(1, char::len_utf8);
        }
    }
    rest.len()
}

fn quoted(rest: &str, quote: char) -> usize {
    let mut escaped = false;
    for (at, character) in rest.char_indices().skip(1) {
        if character == quote && !escaped {
            return at + 1;
        }
        escaped = character == '\\' && !escaped;
    }
    rest.len()
}

fn source() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src")
}

/// All the sources of this crate outside the backend boundary.
fn rooms() -> Vec<PathBuf> {
    let mut folders = vec![source()];
    let mut rooms = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).expect("src can be listed") {
            let path = entry.expect("src can be listed").path();
            if path == source().join("backend") {
                continue;
            }
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                rooms.push(path);
            }
        }
    }
    rooms.sort();
    rooms
}

#[test]
fn only_the_door_names_a_world() {
    let rooms = rooms();
    assert!(rooms.len() >= 10, "these are not all the sources: {rooms:?}");
    let mut report = String::new();
    for room in rooms {
        let text = fs::read_to_string(&room).expect("a source can be read");
        for (line, name) in offences(&text) {
            report += &format!(
                "{}:{line}: names `{name}`, which only src/backend may\n",
                room.display()
            );
        }
    }
    assert!(report.is_empty(), "{report}");
}

/// The backend boundary itself does name them: if it did not, this file would look for the wrong words.
#[test]
fn the_door_names_the_worlds() {
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

/// Nothing in a real file (a quote, a comment) makes the rest of it invisible.
#[test]
fn an_offence_is_found_at_the_end_of_each_file() {
    for room in rooms() {
        let text = fs::read_to_string(&room).expect("a source can be read");
        let lines = text.lines().count();
        let offending = format!("{}\nuse loom::sync::Arc;\n", text.trim_end_matches('\n'));
        assert_eq!(
            offences(&offending).last(),
            Some(&(lines + 1, "use loom")),
            "{}",
            room.display()
        );
    }
}
