//! `mapping` and `variables`: which headers and query parameters an upstream gets besides the client's own.

use crate::config::code::Code;
use crate::http::header::{is_credential, is_token};
use crate::json::number_text;
use crate::route::Pattern;
use std::fmt;

use super::diagnostic::nearest;
use super::document::{Member, Node, Origin, Value};
use super::headers::{PRIVATE, SET_OR_REMOVE, checked_name, read_header_names};
use super::host_only::HostOnly;
use super::key::{Key, Value as AnyValue};
use super::path::keys as path_keys;
use super::reader::{Findings, ObjectReader, Place, advice, host_help, host_text, note_type, read_text};
use super::section::section;

/// The source that is the method.
const METHOD: &str = "$request.method";

/// The source that is the host.
const HOST: &str = "$request.url.host";

/// What a path sends to its upstream besides the client's own headers and parameters.
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
    /// `$request.path.NAME`: a parameter of the path.
    Parameter(String),
    /// `$request.method`
    Method,
    /// `$request.url.host`: the host that the client called, with the port if it is not the scheme's own.
    Host,
    /// `$request.jwt.PATH`: a claim of the verified token, dots leading into objects.
    Claim(String),
    /// A text of the config, or of the variable that `$config.NAME` names.
    Text(String),
}

/// Prints where a value comes from, but not a fixed text, which may be a secret.
impl fmt::Debug for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Header(name) => write!(f, "$request.header.{name}"),
            Self::Query(name) => write!(f, "$request.query.{name}"),
            Self::Parameter(name) => write!(f, "$request.path.{name}"),
            Self::Method => f.write_str(METHOD),
            Self::Host => f.write_str(HOST),
            Self::Claim(path) => write!(f, "$request.jwt.{path}"),
            Self::Text(_) => f.write_str("[text]"),
        }
    }
}

/// A constant.
#[derive(Clone)]
#[cfg_attr(target_os = "unknown", expect(dead_code, reason = "in part for people alone"))]
pub(crate) struct WrittenVariable<'n> {
    /// Its name.
    pub name: &'n str,
    /// Its value; an empty text if it is wrong or not known here.
    pub value: String,
    /// The entry.
    pub member: HostOnly<&'n Member<'n>>,
}

/// Reads the `variables` of an object at `key`; none if it has none.
pub(super) fn read_variables<'n>(
    object: &mut ObjectReader<'n, '_>,
    key: &Key<AnyValue>,
    findings: &mut Findings<'_>,
) -> Vec<WrittenVariable<'n>> {
    let place = key.at(object.place());
    let Some(node) = object.node(key) else { return Vec::new() };
    let Some(reader) = ObjectReader::open(node, &place, findings) else { return Vec::new() };
    let members = reader.free_members().iter();
    members
        .filter_map(|member| {
            let value = match &member.node.value {
                Value::Text(text) => text.value.as_deref().unwrap_or_default().to_owned(),
                Value::Number(number) => number_text(number),
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
    /// The list that contains it: the key of the path, and the key in that.
    pub list: [&'static Key<AnyValue>; 2],
    /// Its name as it is written.
    pub key: &'n str,
    /// Its name as it is sent.
    pub name: String,
    /// Where its value comes from.
    pub source: WrittenSource<'n>,
    /// The value as it is written.
    pub node: &'n Node<'n>,
}

/// Checks whether a list is that of query parameters.
pub(crate) fn is_of_query([_, list]: [&Key<AnyValue>; 2]) -> bool {
    list.name == QUERY.name
}

#[cfg(not(target_os = "unknown"))]
impl<'n> WrittenValue<'n> {
    /// Returns the name of the variable that it takes, if it takes one.
    pub fn variable(&self) -> Option<&'n str> {
        match self.source {
            WrittenSource::Variable(name) => Some(name),
            WrittenSource::Known(_) => None,
        }
    }
}

/// Where a mapped value comes from, as it is written.
#[derive(Clone)]
pub(crate) enum WrittenSource<'n> {
    /// The request, or a text of the config.
    Known(Source),
    /// The variable of this name.
    Variable(&'n str),
}

/// What a mapping may use.
#[derive(Clone, Copy)]
pub(super) struct Scope<'p> {
    /// The paths that the entry answers, if they are known here.
    pub pattern: Option<&'p Pattern>,
    /// Whether the path has a token to take claims from.
    pub authenticated: bool,
    /// Whether answers are cached for everyone.
    pub for_all: bool,
}

/// Reads the `mapping` and the `request_headers` of a path; an empty one if it has neither.
pub(super) fn read_mapping<'n>(
    object: &mut ObjectReader<'n, '_>,
    scope: Scope<'_>,
    findings: &mut Findings<'_>,
) -> WrittenMapping<'n> {
    let mut mapping = WrittenMapping::default();
    let section = &path_keys::MAPPING;
    let place = section.at(object.place());
    if let Some(mut reader) = object.node(section).and_then(|node| ObjectReader::open(node, &place, findings)) {
        mapping.read_list(&mut reader, [section, &HEADERS], scope, findings);
        mapping.read_list(&mut reader, [section, &QUERY], scope, findings);
        reader.finish_beside_names(host_text("put a header into \"headers\", a parameter into \"query\""), findings);
    }
    let section = &path_keys::REQUEST_HEADERS;
    let place = section.at(object.place());
    if let Some(mut reader) = object.node(section).and_then(|node| ObjectReader::open(node, &place, findings)) {
        mapping.read_list(&mut reader, [section, &request_headers::SET], scope, findings);
        mapping.remove = read_header_names(&mut reader, &request_headers::REMOVE, findings);
        reader.finish_beside_names(SET_OR_REMOVE, findings);
    }
    mapping
}

