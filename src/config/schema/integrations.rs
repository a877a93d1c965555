//! The types of `integration`, each with its keys.

use super::form::Form;
use super::model::{Key, Section, Shape, Union, absent, refused};
use super::tree::{Json, list, object};
use crate::config::fixed::{BODILESS, REDIRECT_DEFAULT, REDIRECTS, STATUS_DEFAULT, STATUSES};
use crate::config::integration::{KINDS, Kind, RESPONSE_KINDS, ResponseKind};

/// Name of an integration among the `$defs`.
pub const INTEGRATION: &str = "integration";

/// Gives the types of integrations.
pub fn integration() -> Union {
    let about = "What answers a path. Its `type` says which other keys it has; names that begin with `auth0_` and `oidc_` mean the \
                 same, and either does for either provider.\n\n\
                 Leave `auth` off login, callback, refresh and both logout paths: with it, a refresh would be refused as soon as the \
                 access token has expired, and a logout as soon as the session has ended.";
    Union {
        name: INTEGRATION,
        title: "integration",
        about: about.to_owned(),
        sections: vec![
            http_proxy(),
            service(),
            service_binding(),
            fixed(),
            redirect(),
            section("integration_health", Kind::Health, "health", HEALTH),
            login(),
            callback(),
            section("integration_userinfo", Kind::Userinfo, "auth0_userinfo", USERINFO),
            section("integration_refresh", Kind::Refresh, "auth0_refresh", REFRESH),
            section("integration_logout", Kind::Logout, "auth0_logout", LOGOUT),
            section("integration_backchannel_logout", Kind::BackchannelLogout, "auth0_backchannel_logout", BACKCHANNEL),
            supabase(),
        ],
    }
}

const HEALTH: &str =
    "Answers 200 with the state of config and keys, or 503 where an authorizer has no keys to verify tokens with.";
const USERINFO: &str = "Answers with the profile of the token's or session's owner.";
const REFRESH: &str = "Exchanges a refresh token for an access token; of a session, says for how many seconds its access token \
                       holds, and renews it if that is due.";
const LOGOUT: &str = "Ends the session here and at the provider. The config needs `session`.";
const BACKCHANNEL: &str =
    "Lets the provider end sessions (OpenID Connect Back-Channel Logout). The config needs `session`.";

/// Gives the names of the types that `belongs` tells of.
pub fn names_of(belongs: impl Fn(Kind) -> bool) -> Vec<&'static str> {
    KINDS.into_iter().filter(|(_, kind)| belongs(*kind)).map(|(name, _)| name).collect()
}

fn kind(names: Vec<&'static str>, example: &str, about: &str) -> Key {
    Key::new("type", Shape::Exactly(names), about).required().example(example)
}

/// Begins the section of one type, called by the first of its names.
fn section(name: &'static str, of: Kind, example: &'static str, about: &str) -> Section {
    let names = names_of(|kind| kind == of);
    Section::new(name, format!("integration: {example}"), about).keys([kind(names, example, about)])
}

fn http_proxy() -> Section {
    let about = "Forwards the request, streaming, to an upstream.";
    section("integration_http_proxy", Kind::HttpProxy, "http_proxy", about)
        .keys([
            Key::new("server", Shape::Text(Form::Any), "The alias of the upstream, of those in `servers`.")
                .required()
                .example("api"),
            Key::new(
                "strip_prefix",
                Shape::Text(Form::Prefix),
                "What is taken off the beginning of the path: its first segments, all literal. An empty text keeps the path whole.",
            )
            .default_words("all before a wildcard, if that is all literal, else nothing")
            .example("/api"),
            Key::new(
                "close_at_expiry",
                Shape::Boolean,
                "Closes a WebSocket with code 4401, and breaks off the body of an answer, when its token expires or its session \
                 ends. The path needs `auth`.",
            )
            .default(false)
            .example(true),
        ])
        .example(
            r#"{
                "servers": [{ "alias": "api", "url": "$env.API_URL" }],
                "paths": [{ "method": "ANY", "path": "/api/{.+}", "integration": { "type": "http_proxy", "server": "api" } }]
            }"#,
        )
}

