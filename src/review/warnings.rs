//! What is valid in a config and seldom meant: each kind of it with a code, which `"allow": ["code"]` keeps quiet.
//!
//! `allow` stands at the top for the whole file, or in the entry of `paths`, `servers`, `authorizer` or `authorizers` that it is
//! about. What concerns routes as they stand to each other is in [`super::route_warnings`], what concerns logins in
//! [`super::login_warnings`].

use std::collections::{HashMap, HashSet};

use super::codes::{WARNINGS, Warnings, allowed_at_top};
use super::consequences::Mistakes;
use super::login_warnings::warn_of_logins;
use super::open_domains::open_domain;
use super::outline::{authorizers, logs_in};
use super::route_kind::RouteKind;
use super::route_warnings::warn_of_routes;
use super::sections::{
    items, mapped_values, name_offsets, named_authorizer, takes_first_authorizer, with_authorizer_place,
};
use crate::address::Address;
use crate::config::document::{Node, Value};
use crate::config::reader::{Findings, Place};
use crate::config::{
    Binding, Bindings, Diagnostic, ListedOrigin, Reference, ReferenceKind, SECRET_MIN_BYTES, Severity,
};

/// Tells the warnings of a config's tree, and codes in `allow` that no warning has.
pub(super) fn warnings(source: &str, root: &Node<'_>, bindings: &dyn Bindings, mistakes: &Mistakes) -> Vec<Diagnostic> {
    let mut warnings = Warnings { findings: Findings::new(source), allowed: allowed_at_top(root) };
    check_allowed(root, &mut warnings.findings);
    warn_of_cors(root, &mut warnings);
    warn_of_authorizers(root, bindings, &mut warnings);
    warn_of_servers(root, &mut warnings);
    warn_of_services(root, &mut warnings);
    warn_of_variables(root, &mut warnings);
    warn_of_secrets(root, &mut warnings);
    warn_of_texts(root, &mut warnings);
    warn_of_notes(root, &mut warnings);
    warn_of_logins(root, bindings, &mut warnings);
    warn_of_routes(root, bindings, mistakes, &mut warnings);
    let mut told = warnings.findings.into_diagnostics();
    told.retain(|one| one.severity == Severity::Error || mistakes.leave_sound(one));
    told
}

/// Notes each code that no warning has: it would keep nothing quiet.
fn check_allowed(root: &Node<'_>, findings: &mut Findings<'_>) {
    let mut check = |node: &Node<'_>, place: &Place<'_>| {
        let Some(list) = node.get("allow") else { return };
        let place = Place::Key(place, "allow");
        for (index, item) in list.items().iter().enumerate() {
            let Some(code) = item.as_text() else { continue };
            let codes = WARNINGS.iter().map(|(code, _)| *code);
            if findings.is_full() || codes.clone().any(|known| known == code) {
                continue;
            }
            let help = match crate::config::nearest(code, codes.clone()) {
                Some(near) => format!("did you mean \"{near}\"?"),
                None => format!("one of: {}", codes.collect::<Vec<_>>().join(", ")),
            };
            let message = format!("no warning has the code \"{code}\"");
            findings.note(item.offset, &Place::Index(&place, index), "unknown_value", message, Some(help));
        }
    };
    check(root, &Place::Root);
    for section in ["paths", "servers"] {
        let place = Place::Key(&Place::Root, section);
        for (index, item) in items(root, section).iter().enumerate() {
            check(item, &Place::Index(&place, index));
        }
    }
    for (name, node) in authorizers(root) {
        with_authorizer_place(root, &name, |place| check(node, place));
    }
}

