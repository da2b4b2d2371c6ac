//! Which crates, at which version, and how many of their tests pass.

/// A published crate.
pub(super) struct Client {
    pub(super) name: &'static str,
    pub(super) version: &'static str,
    /// Features that its tests need beside the default ones, with commas between; `""` if none.
    pub(super) features: &'static str,
    /// Tests that are left out, for a reason that has nothing to do with locks.
    pub(super) skips: &'static [&'static str],
    /// What it must be built with, as `name vVERSION`: the shim.
    pub(super) shim: &'static str,
    /// The package of `compat/` that takes the place of its own source: a peer, whose tests are wanted and nothing else.
    pub(super) inside: Option<&'static str>,
    /// How many of its tests pass at least, those in its documentation aside.
    pub(super) at_least: usize,
}

const PARKING_LOT_12: &str = "parking_lot v0.12.99";
const PARKING_LOT_13: &str = "parking_lot v0.13.99";
const CROSSBEAM_DEQUE: &str = "crossbeam-deque v0.8.99";
const LINCHPIN: &str = concat!("linchpin v", env!("CARGO_PKG_VERSION"));

pub(super) const CLIENTS: &[Client] = &[
    client("scheduled-thread-pool", "0.2.8", PARKING_LOT_13, 13),
    client("prometheus", "0.14.0", PARKING_LOT_12, 86),
    client("moka", "0.12.16", PARKING_LOT_12, 179).with("sync,future"),
    client("cached", "4.1.0", PARKING_LOT_12, 2172).without(CACHED_SKIPS),
    // `try_exists` wants to be refused by the kernel, which root is not.
    client("tokio", "1.54.1", PARKING_LOT_12, 1577)
        .with("full,test-util")
        .without(&["try_exists"]),
    client("rayon-core", "1.13.0", CROSSBEAM_DEQUE, 110),
    client("rayon", "1.12.0", CROSSBEAM_DEQUE, 332),
    peer("parking_lot", "0.13.0", "parking_lot-0.13", 2),
    peer("crossbeam-deque", "0.8.8", "crossbeam-deque", 38),
];

/// What compares the messages of another compiler, and what reads scripts that are not in the package.
const CACHED_SKIPS: &[&str] = &[
    "compile_fail",
    "a_stable_root_depending_on_a_prerelease_subcrate_fails_the_check",
    "a_prerelease_root_may_depend_on_prerelease_subcrates",
    "a_stale_dependency_pin_fails_the_check",
    "an_unbumped_subcrate_package_version_fails_the_check",
    "publish_treats_a_server_side_upload_conflict_as_a_benign_skip",
    "publish_still_fails_the_release_on_any_other_error",
    "publish_treats_an_index_conflict_as_a_benign_skip",
    "the_committed_workspace_versions_agree",
];

const fn client(name: &'static str, version: &'static str, shim: &'static str, at_least: usize) -> Client {
    Client {
        name,
        version,
        features: "",
        skips: &[],
        shim,
        inside: None,
        at_least,
    }
}

/// A peer, whose own tests run on the package of `compat/` in its place. (`spin` has none outside of its source.)
const fn peer(name: &'static str, version: &'static str, inside: &'static str, at_least: usize) -> Client {
    Client {
        inside: Some(inside),
        ..client(name, version, LINCHPIN, at_least)
    }
}

impl Client {
    const fn with(self, features: &'static str) -> Self {
        Client { features, ..self }
    }

    const fn without(self, skips: &'static [&'static str]) -> Self {
        Client { skips, ..self }
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
