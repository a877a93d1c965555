//! The routes of a config as it is written: what answers each, and what it asks for.

use std::collections::{BTreeMap, HashMap};

use crate::address::Address;
use crate::config::document::{Node, Value};
use crate::config::{ONLY_AUTHORIZER, parse, routes_as_compiled};
use crate::route::{Guard, Method, MethodRule, Pattern, RouteSpec, in_order_of_precedence};

/// The routes of a config.
#[derive(Debug, Clone, Default)]
pub struct Outline {
    /// In the order of the file; one that cannot be read is left out.
    pub routes: Vec<OutlinedRoute>,
    /// How many paths are left out, because they come from a binding or are wrong.
    pub unread: usize,
}

/// A route as it is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutlinedRoute {
    /// Method and pattern.
    pub spec: RouteSpec,
    /// Index in `paths`; `None` for a route that comes from another section.
    pub index: Option<usize>,
    /// What it asks for; `None` where it is open.
    pub requirement: Option<Requirement>,
    /// Type of the integration; `response` for an answer that stands at the path itself.
    pub integration: String,
    /// Where it leads, such as an upstream's address.
    pub target: String,
    /// The upstream that it forwards to; `None` for any other integration, and where one that counts comes from a binding.
    pub upstream: Option<Upstream>,
    /// What else it asks of requests, such as `rate_limit`.
    pub rules: Vec<String>,
    /// The keys of its entry, each with its JSON, but for method, path and notes; none of a route from another section.
    pub settings: BTreeMap<String, serde_json::Value>,
}

impl OutlinedRoute {
    /// Tells whether it leads where another leads.
    pub(super) fn leads_where(&self, other: &Self) -> bool {
        let kind = |route: &Self| route.integration.trim_end_matches("_proxy").to_owned();
        kind(self) == kind(other) && self.target == other.target
    }
}

/// An upstream as it is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Upstream {
    /// Its addresses with their base paths, without a slash at the end; one that comes from a binding is the reference.
    pub addresses: Vec<String>,
    /// What is taken off the beginning of the path.
    pub prefix: String,
}

/// What a route asks for.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Requirement {
    /// Name of the authorizer.
    pub authorizer: String,
    /// Scopes, each of which is needed.
    pub scopes: Vec<String>,
    /// Scopes, one of which is needed; none where the list is empty.
    pub any_scopes: Vec<String>,
    /// Permissions, each of which is needed.
    pub permissions: Vec<String>,
    /// Claims, with the JSON that each must hold.
    pub claims: Vec<(String, String)>,
    /// Whether a request without a credential passes as well.
    pub optional: bool,
}

impl Outline {
    /// Reads the routes of a config; none of a text that is no JSON.
    pub fn of(source: &str) -> Self {
        let Some((_, root)) = parse(source) else { return Self::default() };
        let mut outline = Self::of_tree(&root);
        let items = root.get("paths").map(Node::items).unwrap_or_default();
        for route in &mut outline.routes {
            route.settings = route.index.and_then(|index| items.get(index)).map(settings).unwrap_or_default();
        }
        outline
    }

    /// Reads the routes of a config's tree, without their settings.
    pub(super) fn of_tree(root: &Node<'_>) -> Self {
        let items = root.get("paths").map(Node::items).unwrap_or_default();
        let sections = Sections::of(root);
        let compiled = routes_as_compiled(root).into_iter();
        let mut routes: Vec<OutlinedRoute> = compiled
            .filter_map(|(index, spec)| Some(outline_path(&sections, items.get(index)?, index, spec)))
            .collect();
        let unread = items.len() - routes.len();
        routes.extend(protected_resource(root));
        Self { routes, unread }
    }

    /// Gives the routes in the order of precedence, so that of those that match a request the first takes it.
    pub fn by_precedence(&self) -> Vec<&OutlinedRoute> {
        let specs = self.routes.iter().map(|route| (&route.spec.pattern, route.spec.method));
        in_order_of_precedence(specs).into_iter().filter_map(|index| self.routes.get(index)).collect()
    }
}

/// Gives the names of the authorizers, in the order of the file.
pub(super) fn authorizers<'n>(root: &'n Node<'_>) -> Vec<(String, &'n Node<'n>)> {
    let sole = root.get("authorizer").map(|node| (ONLY_AUTHORIZER.to_owned(), node));
    let named = root.get("authorizers").map(Node::members).unwrap_or_default();
    sole.into_iter().chain(named.iter().map(|member| (member.key.to_string(), &member.node))).collect()
}

/// What paths name of other sections.
struct Sections<'n> {
    servers: HashMap<&'n str, &'n Node<'n>>,
    first_authorizer: String,
    login_provider: String,
}

impl<'n> Sections<'n> {
    fn of(root: &'n Node<'_>) -> Self {
        let servers = root.get("servers").map(Node::items).unwrap_or_default();
        let first = authorizers(root).into_iter().next().map(|(name, _)| name);
        Self {
            servers: servers.iter().filter_map(|server| Some((server.text("alias")?, server))).collect(),
            first_authorizer: first.unwrap_or_else(|| ONLY_AUTHORIZER.to_owned()),
            login_provider: login_provider(root).unwrap_or_default(),
        }
    }

    /// Gives the addresses of a server, as they are written.
    fn urls(&self, alias: &str) -> Vec<&'n str> {
        let of_server = |server: &&'n Node<'n>| server.text("url").into_iter().chain(server.texts("urls")).collect();
        self.servers.get(alias).map_or_else(Vec::new, of_server)
    }
}

