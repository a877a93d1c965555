//! The files that are made of the schema.
//!
//! With `UPDATE_GOLDEN=1` in the environment they are written anew; read what changed before it is committed.

use std::fs;

use bargate::config::schema::{examples, reference_markdown, schema_text};
use bargate::review::review;
use serde_json::Value;

use crate::verdict::{Schema, project};

fn assert_committed(path: &str, made: &str) {
    if std::env::var_os("UPDATE_GOLDEN").is_some_and(|value| value == "1") {
        fs::write(project(path), made).unwrap();
    }
    let committed = fs::read_to_string(project(path)).unwrap_or_default();
    let first = made.lines().zip(committed.lines()).position(|(made, committed)| made != committed);
    let line = first.unwrap_or_else(|| made.lines().count().min(committed.lines().count()));
    assert!(
        committed == made,
        "{path} differs from what is generated, in line {}:\n  is  {:?}\n  not {:?}\nwrite it with UPDATE_GOLDEN=1",
        line + 1,
        committed.lines().nth(line).unwrap_or_default(),
        made.lines().nth(line).unwrap_or_default()
    );
}

#[test]
fn the_schema_that_is_committed_is_the_one_that_is_generated() {
    assert_committed("gateway.schema.json", &schema_text());
}

#[test]
fn the_reference_that_is_committed_is_the_one_that_is_generated() {
    assert_committed("docs/configuration.md", &reference_markdown());
}

#[test]
fn the_schema_is_one_by_its_own_metaschema_and_its_text_is_its_value() {
    let schema = bargate::config::schema::json_schema();
    assert_eq!(schema["$schema"], "https://json-schema.org/draft/2020-12/schema");
    jsonschema::meta::validate(&schema).expect("a schema of draft 2020-12");
    assert_eq!(serde_json::from_str::<Value>(&schema_text()).unwrap(), schema);
}

#[test]
fn every_key_is_described_and_has_an_example_that_fits() {
    let schema = bargate::config::schema::json_schema();
    let definitions = schema["$defs"].as_object().unwrap();
    let mut keys = 0;
    for (name, definition) in definitions.iter().chain([(&"config".to_owned(), &schema)]) {
        let Some(properties) = definition.get("properties").and_then(Value::as_object) else { continue };
        assert!(definition["description"].as_str().is_some_and(|text| text.len() > 10), "{name}");
        for (key, property) in properties {
            keys += 1;
            let description = property["description"].as_str().unwrap_or_default();
            assert!(description.ends_with('.') && !description.contains('`'), "{name}.{key}: {description}");
            assert!(!description.contains("]("), "{name}.{key}: {description}");
            // The key alone, with the definitions that it points to.
            let mut alone = property.clone();
            alone["$defs"] = schema["$defs"].clone();
            let validator = jsonschema::draft202012::new(&alone).unwrap();
            let default = property.get("default").into_iter();
            let values = property["examples"].as_array().into_iter().flatten().chain(default);
            if ["const", "enum"].iter().all(|keyword| property.get(*keyword).is_none()) {
                assert!(property["examples"][0] != Value::Null, "{name}.{key} has no example");
            }
            for value in values {
                assert!(validator.is_valid(value), "{name}.{key}: {value} does not fit");
            }
        }
    }
    assert!(keys > 100, "{keys} keys");
}

#[test]
fn every_example_is_a_config_that_passes() {
    let schema = Schema::new();
    let examples = examples();
    assert!(examples.len() >= 20, "{} examples", examples.len());
    for (name, text) in examples {
        let config = serde_json::from_str(&text).unwrap();
        let verdict = schema.verdict(&config);
        // Nor is there anything to warn of.
        assert_eq!(review(&text), [], "{name}");
        assert!(verdict.passes, "{name}: {}", schema.refusals(&config));
    }
}

#[test]
fn every_link_of_the_reference_leads_somewhere() {
    let page = reference_markdown();
    let anchor = |title: &str| -> String {
        let kept = title.chars().filter(|c| c.is_ascii_alphanumeric() || matches!(c, ' ' | '-' | '_'));
        kept.collect::<String>().to_ascii_lowercase().replace(' ', "-")
    };
    let headings: Vec<_> =
        page.lines().filter_map(|line| Some(anchor(line.trim_start_matches('#').strip_prefix(' ')?))).collect();
    let links: Vec<_> = page.split("](#").skip(1).filter_map(|rest| rest.split(')').next()).collect();
    assert!(links.len() > 30, "{} links", links.len());
    for link in links {
        assert!(headings.iter().any(|heading| heading == link), "#{link} in {headings:?}");
    }
    assert!(project("docs").join("../gateway.schema.json").exists(), "the link to the schema");
}
