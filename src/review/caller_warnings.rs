//! Warnings of callers that are no browsers: jobs and partners with API keys, clients with bound tokens, and clients that the gateway
//! registers.

use std::collections::HashSet;

use super::codes::Warnings;
use super::outline::login_authorizer;
use crate::config::document::Node;
use crate::config::dpop::DPOP;
use crate::config::path::keys;
use crate::config::protected_resource::WrittenResource;
use crate::config::reader::Written;
use crate::config::rules::rate_limit;
use crate::config::{
    AuthorizerKind, ClaimsFrom, Code, ConfigTree, IntegrationKind, KeySource, NamedAuthorizers, RateKey,
    ResourceOwners, Rules, Settings, UpstreamGrant, WrittenAccess, WrittenAuthorizer, WrittenPath, WrittenServer,
};
use crate::http::header::is_credential;

/// What the sources begin with that are headers of the request.
const HEADER_SOURCE: &str = "$request.header.";

/// The header that API keys come in at most gateways.
const KEY_HEADER: &str = "x-api-key";

/// Reports the warnings of callers that are no browsers.
pub(super) fn warn_of_callers(warnings: &mut Warnings<'_>) {
    let tree = warnings.tree;
    let resources = Resources::of(tree);
    let exchanging = exchanging_servers(tree);
    for (index, path) in tree.paths.iter().enumerate() {
        warn_of_sent_credentials(path, warnings);
        warn_of_counted_credentials(&path.rules, path.node, path.access.as_ref(), &path.allow, warnings);
        warn_of_proofs(path, resources.surely_have(index), warnings);
        warn_of_exchange(path, &exchanging, warnings);
        warn_of_target(path, warnings);
    }
    for (at, (path, section)) in tree.protected_resources().enumerate() {
        warn_of_missing_issuers(path, section, resources.authorizers(at, path), warnings);
    }
    warn_of_server(&resources, warnings);
}

/// To which resource each path belongs, as the gateway tells them apart.
struct Resources<'t> {
    tree: &'t ConfigTree<'t>,
    /// The place of the section of each path among all, if it has one; `None` if its host or its pattern is not known.
    owners: Vec<Option<Option<usize>>>,
}

impl<'t> Resources<'t> {
    fn of(tree: &'t ConfigTree<'t>) -> Self {
        let sections = tree.protected_resources().map(|(path, section)| (path.is_some(), section));
        let found = ResourceOwners::of(sections);
        let owner = |path: &WrittenPath<'_>| Some(found.find(path.host.as_ref()?, path.pattern.as_ref()?));
        Self { tree, owners: tree.paths.iter().map(owner).collect() }
    }

    /// Checks whether a path belongs to a resource, wherever it is.
    fn surely_have(&self, index: usize) -> bool {
        let is_known = matches!(self.owners.get(index), Some(Some(Some(_))));
        is_known || self.tree.protected_resource.is_some()
    }

    /// Returns the authorizers whose tokens a resource is for: those that its metadata names, or may name. `None` if one is not known.
    fn authorizers(&self, at: usize, path: Option<&WrittenPath<'_>>) -> Option<Vec<&'t WrittenAuthorizer<'t>>> {
        let tree = self.tree;
        if path.is_none() {
            let all = tree.authorizers.iter().all(|one| one.kind.is_some());
            return all.then(|| tree.authorizers.iter().collect());
        }
        let mut found = Vec::new();
        for (path, owner) in tree.paths.iter().zip(&self.owners) {
            if let Some(access) = path.access.as_ref().filter(|_| owner.is_none_or(|owner| owner == Some(at))) {
                found.extend(authorizers_of(tree, access)?);
            }
        }
        Some(found)
    }
}

/// Returns the authorizers that an `auth` names; `None` if one of them is not known.
pub(super) fn authorizers_of<'t>(
    tree: &'t ConfigTree<'t>,
    access: &WrittenAccess<'_>,
) -> Option<Vec<&'t WrittenAuthorizer<'t>>> {
    let found = match &access.authorizers {
        NamedAuthorizers::First => vec![tree.authorizers.first()?],
        NamedAuthorizers::Named { names, .. } => {
            let named = |name: &Written<'_>| tree.authorizers.iter().find(|one| name.in_file() == Some(one.name));
            names.iter().map(named).collect::<Option<_>>()?
        }
        NamedAuthorizers::Unreadable => return None,
    };
    found.iter().all(|one| one.kind.is_some()).then_some(found)
}

/// Checks whether the credentials of an authorizer are API keys.
pub(super) fn takes_keys(authorizer: &WrittenAuthorizer<'_>) -> bool {
    authorizer.kind == Some(AuthorizerKind::ApiKey)
}

