//! The config of a single-page app and one API behind the gateway, in either mode.
//!
//! JSON has no comments: what a reader should know stands under keys that begin with `x-`, beside what it is about.

use super::asked::{Asked, Mode};
use bargate::authoring::{Json, Provider};

/// What stands in the config for each answer.
pub struct Values {
    tenant: String,
    audience: String,
    upstream: String,
}

impl Values {
    /// Refers to a variable for each.
    pub fn by_reference(provider: Provider) -> Self {
        let reference = |name: String| format!("$env.{name}");
        Self {
            tenant: reference(provider.tenant_variable()),
            audience: reference(provider.variable("AUDIENCE")),
            upstream: reference("API_URL".to_owned()),
        }
    }

    /// Has an answer stand there itself.
    pub fn with(mut self, asked: Asked, answer: &str) -> Self {
        let value = match asked {
            Asked::Tenant => &mut self.tenant,
            Asked::Audience => &mut self.audience,
            Asked::Upstream => &mut self.upstream,
        };
        answer.clone_into(value);
        self
    }
}

/// Makes the config as it is written: with a reference for whatever differs between deployments.
pub fn config_by_reference(provider: Provider, mode: Mode) -> Json {
    config(provider, mode, &Values::by_reference(provider))
}

/// Makes the config with these values in it.
pub fn config(provider: Provider, mode: Mode, values: &Values) -> Json {
    let title = match mode {
        Mode::Session => "A single-page app and its API; the gateway holds the logins",
        Mode::Tokens => "A single-page app and its API; the page holds its tokens",
    };
    let mut root = vec![
        member("$schema", "./gateway.schema.json"),
        member("title", title),
        member(
            "description",
            "Keys that begin with x- are notes, which the gateway ignores. $env.NAME is a variable of wrangler.toml or \
             .dev.vars, $secret.NAME a secret.",
        ),
        ("servers".to_owned(), Json::Array(vec![server(values)])),
    ];
    if mode == Mode::Tokens {
        root.push(("cors".to_owned(), cors()));
    }
    root.push(("authorizer".to_owned(), authorizer(provider, mode, values)));
    if mode == Mode::Session {
        root.push(("session".to_owned(), session()));
    }
    root.push(member(
        "x-paths",
        "Their order never matters: the most specific one answers. A path without auth is open.",
    ));
    let paths = match mode {
        Mode::Session => session_paths(provider),
        Mode::Tokens => token_paths(provider),
    };
    root.push(("paths".to_owned(), Json::Array(paths)));
    Json::Object(root)
}

fn member(key: &str, value: &str) -> (String, Json) {
    (key.to_owned(), value.into())
}

fn server(values: &Values) -> Json {
    Json::object([
        ("x-note", "The API behind the gateway. A base path in its address stands before every path.".into()),
        ("alias", "api".into()),
        ("url", values.upstream.as_str().into()),
    ])
}

fn cors() -> Json {
    Json::object([
        ("x-note", "The page's origin, which alone may read answers from elsewhere.".into()),
        ("allow_origins", Json::Array(vec!["$env.SPA_ORIGIN".into()])),
        ("expose_headers", Json::Array(vec!["x-request-id".into(), "www-authenticate".into(), "retry-after".into()])),
    ])
}

fn authorizer(provider: Provider, mode: Mode, values: &Values) -> Json {
    let (redirect_uri, about_redirect) = match mode {
        Mode::Session => {
            (provider.variable("REDIRECT_URI"), "The callback's public address, as the provider knows it.")
        }
        Mode::Tokens => (
            "SPA_REDIRECT_URI".to_owned(),
            "The page's address: the provider leads there, and the page fetches the callback with the query it got.",
        ),
    };
    let secret = provider.variable("CLIENT_SECRET");
    let about_secret = format!("Stands in no file: npx wrangler secret put {secret}");
    Json::Object(vec![
        member("x-note", "Whose tokens are believed, and where people log in."),
        member("type", provider.word()),
        (format!("x-{}", provider.tenant_key()), provider.about_tenant().into()),
        member(provider.tenant_key(), &values.tenant),
        member("client_id", &format!("$env.{}", provider.variable("CLIENT_ID"))),
        member("x-client_secret", &about_secret),
        member("client_secret", &format!("$secret.{secret}")),
        member("x-audience", "The API's identifier: tokens are asked for it, and no others are accepted."),
        member("audience", &values.audience),
        member("x-redirect_uri", about_redirect),
        member("redirect_uri", &format!("$env.{redirect_uri}")),
        member("x-scope", "offline_access brings refresh tokens. Add the API's own scopes, such as read:orders."),
        member("scope", "openid profile email offline_access"),
    ])
}

fn session() -> Json {
    Json::Object(vec![
        member(
            "x-note",
            "Ends after 3 days without a request, and 30 days after the login. A page at another origin of the same site \
             needs return_to here, and cors with allow_credentials.",
        ),
        ("idle_seconds".to_owned(), Json::Number("259200".to_owned())),
        ("absolute_seconds".to_owned(), Json::Number("2592000".to_owned())),
        member("after_login", "/"),
        member("after_logout", "/"),
    ])
}

