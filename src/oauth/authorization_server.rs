//! The gateway as the authorization server of clients that the provider does not know: what they may ask for, and what they hold.
//!
//! Nothing is stored. A client is known by its redirect address alone, which the config lists, and people are asked about it each time:
//! the provider would not ask about a client that it takes for the one it knows. What a client holds, a code or a refresh token, is
//! sealed with what its user agreed to.

use serde_json::{Map, Value};

use super::login::push_client_parameters;
use super::refresh::Fields;
use crate::config::{AuthorizationServer, Endpoint, TokenTarget};
use crate::encoding::FormText;
use crate::excerpt::shortened_name;
use crate::http::request::{RequestHead, with_query};
use crate::json::{self, ToText as _};
use crate::problem::{Problem, ProviderError, html_page};

/// The longest query of an authorization request, in bytes: it comes back with the user's answer, sealed, in a form.
const QUERY_MAX_BYTES: usize = 8 * 1024;

/// The longest `state` of a client, in bytes: it goes to the provider within an address.
const CLIENT_STATE_MAX_BYTES: usize = 1_024;

/// How long a question may stay open, in seconds.
pub const CONSENT_MAX_SECS: i64 = 10 * 60;

/// How long a code is valid, in seconds: no longer than RFC 6749 section 4.1.2 has it.
pub const CLIENT_CODE_MAX_SECS: i64 = 5 * 60;

/// Most redirect addresses of one registration.
const REDIRECT_URIS_MAX: usize = 32;

/// The length of a SHA-256 as base64url.
const CHALLENGE_CHARS: usize = 43;

/// The field of the page's form that has the sealed request.
const REQUEST: &str = "request";

/// The field that has the user's answer, and its value if the client may have tokens.
const DECISION: (&str, &str) = ("decision", "allow");

/// Errors of authorization responses that are passed on to clients (RFC 6749 section 4.1.2.1, OpenID Connect Core section 3.1.2.6).
const PASSED_ERRORS: [&str; 7] = [
    "access_denied",
    "invalid_scope",
    "invalid_target",
    "temporarily_unavailable",
    "login_required",
    "consent_required",
    "interaction_required",
];

/// What a client's authorization request asks for.
#[derive(Debug, PartialEq, Eq)]
pub struct ClientRequest {
    /// Where the client gets its code.
    pub redirect_uri: String,
    /// Its `state`; empty if it has none.
    pub state: String,
    /// Its PKCE challenge.
    pub challenge: String,
    /// The resource, as the metadata has it.
    pub resource: String,
    /// The scopes, with spaces between them.
    pub scope: String,
}

/// Why an authorization request is refused.
#[derive(Debug)]
pub enum Refused {
    /// It is not known whose it is, so nobody is redirected.
    Here(Problem),
    /// The client learns why, at this address.
    ToClient(String),
}

impl ClientRequest {
    /// Reads a request by its query.
    ///
    /// # Errors
    /// Why it is refused.
    pub fn read(server: &AuthorizationServer, query: &str) -> Result<Self, Refused> {
        if query.len() > QUERY_MAX_BYTES {
            return Err(Refused::Here(Problem::OAuthRequestInvalid("the query is too long")));
        }
        let fields = Fields::Form(query);
        let once = |name: &'static str| fields.get(name).ok_or(Refused::Here(Problem::OAuthRequestInvalid(name)));
        if once("client_id")? != server.login.provider.client.id {
            return Err(Refused::Here(Problem::ClientInvalid));
        }
        let redirect_uri = once("redirect_uri")?;
        if !is_listed(server, &redirect_uri) {
            return Err(Refused::Here(unlisted(&redirect_uri)));
        }
        // From here on, it is known who asks.
        let own_state = fields.get("state");
        let refuse = |error| {
            Refused::ToClient(error_location(server, &redirect_uri, own_state.as_deref().unwrap_or_default(), error))
        };
        let field = |name: &str| fields.get(name).ok_or_else(|| refuse("invalid_request"));
        let state = field("state")?;
        if state.len() > CLIENT_STATE_MAX_BYTES || !matches!(&*field("response_mode")?, "" | "query") {
            return Err(refuse("invalid_request"));
        }
        if !field("request")?.is_empty() {
            return Err(refuse("request_not_supported"));
        }
        if !field("request_uri")?.is_empty() {
            return Err(refuse("request_uri_not_supported"));
        }
        if field("response_type")? != "code" {
            return Err(refuse("unsupported_response_type"));
        }
        let challenge = field("code_challenge")?;
        // Without a method it would be the verifier itself (RFC 7636 section 4.3).
        if field("code_challenge_method")? != "S256" || !is_challenge(&challenge) {
            return Err(refuse("invalid_request"));
        }
        let named = fields.get("resource").ok_or_else(|| refuse("invalid_target"))?;
        let (resource, scopes) = server.resource(&named).ok_or_else(|| refuse("invalid_target"))?;
        let mut scope = field("scope")?;
        if scope.is_empty() {
            scope = server.scopes.join(" ");
        } else if !scope.split(' ').all(|one| scopes.iter().chain(&server.scopes).any(|known| known == one)) {
            return Err(refuse("invalid_scope"));
        }
        // Somebody has to be asked.
        if field("prompt")?.split(' ').any(|prompt| prompt == "none") {
            return Err(refuse("consent_required"));
        }
        Ok(Self { challenge, resource: resource.to_owned(), scope, state, redirect_uri })
    }

    /// Returns the address that tells the client that its user does not want it to have tokens.
    pub fn denied(&self, server: &AuthorizationServer) -> String {
        error_location(server, &self.redirect_uri, &self.state, "access_denied")
    }

