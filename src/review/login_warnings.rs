//! Warnings of logins: issuers that no token has, tokens that nobody can check, and ways back from a login that lead nowhere.

use super::caller_warnings::{authorizers_of, takes_keys};
use super::codes::Warnings;
use super::outline::Outline;
use super::patterns::methods;
use crate::address::Address;
use crate::config::Code;
use crate::config::path::keys;
use crate::config::reader::Written;
use crate::config::{
    AuthorizerKind, ConfigTree, NamedAuthorizers, Settings, WrittenAuthorizer, WrittenPath, WrittenProvider,
    WrittenResponse, WrittenSession, WrittenUrl, protected_resource,
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
    for path in &tree.paths {
        warn_of_authentication(path, warnings);
    }
    warn_of_resources(warnings);
}

/// Warns if a path requires an authentication that neither the credentials of its authorizers nor the logins there can show.
fn warn_of_authentication(path: &WrittenPath<'_>, warnings: &mut Warnings<'_>) {
    let tree = warnings.tree;
    let required = path.access.as_ref().filter(|access| access.requirements.authentication.is_some());
    let Some((access, authorizers)) = required.and_then(|access| Some((access, authorizers_of(tree, access)?))) else {
        return;
    };
    let login = authorizers.iter().find(|one| one.provider.is_some()).filter(|_| tree.session.is_some());
    let scope = login.and_then(|login| login.provider.as_ref()?.scope?.value());
    let lacks_id_tokens = scope.is_some_and(|scope| !scope.split(' ').any(|one| one == "openid"));
    // Auth0's access tokens have neither `acr` nor `auth_time`.
    let shows = |one: &&WrittenAuthorizer<'_>| {
        !takes_keys(one) && (one.kind != Some(AuthorizerKind::Auth0) || one.texts.audience.is_none())
    };
    let (message, help) = if lacks_id_tokens {
        (
            "only ID tokens say how a user was authenticated, and logins request none, so no session can show this",
            "add \"openid\" to \"scope\" of the authorizer",
        )
    } else if login.is_some() || authorizers.iter().any(shows) {
        return;
    } else if authorizers.iter().all(|one| takes_keys(one)) {
        (
            "nobody logs in with an API key, so every request is refused",
            "name an authorizer that people log in at, or require nothing of a login",
        )
    } else {
        (
            "Auth0's access tokens have neither acr nor auth_time, so every request is refused",
            "add a \"session\", whose ID token has them, or require a claim that an Action of yours adds",
        )
    };
    warnings.warn(Code::UnshownAuthentication, &path.allow, access.offset, message.to_owned(), help);
}

