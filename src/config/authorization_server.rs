//! The `authorization_server` section: the gateway stands before a provider that registers no clients (RFC 8414, RFC 7591).
//!
//! It does **not** know which resources there are; `resolve` gives it those of its provider.

use std::rc::Rc;

use super::access::{NOT_A_SCOPE, is_scope, read_names};
use super::address::{Scheme, read_url};
use super::code::Code;
use super::document::{Node, Origin, Value};
use super::login::Login;
use super::reader::{Findings, Help, ObjectReader, Place, Written, advice, host_help};
use super::root;
use super::rules::{RateLimit, read_rate_limit};
use super::section::section;
use super::token_target::TokenTarget;
use crate::address::Address;
#[cfg(not(target_os = "unknown"))]
use crate::config::path::keys::RATE_LIMIT;
#[cfg(not(target_os = "unknown"))]
use crate::route::MethodRule;
use crate::route::{Host, Method, Pattern};

/// The well-known name of the metadata (RFC 8414 section 3).
const WELL_KNOWN: &str = "/.well-known/oauth-authorization-server";

/// Scopes that are not of a resource, and so have no prefix (OpenID Connect Core sections 5.4 and 11).
const OPENID_SCOPES: [&str; 6] = ["openid", "profile", "email", "address", "phone", "offline_access"];

/// The gateway as the authorization server of clients that the provider does not know.
pub struct AuthorizationServer {
    /// Its issuer identifier, without a slash at its end.
    pub issuer: String,
    /// The client at the provider, and the secret that seals what clients hold.
    pub login: Rc<Login>,
    /// Where clients may get their codes, as the config has them.
    pub redirect_uris: Vec<String>,
    /// Scopes that clients may request, besides those of a resource.
    pub scopes: Vec<String>,
    /// How the provider is told for which resource a token is.
    pub resource_parameter: ResourceParameter,
    /// What is put before a scope of a resource.
    pub scope_prefix: String,
    /// The resources that the provider issues tokens for.
    pub resources: Vec<FrontedResource>,
}

impl AuthorizationServer {
    /// Returns the address of an endpoint.
    pub fn url_of(&self, endpoint: Endpoint) -> String {
        [&self.issuer, endpoint.path()].concat()
    }

    /// Finds the resource that a client names, and returns its identifier as the metadata has it, and its scopes. Of clients, some write a slash
    /// at its end and some do not.
    pub fn resource<'r>(&'r self, named: &'r str) -> Option<(&'r str, &'r [String])> {
        let bare = |text: &'r str| text.strip_suffix('/').unwrap_or(text);
        self.resources.iter().find_map(|resource| {
            let found = match &resource.identifier {
                Some(identifier) => (bare(identifier) == bare(named)).then_some(identifier.as_str()),
                None => resource.is_at(bare(named), &self.issuer).then_some(bare(named)),
            };
            Some((found?, resource.scopes.as_slice()))
        })
    }

    /// Returns the text of what tokens for a resource are requested for; `None` if the provider is not told.
    pub fn target(&self, resource: &str) -> Option<String> {
        let parameter = match self.resource_parameter {
            ResourceParameter::Resource => "resource",
            ResourceParameter::Audience => "audience",
            ResourceParameter::None => return None,
        };
        Some(TokenTarget { parameter, value: resource, scope: "", audience: resource }.to_text())
    }

    /// Returns scopes as the provider has them.
    pub fn scopes_at_provider(&self, scopes: &str) -> String {
        let mut text = String::new();
        for scope in scopes.split(' ').filter(|scope| !scope.is_empty()) {
            if !text.is_empty() {
                text.push(' ');
            }
            if !OPENID_SCOPES.contains(&scope) && !scope.starts_with(&self.scope_prefix) {
                text.push_str(&self.scope_prefix);
            }
            text.push_str(scope);
        }
        text
    }
}

/// How the provider is told for which resource a token is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ResourceParameter {
    /// By `resource` (RFC 8707).
    Resource,
    /// By `audience`, as at Auth0.
    Audience,
    /// Only by the scopes, as at Entra ID.
    None,
}