    /// Returns the page that asks the user; `sealed` is the request as its form sends it back.
    pub fn page(&self, server: &AuthorizationServer, sealed: &str) -> String {
        let (who, host) = requester(&self.redirect_uri);
        let [of_scope, scope] =
            if self.scope.is_empty() { [""; 2] } else { ["</code>, with the scopes <code>", &self.scope] };
        let action = server.url_of(Endpoint::Authorization);
        html_page(
            "Allow access?",
            &[
                ("<p><strong>", who),
                (if host.is_empty() { "" } else { " " }, host),
                ("</strong> wants to act in your name at <code>", &self.resource),
                (of_scope, scope),
                (
                    "</code>.</p><p>Nobody has checked whose program this is. Allow it only if you have just begun this yourself. It gets its access at <code>",
                    &self.redirect_uri,
                ),
                ("</code>.</p><form method=\"post\" action=\"", &action),
                ("\"><input type=\"hidden\" name=\"", REQUEST),
                ("\" value=\"", sealed),
                ("\"><button name=\"", DECISION.0),
                ("\" value=\"", DECISION.1),
                ("\">Allow</button> <button name=\"", DECISION.0),
                ("\" value=\"deny\">Do not allow</button></form>", ""),
            ],
        )
    }

    /// Returns the authorization request to the provider, less its client: `passed` is the query of the client's own, of which those
    /// parameters go along that a client may choose.
    pub fn to_provider(&self, server: &AuthorizationServer, sealed_state: &str, passed: &str) -> String {
        let provider = &server.login.provider;
        let mut query = FormText::default();
        query
            .append_pair("response_type", "code")
            .append_pair("redirect_uri", &server.url_of(Endpoint::Callback))
            .append_pair("state", sealed_state)
            .append_pair("code_challenge", &self.challenge)
            .append_pair("code_challenge_method", "S256");
        let scope = server.scopes_at_provider(&self.scope);
        query.extend_pairs((!scope.is_empty()).then_some(("scope", &*scope)));
        let target = server.target(&self.resource);
        query.extend_pairs(
            target.as_deref().and_then(TokenTarget::parse).map(|target| (target.parameter, target.value)),
        );
        // Those of logins are for another resource.
        let own = provider.parameters.iter().filter(|(name, _)| !matches!(&**name, "scope" | "audience" | "resource"));
        query.extend_pairs(own);
        push_client_parameters(&mut query, provider, Some(passed), &|_| false);
        query.finish()
    }
}

/// Checks whether a browser opens the page or sends its form, and no script and no frame: for them it is not.
pub fn is_opened_by_browser(request: &impl RequestHead) -> bool {
    let says = |name: &str, wanted: &str| request.header(name).is_none_or(|value| value == wanted);
    says("sec-fetch-dest", "document") && (request.method() != "POST" || says("sec-fetch-site", "same-origin"))
}

/// Returns the sealed request and whether the user allows it, of the form that the page sends.
pub fn read_decision(form: &str) -> Option<(String, bool)> {
    let fields = Fields::Form(form);
    Some((fields.get(REQUEST)?, fields.get(DECISION.0)? == DECISION.1))
}

/// Returns the bytes to seal of a request at `now` (seconds since 1970).
pub fn asked_bytes(query: &str, now: i64) -> Vec<u8> {
    [&now.to_string(), "\n", query].concat().into_bytes()
}

/// Returns the query of a request that was sealed.
///
/// # Errors
/// [`Problem::StateExpired`] past [`CONSENT_MAX_SECS`], and [`Problem::StateInvalid`] if it is not one.
pub fn asked_query(bytes: Vec<u8>, now: i64) -> Result<String, Problem> {
    let text = String::from_utf8(bytes).ok();
    let parts = text.as_deref().and_then(|text| text.split_once('\n'));
    let parts = parts.and_then(|(at, query)| Some((at.parse::<i64>().ok()?, query)));
    let (at, query) = parts.ok_or_else(|| Problem::StateInvalid("no authorization request inside".into()))?;
    if now.saturating_sub(at) > CONSENT_MAX_SECS { Err(Problem::StateExpired) } else { Ok(query.to_owned()) }
}

/// Returns the associated data of what is sealed: it opens only as the same kind of thing, in the browser with this cookie if there is
/// one, and for this authorization server.
pub fn sealing_context(kind: &str, cookie: &str, server: &AuthorizationServer) -> Vec<u8> {
    [kind, cookie, &server.issuer].join("\n").into_bytes()
}

/// What a user has agreed to: with the browser at the provider, and then at the client with its code or refresh token.
#[derive(Clone)]
pub struct Agreed {
    /// Where the client gets its code.
    pub redirect_uri: String,
    /// The resource.
    pub resource: String,
    /// The PKCE challenge of the client.
    pub challenge: String,
    /// At the provider the `state` of the client; at the client the provider's code or refresh token.
    pub held: String,
    /// When it was made, in seconds since 1970.
    pub at: i64,
}

impl Agreed {
    /// Returns what a user agrees to by allowing a request at `now`.
    pub fn to(request: &ClientRequest, now: i64) -> Self {
        let ClientRequest { redirect_uri, resource, challenge, state, .. } = request;
        let [redirect_uri, resource, challenge, held] = [redirect_uri, resource, challenge, state].map(Clone::clone);
        Self { redirect_uri, resource, challenge, held, at: now }
    }

    /// Returns it with another thing that is held, at `now`.
    #[must_use]
    pub fn holding(self, held: &str, now: i64) -> Self {
        Self { held: held.to_owned(), at: now, ..self }
    }

    /// Returns the bytes to seal.
    pub fn to_bytes(&self) -> Vec<u8> {
        let members = &mut [
            ("u", self.redirect_uri.as_str().into()),
            ("r", self.resource.as_str().into()),
            ("c", self.challenge.as_str().into()),
            ("h", self.held.as_str().into()),
            ("t", self.at.into()),
        ];
        json::object(members).to_text().into_bytes()
    }

    /// Reads the bytes of an opened seal that is not older than `max_secs` at `now`; `None` if it is, or is not one, or if the config
    /// no longer lists the client or the resource.
    pub fn from_bytes(server: &AuthorizationServer, bytes: &[u8], max_secs: i64, now: i64) -> Option<Self> {
        let members = json::parse_object(bytes)?;
        let own = |key: &str| json::text(&members, key).map(str::to_owned);
        let at = members.get("t").and_then(Value::as_i64)?;
        let agreed = Self { redirect_uri: own("u")?, resource: own("r")?, challenge: own("c")?, held: own("h")?, at };
        let is_known = is_listed(server, &agreed.redirect_uri) && server.resource(&agreed.resource).is_some();
        (is_known && now.saturating_sub(at) <= max_secs).then_some(agreed)
    }

