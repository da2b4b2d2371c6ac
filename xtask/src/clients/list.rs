//! Which crates, at which version, and how many of their tests pass.

/// A published crate.
pub(super) struct Client {
    pub(super) name: &'static str,
    pub(super) version: &'static str,
    /// What `cargo test` is told.
    pub(super) arguments: &'static [&'static str],
    /// What its tests are told.
    pub(super) filters: &'static [&'static str],
    /// What it must be built with, as `name vVERSION`: the shim.
    pub(super) shim: &'static str,
    /// The package of `compat/` that takes the place of its own source: a peer, whose tests are wanted and nothing else.
    pub(super) inside: Option<&'static str>,
    /// How many of its tests pass at least.
    pub(super) at_least: usize,
}

const PARKING_LOT_12: &str = "parking_lot v0.12.99";
const PARKING_LOT_13: &str = "parking_lot v0.13.99";
const CROSSBEAM_DEQUE: &str = "crossbeam-deque v0.8.99";
const LINCHPIN: &str = concat!("linchpin v", env!("CARGO_PKG_VERSION"));

pub(super) const CLIENTS: &[Client] = &[
    Client {
        name: "scheduled-thread-pool",
        version: "0.2.8",
        arguments: &[],
        filters: &[],
        shim: PARKING_LOT_13,
        inside: None,
        at_least: 1,
    },
    Client {
        name: "prometheus",
        version: "0.14.0",
        arguments: &["--lib", "--tests"],
        filters: &[],
        shim: PARKING_LOT_12,
        inside: None,
        at_least: 1,
    },
    Client {
        name: "rayon-core",
        version: "1.13.0",
        arguments: &["--lib", "--tests"],
        filters: &[],
        shim: CROSSBEAM_DEQUE,
        inside: None,
        at_least: 1,
    },
    Client {
        name: "rayon",
        version: "1.12.0",
        arguments: &["--lib", "--tests"],
        filters: &[],
        shim: CROSSBEAM_DEQUE,
        inside: None,
        at_least: 1,
    },
    Client {
        name: "moka",
        version: "0.12.16",
        arguments: &["--lib", "--tests", "--features", "sync,future"],
        filters: &[],
        shim: PARKING_LOT_12,
        inside: None,
        at_least: 1,
    },
    Client {
        name: "cached",
        version: "4.1.0",
        arguments: &["--lib", "--tests"],
        filters: &[],
        shim: PARKING_LOT_12,
        inside: None,
        at_least: 1,
    },
    Client {
        name: "tokio",
        version: "1.54.1",
        arguments: &["--lib", "--tests", "--features", "full,test-util"],
        filters: &[],
        shim: PARKING_LOT_12,
        inside: None,
        at_least: 1,
    },
    peer("parking_lot", "0.13.0", "parking_lot-0.13", 1),
    peer("crossbeam-deque", "0.8.8", "crossbeam-deque", 1),
    peer("haphazard", "0.1.8", "haphazard", 1),
];

/// A peer, whose own tests run on the package of `compat/` in its place. (`spin` has none outside of its source.)
const fn peer(name: &'static str, version: &'static str, inside: &'static str, at_least: usize) -> Client {
    Client {
        name,
        version,
        arguments: &["--tests"],
        filters: &[],
        shim: LINCHPIN,
        inside: Some(inside),
        at_least,
    }
}

/// The packages of `compat/`, by what `[patch]` calls them. Two of one name need two names there.
pub(super) const SHIMS: &[(&str, &str, &str)] = &[
    ("parking_lot_12", "parking_lot", "parking_lot-0.12"),
    ("parking_lot_13", "parking_lot", "parking_lot-0.13"),
    ("crossbeam-deque", "crossbeam-deque", "crossbeam-deque"),
    ("haphazard", "haphazard", "haphazard"),
];

#[cfg(test)]
mod tests {
    use std::fs;

    use super::{CLIENTS, SHIMS};

    #[test]
    fn each_client_is_pinned_and_names_a_shim_that_there_is() {
        for client in CLIENTS {
            let (name, version) = client.shim.split_once(" v").expect("a name and a version");
            let found = client
                .inside
                .is_some_and(|inside| SHIMS.iter().any(|(_, _, path)| *path == inside))
                || SHIMS
                    .iter()
                    .filter(|(_, package, _)| *package == name)
                    .any(|(_, _, path)| {
                        let manifest = crate::root().join("compat").join(path).join("Cargo.toml");
                        fs::read_to_string(manifest)
                            .is_ok_and(|text| text.contains(&format!("version = \"{version}\"")))
                    });
            assert!(found, "{} is no package of compat/", client.shim);
            assert!(client.at_least > 0 && client.version.split('.').count() == 3);
        }
    }
}
