//! What a config means, whichever of several spellings it has: older names, the short forms of lists, names of types.
//!
//! References stay as they are written, since no value is known here: another reference is another value.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

use crate::address::Address;
use crate::config::document::Node;
use crate::config::{ONLY_AUTHORIZER, module_name, parse};
use crate::route::Pattern;

/// An object of a config.
pub(super) type Object = Map<String, Value>;

/// A config in one spelling.
#[derive(Default)]
pub(super) struct Meaning {
    /// The sections that stand at the top, as they are.
    pub top: Object,
    /// The authorizers by name; a sole one has the name that the gateway gives it.
    pub authorizers: BTreeMap<String, Object>,
    /// The name of the one that people log in at.
    pub login: Option<String>,
    /// The addresses of upstreams, by alias.
    pub servers: Targets,
    /// The modules, by alias.
    pub services: Targets,
    /// The bindings of other Workers, by alias.
    pub bindings: Targets,
    /// The entries of `paths`, in the order of the file.
    pub paths: Vec<Object>,
}

/// Where requests go, by the alias that paths have for it.
#[derive(Default)]
pub(super) struct Targets {
    by_alias: BTreeMap<String, BTreeSet<String>>,
    used: BTreeSet<String>,
    /// Those that are said to take each path as it is written.
    strict: BTreeSet<String>,
}

impl Targets {
    fn read(&mut self, items: Vec<Object>, targets: impl Fn(&Object) -> BTreeSet<String>) {
        for item in items {
            let targets = targets(&item);
            if item.get("strict_paths") == Some(&Value::Bool(true)) {
                self.strict.extend(targets.iter().cloned());
            }
            if let Some(alias) = item.get("alias").and_then(Value::as_str) {
                // Of an alias that stands twice the first counts.
                self.by_alias.entry(alias.to_owned()).or_insert(targets);
            }
        }
    }

    /// Returns the targets of an alias; of one that is not known, the alias itself.
    pub fn of(&self, alias: &str) -> BTreeSet<String> {
        self.by_alias.get(alias).cloned().unwrap_or_else(|| BTreeSet::from([alias.to_owned()]))
    }

    /// Returns the aliases that a path goes to.
    pub fn used(&self) -> &BTreeSet<String> {
        &self.used
    }

    /// Checks whether a target is said to take each path as it is written.
    pub fn is_strict(&self, target: &str) -> bool {
        self.strict.contains(target)
    }

    /// Returns all targets that a path goes to.
    pub fn all_used(&self) -> BTreeSet<String> {
        self.used.iter().flat_map(|alias| self.of(alias)).collect()
    }
}

impl Meaning {
    /// Reads a config; nothing of a text that is no JSON.
    pub fn of(source: &str) -> Self {
        let Some((_, root)) = parse(source) else { return Self::default() };
        let Value::Object(mut top) = canonical(root.to_json()) else { return Self::default() };
        let list = |top: &mut Object, key: &str| -> Vec<Object> {
            let items = top.remove(key).and_then(|list| list.as_array().cloned()).unwrap_or_default();
            items.into_iter().map(|item| item.as_object().cloned().unwrap_or_default()).collect()
        };
        let mut meaning = Self::default();
        for (name, node) in authorizers(&root) {
            if meaning.login.is_none() && logs_in(node) {
                meaning.login = Some(name.clone());
            }
            meaning.authorizers.insert(name, authorizer(node));
        }
        top.remove("authorizer");
        top.remove("authorizers");
        let services = [list(&mut top, "serviceBindings"), list(&mut top, "servicesBindings")].concat();
        meaning.servers.read(list(&mut top, "servers"), addresses);
        meaning.services.read(list(&mut top, "services"), |service| {
            texts(service.get("entrypoint")).iter().map(|entrypoint| module_of(entrypoint).to_owned()).collect()
        });
        meaning.bindings.read(services, |service| texts(service.get("binding")).into_iter().collect());
        let has_session = top.contains_key("session");
        let variables = top.get("variables").and_then(Value::as_object).cloned().unwrap_or_default();
        meaning.paths = list(&mut top, "paths");
        for path in &mut meaning.paths {
            fill_in_path(path, has_session, &variables);
            note_targets(path, &mut meaning.servers, &mut meaning.services, &mut meaning.bindings);
        }
        meaning.top = top;
        meaning
    }
}