fn service() -> Section {
    let about = "A JavaScript module that is deployed with the gateway answers.";
    section("integration_service", Kind::Service, "service", about).keys([Key::new(
        "binding",
        Shape::Text(Form::Any),
        "The alias of the module, of those in `services`.",
    )
    .required()
    .example("greeting")])
}

fn service_binding() -> Section {
    let about = "Another Worker answers: its `fetch`, or the function that is named.";
    section("integration_service_binding", Kind::ServiceBinding, "service_binding", about)
        .keys([
            Key::new("binding", Shape::Text(Form::Any), "The alias of the Worker, of those in `serviceBindings`.")
                .required()
                .example("orders"),
            Key::new("function", Shape::Text(Form::Function), "The method of its entry point that is called.")
                .default_words("`fetch`")
                .example("list"),
        ])
        .example(
            r#"{
                "services": [{ "alias": "greeting", "entrypoint": "services/greeting" }],
                "serviceBindings": [{ "alias": "orders", "binding": "ORDERS" }],
                "paths": [
                    { "method": "GET", "path": "/greeting", "integration": { "type": "service", "binding": "greeting" } },
                    {
                        "method": "GET",
                        "path": "/orders",
                        "integration": { "type": "service_binding", "binding": "orders", "function": "list" }
                    }
                ]
            }"#,
        )
}

fn fixed() -> Section {
    let about = "An answer that stands in the config.";
    let bodiless = Json::from(BODILESS.as_slice());
    section("integration_static", Kind::Static, "static", about)
        .keys([
            Key::new("status", Shape::Integer(STATUSES), "Its status.").default(STATUS_DEFAULT).example(404_u64),
            Key::new("headers", Shape::headers(Shape::Text(Form::HeaderValue)), "Names of headers, and their texts.")
                .example(object! { "content-type": "text/html" }),
            Key::new(
                "body",
                Shape::Any,
                "Its body: a text goes as `text/plain; charset=utf-8`, any other JSON as `application/json`. Statuses 204, 205 and \
                 304 have none.",
            )
            .example("Not here."),
        ])
        .condition(object! {
            "if": object! { "required": list!["status"], "properties": object! { "status": object! { "enum": bodiless } } },
            "then": object! { "properties": object! { "body": refused(object! {}, "An answer of this status has no body.") } },
        })
        .example(
            r#"{
                "paths": [
                    {
                        "method": "GET",
                        "path": "/robots.txt",
                        "integration": { "type": "static", "body": "User-agent: *\nDisallow: /", "headers": { "cache-control": "max-age=3600" } }
                    }
                ]
            }"#,
        )
}

fn redirect() -> Section {
    let about = "A redirect. `{name}` and `{.+}` in its address are the path's own parameters, as the client sent them; they stand \
                 behind the host, so no client chooses it, and in a query each stays one value.";
    section("integration_redirect", Kind::Redirect, "redirect", about)
        .keys([
            Key::new(
                "location",
                Shape::Text(Form::Location),
                "Where it leads: a path or a URL, such as `/new/{id}?from=old` or `https://new.example.com/{.+}`.",
            )
            .required()
            .example("/new/{id}"),
            Key::new("status", Shape::Numbers(REDIRECTS.to_vec()), "Its status.").default(REDIRECT_DEFAULT).example(301_u64),
        ])
        .example(
            r#"{
                "paths": [
                    { "method": "GET", "path": "/old/{id}", "integration": { "type": "redirect", "status": 301, "location": "/new/{id}" } }
                ]
            }"#,
        )
}

fn redirect_uri() -> Key {
    let about =
        "The callback's public address, where it is not the authorizer's; a login and its callback need the same one.";
    Key::new("redirect_uri", Shape::Text(Form::RedirectUri), about)
        .default_words("the authorizer's")
        .example("https://gateway.example.com/callback")
}

