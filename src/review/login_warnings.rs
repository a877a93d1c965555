//! Warnings of logins: issuers that no token has, tokens that nobody can check, and ways back from a login that lead nowhere.

use super::codes::Warnings;
use super::outline::{Outline, authorizers, logs_in};
use super::route_kind::RouteKind;
use super::sections::{items, name_offsets, named_authorizer, takes_first_authorizer, with_authorizer_place};
use crate::address::Address;
use crate::config::document::{Node, Value};
use crate::config::reader::Place;
use crate::config::{Binding, Bindings, Reference};
use crate::route::{Found, Method, RouteTable};

/// Hosts of Microsoft Entra ID, in its clouds.
const ENTRA_HOSTS: [&str; 5] = [
    "login.microsoftonline.com",
    "login.microsoftonline.us",
    "login.partner.microsoftonline.cn",
    "login.windows.net",
    "sts.windows.net",
];

/// What stands there in the place of a tenant, in addresses that several tenants share.
const ENTRA_SHARED: [&str; 3] = ["common", "consumers", "organizations"];

/// Tells the warnings of logins.
pub(super) fn warn_of_logins(root: &Node<'_>, bindings: &dyn Bindings, warnings: &mut Warnings<'_>) {
    let all = authorizers(root);
    let names = name_offsets(root);
    let paths = || items(root, "paths").iter();
    for (index, (name, node)) in all.iter().enumerate() {
        with_authorizer_place(root, name, |place| {
            warn_of_issuer(node, place, bindings, warnings);
            let is_asked = |path: &Node<'_>| match named_authorizer(path) {
                Some(named) => named.as_text() == Some(name),
                None => index == 0 && takes_first_authorizer(path),
            };
            let lacks = node.text("type") == Some("auth0") && node.get("audience").is_none();
            // A session without one is a mistake.
            if lacks && root.get("session").is_none() && paths().any(is_asked) {
                let message = format!(
                    "paths need tokens of \"{name}\", and without an \"audience\" Auth0 issues only ID tokens that can be checked"
                );
                let at = (names.get(index).copied().unwrap_or(node.offset), place);
                let help = "add the API's identifier as \"audience\"";
                warnings.warn("audience_missing", node, at, message, help);
            }
        });
    }
    warn_of_resource(root, &all, bindings, warnings);
}

/// Gives a text, or the value of the binding that it refers to.
fn known(node: &Node<'_>, bindings: &dyn Bindings) -> Option<String> {
    let text = node.as_text()?;
    match Reference::parse(text) {
        None => Some(text.to_owned()),
        Some(reference) => match bindings.look_up(&reference.ok()?) {
            Binding::Value(value) => Some(value),
            Binding::Missing | Binding::NoText(_) | Binding::Unknown => None,
        },
    }
}

fn warn_of_issuer(authorizer: &Node<'_>, place: &Place<'_>, bindings: &dyn Bindings, warnings: &mut Warnings<'_>) {
    let Some(node) = authorizer.get("issuer") else { return };
    let Some(issuer) = known(node, bindings) else { return };
    let url = Address::parse(&issuer);
    let shared = url.as_ref().filter(|url| ENTRA_HOSTS.iter().any(|host| url.origin() == format!("https://{host}")));
    let tenant = shared.and_then(|url| url.path().split('/').nth(1)).filter(|tenant| ENTRA_SHARED.contains(tenant));
    let (message, help) = if issuer.contains("/.well-known/") {
        ("the address of a document about the issuer", "write what that document has as \"issuer\"")
    } else if tenant.is_some() {
        (
            "an address of Microsoft Entra ID that tenants share, and tokens name their tenant",
            "write the tenant's own, as in https://login.microsoftonline.com/TENANT_ID/v2.0",
        )
    } else if authorizer.text("type") == Some("auth0") && !issuer.ends_with('/') {
        (
            "an address without a slash at its end, and Auth0's issuers have one",
            "add the slash, or leave out \"issuer\"",
        )
    } else {
        return;
    };
    let message = format!("no token has this issuer: it is {message}");
    warnings.warn("unlikely_issuer", authorizer, (node.offset, &Place::Key(place, "issuer")), message, help);
}

