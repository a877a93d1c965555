//! Warnings of logins: issuers that no token has, tokens that nobody can check, and ways back from a login that lead nowhere.

use super::codes::Warnings;
use super::outline::Outline;
use crate::address::Address;
use crate::config::Code;
use crate::config::reader::Written;
use crate::config::{
    AuthorizerKind, ConfigTree, IntegrationKind, NamedAuthorizer, Settings, WrittenAuthorizer, WrittenPath,
    WrittenProvider, WrittenResponse, WrittenSession, WrittenUrl, protected_resource,
};
use crate::route::{Found, Method, RouteTable};

/// Hosts of Microsoft Entra ID, in its clouds.
const ENTRA_HOSTS: [&str; 5] = [
    "login.microsoftonline.com",
    "login.microsoftonline.us",
    "login.partner.microsoftonline.cn",
    "login.windows.net",
    "sts.windows.net",
];

/// The text in place of a tenant, in addresses that several tenants share.
const ENTRA_SHARED: [&str; 3] = ["common", "consumers", "organizations"];

/// Reports the warnings of logins.
pub(super) fn warn_of_logins(warnings: &mut Warnings<'_>) {
    let tree = warnings.tree;
    for (index, authorizer) in tree.authorizers.iter().enumerate() {
        warn_of_issuer(authorizer, warnings);
        warn_of_requested_resource(authorizer, warnings);
        let lacks = authorizer.kind == Some(AuthorizerKind::Auth0) && authorizer.texts.audience.is_none();
        // A session without one is a mistake.
        if lacks && tree.session.is_none() && tree.paths.iter().any(|path| is_asked(path, index, authorizer)) {
            let message = format!(
                "paths need tokens of \"{}\", but without an \"audience\" only ID tokens can be checked",
                authorizer.name
            );
            let help = "add the API's identifier as \"audience\"";
            warnings.warn(Code::AudienceMissing, &authorizer.allow, *authorizer.name_offset, message, help);
        }
    }
    warn_of_resources(warnings);
}

/// Checks whether a path needs tokens of the authorizer at an index.
fn is_asked(path: &WrittenPath<'_>, index: usize, authorizer: &WrittenAuthorizer<'_>) -> bool {
    match path.access.as_ref().map(|access| access.authorizer) {
        Some(NamedAuthorizer::Named { name, .. }) => name.in_file() == Some(authorizer.name),
        Some(NamedAuthorizer::First) => index == 0,
        Some(NamedAuthorizer::Unreadable) | None => false,
    }
}

fn warn_of_issuer(authorizer: &WrittenAuthorizer<'_>, warnings: &mut Warnings<'_>) {
    let Some(written) = authorizer.texts.issuer else { return };
    let Some(issuer) = written.value() else { return };
    let url = Address::parse(issuer);
    let shared = url.as_ref().filter(|url| ENTRA_HOSTS.iter().any(|host| url.origin() == format!("https://{host}")));
    let tenant = shared.and_then(|url| url.path().split('/').nth(1)).filter(|tenant| ENTRA_SHARED.contains(tenant));
    let (message, help) = if issuer.contains("/.well-known/") {
        ("the address of the discovery document", "write the \"issuer\" of that document")
    } else if tenant.is_some() {
        (
            "an address of Microsoft Entra ID that tenants share, and tokens name their tenant",
            "write the tenant's own, as in https://login.microsoftonline.com/TENANT_ID/v2.0; for several, type oidc takes \
             {tenantid} in its place, and a list of \"tenants\"",
        )
    } else if authorizer.kind == Some(AuthorizerKind::Auth0) && !issuer.ends_with('/') {
        (
            "an address without a slash at its end, and Auth0's issuers have one",
            "add the slash, or leave out \"issuer\"",
        )
    } else {
        return;
    };
    let message = format!("no token has this issuer: it is {message}");
    warnings.warn(Code::UnlikelyIssuer, &authorizer.allow, written.offset, message, help);
}

/// The advice about a resource that is not the audience.
const WRITE_THE_SAME: &str = "write the same here and as \"audience\", character by character";

/// Warns if logins request tokens only for resources (RFC 8707) other than what the tokens must be for.
fn warn_of_requested_resource(authorizer: &WrittenAuthorizer<'_>, warnings: &mut Warnings<'_>) {
    let resources = authorizer.provider.as_ref().map(|provider| provider.resources.as_slice()).unwrap_or_default();
    let (Some(first), Some(shown)) = (resources.first(), written_audience(authorizer)) else { return };
    let may_fit = |resource: &Written<'_>| {
        let value = resource.value();
        value.is_none() || value == authorizer.audience.as_deref() || resource.text.as_written() == Some(shown)
    };
    if authorizer.audience.is_none() || resources.iter().any(may_fit) {
        return;
    }
    let message = format!("logins request tokens for this resource, but the gateway accepts tokens for \"{shown}\"");
    warnings.warn(Code::ResourceMismatch, &authorizer.allow, first.offset, message, WRITE_THE_SAME);
}

