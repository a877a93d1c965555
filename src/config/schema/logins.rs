//! `session` and `cors`: how logins are held for browsers, and which pages may read answers.

use super::form::Form;
use super::model::{Key, Section, Shape, refused};
use super::tree::{list, object};
use crate::config::cors::{HEADERS_DEFAULT, MAX_AGE_DEFAULT_SECS, MAX_AGE_MAX_SECS};
use crate::config::provider::{ROTATION_GRACE_DEFAULT_SECS, ROTATION_GRACE_MAX_SECS};
use crate::config::session::{
    ABSOLUTE_DEFAULT_SECS, COOKIE_DEFAULT, IDLE_DEFAULT_SECS, LIFETIME_MAX_SECS, RENEW_BEFORE_DEFAULT_SECS,
    RENEW_BEFORE_MAX_SECS,
};
use crate::http::cookie::HOST_PREFIX;

/// Gives `session`.
pub fn session() -> Section {
    let about = "How the gateway holds logins for browsers, under a cookie that no script can read. Every key has a default, so `{}` \
                 will do.\n\n\
                 It needs `audience` in the authorizer that people log in at, a path with `auth0_login` or `oidc_login`, and the \
                 Durable Object bindings of `wrangler.toml`. A change of `idle_seconds` or `renew_before_seconds` holds for sessions \
                 that exist; `absolute_seconds` is fixed at the login.";
    Section::new("session", "session", about)
        .keys([
            Key::new("cookie", Shape::Text(Form::Cookie), format!("The name of the cookie; it begins with `{HOST_PREFIX}`."))
                .default(COOKIE_DEFAULT)
                .example("__Host-app"),
            Key::new(
                "idle_seconds",
                Shape::Integer(1..=LIFETIME_MAX_SECS),
                "A session ends after this many seconds without a request.",
            )
            .default(IDLE_DEFAULT_SECS)
            .example(86_400_u64),
            Key::new(
                "absolute_seconds",
                Shape::Integer(1..=LIFETIME_MAX_SECS),
                "A session ends this many seconds after its login, however much it is used; also the cookie's `Max-Age`.",
            )
            .default(ABSOLUTE_DEFAULT_SECS)
            .example(604_800_u64),
            Key::new(
                "login_path",
                Shape::Text(Form::Any),
                "The path that a browser without a session is led to: one of `paths` with `GET` and `auth0_login` or \
                 `oidc_login`, without `auth` and without parameters.",
            )
            .default_words("the first such path")
            .example("/login"),
            destination("after_login", "Where a login leads that had no `return_to`."),
            destination("after_logout", "Where a logout leads that had no `return_to`."),
            Key::new(
                "return_to",
                Shape::list(Shape::Text(Form::Origin)),
                "Origins besides the gateway's own that logins, logouts and the two keys above may lead to.",
            )
            .example(list!["https://app.example.com"]),
            rotation_grace("How many seconds a late duplicate of a renewal gets the first one's answer; 0 turns that off."),
            Key::new(
                "renew_before_seconds",
                Shape::Integer(0..=RENEW_BEFORE_MAX_SECS),
                "How many seconds before its end an access token is renewed.",
            )
            .default(RENEW_BEFORE_DEFAULT_SECS)
            .example(120_u64),
        ])
        .example(
            r#"{
                "authorizer": {
                    "type": "auth0",
                    "domain": "$env.AUTH0_DOMAIN",
                    "client_id": "$env.AUTH0_CLIENT_ID",
                    "client_secret": "$secret.AUTH0_CLIENT_SECRET",
                    "audience": "$env.AUTH0_AUDIENCE",
                    "redirect_uri": "$env.AUTH0_REDIRECT_URI",
                    "scope": "openid profile email offline_access"
                },
                "session": { "idle_seconds": 86400, "after_login": "/home" },
                "paths": [
                    { "method": "GET", "path": "/login", "integration": { "type": "auth0_login" } },
                    { "method": "GET", "path": "/callback", "integration": { "type": "auth0_callback" } },
                    { "method": "POST", "path": "/logout", "integration": { "type": "auth0_logout" } },
                    { "method": "GET", "path": "/profile", "auth": true, "integration": { "type": "auth0_userinfo" } }
                ]
            }"#,
        )
}

fn destination(name: &'static str, about: &str) -> Key {
    Key::new(
        name,
        Shape::Text(Form::Destination),
        format!("{about} A path here, or a URL at an origin of `return_to`."),
    )
    .default("/")
    .example("/home")
}

/// Gives `rotation_grace_seconds`, of the session and of authorizers.
pub fn rotation_grace(about: &str) -> Key {
    Key::new("rotation_grace_seconds", Shape::Integer(0..=ROTATION_GRACE_MAX_SECS), about)
        .default(ROTATION_GRACE_DEFAULT_SECS)
        .example(5_u64)
}

/// Gives `cors`.
pub fn cors() -> Section {
    let about = "The rule for pages of other origins.\n\n\
                 A preflight is granted whole or not at all. A path with an `OPTIONS` entry of its own answers its preflights \
                 itself.";
    let names = |name, about: &str| Key::new(name, Shape::list(Shape::Text(Form::Token)), about);
    let no_star = refused(
        object! { "const": "*" },
        "With credentials, list the origins: \"*\" lets every site read the user's answers.",
    );
    Section::new("cors", "cors", about)
        .keys([
            Key::new(
                "allow_origins",
                Shape::list(Shape::Text(Form::OriginOrStar)),
                "The origins whose pages may read answers: scheme, host and port, with no slash behind, also of an application's \
                 own scheme, such as `capacitor://localhost`. A star stands for one label, as in `https://*.example.com`, or for the \
                 port, as in `http://localhost:*`; `\"*\"` for all, and then without credentials. See [CORS](paths.md#cors).",
            )
            .required()
            .example(list!["https://app.example.com"]),
            names("allow_methods", "The methods that a preflight may ask for; `\"*\"` is the same as leaving it out.")
                .default_words("those of the path")
                .example(list!["GET", "POST"]),
            names("allow_headers", "The headers that a preflight may ask for; `\"*\"` allows each, by name.")
                .default(HEADERS_DEFAULT.as_slice())
                .example(list!["authorization", "content-type"]),
            names("expose_headers", "The headers of answers that scripts may read.").example(list!["x-request-id"]),
            Key::new(
                "allow_credentials",
                Shape::Boolean,
                "Whether cookies may come along; not with `\"*\"` in `allow_origins`. Browsers do not take `\"*\"` in \
                 `expose_headers` for a wildcard then.",
            )
            .default(false)
            .example(true),
            Key::new(
                "max_age",
                Shape::Integer(0..=MAX_AGE_MAX_SECS),
                "How many seconds a browser may remember a preflight.",
            )
            .default(MAX_AGE_DEFAULT_SECS)
            .example(3_600_u64),
        ])
        .condition(object! {
            "if": object! { "required": list!["allow_credentials"], "properties": object! { "allow_credentials": object! { "const": true } } },
            "then": object! { "properties": object! { "allow_origins": object! { "items": no_star } } },
        })
        .example(
            r#"{
                "cors": {
                    "allow_origins": ["https://app.example.com"],
                    "allow_headers": ["authorization", "content-type"],
                    "expose_headers": ["x-request-id"],
                    "max_age": 600
                },
                "paths": [{ "method": "GET", "path": "/health", "response": { "status": "ok" } }]
            }"#,
        )
}