fn login() -> Section {
    let about = "Redirects the browser to the provider's login. The authorizer needs `client_secret` or `sealing_key`.";
    section("integration_login", Kind::Login, "auth0_login", about)
        .keys([
            redirect_uri(),
            Key::new(
                "return_to",
                Shape::list(Shape::Text(Form::Origin)),
                "Origins besides the gateway's own and the session's that a login may return to.",
            )
            .example(list!["https://app.example.com"]),
        ])
        .example(
            r#"{
                "authorizer": {
                    "type": "auth0",
                    "domain": "$env.AUTH0_DOMAIN",
                    "client_id": "$env.AUTH0_CLIENT_ID",
                    "client_secret": "$secret.AUTH0_CLIENT_SECRET",
                    "redirect_uri": "https://gateway.example.com/callback",
                    "scope": "openid profile email offline_access"
                },
                "paths": [
                    { "method": "GET", "path": "/login", "integration": { "type": "auth0_login", "return_to": ["https://app.example.com"] } },
                    {
                        "method": "GET",
                        "path": "/callback",
                        "integration": { "type": "auth0_callback", "response": "web_message", "target_origin": "https://app.example.com" }
                    },
                    { "method": "POST", "path": "/refresh", "integration": { "type": "auth0_refresh" } }
                ]
            }"#,
        )
}

fn callback() -> Section {
    let ways = RESPONSE_KINDS.map(|(name, _)| name).to_vec();
    let message: Vec<_> = RESPONSE_KINDS
        .into_iter()
        .filter(|(_, kind)| *kind == ResponseKind::WebMessage)
        .map(|(name, _)| name)
        .collect();
    let others: Vec<_> = ways.iter().copied().filter(|name| !message.contains(name)).collect();
    let about = "Takes the browser back from the provider's login, and hands over the tokens.";
    section("integration_callback", Kind::Callback, "auth0_callback", about)
        .keys([
            Key::new(
                "response",
                Shape::Choice(ways),
                "How: `session` sets the session's cookie and redirects, `json` answers with the tokens, and `web_message` with a page \
                 that posts them to the window that opened it.",
            )
            .default_words("`session` where the config has one, else `json`")
            .example("web_message"),
            Key::new(
                "target_origin",
                Shape::Text(Form::Origin),
                "The one origin that may receive a web message; goes with `\"response\": \"web_message\"`, and with nothing else.",
            )
            .example("https://app.example.com"),
            redirect_uri(),
            Key::new(
                "post_process",
                Shape::Section("rpc"),
                "A function of another Worker that is called once the tokens have come. See \
                 [post_process](#pre_process-and-post_process).",
            )
            .example(object! { "binding": "audit", "function": "loggedIn" }),
        ])
        .condition(object! {
            "if": object! { "required": list!["response"], "properties": object! { "response": object! { "enum": message } } },
            "then": object! { "required": list!["target_origin"], "properties": object! { "target_origin": object! { "type": "string" } } },
        })
        .condition(object! {
            "if": object! { "properties": object! { "response": object! { "enum": others } } },
            "then": object! {
                "properties": object! { "target_origin": absent("This has an effect with \"response\": \"web_message\" alone.") }
            },
        })
}

fn supabase() -> Section {
    let about = "A step of a login by one-time password at Supabase. `supabase_passwordless_auth` (body `{\"email\"}` or \
                 `{\"phone\"}`) and `supabase_passwordless_auth_alt` (`{\"email\"}`) have a password sent; \
                 `supabase_passwordless_verify` (`{\"email\"}` or `{\"phone\"}`, and `\"token\"`) answers with Supabase's session.";
    let names = names_of(|kind| matches!(kind, Kind::Supabase(_)));
    let [(_, url), (_, key)] = crate::config::older::SUPABASE_BINDINGS;
    Section::new("integration_supabase", "integration: supabase_passwordless_auth", about)
        .keys([
            kind(names, "supabase_passwordless_auth", about),
            Key::new("url", Shape::Text(Form::ProjectUrl), "The address of the project, an https URL without a query.")
                .default(url)
                .example("https://project.supabase.co"),
            Key::new("key", Shape::Text(Form::NotEmpty), "The project's key for servers, usually by reference.")
                .default(key)
                .example("$secret.SUPABASE_KEY"),
        ])
        .example(
            r#"{
                "paths": [
                    { "method": "POST", "path": "/otp", "integration": { "type": "supabase_passwordless_auth" } },
                    { "method": "POST", "path": "/verify", "integration": { "type": "supabase_passwordless_verify" } }
                ]
            }"#,
        )
}
