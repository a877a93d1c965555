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

const INVALID_LABEL: &str = "a label that is no valid one, which only the runtime takes";
const CIRCUMFLEX: &str = "a circumflex in a path, which only the runtime encodes";

/// Names the difference between what the runtime and the crate make of an address; nothing if there is none.
fn difference(text: &str, runtime: Option<&str>, own: Option<&str>) -> &'static str {
    // In a query both leave it as it is.
    let respelled = runtime.map(|runtime| {
        let (path, rest) = runtime.split_at(runtime.find(['?', '#']).unwrap_or(runtime.len()));
        path.replace("%5E", "^") + rest
    });
    match (runtime, own) {
        (runtime, own) if runtime == own => "",
        (Some(_), None) if text.to_lowercase().contains("xn--") => INVALID_LABEL,
        (Some(_), None) if text.contains(is_right_to_left) => {
            "a name against the Bidi rule, which only the runtime takes"
        }
        (None, Some(_)) if text.contains('\u{5c8}') => "a character of a later Unicode, which only the crate takes",
        (Some(_), Some(own)) if respelled.as_deref() == Some(own) => CIRCUMFLEX,
        (Some(_), Some(own)) if own.starts_with("file:") => "a file, of which no config reads anything",
        (Some(_), Some(own)) if has_drive(own) => "a segment like `c:` before a `..`, which only the runtime removes",
        (None, Some(own)) if !own.starts_with("http") && own.contains("/\\") => {
            "a backslash behind the port of another scheme, which only the crate takes"
        }
        _ => "another",
    }
}

/// Checks whether a character is of the blocks whose letters are written from right to left.
fn is_right_to_left(c: char) -> bool {
    ('\u{590}'..='\u{8ff}').contains(&c)
}

/// Checks whether a segment of an address is what the crate takes for the drive of a file.
fn has_drive(address: &str) -> bool {
    address.split('/').any(|segment| {
        let mut signs = segment.bytes();
        let drive = [signs.next(), signs.next()];
        matches!(drive, [Some(letter), Some(b':' | b'|')] if letter.is_ascii_alphabetic())
            && matches!(signs.next(), None | Some(b'\\'))
    })
}

#[test]
fn the_crate_reads_addresses_as_the_runtime_does_but_for_what_is_named() {
    let mut found: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for row in rows() {
        let text = row["text"].as_str().unwrap();
        let own = Address::parse(text);
        let own = own.as_ref().map(Address::as_str);
        found.entry(difference(text, row["runtime"].as_str(), own)).or_default().push(format!("{row}: {own:?}"));
    }
    assert_eq!(found.get("another"), None);
    let counts: BTreeMap<_, _> = found.iter().map(|(name, rows)| (*name, rows.len())).collect();
    let are_tried = counts[INVALID_LABEL] > 5 && counts[CIRCUMFLEX] > 5 && counts[""] > 900;
    assert!(counts.len() == 8 && are_tried, "what is named occurs, and is rare: {counts:?}");
}
