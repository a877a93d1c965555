//! The gateway as an authorization server: what it needs of other sections, and the paths that it answers.

use std::rc::Rc;

use super::login::Logins;
use super::path::{Part, ResolvedPath};
use crate::config::authorization_server::{
    AuthorizationServer, Endpoint, FrontedResource, ResourceParameter, WrittenAuthorizationServer,
};
use crate::config::client::CLIENT_SECRET;
use crate::config::code::Code;
use crate::config::cors::{AllowedOrigins, Cors};
use crate::config::fixed::Fixed;
use crate::config::integration::Integration;
use crate::config::path::Path;
use crate::config::protected_resource::ProtectedResource;
use crate::config::provider::SEALING_KEY;
use crate::config::reader::{Findings, Place, advice};
use crate::config::root;
use crate::config::rules::Rules;
use crate::json::{self, ToText as _};
use crate::route::{Guard, Host, MethodRule, Pattern, RouteSpec};
use serde_json::Value;

/// How long a page of another origin need not ask again whether it may call, in seconds.
const PREFLIGHT_SECS: u32 = 600;

/// The authorization server, before all paths are known.
pub(super) struct Front(AuthorizationServer);

impl Front {
    /// Returns it, and reports what it lacks; `None` if a part of it is wrong, or not known here.
    pub fn of(
        written: &WrittenAuthorizationServer<'_>,
        logins: &Logins<'_>,
        findings: &mut Findings<'_>,
    ) -> Option<Self> {
        let place = root::AUTHORIZATION_SERVER.at(&Place::Root);
        let mut needs = |code, message: &str, help| {
            findings.note(written.offset, &place, code, format_args!("{message}"), help);
        };
        match logins.authorizer {
            None => {
                let help = advice("add an \"authorizer\" of type auth0 or oidc, with a \"client_id\"");
                needs(Code::AuthorizerMissing, "no authorizer names a provider", help);
            }
            Some(authorizer) => {
                let provider = authorizer.provider.as_ref();
                if provider.is_some_and(|of| of.sealing_key.or(of.client.secret).is_none()) {
                    let help = advice("give the authorizer a \"client_secret\" or a \"sealing_key\"");
                    let help = help.about([CLIENT_SECRET.name, SEALING_KEY.name]);
                    needs(Code::MissingKey, "no key seals the codes of clients", help);
                }
            }
        }
        let login = logins.login.clone()?;
        let (issuer, _) = written.issuer.as_ref()?;
        let by_default = || match &login.provider.endpoints {
            Some(_) => ResourceParameter::Audience,
            None => ResourceParameter::Resource,
        };
        Some(Self(AuthorizationServer {
            issuer: issuer.to_text()?,
            redirect_uris: written.redirect_uris.clone()?,
            scopes: written.scopes.clone(),
            resource_parameter: written.resource_parameter.unwrap_or_else(|| Some(by_default()))?,
            scope_prefix: written.scope_prefix.clone()?,
            resources: Vec::new(),
            login,
        }))
    }

    /// Returns the issuer that stands before another one, if that is the provider's.
    pub fn issuer_before(&self, issuer: &str) -> Option<&str> {
        self.0.login.provider.authorizer.accepts_issuer(issuer).then_some(&*self.0.issuer)
    }

    /// Adds a resource with the hosts that it is published under.
    pub fn add(&mut self, resource: &ProtectedResource, hosts: Vec<Host>) {
        let scopes = resource.scopes().map(str::to_owned).collect();
        let (identifier, path) = (resource.resource.clone(), resource.path_of_resource().to_owned());
        self.0.resources.push(FrontedResource { identifier, path, hosts, scopes });
    }

