//! Warns of what is valid in a config and seldom meant: each kind has a code, which `"allow": ["code"]` silences.
//!
//! `allow` is at the top for the whole file, or in the entry of `paths`, `servers`, `authorizer` or `authorizers` that it is
//! about. Warnings about routes together are in [`super::route_warnings`], those about logins in
//! [`super::login_warnings`], those about callers that are no browsers in [`super::caller_warnings`], what concerns texts in [`super::text_warnings`].

use crate::config::Code;
use std::collections::HashSet;

use super::caller_warnings::warn_of_callers;
use super::codes::Warnings;
use super::consequences::Mistakes;
use super::login_warnings::warn_of_logins;
use super::open_domains::open_domain;
use super::route_warnings::warn_of_routes;
use super::text_warnings::warn_of_texts;
use crate::address::Address;
use crate::config::authorizer::keys::{self, jwt, supabase};
use crate::config::document::{Node, Origin};
use crate::config::path::keys as path_keys;
use crate::config::reader::Written;
use crate::config::{
    ConfigTree, Cors, Diagnostic, IntegrationKind, ListedOrigin, NamedAuthorizers, SECRET_MIN_BYTES, Settings,
    Severity, WrittenAuthorizer, WrittenIntegration, WrittenPath, WrittenProvider, cors, root,
};

/// Returns the warnings of a config, and codes in `allow` that no warning has.
pub(super) fn warnings(source: &str, tree: &ConfigTree<'_>, mistakes: &Mistakes) -> Vec<Diagnostic> {
    let mut warnings = Warnings::of(source, tree);
    warn_of_cors(&mut warnings);
    warn_of_authorizers(&mut warnings);
    warn_of_servers(&mut warnings);
    warn_of_mcp(&mut warnings);
    warn_of_services(&mut warnings);
    warn_of_variables(&mut warnings);
    warn_of_texts(&mut warnings);
    warn_of_logins(&mut warnings);
    warn_of_callers(&mut warnings);
    warn_of_routes(mistakes, &mut warnings);
    let mut diagnostics = warnings.into_diagnostics();
    diagnostics.retain(|one| one.code.severity() == Severity::Error || mistakes.leave_sound(one));
    diagnostics
}

fn warn_of_cors(warnings: &mut Warnings<'_>) {
    let tree = warnings.tree;
    if let Some((cors, node)) = tree.cors.as_ref().zip(tree.node.at(&root::CORS)) {
        warn_of_origins(cors, node, &[], "every path", warnings);
    }
    for path in &tree.paths {
        if let Some((cors, node)) = path.cors.as_ref().zip(path.node.at(&path_keys::CORS)) {
            warn_of_origins(cors, node, &path.allow, "this path", warnings);
        }
    }
}

fn warn_of_origins(cors: &Cors, node: &Node<'_>, allow: &[Written<'_>], paths: &str, warnings: &mut Warnings<'_>) {
    let tree = warnings.tree;
    let origins = node.at(&cors::ALLOW_ORIGINS).map(Node::items).unwrap_or_default();
    if let Some(any) = origins.iter().find(|origin| origin.as_text() == Some("*")) {
        let message = format!("\"*\" lets every site read the answers of {paths}");
        warnings.warn(Code::CorsAnyOrigin, allow, any.offset, message, "list the origins of your pages");
    }
    for origin in origins {
        let Some(starred) = origin.as_text().and_then(ListedOrigin::parse_starred) else { continue };
        let message = match open_domain(&starred) {
            Some(domain) => format!("anybody can get a name below {domain}, and read the answers from a page there"),
            None if cors.credentials => {
                "every page that this star matches can read answers to its user's cookies".to_owned()
            }
            None if tree.session.is_some() => {
                "pages that this star matches cannot change anything with a session: the CSRF rule ignores stars"
                    .to_owned()
            }
            None => continue,
        };
        warnings.warn(Code::CorsStar, allow, origin.offset, message, "write out the origins of your pages");
    }
}

