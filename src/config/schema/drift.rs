//! The parser asks for nothing that the schema does not have, and the schema has nothing that the parser does not ask for.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use super::integrations::names_of;
use super::{examples, json_schema};
use crate::config::asked::{Asked, Step, listen};
use crate::config::authorizer;

/// The schema, and what of it was asked for: each property by the address of its schema.
struct Held {
    schema: Value,
    asked: BTreeSet<usize>,
    wrong: Vec<String>,
}

/// Gives all configs that stand in files, and those of the reference.
fn configs() -> Vec<(String, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut configs: Vec<(String, String)> =
        examples().into_iter().map(|(name, text)| (name.to_owned(), text)).collect();
    configs.push(("built-in".to_owned(), fs::read_to_string(root.join("gateway.config.json")).unwrap()));
    for folder in ["valid", "invalid", "older", "warned", "unwarned"] {
        for entry in fs::read_dir(root.join("tests/fixtures/configs").join(folder)).unwrap() {
            let path = entry.unwrap().path();
            if path.extension().is_some_and(|extension| extension == "json") {
                configs.push((path.display().to_string(), fs::read_to_string(&path).unwrap()));
            }
        }
    }
    configs
}

/// Gives the schemas that may describe a value: alternatives and types are followed, other conditions are not.
fn followed<'s>(root: &'s Value, schema: &'s Value, instance: &Value) -> Vec<&'s Value> {
    let mut all = vec![schema];
    if let Some(name) = schema["$ref"].as_str().and_then(|address| address.strip_prefix("#/$defs/")) {
        all.extend(followed(root, &root["$defs"][name], instance));
    }
    // What is there in every case, and what a type brings.
    let alternatives = schema["anyOf"].as_array().into_iter().flatten();
    let by_type = schema["allOf"].as_array().into_iter().flatten().map(|condition| &condition["then"]);
    let alternatives = alternatives.chain(by_type.filter(|consequence| consequence.get("$ref").is_some()));
    let followed: Vec<_> = alternatives.map(|alternative| followed(root, alternative, instance)).collect();
    // Of an object with a type, the alternative of that type.
    let of_type = |schemas: &Vec<&Value>| {
        schemas.iter().any(|schema| {
            let kind = &schema["properties"]["type"];
            let names = kind["enum"].as_array();
            !instance["type"].is_null()
                && (kind["const"] == instance["type"] || names.is_some_and(|names| names.contains(&instance["type"])))
        })
    };
    let known = followed.iter().any(of_type);
    all.extend(followed.into_iter().filter(|schemas| !known || of_type(schemas)).flatten());
    all
}