    /// Returns the paths that it answers, and reports if there is no resource, or if a path of the config has one of them.
    pub fn paths(
        self,
        written: &WrittenAuthorizationServer<'_>,
        paths: &[ResolvedPath],
        findings: &mut Findings<'_>,
    ) -> Vec<ResolvedPath> {
        let place = root::AUTHORIZATION_SERVER.at(&Place::Root);
        if self.0.resources.is_empty() {
            let message = format_args!("no protected resource takes tokens of its provider");
            let help = advice("add \"protected_resource\": true to the paths that clients log people in for");
            findings.note(written.offset, &place, Code::MissingKey, message, help);
        }
        let Some((host, _)) = written.place() else { return Vec::new() };
        let metadata = metadata(&self.0);
        let server = Rc::new(self.0);
        let answers = written.answers();
        let mut added = Vec::with_capacity(answers.len());
        for (endpoint, path, method) in answers {
            let Ok(pattern) = Pattern::parse(&path) else { continue };
            let integration = match endpoint {
                Some(endpoint) => Integration::AuthorizationServer(Rc::clone(&server), endpoint),
                None => Integration::Fixed(Rc::clone(&metadata)),
            };
            let is_page = matches!(endpoint, Some(Endpoint::Authorization | Endpoint::Callback));
            let (method, host) = (MethodRule::Exact(method), host.clone());
            let route = RouteSpec { method, host, pattern, encoded_slashes: false, guard: Guard::default() };
            if note_taken(&route, written.offset, paths, findings) {
                continue;
            }
            let path = Path {
                // The pages set and read a cookie, so no other site may read them; the rest knows of none.
                cors: Some(if is_page { cors(AllowedOrigins::Listed(Vec::new())) } else { cors(AllowedOrigins::Any) }),
                rules: Rules {
                    rate_limit: written.rate_limit.clone().filter(|_| endpoint.is_some()),
                    ..Rules::default()
                },
                ..Path::open(integration)
            };
            added.push(ResolvedPath {
                index: None,
                part: Part::AuthorizationServer,
                offset: written.offset,
                shown: Some(route.name()),
                path: Some(path),
                route: Some(route),
            });
        }
        added
    }
}

fn cors(origins: AllowedOrigins) -> Cors {
    let (methods, headers, expose_headers) = (None, None, String::new());
    Cors { origins, methods, headers, expose_headers, credentials: false, max_age_secs: PREFLIGHT_SECS }
}

/// Returns the metadata (RFC 8414 section 2).
fn metadata(server: &AuthorizationServer) -> Rc<Fixed> {
    let mut scopes: Vec<&str> = server.scopes.iter().map(String::as_str).collect();
    for resource in &server.resources {
        for scope in &resource.scopes {
            if !scopes.contains(&scope.as_str()) {
                scopes.push(scope);
            }
        }
    }
    let url = |endpoint| Value::from(server.url_of(endpoint));
    let list = |names: &[&str]| Value::from(names.to_vec());
    let body = json::object(&mut [
        ("issuer", server.issuer.as_str().into()),
        ("authorization_endpoint", url(Endpoint::Authorization)),
        ("token_endpoint", url(Endpoint::Token)),
        ("registration_endpoint", url(Endpoint::Registration)),
        ("revocation_endpoint", url(Endpoint::Revocation)),
        ("scopes_supported", list(&scopes)),
        ("response_types_supported", list(&["code"])),
        ("response_modes_supported", list(&["query"])),
        ("grant_types_supported", list(&["authorization_code", "refresh_token"])),
        ("token_endpoint_auth_methods_supported", list(&["none"])),
        ("revocation_endpoint_auth_methods_supported", list(&["none"])),
        ("code_challenge_methods_supported", list(&["S256"])),
        ("authorization_response_iss_parameter_supported", true.into()),
        ("client_id_metadata_document_supported", false.into()),
    ]);
    let headers = vec![("content-type".to_owned(), "application/json".to_owned())];
    Rc::new(Fixed { status: 200, headers, body: Some(body.to_text()) })
}

/// Reports it if a path of the config takes requests for a route; on the host, because in the Worker the route goes first.
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

#[cfg(target_os = "unknown")]
fn note_taken(_: &RouteSpec, _: usize, _: &[ResolvedPath], _: &mut Findings<'_>) -> bool {
    false
}