/// Warns if clients request tokens for a resource (RFC 8707, by way of RFC 9728) and no authorizer accepts tokens for it.
fn warn_of_resources(warnings: &mut Warnings<'_>) {
    let tree = warnings.tree;
    for (path, section) in tree.protected_resources() {
        let written = section.node.at(&protected_resource::RESOURCE);
        let may_fit = |authorizer: &WrittenAuthorizer<'_>| match (&authorizer.audience, &section.resource) {
            (None, _) => true,
            (Some(audience), Some(resource)) => audience == resource,
            // It is at the origin that a client calls.
            (Some(audience), None) => {
                Address::parse(audience).is_some_and(|url| *audience == [&*url.origin(), section.path()].concat())
            }
        };
        let is_same = |authorizer: &WrittenAuthorizer<'_>| {
            written.is_some_and(|written| written_audience(authorizer) == written.as_text())
        };
        let trusted = tree.authorizers.iter().enumerate();
        let mut trusted =
            trusted.filter(|(index, one)| path.is_none_or(|path| is_asked(path, *index, one))).map(|(_, one)| one);
        let first = trusted.clone().next().and_then(written_audience);
        let Some(shown) = first.filter(|_| !trusted.any(|one| may_fit(one) || is_same(one))) else { continue };
        let (what, help) = match written {
            Some(_) => ("this resource".to_owned(), WRITE_THE_SAME),
            None => (
                format!("https://HOST{}", section.path()),
                "write that as \"audience\", with your host, or the same as \"resource\" here",
            ),
        };
        let message = format!("clients request tokens for {what}, but the gateway accepts tokens for \"{shown}\"");
        let (allow, offset) =
            (path.map_or(&[][..], |path| &path.allow), written.map_or(section.offset, |node| node.offset));
        warnings.warn(Code::ResourceMismatch, allow, offset, message, help);
    }
}

/// Returns what tokens must be for, as it is written.
fn written_audience<'a>(authorizer: &'a WrittenAuthorizer<'_>) -> Option<&'a str> {
    authorizer.written_audience().map_or(authorizer.audience.as_deref(), |written| written.text.as_written())
}

/// Where the provider leads a browser after a login.
pub(super) struct RedirectUri<'t> {
    /// The address as it is written.
    written: Written<'t>,
    /// The address, if it is known here.
    pub url: Option<Address>,
    /// The codes that are allowed beside it.
    allow: &'t [Written<'t>],
}

impl<'t> RedirectUri<'t> {
    /// Returns that of a login or a callback.
    pub fn of(tree: &'t ConfigTree<'t>, path: &'t WrittenPath<'t>) -> Option<Self> {
        let of = |url: &WrittenUrl<'t>, allow| {
            let address = url.url.as_deref().and_then(Address::parse);
            Self { written: url.written, url: address, allow }
        };
        if let Settings::Login { redirect_uri: Some(own), .. } | Settings::Callback { redirect_uri: Some(own), .. } =
            &path.integration()?.settings
        {
            return Some(of(own, &path.allow));
        }
        let provider: &WrittenProvider<'t> = tree.authorizers.iter().find_map(|one| one.provider.as_ref())?;
        provider.redirect_uri.as_ref().map(|url| of(url, &[]))
    }
}

/// Returns the method by which browsers come back from a login.
pub(super) fn callback_method(tree: &ConfigTree<'_>) -> Method {
    let provider = tree.authorizers.iter().find_map(|one| one.provider.as_ref());
    if provider.is_some_and(|provider| provider.posts_responses) { Method::Post } else { Method::Get }
}

/// Warns if the provider leads browsers back from the session's login to what makes no session.
pub(super) fn warn_of_callback(outline: &Outline, table: &RouteTable, warnings: &mut Warnings<'_>) {
    let tree = warnings.tree;
    let Some(login) = tree.session.as_ref().and_then(|session| session_login(session, &tree.paths)) else { return };
    let Some(redirect) = RedirectUri::of(tree, login) else { return };
    let method = callback_method(tree);
    let entry = |index: usize| tree.paths.get(outline.routes.get(index)?.index?);
    let (taken, by_other_method) = match &redirect.url {
        // Which of them it is is not known here.
        None => (tree.paths.iter().any(makes_session), false),
        Some(url) => {
            let taken = match table.find(method.as_str(), url.path()) {
                Found::Route(found) => entry(found.index).is_some_and(makes_session),
                Found::MethodNotAllowed(_) | Found::NotFound | Found::Ambiguous(_) => false,
            };
            // That is reported for the callback itself, whichever route takes the request instead.
            (taken, tree.paths.iter().any(|path| makes_session(path) && path.is_at(url.path())))
        }
    };
    if taken || by_other_method || outline.unread > 0 {
        return;
    }
    let message = match redirect.url.filter(|url| redirect.written.in_file() == Some(url.as_str())) {
        Some(url) => {
            format!("the provider redirects logins here, and no path begins a session at {method} {}", url.path())
        }
        None => "the provider redirects logins here, and no path begins a session there".to_owned(),
    };
    let help = "give that path the integration auth0_callback or oidc_callback, or correct the address";
    warnings.warn(Code::CallbackMissing, redirect.allow, redirect.written.offset, message, help);
}

/// Checks whether a path makes a session of a login, or may.
fn makes_session(path: &WrittenPath<'_>) -> bool {
    match path.integration().map(|integration| &integration.settings) {
        Some(Settings::Callback { response, .. }) => {
            matches!(response, None | Some(WrittenResponse::Unsaid | WrittenResponse::Session(_)))
        }
        _ => false,
    }
}

/// Returns the path that begins the logins of a session.
fn session_login<'t>(session: &WrittenSession<'_>, paths: &'t [WrittenPath<'t>]) -> Option<&'t WrittenPath<'t>> {
    paths.iter().find(|path| match session.login_path {
        Some(named) => {
            let is_there = named.value().is_some_and(|text| path.is_at(text));
            is_there && path.takes_get() && path.kind() == Some(IntegrationKind::Login)
        }
        None => path.begins_login().is_some(),
    })
}