impl Held {
    /// Gives the schemas at a place of a config, each time a property is passed through noting that it was.
    fn at(&self, config: &Value, steps: &[Step]) -> (Vec<&Value>, Vec<usize>) {
        let mut instance = config;
        let mut passed = Vec::new();
        let mut schemas = followed(&self.schema, &self.schema, instance);
        for step in steps {
            let below: Vec<&Value> = match step {
                Step::Key(key) => {
                    instance = instance.get(key).unwrap_or(&Value::Null);
                    let of_key = |schema: &&'_ Value| {
                        let free = schema.get("additionalProperties").filter(|free| free.is_object());
                        schema["properties"].get(key).is_some() || free.is_some()
                    };
                    let described = schemas.into_iter().filter(of_key);
                    described.map(|s| s["properties"].get(key).unwrap_or(&s["additionalProperties"])).collect()
                }
                Step::Index(index) => {
                    instance = instance.get(index).unwrap_or(&Value::Null);
                    schemas.into_iter().filter_map(|schema| schema.get("items")).collect()
                }
            };
            passed = below.iter().map(|schema| std::ptr::from_ref::<Value>(schema).addr()).collect();
            schemas = below.into_iter().flat_map(|schema| followed(&self.schema, schema, instance)).collect();
        }
        (schemas, passed)
    }

    fn hold(&mut self, name: &str, config: &Value, steps: &[Step], asked: &Asked) {
        let (schemas, passed) = self.at(config, steps);
        let says = |fits: &dyn Fn(&Value) -> bool| schemas.iter().any(|schema| fits(schema));
        let has_type = |name: &str| {
            says(&|schema| {
                schema["type"] == name || schema["type"].as_array().is_some_and(|types| types.contains(&json!(name)))
            })
        };
        // Without a default a property means the same as without it: false, or nothing.
        let default = says(&|schema| schema.get("default").is_some());
        let defaults_to = |value: Value| !default || says(&|schema| schema["default"] == value);
        let fits = match asked {
            Asked::Key => !schemas.is_empty(),
            Asked::Text => has_type("string") || says(&|s| s["const"].is_string() || s["enum"][0].is_string()),
            Asked::Texts => has_type("array"),
            Asked::Boolean { default } => has_type("boolean") && says(&|schema| schema["default"] == json!(default)),
            Asked::Integer { range, default } => {
                has_type("integer")
                    && says(&|s| s["minimum"] == json!(range.start()) && s["maximum"] == json!(range.end()))
                    && defaults_to(json!(default))
            }
            Asked::Numbers { choices, default } => {
                says(&|schema| schema["enum"] == json!(choices)) && defaults_to(json!(default))
            }
            Asked::Choice { names } => {
                // Where the schema offers fewer, the rest of them is a mistake of another code.
                let offered = |schema: &Value| {
                    let listed = schema["enum"].as_array().map(|names| names.iter().all(Value::is_string));
                    listed == Some(true) || schema["const"].is_string()
                };
                let known = |schema: &Value| {
                    let listed = schema["enum"].as_array().into_iter().flatten().chain(schema.get("const"));
                    listed.filter_map(Value::as_str).all(|name| names.contains(&name))
                };
                says(&offered) && !says(&|schema| offered(schema) && !known(schema))
            }
            Asked::Members => says(&|schema| schema["additionalProperties"].is_object()),
        };
        if !fits {
            self.wrong.push(format!("{name}: {steps:?} was asked for as {asked:?}"));
        }
        self.asked.extend(passed);
    }

    /// Gives the properties of sections that nobody asked for.
    fn never_asked(&self) -> Vec<String> {
        let definitions = self.schema["$defs"].as_object().unwrap().iter();
        let sections = definitions.map(|(name, section)| (name.as_str(), section)).chain([("config", &self.schema)]);
        let properties = sections.flat_map(|(name, section)| {
            let properties = section["properties"].as_object().into_iter().flatten();
            properties
                .map(move |(key, property)| (format!("{name}.{key}"), std::ptr::from_ref::<Value>(property).addr()))
        });
        properties.filter(|(_, address)| !self.asked.contains(address)).map(|(name, _)| name).collect()
    }
}

#[test]
fn the_parser_asks_for_what_the_schema_has_and_for_all_of_it() {
    let mut held = Held { schema: json_schema(), asked: BTreeSet::new(), wrong: Vec::new() };
    let configs = configs();
    assert!(configs.len() > 100, "{} configs", configs.len());
    for (name, text) in configs {
        let config = serde_json::from_str(&text).unwrap_or(Value::Null);
        let asked = listen(|| drop(crate::config::check(&text)));
        for (steps, asked) in asked {
            held.hold(&name, &config, &steps, &asked);
        }
    }
    held.wrong.sort();
    held.wrong.dedup();
    assert!(held.wrong.is_empty(), "{}", held.wrong.join("\n"));
    let never = held.never_asked();
    assert!(never.is_empty(), "no config asks for {}", never.join(", "));
}

#[test]
fn every_type_stands_in_one_section() {
    let schema = json_schema();
    for (prefix, known) in
        [("integration_", names_of(|_| true)), ("authorizer_", authorizer::KINDS.map(|(name, _)| name).to_vec())]
    {
        let sections = schema["$defs"].as_object().unwrap().iter().filter(|(name, _)| name.starts_with(prefix));
        let mut listed: Vec<&str> = Vec::new();
        for (_, section) in sections {
            let kind = &section["properties"]["type"];
            listed.extend(
                kind["enum"].as_array().into_iter().flatten().chain(kind.get("const")).filter_map(Value::as_str),
            );
        }
        listed.sort_unstable();
        let mut known = known;
        known.sort_unstable();
        assert_eq!(listed, known, "{prefix}");
    }
}
