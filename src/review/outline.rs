//! The routes of a config as written: the integration of each, and what it requires.

use std::collections::BTreeMap;
use std::rc::Rc;

use crate::address::Address;
use crate::config::claims::CLAIMS;
use crate::config::document::Node;
use crate::config::integration::keys::{http_proxy, redirect, supabase};
use crate::config::key::{Key, Text, Texts};
use crate::config::path::keys;
use crate::config::reader::Written;
use crate::config::{
    ConfigTree, Dpop, NamedAuthorizers, ONLY_AUTHORIZER, RequiredAuthentication, Settings, WrittenAccess,
    WrittenAnswer, WrittenAuthorizer, WrittenConfig, WrittenIntegration, WrittenPath, WrittenServer, access,
    routes_as_compiled,
};
use crate::route::{Guard, Method, MethodRule, Pattern, RouteSpec, in_order_of_precedence};

/// The rules of a path, as they are listed.
const RULES: [&str; 6] = [
    keys::RATE_LIMIT.name,
    keys::MAX_BODY_BYTES.name,
    keys::CONTENT_TYPES.name,
    keys::CACHE.name,
    keys::IP.name,
    keys::PRE_PROCESS.name,
];

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
    /// Byte offset of its entry, or of the section that it comes from.
    pub offset: usize,
    /// What it requires; `None` if it is open.
    pub requirement: Option<Requirement>,
    /// Whether a session is enough in place of a token.
    pub takes_session: bool,
    /// Type of the integration; `response` for a fixed answer of the path.
    pub integration: String,
    /// Where it leads, such as an upstream's address.
    pub target: String,
    /// The upstream that it forwards to; `None` for any other integration, and if one that counts comes from a binding.
    pub upstream: Option<Upstream>,
    /// What else it asks of requests, such as `rate_limit`.
    pub rules: Vec<String>,
    /// The keys of its entry, each with its JSON, but for method, path and notes; none of a route from another section.
    pub settings: BTreeMap<String, serde_json::Value>,
}

impl OutlinedRoute {
    /// Checks whether it leads to the same place as another.
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

/// What a route requires.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Requirement {
    /// Names of the authorizers, of which one is enough.
    pub authorizers: Vec<String>,
    /// Scopes, all of which are required.
    pub scopes: Vec<String>,
    /// Scopes, one of which is required, unless the list is empty.
    pub any_scopes: Vec<String>,
    /// Permissions, each of which is needed.
    pub permissions: Vec<String>,
    /// Claims, with the JSON that each must have.
    pub claims: serde_json::Map<String, serde_json::Value>,
    /// Values of `acr`, one of which the user's authentication must have, unless the list is empty.
    pub acr_values: Vec<String>,
    /// How long ago that may have been, in seconds.
    pub max_age_seconds: Option<u32>,
    /// How tokens are taken that are bound to a key.
    pub dpop: Option<Rc<Dpop>>,
    /// Whether a request without a credential passes as well.
    pub optional: bool,
}

impl Requirement {
    /// Returns the names of the authorizers as a text.
    pub fn authorizer(&self) -> String {
        self.authorizers.join(" or ")
    }
}

impl Outline {
    /// Reads the routes of a config; none if the text is not JSON.
    pub fn of(source: &str) -> Self {
        let config = WrittenConfig::parse(source).ok();
        let tree = config.as_ref().and_then(WrittenConfig::tree);
        tree.as_ref().map(Self::of_tree).unwrap_or_default()
    }

    /// Returns the routes of a config.
    pub(super) fn of_tree(tree: &ConfigTree<'_>) -> Self {
        let (compiled, servers) = (routes_as_compiled(tree).into_iter(), servers_by_alias(tree));
        let mut routes: Vec<OutlinedRoute> = compiled
            .filter_map(|(index, spec)| Some(outline_path(tree, &servers, tree.paths.get(index)?, spec)))
            .collect();
        let unread = tree.paths.len() - routes.len();
        routes.extend(tree.protected_resources().map(|(_, section)| {
            let (method, host, pattern) =
                (MethodRule::Exact(Method::Get), section.host.clone(), section.pattern.clone());
            let spec = RouteSpec { method, host, pattern, encoded_slashes: false, guard: Guard::default() };
            of_section(spec, section.offset, "protected_resource")
        }));
        let server = tree.authorization_server.as_ref();
        routes.extend(server.into_iter().flat_map(|server| {
            server.routes().into_iter().map(|(_, spec)| of_section(spec, server.node.offset, "authorization_server"))
        }));
        Self { routes, unread }
    }

    /// Returns the routes in the order of precedence, so that of those that match a request the first takes it.
    pub fn by_precedence(&self) -> Vec<&OutlinedRoute> {
        let specs = self.routes.iter().map(|route| (&route.spec.host, &route.spec.pattern, route.spec.method));
        in_order_of_precedence(specs).into_iter().filter_map(|index| self.routes.get(index)).collect()
    }
}