/// Gives where an integration forwards requests of a pattern to.
fn upstream(sections: &Sections<'_>, integration: &Node<'_>, pattern: &Pattern) -> Option<Upstream> {
    if !matches!(integration.text("type"), Some("http" | "http_proxy")) {
        return None;
    }
    let prefix = match integration.get("strip_prefix") {
        Some(written) => pattern.prefix(written.as_text()?)?,
        None => pattern.literal_prefix().unwrap_or_default().to_owned(),
    };
    let urls = sections.urls(integration.text("server")?).into_iter();
    let addresses = urls.map(|url| match Address::parse(url) {
        Some(address) => format!("{}{}", address.origin(), address.path().trim_end_matches('/')),
        None => url.to_owned(),
    });
    Some(Upstream { addresses: addresses.collect(), prefix })
}

fn outline_path(sections: &Sections<'_>, path: &Node<'_>, index: usize, spec: RouteSpec) -> OutlinedRoute {
    let (integration, target) = match (path.get("integration"), path.get("response")) {
        (Some(node), _) => (node.text("type").unwrap_or("?").to_owned(), target_of(sections, node)),
        (None, Some(_)) => ("response".to_owned(), "200".to_owned()),
        (None, None) => ("?".to_owned(), String::new()),
    };
    let rules = ["rate_limit", "max_body_bytes", "content_types", "cache", "ip", "pre_process"];
    let rules = rules.into_iter().filter(|key| path.get(key).is_some()).map(str::to_owned).collect();
    let upstream = path.get("integration").and_then(|node| upstream(sections, node, &spec.pattern));
    OutlinedRoute {
        spec,
        upstream,
        index: Some(index),
        requirement: requirement(sections, path),
        integration,
        target,
        rules,
        settings: BTreeMap::new(),
    }
}

fn settings(path: &Node<'_>) -> BTreeMap<String, serde_json::Value> {
    let members = path.members().iter();
    let kept = members.filter(|member| !member.key.starts_with("x-") && !["method", "path"].contains(&&*member.key));
    kept.map(|member| (member.key.to_string(), member.node.to_json())).collect()
}

fn requirement(sections: &Sections<'_>, path: &Node<'_>) -> Option<Requirement> {
    let auth = path.get("auth")?;
    let first = || sections.first_authorizer.clone();
    let texts = |key: &str| auth.texts(key).map(str::to_owned).collect();
    match &auth.value {
        Value::Bool(false) => None,
        Value::Object(_) => Some(Requirement {
            authorizer: auth.text("authorizer").map_or_else(first, str::to_owned),
            scopes: texts("scopes"),
            any_scopes: texts("any_scopes"),
            permissions: texts("permissions"),
            claims: auth
                .get("claims")
                .map(Node::members)
                .unwrap_or_default()
                .iter()
                .map(|member| (member.key.to_string(), member.node.to_json().to_string()))
                .collect(),
            optional: auth.is_true("optional"),
        }),
        Value::Text(_) => {
            Some(Requirement { authorizer: auth.as_text().unwrap_or_default().to_owned(), ..Requirement::default() })
        }
        Value::Null | Value::Bool(true) | Value::Number(_) | Value::Array(_) => {
            Some(Requirement { authorizer: first(), ..Requirement::default() })
        }
    }
}

fn target_of(sections: &Sections<'_>, integration: &Node<'_>) -> String {
    let kind = integration.text("type").unwrap_or_default();
    match kind {
        "http" | "http_proxy" => {
            let alias = integration.text("server").unwrap_or("?");
            let urls = sections.urls(alias);
            if urls.is_empty() { alias.to_owned() } else { format!("{alias} ({})", urls.join(", ")) }
        }
        "service_binding" | "service" => {
            let alias = integration.text("binding").unwrap_or("?");
            integration.text("function").map_or_else(|| alias.to_owned(), |function| format!("{alias}.{function}()"))
        }
        "static" => integration.get("status").map_or_else(|| "200".to_owned(), |status| status.to_json().to_string()),
        "redirect" => integration.text("location").unwrap_or("?").to_owned(),
        _ if kind.starts_with("supabase_") => integration.text("url").unwrap_or_default().to_owned(),
        _ if kind.starts_with("auth0_") || kind.starts_with("oidc_") => sections.login_provider.clone(),
        _ => String::new(),
    }
}

/// Gives the domain or issuer of the provider that people log in at.
fn login_provider(root: &Node<'_>) -> Option<String> {
    let (_, node) = authorizers(root).into_iter().find(|(_, node)| logs_in(node))?;
    node.text("domain").or_else(|| node.text("issuer")).map(str::to_owned)
}

/// Tells whether people can log in at an authorizer.
pub(super) fn logs_in(authorizer: &Node<'_>) -> bool {
    matches!(authorizer.text("type"), Some("auth0" | "oidc"))
}

/// Gives the route of the metadata of the protected resource, where the config asks for it.
fn protected_resource(root: &Node<'_>) -> Option<OutlinedRoute> {
    let path = crate::config::protected_resource_path(root)?;
    let pattern = Pattern::parse(&path).ok()?;
    let method = MethodRule::Exact(Method::Get);
    let spec = RouteSpec { method, pattern, encoded_slashes: false, guard: Guard::default() };
    Some(OutlinedRoute {
        spec,
        index: None,
        requirement: None,
        integration: "protected_resource".to_owned(),
        target: "200".to_owned(),
        upstream: None,
        rules: Vec::new(),
        settings: BTreeMap::new(),
    })
}
