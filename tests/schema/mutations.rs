//! The schema and the parser give the same verdict on what becomes of a valid config when one thing in it is changed.
//!
//! The changes are the same at each run: every key is left out, every object gets a key more, and every value is replaced by
//! values of each type and of each size.

use std::collections::HashMap;

use serde_json::{Map, Value, json};

use bargate::config::check;

use crate::verdict::{Schema, valid_configs};

/// How often the same change is made at places of the same kind.
const REPEATS_MAX: usize = 1;

/// What a value is replaced by.
fn replacements(value: &Value) -> Vec<Value> {
    let mut replacements = vec![
        Value::Null,
        json!(true),
        json!(false),
        json!(0),
        json!(-1),
        json!(1.5),
        json!(4_294_967_296_u64),
        json!([]),
        json!([null]),
        json!({}),
        json!({ "unheard_of": 1 }),
        json!(""),
        json!("unheard_of"),
        json!("/{id}"),
        json!("$env.NAME"),
        json!("$secret."),
        json!("a b"),
    ];
    match value {
        Value::String(text) if text.starts_with("$request.") => replacements.push(json!("$request.jwt.sub")),
        Value::Array(items) => {
            replacements.extend(["", "*", "Connection", "a b", "$env.NAME"].map(|text| json!([text])));
            replacements.push(items.iter().chain(items).cloned().collect());
        }
        Value::Object(members) => {
            let mut more = members.clone();
            more.insert("unheard_of".to_owned(), json!(1));
            replacements.push(more.into());
            let mut more = members.clone();
            more.insert("x-note".to_owned(), json!({ "a": "$env." }));
            replacements.push(more.into());
            for key in members.keys() {
                let fewer = members.iter().filter(|(other, _)| *other != key);
                let fewer: Map<_, _> = fewer.map(|(key, value)| (key.clone(), value.clone())).collect();
                replacements.push(fewer.into());
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
    replacements.retain(|replacement| replacement != value);
    replacements
}

/// Returns the pointers to all values of a config; into the user's own JSON one step and no more.
fn pointers(config: &Value) -> Vec<String> {
    fn walk(value: &Value, at: &str, own: bool, pointers: &mut Vec<String>) {
        pointers.push(at.to_owned());
        let members: Vec<(String, &Value)> = match value {
            _ if own => Vec::new(),
            Value::Array(items) => items.iter().enumerate().map(|(index, item)| (index.to_string(), item)).collect(),
            Value::Object(members) => members.iter().map(|(key, value)| (key.clone(), value)).collect(),
            _ => Vec::new(),
        };
        for (key, value) in members {
            let own = key == "body" || key == "response" && !at.ends_with("/integration");
            walk(value, &format!("{at}/{}", key.replace('~', "~0").replace('/', "~1")), own, pointers);
        }
    }
    let mut pointers = Vec::new();
    walk(config, "", false, &mut pointers);
    pointers
}

/// Returns the place without the numbers of items, and with the types on the way to it: if these are the same, so are the rules.
fn kind_of_place(config: &Value, pointer: &str) -> String {
    let mut kind = String::new();
    let mut at = String::new();
    for step in pointer.split('/').skip(1) {
        at = format!("{at}/{step}");
        let name = if step.bytes().all(|b| b.is_ascii_digit()) { "*" } else { step };
        let value = config.pointer(&at).unwrap();
        let context = ["type", "response", "auth"].map(|key| value.get(key).unwrap_or(&Value::Null).to_string());
        kind.push_str(&format!("/{name} {}", context.join(" ")));
    }
    kind
}

#[test]
fn a_null_is_a_mistake_in_the_place_of_every_value_but_an_answer() {
    for (name, config) in &valid_configs() {
        for pointer in pointers(config) {
            let own = pointer.split('/').any(|key| key.starts_with("x-"));
            let is_answer =
                pointer.ends_with("/body") || pointer.ends_with("/response") && !pointer.contains("/integration");
            if own && !pointer.contains("/headers/") || is_answer || config.pointer(&pointer) == Some(&Value::Null) {
                continue;
            }
            let mut changed = config.clone();
            *changed.pointer_mut(&pointer).unwrap() = Value::Null;
            assert!(!check(&changed.to_string()).is_empty(), "{name}: {pointer}");
        }
    }
}

#[test]
fn whatever_is_changed_in_a_valid_config_gets_the_same_verdict() {
    let schema = Schema::new();
    let configs = valid_configs();
    let mut times: HashMap<(String, String), usize> = HashMap::new();
    let (mut refused, mut passed) = (0, 0);
    let mut disagreements = Vec::new();
    for (name, config) in &configs {
        for pointer in pointers(config) {
            let kind = kind_of_place(config, &pointer);
            for replacement in replacements(config.pointer(&pointer).unwrap()) {
                let times = times.entry((kind.clone(), replacement.to_string())).or_default();
                *times += 1;
                if *times > REPEATS_MAX {
                    continue;
                }
                let mut changed = config.clone();
                *changed.pointer_mut(&pointer).unwrap() = replacement.clone();
                let verdict = schema.verdict(&changed);
                if verdict.passes {
                    passed += 1
                } else {
                    refused += 1
                }
                disagreements.extend(
                    schema
                        .disagreement(&changed, &verdict)
                        .map(|text| format!("{name}: {pointer} = {replacement}: {text}")),
                );
            }
        }
    }
    let first: Vec<_> = disagreements.iter().take(20).map(String::as_str).collect();
    assert!(disagreements.is_empty(), "{}, among them:\n{}", disagreements.len(), first.join("\n"));
    assert!(refused > 5_000 && passed > 1_000, "{refused} refused, {passed} passed");
}
