//! The config of a single-page app and one API behind the gateway, in either mode.
//!
//! JSON has no comments, so notes are under keys that begin with `x-`, beside their subject.

use super::provider::Provider;
use crate::config::authorizer::keys as authorizer_keys;
use crate::config::grammar::Json;
use crate::config::integration::keys::{self as integration_keys, Kind, ResponseKind, callback, http_proxy, login};
use crate::config::path::keys::{AUTH, INTEGRATION, METHOD, PATH, RESPONSE};
use crate::config::{Diagnostic, access, check, cors, provider as login_keys, root, server, session};

/// Who holds the tokens of a login.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Mode {
    /// The gateway; the browser has a cookie. Right for most.
    Session,
    /// The page itself. For a page on another site, or a client that is no browser.
    Tokens,
}

/// A text that a starting point depends on, and that `init` asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Asked {
    /// The tenant's domain or issuer.
    Tenant,
    /// The API's identifier.
    Audience,
    /// The API's address.
    Upstream,
}

impl Asked {
    /// Returns the config path of the answer.
    fn place(self, provider: Provider) -> String {
        match self {
            Self::Tenant => format!("{}.{}", root::AUTHORIZER.name, provider.tenant_key()),
            Self::Audience => format!("{}.{}", root::AUTHORIZER.name, authorizer_keys::AUDIENCE.name),
            Self::Upstream => format!("{}[0].{}", root::SERVERS.name, server::URL.name),
        }
    }
}

/// Returns why no config may have an answer; `None` if one may.
pub fn mistake(asked: Asked, provider: Provider, answer: &str) -> Option<Diagnostic> {
    let values = Values::by_reference(provider).with(asked, answer);
    let text = config(provider, Mode::Session, &values).to_file_text();
    let place = asked.place(provider);
    check(&text).into_iter().find(|mistake| mistake.path == place)
}

/// Returns the config with a reference for each value that differs between deployments.
pub fn starting_point(provider: Provider, mode: Mode) -> Json {
    config(provider, mode, &Values::by_reference(provider))
}

/// The config's value for each answer.
struct Values {
    tenant: String,
    audience: String,
    upstream: String,
}

impl Values {
    /// Returns a reference to a variable for each.
    fn by_reference(provider: Provider) -> Self {
        let reference = |name: String| format!("$env.{name}");
        Self {
            tenant: reference(provider.tenant_variable()),
            audience: reference(provider.variable("AUDIENCE")),
            upstream: reference("API_URL".to_owned()),
        }
    }

    /// Puts an answer itself in the place of its reference.
    fn with(mut self, asked: Asked, answer: &str) -> Self {
        let value = match asked {
            Asked::Tenant => &mut self.tenant,
            Asked::Audience => &mut self.audience,
            Asked::Upstream => &mut self.upstream,
        };
        answer.clone_into(value);
        self
    }
}

/// Makes the config with these values.
fn config(provider: Provider, mode: Mode, values: &Values) -> Json {
    let title = match mode {
        Mode::Session => "A single-page app and its API; the gateway holds the logins",
        Mode::Tokens => "A single-page app and its API; the page holds its tokens",
    };
    let mut members = vec![
        member(root::SCHEMA.name, "./gateway.schema.json"),
        member(root::TITLE.name, title),
        member(
            root::DESCRIPTION.name,
            "Keys that begin with x- are notes, which the gateway ignores. $env.NAME is a variable of wrangler.toml or \
             .dev.vars, $secret.NAME a secret.",
        ),
        member(root::SERVERS.name, Json::Array(vec![upstream(values)])),
    ];
    if mode == Mode::Tokens {
        members.push(member(root::CORS.name, cors_section()));
    }
    members.push(member(root::AUTHORIZER.name, authorizer(provider, mode, values)));
    if mode == Mode::Session {
        members.push(member(root::SESSION.name, session_section()));
    }
    members.push(note(
        root::PATHS.name,
        "Their order never matters: the most specific path takes a request. A path without auth is open.",
    ));
    let paths = match mode {
        Mode::Session => session_paths(provider),
        Mode::Tokens => token_paths(provider),
    };
    members.push(member(root::PATHS.name, Json::Array(paths)));
    Json::Object(members)
}