/// Drops what counts as absent, and gives each reference its shorter name.
fn canonical(value: Value) -> Value {
    match value {
        Value::String(text) => match text.strip_prefix("$secrets.") {
            Some(name) => Value::String(format!("$secret.{name}")),
            None => Value::String(text),
        },
        Value::Array(items) => items.into_iter().map(canonical).collect(),
        Value::Object(members) => {
            let kept =
                members.into_iter().filter(|(key, value)| !value.is_null() || ["response", "body"].contains(&&**key));
            Value::Object(kept.map(|(key, value)| (key, canonical(value))).collect())
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => value,
    }
}

/// Returns the texts of a list, or the one text that stands there.
pub(super) fn texts(value: Option<&Value>) -> Vec<String> {
    let items = match value {
        Some(Value::Array(items)) => items.as_slice(),
        Some(value) => std::slice::from_ref(value),
        None => &[],
    };
    items.iter().filter_map(Value::as_str).map(str::to_owned).collect()
}

/// Returns the name of a module, of which there is one whatever its file ends in.
fn module_of(entrypoint: &str) -> &str {
    let name = module_name(entrypoint);
    [".mjs", ".ts", ".mts"].iter().find_map(|ending| name.strip_suffix(ending)).unwrap_or(name)
}

/// Returns the addresses of a server, each as the gateway would call it.
fn addresses(server: &Object) -> BTreeSet<String> {
    let written = server.get("urls").or_else(|| server.get("url"));
    texts(written).iter().map(|url| normalised(url).trim_end_matches('/').to_owned()).collect()
}

fn normalised(url: &str) -> String {
    Address::parse(url).map_or_else(|| url.to_owned(), |address| address.as_str().to_owned())
}

/// Returns an authorizer with what its type means where a key is absent.
fn authorizer(node: &Node<'_>) -> Object {
    let Value::Object(mut object) = canonical(node.to_json()) else { return Object::new() };
    object.retain(|key, _| !key.starts_with("x-"));
    let text = |object: &Object, key: &str| object.get(key).and_then(Value::as_str).map(str::to_owned);
    let mut default = |key: &str, value: Option<String>| {
        if let (Some(value), None) = (value, object.get(key)) {
            object.insert(key.to_owned(), value.into());
        }
    };
    let (domain, client_id) = (node.text("domain"), node.text("client_id"));
    // What a reference stands for is not known, so a default that is made of it is not either.
    let domain = domain.filter(|domain| node.text("type") == Some("auth0") && !domain.starts_with('$'));
    let origin = domain.map(|domain| match domain.starts_with("http://") {
        true => domain.trim_end_matches('/').to_owned(),
        false => format!("https://{domain}"),
    });
    default("issuer", origin.as_ref().map(|origin| format!("{origin}/")));
    if node.get("jwks").is_none() {
        default("jwks_uri", origin.map(|origin| format!("{origin}/.well-known/jwks.json")));
    }
    default("audience", client_id.filter(|_| logs_in(node)).map(str::to_owned));
    default("redirect_uri", node.text("callback_uri").map(str::to_owned));
    if ["secret", "jwt_secret"].iter().any(|key| object.contains_key(*key)) {
        object.entry("algorithms").or_insert_with(|| vec!["HS256"].into());
    }
    if let Some(one) = text(&object, "algorithm") {
        object.insert("algorithms".to_owned(), vec![one].into());
    }
    object.remove("algorithm");
    object.remove("callback_uri");
    for key in ["jwks_uri", "redirect_uri"] {
        if let Some(url) = text(&object, key) {
            object.insert(key.to_owned(), normalised(&url).into());
        }
    }
    object
}

/// Returns the names of types one spelling, and puts what variables stand for in their place.
fn fill_in_path(path: &mut Object, has_session: bool, variables: &Object) {
    let own = path.get("variables").and_then(Value::as_object).cloned().unwrap_or_default();
    let pattern = path.get("path").and_then(Value::as_str).and_then(|text| Pattern::parse(text).ok());
    for (section, keys) in [("mapping", ["headers", "query"]), ("request_headers", ["set", "set"])] {
        for key in keys {
            let sources = path.get_mut(section).and_then(|section| section.get_mut(key));
            for (_, source) in sources.and_then(Value::as_object_mut).into_iter().flatten() {
                let name = source.as_str().and_then(|text| text.strip_prefix("$config."));
                if let Some(value) = name.and_then(|name| own.get(name).or_else(|| variables.get(name))) {
                    *source = value.clone();
                }
            }
        }
    }
    let Some(integration) = path.get_mut("integration").and_then(Value::as_object_mut) else { return };
    let kind = integration_kind(integration.get("type").and_then(Value::as_str).unwrap_or_default()).to_owned();
    if integration.get("response").is_some_and(Value::is_null) {
        integration.remove("response");
    }
    if kind == "http_proxy"
        && let Some(pattern) = pattern
    {
        let prefix = match integration.get("strip_prefix").and_then(Value::as_str) {
            Some(written) => pattern.prefix(written).unwrap_or_else(|| written.to_owned()),
            None => pattern.literal_prefix().unwrap_or_default().to_owned(),
        };
        integration.insert("strip_prefix".to_owned(), prefix.into());
    }
    if kind == "auth0_callback" {
        let default = if has_session { "session" } else { "json" };
        integration.entry("response").or_insert_with(|| default.into());
    }
    integration.insert("type".to_owned(), kind.into());
}

/// Returns the one name of a type of integrations that has several.
fn integration_kind(name: &str) -> &str {
    match name {
        "http" => "http_proxy",
        "oidc_login" | "auth0_callback_redirect" => "auth0_login",
        "oidc_callback" => "auth0_callback",
        "oidc_userinfo" => "auth0_userinfo",
        "oidc_refresh" => "auth0_refresh",
        "oidc_logout" => "auth0_logout",
        "oidc_backchannel_logout" => "auth0_backchannel_logout",
        other => other,
    }
}

/// Notes where a path's requests go.
fn note_targets(path: &Object, servers: &mut Targets, services: &mut Targets, bindings: &mut Targets) {
    let integration = path.get("integration").and_then(Value::as_object);
    let alias = |object: Option<&Object>, key: &str| Some(object?.get(key)?.as_str()?.to_owned());
    let rpc = |object: Option<&Object>, key: &str| alias(object?.get(key)?.as_object(), "binding");
    servers.used.extend(alias(integration, "server"));
    let binding = alias(integration, "binding");
    match integration.and_then(|integration| integration.get("type")).and_then(Value::as_str) {
        Some("service") => services.used.extend(binding),
        _ => bindings.used.extend(binding),
    }
    bindings.used.extend(rpc(Some(path), "pre_process"));
    bindings.used.extend(rpc(integration, "post_process"));
}

/// Returns the name under which a section is told, where it stands under one of two.
pub(super) fn is_told(name: &str, before: &Meaning, after: &Meaning) -> bool {
    match name {
        "authorizer" | "authorizers" => before.authorizers != after.authorizers || before.login != after.login,
        "serviceBindings" | "servicesBindings" => before.bindings.by_alias != after.bindings.by_alias,
        "servers" | "services" | "paths" => true,
        _ => !name.starts_with("x-"),
    }
}

/// Returns where an authorizer stands.
pub(super) fn authorizer_place(name: &str) -> String {
    if name == ONLY_AUTHORIZER { "authorizer".to_owned() } else { format!("authorizers.{name}") }
}

/// Returns the authorizers by name, in the order of the file.
fn authorizers<'n>(root: &'n Node<'_>) -> Vec<(String, &'n Node<'n>)> {
    let sole = root.get("authorizer").map(|node| (ONLY_AUTHORIZER.to_owned(), node));
    let named = root.get("authorizers").map(Node::members).unwrap_or_default();
    sole.into_iter().chain(named.iter().map(|member| (member.key.to_string(), &member.node))).collect()
}

/// Checks whether people can log in at an authorizer.
fn logs_in(authorizer: &Node<'_>) -> bool {
    matches!(authorizer.text("type"), Some("auth0" | "oidc"))
}