fn warn_of_cors(root: &Node<'_>, warnings: &mut Warnings<'_>) {
    let place = Place::Key(&Place::Root, "cors");
    let place = Place::Key(&place, "allow_origins");
    let origins = root.get("cors").and_then(|cors| cors.get("allow_origins")).map(Node::items).unwrap_or_default();
    if let Some((index, any)) = origins.iter().enumerate().find(|(_, origin)| origin.as_text() == Some("*")) {
        let message = "\"*\" lets every site read the answers of every path".to_owned();
        let at = (any.offset, &Place::Index(&place, index));
        warnings.warn("cors_any_origin", root, at, message, "list the origins of your pages");
    }
    let with_cookies = root.get("cors").is_some_and(|cors| cors.is_true("allow_credentials"));
    for (index, origin) in origins.iter().enumerate() {
        let Some(starred) = origin.as_text().and_then(ListedOrigin::parse_starred) else { continue };
        let message = match open_domain(&starred) {
            Some(domain) => format!("anybody can get a name below {domain}, and have a page there read the answers"),
            None if with_cookies => {
                "every page that this star stands for reads answers with its user's cookies".to_owned()
            }
            None if root.get("session").is_some() => {
                "pages that this star stands for change nothing with a session: to its CSRF rule a star lists nobody"
                    .to_owned()
            }
            None => continue,
        };
        let at = (origin.offset, &Place::Index(&place, index));
        warnings.warn("cors_star", root, at, message, "write out the origins of your pages");
    }
}

fn warn_of_authorizers(root: &Node<'_>, bindings: &dyn Bindings, warnings: &mut Warnings<'_>) {
    let authorizers = authorizers(root);
    let kinds = || items(root, "paths").iter().filter_map(RouteKind::of);
    let used_by_login = kinds().any(RouteKind::needs_provider) || root.get("session").is_some();
    let login = authorizers.iter().position(|(_, node)| logs_in(node));
    let named = NamesInUse::of(items(root, "paths").iter().filter_map(named_authorizer));
    let first_used = items(root, "paths").iter().any(takes_first_authorizer);
    let names = name_offsets(root);
    for (index, (name, node)) in authorizers.iter().enumerate() {
        with_authorizer_place(root, name, |place| {
            warn_of_symmetry(node, place, warnings);
            let of_login = login == Some(index) && used_by_login;
            let is_used = of_login || (index == 0 && first_used) || named.holds(name);
            if !is_used {
                let message = format!("no path asks for tokens of \"{name}\"");
                let help = "give a path \"auth\", or remove the authorizer";
                warnings.warn(
                    "unused_authorizer",
                    node,
                    (names.get(index).copied().unwrap_or(node.offset), place),
                    message,
                    help,
                );
            }
            if of_login {
                warn_of_scope(root, node, place, warnings);
                warn_of_weak_seal(root, node, place, bindings, warnings);
            }
        });
    }
}

fn warn_of_symmetry(node: &Node<'_>, place: &Place<'_>, warnings: &mut Warnings<'_>) {
    let hmac = |node: Option<&Node<'_>>| node.and_then(Node::as_text) == Some("HS256");
    let listed = node.get("algorithms").map(Node::items).unwrap_or_default();
    let at = ["secret", "jwt_secret"].into_iter().find_map(|key| Some((node.get(key)?.offset, key)));
    let at = at.or_else(|| node.get("algorithm").filter(|one| hmac(Some(one))).map(|one| (one.offset, "algorithm")));
    let at = at.or_else(|| listed.iter().find(|one| hmac(Some(one))).map(|one| (one.offset, "algorithms")));
    let Some((offset, key)) = at else { return };
    let message = "HS256: whoever can check these tokens can also make them".to_owned();
    let help = "let the issuer sign with RS256 or ES256, and give its \"jwks_uri\"";
    warnings.warn("symmetric_algorithm", node, (offset, &Place::Key(place, key)), message, help);
}