/// Checks whether an authorizer of keys opens a path, as far as it is known.
fn is_opened_by_keys(tree: &ConfigTree<'_>, access: Option<&WrittenAccess<'_>>) -> bool {
    let authorizers = access.and_then(|access| authorizers_of(tree, access));
    authorizers.is_some_and(|authorizers| authorizers.into_iter().any(takes_keys))
}

/// Checks whether API keys of any authorizer come in a header of this name.
fn is_key_header(tree: &ConfigTree<'_>, name: &str) -> bool {
    let own = |authorizer: &WrittenAuthorizer<'_>| match &authorizer.keys {
        Some(KeySource::ApiKeys(keys)) => keys.header_name.eq_ignore_ascii_case(name),
        _ => false,
    };
    tree.authorizers.iter().any(own)
}

/// Warns of mappings that send an API key to an upstream.
fn warn_of_sent_credentials(path: &WrittenPath<'_>, warnings: &mut Warnings<'_>) {
    let tree = warnings.tree;
    let by_key = is_opened_by_keys(tree, path.access.as_ref());
    // An open path passes whatever comes; where tokens of others are needed, a key lets nobody in.
    let passes_keys = by_key || path.access.is_none() && tree.authorizers.iter().any(takes_keys);
    for value in &path.mapping.values {
        let Some(source) = value.node.as_text() else { continue };
        let source = source.get(..HEADER_SOURCE.len()).zip(source.get(HEADER_SOURCE.len()..));
        let Some((_, name)) = source.filter(|(source, _)| source.eq_ignore_ascii_case(HEADER_SOURCE)) else { continue };
        // Of an MCP server, this is `mcp_token_passthrough`.
        let has_key = name.eq_ignore_ascii_case("authorization") && passes_keys && path.mcp.is_none();
        if has_key || is_key_header(tree, name) {
            let message = format!("API keys come in this header, and the mapping sends them on as \"{}\"", value.key);
            let help = match by_key {
                true => "map \"$request.jwt.sub\", the owner of the key",
                false => {
                    "remove it; or name the authorizer of the keys in \"auth\", and map \"$request.jwt.sub\", the owner of the key"
                }
            };
            warnings.warn(Code::CredentialExposed, &path.allow, value.node.offset, message, help);
        }
    }
}

/// Warns if requests are counted by a credential.
fn warn_of_counted_credentials(
    rules: &Rules,
    section: &Node<'_>,
    access: Option<&WrittenAccess<'_>>,
    allow: &[Written<'_>],
    warnings: &mut Warnings<'_>,
) {
    let tree = warnings.tree;
    let Some(RateKey::Header(name)) = rules.rate_limit.as_ref().map(|limit| &limit.key) else { return };
    if !is_credential(name) && name != KEY_HEADER && !is_key_header(tree, name) {
        return;
    }
    let key = section.at(&keys::RATE_LIMIT).and_then(|limit| limit.at(&rate_limit::KEY));
    let message = "requests are counted before this credential is checked, so whoever makes up another one each time \
                   is not limited, and the limiter is told all of them";
    let help = match access {
        Some(_) if is_opened_by_keys(tree, access) => "count by \"api_key\"",
        Some(_) => "count by \"sub\"",
        None => "count by \"ip\"",
    };
    let offset = key.map_or(section.offset, |key| key.offset);
    warnings.warn(Code::CredentialExposed, allow, offset, message.to_owned(), help);
}

/// Why no credential of an authorizer comes with a proof of possession.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Unproven {
    /// Keys are bound to nothing.
    Keys,
    /// The gateway's authorization server has no bound tokens to give.
    Registered,
    /// Sessions have a cookie.
    Sessions,
}

/// Returns why; `None` if its tokens may be bound. At a path `of_resource`, clients of the gateway's authorization server have them.
fn unproven(tree: &ConfigTree<'_>, authorizer: &WrittenAuthorizer<'_>, of_resource: bool) -> Option<Unproven> {
    if takes_keys(authorizer) {
        return Some(Unproven::Keys);
    }
    if of_resource && tree.authorization_server.is_some() && is_of_login(tree, authorizer) {
        return Some(Unproven::Registered);
    }
    let rules = tree.session.as_ref().and_then(|session| session.rules.as_ref());
    let by_id_token = rules.is_some_and(|rules| rules.claims_from == ClaimsFrom::IdToken);
    let is_for_client = authorizer.provider.as_ref().is_some_and(|provider| {
        authorizer.written_audience().is_some_and(|audience| {
            provider.client.id.is_some_and(|id| id.text.as_written() == audience.text.as_written())
        })
    });
    let only_sessions = by_id_token
        && is_for_client
        && authorizer.audience_claim.is_none()
        && authorizer.introspection.is_none()
        && login_authorizer(tree).is_some_and(|login| login.name == authorizer.name);
    only_sessions.then_some(Unproven::Sessions)
}