impl ResourceParameter {
    /// Each by its name.
    const NAMES: [(&'static str, Self); 3] =
        [("resource", Self::Resource), ("audience", Self::Audience), ("none", Self::None)];
}

/// A resource that clients may get tokens for.
pub struct FrontedResource {
    /// Its identifier, if the config has it.
    pub identifier: Option<String>,
    /// Its path otherwise, without a slash at its end.
    pub path: String,
    /// The hosts that it is published under.
    pub hosts: Vec<Host>,
    /// The scopes that clients may request.
    pub scopes: Vec<String>,
}

impl FrontedResource {
    /// Checks whether an address is that of its path, under one of its hosts or, if it has every name, at the issuer's.
    fn is_at(&self, address: &str, issuer: &str) -> bool {
        let Some((scheme, host, path)) = parts(address) else { return false };
        let Some((own_scheme, own_host, _)) = parts(issuer) else { return false };
        let (name, port) = host.split_once(':').unwrap_or((host, ""));
        let own_port = own_host.split_once(':').unwrap_or_default().1;
        let is_of = |published: &Host| match published.as_str() {
            "" => host == own_host,
            _ => port == own_port && published.has(name),
        };
        path == self.path && scheme == own_scheme && self.hosts.iter().any(is_of)
    }
}

/// Returns the scheme, the host with its port, and the path of an address that has nothing else.
fn parts(address: &str) -> Option<(&str, &str, &str)> {
    let (scheme, rest) = address.split_once("://")?;
    let (host, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    Some((scheme, host, path))
}

/// An endpoint of the authorization server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Endpoint {
    /// Where people are asked whether a client may have tokens, and where their answer goes (RFC 6749 section 3.1).
    Authorization,
    /// Where the provider leads browsers back to.
    Callback,
    /// The token endpoint (RFC 6749 section 3.2).
    Token,
    /// The registration endpoint (RFC 7591).
    Registration,
    /// The revocation endpoint (RFC 7009).
    Revocation,
}

impl Endpoint {
    /// Returns its path below that of the issuer. Clients that find no metadata look for the first, third and fourth at these.
    pub const fn path(self) -> &'static str {
        match self {
            Self::Authorization => "/authorize",
            Self::Callback => "/callback",
            Self::Token => "/token",
            Self::Registration => "/register",
            Self::Revocation => "/revoke",
        }
    }
}

/// The section as it is written.
#[derive(Clone)]
pub(crate) struct WrittenAuthorizationServer<'n> {
    /// The issuer, if it is known here: its text and its address.
    pub issuer: Option<(Written<'n>, Address)>,
    /// The redirect addresses; `None` if one of them is wrong, or not known here.
    pub redirect_uris: Option<Vec<String>>,
    /// The scopes.
    pub scopes: Vec<String>,
    /// How the provider is told of the resource: `None` if it is not written, and `Some(None)` if that is not known here.
    pub resource_parameter: Option<Option<ResourceParameter>>,
    /// What is put before scopes, if it is known here.
    pub scope_prefix: Option<String>,
    /// How often the endpoints may be called.
    pub rate_limit: Option<RateLimit>,
    /// Byte offset of the section.
    pub offset: usize,
}

impl WrittenAuthorizationServer<'_> {
    /// Returns the host of the issuer, and the path that its endpoints are below; `None` if that is not known here.
    pub fn place(&self) -> Option<(Host, &str)> {
        let (_, url) = self.issuer.as_ref()?;
        let host = Host::parse(url.host_and_port().split(':').next()?)?;
        Some((host, url.path().trim_end_matches('/')))
    }

    /// Returns what it answers, each with its path and method; the metadata is of no endpoint. None if its place is not known here.
    pub fn answers(&self) -> Vec<(Option<Endpoint>, String, Method)> {
        let Some((_, path)) = self.place() else { return Vec::new() };
        let mut answers = Vec::new();
        for (endpoint, method) in [
            (Endpoint::Authorization, Method::Get),
            (Endpoint::Authorization, Method::Post),
            (Endpoint::Callback, Method::Get),
            (Endpoint::Token, Method::Post),
            (Endpoint::Registration, Method::Post),
            (Endpoint::Revocation, Method::Post),
        ] {
            answers.push((Some(endpoint), [path, endpoint.path()].concat(), method));
        }
        answers.push((None, [WELL_KNOWN, path].concat(), Method::Get));
        if !path.is_empty() {
            // Some clients look for it below the path.
            answers.push((None, [path, WELL_KNOWN].concat(), Method::Get));
        }
        answers
    }