/// Warns of MCP servers that get the access tokens of their clients, by `forward_token` or by a mapping.
fn warn_of_mcp(warnings: &mut Warnings<'_>) {
    for path in &warnings.tree.paths {
        let Some(mcp) = &path.mcp else { continue };
        let is_token = |node: &Node<'_>| {
            node.as_text().is_some_and(|source| source.eq_ignore_ascii_case("$request.header.authorization"))
        };
        let mapped = path.mapping.values.iter().map(|value| value.node).find(|node| is_token(node));
        let forwarded = mcp.forward_offset.filter(|_| mcp.forward_token);
        if let Some(offset) = forwarded.or(mapped.map(|node| node.offset)) {
            let message = "the MCP server gets its clients' access tokens, and can use them wherever they are accepted"
                .to_owned();
            let help = "let it trust the gateway, or give its server an \"authorization\" of grant token_exchange";
            warnings.warn(Code::McpTokenPassthrough, &path.allow, offset, message, help);
        }
    }
}

fn warn_of_authorizers(warnings: &mut Warnings<'_>) {
    let tree = warnings.tree;
    let kinds = || tree.paths.iter().filter_map(WrittenPath::kind);
    let used_by_login =
        kinds().any(IntegrationKind::needs_provider) || tree.session.is_some() || tree.authorization_server.is_some();
    let login = tree.authorizers.iter().position(|authorizer| authorizer.provider.is_some());
    let accesses = || tree.paths.iter().filter_map(|path| path.access.as_ref());
    let named = NamesInUse::of(accesses().flat_map(|access| access.authorizers.names().iter().copied()));
    let first_used = accesses().any(|access| matches!(access.authorizers, NamedAuthorizers::First));
    for (index, authorizer) in tree.authorizers.iter().enumerate() {
        warn_of_symmetry(authorizer, warnings);
        let of_login = login == Some(index) && used_by_login;
        let is_used = of_login || index == 0 && first_used || named.holds(authorizer.name);
        if !is_used {
            let message = format!("no path requires tokens of \"{}\"", authorizer.name);
            let help = "give a path \"auth\", or remove the authorizer";
            warnings.warn(Code::UnusedAuthorizer, &authorizer.allow, *authorizer.name_offset, message, help);
        }
        if let Some(provider) = authorizer.provider.as_ref().filter(|_| of_login) {
            warn_of_scope(authorizer, provider, warnings);
            warn_of_weak_seal(authorizer, provider, warnings);
        }
    }
}

fn warn_of_symmetry(authorizer: &WrittenAuthorizer<'_>, warnings: &mut Warnings<'_>) {
    let is_hmac = |node: &&Node<'_>| node.as_text() == Some("HS256");
    let node = &*authorizer.node;
    let secret = [jwt::SECRET, supabase::SECRET].iter().find_map(|key| node.at(key));
    let listed = || node.at(&keys::ALGORITHMS).map(Node::items).unwrap_or_default().iter().find(is_hmac);
    let at = secret.or_else(|| node.at(&jwt::ALGORITHM).filter(is_hmac)).or_else(listed);
    let Some(at) = at else { return };
    let message = "HS256: everyone who can check these tokens can also make them".to_owned();
    let help = "let the issuer sign with RS256 or ES256, and give its \"jwks_uri\"";
    warnings.warn(Code::SymmetricAlgorithm, &authorizer.allow, at.offset, message, help);
}

/// Warns of a short secret that seals login states: anyone with a login state can try secrets until one opens it.
fn warn_of_weak_seal(authorizer: &WrittenAuthorizer<'_>, provider: &WrittenProvider<'_>, warnings: &mut Warnings<'_>) {
    let seals = warnings.tree.authorization_server.is_some()
        || warnings.tree.paths.iter().any(|path| path.kind() == Some(IntegrationKind::Login));
    let Some(secret) = provider.client.secret.filter(|_| seals && provider.sealing_key.is_none()) else { return };
    let bytes = secret.value().map_or(0, str::len);
    if (1..SECRET_MIN_BYTES).contains(&bytes) {
        let message = format!("this secret of {bytes} bytes seals login states, and can be guessed");
        let help = "add a \"sealing_key\", made with `openssl rand -base64 48`";
        warnings.warn(Code::ShortClientSecret, &authorizer.allow, secret.offset, message, help);
    }
}

