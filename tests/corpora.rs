//! What fuzzing kept, through the same checks as in `fuzz/`: each text that took a path of its own, and each that once failed.
//!
//! A file of `fuzz/corpora/` has a text a line, as JSON: a string, or `{"base64": …}` if it is not UTF-8.

#![allow(clippy::expect_used, clippy::indexing_slicing, clippy::panic, clippy::unwrap_used)]

#[path = "../fuzz/src/lib.rs"]
mod fuzz;

use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use bargate::deployment::{EnvFiles, Variables};
use bargate::text_file::TextFile;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

fn folder() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz")
}

fn bytes_of(line: &str) -> Vec<u8> {
    match serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}")) {
        Value::String(text) => text.into_bytes(),
        other => STANDARD.decode(other["base64"].as_str().expect(line)).expect(line),
    }
}

#[test]
fn what_fuzzing_kept_holds() {
    let failed: Vec<_> = fuzz::TARGETS
        .iter()
        .flat_map(|target| {
            let path = folder().join("corpora").join(format!("{}.jsonl", target.name));
            let lines = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
            assert!(lines.lines().count() >= 4, "{} has too little", path.display());
            let fails = |line: &&str| {
                let bytes = bytes_of(line);
                catch_unwind(AssertUnwindSafe(|| fuzz::check(target.name, &bytes))).is_err()
            };
            lines.lines().filter(fails).map(|line| format!("{}: {line}", target.name)).collect::<Vec<_>>()
        })
        .collect();
    assert!(failed.is_empty(), "{}", failed.join("\n"));
}

#[test]
fn a_file_of_variables_is_read_as_wrangler_reads_it() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/env_files_corpus.json");
    let rows: Vec<Value> = serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap();
    for row in &rows {
        let text = row["text"].as_str().unwrap().to_owned();
        let file = TextFile { name: ".dev.vars".to_owned(), text };
        let env = EnvFiles::parse(vec![file], Variables::default()).expect("nothing in it refers to anything");
        let names = env.files()[0].names.iter().map(|(name, _)| name.as_str());
        let values: serde_json::Map<_, _> =
            names.map(|name| (name.to_owned(), env.value(name).expect("a value").into())).collect();
        assert_eq!(Value::Object(values), row["values"], "{row}");
    }
    assert!(rows.len() > 20);
}

#[test]
fn each_target_has_a_program_and_a_corpus_and_no_other_is_there() {
    let names: Vec<_> = fuzz::TARGETS.iter().map(|target| target.name).collect();
    let stems = |folder: &Path| {
        let entries = fs::read_dir(folder).unwrap();
        let mut stems: Vec<_> =
            entries.map(|entry| entry.unwrap().path().file_stem().unwrap().to_string_lossy().into_owned()).collect();
        stems.sort();
        stems
    };
    assert_eq!(stems(&folder().join("fuzz_targets")), names);
    assert_eq!(stems(&folder().join("corpora")), names);
    let manifest = fs::read_to_string(folder().join("Cargo.toml")).unwrap();
    for name in names {
        assert!(manifest.contains(&format!("path = \"fuzz_targets/{name}.rs\"")), "{name}");
    }
}