    /// Checks that a token request names the same resource, if it names one (RFC 8707 section 2.2).
    ///
    /// # Errors
    /// [`Problem::TargetInvalid`].
    pub fn check_resource(&self, server: &AuthorizationServer, fields: &Fields<'_>) -> Result<(), Problem> {
        let named = fields.get("resource").ok_or(Problem::TargetInvalid)?;
        if named.is_empty() || server.resource(&named).is_some_and(|(resource, _)| resource == self.resource) {
            return Ok(());
        }
        Err(Problem::TargetInvalid)
    }

    /// Returns the address that brings the client its code.
    pub fn location(&self, server: &AuthorizationServer, state: &str, code: &str) -> String {
        client_location(server, &self.redirect_uri, state, ("code", code))
    }

    /// Returns the address that brings the client an error of the provider's, without its words.
    pub fn error_location(&self, server: &AuthorizationServer, error: &str) -> String {
        let passed = PASSED_ERRORS.into_iter().find(|passed| *passed == error);
        error_location(server, &self.redirect_uri, &self.held, passed.unwrap_or("server_error"))
    }
}

/// Returns the problem of a code that the gateway did not give this client, or no longer takes.
pub fn refused_code(reason: &str) -> Problem {
    Problem::CodeInvalid(ProviderError::of_gateway(reason))
}

/// Returns the field of an OAuth request, an empty text if it is absent.
///
/// # Errors
/// [`Problem::OAuthRequestInvalid`] if it is there twice.
pub fn oauth_field(fields: &Fields<'_>, name: &'static str) -> Result<String, Problem> {
    fields.get(name).ok_or(Problem::OAuthRequestInvalid(name))
}

/// Registers a client (RFC 7591 section 3): returns the one that there is, if all of its redirect addresses are listed.
///
/// # Errors
/// [`Problem::ClientMetadataInvalid`] and [`Problem::RedirectUriInvalid`].
pub fn register(server: &AuthorizationServer, body: &str) -> Result<String, Problem> {
    let metadata = json::parse_object(body.as_bytes()).ok_or(Problem::ClientMetadataInvalid("not a JSON object"))?;
    let uris = metadata.get("redirect_uris").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    if uris.is_empty() || uris.len() > REDIRECT_URIS_MAX {
        return Err(Problem::ClientMetadataInvalid("redirect_uris"));
    }
    for uri in uris {
        let uri = uri.as_str().ok_or(Problem::ClientMetadataInvalid("redirect_uris"))?;
        if !is_listed(server, uri) {
            return Err(unlisted(uri));
        }
    }
    for (name, needed) in [("grant_types", "authorization_code"), ("response_types", "code")] {
        if !has_if_any(&metadata, name, needed) {
            return Err(Problem::ClientMetadataInvalid(name));
        }
    }
    let list = |names: &[&str]| Value::from(names.to_vec());
    let members = &mut [
        ("client_id", server.login.provider.client.id.as_str().into()),
        ("redirect_uris", uris.to_vec().into()),
        // It replaces what the client wanted (RFC 7591 section 3.2.1): it has no secret.
        ("token_endpoint_auth_method", "none".into()),
        ("grant_types", list(&["authorization_code", "refresh_token"])),
        ("response_types", list(&["code"])),
    ];
    Ok(json::object(members).to_text())
}

/// Checks whether a list of a client's metadata has a text, if the list is there.
fn has_if_any(metadata: &Map<String, Value>, name: &str, needed: &str) -> bool {
    match metadata.get(name) {
        None | Some(Value::Null) => true,
        Some(Value::Array(items)) => items.iter().any(|item| item == needed),
        Some(_) => false,
    }
}

/// Returns a failure as OAuth clients know it: the name of its error (RFC 6749 section 5.2, RFC 7591 section 3.2.2).
pub fn oauth_error(problem: &Problem) -> &'static str {
    match (problem, problem.status()) {
        (
            Problem::OAuthRequestInvalid(_)
            | Problem::ClientInvalid
            | Problem::RedirectUriInvalid(_)
            | Problem::ClientMetadataInvalid(_)
            | Problem::GrantTypeUnsupported
            | Problem::TargetInvalid,
            _,
        ) => problem.code(),
        (Problem::CodeInvalid(_) | Problem::RefreshTokenInvalid(_) | Problem::InteractionRequired(_), _) => {
            "invalid_grant"
        }
        (_, 429 | 503 | 504) => "temporarily_unavailable",
        (_, 500..) => "server_error",
        _ => "invalid_request",
    }
}

fn unlisted(redirect_uri: &str) -> Problem {
    Problem::RedirectUriInvalid(["not listed: ", &shortened_name(redirect_uri)].concat())
}

/// Checks whether a redirect address is one of the list, character by character (RFC 9700 section 2.1), except for the port of this
/// machine (RFC 8252 section 7.3).
fn is_listed(server: &AuthorizationServer, uri: &str) -> bool {
    let is_same = |listed: &String| {
        listed == uri || loopback_parts(listed).is_some_and(|listed| loopback_parts(uri) == Some(listed))
    };
    server.redirect_uris.iter().any(is_same)
}

/// Returns the host of a plain http address of this machine, and what follows its port; `None` for any other.
fn loopback_parts(uri: &str) -> Option<(&str, &str)> {
    let rest = uri.strip_prefix("http://")?;
    let host = ["127.0.0.1", "[::1]", "localhost"].into_iter().find(|host| rest.starts_with(host))?;
    let rest = rest.strip_prefix(host)?;
    let behind = match rest.strip_prefix(':') {
        Some(with_port) => {
            let behind = with_port.trim_start_matches(|c: char| c.is_ascii_digit());
            let port = with_port.strip_suffix(behind)?;
            port.parse::<u16>().ok()?;
            behind
        }
        None => rest,
    };
    (behind.is_empty() || behind.starts_with(['/', '?'])).then_some((host, behind))
}

