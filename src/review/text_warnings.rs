//! Warnings of texts: secrets that are sent on, notes that were most likely meant for headers, templates that nothing fills in.

use std::collections::HashMap;

use super::codes::Warnings;
use crate::config::Code;
use crate::config::document::{Member, Node, Value};
use crate::config::integration::keys::{fixed, redirect};
use crate::config::key::Key;
use crate::config::path::keys;
use crate::config::reader::Written;
use crate::config::{Reference, ReferenceKind, WrittenPath, WrittenVariable, headers, mapping, root};

/// Reports the warnings of texts.
pub(super) fn warn_of_texts(warnings: &mut Warnings<'_>) {
    let config = *warnings.tree.node;
    warn_of_notes(&[], config.members(), "put it into \"headers\"", warnings);
    for key in [root::HEADERS, root::PROTECTED_RESOURCE] {
        warn_of_secrets(&[], config.at(&key), Reader::Client, warnings);
    }
    warn_of_templates(&[], config.at(&root::HEADERS), TextOf::Header, warnings);
    for authorizer in &warnings.tree.authorizers {
        // The browser carries them to the provider.
        for (_, written) in authorizer.provider.iter().flat_map(|provider| &provider.login_parameters) {
            let text = written.text.as_written().unwrap_or_default();
            warn_of_secret(&authorizer.allow, text, written.offset, Reader::Client, warnings);
        }
    }
    let variables = secrecy(&warnings.tree.variables);
    for path in &warnings.tree.paths {
        warn_of_path(path, &variables, warnings);
    }
}

fn warn_of_path(path: &WrittenPath<'_>, variables: &Secrecy<'_>, warnings: &mut Warnings<'_>) {
    let (allow, node) = (path.allow.as_slice(), path.node);
    let help = "put it into \"set\" of \"response_headers\" or \"request_headers\"";
    warn_of_notes(allow, node.members(), help, warnings);
    let integration = node.at(&keys::INTEGRATION);
    let help = "put it into \"headers\" of a static answer, or into \"response_headers\" of the path";
    warn_of_notes(allow, integration.map(Node::members).unwrap_or_default(), help, warnings);

    let (response, response_headers) = (node.at(&keys::RESPONSE), node.at(&keys::RESPONSE_HEADERS));
    let (set, request_headers) = (node.at(&keys::MAPPING), node.at(&keys::REQUEST_HEADERS));
    let (body, of_answer) = (within(integration, &fixed::BODY), within(integration, &fixed::HEADERS));
    let metadata = node.at(&keys::PROTECTED_RESOURCE);
    for sent in [response, response_headers, body, of_answer, metadata, within(integration, &redirect::LOCATION)] {
        warn_of_secrets(allow, sent, Reader::Client, warnings);
    }
    for sent in [set, request_headers] {
        warn_of_secrets(allow, sent, Reader::Upstream, warnings);
    }
    warn_of_secret_variables(path, variables, warnings);

    for (sent, kind) in [
        (response, TextOf::Body),
        (within(set, &mapping::HEADERS), TextOf::Mapping),
        (within(set, &mapping::QUERY), TextOf::Mapping),
        (within(request_headers, &mapping::request_headers::SET), TextOf::Mapping),
        (within(response_headers, &headers::SET), TextOf::Header),
        (of_answer, TextOf::Header),
        (body, TextOf::Body),
    ] {
        warn_of_templates(allow, sent, kind, warnings);
    }
}

fn within<'n, 's, S>(node: Option<&'n Node<'s>>, key: &Key<S>) -> Option<&'n Node<'s>> {
    node.and_then(|node| node.at(key))
}

/// Who gets to see a value.
#[derive(Clone, Copy)]
enum Reader {
    Client,
    Upstream,
}

