//! `claims`: the claims that tokens must have, of a path and of an authorizer.

use serde_json::Value as Json;

use super::document::{Node, Value};
#[cfg(not(target_os = "unknown"))]
use super::form::Form;
#[cfg(not(target_os = "unknown"))]
use super::grammar::Shape;
use super::key::{self, Key};
use super::reader::{Findings, ObjectReader, Place, note_type};

/// Claims by name or path, and the value that each must have or contain; of an array, one of its values.
pub(crate) const CLAIMS: Key<key::Value> = key::declare::value("claims");

/// What required claims mean.
#[cfg(not(target_os = "unknown"))]
pub(super) const CLAIMS_WORDS: &str = "Claims and their values: the claim equals the value, or is a list that contains it. \
Of several values, one is enough. Dots in a name lead into objects; the longest name that fits is used.";

/// Reads the claims that tokens must have.
pub(super) fn read_claims(object: &mut ObjectReader<'_, '_>, findings: &mut Findings<'_>) -> Vec<(String, Json)> {
    let place = CLAIMS.at(object.place());
    let Some(claims) = object.node(&CLAIMS).and_then(|node| ObjectReader::open(node, &place, findings)) else {
        return Vec::new();
    };
    let mut read = Vec::new();
    for member in claims.free_members() {
        let place = Place::Key(&place, &member.key);
        match &member.node.value {
            Value::Array(items) => {
                for (index, item) in items.iter().enumerate() {
                    note_unless_scalar(item, &Place::Index(&place, index), "a text, a number, true or false", findings);
                }
            }
            _ => {
                let expected = "a text, a number, true, false, or a list of them";
                note_unless_scalar(&member.node, &place, expected, findings);
            }
        }
        read.push((member.key.to_string(), member.node.to_json()));
    }
    read
}

fn note_unless_scalar(node: &Node<'_>, place: &Place<'_>, expected: &str, findings: &mut Findings<'_>) {
    match &node.value {
        Value::Bool(_) | Value::Number(_) | Value::Text(_) => {}
        Value::Null | Value::Object(_) | Value::Array(_) => note_type(node, place, expected, findings),
    }
}

/// Returns what required claims may be.
#[cfg(not(target_os = "unknown"))]
pub(super) fn claim_values() -> Shape {
    let scalar = || vec![Shape::Text(Form::Any), Shape::Number, Shape::Boolean];
    let mut values = scalar();
    values.push(Shape::list(Shape::Either(scalar())));
    Shape::map(Shape::Either(values))
}
