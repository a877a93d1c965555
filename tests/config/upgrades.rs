//! What a published version accepted is accepted by this one: each has its configs in `tests/fixtures/upgrades/VERSION/configs.json`, by
//! name, as `tests/e2e/support/upgrades.mjs` wrote them when it was current.

use std::fs;
use std::path::PathBuf;

use bargate::config::check;
use serde_json::{Map, Value};

#[test]
fn configs_of_earlier_versions_are_valid() {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/upgrades");
    let mut versions = 0;
    for version in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
        versions += 1;
        let text = fs::read_to_string(version.join("configs.json")).unwrap();
        let configs: Map<String, Value> = serde_json::from_str(&text).unwrap();
        assert!(configs.len() >= 100, "{} configs of {}", configs.len(), version.display());
        for (name, config) in configs {
            let mistakes = check(config.as_str().unwrap());
            assert!(mistakes.is_empty(), "{name} of {}: {mistakes:?}", version.display());
        }
    }
    assert!(versions > 0, "there are fixtures");
}
