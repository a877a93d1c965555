//! The JSON Schema of a config (draft 2020-12) and the reference page: what editors complete and people read.
//!
//! The parser is what decides; this says in two more languages what it does. Keys, limits, defaults and names are those that
//! the reader takes. What a schema cannot express, as whether a
//! server of that name exists, is left to `bargate check`. No byte of this is part of the Worker.

mod conditions;
mod patterns;
mod reference;

use super::code::Code;
use super::form::Form;
use super::grammar::{ANY_JSON, Json, Part, Section, WARNING, any_json, object};
use super::{
    access, api_key, authorization_server, authorizer, cors, dpop, headers, integration, mapping, mcp, networks, otlp,
    path, protected_resource, root, rules, server, service, session, upstream_token,
};

/// The most columns of a line of the schema's file, if it can be broken.
const SCHEMA_WIDTH: usize = 140;

/// Returns the schema as a value.
pub fn json_schema() -> serde_json::Value {
    schema().to_value()
}

/// Returns the schema as the text of a file.
pub fn schema_text() -> String {
    schema().to_text(SCHEMA_WIDTH) + "\n"
}

/// Returns the reference page, in Markdown.
pub fn reference_markdown() -> String {
    reference::page(&config(), &parts())
}

/// Returns whole configs that show each section, by its name.
pub fn examples() -> Vec<(&'static str, String)> {
    let sections = sections().into_iter().filter(|section| !section.example.is_empty());
    sections.map(|section| (section.name, section.example.to_owned())).collect()
}

/// Returns each object of a config, and under what name the schema has it.
pub(crate) fn sections() -> Vec<Section> {
    let of_part = |part| match part {
        Part::One(section) => vec![section],
        Part::OneOf(union) => union.sections,
    };
    std::iter::once(config()).chain(parts().into_iter().flat_map(of_part)).collect()
}

fn config() -> Section {
    root::section().conditions(conditions::of_config())
}

/// Returns everything but the top of the config, in the order of the reference.
fn parts() -> Vec<Part> {
    use Part::{One, OneOf};
    vec![
        One(path::keys::section().conditions(conditions::of_path())),
        OneOf(integration::keys::union()),
        One(integration::keys::refresh::api::section()),
        One(server::section()),
        One(upstream_token::section()),
        One(server::weighted_url::section()),
        OneOf(authorizer::keys::union()),
        One(api_key::keys::section()),
        One(access::section()),
        One(dpop::section()),
        One(session::section()),
        One(cors::section()),
        One(mapping::section()),
        One(mapping::request_headers::section()),
        One(headers::section()),
        One(rules::rate_limit::section()),
        One(rules::cache::section()),
        One(networks::section()),
        One(service::module::section()),
        One(service::bound_worker::section()),
        One(service::rpc::section()),
        One(protected_resource::section()),
        One(mcp::section()),
        One(authorization_server::section()),
        One(root::analytics::section()),
        One(otlp::section()),
    ]
}

fn schema() -> Json {
    let Json::Object(config) = config().definition() else { return Json::Null };
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

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::sections;
    use crate::config::grammar::Shape;
    use crate::config::reference::{BODIES, FREE};

    #[test]
    fn references_are_looked_for_in_each_object_with_free_keys_and_in_each_body() {
        let of_shape = |is_meant: fn(&Shape) -> bool| -> BTreeSet<&str> {
            let keys = sections().into_iter().flat_map(|section| section.keys);
            keys.filter(|key| is_meant(&key.shape)).map(|key| key.name).collect()
        };
        assert_eq!(of_shape(|shape| matches!(shape, Shape::Map(..))), BTreeSet::from(FREE));
        assert_eq!(of_shape(|shape| matches!(shape, Shape::Any)), BTreeSet::from(BODIES));
    }
}