/// The servers by their aliases, as both are written.
pub(super) type Servers<'t, 'n> = BTreeMap<&'t str, &'t WrittenServer<'n>>;

/// Returns the servers of a config by their aliases; of several with one alias, the first.
pub(super) fn servers_by_alias<'t, 'n>(tree: &'t ConfigTree<'n>) -> Servers<'t, 'n> {
    let mut servers = Servers::new();
    for server in &tree.servers {
        if let Some(alias) = server.alias.and_then(|alias| alias.text.as_written()) {
            servers.entry(alias).or_insert(server);
        }
    }
    servers
}

fn outline_path(
    tree: &ConfigTree<'_>,
    servers: &Servers<'_, '_>,
    path: &WrittenPath<'_>,
    spec: RouteSpec,
) -> OutlinedRoute {
    let (integration, target) = match &path.answer {
        Some(WrittenAnswer::Integration(integration)) => {
            (written(Some(integration.name)).to_owned(), target_of(tree, servers, integration))
        }
        Some(WrittenAnswer::Response(fixed)) => ("response".to_owned(), fixed.status.to_string()),
        None => ("?".to_owned(), String::new()),
    };
    let requirement = path.access.as_ref().map(|access| requirement(tree, access));
    let has = |key| path.node.get(key).is_some();
    let rules = RULES.into_iter().filter(|key| has(key)).map(str::to_owned).collect();
    OutlinedRoute {
        spec,
        upstream: path.integration().and_then(|integration| upstream(servers, path, integration)),
        index: Some(path.index),
        offset: path.offset,
        takes_session: requirement.as_ref().is_some_and(|requirement| takes_session(tree, &requirement.authorizers)),
        requirement,
        integration,
        target,
        rules,
        settings: settings(path.node),
    }
}

/// Returns where an integration forwards requests to.
fn upstream(
    servers: &Servers<'_, '_>,
    path: &WrittenPath<'_>,
    integration: &WrittenIntegration<'_>,
) -> Option<Upstream> {
    let Settings::HttpProxy { server, prefix, .. } = &integration.settings else { return None };
    // What a binding says is taken off is not known here.
    integration.node.at(&http_proxy::STRIP_PREFIX).map_or(Some(""), |node| node.written()?.in_file())?;
    let addresses = urls(servers, (*server)?).into_iter().map(|url| match Address::parse(url) {
        Some(address) => format!("{}{}", address.origin(), address.path().trim_end_matches('/')),
        None => url.to_owned(),
    });
    let by_default = path.pattern.as_ref().and_then(Pattern::literal_prefix);
    let prefix = prefix.as_deref().or(by_default).unwrap_or_default().to_owned();
    Some(Upstream { addresses: addresses.collect(), prefix })
}

/// Returns the addresses of a server, as they are written.
fn urls<'t>(servers: &Servers<'t, '_>, alias: Written<'_>) -> Vec<&'t str> {
    let server = servers.get(written(Some(alias)));
    server.into_iter().flat_map(|server| server.urls.iter()).filter_map(|url| url.text.as_written()).collect()
}

fn written<'n>(written: Option<Written<'n>>) -> &'n str {
    written.and_then(|written| written.text.as_written()).unwrap_or("?")
}

fn settings(path: &Node<'_>) -> BTreeMap<String, serde_json::Value> {
    let members = path.members().iter();
    let kept = members.filter(|member| {
        !member.key.starts_with("x-") && ![keys::METHOD.name, keys::HOST.name, keys::PATH.name].contains(&&*member.key)
    });
    kept.map(|member| (member.key.to_string(), member.node.as_written())).collect()
}

fn requirement(tree: &ConfigTree<'_>, access: &WrittenAccess<'_>) -> Requirement {
    let first = || tree.authorizers.first().map_or(ONLY_AUTHORIZER, |authorizer| authorizer.name);
    let authorizers: Vec<String> = match &access.authorizers {
        NamedAuthorizers::Named { names, .. } => names.iter().map(|name| written(Some(*name)).to_owned()).collect(),
        NamedAuthorizers::First | NamedAuthorizers::Unreadable => vec![first().to_owned()],
    };
    let of_authorizer = || {
        let named = |name: &String| tree.authorizers.iter().find(|one| one.name == name)?.dpop.clone();
        let found: Vec<_> = authorizers.iter().filter_map(named).collect();
        Dpop::of_all(found.iter())
    };
    let dpop = access.dpop.clone().or_else(of_authorizer);
    let texts = |key: &Key<Texts>| {
        let items = access.node.at(key).map(Node::items).unwrap_or_default().iter();
        items.filter_map(Node::as_text).map(str::to_owned).collect()
    };
    let claims = access.node.at(&CLAIMS).map(Node::members).unwrap_or_default().iter();
    Requirement {
        authorizers,
        scopes: texts(&access::SCOPES),
        any_scopes: texts(&access::ANY_SCOPES),
        permissions: texts(&access::PERMISSIONS),
        claims: claims.map(|member| (member.key.to_string(), member.node.as_written())).collect(),
        acr_values: texts(&access::ACR_VALUES),
        max_age_seconds: access.requirements.authentication.as_ref().and_then(RequiredAuthentication::max_age_secs),
        dpop,
        optional: access.requirements.optional,
    }
}