    /// Returns the routes of these.
    #[cfg(not(target_os = "unknown"))]
    pub fn routes(&self) -> Vec<(MethodRule, Host, Pattern)> {
        let host = self.place().map(|(host, _)| host).unwrap_or_default();
        let answers = self.answers().into_iter();
        answers
            .filter_map(|(_, path, method)| {
                Some((MethodRule::Exact(method), host.clone(), Pattern::parse(&path).ok()?))
            })
            .collect()
    }
}

/// Reads the section; `None` if there is none.
pub(super) fn read_authorization_server<'n>(
    root: &mut ObjectReader<'n, '_>,
    findings: &mut Findings<'_>,
) -> Option<WrittenAuthorizationServer<'n>> {
    let node = root.node(&root::AUTHORIZATION_SERVER)?;
    let place = root::AUTHORIZATION_SERVER.at(root.place());
    let mut object = ObjectReader::open(node, &place, findings)?;
    let issuer = object.text(&ISSUER, findings).and_then(|written| read_issuer(written, &ISSUER.at(&place), findings));
    let redirect_uris = read_redirect_uris(&mut object, findings);
    let scopes = read_names(&mut object, &SCOPES, NOT_A_SCOPE, findings);
    let resource_parameter = object.choice(&RESOURCE_PARAMETER, findings).map(|(_, chosen)| chosen);
    let scope_prefix = match object.text(&SCOPE_PREFIX, findings) {
        None => Some(String::new()),
        Some(written) => {
            if written.value().is_some_and(|text| !is_scope(text)) {
                let help = advice("write it as the provider has it, as in api://orders/");
                findings.refuse(&written, &SCOPE_PREFIX.at(&place), Code::InvalidName, NOT_A_SCOPE, help);
            }
            written.to_text()
        }
    };
    let rate_limit = read_rate_limit(&mut object, false, findings);
    object.finish(findings);
    let offset = node.offset;
    Some(WrittenAuthorizationServer {
        issuer,
        redirect_uris,
        scopes,
        resource_parameter,
        scope_prefix,
        rate_limit,
        offset,
    })
}

/// Reads the issuer, below whose path there are literal paths of the gateway.
fn read_issuer<'n>(
    written: Written<'n>,
    place: &Place<'_>,
    findings: &mut Findings<'_>,
) -> Option<(Written<'n>, Address)> {
    let url = read_url(&written, Scheme::Https, place, findings)?;
    let as_clients_have_it = [&url.origin(), url.path().trim_end_matches('/')].concat();
    let is_of_routes = Pattern::parse(&[url.path().trim_end_matches('/'), "/token"].concat())
        .is_ok_and(|pattern| pattern.literal().is_some());
    let has_name = url.host_and_port().split(':').next().is_some_and(|name| Host::parse(name).is_some());
    if written.value() != Some(&as_clients_have_it) || !is_of_routes || !has_name {
        let help = host_help(|| {
            match written.text.origin {
            Origin::File if is_of_routes && has_name => format!("write \"{as_clients_have_it}\""),
            _ => "write scheme and host of the gateway, as in https://mcp.example.com, and a path if need be; no slash at the end".to_owned(),
        }
        });
        findings.refuse(&written, place, Code::InvalidUrl, "is not an issuer of the gateway", help);
        return None;
    }
    Some((written, url))
}

/// Reads where clients may get their codes.
fn read_redirect_uris(object: &mut ObjectReader<'_, '_>, findings: &mut Findings<'_>) -> Option<Vec<String>> {
    let place = REDIRECT_URIS.at(object.place());
    let listed = object.texts(&REDIRECT_URIS, findings);
    if let Some(Node { value: Value::Array(items), offset }) = object.node(&REDIRECT_URIS)
        && items.is_empty()
    {
        let help =
            advice("list the addresses of the clients that people use, as in https://claude.ai/api/mcp/auth_callback");
        findings.note(*offset, &place, Code::EmptyList, format_args!("no client could get a code"), help);
    }
    let mut uris = Some(Vec::new());
    for (index, written) in listed.iter().enumerate() {
        let read = read_redirect_uri(written, &Place::Index(&place, index), findings);
        match (&mut uris, read) {
            (Some(uris), Some(uri)) => uris.push(uri),
            _ => uris = None,
        }
    }
    uris
}