fn warn_of_scope(authorizer: &WrittenAuthorizer<'_>, provider: &WrittenProvider<'_>, warnings: &mut Warnings<'_>) {
    let tree = warnings.tree;
    let has = |kind| tree.paths.iter().any(|path| path.kind() == Some(kind));
    let renews = tree.session.is_some() || has(IntegrationKind::Refresh);
    // The value of a binding may be it.
    let is_asked =
        |scope: Written<'_>| scope.in_file().is_none_or(|text| text.split(' ').any(|scope| scope == "offline_access"));
    // Google has a parameter of its own for it, and refuses the scope.
    let is_googles = |(name, value): &(&str, Written<'_>)| *name == "access_type" && value.value() == Some("offline");
    let asks = provider.scope.is_some_and(is_asked) || provider.login_parameters.iter().any(is_googles);
    if renews && has(IntegrationKind::Login) && !asks {
        let offset = provider.scope.map_or(authorizer.node.offset, |scope| scope.offset);
        let message = "logins request no refresh token, so nothing can be renewed".to_owned();
        let help = "add \"offline_access\" to \"scope\", as in \"openid profile email offline_access\"";
        warnings.warn(Code::OfflineAccessMissing, &authorizer.allow, offset, message, help);
    }
}

/// The names by which paths refer to entries of other sections.
struct NamesInUse<'n> {
    names: HashSet<&'n str>,
    /// Whether one comes from a binding, and so may be any.
    any: bool,
}

impl<'n> NamesInUse<'n> {
    fn of(written: impl Iterator<Item = Written<'n>>) -> Self {
        let (mut names, mut any) = (HashSet::new(), false);
        for written in written {
            any |= written.text.origin != Origin::File;
            names.extend(written.in_file());
        }
        Self { names, any }
    }

    fn holds(&self, name: &str) -> bool {
        self.any || self.names.contains(name)
    }

    /// Checks whether something of this alias is called, or may be.
    fn hold_alias(&self, alias: Written<'_>) -> bool {
        alias.in_file().is_none_or(|alias| self.holds(alias))
    }
}

fn warn_of_servers(warnings: &mut Warnings<'_>) {
    let tree = warnings.tree;
    let in_use = NamesInUse::of(integrations(tree).filter_map(|integration| match &integration.settings {
        Settings::HttpProxy { server, .. } => *server,
        _ => None,
    }));
    for server in &tree.servers {
        for url in server.urls.iter() {
            let plain = url.in_file().and_then(Address::parse);
            if plain.is_some_and(|url| url.scheme() == "http" && !url.is_loopback()) {
                let message = "plain http: the network can read and change tokens and answers".to_owned();
                warnings.warn(Code::PlainHttpUpstream, &server.allow, url.offset, message, "use https");
            }
        }
        if let Some(alias) = server.alias.filter(|alias| !in_use.hold_alias(*alias)) {
            let message = "no path goes to this server".to_owned();
            let help = "give a path to it, or remove it";
            warnings.warn(Code::UnusedServer, &server.allow, alias.offset, message, help);
        }
    }
}

fn warn_of_services(warnings: &mut Warnings<'_>) {
    let tree = warnings.tree;
    let modules = NamesInUse::of(integrations(tree).filter_map(|integration| match &integration.settings {
        Settings::Service(binding) => *binding,
        _ => None,
    }));
    let workers = NamesInUse::of(tree.paths.iter().flat_map(WrittenPath::calls).filter_map(|call| call.binding));
    for (services, in_use) in [(&tree.modules, &modules), (&tree.workers, &workers)] {
        for service in services.iter().filter(|service| !in_use.hold_alias(service.alias)) {
            let message = "no path goes to this service".to_owned();
            let help = "give a path to it, or remove it";
            warnings.warn(Code::UnusedServer, &[], service.alias.offset, message, help);
        }
    }
}

fn warn_of_variables(warnings: &mut Warnings<'_>) {
    let tree = warnings.tree;
    let message = |name: &str| format!("no mapping uses \"$config.{name}\"");
    let help = "use it, or remove it";
    let mut taken_of_root: HashSet<&str> = HashSet::new();
    for path in &tree.paths {
        let mut taken: HashSet<&str> = path.mapping.variables().collect();
        for variable in path.variables.iter().filter(|variable| !taken.remove(variable.name)) {
            let offset = variable.member.key_offset;
            warnings.warn(Code::UnusedVariable, &path.allow, offset, message(variable.name), help);
        }
        taken_of_root.extend(taken);
    }
    for variable in tree.variables.iter().filter(|variable| !taken_of_root.contains(variable.name)) {
        warnings.warn(Code::UnusedVariable, &[], variable.member.key_offset, message(variable.name), help);
    }
}

/// Yields the integrations of paths.
fn integrations<'t>(tree: &'t ConfigTree<'t>) -> impl Iterator<Item = &'t WrittenIntegration<'t>> {
    tree.paths.iter().filter_map(WrittenPath::integration)
}
