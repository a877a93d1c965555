//! `mapping` and `variables`: which headers and query parameters an upstream gets besides the client's own.

use std::fmt;

use super::code::Code;
use super::diagnostic::nearest;
use super::document::{Node, Origin, Value};
use super::headers::{SET_OR_REMOVE, checked_name, read_header_names};
use super::reader::{Findings, ObjectReader, Place, TextsByName, note_type, read_text, shown, told, words};
use super::rules::PRIVATE;
use crate::http::header::{is_credential, is_token};

/// What a path sends to its upstream besides what the client sent.
#[derive(Clone, Default)]
pub struct Mapping {
    /// Lower-case header names and where each value comes from.
    pub headers: Vec<(String, Source)>,
    /// Names of query parameters and where each value comes from.
    pub query: Vec<(String, Source)>,
    /// Lower-case names of headers that the upstream does not get.
    pub remove: Vec<String>,
}

/// Where a mapped value comes from.
#[derive(Clone, PartialEq, Eq)]
pub enum Source {
    /// `$request.header.NAME`
    Header(String),
    /// `$request.query.NAME`
    Query(String),
    /// `$request.jwt.PATH`: a claim of the verified token, dots leading into objects.
    Claim(String),
    /// A text known beforehand: one that stands there, or the variable that `$config.NAME` names.
    Text(String),
}

/// Shows where a value comes from, and a text not at all: it may be a secret.
impl fmt::Debug for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Header(name) => write!(f, "$request.header.{name}"),
            Self::Query(name) => write!(f, "$request.query.{name}"),
            Self::Claim(path) => write!(f, "$request.jwt.{path}"),
            Self::Text(_) => f.write_str("[text]"),
        }
    }
}

/// Names and values of constants.
pub(super) type Variables = Vec<(String, String)>;

/// Reads the `variables` of an object; none where it has none.
pub(super) fn read_variables(object: &mut ObjectReader<'_>, findings: &mut Findings<'_>) -> Variables {
    let place = Place::Key(object.place(), "variables");
    let Some(node) = object.node("variables") else { return Vec::new() };
    let Some(reader) = ObjectReader::open(node, &place, findings) else { return Vec::new() };
    let members = reader.free_members().iter();
    members
        .filter_map(|member| {
            let value = match &member.node.value {
                Value::Text(text) => text.value.as_deref().unwrap_or_default().to_owned(),
                Value::Number(number) => number.to_string(),
                Value::Bool(value) => value.to_string(),
                Value::Null | Value::Array(_) | Value::Object(_) => {
                    note_type(
                        &member.node,
                        &Place::Key(&place, &member.key),
                        "a string, a number or a boolean",
                        findings,
                    );
                    return None;
                }
            };
            Some((member.key.to_string(), value))
        })
        .collect()
}

/// What a mapping may draw on.
pub(super) struct Scope<'c> {
    pub path_variables: TextsByName<'c>,
    pub variables: TextsByName<'c>,
    pub authenticated: bool,
    /// Whether answers are kept that are everyone's.
    pub for_all: bool,
}

/// Reads the `mapping` and the `request_headers` of a path; an empty one where it has neither.
pub(super) fn read_mapping(object: &mut ObjectReader<'_>, scope: &Scope<'_>, findings: &mut Findings<'_>) -> Mapping {
    let mut mapping = Mapping::default();
    let place = Place::Key(object.place(), "mapping");
    if let Some(mut reader) = object.node("mapping").and_then(|node| ObjectReader::open(node, &place, findings)) {
        mapping.headers = read_header_sources(&mut reader, "headers", scope, findings);
        let query = read_sources(reader.node("query"), &Place::Key(&place, "query"), scope, findings);
        mapping.query = query.into_iter().map(|(name, source, _)| (name, source)).collect();
        reader.finish_beside_names(words("a header stands in \"headers\", a parameter in \"query\""), findings);
    }
    let place = Place::Key(object.place(), "request_headers");
    if let Some(mut reader) = object.node("request_headers").and_then(|node| ObjectReader::open(node, &place, findings))
    {
        mapping.headers.append(&mut read_header_sources(&mut reader, "set", scope, findings));
        mapping.remove = read_header_names(&mut reader, "remove", findings);
        reader.finish_beside_names(SET_OR_REMOVE, findings);
    }
    mapping
}