/// Warns of a short secret that login states are sealed with: whoever has one of them can try secrets until one opens it.
fn warn_of_weak_seal(
    root: &Node<'_>,
    node: &Node<'_>,
    place: &Place<'_>,
    bindings: &dyn Bindings,
    warnings: &mut Warnings<'_>,
) {
    let mut kinds = items(root, "paths").iter().filter_map(RouteKind::of);
    let secret = node.get("client_secret").filter(|_| node.get("sealing_key").is_none());
    let Some(secret) = secret.filter(|_| kinds.any(|kind| kind == RouteKind::Login)) else { return };
    let bytes = secret.as_text().and_then(|text| match Reference::parse(text) {
        None => Some(text.len()),
        Some(reference) => match bindings.look_up(&reference.ok()?) {
            Binding::Value(value) => Some(value.len()),
            Binding::Missing | Binding::NoText(_) | Binding::Unknown => None,
        },
    });
    if let Some(bytes) = bytes.filter(|bytes| (1..SECRET_MIN_BYTES).contains(bytes)) {
        let message = format!(
            "login states are sealed with this secret of {bytes} bytes, which whoever has one of them can find by trying"
        );
        let help = "add a \"sealing_key\", made with `openssl rand -base64 48`";
        warnings.warn("short_client_secret", node, (secret.offset, &Place::Key(place, "client_secret")), message, help);
    }
}

fn warn_of_scope(root: &Node<'_>, node: &Node<'_>, place: &Place<'_>, warnings: &mut Warnings<'_>) {
    let kinds = || items(root, "paths").iter().filter_map(RouteKind::of);
    let renews = root.get("session").is_some() || kinds().any(|kind| kind == RouteKind::Refresh);
    if !renews || !kinds().any(|kind| kind == RouteKind::Login) {
        return;
    }
    let scope = node.get("scope");
    let (offset, place) = match scope {
        None => (node.offset, *place),
        Some(scope) => (scope.offset, Place::Key(place, "scope")),
    };
    let asked = match scope {
        None => false,
        // What a binding holds is not known here.
        Some(scope) => scope.as_text().is_none_or(|text| {
            Reference::parse(text).is_some() || text.split(' ').any(|scope| scope == "offline_access")
        }),
    };
    if !asked {
        let message = "logins ask for no refresh token, so nothing can be renewed".to_owned();
        let help = "add \"offline_access\" to \"scope\", as in \"openid profile email offline_access\"";
        warnings.warn("offline_access_missing", node, (offset, &place), message, help);
    }
}

/// The names by which paths call what stands in other sections.
struct NamesInUse<'n> {
    names: HashSet<&'n str>,
    /// Whether one comes from a binding, and so may be any.
    any: bool,
}

impl<'n> NamesInUse<'n> {
    fn of(nodes: impl Iterator<Item = &'n Node<'n>>) -> Self {
        let names: HashSet<&str> = nodes.filter_map(Node::as_text).collect();
        Self { any: names.iter().any(|name| Reference::parse(name).is_some()), names }
    }

    fn holds(&self, name: &str) -> bool {
        self.any || self.names.contains(name)
    }

    /// Tells whether something of this alias is called, or may be.
    fn hold_alias(&self, alias: &Node<'_>) -> bool {
        alias.as_text().is_some_and(|alias| self.holds(alias) || Reference::parse(alias).is_some())
    }
}

fn warn_of_servers(root: &Node<'_>, warnings: &mut Warnings<'_>) {
    let section = Place::Key(&Place::Root, "servers");
    let in_use = NamesInUse::of(integrations(root).filter_map(|node| node.get("server")));
    for (index, server) in items(root, "servers").iter().enumerate() {
        let place = Place::Index(&section, index);
        let one = server.get("url").map(|url| (url, Place::Key(&place, "url")));
        let urls = Place::Key(&place, "urls");
        let list = server.get("urls").map(Node::items).unwrap_or_default().iter().enumerate();
        for (url, place) in one.into_iter().chain(list.map(|(index, url)| (url, Place::Index(&urls, index)))) {
            let plain = url.as_text().and_then(Address::parse);
            if plain.is_some_and(|url| url.scheme() == "http" && !url.is_loopback()) {
                let message = "plain http: whoever is on the way reads and changes tokens and answers".to_owned();
                warnings.warn("plain_http_upstream", server, (url.offset, &place), message, "use https");
            }
        }
        let Some(alias) = server.get("alias") else { continue };
        if !in_use.hold_alias(alias) {
            let message = "no path goes to this server".to_owned();
            let at = (alias.offset, &Place::Key(&place, "alias"));
            warnings.warn("unused_server", server, at, message, "give a path to it, or remove it");
        }
    }
}

