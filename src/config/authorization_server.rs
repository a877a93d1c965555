//! The `authorization_server` section: the gateway stands before a provider that registers no clients (RFC 8414, RFC 7591).
//!
//! It does **not** know which resources there are; `resolve` gives it those of its provider.

use std::rc::Rc;

use super::address::{Scheme, read_url};
use super::code::Code;
use super::document::{Node, Origin, Value};
use super::login::Login;
use super::reader::{Findings, Help, ObjectReader, Place, Written, advice, host_help};
use super::root;
use super::rules::{RateLimit, read_rate_limit};
use super::scopes::{NOT_A_SCOPE, is_scope, read_names};
use super::section::section;
use crate::address::Address;
#[cfg(not(target_os = "unknown"))]
use crate::config::path::keys::RATE_LIMIT;
use crate::route::{Guard, Host, Method, MethodRule, Pattern, RouteSpec};
use crate::split::without_last;

/// The well-known name of the metadata (RFC 8414 section 3).
const WELL_KNOWN: &str = "/.well-known/oauth-authorization-server";

/// The gateway as the authorization server of clients that the provider does not know.
pub struct AuthorizationServer {
    /// The section as JSON, which `edge/integrations/authorization_server.js` reads.
    pub section: String,
    /// The client at the provider, and the secret that seals what clients hold.
    pub login: Rc<Login>,
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
    /// Its metadata (RFC 8414).
    Metadata,
}

impl Endpoint {
    /// Returns its path below that of the issuer; clients that find no metadata look for some at these. The metadata has its own.
    pub const fn path(self) -> &'static str {
        match self {
            Self::Authorization => "/authorize",
            Self::Callback => "/callback",
            Self::Token => "/token",
            Self::Registration => "/register",
            Self::Revocation => "/revoke",
            Self::Metadata => "",
        }
    }

    /// Checks whether browsers come to it.
    pub const fn is_page(self) -> bool {
        matches!(self, Self::Authorization | Self::Callback)
    }
}

/// The section as it is written.
#[derive(Clone)]
pub(crate) struct WrittenAuthorizationServer<'n> {
    /// The issuer, if it is known here: its text and its address.
    pub issuer: Option<(Written<'n>, Address)>,
    /// How often the endpoints may be called.
    pub rate_limit: Option<RateLimit>,
    /// The section.
    pub node: &'n Node<'n>,
}

impl WrittenAuthorizationServer<'_> {
    /// Returns the host of the issuer, and the path that its endpoints are below; `None` if that is not known here.
    pub fn place(&self) -> Option<(Host, &str)> {
        let (_, url) = self.issuer.as_ref()?;
        let host = Host::parse(url.host_and_port().split(':').next()?)?;
        Some((host, without_last(url.path(), b'/')))
    }

    /// Returns its endpoints, each with its route; none if its place is not known here.
    pub fn routes(&self) -> Vec<(Endpoint, RouteSpec)> {
        let Some((host, path)) = self.place() else { return Vec::new() };
        let mut routes = Vec::new();
        for (endpoint, method) in [
            (Endpoint::Authorization, Method::Get),
            (Endpoint::Authorization, Method::Post),
            (Endpoint::Callback, Method::Get),
            (Endpoint::Token, Method::Post),
            (Endpoint::Registration, Method::Post),
            (Endpoint::Revocation, Method::Post),
            (Endpoint::Metadata, Method::Get),
        ] {
            let text = match endpoint {
                Endpoint::Metadata => [WELL_KNOWN, path].concat(),
                _ => [path, endpoint.path()].concat(),
            };
            if let Ok(pattern) = Pattern::parse(&text) {
                let (method, host, guard) = (MethodRule::Exact(method), host.clone(), Guard::default());
                routes.push((endpoint, RouteSpec { method, host, pattern, encoded_slashes: false, guard }));
            }
        }
        routes
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
    read_redirect_uris(&mut object, findings);
    read_names(&mut object, &SCOPES, NOT_A_SCOPE, findings);
    object.choice(&RESOURCE_PARAMETER, findings);
    let prefix = object.text(&SCOPE_PREFIX, findings);
    if let Some(written) = prefix.filter(|_| cfg!(not(target_os = "unknown")))
        && written.value().is_some_and(|text| !is_scope(text))
    {
        let help = advice("write it as the provider has it, as in api://orders/");
        findings.refuse(&written, &SCOPE_PREFIX.at(&place), Code::InvalidName, NOT_A_SCOPE, help);
    }
    let rate_limit = read_rate_limit(&mut object, false, findings);
    object.finish(findings);
    Some(WrittenAuthorizationServer { issuer, rate_limit, node })
}

