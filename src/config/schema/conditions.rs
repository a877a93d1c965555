//! The rules between keys that are apart: between those of an entry of `paths`, and between the sections of a config.
//!
//! Where the sections have an order, as several authorizers have, a schema cannot say more, and `bargate check` does.

use super::patterns::{CLAIM_SOURCE, CREDENTIAL_SOURCE};
use crate::config::authorizer::keys::kinds_by_login;
use crate::config::form::Form;
use crate::config::grammar::{Json, absent, list, object, refused, wherever};
use crate::config::integration::keys::{Kind, RESPONSE_KINDS, ResponseKind, names_of};
use crate::route::Method;

/// Returns the schemas of an entry of `paths` as a whole.
pub fn of_path() -> Vec<Json> {
    let needs_auth = "This path verifies no token: add \"auth\": true.";
    let no_claim = || {
        object! { "additionalProperties": refused(object! { "type": "string", "pattern": CLAIM_SOURCE }, needs_auth) }
    };
    let not = |value: Json| refused(object! { "const": value }, needs_auth);
    let proxies = names_of(|kind| kind == Kind::HttpProxy);
    let others = names_of(|kind| kind != Kind::HttpProxy);
    let no_gets: Vec<_> = Method::ALL.iter().filter(|m| **m != Method::Get).map(|m| m.as_str()).collect();
    let useless = "Only GET answers of http_proxy are cached: remove cache.";
    let no_credential = || {
        let source = object! { "type": "string", "pattern": CREDENTIAL_SOURCE };
        object! { "additionalProperties": refused(source, "Answers to credentials are private: give the cache \"per_user\": true.") }
    };
    vec![
        wherever(
            "a cache needs an upstream that is asked by GET",
            present("cache"),
            object! {
                "not": object! { "required": list!["response"] },
                "errorMessage": useless,
                "properties": object! {
                    "method": refused(object! { "enum": no_gets }, useless),
                    "integration": refused(of_kind(others), useless),
                },
            },
        ),
        wherever(
            "answers for all are made of no credential",
            object! {
                "required": list!["cache"],
                "properties": object! {
                    "cache": object! {
                        "type": "object",
                        "not": object! { "required": list!["per_user"], "properties": object! { "per_user": object! { "const": true } } },
                    },
                },
            },
            object! {
                "properties": object! {
                    "mapping": object! { "properties": object! { "headers": no_credential(), "query": no_credential() } },
                    "request_headers": with("set", no_credential()),
                },
            },
        ),
        object! {
            "$comment": "exactly one of integration and response, which may be null",
            "if": object! { "required": list!["response"] },
            "then": with("integration", absent("The path has a response, and can give one answer.")),
            "else": object! { "required": list!["integration"], "properties": object! { "integration": object! { "type": "object" } } },
        },
        object! {
            "$comment": "without auth there are no claims, no users and no expiry",
            "if": with("auth", object! { "const": false }),
            "then": object! {
                "properties": object! {
                    "mapping": object! { "properties": object! { "headers": no_claim(), "query": no_claim() } },
                    "request_headers": with("set", no_claim()),
                    "rate_limit": with("key", not("sub".into())),
                    "cache": with("per_user", not(true.into())),
                    "integration": object! { "if": of_kind(proxies), "then": with("close_at_expiry", not(true.into())) },
                },
            },
            "else": with(
                "cache",
                object! {
                    "required": list!["per_user"],
                    "properties": object! {
                        "per_user": object! {
                            "const": true,
                            "errorMessage": "Answers to one user would be given to the next: write true, or remove cache.",
                        }
                    },
                },
            ),
        },
    ]
}

