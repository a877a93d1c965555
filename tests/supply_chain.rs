//! What the project is built with is pinned: every package that is fetched has its digest in a lock file, and none brings in others
//! past it. One tool is pinned by its version, and by the lock file that it is published with: cargo-deny.

#![allow(clippy::expect_used, clippy::indexing_slicing, clippy::panic, clippy::unwrap_used)]

use std::fs::read_to_string;
use std::path::Path;

use serde_json::Value;

/// The lock files of crates: the gateway's, that of the tools that build it, and that of the fuzz targets.
const CARGO_LOCKS: [&str; 3] = ["Cargo.lock", "tools/Cargo.lock", "fuzz/Cargo.lock"];

fn text(name: &str) -> String {
    read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(name)).expect("the file can be read")
}

fn json(name: &str) -> Value {
    serde_json::from_str(&text(name)).expect("the file is JSON")
}

/// Returns the packages of a lock file of cargo.
fn crates(lock: &str) -> Vec<toml::Table> {
    let lock: toml::Table = text(lock).parse().expect("the file is TOML");
    let packages = lock["package"].as_array().expect("the packages are a list");
    packages.iter().map(|package| package.as_table().expect("a package is a table").clone()).collect()
}

#[test]
fn every_npm_package_is_pinned_by_its_digest_and_at_no_registry() {
    let lock = json("package-lock.json");
    let packages = lock["packages"].as_object().expect("the packages are an object");
    let fetched: Vec<_> = packages.iter().filter(|(path, _)| !path.is_empty()).collect();
    assert!(fetched.len() > 50, "what is checked is there");
    for (path, package) in fetched {
        let digest = package["integrity"].as_str().unwrap_or_default();
        assert!(digest.starts_with("sha512-"), "{path} has no digest");
        assert_eq!(package.get("resolved"), None, "{path} names a registry");
        assert_eq!(package.get("link"), None, "{path} is no package");
    }
}

#[test]
fn each_npm_package_that_is_asked_for_is_asked_for_in_one_version() {
    let package = json("package.json");
    for section in ["dependencies", "devDependencies", "optionalDependencies"] {
        for (name, version) in package[section].as_object().into_iter().flatten() {
            let version = version.as_str().unwrap_or_default();
            let is_exact = version.starts_with(|first: char| first.is_ascii_digit())
                && version.chars().all(|sign| sign.is_ascii_alphanumeric() || ".-+".contains(sign));
            assert!(is_exact, "{name} is asked for as {version}");
        }
    }
}

#[test]
fn no_npm_package_runs_a_program_when_it_is_installed() {
    let settings = text(".npmrc");
    assert!(settings.lines().any(|line| line == "ignore-scripts=true"), "{settings}");
}

#[test]
fn every_crate_is_pinned_by_its_digest() {
    for lock in CARGO_LOCKS {
        for package in crates(lock) {
            let name = &package["name"];
            let Some(source) = package.get("source") else {
                let name = name.as_str().unwrap_or_default();
                assert!(name.starts_with("bargate"), "{lock}: {name} comes from a folder");
                continue;
            };
            assert_eq!(
                source.as_str(),
                Some("registry+https://github.com/rust-lang/crates.io-index"),
                "{lock}: {name}"
            );
            let digest = package.get("checksum").and_then(toml::Value::as_str).unwrap_or_default();
            assert_eq!(digest.len(), 64, "{lock}: {name} has no digest");
        }
    }
}

#[test]
fn the_tools_have_the_gateways_version_of_wasm_bindgen() {
    let version = |lock: &str, name: &str| {
        let crates = crates(lock);
        let package = crates.iter().find(|package| package["name"].as_str() == Some(name));
        package.expect("the crate is in the lock file")["version"].as_str().map(str::to_owned)
    };
    assert_eq!(version("tools/Cargo.lock", "wasm-bindgen-cli-support"), version("Cargo.lock", "wasm-bindgen"));
}

#[test]
fn every_package_has_the_version_of_the_crate() {
    let version = env!("CARGO_PKG_VERSION");
    let packages = ["bargate", "bargate-dev", "create-bargate"];
    for folder in [".", "packages/bargate", "packages/bargate-dev", "packages/create-bargate"] {
        let package = json(&format!("{folder}/package.json"));
        assert_eq!(package["version"], version, "{folder}");
        for section in ["dependencies", "peerDependencies", "devDependencies"] {
            for (name, asked) in package[section].as_object().into_iter().flatten() {
                assert!(!packages.contains(&name.as_str()) || asked == version, "{folder} asks for {name} {asked}");
            }
        }
    }
    let lock = json("package-lock.json");
    assert_eq!([&lock["version"], &lock["packages"][""]["version"]], [version; 2], "package-lock.json");
    let worker: toml::Table = text("worker/Cargo.toml").parse().expect("the file is TOML");
    assert_eq!(worker["package"]["version"].as_str(), Some(version), "worker");
}

#[test]
fn what_is_installed_has_no_program_that_runs_at_installation() {
    for package in ["bargate", "bargate-dev", "create-bargate"] {
        let package = json(&format!("packages/{package}/package.json"));
        assert_eq!(package.get("scripts"), None, "{}", package["name"]);
    }
    let bargate = json("packages/bargate/package.json");
    for section in ["dependencies", "optionalDependencies", "peerDependencies"] {
        assert_eq!(bargate.get(section), None, "the package bargate needs nothing");
    }
}

#[test]
fn every_action_of_a_workflow_is_pinned_by_its_commit() {
    let workflows = [".github/workflows/ci.yml", ".github/workflows/publish.yml"].map(text).concat();
    let actions: Vec<_> =
        workflows.lines().filter_map(|line| line.split_once("uses: ")).map(|(_, action)| action).collect();
    assert!(actions.len() > 4, "what is checked is there");
    for action in actions {
        let commit = action.split_once('@').and_then(|(_, version)| version.split(' ').next()).unwrap_or_default();
        assert!(commit.len() == 40 && commit.chars().all(|sign| sign.is_ascii_hexdigit()), "{action}");
    }
}

#[test]
fn no_tool_is_installed_past_its_lock_file() {
    let mut installs = 0;
    for script in ["scripts/setup.mjs", "scripts/test.mjs", "scripts/build.mjs", ".ci/run"] {
        for line in text(script).lines().filter(|line| line.contains("'install'") && line.contains("'cargo'")) {
            assert!(line.contains("'--locked'"), "{script}: {line}");
            installs += 1;
        }
    }
    assert_eq!(installs, 1, "cargo installs tools in one place");
}