fn target_of(tree: &ConfigTree<'_>, servers: &Servers<'_, '_>, integration: &WrittenIntegration<'_>) -> String {
    match &integration.settings {
        Settings::HttpProxy { server, .. } => {
            let (alias, urls) = (written(*server), server.map(|alias| urls(servers, alias)).unwrap_or_default());
            if urls.is_empty() { alias.to_owned() } else { format!("{alias} ({})", urls.join(", ")) }
        }
        Settings::Service(alias) => written(*alias).to_owned(),
        Settings::ServiceBinding(call) => match call.function {
            Some(function) => format!("{}.{}()", written(call.binding), written(Some(function))),
            None => written(call.binding).to_owned(),
        },
        Settings::Fixed(fixed) => fixed.status.to_string(),
        Settings::Redirect(_) => text_at(integration, &redirect::LOCATION).unwrap_or("?").to_owned(),
        Settings::Supabase(_) => text_at(integration, &supabase::URL).unwrap_or_default().to_owned(),
        Settings::Login { .. }
        | Settings::Callback { .. }
        | Settings::Userinfo(_)
        | Settings::Refresh { .. }
        | Settings::Health(_)
        | Settings::None => {
            let provider = login_provider(tree).filter(|_| integration.kind.needs_provider());
            provider.unwrap_or_default().to_owned()
        }
    }
}

fn text_at<'t>(integration: &'t WrittenIntegration<'_>, key: &Key<Text>) -> Option<&'t str> {
    integration.node.at(key)?.as_text()
}

/// Checks whether sessions have tokens of one of some authorizers: they have those of the one that people log in at.
fn takes_session(tree: &ConfigTree<'_>, authorizers: &[String]) -> bool {
    tree.session.is_some()
        && login_authorizer(tree).is_some_and(|login| authorizers.iter().any(|name| name == login.name))
}

/// Returns the authorizer of the provider that people log in at.
pub(super) fn login_authorizer<'t, 'n>(tree: &'t ConfigTree<'n>) -> Option<&'t WrittenAuthorizer<'n>> {
    tree.authorizers.iter().find(|authorizer| authorizer.provider.is_some())
}

/// Returns the domain or issuer of the provider that people log in at.
fn login_provider<'t>(tree: &'t ConfigTree<'_>) -> Option<&'t str> {
    let authorizer = login_authorizer(tree)?;
    authorizer.texts.domain.or(authorizer.texts.issuer)?.text.as_written()
}

/// Returns a route that comes from another section than `paths`.
fn of_section(spec: RouteSpec, offset: usize, name: &str) -> OutlinedRoute {
    OutlinedRoute {
        spec,
        index: None,
        offset,
        requirement: None,
        takes_session: false,
        integration: name.to_owned(),
        target: if name == "protected_resource" { "200".to_owned() } else { String::new() },
        upstream: None,
        rules: Vec::new(),
        settings: BTreeMap::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_is_enough_where_a_token_of_its_authorizer_is() {
        let authorizers = r#""authorizers": {
            "partners": { "type": "jwt" },
            "users": { "type": "auth0", "domain": "a.example", "client_id": "a", "client_secret": "$secret.S" }
        }"#;
        let table = [
            (r#""session": {},"#, r#""users""#, true, "people log in there"),
            (r#""session": {},"#, r#"{ "authorizer": "users", "optional": true }"#, true, "nor is a token needed"),
            (r#""session": {},"#, r#""partners""#, false, "another authorizer"),
            (r#""session": {},"#, "true", false, "the first, which is another"),
            (r#""session": {},"#, "false", false, "an open path"),
            ("", r#""users""#, false, "no sessions"),
        ];
        for (session, auth, expected, message) in table {
            let path = format!(r#"{{ "method": "GET", "path": "/a", "auth": {auth}, "response": 1 }}"#);
            let outline = Outline::of(&format!(r#"{{ {session} {authorizers}, "paths": [{path}] }}"#));
            let takes: Vec<_> = outline.routes.iter().map(|route| route.takes_session).collect();
            assert_eq!(takes, [expected], "{message}");
        }
    }
}