/// Checks whether the tokens of an authorizer are of the provider that people log in at.
fn is_of_login(tree: &ConfigTree<'_>, authorizer: &WrittenAuthorizer<'_>) -> bool {
    let issuer = |one: &WrittenAuthorizer<'_>| {
        one.texts.issuer.or(one.texts.domain).and_then(|text| text.text.as_written().map(str::to_owned))
    };
    login_authorizer(tree).is_some_and(|login| {
        login.name == authorizer.name
            || login.issuer.is_some() && login.issuer == authorizer.issuer
            || login.issuer.is_none() && issuer(login).is_some() && issuer(login) == issuer(authorizer)
    })
}

/// Warns if a path requires proofs of possession, and nothing that opens it comes with one.
fn warn_of_proofs(path: &WrittenPath<'_>, of_resource: bool, warnings: &mut Warnings<'_>) {
    let tree = warnings.tree;
    let Some((access, authorizers)) =
        path.access.as_ref().and_then(|access| Some((access, authorizers_of(tree, access)?)))
    else {
        return;
    };
    let is_required = match &access.dpop {
        Some(own) => own.is_required,
        None => authorizers.iter().any(|one| one.dpop.as_ref().is_some_and(|dpop| dpop.is_required)),
    };
    let reasons = authorizers.iter().map(|one| unproven(tree, one, of_resource)).collect::<Option<Vec<_>>>();
    let Some(reasons) = reasons else { return };
    if !is_required {
        return;
    }
    let (message, help) = if reasons.contains(&Unproven::Registered) {
        (
            match reasons.contains(&Unproven::Keys) {
                true => {
                    "clients get their tokens from the gateway's authorization server, which binds none to a key, so each of these is refused; the API keys that open this path need no proof"
                }
                false => {
                    "clients get their tokens from the gateway's authorization server, which binds none to a key, so each is refused"
                }
            },
            "write \"dpop\": \"accept\", which takes tokens that are not bound, too; or remove \"dpop\"",
        )
    } else if reasons.contains(&Unproven::Sessions) {
        (
            match reasons.contains(&Unproven::Keys) {
                true => {
                    "only sessions and API keys open this path, and neither comes with a proof, so none is ever asked for"
                }
                false => "only sessions open this path, and a cookie comes with no proof, so none is ever asked for",
            },
            "remove \"dpop\"; or give the authorizer the \"audience\" of access tokens",
        )
    } else {
        (
            "an API key is bound to nothing and needs no proof, so none is ever asked for",
            "remove \"dpop\"; or name an authorizer of tokens",
        )
    };
    let offset = access.node.at(&DPOP).map_or(access.offset, |node| node.offset);
    warnings.warn(Code::UnshownProof, &path.allow, offset, message.to_owned(), help);
}

/// Returns the names of servers that get a token in exchange for the caller's; of those with the same name the first counts.
fn exchanging_servers<'t>(tree: &'t ConfigTree<'t>) -> HashSet<&'t str> {
    let mut names = HashSet::new();
    let first = tree.servers.iter().filter(|server| names.insert(server.name()));
    let exchanges =
        |server: &&WrittenServer<'_>| matches!(*server.grant, Some((_, Some(UpstreamGrant::TokenExchange))));
    first.filter(exchanges).map(WrittenServer::name).collect()
}

/// Warns if keys open a path whose server gets a token in exchange for the caller's.
fn warn_of_exchange(path: &WrittenPath<'_>, exchanging: &HashSet<&str>, warnings: &mut Warnings<'_>) {
    let tree = warnings.tree;
    let Some(Settings::HttpProxy { server: Some(alias), .. }) = path.integration().map(|one| &one.settings) else {
        return;
    };
    let Some(name) = alias.in_file() else { return };
    let Some(access) = path.access.as_ref().filter(|_| exchanging.contains(name)) else { return };
    // If all of them take keys, nobody is let in, which is a mistake.
    if is_opened_by_keys(tree, Some(access))
        && authorizers_of(tree, access).is_some_and(|all| !all.into_iter().all(takes_keys))
    {
        let message = "the server gets a token in exchange for the caller's, and an API key is none: each is refused";
        let help =
            "name no authorizer of keys here, or give the server an \"authorization\" of grant client_credentials";
        warnings.warn(Code::UnexchangeableKey, &path.allow, access.offset, message.to_owned(), help);
    }
}

