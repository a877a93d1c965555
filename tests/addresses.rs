//! The crate by which the command line reads addresses, against the runtime's `URL`, by which the gateway reads them in a Worker.
//!
//! The tables have what the runtime makes of each address, which `tests/e2e/config/addresses.test.mjs` asks it. Another difference
//! than those that are named here is one to think about: see `src/address.rs`.

#![allow(clippy::expect_used, clippy::indexing_slicing, clippy::panic, clippy::unwrap_used)]

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use bargate::address::Address;
use serde_json::Value;

fn rows() -> impl Iterator<Item = Value> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/addresses");
    ["table.json", "corpus.json"].into_iter().flat_map(move |name| {
        let rows: Vec<Value> = serde_json::from_str(&fs::read_to_string(folder.join(name)).unwrap()).unwrap();
        rows
    })
}

/// Names the difference between what the runtime and the crate make of an address; nothing if there is none.
fn difference(text: &str, runtime: Option<&str>, own: Option<&str>) -> &'static str {
    // In a query both leave it as it is.
    let respelled = runtime.map(|runtime| {
        let (path, rest) = runtime.split_at(runtime.find(['?', '#']).unwrap_or(runtime.len()));
        path.replace("%5E", "^") + rest
    });
    match (runtime, own) {
        (runtime, own) if runtime == own => "",
        (Some(_), None) if text.to_lowercase().contains("xn--") => {
            "a label that is no valid one, which only the runtime takes"
        }
        (Some(_), Some(own)) if respelled.as_deref() == Some(own) => {
            "a circumflex in a path, which only the runtime encodes"
        }
        _ => "another",
    }
}

#[test]
fn the_crate_reads_addresses_as_the_runtime_does_but_for_two_differences() {
    let mut found: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for row in rows() {
        let text = row["text"].as_str().unwrap();
        let own = Address::parse(text);
        let own = own.as_ref().map(Address::as_str);
        found.entry(difference(text, row["runtime"].as_str(), own)).or_default().push(format!("{row}: {own:?}"));
    }
    assert_eq!(found.get("another"), None);
    let counts: Vec<_> = found.values().map(Vec::len).collect();
    assert!(found.len() == 3 && counts.iter().all(|count| *count > 5) && found[""].len() > 600, "{counts:?}");
}
