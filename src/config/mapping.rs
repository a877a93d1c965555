//! `mapping` and `variables`: which headers and query parameters an upstream gets besides the client's own.

use std::fmt;

use super::cors::is_token;
use super::document::{Member, Node, Origin, Value};
use super::headers::{SET_OR_REMOVE, checked_name, read_header_names};
use super::host_only::HostOnly;
use super::reader::{Findings, ObjectReader, Place, note_type, read_text, shown, told, words};
use super::rules::{PRIVATE, is_credential};

/// Headers that concern one connection (RFC 9110 section 7.6.1), and no request beyond it.
pub const HOP_BY_HOP_HEADERS: [&str; 8] = [
    "connection",
    "keep-alive",
    "proxy-authenticate",
    "proxy-authorization",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
];

/// Headers that belong to the address or the body, and are no config's to set.
pub(super) const UNMAPPABLE_HEADERS: [&str; 4] = ["content-length", "expect", "host", "upgrade"];

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

/// A constant.
#[derive(Clone)]
pub(crate) struct WrittenVariable<'n> {
    /// Its name.
    pub name: &'n str,
    /// What it stands for; an empty text if it is wrong, or not known here.
    pub value: String,
    /// The entry.
    pub member: HostOnly<&'n Member<'n>>,
}

/// Reads the `variables` of an object; none if it has none.
pub(super) fn read_variables<'n>(
    object: &mut ObjectReader<'n, '_>,
    findings: &mut Findings<'_>,
) -> Vec<WrittenVariable<'n>> {
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
            Some(WrittenVariable { name: &member.key, value, member: HostOnly::of(|| member) })
        })
        .collect()
}

/// What a path sends to its upstream, as it is written.
#[derive(Clone, Default)]
pub(crate) struct WrittenMapping<'n> {
    /// What is set.
    pub values: Vec<WrittenValue<'n>>,
    /// Lower-case names of headers that the upstream does not get.
    pub remove: Vec<String>,
}

/// A header or query parameter that a path sets.
#[derive(Clone)]
pub(crate) struct WrittenValue<'n> {
    /// The list that it stands in: the key of the path, and the key in that.
    pub list: [&'static str; 2],
    /// Its name as it stands there.
    pub key: &'n str,
    /// Its name as it is sent.
    pub name: String,
    /// Where its value comes from.
    pub source: WrittenSource<'n>,
    /// The value as it stands there.
    pub node: &'n Node<'n>,
}

#[cfg(not(target_arch = "wasm32"))]
impl<'n> WrittenValue<'n> {
    /// Returns the name of the variable that it takes, if it takes one.
    pub fn variable(&self) -> Option<&'n str> {
        match self.source {
            WrittenSource::Variable(name) => Some(name),
            WrittenSource::Known(_) => None,
        }
    }
}

/// The list of query parameters.
pub(crate) const QUERY: [&str; 2] = ["mapping", "query"];

/// Where a mapped value comes from, as it is written.
#[derive(Clone)]
pub(crate) enum WrittenSource<'n> {
    /// From the request, or it stands there.
    Known(Source),
    /// The variable of this name.
    Variable(&'n str),
}

/// What a mapping may draw on.
#[derive(Clone, Copy)]
pub(super) struct Scope {
    /// Whether there is a token to take claims from.
    pub authenticated: bool,
    /// Whether answers are kept that are everyone's.
    pub for_all: bool,
}