/// Warns if a path says what the token of a session is for, and no session opens it.
fn warn_of_target(path: &WrittenPath<'_>, warnings: &mut Warnings<'_>) {
    let tree = warnings.tree;
    let Some(Settings::HttpProxy { target, .. }) = path.integration().map(|one| &one.settings) else { return };
    // Without a session, or on an open path, it is a mistake.
    let (Some((key, written)), Some(login), Some(_)) = (target.first(), login_authorizer(tree), &tree.session) else {
        return;
    };
    let Some(access) = &path.access else { return };
    let Some(authorizers) = authorizers_of(tree, access) else { return };
    if tree.may_open(login.name, path) {
        return;
    }
    let who = match authorizers.into_iter().all(takes_keys) && !access.requirements.optional {
        true => "only API keys open this path",
        false => "no session opens this path",
    };
    let message = format!("{who}, and \"{key}\" is about the tokens of sessions: it has no effect");
    let help = "remove it; or name the authorizer at which people log in; or give the server an \"authorization\", by which it gets a token of the gateway's own";
    warnings.warn(Code::UnusedTarget, &path.allow, written.offset, message, help);
}

/// Warns if the metadata of a resource names nobody who issues tokens for it.
fn warn_of_missing_issuers(
    path: Option<&WrittenPath<'_>>,
    section: &WrittenResource<'_>,
    authorizers: Option<Vec<&WrittenAuthorizer<'_>>>,
    warnings: &mut Warnings<'_>,
) {
    let Some(authorizers) = authorizers else { return };
    if authorizers.is_empty() || !authorizers.into_iter().all(takes_keys) {
        return;
    }
    let message =
        "only API keys open this resource, so its metadata names no issuer, and clients that follow it never get in";
    let help = "name an authorizer of tokens in \"auth\", or remove \"protected_resource\"";
    let allow = path.map_or(&[][..], |path| &path.allow);
    warnings.warn(Code::ResourceWithoutIssuer, allow, section.offset, message.to_owned(), help);
}

/// Warns of an authorization server that no client finds, or whose pages have the origin of an upstream's.
fn warn_of_server(resources: &Resources<'_>, warnings: &mut Warnings<'_>) {
    let tree = warnings.tree;
    let Some(server) = &tree.authorization_server else { return };
    let is_named = |(at, (path, _)): (usize, (Option<&WrittenPath<'_>>, &WrittenResource<'_>))| {
        let authorizers = resources.authorizers(at, path);
        authorizers.is_none_or(|authorizers| authorizers.into_iter().any(|one| is_of_login(tree, one)))
    };
    // Without a provider, that is the mistake.
    if login_authorizer(tree).is_some() && !tree.protected_resources().enumerate().any(is_named) {
        let message =
            "no metadata of a resource names this authorization server, so no client can request a token of it";
        let help = "add \"protected_resource\": true to the paths that tokens of its provider open";
        warnings.warn(Code::UnusedAuthorizationServer, &[], server.node.offset, message.to_owned(), help);
    }
    let limited = Rules { rate_limit: server.rate_limit.clone(), ..Rules::default() };
    warn_of_counted_credentials(&limited, server.node, None, &[], warnings);
    let Some((_, url)) = &server.issuer else { return };
    for path in tree.paths.iter().filter(|path| path.has_host_of(url) && may_show_pages(tree, path)) {
        let message = "pages of this upstream have the origin of the authorization server, and a script of theirs could agree there in a \
                       user's place";
        let help = "give the \"issuer\" of \"authorization_server\" a host of its own, or the path another \"host\"";
        let offset = path.path.map_or(path.offset, |written| written.offset);
        warnings.warn(Code::SharedOrigin, &path.allow, offset, message.to_owned(), help);
    }
}

/// Checks whether a browser can show what an upstream answers at a path: it sends no token, and a cookie only to a session.
fn may_show_pages(tree: &ConfigTree<'_>, path: &WrittenPath<'_>) -> bool {
    let leads_on = matches!(path.kind(), Some(IntegrationKind::HttpProxy | IntegrationKind::ServiceBinding));
    let by_browser = path.access.as_ref().is_none_or(|access| {
        let is_login =
            |one: &&WrittenAuthorizer<'_>| login_authorizer(tree).is_some_and(|login| login.name == one.name);
        let by_session = || authorizers_of(tree, access).is_some_and(|all| all.iter().any(is_login));
        access.requirements.optional || tree.session.is_some() && by_session()
    });
    leads_on && path.mcp.is_none() && path.takes_get() && by_browser
}