fn session_paths(provider: Provider) -> Vec<Json> {
    vec![
        health(),
        login_path(
            "GET",
            provider,
            "login",
            "login",
            "Where the page leads for a login: ?return_to=/orders comes back there.",
        ),
        login_path(
            "GET",
            provider,
            "callback",
            "callback",
            "Begins the session. It must be where redirect_uri points.",
        ),
        login_path("POST", provider, "logout", "logout", "A form of the page posts here."),
        login_path(
            "POST",
            provider,
            "refresh",
            "refresh",
            "Tells the page whether somebody is logged in, and how long the access token lives.",
        ),
        profile(provider),
        api("Everything else below /api needs a login. /api/orders goes to the API as /orders, with the access token."),
    ]
}

fn token_paths(provider: Provider) -> Vec<Json> {
    let silent = "$env.SILENT_REDIRECT_URI";
    let mut frame = path_head(
        "GET",
        &login_address(provider, "silent/login"),
        "For a hidden frame with ?prompt=none: other tokens after a reload.",
    );
    frame.push((
        "integration".to_owned(),
        Json::object([("type", integration_type(provider, "login").as_str().into()), ("redirect_uri", silent.into())]),
    ));
    let mut posting = path_head(
        "GET",
        &login_address(provider, "silent/callback"),
        "Posts them to the page, and to no other origin.",
    );
    posting.push((
        "integration".to_owned(),
        Json::object([
            ("type", integration_type(provider, "callback").as_str().into()),
            ("redirect_uri", silent.into()),
            ("response", "web_message".into()),
            ("target_origin", "$env.SPA_ORIGIN".into()),
        ]),
    ));
    vec![
        health(),
        login_path("GET", provider, "token/login", "login", "Where the page leads for a login."),
        login_path(
            "GET",
            provider,
            "token/callback",
            "callback",
            "The page fetches its tokens here, with the query it came back with.",
        ),
        Json::Object(frame),
        Json::Object(posting),
        login_path("POST", provider, "refresh", "refresh", "Refresh tokens for tokens; duplicates get one answer."),
        profile(provider),
        api("Everything else below /api needs a token. /api/orders goes to the API as /orders."),
    ]
}

/// Returns a path of the login's.
fn login_address(provider: Provider, rest: &str) -> String {
    format!("/api/{}/{rest}", provider.word())
}

fn integration_type(provider: Provider, name: &str) -> String {
    format!("{}_{name}", provider.word())
}

fn path_head(method: &str, path: &str, note: &str) -> Vec<(String, Json)> {
    vec![member("x-note", note), member("method", method), member("path", path)]
}

fn health() -> Json {
    let mut path = path_head("GET", "/health", "A fixed answer, open to everyone.");
    path.push(("response".to_owned(), Json::object([("status", "ok".into())])));
    Json::Object(path)
}

fn login_path(method: &str, provider: Provider, path: &str, integration: &str, note: &str) -> Json {
    let mut path = path_head(method, &login_address(provider, path), note);
    path.push((
        "integration".to_owned(),
        Json::object([("type", integration_type(provider, integration).as_str().into())]),
    ));
    Json::Object(path)
}

fn profile(provider: Provider) -> Json {
    let mut path = path_head("GET", &login_address(provider, "profile"), "Who is logged in.");
    path.push(("auth".to_owned(), true.into()));
    path.push((
        "integration".to_owned(),
        Json::object([("type", integration_type(provider, "userinfo").as_str().into())]),
    ));
    Json::Object(path)
}

fn api(note: &str) -> Json {
    let mut path = path_head("ANY", "/api/{.+}", note);
    path.push((
        "x-auth".to_owned(),
        Json::object([
            ("note", "A path that asks for more than a login has this instead of true.".into()),
            ("auth", Json::object([("scopes", Json::Array(vec!["read:orders".into()]))])),
        ]),
    ));
    path.push(("auth".to_owned(), true.into()));
    path.push(("integration".to_owned(), Json::object([("type", "http_proxy".into()), ("server", "api".into())])));
    Json::Object(path)
}

#[cfg(test)]
mod tests {
    use super::super::next_steps::Variables;
    use super::*;
    use bargate::config::ReferenceKind;

    #[test]
    fn every_starting_point_is_a_config_without_a_mistake_or_a_warning() {
        for provider in [Provider::Auth0, Provider::Oidc] {
            for mode in [Mode::Session, Mode::Tokens] {
                let text = config_by_reference(provider, mode).to_file_text();
                let told: Vec<_> = bargate::review::review(&text).iter().map(ToString::to_string).collect();
                assert_eq!(told, [""; 0], "{provider:?} {mode:?}");
            }
        }
    }

    #[test]
    fn its_references_are_the_variables_that_are_told_and_no_others() {
        for provider in [Provider::Auth0, Provider::Oidc] {
            for mode in [Mode::Session, Mode::Tokens] {
                let text = config_by_reference(provider, mode).to_file_text();
                let references = bargate::config::references(&text);
                let mut told = Variables::of(provider, mode).names();
                told.sort();
                let mut needed: Vec<_> = references.iter().map(|reference| reference.name.clone()).collect();
                needed.sort();
                assert_eq!(told, needed, "{provider:?} {mode:?}");
                let secrets: Vec<_> =
                    references.iter().filter(|reference| reference.kind == ReferenceKind::Secret).collect();
                assert_eq!(secrets.len(), 1, "{provider:?} {mode:?}: the client secret alone is one");
            }
        }
    }

    #[test]
    fn every_object_but_the_plain_ones_says_what_it_is_for() {
        for mode in [Mode::Session, Mode::Tokens] {
            let config = config_by_reference(Provider::Auth0, mode);
            let paths = config.get("paths").unwrap().items();
            assert!(paths.len() > 4 && paths.iter().all(|path| path.text("x-note").is_some()), "{mode:?}");
        }
    }
}