/// Warns of each secret in what is sent.
fn warn_of_secrets(allow: &[Written<'_>], sent: Option<&Node<'_>>, reader: Reader, warnings: &mut Warnings<'_>) {
    each_text(sent, &mut |text, offset| warn_of_secret(allow, text, offset, reader, warnings));
}

/// Warns of a text that is sent, if it is a secret.
fn warn_of_secret(allow: &[Written<'_>], text: &str, offset: usize, reader: Reader, warnings: &mut Warnings<'_>) {
    let Some(name) = secret_name(text) else { return };
    let (message, help) = match reader {
        Reader::Client => (format!("the secret {name} is sent to clients"), "keep secrets out of answers"),
        Reader::Upstream => {
            (format!("the secret {name} is sent to an upstream"), "send it only where the upstream must have it")
        }
    };
    warnings.warn(Code::SecretExposed, allow, offset, message, help);
}

/// Whether each variable is a secret, by its name.
type Secrecy<'t> = HashMap<&'t str, bool>;

/// Returns of each variable whether it is a secret; of those with one name, the first counts.
fn secrecy<'t>(variables: &'t [WrittenVariable<'_>]) -> Secrecy<'t> {
    let mut secrecy = HashMap::new();
    for variable in variables {
        let is_secret = || variable.member.node.as_text().and_then(secret_name).is_some();
        secrecy.entry(variable.name).or_insert_with(is_secret);
    }
    secrecy
}

/// Warns of each variable that is a secret and that a path sends to an upstream.
fn warn_of_secret_variables(path: &WrittenPath<'_>, of_config: &Secrecy<'_>, warnings: &mut Warnings<'_>) {
    let of_path = secrecy(&path.variables);
    for value in &path.mapping.values {
        let Some(name) = value.variable() else { continue };
        if of_path.get(name).or_else(|| of_config.get(name)) == Some(&true) {
            let message = format!("the variable \"{name}\" is a secret, and is sent to an upstream");
            let help = "send it only where the upstream must have it";
            warnings.warn(Code::SecretExposed, &path.allow, value.node.offset, message, help);
        }
    }
}

fn secret_name(text: &str) -> Option<String> {
    let reference = Reference::parse(text)?.ok()?;
    (reference.kind == ReferenceKind::Secret).then_some(reference.name)
}

/// Headers whose names begin as keys of the user's own do.
const HEADERS_LIKE_NOTES: [&str; 9] = [
    "x-api-key",
    "x-content-type-options",
    "x-dns-prefetch-control",
    "x-download-options",
    "x-frame-options",
    "x-permitted-cross-domain-policies",
    "x-request-id",
    "x-robots-tag",
    "x-xss-protection",
];

/// Warns of each key that counts as a note, though a header was most likely meant to be set.
fn warn_of_notes(allow: &[Written<'_>], members: &[Member<'_>], help: &str, warnings: &mut Warnings<'_>) {
    for member in members {
        let is_header = HEADERS_LIKE_NOTES.iter().any(|name| member.key.eq_ignore_ascii_case(name));
        if is_header && member.node.as_text().is_some() {
            let message = format!("\"{}\" counts as a note here, and is not sent as a header", member.key);
            warnings.warn(Code::HeaderAsNote, allow, member.key_offset, message, help);
        }
    }
}

/// The place of a text in which people may expect that a part is replaced by a value.
#[derive(Clone, Copy, PartialEq, Eq)]
enum TextOf {
    /// A mapping, in which whole texts are templates.
    Mapping,
    /// A header of an answer.
    Header,
    /// The body of an answer, in which references may be plain text.
    Body,
}

impl TextOf {
    /// Returns what such a part begins with.
    fn beginnings(self) -> &'static [&'static str] {
        match self {
            // A reference within such a text is a mistake.
            Self::Mapping | Self::Header => &["$request.", "$config."],
            Self::Body => &["$request.", "$config.", "$env.", "$secret.", "$secrets."],
        }
    }
}

/// Warns of each text with a part that looks as if a value would come in its place.
fn warn_of_templates(allow: &[Written<'_>], sent: Option<&Node<'_>>, kind: TextOf, warnings: &mut Warnings<'_>) {
    each_text(sent, &mut |text, offset| {
        let is_replaced = Reference::parse(text).is_some() || kind == TextOf::Mapping && text.starts_with('$');
        let is_name = |rest: &str| rest.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
        let holds = |beginning: &&&str| text.split(**beginning).skip(1).any(is_name);
        let Some(beginning) = kind.beginnings().iter().find(holds).filter(|_| !is_replaced) else { return };
        let message = format!("the text is sent unchanged: nothing replaces {beginning}…");
        let help = match (kind, *beginning) {
            (TextOf::Mapping, _) => "let the template be the whole text",
            (_, "$request." | "$config.") => "only \"mapping\" and \"request_headers\" take such values",
            (_, _) => "let the reference be the whole text",
        };
        warnings.warn(Code::TemplateInText, allow, offset, message, help);
    });
}

/// Passes on each string of a value as written, with its byte offset.
fn each_text(node: Option<&Node<'_>>, show: &mut dyn FnMut(&str, usize)) {
    let Some(node) = node else { return };
    match &node.value {
        Value::Text(text) => {
            if let Some(text) = text.as_written() {
                show(text, node.offset);
            }
        }
        Value::Array(items) => items.iter().for_each(|item| each_text(Some(item), show)),
        Value::Object(members) => members.iter().for_each(|member| each_text(Some(&member.node), show)),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}
