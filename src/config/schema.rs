//! The JSON Schema of a config (draft 2020-12) and the reference page: what editors complete and people read.
//!
//! The parser is what decides; this says in two more languages what it does. Limits, defaults and names are the parser's own
//! constants, and the tests hold each key that a reader asks for against the schema. What a schema cannot express, as whether a
//! server of that name exists, is left to `bargate check`. No byte of this is part of the Worker.

mod authorizers;
mod conditions;
#[cfg(test)]
mod drift;
mod form;
mod integrations;
mod logins;
mod model;
mod paths;
mod prose;
mod reference;
mod root;
mod servers;
mod tree;

use super::Code;
use form::Form;
use model::{ANY_JSON, Part, Section, WARNING, any_json};
use tree::{Json, object};

/// Columns that a line of the schema's file has at the most, where it can be broken.
const SCHEMA_WIDTH: usize = 140;

/// Gives the schema as a value.
pub fn json_schema() -> serde_json::Value {
    schema().to_value()
}

/// Gives the schema as the text of a file.
pub fn schema_text() -> String {
    schema().to_text(SCHEMA_WIDTH) + "\n"
}

/// Gives the reference page, in Markdown.
pub fn reference_markdown() -> String {
    reference::page(&root::config(), &parts())
}

/// Gives whole configs that show each section, by its name.
pub fn examples() -> Vec<(&'static str, String)> {
    let parts = parts();
    let sections = parts.iter().flat_map(|part| match part {
        Part::One(section) => std::slice::from_ref(section),
        Part::OneOf(union) => union.sections.as_slice(),
    });
    let config = root::config();
    let sections = std::iter::once(&config).chain(sections).filter(|section| !section.example.is_empty());
    sections.map(|section| (section.name, section.example.to_owned())).collect()
}

/// A key that a config may have.
pub struct SchemaKey {
    /// The name of its section among the `$defs`; `config` at the top.
    pub section: &'static str,
    /// The key.
    pub name: &'static str,
    /// What its absence means, where that is a value.
    pub default: Option<serde_json::Value>,
}

/// Gives every key that a config may have, but for those that are free.
pub fn keys() -> Vec<SchemaKey> {
    let of_section = |section: Section| {
        let key = move |key: model::Key| SchemaKey {
            section: section.name,
            name: key.name,
            default: key.default.map(|default| default.to_value()),
        };
        section.keys.into_iter().map(key).collect::<Vec<_>>()
    };
    let sections = parts().into_iter().flat_map(|part| match part {
        Part::One(section) => vec![section],
        Part::OneOf(union) => union.sections,
    });
    std::iter::once(root::config()).chain(sections).flat_map(of_section).collect()
}

/// Gives everything but the top of the config, in the order of the reference.
fn parts() -> Vec<Part> {
    use Part::{One, OneOf};
    vec![
        One(paths::path()),
        OneOf(integrations::integration()),
        One(servers::server()),
        OneOf(authorizers::authorizer()),
        One(authorizers::access()),
        One(logins::session()),
        One(logins::cors()),
        One(paths::mapping()),
        One(paths::request_headers()),
        One(paths::response_headers()),
        One(paths::rate_limit()),
        One(paths::cache()),
        One(root::ip()),
        One(servers::service()),
        One(servers::service_binding()),
        One(paths::rpc()),
        One(root::protected_resource()),
        One(root::analytics()),
    ]
}

fn schema() -> Json {
    let Json::Object(config) = root::config().definition() else { return tree::NULL };
    let mut schema = object! {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Bargate: gateway.config.json",
    };
    for (key, value) in config {
        schema.set(&key, value);
    }
    let mut definitions = Vec::new();
    for part in parts() {
        match part {
            Part::One(section) => definitions.push((section.name.to_owned(), section.definition())),
            Part::OneOf(union) => {
                definitions.push((union.name.to_owned(), union.definition()));
                let sections = union.sections.iter();
                definitions.extend(sections.map(|section| (section.name.to_owned(), section.definition())));
            }
        }
    }
    let warnings = Code::WARNINGS.iter();
    let (codes, meanings): (Vec<_>, Vec<_>) = warnings.map(|code| (code.as_str(), code.meaning())).unzip();
    definitions.push((WARNING.to_owned(), object! { "enum": codes, "enumDescriptions": meanings }));
    definitions.push((ANY_JSON.to_owned(), any_json()));
    definitions.extend(Form::ALL.iter().map(|form| (form.name().to_owned(), form.definition())));
    schema.set("$defs", Json::Object(definitions));
    schema
}