fn warn_of_services(root: &Node<'_>, warnings: &mut Warnings<'_>) {
    let of_type = |kind: &'static str| integrations(root).filter(move |node| node.text("type") == Some(kind));
    let modules = NamesInUse::of(of_type("service").filter_map(|node| node.get("binding")));
    let guards = items(root, "paths").iter().filter_map(|path| path.get("pre_process"));
    let callers = of_type("service_binding").chain(guards);
    let callers = callers.chain(integrations(root).filter_map(|node| node.get("post_process")));
    let workers = NamesInUse::of(callers.filter_map(|node| node.get("binding")));
    for (section, in_use) in [("services", &modules), ("serviceBindings", &workers), ("servicesBindings", &workers)] {
        let section_place = Place::Key(&Place::Root, section);
        for (index, service) in items(root, section).iter().enumerate() {
            let Some(alias) = service.get("alias") else { continue };
            if !in_use.hold_alias(alias) {
                let message = "no path goes to this service".to_owned();
                let place = Place::Index(&section_place, index);
                let at = (alias.offset, &Place::Key(&place, "alias"));
                warnings.warn("unused_server", root, at, message, "give a path to it, or remove it");
            }
        }
    }
}

fn warn_of_variables(root: &Node<'_>, warnings: &mut Warnings<'_>) {
    let message = |name: &str| format!("no mapping takes \"$config.{name}\"");
    let help = "use it, or remove it";
    let mut taken_of_root: HashSet<&str> = HashSet::new();
    let section = Place::Key(&Place::Root, "paths");
    for (index, path) in items(root, "paths").iter().enumerate() {
        let place = Place::Index(&section, index);
        let place = Place::Key(&place, "variables");
        let mut taken: HashSet<&str> = variables_taken(path).collect();
        for member in path.get("variables").map(Node::members).unwrap_or_default() {
            if !taken.remove(member.key.as_ref()) {
                let at = (member.key_offset, &Place::Key(&place, &member.key));
                warnings.warn("unused_variable", path, at, message(&member.key), help);
            }
        }
        taken_of_root.extend(taken);
    }
    let section = Place::Key(&Place::Root, "variables");
    for member in root.get("variables").map(Node::members).unwrap_or_default() {
        if !taken_of_root.contains(member.key.as_ref()) {
            let at = (member.key_offset, &Place::Key(&section, &member.key));
            warnings.warn("unused_variable", root, at, message(&member.key), help);
        }
    }
}

/// Gives the names of the variables that a path's mapping takes.
fn variables_taken<'n>(path: &'n Node<'_>) -> impl Iterator<Item = &'n str> {
    mapped_values(path).filter_map(|(_, value)| value.as_text()?.strip_prefix("$config."))
}