/// Returns who a listed redirect address is of, for people: words, and a host if it has one.
fn requester(uri: &str) -> (&'static str, &str) {
    if loopback_parts(uri).is_some() {
        return ("A program on this computer", "");
    }
    match uri.split_once("://") {
        Some(("https", rest)) => ("The site", rest.split(['/', '?']).next().unwrap_or_default()),
        _ => ("An app on this device", ""),
    }
}

fn is_challenge(text: &str) -> bool {
    text.len() == CHALLENGE_CHARS && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'))
}

fn error_location(server: &AuthorizationServer, redirect_uri: &str, state: &str, error: &str) -> String {
    client_location(server, redirect_uri, state, ("error", error))
}

/// Returns an authorization response (RFC 6749 section 4.1.2), which names its issuer (RFC 9207).
fn client_location(server: &AuthorizationServer, redirect_uri: &str, state: &str, said: (&str, &str)) -> String {
    let mut query = FormText::default();
    query.append_pair(said.0, said.1);
    query.extend_pairs((!state.is_empty()).then_some(("state", state)));
    query.append_pair("iss", &server.issuer);
    with_query(redirect_uri, &query.finish())
}

#[cfg(test)]
mod tests {
    use std::rc::Rc;

    use super::*;
    use crate::config::{Integration, UnknownBindings, load};
    use crate::http::request::Head;