fn read_header_sources(
    object: &mut ObjectReader<'_>,
    key: &'static str,
    scope: &Scope<'_>,
    findings: &mut Findings<'_>,
) -> Vec<(String, Source)> {
    let place = &Place::Key(object.place(), key);
    let headers = read_sources(object.node(key), place, scope, findings);
    let mut named = Vec::with_capacity(headers.len());
    for (name, source, offset) in headers {
        named.extend(checked_name(&name, offset, place, findings).map(|name| (name, source)));
    }
    named
}

fn read_sources(
    node: Option<&Node<'_>>,
    place: &Place<'_>,
    scope: &Scope<'_>,
    findings: &mut Findings<'_>,
) -> Vec<(String, Source, usize)> {
    let Some(reader) = node.and_then(|node| ObjectReader::open(node, place, findings)) else { return Vec::new() };
    let mut sources = Vec::new();
    for member in reader.free_members() {
        if findings.is_full() {
            break;
        }
        let place = Place::Key(place, &member.key);
        let source = read_source(&member.node, &place, scope, findings);
        sources.extend(source.map(|source| (member.key.to_string(), source, member.key_offset)));
    }
    sources
}

fn read_source(node: &Node<'_>, place: &Place<'_>, scope: &Scope<'_>, findings: &mut Findings<'_>) -> Option<Source> {
    if let Value::Number(number) = &node.value {
        return Some(Source::Text(number.to_string()));
    }
    let written = read_text(node, place, findings)?;
    let text = written.value()?;
    if written.text.origin != Origin::File || !text.starts_with('$') {
        return Some(Source::Text(text.to_owned()));
    }
    let mut refuse = |code, message: String, help: Option<String>| {
        findings.note(node.offset, place, code, message, help);
        None
    };
    if let Some(name) = text.strip_prefix("$config.") {
        if let Some(value) = scope.path_variables.get(name).or_else(|| scope.variables.get(name)) {
            return Some(Source::Text(value.to_owned()));
        }
        let known = scope.path_variables.names().chain(scope.variables.names());
        let help = told(|| match nearest(name, known) {
            Some(near) => format!("did you mean \"$config.{near}\"?"),
            None => "add it to \"variables\"".to_owned(),
        });
        return refuse(Code::UnknownVariable, format!("no variable is called \"{name}\""), help);
    }
    for (prefix, source) in [
        ("$request.header.", Source::Header as fn(String) -> Source),
        ("$request.query.", Source::Query),
        ("$request.jwt.", Source::Claim),
    ] {
        let Some(name) = text.strip_prefix(prefix).filter(|name| !name.is_empty()) else { continue };
        if prefix == "$request.jwt." && !scope.authenticated {
            let help = told(|| "add \"auth\": true to this path".to_owned());
            return refuse(Code::ClaimWithoutAuth, "this path verifies no token to take a claim from".to_owned(), help);
        }
        if prefix == "$request.header." && !is_token(name) {
            return refuse(
                Code::InvalidName,
                format!("\"{name}\" is no header name"),
                told(|| "a name has letters, digits and hyphens".to_owned()),
            );
        }
        if prefix == "$request.header." && scope.for_all && is_credential(name) {
            return refuse(
                Code::PrivateCache,
                PRIVATE.to_owned(),
                told(|| "give the cache \"per_user\": true".to_owned()),
            );
        }
        return Some(source(name.to_owned()));
    }
    let help = told(|| {
        "one of: $request.header.NAME, $request.query.NAME, $request.jwt.CLAIM, $config.NAME, $env.NAME, $secret.NAME"
            .to_owned()
    });
    refuse(Code::UnknownAlias, format!("\"{}\" stands for nothing", shown(&written)), help)
}