fn member(key: &str, value: impl Into<Json>) -> (String, Json) {
    (key.to_owned(), value.into())
}

/// Returns a note about a key, or under `note` about the object.
fn note(key: &str, text: &str) -> (String, Json) {
    (format!("x-{key}"), text.into())
}

fn upstream(values: &Values) -> Json {
    Json::Object(vec![
        note("note", "The API behind the gateway. A base path in its URL is put before every path."),
        member(server::ALIAS.name, "api"),
        member(server::URL.name, values.upstream.as_str()),
    ])
}

fn cors_section() -> Json {
    let exposed = ["x-request-id", "www-authenticate", "retry-after"].map(Json::from);
    Json::Object(vec![
        note("note", "The page's origin: the only other origin that may read answers."),
        member(cors::ALLOW_ORIGINS.name, Json::Array(vec!["$env.SPA_ORIGIN".into()])),
        member(cors::EXPOSE_HEADERS.name, Json::Array(exposed.into())),
    ])
}

fn authorizer(provider: Provider, mode: Mode, values: &Values) -> Json {
    let (redirect_uri, about_redirect) = match mode {
        Mode::Session => {
            (provider.variable("REDIRECT_URI"), "The public URL of the callback, which the provider must allow.")
        }
        Mode::Tokens => (
            "SPA_REDIRECT_URI".to_owned(),
            "The page's URL: the provider redirects there, and the page calls the callback with the query that it got.",
        ),
    };
    let secret = provider.variable("CLIENT_SECRET");
    let about_secret = format!("In no file: npx wrangler secret put {secret}");
    let about_audience = "The API's identifier: logins request tokens for it, and only these are accepted.";
    let about_scope = "offline_access brings refresh tokens. Add the API's own scopes, such as read:orders.";
    Json::Object(vec![
        note("note", "Whose tokens are accepted, and where people log in."),
        member(authorizer_keys::TYPE.name, provider.word()),
        note(provider.tenant_key(), provider.about_tenant()),
        member(provider.tenant_key(), values.tenant.as_str()),
        member(login_keys::CLIENT_ID.name, format!("$env.{}", provider.variable("CLIENT_ID"))),
        note(login_keys::CLIENT_SECRET.name, &about_secret),
        member(login_keys::CLIENT_SECRET.name, format!("$secret.{secret}")),
        note(authorizer_keys::AUDIENCE.name, about_audience),
        member(authorizer_keys::AUDIENCE.name, values.audience.as_str()),
        note(login_keys::REDIRECT_URI.name, about_redirect),
        member(login_keys::REDIRECT_URI.name, format!("$env.{redirect_uri}")),
        note(login_keys::SCOPE.name, about_scope),
        member(login_keys::SCOPE.name, "openid profile email offline_access"),
    ])
}

fn session_section() -> Json {
    Json::Object(vec![
        note(
            "note",
            "Ends after 3 days without a request, and 30 days after the login. A page at another origin of the same site \
             needs return_to here, and cors with allow_credentials.",
        ),
        member(session::IDLE_SECONDS.name, Json::Number("259200".to_owned())),
        member(session::ABSOLUTE_SECONDS.name, Json::Number("2592000".to_owned())),
        member(session::AFTER_LOGIN.name, "/"),
        member(session::AFTER_LOGOUT.name, "/"),
    ])
}

fn session_paths(provider: Provider) -> Vec<Json> {
    let step = |method, path, kind, note| login_path(method, provider, path, kind, note);
    vec![
        health(),
        step("GET", "login", Kind::Login, "The page links here for a login: ?return_to=/orders comes back there."),
        step("GET", "callback", Kind::Callback, "Begins the session. redirect_uri must be this path."),
        step("POST", "logout", Kind::Logout, "A form of the page posts here."),
        step(
            "POST",
            "refresh",
            Kind::Refresh,
            "Tells the page whether somebody is logged in, and how long the access token lives.",
        ),
        profile(provider),
        api("Everything else below /api needs a login. /api/orders goes to the API as /orders, with the access token."),
    ]
}