/// Returns the schemas of a config as a whole.
pub fn of_config() -> Vec<Json> {
    let (with_login, without_login) = kinds_by_login();
    let provider_steps = names_of(Kind::needs_provider);
    let session_steps = names_of(|kind| matches!(kind, Kind::Logout | Kind::BackchannelLogout));
    let logins = names_of(|kind| kind == Kind::Login);
    let callbacks = names_of(|kind| kind == Kind::Callback);
    let with_address = names_of(|kind| matches!(kind, Kind::Login | Kind::Callback));
    let by_session: Vec<_> =
        RESPONSE_KINDS.into_iter().filter(|(_, kind)| *kind == ResponseKind::Session).map(|(name, _)| name).collect();
    let without_client = || object! { "type": object! { "enum": with_login.clone() }, "client_id": false };
    let nobody = || {
        object! {
            "type": "object",
            "required": list!["type"],
            "anyOf": list![
                object! { "properties": object! { "type": object! { "enum": without_login.clone() } } },
                object! { "properties": without_client() },
            ],
        }
    };
    let of_first = object! {
        "anyOf": list![object! { "const": true }, object! { "type": "object", "properties": object! { "authorizer": false } }]
    };
    vec![
        wherever(
            "authorizer or authorizers, and not both",
            present("authorizer"),
            with("authorizers", absent("The config has an authorizer, too: put all of them here.")),
        ),
        wherever(
            "auth needs an authorizer",
            object! {
                "properties": object! { "authorizer": false, "authorizers": object! { "const": object! {} } }
            },
            every_path(with(
                "auth",
                refused(of_first, "The path needs a token and nothing says which are valid: add an authorizer."),
            )),
        ),
        wherever(
            "the steps of a login need an authorizer of a type that logs people in",
            object! {
                "properties": object! {
                    "authorizer": object! { "anyOf": list![false, nobody()] },
                    "authorizers": object! {
                        "anyOf": list![false, object! { "type": "object", "additionalProperties": nobody() }]
                    },
                },
            },
            every_path(with(
                "integration",
                refused(
                    of_kind(provider_steps),
                    "No authorizer says which provider: add one of type auth0 or oidc, with a client_id.",
                ),
            )),
        ),
        wherever(
            "sessions can be begun and ended only where there are any",
            with("session", false.into()),
            every_path(with(
                "integration",
                object! {
                    "not": of_kind(session_steps),
                    "errorMessage": "The config has no \"session\": add it.",
                    "if": of_kind(callbacks),
                    "then": with(
                        "response",
                        refused(object! { "enum": by_session }, "Nothing says how sessions are to be held: add \"session\"."),
                    ),
                },
            )),
        ),
        wherever(
            "login and callback need a redirect_uri, here or at the authorizer",
            only_provider(&with_login, &["redirect_uri", "callback_uri"]),
            every_path(with(
                "integration",
                object! {
                    "if": of_kind(with_address),
                    "then": object! {
                        "required": list!["redirect_uri"],
                        "properties": object! { "redirect_uri": object! { "type": "string" } },
                    },
                },
            )),
        ),
        wherever(
            "a login needs something to seal its state with",
            only_provider(&with_login, &["client_secret", "sealing_key"]),
            every_path(with(
                "integration",
                refused(
                    of_kind(logins),
                    "The authorizer needs a client_secret or a sealing_key to seal the login state with.",
                ),
            )),
        ),
        wherever(
            "a session needs an audience",
            only_provider(&with_login, &["audience", "audience_claim"]),
            with("session", absent("Sessions need the authorizer's audience: add the API's identifier there.")),
        ),
    ]
}

/// Returns the schema of an object whose `key`, if it is there, fits `schema`.
fn with(key: &str, schema: Json) -> Json {
    object! { "properties": Json::Object(vec![(key.to_owned(), schema)]) }
}

/// Returns the schema of an object that has a key.
fn present(key: &str) -> Json {
    object! { "required": list![key] }
}

/// Returns the schema of an integration of one of these types.
fn of_kind(names: Vec<&'static str>) -> Json {
    object! { "type": "object", "required": list!["type"], "properties": object! { "type": object! { "enum": names } } }
}

/// Returns the schema of a config whose paths all fit `schema`.
fn every_path(schema: Json) -> Json {
    with("paths", object! { "items": schema })
}

/// Returns the schema of a config whose only authorizer logs people in and lacks all of these keys.
fn only_provider(kinds: &[&'static str], lacks: &[&str]) -> Json {
    let by_domain = object! {
        "required": list!["type", "domain"],
        "properties": object! {
            "type": object! { "type": "string", "$ref": Form::Reference.pointer() },
        },
    };
    let by_kind = object! { "required": list!["type"], "properties": object! { "type": object! { "enum": kinds } } };
    let absent_keys = lacks.iter().map(|key| ((*key).to_owned(), false.into())).collect();
    let provider = object! {
        "type": "object",
        "properties": Json::Object(absent_keys),
        "anyOf": list![by_kind, by_domain],
    };
    object! { "required": list!["authorizer"], "properties": object! { "authorizer": provider } }
}