/// Warns where what clients ask tokens for (RFC 8707, by way of RFC 9728) is nothing that a token is accepted for.
fn warn_of_resource(
    root: &Node<'_>,
    authorizers: &[(String, &Node<'_>)],
    bindings: &dyn Bindings,
    warnings: &mut Warnings<'_>,
) {
    let Some(node) = root.get("protected_resource").and_then(|section| section.get("resource")) else { return };
    let audience = |authorizer: &Node<'_>| match authorizer.get("audience") {
        Some(audience) => Some((audience.as_text()?.to_owned(), known(audience, bindings))),
        None if authorizer.text("type") == Some("supabase") => {
            Some(("authenticated".to_owned(), Some("authenticated".to_owned())))
        }
        None => {
            let client_id = authorizer.get("client_id")?;
            Some((client_id.as_text()?.to_owned(), known(client_id, bindings)))
        }
    };
    let audiences: Vec<_> = authorizers.iter().map(|(_, authorizer)| audience(authorizer)).collect();
    let resource = known(node, bindings);
    let written = node.as_text();
    let may_fit = |audience: &Option<(String, Option<String>)>| match audience {
        Some((text, value)) => written == Some(text) || value.is_none() || resource.is_none() || *value == resource,
        None => true,
    };
    let Some(Some((shown, _))) = audiences.first().filter(|_| !audiences.iter().any(may_fit)) else { return };
    let place = Place::Key(&Place::Root, "protected_resource");
    let message = format!("clients ask for tokens for this resource, and those that are accepted are for \"{shown}\"");
    let help = "write the same here and as \"audience\", letter for letter";
    warnings.warn("resource_mismatch", root, (node.offset, &Place::Key(&place, "resource")), message, help);
}

/// Where the provider leads a browser after a login, as it is written.
pub(super) struct RedirectUri<'n> {
    /// The address.
    pub node: &'n Node<'n>,
    key: &'static str,
    /// Name of the authorizer that it stands at; `None` where that is the path itself.
    authorizer: Option<String>,
}

impl<'n> RedirectUri<'n> {
    /// Gives that of a login or a callback.
    pub fn of(root: &'n Node<'_>, path: &'n Node<'_>) -> Option<Self> {
        let own = path.get("integration").and_then(|integration| integration.get("redirect_uri"));
        if let Some(node) = own {
            return Some(Self { node, key: "redirect_uri", authorizer: None });
        }
        let (name, authorizer) = authorizers(root).into_iter().find(|(_, node)| logs_in(node))?;
        let mut keys = ["redirect_uri", "callback_uri"].into_iter();
        keys.find_map(|key| Some(Self { node: authorizer.get(key)?, key, authorizer: Some(name.clone()) }))
    }
}

/// Warns where the provider leads browsers back from the session's login to what makes no session.
pub(super) fn warn_of_callback(
    root: &Node<'_>,
    outline: &Outline,
    table: &RouteTable,
    bindings: &dyn Bindings,
    warnings: &mut Warnings<'_>,
) {
    let paths = items(root, "paths");
    let Some((index, login)) = root.get("session").and_then(|session| session_login(session, paths)) else { return };
    let Some(redirect) = RedirectUri::of(root, login) else { return };
    let makes_session = |path: &Node<'_>| {
        let response = path.get("integration").and_then(|integration| integration.get("response"));
        RouteKind::of(path) == Some(RouteKind::Callback)
            && response.and_then(Node::as_text).is_none_or(|text| text == "session" || text.starts_with('$'))
    };
    let leads = known(redirect.node, bindings).and_then(|text| Address::parse(&text));
    let entry = |index: usize| paths.get(outline.routes.get(index)?.index?);
    let (taken, by_other_method) = match &leads {
        // Which of them it is is not known here.
        None => (paths.iter().any(makes_session), false),
        Some(url) => {
            let taken = match table.find(Method::Get.as_str(), url.path()) {
                Found::Route(found) => entry(found.index).is_some_and(makes_session),
                Found::MethodNotAllowed(_) | Found::NotFound | Found::Ambiguous(_) => false,
            };
            // That is told of the callback itself, whichever route takes the request in its place.
            (taken, paths.iter().any(|path| makes_session(path) && path.text("path") == Some(url.path())))
        }
    };
    if taken || by_other_method || outline.unread > 0 {
        return;
    }
    let message = match leads.filter(|url| redirect.node.as_text() == Some(url.as_str())) {
        Some(url) => format!("logins lead back here, and no path makes a session of GET {}", url.path()),
        None => "logins lead back here, and no path makes a session there".to_owned(),
    };
    let help = "give that path the integration auth0_callback or oidc_callback, or correct the address";
    let mut warn = |owner: &Node<'_>, place: &Place<'_>| {
        let at = (redirect.node.offset, &Place::Key(place, redirect.key));
        warnings.warn("callback_missing", owner, at, message.clone(), help);
    };
    match &redirect.authorizer {
        Some(name) => with_authorizer_place(root, name, |place| warn(root, place)),
        None => {
            let place = Place::Key(&Place::Root, "paths");
            let place = Place::Index(&place, index);
            warn(login, &Place::Key(&place, "integration"));
        }
    }
}

/// Gives the path that begins the logins of a session, with its index.
fn session_login<'n>(session: &Node<'_>, paths: &'n [Node<'n>]) -> Option<(usize, &'n Node<'n>)> {
    let named = session.get("login_path");
    let is_meant = |path: &Node<'_>| match named {
        Some(node) => node.as_text() == path.text("path"),
        None => {
            let open = path.get("auth").is_none_or(|auth| matches!(auth.value, Value::Bool(false)));
            open && path.text("path").is_some_and(|text| !text.contains('{'))
        }
    };
    paths.iter().enumerate().find(|(_, path)| {
        RouteKind::of(path) == Some(RouteKind::Login)
            && matches!(path.text("method"), Some("GET" | "ANY"))
            && is_meant(path)
    })
}