/// Checks whether a path needs tokens of the authorizer at an index.
fn is_asked(path: &WrittenPath<'_>, index: usize, authorizer: &WrittenAuthorizer<'_>) -> bool {
    match path.access.as_ref().map(|access| &access.authorizers) {
        Some(NamedAuthorizers::Named { names, .. }) => names.iter().any(|name| name.in_file() == Some(authorizer.name)),
        Some(NamedAuthorizers::First) => index == 0,
        Some(NamedAuthorizers::Unreadable) | None => false,
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

/// A resource that tokens are requested for (RFC 8707).
enum Requested<'r> {
    /// One that the config names.
    Named {
        /// Its text, if that is known here.
        value: Option<&'r str>,
        /// The same as it is written.
        written: Option<&'r str>,
    },
    /// This path at the origin that a client calls.
    At(&'r str),
}

impl Requested<'_> {
    /// Checks whether an authorizer accepts tokens for it, or may.
    fn may_be_accepted(&self, authorizer: &WrittenAuthorizer<'_>) -> bool {
        // By another claim, tokens are not for a resource.
        let Some(audience) = authorizer.audience.as_deref().filter(|_| authorizer.audience_claim.is_none()) else {
            return true;
        };
        match *self {
            Self::Named { value, written } => {
                value.is_none_or(|value| value == audience) || written == written_audience(authorizer)
            }
            Self::At(path) => Address::parse(audience).is_some_and(|url| audience == [&*url.origin(), path].concat()),
        }
    }
}

/// Warns if logins request tokens only for resources other than what the tokens must be for.
fn warn_of_requested_resource(authorizer: &WrittenAuthorizer<'_>, warnings: &mut Warnings<'_>) {
    let resources = authorizer.provider.as_ref().map(|provider| provider.resources.as_slice()).unwrap_or_default();
    let Some(first) = resources.first() else { return };
    let requested = resources.iter().map(|one| Requested::Named { value: one.value(), written: one.text.as_written() });
    let requested: Vec<_> = requested.collect();
    warn_of_mismatch("logins", &requested, &[authorizer], &authorizer.allow, first.offset, warnings);
}

/// Warns if clients request tokens for a resource (by way of RFC 9728) and no authorizer accepts tokens for it.
fn warn_of_resources(warnings: &mut Warnings<'_>) {
    let tree = warnings.tree;
    for (path, section) in tree.protected_resources() {
        let written = section.node.at(&protected_resource::RESOURCE);
        let requested = match written {
            Some(node) => Requested::Named { value: section.resource.as_deref(), written: node.as_text() },
            None => Requested::At(section.path()),
        };
        // A key is for no resource.
        let trusted = tree.authorizers.iter().enumerate().filter(|(_, one)| !takes_keys(one));
        let trusted = trusted.filter(|(index, one)| path.is_none_or(|path| is_asked(path, *index, one)));
        let trusted: Vec<_> = trusted.map(|(_, one)| one).collect();
        let allow = path.map_or(&[][..], |path| &path.allow);
        let offset = written.map_or(section.offset, |node| node.offset);
        warn_of_mismatch("clients", &[requested], &trusted, allow, offset, warnings);
    }
}

/// Warns if tokens are requested only for resources that none of the authorizers accepts tokens for.
fn warn_of_mismatch(
    who: &str,
    resources: &[Requested<'_>],
    authorizers: &[&WrittenAuthorizer<'_>],
    allow: &[Written<'_>],
    offset: usize,
    warnings: &mut Warnings<'_>,
) {
    let shown: Vec<_> = authorizers.iter().filter_map(|one| Some(format!("\"{}\"", written_audience(one)?))).collect();
    if shown.is_empty() || resources.iter().any(|resource| authorizers.iter().any(|one| resource.may_be_accepted(one)))
    {
        return;
    }
    let (what, help) = match resources {
        [Requested::At(path)] => (
            format!("https://HOST{path}"),
            "write that as \"audience\", with your host, or the same as \"resource\" here",
        ),
        _ => ("this resource".to_owned(), "write the same here and as \"audience\", character by character"),
    };
    let message =
        format!("{who} request tokens for {what}, but the gateway accepts tokens for {}", shown.join(" and "));
    warnings.warn(Code::ResourceMismatch, allow, offset, message, help);
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
    let Some(session) = &tree.session else { return };
    for login in session_logins(session, &tree.paths) {
        warn_of_callback_from(login, outline, table, warnings);
        warn_of_takers(login, outline, table, warnings);
    }
}

/// Warns of each path that takes the requests for a login of more hosts, under a host with paths that may need that login.
fn warn_of_takers(login: &WrittenPath<'_>, outline: &Outline, table: &RouteTable, warnings: &mut Warnings<'_>) {
    let tree = warnings.tree;
    let Some((login_path, own)) = login.begins_login().zip(login.host.as_ref()) else { return };
    for (at, taker) in outline.routes.iter().enumerate() {
        let host = &taker.spec.host;
        let Some(path) = taker.index.and_then(|index| tree.paths.get(index)) else { continue };
        if own == host || !own.contains(host) || path.begins_login() == Some(login_path) {
            continue;
        }
        let found = table.find(Method::Get.as_str(), &host.example(), login_path);
        let takes = matches!(found, Found::Route(found) if found.index == at);
        if takes && outline.routes.iter().any(|route| route.spec.host == *host && route.requirement.is_some()) {
            let message = format!("requests for {}{login_path} come here, so nobody can log in there", host.as_str());
            let help = "give the login and its callback this host as well";
            let offset = path.node.at(&keys::HOST).map_or(path.offset, |node| node.offset);
            warnings.warn(Code::CallbackElsewhere, &path.allow, offset, message, help);
        }
    }
}

/// Warns if that is so for one of its logins.
fn warn_of_callback_from(login: &WrittenPath<'_>, outline: &Outline, table: &RouteTable, warnings: &mut Warnings<'_>) {
    let tree = warnings.tree;
    let Some(redirect) = RedirectUri::of(tree, login) else { return };
    let method = callback_method(tree);
    let entry = |index: usize| tree.paths.get(outline.routes.get(index)?.index?);
    let (taken, by_other_method) = match &redirect.url {
        // Which of them it is is not known here.
        None => (tree.paths.iter().any(makes_session), false),
        Some(url) => {
            let taken = match table.find(method.as_str(), url.host_and_port(), url.path()) {
                Found::Route(found) => entry(found.index).is_some_and(makes_session),
                Found::MethodNotAllowed(_) | Found::NotFound | Found::Ambiguous(_) => false,
            };
            // That is reported for the callback itself, whichever route takes the request instead.
            let has_other = |path: &WrittenPath<'_>| path.method.is_some_and(|rule| !methods(rule).contains(&method));
            let is_other = |path: &WrittenPath<'_>| makes_session(path) && path.is_called_at(url) && has_other(path);
            (taken, tree.paths.iter().any(is_other))
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

/// Yields the paths that begin the logins of a session: several of one path are of several hosts.
fn session_logins<'t>(
    session: &WrittenSession<'t>,
    paths: &'t [WrittenPath<'t>],
) -> impl Iterator<Item = &'t WrittenPath<'t>> {
    let login_path = match session.login_path {
        Some(named) => named.value(),
        None => paths.iter().find_map(WrittenPath::begins_login),
    };
    paths.iter().filter(move |path| login_path.is_some() && path.begins_login() == login_path)
}