/// Reads the issuer, below whose path there are literal paths of the gateway.
fn read_issuer<'n>(
    written: Written<'n>,
    place: &Place<'_>,
    findings: &mut Findings<'_>,
) -> Option<(Written<'n>, Address)> {
    let url = read_url(&written, Scheme::Https, place, findings)?;
    if cfg!(target_os = "unknown") {
        return Some((written, url));
    }
    let as_clients_have_it = [&url.origin(), without_last(url.path(), b'/')].concat();
    let is_of_routes = Pattern::parse(&[without_last(url.path(), b'/'), "/token"].concat())
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
fn read_redirect_uris(object: &mut ObjectReader<'_, '_>, findings: &mut Findings<'_>) {
    let place = REDIRECT_URIS.at(object.place());
    let listed = object.texts(&REDIRECT_URIS, findings);
    for (index, written) in listed.iter().enumerate() {
        read_redirect_uri(written, &Place::Index(&place, index), findings);
    }
    if cfg!(not(target_os = "unknown"))
        && let Some(Node { value: Value::Array(items), offset }) = object.node(&REDIRECT_URIS)
        && items.is_empty()
    {
        let help =
            advice("list the addresses of the clients that people use, as in https://claude.ai/api/mcp/auth_callback");
        findings.note(*offset, &place, Code::EmptyList, format_args!("no client could get a code"), help);
    }
}

/// Reads an address as clients have it: they are compared character by character (RFC 9700 section 2.1).
fn read_redirect_uri(written: &Written<'_>, place: &Place<'_>, findings: &mut Findings<'_>) {
    let is_on_host = cfg!(not(target_os = "unknown"));
    let Some(text) = written.value() else { return };
    // In the Worker, it matches nothing.
    if is_on_host && text.as_bytes().contains(&b'*') {
        let help = advice("list each address; of http://127.0.0.1, http://[::1] and http://localhost any port matches");
        findings.refuse(written, place, Code::InvalidUrl, "has a star, and addresses are compared as a whole", help);
        return;
    }
    let url = read_url(written, Scheme::HttpsOrNative, place, findings);
    // Two parsers may write an address differently, so only one of them compares.
    if let Some(url) = url.filter(|url| is_on_host && without_last(url.as_str(), b'/') != without_last(text, b'/')) {
        let help = match written.text.origin {
            Origin::File => host_help(|| format!("write \"{}\"", url.as_str())),
            Origin::Env | Origin::Secret => Help::default(),
        };
        let wrong = "is not as addresses are written, and no client sends it";
        findings.refuse(written, place, Code::InvalidUrl, wrong, help);
    }
}

/// How the provider is told for which resource a token is, and whether by a parameter: `resource` (RFC 8707), `audience` as at Auth0, or only
/// by the scopes, as at Entra ID.
const RESOURCE_PARAMETERS: [(&str, bool); 3] = [("resource", true), ("audience", true), ("none", false)];

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
    RESOURCE_PARAMETER: Choice<bool> = choice("resource_parameter", &RESOURCE_PARAMETERS),
        Different("requests tokens for a resource in another way"),
        "How the provider is told for which resource a token is: by `resource` (RFC 8707), by `audience`, or by nothing \
         but the scopes (`none`).",
        default_words("`audience` for `auth0`, `resource` for `oidc`"), example("resource");
    SCOPE_PREFIX: Text = text("scope_prefix", Scope), Different("requests other scopes"),
        "What the provider has before the scopes of a resource, and its tokens have not, such as `api://orders/` at \
         Entra ID. It is not put before `openid`, `profile`, `email`, `address`, `phone` and `offline_access`.",
        example("api://orders/");
    RATE_LIMIT, Rule,
        "How often the endpoints may be called, each counted by itself. See [rate_limit](#rate_limit).",
        shape(Shape::Section("rate_limit")), example(object! { "limit": 60_u32, "key": "ip" });
}