/// Reads an address as clients have it: they are compared character by character (RFC 9700 section 2.1).
fn read_redirect_uri(written: &Written<'_>, place: &Place<'_>, findings: &mut Findings<'_>) -> Option<String> {
    let text = written.value()?;
    if text.as_bytes().contains(&b'*') {
        let help = advice("list each address; of http://127.0.0.1, http://[::1] and http://localhost any port matches");
        findings.refuse(written, place, Code::InvalidUrl, "has a star, and addresses are compared as a whole", help);
        return None;
    }
    let url = read_url(written, Scheme::HttpsOrNative, place, findings)?;
    // Two parsers may write an address differently, so only one of them compares.
    if cfg!(not(target_os = "unknown")) && url.as_str().trim_end_matches('/') != text.trim_end_matches('/') {
        let help = match written.text.origin {
            Origin::File => host_help(|| format!("write \"{}\"", url.as_str())),
            Origin::Env | Origin::Secret => Help::default(),
        };
        findings.refuse(
            written,
            place,
            Code::InvalidUrl,
            "is not as addresses are written, and no client sends it",
            help,
        );
    }
    Some(text.to_owned())
}

section! {
    Section::new(
        "authorization_server",
        "authorization_server",
        "Lets clients log people in at a provider that registers no clients, such as MCP clients: the gateway is their \
         authorization server, and at the provider there is one client, that of the first authorizer of type `auth0` or \
         `oidc`. Metadata of resources at the provider name the gateway instead. See [Clients that the provider does not \
         know](tokens.md#clients-that-the-provider-does-not-know).\n\nThe gateway serves the metadata (RFC 8414) and, below \
         `issuer`, `/authorize`, `/callback`, `/token`, `/register` and `/revoke`. At the provider, register \
         `/callback` as the redirect address. People are asked each time whether a client may have tokens.",
    )
        .example(
            r#"{
                    "authorizer": {
                        "type": "oidc",
                        "issuer": "https://id.example.com",
                        "client_id": "$env.CLIENT_ID",
                        "client_secret": "$secret.CLIENT_SECRET",
                        "audience": "https://mcp.example.com/orders"
                    },
                    "authorization_server": {
                        "issuer": "https://mcp.example.com",
                        "redirect_uris": ["https://claude.ai/api/mcp/auth_callback", "http://127.0.0.1/callback"],
                        "scopes": ["offline_access"]
                    },
                    "paths": [
                        { "method": "POST", "path": "/orders", "auth": { "scopes": ["read:orders"] }, "protected_resource": true, "response": [] }
                    ]
                }"#,
        );

    ISSUER: Text = text("issuer", HttpsUrl).required(), Different("tells clients to log in elsewhere"),
        "The address by which clients know the authorization server: scheme and host of the gateway, and a path if its \
         endpoints are to be below one. Without a slash at the end.",
        example("https://mcp.example.com");
    REDIRECT_URIS: Texts = texts("redirect_uris", RedirectUri).required(), Wider("gives codes for tokens to clients at"),
        "Where clients may get their codes, each compared as a whole. Of `http://127.0.0.1`, `http://[::1]` and \
         `http://localhost` any port matches (RFC 8252 section 7.3).",
        shape(Shape::List(Box::new(Shape::Text(Form::RedirectUri)), 1)),
        example(list!["https://claude.ai/api/mcp/auth_callback", "http://127.0.0.1/callback"]);
    SCOPES: Texts = texts("scopes", Scope), Wider("lets clients request the scope"),
        "Scopes that clients may request besides those of the resource, and that are requested for a client that names \
         none. With `offline_access` most providers give refresh tokens.",
        example(list!["offline_access"]);
    RESOURCE_PARAMETER: Choice<ResourceParameter> = choice("resource_parameter", &ResourceParameter::NAMES),
        Different("requests tokens for a resource in another way"),
        "How the provider is told for which resource a token is: by `resource` (RFC 8707), by `audience`, or by nothing \
         but the scopes (`none`).",
        default_words("`audience` for `auth0`, `resource` for `oidc`"), example("resource");
    SCOPE_PREFIX: Text = text("scope_prefix", Scope), Different("requests other scopes"),
        "What the provider has before the scopes of a resource, and its tokens have not, such as `api://orders/` at \
         Entra ID. It is not put before `openid`, `profile`, `email`, `address`, `phone` and `offline_access`.",
        example("api://orders/");
    RATE_LIMIT, Elsewhere,
        "How often the endpoints may be called, each counted by itself. See [rate_limit](#rate_limit).",
        shape(Shape::Section("rate_limit")), example(object! { "limit": 60_u32, "key": "ip" });
}
