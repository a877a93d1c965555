//! Fixed answers of the config: `response`, and the integrations `static` and `redirect`.

use std::fmt;

use super::document::{Node, Value};
use super::headers::{HeaderTexts, read_header_texts};
use super::integration::keys::{BODILESS, fixed, redirect};
use super::reader::{Findings, ObjectReader, Place, advice, shown};
use crate::address::Address;
use crate::config::code::Code;
use crate::json::ToText as _;
use crate::route::Pattern;

/// A fixed answer of the config.
#[derive(Clone)]
pub struct Fixed {
    /// Its status.
    pub status: u16,
    /// Its headers, by lower-case name; with `content-type` if there is a body.
    pub headers: HeaderTexts,
    /// Its body.
    pub body: Option<String>,
}

/// A redirect whose address may have parts of the request's path.
#[derive(Clone)]
pub struct Redirect {
    /// Its status.
    pub status: u16,
    /// The parts of its address.
    pub location: Vec<LocationPart>,
}

/// A part of a redirect's address.
#[derive(Clone)]
pub enum LocationPart {
    /// A text.
    Text(String),
    /// What the request's path has for this parameter.
    Parameter(String),
    /// What the wildcard matched.
    Rest,
}

/// Reads the short form, whose body is JSON whatever it is.
pub(super) fn read_response(body: &Node<'_>, place: &Place<'_>, findings: &mut Findings<'_>) -> Fixed {
    note_duplicates(body, place, findings);
    let headers = vec![("content-type".to_owned(), "application/json".to_owned())];
    Fixed { status: 200, headers, body: Some(body.to_json().to_text()) }
}

/// Reads the settings of a `static` integration.
pub(super) fn read_static(object: &mut ObjectReader<'_, '_>, findings: &mut Findings<'_>) -> Fixed {
    let place = object.place();
    let status = object.integer(&fixed::STATUS, findings);
    let mut headers = read_header_texts(object, &fixed::HEADERS, findings);
    let body_place = fixed::BODY.at(place);
    let body = object.node(&fixed::BODY);
    if let Some(node) = body.filter(|_| BODILESS.contains(&status)) {
        let message = format_args!("an answer of status {status} has no body");
        findings.note(node.offset, &body_place, Code::UnusedKey, message, advice("remove \"body\""));
    }
    let body = body.map(|node| {
        note_duplicates(node, &body_place, findings);
        let (kind, text) = match &node.value {
            Value::Text(text) => ("text/plain; charset=utf-8", text.value.as_deref().unwrap_or_default().to_owned()),
            _ => ("application/json", node.to_json().to_text()),
        };
        if !headers.iter().any(|(name, _)| name == "content-type") {
            headers.push(("content-type".to_owned(), kind.to_owned()));
        }
        text
    });
    Fixed { status: status.try_into().unwrap_or(200), headers, body }
}

/// Reads the settings of a `redirect` integration of a path.
pub(super) fn read_redirect(
    object: &mut ObjectReader<'_, '_>,
    pattern: Option<&Pattern>,
    findings: &mut Findings<'_>,
) -> Option<Redirect> {
    let status = object.one_of(&redirect::STATUS, findings);
    let written = object.text(&redirect::LOCATION, findings)?;
    let text = written.value()?;
    let place = redirect::LOCATION.at(object.place());
    let mut refuse = |message: fmt::Arguments<'_>, help| {
        findings.note(written.offset, &place, Code::InvalidUrl, message, help);
        None
    };
    if !text.bytes().all(|b| b.is_ascii_graphic()) {
        let message = format_args!("\"{}\" is not a valid address", shown(&written));
        return refuse(message, advice("write it percent-encoded, and a host by its ASCII name"));
    }
    // Nothing that a client sends may choose the host.
    let before_parameters = text.split('{').next().unwrap_or_default();
    let fixed_host = match Address::parse(before_parameters) {
        Some(address) => {
            address.is_http() && (before_parameters.splitn(4, '/').count() == 4 || before_parameters == text)
        }
        None => {
            before_parameters.starts_with('/')
                && !before_parameters.starts_with("//")
                && !text.as_bytes().contains(&b'\\')
        }
    };
    if !fixed_host {
        let message = format_args!("\"{}\" does not have a fixed host", shown(&written));
        return refuse(message, advice("write a path such as /new/{id}, or a URL with its parameters after the host"));
    }
    let mut location = Vec::new();
    for (index, piece) in text.split('{').enumerate() {
        if index == 0 && !piece.as_bytes().contains(&b'}') {
            location.push(LocationPart::Text(piece.to_owned()));
            continue;
        }
        let parts = piece.split_once('}').filter(|(_, behind)| index > 0 && !behind.as_bytes().contains(&b'}'));
        let Some((name, behind)) = parts else {
            let message = format_args!("\"{}\" has unpaired braces", shown(&written));
            return refuse(message, advice("write a parameter as {name}, and a brace itself as %7B or %7D"));
        };
        let known = pattern.is_none_or(|pattern| match name {
            ".+" => pattern.is_wildcard(),
            name => pattern.param_names().any(|known| known == name),
        });
        if !known {
            let message = format_args!("the path has no parameter \"{{{name}}}\"");
            return refuse(message, advice("name one of the path's own parameters"));
        }
        location.push(if name == ".+" { LocationPart::Rest } else { LocationPart::Parameter(name.to_owned()) });
        location.push(LocationPart::Text(behind.to_owned()));
    }
    Some(Redirect { status: status.try_into().unwrap_or(302), location })
}

/// Notes each key that an answer's body names twice.
fn note_duplicates(node: &Node<'_>, place: &Place<'_>, findings: &mut Findings<'_>) {
    match &node.value {
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                note_duplicates(item, &Place::Index(place, index), findings);
            }
        }
        Value::Object(members) => {
            ObjectReader::open(node, place, findings);
            for member in members {
                note_duplicates(&member.node, &Place::Key(place, &member.key), findings);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Text(_) => {}
    }
}