fn warn_of_secrets(root: &Node<'_>, warnings: &mut Warnings<'_>) {
    for key in ["headers", "protected_resource"] {
        if let Some(node) = root.get(key) {
            warn_of_secrets_in(root, node, &Place::Key(&Place::Root, key), Reader::Client, warnings);
        }
    }
    let of_root = variable_kinds(root);
    let section = Place::Key(&Place::Root, "paths");
    for (index, path) in items(root, "paths").iter().enumerate() {
        let place = Place::Index(&section, index);
        if let Some(node) = path.get("response") {
            warn_of_secrets_in(path, node, &Place::Key(&place, "response"), Reader::Client, warnings);
        }
        if let Some(node) = path.get("response_headers") {
            warn_of_secrets_in(path, node, &Place::Key(&place, "response_headers"), Reader::Client, warnings);
        }
        if let Some(integration) = path.get("integration") {
            let place = Place::Key(&place, "integration");
            for key in ["body", "headers", "location"] {
                if let Some(node) = integration.get(key) {
                    warn_of_secrets_in(path, node, &Place::Key(&place, key), Reader::Client, warnings);
                }
            }
        }
        for key in ["mapping", "request_headers"] {
            if let Some(node) = path.get(key) {
                warn_of_secrets_in(path, node, &Place::Key(&place, key), Reader::Upstream, warnings);
            }
        }
        let of_path = variable_kinds(path);
        for (keys, value) in mapped_values(path) {
            let Some(name) = value.as_text().and_then(|text| text.strip_prefix("$config.")) else { continue };
            if of_path.get(name).or_else(|| of_root.get(name)) == Some(&true) {
                let place = Place::Key(&place, keys[0]);
                let place = Place::Key(&place, keys[1]);
                let message = format!("the variable \"{name}\" is a secret, and is sent to an upstream");
                let help = "send it only where the upstream must have it";
                warnings.warn("secret_exposed", path, (value.offset, &place), message, help);
            }
        }
    }
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

/// Warns of each key that is taken for a note where a header was most likely meant to be set.
fn warn_of_notes(root: &Node<'_>, warnings: &mut Warnings<'_>) {
    let mut check = |owner: &Node<'_>, node: &Node<'_>, place: &Place<'_>, help: &str| {
        for member in node.members() {
            let is_header = HEADERS_LIKE_NOTES.iter().any(|name| member.key.eq_ignore_ascii_case(name));
            if is_header && member.node.as_text().is_some() {
                let message = format!("\"{}\" is taken for a note here, and no such header is sent", member.key);
                let at = (member.key_offset, &Place::Key(place, &member.key));
                warnings.warn("header_as_note", owner, at, message, help);
            }
        }
    };
    check(root, root, &Place::Root, "put it into \"headers\"");
    let section = Place::Key(&Place::Root, "paths");
    for (index, path) in items(root, "paths").iter().enumerate() {
        let place = Place::Index(&section, index);
        check(path, path, &place, "put it into \"set\" of \"response_headers\" or \"request_headers\"");
        if let Some(integration) = path.get("integration") {
            let help = "put it into \"headers\" of a static answer, or into \"response_headers\" of the path";
            check(path, integration, &Place::Key(&place, "integration"), help);
        }
    }
}

/// Where a text stands in which people may expect a value in the place of a part of it.
#[derive(Clone, Copy, PartialEq, Eq)]
enum TextOf {
    /// A mapping, in which whole texts are templates.
    Mapping,
    /// A header of an answer.
    Header,
    /// The body of an answer, in which references may stand as words.
    Body,
}

impl TextOf {
    /// Gives what such a part begins with.
    fn beginnings(self) -> &'static [&'static str] {
        match self {
            // A reference within such a text is a mistake.
            Self::Mapping | Self::Header => &["$request.", "$config."],
            Self::Body => &["$request.", "$config.", "$env.", "$secret.", "$secrets."],
        }
    }
}

/// Warns of each text with a part that looks as if a value would come in its place.
fn warn_of_texts(root: &Node<'_>, warnings: &mut Warnings<'_>) {
    if let Some(node) = root.get("headers") {
        warn_of_templates(root, node, &Place::Key(&Place::Root, "headers"), TextOf::Header, warnings);
    }
    let section = Place::Key(&Place::Root, "paths");
    for (index, path) in items(root, "paths").iter().enumerate() {
        let place = Place::Index(&section, index);
        if let Some(node) = path.get("response") {
            warn_of_templates(path, node, &Place::Key(&place, "response"), TextOf::Body, warnings);
        }
        for (outer, key, kind) in [
            ("mapping", "headers", TextOf::Mapping),
            ("mapping", "query", TextOf::Mapping),
            ("request_headers", "set", TextOf::Mapping),
            ("response_headers", "set", TextOf::Header),
            ("integration", "headers", TextOf::Header),
            ("integration", "body", TextOf::Body),
        ] {
            if let Some(node) = path.get(outer).and_then(|node| node.get(key)) {
                let place = Place::Key(&place, outer);
                warn_of_templates(path, node, &Place::Key(&place, key), kind, warnings);
            }
        }
    }
}

