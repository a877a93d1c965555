//! The gateway as an authorization server: what it needs of other sections, and the paths that it answers.

use std::rc::Rc;

use serde_json::Value;

use super::login::Logins;
use super::path::{Part, ResolvedPath};
use crate::config::authorization_server::{
    AuthorizationServer, Endpoint, ResourceParameter, WrittenAuthorizationServer,
};
use crate::config::client::CLIENT_SECRET;
use crate::config::code::Code;
use crate::config::cors::{AllowedOrigins, Cors};
use crate::config::integration::Integration;
use crate::config::login::{Login, Provider};
use crate::config::path::Path;
use crate::config::protected_resource::{ProtectedResource, SCOPES_SUPPORTED};
use crate::config::provider::SEALING_KEY;
use crate::config::reader::{Findings, Place, advice};
use crate::config::root;
use crate::config::rules::Rules;
use crate::json::{self, ToText as _};
use crate::route::Host;
#[cfg(not(target_os = "unknown"))]
use crate::route::{MethodRule, RouteSpec};

/// How long a page of another origin need not ask again whether it may call, in seconds.
const PREFLIGHT_SECS: u32 = 600;

/// The authorization server, before all paths are known.
pub(super) struct Front {
    login: Rc<Login>,
    issuer: String,
    resource_parameter: ResourceParameter,
    resources: Vec<Value>,
}

impl Front {
    /// Returns it, and reports what it lacks; `None` if a part of it is wrong, or not known here.
    pub fn of(
        written: &WrittenAuthorizationServer<'_>,
        logins: &Logins<'_>,
        findings: &mut Findings<'_>,
    ) -> Option<Self> {
        let place = root::AUTHORIZATION_SERVER.at(&Place::Root);
        let provider = logins.authorizer.map(|authorizer| authorizer.provider.as_ref());
        let lacking = match provider {
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
            findings.note(written.offset, &place, code, format_args!("{message}"), help);
        }
        let login = logins.login.clone()?;
        let (issuer, _) = written.issuer.as_ref()?;
        let by_default = match &login.provider.endpoints {
            Some(_) => ResourceParameter::Audience,
            None => ResourceParameter::Resource,
        };
        Some(Self {
            issuer: issuer.to_text()?,
            resource_parameter: written.resource_parameter.unwrap_or(Some(by_default))?,
            resources: Vec::new(),
            login,
        })
    }

    /// Returns the issuer that stands before another one, if that is the provider's.
    pub fn issuer_before(&self, issuer: &str) -> Option<&str> {
        self.login.provider.authorizer.accepts_issuer(issuer).then_some(&*self.issuer)
    }

    /// Adds a resource with the hosts that it is published under.
    pub fn add(&mut self, resource: &ProtectedResource, hosts: &[Host]) {
        let scopes = resource.metadata.get(SCOPES_SUPPORTED).cloned().unwrap_or_else(|| Vec::<Value>::new().into());
        self.resources.push(json::object(&mut [
            ("identifier", resource.resource.as_deref().into()),
            ("path", resource.path_of_resource().into()),
            ("hosts", texts(hosts.iter().map(Host::as_str))),
            ("scopes", scopes),
        ]));
    }

    /// Returns the paths that it answers, and reports if there is no resource, or if a path of the config has one of them; `None` if a
    /// part of it is wrong, or not known here.
    pub fn paths(
        self,
        written: &WrittenAuthorizationServer<'_>,
        paths: &[ResolvedPath],
        findings: &mut Findings<'_>,
    ) -> Option<Vec<ResolvedPath>> {
        if self.resources.is_empty() {
            let place = root::AUTHORIZATION_SERVER.at(&Place::Root);
            let message = format_args!("no protected resource takes tokens of its provider");
            let help = advice("add \"protected_resource\": true to the paths that clients log people in for");
            findings.note(written.offset, &place, Code::MissingKey, message, help);
        }
        let Self { login, issuer, resource_parameter, resources } = self;
        let settings = settings(written, &login.provider, issuer, resource_parameter, resources)?;
        let server = Rc::new(AuthorizationServer { settings, login, resource_parameter });
        let mut added = Vec::new();
        for (endpoint, route) in written.routes() {
            #[cfg(not(target_os = "unknown"))]
            if note_taken(&route, written.offset, paths, findings) {
                continue;
            }
            // The pages set and read a cookie, so no other site may read them; the rest knows of none.
            let origins = if endpoint.is_page() { AllowedOrigins::Listed(Vec::new()) } else { AllowedOrigins::Any };
            let (methods, headers, expose_headers) = (None, None, String::new());
            let rate_limit = written.rate_limit.clone().filter(|_| endpoint != Endpoint::Metadata);
            let path = Path {
                cors: Some(Cors {
                    origins,
                    methods,
                    headers,
                    expose_headers,
                    credentials: false,
                    max_age_secs: PREFLIGHT_SECS,
                }),
                rules: Rules { rate_limit, ..Rules::default() },
                ..Path::open(Integration::AuthorizationServer(Rc::clone(&server), endpoint))
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
        #[cfg(target_os = "unknown")]
        let _ = paths;
        Some(added)
    }
}

/// Returns what decides about clients, as JSON.
fn settings(
    written: &WrittenAuthorizationServer<'_>,
    provider: &Provider,
    issuer: String,
    parameter: ResourceParameter,
    resources: Vec<Value>,
) -> Option<String> {
    // Those of logins are for another resource.
    let own = provider.parameters.iter().filter(|(name, _)| !matches!(&**name, "scope" | "audience" | "resource"));
    let own: Vec<Value> = own.map(|(name, value)| texts([name, value].into_iter().map(String::as_str))).collect();
    // What the config says is not for a client to change.
    let passed = provider.client_parameters.iter().filter(|name| provider.parameter(name).is_none());
    let strings = |list: &[String]| texts(list.iter().map(String::as_str));
    let settings = json::object(&mut [
        ("issuer", issuer.into()),
        ("client", provider.client.id.as_str().into()),
        ("uris", strings(written.redirect_uris.as_deref()?)),
        ("scopes", strings(&written.scopes)),
        ("parameter", parameter.name().unwrap_or_default().into()),
        ("prefix", written.scope_prefix.as_deref()?.into()),
        ("own", own.into()),
        ("passed", texts(passed.map(String::as_str))),
        ("resources", resources.into()),
    ]);
    Some(settings.to_text())
}

fn texts<'t>(texts: impl Iterator<Item = &'t str>) -> Value {
    Value::Array(texts.map(Value::from).collect())
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