/// Reads the `mapping` and the `request_headers` of a path; an empty one if it has neither.
pub(super) fn read_mapping<'n>(
    object: &mut ObjectReader<'n, '_>,
    scope: Scope,
    findings: &mut Findings<'_>,
) -> WrittenMapping<'n> {
    let mut mapping = WrittenMapping::default();
    let place = Place::Key(object.place(), "mapping");
    if let Some(mut reader) = object.node("mapping").and_then(|node| ObjectReader::open(node, &place, findings)) {
        mapping.read_list(&mut reader, ["mapping", "headers"], scope, findings);
        mapping.read_list(&mut reader, QUERY, scope, findings);
        reader.finish_beside_names(words("a header stands in \"headers\", a parameter in \"query\""), findings);
    }
    let place = Place::Key(object.place(), "request_headers");
    if let Some(mut reader) = object.node("request_headers").and_then(|node| ObjectReader::open(node, &place, findings))
    {
        mapping.read_list(&mut reader, ["request_headers", "set"], scope, findings);
        mapping.remove = read_header_names(&mut reader, "remove", findings);
        reader.finish_beside_names(SET_OR_REMOVE, findings);
    }
    mapping
}

impl<'n> WrittenMapping<'n> {
    /// Yields the names of the variables that it takes.
    #[cfg(not(target_arch = "wasm32"))]
    pub fn variables(&self) -> impl Iterator<Item = &'n str> {
        self.values.iter().filter_map(WrittenValue::variable)
    }

    fn read_list(
        &mut self,
        object: &mut ObjectReader<'n, '_>,
        list: [&'static str; 2],
        scope: Scope,
        findings: &mut Findings<'_>,
    ) {
        let [_, key] = list;
        let list_place = Place::Key(object.place(), key);
        let Some(reader) = object.node(key).and_then(|node| ObjectReader::open(node, &list_place, findings)) else {
            return;
        };
        for Member { key, key_offset, node } in reader.free_members() {
            if findings.is_full() {
                break;
            }
            let Some(source) = read_source(node, &Place::Key(&list_place, key), scope, findings) else { continue };
            let name = match list {
                QUERY => Some(key.to_string()),
                _ => checked_name(key, *key_offset, &list_place, findings),
            };
            self.values.extend(name.map(|name| WrittenValue { list, key, name, source, node }));
        }
    }
}

fn read_source<'n>(
    node: &'n Node<'n>,
    place: &Place<'_>,
    scope: Scope,
    findings: &mut Findings<'_>,
) -> Option<WrittenSource<'n>> {
    if let Value::Number(number) = &node.value {
        return Some(WrittenSource::Known(Source::Text(number.to_string())));
    }
    let written = read_text(node, place, findings)?;
    let text = written.value()?;
    if written.text.origin != Origin::File || !text.starts_with('$') {
        return Some(WrittenSource::Known(Source::Text(text.to_owned())));
    }
    if let Some(name) = text.strip_prefix("$config.") {
        return Some(WrittenSource::Variable(name));
    }
    let mut refuse = |code, message: String, help: Option<String>| {
        findings.note(node.offset, place, code, message, help);
        None
    };
    for (prefix, source) in [
        ("$request.header.", Source::Header as fn(String) -> Source),
        ("$request.query.", Source::Query),
        ("$request.jwt.", Source::Claim),
    ] {
        let Some(name) = text.strip_prefix(prefix).filter(|name| !name.is_empty()) else { continue };
        if prefix == "$request.jwt." && !scope.authenticated {
            let help = told(|| "add \"auth\": true to this path".to_owned());
            return refuse("claim_without_auth", "this path verifies no token to take a claim from".to_owned(), help);
        }
        if prefix == "$request.header." && !is_token(name) {
            return refuse(
                "invalid_name",
                format!("\"{name}\" is no header name"),
                told(|| "a name has letters, digits and hyphens".to_owned()),
            );
        }
        if prefix == "$request.header." && scope.for_all && is_credential(name) {
            return refuse(
                "private_cache",
                PRIVATE.to_owned(),
                told(|| "give the cache \"per_user\": true".to_owned()),
            );
        }
        return Some(WrittenSource::Known(source(name.to_owned())));
    }
    let help = told(|| {
        "one of: $request.header.NAME, $request.query.NAME, $request.jwt.CLAIM, $config.NAME, $env.NAME, $secret.NAME"
            .to_owned()
    });
    refuse("unknown_alias", format!("\"{}\" stands for nothing", shown(&written)), help)
}