fn warn_of_templates(owner: &Node<'_>, node: &Node<'_>, place: &Place<'_>, kind: TextOf, warnings: &mut Warnings<'_>) {
    each_text(node, place, &mut |text, offset, place| {
        let is_replaced = Reference::parse(text).is_some() || kind == TextOf::Mapping && text.starts_with('$');
        let is_name = |rest: &str| rest.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
        let holds = |beginning: &&&str| text.split(**beginning).skip(1).any(is_name);
        let Some(beginning) = kind.beginnings().iter().find(holds).filter(|_| !is_replaced) else { return };
        let message = format!("the text is sent as it stands: nothing comes in the place of {beginning}…");
        let help = match (kind, *beginning) {
            (TextOf::Mapping, _) => "let the template be the whole text",
            (_, "$request." | "$config.") => "only \"mapping\" and \"request_headers\" take such values",
            (_, _) => "let the reference be the whole text",
        };
        warnings.warn("template_in_text", owner, (offset, place), message, help);
    });
}

/// Gives the variables of an object by name, and whether each is a secret.
fn variable_kinds<'n>(node: &'n Node<'_>) -> HashMap<&'n str, bool> {
    let variables = node.get("variables").map(Node::members).unwrap_or_default().iter();
    let is_secret = |node: &Node<'_>| node.as_text().and_then(secret_name).is_some();
    variables.map(|member| (member.key.as_ref(), is_secret(&member.node))).collect()
}

/// Who gets to see a value.
#[derive(Clone, Copy)]
enum Reader {
    Client,
    Upstream,
}

/// Warns of each secret in a part of `owner`.
fn warn_of_secrets_in(
    owner: &Node<'_>,
    node: &Node<'_>,
    place: &Place<'_>,
    reader: Reader,
    warnings: &mut Warnings<'_>,
) {
    each_secret(node, place, &mut |name, offset, place| {
        let (message, help) = match reader {
            Reader::Client => (format!("the secret {name} is sent to clients"), "keep secrets out of answers"),
            Reader::Upstream => {
                (format!("the secret {name} is sent to an upstream"), "send it only where the upstream must have it")
            }
        };
        warnings.warn("secret_exposed", owner, (offset, place), message, help);
    });
}

/// Shows each string of a tree that refers to a secret, with its name.
fn each_secret(node: &Node<'_>, place: &Place<'_>, show: &mut dyn FnMut(&str, usize, &Place<'_>)) {
    each_text(node, place, &mut |text, offset, place| {
        if let Some(name) = secret_name(text) {
            show(&name, offset, place);
        }
    });
}

/// Shows each string of a tree.
fn each_text(node: &Node<'_>, place: &Place<'_>, show: &mut dyn FnMut(&str, usize, &Place<'_>)) {
    match &node.value {
        Value::Text(_) => {
            if let Some(text) = node.as_text() {
                show(text, node.offset, place);
            }
        }
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                each_text(item, &Place::Index(place, index), show);
            }
        }
        Value::Object(members) => {
            for member in members {
                each_text(&member.node, &Place::Key(place, &member.key), show);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

fn secret_name(text: &str) -> Option<String> {
    let reference = Reference::parse(text)?.ok()?;
    (reference.kind == ReferenceKind::Secret).then_some(reference.name)
}

/// Gives the integrations of paths.
fn integrations<'n>(root: &'n Node<'_>) -> impl Iterator<Item = &'n Node<'n>> {
    items(root, "paths").iter().filter_map(|path| path.get("integration"))
}