    /// Returns the server of a config with these members in the section.
    fn server_with(members: &str) -> Rc<AuthorizationServer> {
        let config = format!(
            r#"{{
                "authorizers": {{
                    "people": {{ "type": "oidc", "issuer": "https://id.example", "client_id": "the-client", "client_secret": "a-secret-of-more-than-32-characters",
                                 "login_parameters": {{ "acr_values": "2" }}, "scope": "openid", "resource": "https://other.example" }},
                    "files": {{ "type": "jwt", "issuer": "https://id.example", "jwks_uri": "https://id.example/jwks", "audience": "x" }},
                    "others": {{ "type": "jwt", "issuer": "https://else.example", "jwks_uri": "https://else.example/jwks", "audience": "x" }}
                }},
                "authorization_server": {{ "issuer": "https://mcp.example", {members} }},
                "paths": [
                    {{ "method": "GET", "path": "/orders", "auth": {{ "scopes": ["read:orders"] }}, "protected_resource": true, "response": 1 }},
                    {{ "method": "GET", "path": "/files/{{.+}}", "auth": {{ "authorizer": "files", "scopes": ["read:files"] }},
                       "protected_resource": {{ "resource": "https://files.example/files" }}, "response": 1 }},
                    {{ "method": "GET", "host": "*.shops.example", "path": "/mcp", "auth": true, "protected_resource": true, "response": 1 }},
                    {{ "method": "GET", "path": "/else", "auth": "others", "protected_resource": true, "response": 1 }}
                ]
            }}"#
        );
        let config = load(&config, &UnknownBindings).unwrap_or_else(|mistakes| panic!("{mistakes:?}"));
        let found = config.paths.iter().find_map(|path| match &path.integration {
            Integration::AuthorizationServer(server, _) => Some(Rc::clone(server)),
            _ => None,
        });
        found.unwrap()
    }

    const LISTED: &str = r#""redirect_uris": ["https://app.example/cb?x=1", "https://app.example", "http://127.0.0.1/cb", "http://[::1]:1234/cb", "http://localhost", "com.example.app:/cb"], "scopes": ["offline_access"]"#;

    fn server() -> Rc<AuthorizationServer> {
        server_with(LISTED)
    }

    const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

    /// Returns a valid query with a parameter replaced, and another text behind it.
    fn query(name: &str, value: &str, behind: &str) -> String {
        let valid = [
            ("response_type", "code"),
            ("client_id", "the-client"),
            ("redirect_uri", "http://127.0.0.1:5173/cb"),
            ("code_challenge", CHALLENGE),
            ("code_challenge_method", "S256"),
            ("resource", "https://mcp.example/orders"),
            ("scope", "read:orders"),
            ("state", "a b"),
        ];
        let mut form = FormText::default();
        form.extend_pairs(valid.iter().map(|(own, text)| (*own, if *own == name { value } else { *text })));
        if !valid.iter().any(|(own, _)| *own == name) && !name.is_empty() {
            form.append_pair(name, value);
        }
        [&form.finish(), behind].concat()
    }

    #[test]
    fn a_redirect_address_is_one_of_the_list_to_the_letter_but_for_a_port_of_this_machine() {
        let server = server();
        let table = [
            ("https://app.example/cb?x=1", true, "one of the list"),
            ("https://app.example", true, "one without a path"),
            ("https://app.example/", false, "with a slash at its end"),
            ("https://app.example/cb", false, "without its query"),
            ("https://app.example/cb?x=1&y=2", false, "with more in its query"),
            ("https://app.example/cb?x=1#y", false, "with a fragment"),
            ("https://app.example/cb?x=1/", false, "with a slash behind its query"),
            ("https://APP.example/cb?x=1", false, "in capitals"),
            ("HTTPS://app.example/cb?x=1", false, "with its scheme in capitals"),
            ("http://app.example/cb?x=1", false, "in plain http"),
            ("https://app.example:443/cb?x=1", false, "with the port that it has anyway"),
            ("https://app.example:8443/cb?x=1", false, "with another port"),
            ("https://user@app.example/cb?x=1", false, "with a user"),
            ("https://app.example@evil.example/cb?x=1", false, "as the user of another host"),
            ("https://app.example.evil.example/cb?x=1", false, "as a part of another host"),
            ("https://app.example./cb?x=1", false, "with a dot at the end of its host"),
            ("https://app.example/a/../cb?x=1", false, "with dot segments"),
            ("https://app.example/%63b?x=1", false, "with an escape"),
            ("https://app.example//cb?x=1", false, "with two slashes"),
            ("https://app.example\\cb?x=1", false, "with a backslash"),
            ("https:app.example/cb?x=1", false, "without slashes"),
            ("https://\u{430}pp.example/cb?x=1", false, "with a letter that looks alike"),
            ("https://xn--pp-7kc.example/cb?x=1", false, "with the same in its other spelling"),
            (" https://app.example/cb?x=1", false, "behind a space"),
            ("https://app.example/cb?x=1\n", false, "before a line feed"),
            ("http://127.0.0.1/cb", true, "this machine"),
            ("http://127.0.0.1:1/cb", true, "any port of it"),
            ("http://127.0.0.1:65535/cb", true, "the last port"),
            ("http://127.0.0.1:65536/cb", false, "a port that there is not"),
            ("http://127.0.0.1:/cb", false, "no port"),
            ("http://127.0.0.1:80a/cb", false, "a port that is none"),
            ("http://127.0.0.1:+80/cb", false, "a port with a sign"),
            ("http://127.0.0.1:80@evil.example/cb", false, "a port as the password of another host"),
            ("http://127.0.0.1@evil.example/cb", false, "as the user of another host"),
            ("http://127.0.0.1.evil.example/cb", false, "as a part of another host"),
            ("http://127.0.0.1:80.evil.example/cb", false, "and a port before the rest"),
            ("http://127.0.0.1/cb/", false, "another path"),
            ("http://127.0.0.1/cb?x", false, "a query more"),
            ("http://127.0.0.1:80\\@evil.example/cb", false, "a backslash behind the port"),
            ("https://127.0.0.1/cb", false, "in https, which is not listed"),
            ("http://127.0.0.2/cb", false, "another of its addresses"),
            ("http://127.1/cb", false, "its address in short"),
            ("http://0x7f000001/cb", false, "its address as a number"),
            ("http://2130706433/cb", false, "its address as another number"),
            ("http://[::1]/cb", true, "its other address, without the listed port"),
            ("http://[::1]:9/cb", true, "and with another"),
            ("http://[0:0:0:0:0:0:0:1]/cb", false, "the same in full"),
            ("http://[::ffff:127.0.0.1]/cb", false, "a mapped one"),
            ("http://localhost:3000", true, "its name"),
            ("http://localhost:3000/", false, "its name, with a path"),
            ("http://LOCALHOST", false, "its name in capitals"),
            ("http://localhost.evil.example", false, "its name as a part of another"),
            ("http://evil.localhost", false, "a name below it"),
            ("com.example.app:/cb", true, "an application's own"),
            ("com.example.app:/cb2", false, "another of it"),
            ("com.example.app2:/cb", false, "another application's"),
            ("javascript:alert(1)", false, "a script"),
            ("data:text/html,x", false, "a page"),
            ("", false, "nothing"),
        ];
        for (uri, expected, message) in table {
            assert_eq!(is_listed(&server, uri), expected, "{message}: {uri}");
            let refused = ClientRequest::read(&server, &query("redirect_uri", uri, "")).err();
            let is_refused_here = matches!(refused, Some(Refused::Here(_)));
            assert_eq!(is_refused_here, !expected, "nobody is redirected: {message}");
            let body = json::object(&mut [("redirect_uris", Value::from(vec![uri]))]).to_text();
            assert_eq!(register(&server, &body).is_ok(), expected, "{message}: {body}");
        }
    }

    #[test]
    fn a_request_is_for_one_client_one_resource_and_a_hashed_proof_key() {
        let server = server();
        let here = |code: &'static str| Err(Some(code));
        let longest = "a".repeat(CLIENT_STATE_MAX_BYTES);
        type Row<'r> = (&'r str, &'r str, &'r str, Result<(), Option<&'static str>>, &'r str);
        let table: [Row<'_>; 41] = [
            ("", "", "", Ok(()), "the valid one"),
            ("", "", "&x=1&x=2", Ok(()), "a parameter that nobody knows, twice"),
            ("client_id", "other", "", here("invalid_client"), "another client"),
            ("client_id", "", "", here("invalid_client"), "no client"),
            ("", "", "&client_id=the-client", here("invalid_request"), "the client twice"),
            ("", "", "&redirect_uri=http://127.0.0.1/cb", here("invalid_request"), "two redirect addresses"),
            ("redirect_uri", "", "", here("invalid_redirect_uri"), "no redirect address"),
            ("state", "", "", Ok(()), "no state"),
            ("state", &longest, "", Ok(()), "the longest state"),
            ("state", &format!("{longest}a"), "", Err(None), "a longer one"),
            ("", "", "&state=c", Err(None), "two states"),
            ("response_type", "token", "", Err(None), "a token at once"),
            ("response_type", "code token", "", Err(None), "both"),
            ("response_type", "", "", Err(None), "nothing"),
            ("", "", "&response_type=token", Err(None), "two types"),
            ("response_mode", "query", "", Ok(()), "the mode that there is"),
            ("response_mode", "form_post", "", Err(None), "another mode"),
            ("response_mode", "fragment", "", Err(None), "a third one"),
            ("request", "e30.e30.", "", Err(None), "a request object"),
            ("request_uri", "urn:x", "", Err(None), "a reference to one"),
            ("code_challenge_method", "plain", "", Err(None), "a proof key in clear"),
            ("code_challenge_method", "", "", Err(None), "a method that is not said, which is that"),
            ("code_challenge_method", "s256", "", Err(None), "a method in small letters"),
            ("", "", "&code_challenge_method=plain", Err(None), "two methods"),
            ("code_challenge", "", "", Err(None), "no proof key"),
            ("code_challenge", "short", "", Err(None), "one that is no hash"),
            ("code_challenge", &format!("{CHALLENGE}="), "", Err(None), "one with padding"),
            ("code_challenge", &CHALLENGE.replace('-', "+"), "", Err(None), "one in the other alphabet"),
            ("", "", "&code_challenge=x", Err(None), "two proof keys"),
            ("resource", "", "", Err(None), "no resource"),
            ("resource", "https://evil.example/orders", "", Err(None), "a resource elsewhere"),
            ("resource", "https://mcp.example/else", "", Err(None), "one of another provider"),
            ("resource", "https://mcp.example/none", "", Err(None), "one that there is not"),
            ("", "", "&resource=https%3A%2F%2Ffiles.example%2Ffiles", Err(None), "two resources"),
            ("scope", "", "", Ok(()), "no scope"),
            ("scope", "read:orders offline_access", "", Ok(()), "a scope of the config besides"),
            ("scope", "read:orders read:files", "", Err(None), "a scope of another resource"),
            ("scope", "read:orders  offline_access", "", Err(None), "an empty scope"),
            ("", "", "&scope=read%3Aorders", Err(None), "scopes twice"),
            ("prompt", "login", "", Ok(()), "a prompt"),
            ("prompt", "none", "", Err(None), "nobody to be asked"),
        ];
        for (name, value, behind, expected, message) in table {
            let found = ClientRequest::read(&server, &query(name, value, behind));
            let found = found.map(|_| ()).map_err(|refused| match refused {
                Refused::Here(problem) => Some(problem.code()),
                Refused::ToClient(location) => {
                    assert!(location.starts_with("http://127.0.0.1:5173/cb?error="), "{message}: {location}");
                    assert!(location.ends_with("&iss=https%3A%2F%2Fmcp.example"), "{message}: {location}");
                    None
                }
            });
            assert_eq!(found, expected, "{message}");
        }
        let long = format!("{}&x={}", query("", "", ""), "a".repeat(QUERY_MAX_BYTES));
        assert!(matches!(ClientRequest::read(&server, &long), Err(Refused::Here(_))), "a huge one");
    }

    #[test]
    fn a_client_is_told_why_with_its_state_and_nothing_else_of_its_own() {
        let server = server();
        let told =
            |name: &str, value: &str, behind: &str| match ClientRequest::read(&server, &query(name, value, behind)) {
                Err(Refused::ToClient(location)) => location,
                _ => panic!("{name}"),
            };
        let of = |error: &str, state: &str| {
            format!("http://127.0.0.1:5173/cb?error={error}{state}&iss=https%3A%2F%2Fmcp.example")
        };
        let table = [
            ("response_type", "token", "", of("unsupported_response_type", "&state=a+b")),
            ("scope", "admin", "", of("invalid_scope", "&state=a+b")),
            ("resource", "urn:x", "", of("invalid_target", "&state=a+b")),
            ("prompt", "none login", "", of("consent_required", "&state=a+b")),
            ("request", "x", "", of("request_not_supported", "&state=a+b")),
            ("code_challenge_method", "plain", "", of("invalid_request", "&state=a+b")),
            // Of two states, nobody knows which the client would take for its own.
            ("response_type", "token", "&state=c", of("invalid_request", "")),
        ];
        for (name, value, behind, expected) in table {
            assert_eq!(told(name, value, behind), expected, "{name}");
        }
        let with_query = query("redirect_uri", "https://app.example/cb?x=1", "&prompt=none");
        let Err(Refused::ToClient(location)) = ClientRequest::read(&server, &with_query) else { panic!() };
        assert!(location.starts_with("https://app.example/cb?x=1&error=consent_required&"), "{location}");
    }

    #[test]
    fn a_resource_is_known_by_each_spelling_of_the_metadata_and_by_no_other() {
        let server = server();
        let table = [
            ("https://mcp.example/orders", Some("https://mcp.example/orders"), "at the issuer"),
            ("https://mcp.example/orders/", Some("https://mcp.example/orders"), "with a slash"),
            ("https://mcp.example/orders//", None, "with two"),
            ("https://mcp.example/orders/7", None, "below it"),
            ("https://mcp.example/Orders", None, "in capitals"),
            ("https://MCP.example/orders", None, "with its host in capitals"),
            ("https://mcp.example:443/orders", None, "with a port"),
            ("http://mcp.example/orders", None, "in plain http"),
            ("https://evil.example/orders", None, "elsewhere"),
            ("https://x@mcp.example/orders", None, "with a user"),
            ("https://mcp.example/orders?x", None, "with a query"),
            ("https://files.example/files", Some("https://files.example/files"), "as the config has it"),
            ("https://mcp.example/files", None, "at its path, when it has another name"),
            ("https://a.shops.example/mcp", Some("https://a.shops.example/mcp"), "a host of the star"),
            ("https://a.b.shops.example/mcp", None, "a host with a label more"),
            ("https://*.shops.example/mcp", None, "the star itself"),
            ("https://a@b.shops.example/mcp", None, "a user before such a host"),
            ("https://A.shops.example/mcp", None, "such a host in capitals"),
            ("https://a.shops.example:1/mcp", None, "with a port"),
            ("https://shops.example/mcp", None, "without a label"),
            ("https://mcp.example/mcp", None, "a path of other hosts"),
            ("https://mcp.example/else", None, "a resource of another provider"),
            ("", None, "nothing"),
            ("orders", None, "a word"),
        ];
        for (named, expected, message) in table {
            assert_eq!(server.resource(named).map(|(resource, _)| resource), expected, "{message}: {named}");
        }
    }

    #[test]
    fn the_provider_is_asked_for_the_resource_as_the_config_says_and_not_for_those_of_logins() {
        let own = "response_type=code&redirect_uri=https%3A%2F%2Fmcp.example%2Fcallback&state=s&code_challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM&code_challenge_method=S256";
        let table = [
            ("", "scope=read%3Aorders&resource=https%3A%2F%2Fmcp.example%2Forders", "by resource"),
            (
                r#""resource_parameter": "audience","#,
                "scope=read%3Aorders&audience=https%3A%2F%2Fmcp.example%2Forders",
                "by audience",
            ),
            (
                r#""resource_parameter": "none", "scope_prefix": "api://orders/","#,
                "scope=api%3A%2F%2Forders%2Fread%3Aorders",
                "by the scopes",
            ),
        ];
        for (members, expected, message) in table {
            let server = server_with(&[members, LISTED].concat());
            let query = query("prompt", "login", "&max_age=1&acr_values=1&audience=x&nonce=y");
            let request = ClientRequest::read(&server, &query).unwrap();
            let found = request.to_provider(&server, "s", &query);
            assert_eq!(found, format!("{own}&{expected}&acr_values=2&prompt=login&max_age=1"), "{message}");
        }
        let server = server_with(&[r#""scope_prefix": "api://orders/","#, LISTED].concat());
        let named = server.scopes_at_provider("read openid offline_access api://orders/write");
        assert_eq!(named, "api://orders/read openid offline_access api://orders/write");
    }

    #[test]
    fn the_page_says_who_asks_and_lets_nothing_out_of_its_place() {
        let server = server();
        let page = |uri: &str| {
            let request = ClientRequest {
                redirect_uri: uri.to_owned(),
                state: "the state".to_owned(),
                challenge: CHALLENGE.to_owned(),
                resource: "https://mcp.example/orders".to_owned(),
                scope: "read:orders".to_owned(),
            };
            request.page(&server, "sealed\"><script>")
        };
        let table = [
            ("https://app.example/cb?x=1", "<strong>The site app.example</strong>"),
            ("http://127.0.0.1:1/cb", "<strong>A program on this computer</strong>"),
            ("com.example.app:/cb", "<strong>An app on this device</strong>"),
            ("https://app.example\"><script>/", "<strong>The site app.example&quot;&gt;&lt;script&gt;</strong>"),
        ];
        for (uri, expected) in table {
            let page = page(uri);
            assert!(page.contains(expected), "{page}");
            assert!(page.contains("<code>https://mcp.example/orders</code>, with the scopes <code>read:orders</code>"));
            assert!(page.contains(r#"action="https://mcp.example/authorize""#), "{page}");
            assert!(page.contains(r#"value="sealed&quot;&gt;&lt;script&gt;""#), "{page}");
            assert!(!page.contains("<script") && !page.contains("the state"), "{page}");
        }
    }

    #[test]
    fn a_page_is_for_a_browser_and_its_form_for_the_page_alone() {
        let (dest, site) = ("sec-fetch-dest", "sec-fetch-site");
        let table = [
            ("GET", vec![], true, "an old browser"),
            ("GET", vec![(dest, "document"), (site, "cross-site")], true, "a link on another site"),
            ("GET", vec![(dest, "iframe"), (site, "same-origin")], false, "a frame"),
            ("GET", vec![(dest, "empty"), (site, "same-origin")], false, "a script"),
            ("GET", vec![(dest, "embed")], false, "an object"),
            ("POST", vec![], true, "the form in an old browser"),
            ("POST", vec![(dest, "document"), (site, "same-origin")], true, "the form"),
            ("POST", vec![(dest, "document"), (site, "cross-site")], false, "a form of another site"),
            ("POST", vec![(dest, "document"), (site, "same-site")], false, "a form of a neighbour"),
            ("POST", vec![(dest, "document"), (site, "none")], false, "nobody's form"),
            ("POST", vec![(dest, "empty"), (site, "same-origin")], false, "a script"),
        ];
        for (method, headers, expected, message) in table {
            assert_eq!(is_opened_by_browser(&Head(method, headers)), expected, "{message}");
        }
        let read = |form: &str| read_decision(form);
        assert_eq!(read("request=a&decision=allow"), Some(("a".to_owned(), true)));
        for (form, message) in [
            ("request=a&decision=deny", "denied"),
            ("request=a", "nothing said"),
            ("request=a&decision=Allow", "another word"),
        ] {
            assert_eq!(read(form), Some(("a".to_owned(), false)), "{message}");
        }
        for form in ["request=a&request=b&decision=allow", "request=a&decision=deny&decision=allow"] {
            assert_eq!(read(form), None, "{form}");
        }
    }

    #[test]
    fn what_is_sealed_comes_back_until_it_is_too_old_or_the_config_no_longer_has_it() {
        let server = server();
        let request = ClientRequest::read(&server, &query("", "", "")).unwrap();
        let agreed = Agreed::to(&request, 1_000);
        let bytes = agreed.to_bytes();
        let read = |bytes: &[u8], now| Agreed::from_bytes(&server, bytes, 60, now);
        let same = read(&bytes, 1_060).unwrap();
        assert_eq!(same.to_bytes(), bytes);
        assert_eq!((&*same.held, &*same.redirect_uri), ("a b", "http://127.0.0.1:5173/cb"));
        assert!(read(&bytes, 1_061).is_none(), "a second too late");
        for (from, to, message) in [
            ("http://127.0.0.1:5173/cb", "https://evil.example/cb", "a client that is not listed"),
            ("https://mcp.example/orders", "https://mcp.example/none", "a resource that there is not"),
            ("\"t\":1000", "\"t\":\"1000\"", "no time"),
            ("\"c\":", "\"d\":", "no proof key"),
        ] {
            let other = String::from_utf8(bytes.clone()).unwrap().replace(from, to);
            assert!(read(other.as_bytes(), 1_000).is_none(), "{message}");
        }
        assert!(read(b"", 1_000).is_none());

        let asked = asked_bytes("a=b\nc", 1_000);
        assert_eq!(asked_query(asked.clone(), 1_000 + CONSENT_MAX_SECS).unwrap(), "a=b\nc");
        assert!(matches!(asked_query(asked, 1_001 + CONSENT_MAX_SECS), Err(Problem::StateExpired)));
        for bytes in [&b""[..], b"x\na", b"1000", b"\xff\n"] {
            assert!(matches!(asked_query(bytes.to_vec(), 0), Err(Problem::StateInvalid(_))), "{bytes:?}");
        }
        let contexts =
            [("a", "c"), ("b", "c"), ("a", "d")].map(|(kind, cookie)| sealing_context(kind, cookie, &server));
        assert!(contexts[0] != contexts[1] && contexts[0] != contexts[2], "kinds and browsers");
    }

    #[test]
    fn a_token_request_is_for_the_resource_that_the_user_agreed_to() {
        let server = server();
        let agreed = Agreed::to(&ClientRequest::read(&server, &query("", "", "")).unwrap(), 0);
        let table = [
            ("", true, "none is named"),
            ("resource=https%3A%2F%2Fmcp.example%2Forders", true, "the same"),
            ("resource=https%3A%2F%2Fmcp.example%2Forders%2F", true, "the same with a slash"),
            ("resource=https%3A%2F%2Ffiles.example%2Ffiles", false, "another of them"),
            ("resource=urn:x", false, "another"),
            ("resource=https%3A%2F%2Fmcp.example%2Forders&resource=urn:x", false, "two"),
        ];
        for (form, expected, message) in table {
            assert_eq!(agreed.check_resource(&server, &Fields::Form(form)).is_ok(), expected, "{message}");
        }
    }

    #[test]
    fn an_error_of_the_provider_is_passed_on_if_it_is_one_of_the_registered_ones() {
        let server = server();
        let agreed = Agreed::to(&ClientRequest::read(&server, &query("", "", "")).unwrap(), 0);
        for (error, expected) in [
            ("access_denied", "access_denied"),
            ("login_required", "login_required"),
            ("unauthorized_client", "server_error"),
            ("<script>", "server_error"),
        ] {
            let location = agreed.error_location(&server, error);
            let own = format!("http://127.0.0.1:5173/cb?error={expected}&state=a+b&iss=https%3A%2F%2Fmcp.example");
            assert_eq!(location, own, "{error}");
        }
    }

    #[test]
    fn a_registration_gives_the_one_client_to_listed_addresses_whatever_else_it_wants() {
        let server = server();
        let many =
            format!(r#"{{"redirect_uris":[{}]}}"#, vec![r#""http://localhost""#; REDIRECT_URIS_MAX + 1].join(","));
        let table = [
            (r#"{"redirect_uris":["http://localhost:1"]}"#, None, "an address"),
            (r#"{"redirect_uris":["http://localhost:1","https://app.example"]}"#, None, "two"),
            (
                r#"{"redirect_uris":["http://localhost"],"client_name":"<b>","client_id":"x","token_endpoint_auth_method":"client_secret_basic","scope":"admin","jwks":{"keys":[]},"grant_types":["authorization_code","implicit"],"response_types":["code","token"]}"#,
                None,
                "more than it gets",
            ),
            (r#"{"redirect_uris":["http://localhost"],"grant_types":null}"#, None, "no word"),
            (
                r#"{"redirect_uris":["http://localhost","https://evil.example"]}"#,
                Some("invalid_redirect_uri"),
                "one that is not listed",
            ),
            (r#"{"redirect_uris":[]}"#, Some("invalid_client_metadata"), "no address"),
            (r#"{}"#, Some("invalid_client_metadata"), "nothing"),
            (r#"{"redirect_uris":"http://localhost"}"#, Some("invalid_client_metadata"), "a text"),
            (r#"{"redirect_uris":["http://localhost",1]}"#, Some("invalid_client_metadata"), "a number"),
            (
                r#"{"redirect_uris":["http://localhost"],"redirect_uris":["https://evil.example"]}"#,
                Some("invalid_client_metadata"),
                "a key twice",
            ),
            (
                r#"{"redirect_uris":["http://localhost"],"grant_types":["client_credentials"]}"#,
                Some("invalid_client_metadata"),
                "another grant",
            ),
            (
                r#"{"redirect_uris":["http://localhost"],"grant_types":"authorization_code"}"#,
                Some("invalid_client_metadata"),
                "a grant as a text",
            ),
            (
                r#"{"redirect_uris":["http://localhost"],"response_types":["token"]}"#,
                Some("invalid_client_metadata"),
                "another response",
            ),
            (&many, Some("invalid_client_metadata"), "too many"),
            ("[]", Some("invalid_client_metadata"), "a list"),
            ("", Some("invalid_client_metadata"), "no body"),
        ];
        for (body, expected, message) in table {
            let found = register(&server, body);
            assert_eq!(found.as_ref().err().map(Problem::code), expected, "{message}");
            if let Ok(text) = found {
                assert!(text.contains(r#""client_id":"the-client""#), "{message}: {text}");
                assert!(text.contains(r#""token_endpoint_auth_method":"none""#), "{message}: {text}");
                assert!(!text.contains("secret") && !text.contains("<b>"), "{message}: {text}");
            }
        }
    }

    #[test]
    fn a_failure_has_the_name_that_oauth_has_for_it() {
        let error = |reason| ProviderError::of_gateway(reason);
        let table = [
            (Problem::OAuthRequestInvalid("x"), "invalid_request"),
            (Problem::ClientInvalid, "invalid_client"),
            (Problem::RedirectUriInvalid(String::new()), "invalid_redirect_uri"),
            (Problem::ClientMetadataInvalid("x"), "invalid_client_metadata"),
            (Problem::GrantTypeUnsupported, "unsupported_grant_type"),
            (Problem::TargetInvalid, "invalid_target"),
            (refused_code("x"), "invalid_grant"),
            (Problem::RefreshTokenInvalid(error("x")), "invalid_grant"),
            (Problem::InteractionRequired(error("x")), "invalid_grant"),
            (Problem::UnsupportedMediaType, "invalid_request"),
            (Problem::BodyTooLarge(1), "invalid_request"),
            (Problem::IdpTimeout, "temporarily_unavailable"),
            (Problem::IdpUnavailable(String::new()), "temporarily_unavailable"),
            (Problem::StoreUnavailable(String::new()), "temporarily_unavailable"),
            // A client that is told that it is not valid registers again, for ever.
            (Problem::IdpRejected(error("invalid_client")), "server_error"),
            (Problem::IdpError("x", None), "server_error"),
            (Problem::TokenUnavailable(String::new()), "server_error"),
        ];
        for (problem, expected) in table {
            assert_eq!(oauth_error(&problem), expected, "{problem:?}");
        }
    }
}
