//! The gateway as an authorization server: what it needs of other sections, and the paths that it answers.

use std::rc::Rc;

use super::login::Logins;
use super::path::{Part, ResolvedPath};
use crate::config::authorization_server::{AuthorizationServer, Endpoint, WrittenAuthorizationServer};
use crate::config::client::CLIENT_SECRET;
use crate::config::code::Code;
use crate::config::cors::{AllowedOrigins, Cors};
use crate::config::integration::Integration;
use crate::config::login::Login;
use crate::config::path::Path;
use crate::config::provider::SEALING_KEY;
use crate::config::reader::{Findings, Place, advice};
use crate::config::root;
use crate::json::ToText as _;
#[cfg(not(target_os = "unknown"))]
use crate::route::{MethodRule, RouteSpec};

/// How long a page of another origin need not ask again whether it may call, in seconds.
const PREFLIGHT_SECS: u32 = 600;

/// Returns the login that it stands before, and reports if there is none; `None` as well if a part of it is wrong, or not known here.
pub(super) fn login(
    written: &WrittenAuthorizationServer<'_>,
    logins: &Logins<'_>,
    findings: &mut Findings<'_>,
) -> Option<Rc<Login>> {
    let lacking = match logins.authorizer.map(|authorizer| authorizer.provider.as_ref()) {
        None => {
            let help = advice("add an \"authorizer\" of type auth0 or oidc, with a \"client_id\"");
            Some((Code::AuthorizerMissing, "no authorizer names a provider", help))
        }
        Some(Some(of)) if of.sealing_key.or(of.client.secret).is_none() => {
            let help = advice("give the authorizer a \"client_secret\" or a \"sealing_key\"");
            let help = help.about([CLIENT_SECRET.name, SEALING_KEY.name]);
            Some((Code::MissingKey, "no key seals the codes of clients", help))
        }
        Some(_) => None,
    };
    if let Some((code, message, help)) = lacking {
        let place = root::AUTHORIZATION_SERVER.at(&Place::Root);
        findings.note(written.node.offset, &place, code, format_args!("{message}"), help);
    }
    logins.login.clone()
}

/// Returns the paths that it answers, and reports if a path of the config has one of them.
#[cfg_attr(target_os = "unknown", expect(unused_variables, reason = "nothing is reported there"))]
pub(super) fn paths(
    written: &WrittenAuthorizationServer<'_>,
    login: Rc<Login>,
    paths: &[ResolvedPath],
    findings: &mut Findings<'_>,
) -> Vec<ResolvedPath> {
    let offset = written.node.offset;
    let server = Rc::new(AuthorizationServer { section: written.node.to_json().to_text(), login });
    let mut added = Vec::new();
    for (endpoint, route) in written.routes() {
        #[cfg(not(target_os = "unknown"))]
        if note_taken(&route, offset, paths, findings) {
            continue;
        }
        let mut path = Path::open(Integration::AuthorizationServer(Rc::clone(&server), endpoint));
        // The pages set and read a cookie, so no other site may read them; the rest knows of none.
        let origins = if endpoint.is_page() { AllowedOrigins::Listed(Vec::new()) } else { AllowedOrigins::Any };
        let (methods, headers, expose_headers) = (None, None, String::new());
        path.cors = Some(Cors {
            origins,
            methods,
            headers,
            names_headers: false,
            expose_headers,
            credentials: false,
            max_age_secs: PREFLIGHT_SECS,
        });
        if endpoint != Endpoint::Metadata {
            path.rules.rate_limit.clone_from(&written.rate_limit);
        }
        let shown = cfg!(not(target_os = "unknown")).then(|| route.name());
        let part = Part::AuthorizationServer;
        added.push(ResolvedPath { index: None, part, offset, shown, path: Some(path), route: Some(route) });
    }
    added
}

/// Reports it if a path of the config takes requests for a route: in the Worker the route goes first.
#[cfg(not(target_os = "unknown"))]
fn note_taken(route: &RouteSpec, offset: usize, paths: &[ResolvedPath], findings: &mut Findings<'_>) -> bool {
    let is_taking = |other: &&RouteSpec| {
        other.pattern.as_str() == route.pattern.as_str()
            && other.host.contains(&route.host)
            && (other.method == route.method || other.method == MethodRule::Any)
    };
    let taking = paths.iter().find_map(|path| Some((path, path.route.as_ref().filter(is_taking)?)));
    let Some((path, _)) = taking else { return false };
    let (line, column) = findings.locate(path.offset);
    let other = path.shown.as_deref().unwrap_or("a path");
    let message = format_args!("{} of the authorization server is also {other} at {line}:{column}", route.name());
    let help =
        advice("give the \"issuer\" a path of its own, as in https://mcp.example.com/oauth, or remove the other");
    findings.note(offset, &root::AUTHORIZATION_SERVER.at(&Place::Root), Code::RouteConflict, message, help);
    true
}
