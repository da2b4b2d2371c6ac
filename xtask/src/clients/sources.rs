//! Where their sources come from, and what is changed in them.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::list::{CLIENTS, Client, SHIMS};
use super::{cargo, make, output, write};

/// Lets cargo fetch the clients from the registry; answers the folder of each.
pub(super) fn fetch(folder: &Path) -> Result<Vec<(&'static str, PathBuf)>, String> {
    let at = folder.join("fetch");
    make(&at.join("src"))?;
    let wanted: String = CLIENTS
        .iter()
        .map(|client| format!("{} = \"={}\"\n", client.name, client.version))
        .collect();
    let manifest = format!(
        "[package]\nname = \"clients\"\nversion = \"0.0.0\"\nedition = \"2024\"\n\n[dependencies]\n{wanted}\n[workspace]\n"
    );
    write(&at.join("Cargo.toml"), &manifest)?;
    write(&at.join("src/lib.rs"), "")?;
    output(cargo(&at, &["fetch"]))?;
    let metadata = output(cargo(&at, &["metadata", "--format-version", "1"]))?;
    let metadata: Value = serde_json::from_str(&metadata).map_err(|error| format!("no metadata: {error}"))?;
    let packages = metadata["packages"].as_array().ok_or("no packages in the metadata")?;
    CLIENTS
        .iter()
        .map(|client| {
            let is_it = |package: &&Value| package["name"] == client.name && package["version"] == client.version;
            let manifest = packages
                .iter()
                .find(is_it)
                .and_then(|package| package["manifest_path"].as_str())
                .and_then(|manifest| Path::new(manifest).parent())
                .ok_or_else(|| format!("{} {} has not been fetched", client.name, client.version))?;
            Ok((client.name, manifest.to_owned()))
        })
        .collect()
}

fn copy(from: &Path, to: &Path) -> Result<(), String> {
    let describe = |error| format!("cannot copy {} to {}: {error}", from.display(), to.display());
    make(to)?;
    for entry in fs::read_dir(from).map_err(describe)? {
        let entry = entry.map_err(describe)?;
        let (inner, target) = (entry.path(), to.join(entry.file_name()));
        if inner.is_dir() {
            copy(&inner, &target)?;
        } else {
            fs::copy(&inner, &target).map_err(describe)?;
        }
    }
    Ok(())
}

/// Copies the source of `client`, with the patch in its manifest; answers where it is.
pub(super) fn prepare(client: &Client, sources: &[(&str, PathBuf)], folder: &Path) -> Result<PathBuf, String> {
    let at = folder.join(format!("{}-{}", client.name, client.version));
    let (_, source) = sources
        .iter()
        .find(|(name, _)| *name == client.name)
        .ok_or("it has not been fetched")?;
    // What an earlier run has changed or built in is gone; dependencies are built in one folder for all.
    if at.exists() {
        fs::remove_dir_all(&at).map_err(|error| format!("cannot remove {}: {error}", at.display()))?;
    }
    copy(source, &at)?;
    // It is built by the toolchain that builds linchpin.
    for choice in ["rust-toolchain", "rust-toolchain.toml"] {
        let choice = at.join(choice);
        if choice.exists() {
            fs::remove_file(&choice).map_err(|error| format!("cannot remove {}: {error}", choice.display()))?;
        }
    }
    let manifest = at.join("Cargo.toml");
    let mut text =
        fs::read_to_string(&manifest).map_err(|error| format!("cannot read {}: {error}", manifest.display()))?;
    text.push_str("\n[workspace]\n");
    let root = crate::root();
    if let Some(inside) = client.inside {
        let source = at.join("src");
        fs::remove_dir_all(&source).map_err(|error| format!("cannot remove {}: {error}", source.display()))?;
        copy(&root.join("compat").join(inside).join("src"), &source)?;
        text.push_str(&format!("\n[dependencies.linchpin]\npath = {root:?}\n"));
        write(&manifest, &text)?;
        return Ok(at);
    }
    text.push_str("\n[patch.crates-io]\n");
    for (key, package, path) in SHIMS {
        let path = root.join("compat").join(path);
        text.push_str(&format!("{key} = {{ package = \"{package}\", path = {path:?} }}\n"));
    }
    // Its dependencies that depend on it test it too, and not another copy.
    text.push_str(&format!("{} = {{ path = \".\" }}\n", client.name));
    write(&manifest, &text)?;
    unlock(client, &at)?;
    Ok(at)
}

/// Where the client was published with a `Cargo.lock`, puts the shims in it, and the client itself where its
/// dependencies have another version of it. All else stays as it was when its authors tested it.
fn unlock(client: &Client, at: &Path) -> Result<(), String> {
    let path = at.join("Cargo.lock");
    if !path.exists() {
        return Ok(());
    }
    let lock = fs::read_to_string(&path).map_err(|error| format!("cannot read {}: {error}", path.display()))?;
    for package in lock.split("[[package]]").skip(1) {
        let value = |key| {
            package
                .lines()
                .find_map(|line| line.strip_prefix(key)?.strip_suffix('"'))
        };
        let (Some(name), Some(version)) = (value("name = \""), value("version = \"")) else {
            continue;
        };
        let Some((minor, _)) = version.rsplit_once('.') else {
            continue;
        };
        let shim = format!("{minor}.99");
        let has_shim = CLIENTS.iter().any(|client| client.shim == format!("{name} v{shim}"));
        let wanted = if has_shim {
            shim.as_str()
        } else if name == client.name {
            client.version
        } else {
            continue;
        };
        if version != wanted {
            let package = format!("{name}@{version}");
            if output(cargo(at, &["update", &package, "--precise", wanted])).is_err() {
                println!("its Cargo.lock has no room for {name} {wanted}: all its dependencies are chosen anew");
                return fs::remove_file(&path).map_err(|error| format!("cannot remove {}: {error}", path.display()));
            }
        }
    }
    Ok(())
}