impl<'n> WrittenMapping<'n> {
    /// Yields the names of the variables that it takes.
    #[cfg(not(target_os = "unknown"))]
    pub fn variables(&self) -> impl Iterator<Item = &'n str> {
        self.values.iter().filter_map(WrittenValue::variable)
    }

    fn read_list(
        &mut self,
        object: &mut ObjectReader<'n, '_>,
        list: [&'static Key<AnyValue>; 2],
        scope: Scope<'_>,
        findings: &mut Findings<'_>,
    ) {
        let [_, key] = list;
        let list_place = key.at(object.place());
        let Some(reader) = object.node(key).and_then(|node| ObjectReader::open(node, &list_place, findings)) else {
            return;
        };
        for Member { key, key_offset, node } in reader.free_members() {
            if findings.is_full() {
                break;
            }
            let Some(source) = read_source(node, &Place::Key(&list_place, key), scope, findings) else { continue };
            let value = |name| WrittenValue { list, key, name, source, node };
            if is_of_query(list) {
                self.values.push(value(key.to_string()));
            } else {
                self.values.extend(checked_name(key, *key_offset, &list_place, findings).map(value));
            }
        }
    }
}

fn read_source<'n>(
    node: &'n Node<'n>,
    place: &Place<'_>,
    scope: Scope<'_>,
    findings: &mut Findings<'_>,
) -> Option<WrittenSource<'n>> {
    if let Value::Number(number) = &node.value {
        return Some(WrittenSource::Known(Source::Text(number_text(number))));
    }
    let written = read_text(node, place, findings)?;
    let text = written.value()?;
    if written.text.origin != Origin::File || !text.starts_with('$') {
        return Some(WrittenSource::Known(Source::Text(text.to_owned())));
    }
    if let Some(name) = text.strip_prefix("$config.") {
        return Some(WrittenSource::Variable(name));
    }
    for (alias, source) in [(METHOD, Source::Method), (HOST, Source::Host)] {
        if text == alias {
            return Some(WrittenSource::Known(source));
        }
    }
    let mut refuse = |code, message: fmt::Arguments<'_>, help| {
        findings.note(node.offset, place, code, message, help);
        None
    };
    for (prefix, source) in [
        ("$request.header.", Source::Header as fn(String) -> Source),
        ("$request.query.", Source::Query),
        ("$request.path.", Source::Parameter),
        ("$request.jwt.", Source::Claim),
    ] {
        let Some(name) = text.strip_prefix(prefix).filter(|name| !name.is_empty()) else { continue };
        if prefix == "$request.jwt." && !scope.authenticated {
            let help = advice("add \"auth\": true to this path");
            return refuse(
                Code::ClaimWithoutAuth,
                format_args!("this path verifies no token to take a claim from"),
                help,
            );
        }
        if prefix == "$request.path."
            && let Some(pattern) = scope.pattern
            && !pattern.param_names().any(|own| own == name)
        {
            let help = host_help(|| match nearest(name, pattern.param_names()) {
                Some(near) => format!("did you mean \"{near}\"?"),
                None => format!("name a parameter in \"path\", as in /orders/{{{name}}}"),
            });
            return refuse(Code::UnknownVariable, format_args!("the path has no parameter \"{name}\""), help);
        }
        if prefix == "$request.header." && !is_token(name) {
            return refuse(
                Code::InvalidName,
                format_args!("\"{name}\" is not a header name"),
                advice("a name has letters, digits and hyphens"),
            );
        }
        if prefix == "$request.header." && scope.for_all && is_credential(name) {
            return refuse(Code::PrivateCache, format_args!("{PRIVATE}"), advice("give the cache \"per_user\": true"));
        }
        return Some(WrittenSource::Known(source(name.to_owned())));
    }
    let help = advice(
        "one of: $request.header.NAME, $request.query.NAME, $request.path.NAME, $request.method, $request.url.host, \
         $request.jwt.CLAIM, $config.NAME, $env.NAME, $secret.NAME",
    );
    findings.refuse(&written, place, Code::UnknownAlias, "is not a source", help);
    None
}