fn token_paths(provider: Provider) -> Vec<Json> {
    let step = |method, path, kind, note| login_path(method, provider, path, kind, note);
    let silent = "$env.SILENT_REDIRECT_URI";
    let frame = path(
        "GET",
        &login_address(provider, "silent/login"),
        "For a hidden frame with ?prompt=none: new tokens after a reload.",
        [integration(provider, Kind::Login, vec![member(login::REDIRECT_URI.name, silent)])],
    );
    let posting = path(
        "GET",
        &login_address(provider, "silent/callback"),
        "Posts them to the page, and to no other origin.",
        [integration(
            provider,
            Kind::Callback,
            vec![
                member(callback::REDIRECT_URI.name, silent),
                member(callback::RESPONSE.name, callback::RESPONSE.name_of(ResponseKind::WebMessage)),
                member(callback::TARGET_ORIGIN.name, "$env.SPA_ORIGIN"),
            ],
        )],
    );
    vec![
        health(),
        step("GET", "token/login", Kind::Login, "The page links here for a login."),
        step(
            "GET",
            "token/callback",
            Kind::Callback,
            "The page gets its tokens here, with the query of its URL after the login.",
        ),
        frame,
        posting,
        step(
            "POST",
            "refresh",
            Kind::Refresh,
            "Exchanges a refresh token for tokens; duplicate requests get the same answer.",
        ),
        profile(provider),
        api("Everything else below /api needs a token. /api/orders goes to the API as /orders."),
    ]
}

/// Returns a path of the login.
fn login_address(provider: Provider, rest: &str) -> String {
    format!("/api/{}/{rest}", provider.word())
}

fn path<const N: usize>(method: &str, address: &str, about: &str, rest: [(String, Json); N]) -> Json {
    let mut members = vec![note("note", about), member(METHOD.name, method), member(PATH.name, address)];
    members.extend(rest);
    Json::Object(members)
}

fn integration(provider: Provider, kind: Kind, settings: Vec<(String, Json)>) -> (String, Json) {
    let mut members = vec![member(integration_keys::TYPE.name, kind.name_at(provider.kind()))];
    members.extend(settings);
    member(INTEGRATION.name, Json::Object(members))
}

fn health() -> Json {
    let response = member(RESPONSE.name, Json::object([("status", "ok".into())]));
    path("GET", "/health", "A fixed answer, open to everyone.", [response])
}

fn login_path(method: &str, provider: Provider, address: &str, kind: Kind, note: &str) -> Json {
    path(method, &login_address(provider, address), note, [integration(provider, kind, Vec::new())])
}

fn profile(provider: Provider) -> Json {
    let rest = [member(AUTH.name, true), integration(provider, Kind::Userinfo, Vec::new())];
    path("GET", &login_address(provider, "profile"), "Who is logged in.", rest)
}

fn api(note: &str) -> Json {
    let scopes = Json::object([(access::SCOPES.name, Json::Array(vec!["read:orders".into()]))]);
    let stricter = Json::object([
        ("note", "A path that requires more than a login has this instead of true.".into()),
        (AUTH.name, scopes),
    ]);
    let forward = Json::object([
        (integration_keys::TYPE.name, Kind::HttpProxy.name().into()),
        (http_proxy::SERVER.name, "api".into()),
    ]);
    let rest =
        [member(&format!("x-{}", AUTH.name), stricter), member(AUTH.name, true), member(INTEGRATION.name, forward)];
    path("ANY", "/api/{.+}", note, rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_object_but_the_plain_ones_says_what_it_is_for() {
        for mode in [Mode::Session, Mode::Tokens] {
            let config = starting_point(Provider::Auth0, mode);
            let paths = config.get(root::PATHS.name).unwrap().items();
            assert!(paths.len() > 4 && paths.iter().all(|path| path.text("x-note").is_some()), "{mode:?}");
        }
    }
}