section! {
    Section::new(
        "mapping",
        "mapping",
        "Headers and query parameters for the upstream, each with the source of its value. It has an effect \
         with `http_proxy`, `service`, `service_binding` and `pre_process`.\n\nA source is `$request.header.NAME`, \
         `$request.query.NAME`, `$request.path.NAME` (a parameter of the path), `$request.method`, `$request.url.host` \
         (with the port, if it is not the scheme's own), `$request.jwt.CLAIM` (needs `auth`; dots lead into objects, and \
         the longest name that fits is used), `$config.NAME` (a variable), `$env.NAME` or `$secret.NAME`; any other text without `$` at its \
         beginning is sent as it is. If a source has no value, nothing is sent. No \
         client can send a header that any path maps.",
    ).without_notes()
        .example(
            r#"{
                    "servers": [{ "alias": "api", "url": "$env.API_URL" }],
                    "authorizer": {
                        "type": "auth0",
                        "domain": "$env.AUTH0_DOMAIN",
                        "client_id": "$env.AUTH0_CLIENT_ID",
                        "audience": "https://api.example.com/"
                    },
                    "variables": { "region": "eu-west-1" },
                    "paths": [
                        {
                            "method": "GET",
                            "path": "/orders",
                            "auth": true,
                            "integration": { "type": "http_proxy", "server": "api" },
                            "mapping": {
                                "headers": { "x-user-id": "$request.jwt.sub", "x-region": "$config.region", "x-key": "$secret.API_KEY" },
                                "query": { "tenant": "$request.jwt.org_id", "page": "$request.query.page" }
                            },
                            "allow": ["secret_exposed"]
                        }
                    ]
                }"#,
        );

    HEADERS: Value = value("headers"), Sources,
        "Names of headers, and their sources.",
        shape(Shape::headers(sources())),
        example(object! { "x-user-id": "$request.jwt.sub", "x-region": "$config.region" });
    QUERY: Value = value("query"), Parameters,
        "Names of query parameters, and their sources. They replace the client's own of the same name.",
        shape(Shape::map(sources())), example(object! { "tenant": "$request.jwt.org_id" });
}

/// The keys of `request_headers`.
pub(crate) mod request_headers {
    use super::*;

    section! {
        Section::new(
            "request_headers",
            "request_headers",
            "Changes to the headers that the upstream gets.",
        ).without_notes()
            .example(
                r#"{
                        "servers": [{ "alias": "api", "url": "$env.API_URL" }],
                        "paths": [
                            {
                                "method": "GET",
                                "path": "/api/{.+}",
                                "integration": { "type": "http_proxy", "server": "api" },
                                "request_headers": { "set": { "x-api-key": "$secret.API_KEY" }, "remove": ["cookie"] },
                                "response_headers": { "set": { "cache-control": "no-store" }, "remove": ["x-internal"] },
                                "allow": ["secret_exposed"]
                            }
                        ]
                    }"#,
            );

        SET: Value = value("set"), Sources,
            "Names of headers, and their sources as in [mapping](#mapping).",
            shape(Shape::headers(sources())), example(object! { "x-api-key": "$secret.API_KEY" });
        REMOVE: Texts = texts("remove", HeaderName), Narrower("lets through to the upstream:"),
            "Names of headers to remove.",
            example(list!["x-internal"]);
    }
}

#[cfg(not(target_os = "unknown"))]
fn sources() -> super::grammar::Shape {
    use super::{form::Form, grammar::Shape};
    Shape::Either(vec![Shape::Text(Form::Source), Shape::Number])
}
