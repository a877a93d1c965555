//! The rules between keys that are apart: between those of an entry of `paths`, and between the sections of a config.
//!
//! If the sections have an order, as several authorizers have, a schema cannot say more, and `bargate check` does.

use super::patterns::{CLAIM_SOURCE, CREDENTIAL_SOURCE, PARAMETER};
use crate::config::authorizer::keys::{self as authorizer, auth0, kinds_by_login};
use crate::config::claims::CLAIMS;
use crate::config::form::Form;
use crate::config::grammar::{Json, absent, having, list, object, present, refused, wherever, with};
use crate::config::integration::keys::{
    Kind, ProfileSource, RESPONSE_KINDS, ResponseKind, TYPE, callback, http_proxy, names_of, service_binding, userinfo,
};
use crate::config::mapping::{self, request_headers};
use crate::config::mcp;
use crate::config::path::keys as path;
use crate::config::rules::{cache::PER_USER, rate_limit};
use crate::config::session::ClaimsFrom;
use crate::config::token_target::without_target;
use crate::config::{access, client, introspection, protected_resource, provider, root, session};
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
    let leads_there = |kind| matches!(kind, Kind::HttpProxy | Kind::Service | Kind::ServiceBinding);
    let no_servers = names_of(|kind| !leads_there(kind));
    let of_function = object! {
        "type": "object",
        "required": list![TYPE.name, service_binding::FUNCTION.name],
        "properties": object! {
            [TYPE]: object! { "const": Kind::ServiceBinding.name() },
            [service_binding::FUNCTION]: object! { "not": object! { "const": "fetch" } },
        },
    };
    let no_gets: Vec<_> = Method::ALL.iter().filter(|m| **m != Method::Get).map(|m| m.as_str()).collect();
    let useless = "Only GET answers of http_proxy are cached: remove cache.";
    let no_credential = || {
        let source = object! { "type": "string", "pattern": CREDENTIAL_SOURCE };
        object! { "additionalProperties": refused(source, "Answers to credentials are private: give the cache \"per_user\": true.") }
    };
    vec![
        wherever(
            "a cache needs an upstream that is asked by GET",
            present(&path::CACHE),
            object! {
                "not": present(&path::RESPONSE),
                "errorMessage": useless,
                "properties": object! {
                    [path::METHOD]: refused(object! { "enum": no_gets }, useless),
                    [path::INTEGRATION]: refused(of_kind(others), useless),
                },
            },
        ),
        wherever(
            "answers for all are made of no credential",
            object! {
                "required": list![path::CACHE.name],
                "properties": object! {
                    [path::CACHE]: object! {
                        "type": "object",
                        "not": having(&PER_USER, object! { "const": true }),
                    },
                },
            },
            object! {
                "properties": object! {
                    [path::MAPPING]: object! { "properties": object! { [mapping::HEADERS]: no_credential(), [mapping::QUERY]: no_credential() } },
                    [path::REQUEST_HEADERS]: with(&request_headers::SET, no_credential()),
                },
            },
        ),
        wherever(
            "an MCP server is somebody else, and its answers are of sessions",
            having(&path::MCP, object! { "not": object! { "const": false } }),
            object! {
                "properties": object! {
                    [path::CACHE]: absent("A cached answer is not one of a session: remove cache."),
                    [path::RESPONSE]: absent("No MCP server is behind a fixed response."),
                    [path::AUTH]: refused(
                        object! {
                            "type": "object",
                            "required": list![access::OPTIONAL.name],
                            "properties": object! { [access::OPTIONAL]: object! { "const": true } },
                        },
                        "Without a token, nothing says whose a session is: remove \"optional\".",
                    ),
                    [path::INTEGRATION]: refused(
                        object! { "anyOf": list![of_kind(no_servers), of_function] },
                        "No MCP server is behind this integration.",
                    ),
                },
            },
        ),
        wherever(
            "a path with parameters does not identify a resource",
            object! {
                "required": list![path::PATH.name],
                "properties": object! { [path::PATH]: object! { "type": "string", "pattern": PARAMETER } },
            },
            with(
                &path::PROTECTED_RESOURCE,
                object! {
                    "not": object! { "const": true },
                    "required": list![protected_resource::RESOURCE.name],
                    "errorMessage": "A path with parameters needs a \"resource\" that contains it.",
                },
            ),
        ),
        object! {
            "$comment": "exactly one of integration and response, which may be null",
            "if": present(&path::RESPONSE),
            "then": with(&path::INTEGRATION, absent("The path has a response, and can give one answer.")),
            "else": having(&path::INTEGRATION, object! { "type": "object" }),
        },
        object! {
            "$comment": "without auth there are no claims, no users and no expiry",
            "if": with(&path::AUTH, object! { "const": false }),
            "then": object! {
                "properties": object! {
                    [path::MAPPING]: object! { "properties": object! { [mapping::HEADERS]: no_claim(), [mapping::QUERY]: no_claim() } },
                    [path::REQUEST_HEADERS]: with(&request_headers::SET, no_claim()),
                    [path::RATE_LIMIT]: with(&rate_limit::KEY, refused(object! { "enum": list!["sub", "api_key"] }, needs_auth)),
                    [path::CACHE]: with(&PER_USER, not(true.into())),
                    [path::INTEGRATION]: object! {
                        "if": of_kind(proxies),
                        "then": object! {
                            "allOf": list![with(&http_proxy::CLOSE_AT_EXPIRY, not(true.into())), without_target(needs_auth)],
                        },
                    },
                    [path::PROTECTED_RESOURCE]: object! { "const": false, "errorMessage": "A protected resource needs \"auth\"." },
                    [path::MCP]: object! { "const": false, "errorMessage": needs_auth },
                },
            },
            "else": with(
                &path::CACHE,
                having(&PER_USER, object! {
                            "const": true,
                            "errorMessage": "Answers to one user would be given to the next: write true, or remove cache.",
                        }),
            ),
        },
    ]
}

/// Returns the schemas of a config as a whole.
pub fn of_config() -> Vec<Json> {
    let (with_login, without_login) = kinds_by_login();
    let provider_steps = names_of(Kind::needs_provider);
    let session_steps = names_of(|kind| {
        matches!(kind, Kind::Logout | Kind::BackchannelLogout | Kind::FrontchannelLogout | Kind::Sessions)
    });
    let lists = names_of(|kind| kind == Kind::Sessions);
    let of_binding = with(&TYPE, object! { "type": "string", "$ref": Form::Reference.pointer() });
    let unseen = || refused(object! { "const": true }, "No path lists sessions: add one, or remove this key.");
    let logins = names_of(|kind| kind == Kind::Login);
    let callbacks = names_of(|kind| kind == Kind::Callback);
    let with_address = names_of(|kind| matches!(kind, Kind::Login | Kind::Callback));
    let by_session: Vec<_> =
        RESPONSE_KINDS.into_iter().filter(|(_, kind)| *kind == ResponseKind::Session).map(|(name, _)| name).collect();
    let nobody = || {
        let without_client =
            object! { [authorizer::TYPE]: object! { "enum": with_login.clone() }, [client::CLIENT_ID]: false };
        object! { "anyOf": list![of_kind(without_login.clone()), object! { "type": "object", "required": list![TYPE.name], "properties": without_client }] }
    };
    let no_provider = || {
        object! {
            "properties": object! {
                [root::AUTHORIZER]: object! { "anyOf": list![false, nobody()] },
                [root::AUTHORIZERS]: object! {
                    "anyOf": list![false, object! { "type": "object", "additionalProperties": nobody() }]
                },
            },
        }
    };
    let no_targets = "Only sessions have tokens for several audiences: add \"session\".";
    let of_first = object! {
        "anyOf": list![object! { "const": true }, object! { "type": "object", "properties": object! { [access::AUTHORIZER]: false } }]
    };
    vec![
        wherever(
            "authorizer or authorizers, and not both",
            present(&root::AUTHORIZER),
            with(&root::AUTHORIZERS, absent("The config has an authorizer, too: put all of them here.")),
        ),
        wherever(
            "auth needs an authorizer",
            object! {
                "properties": object! { [root::AUTHORIZER]: false, [root::AUTHORIZERS]: object! { "const": object! {} } }
            },
            every_path(with(
                &path::AUTH,
                refused(of_first, "The path needs a token and nothing says which are valid: add an authorizer."),
            )),
        ),
        wherever(
            "the steps of a login need an authorizer of a type that logs people in",
            no_provider(),
            every_path(with(
                &path::INTEGRATION,
                refused(
                    of_kind(provider_steps),
                    "No authorizer says which provider: add one of type auth0 or oidc, with a client_id.",
                ),
            )),
        ),
        wherever(
            "an authorization server needs an authorizer of a type that logs people in",
            object! {
                "properties": object! {
                    [root::AUTHORIZER]: object! { "anyOf": list![false, nobody()] },
                    [root::AUTHORIZERS]: object! {
                        "anyOf": list![false, object! { "type": "object", "additionalProperties": nobody() }]
                    },
                },
            },
            with(
                &root::AUTHORIZATION_SERVER,
                absent("No authorizer says which provider: add one of type auth0 or oidc, with a client_id."),
            ),
        ),
        wherever(
            "sessions can be begun and ended only if there are any",
            with(&root::SESSION, false.into()),
            every_path(with(
                &path::INTEGRATION,
                object! {
                    "not": of_kind(session_steps),
                    "errorMessage": "The config has no \"session\": add it.",
                    "if": of_kind(callbacks),
                    "then": with(
                        &callback::RESPONSE,
                        refused(object! { "enum": by_session }, "Nothing says how sessions are to be held: add \"session\"."),
                    ),
                },
            )),
        ),
        wherever(
            "what is kept of a login is for a list of sessions",
            every_path(with(
                &path::INTEGRATION,
                object! { "not": object! { "anyOf": list![of_kind(lists), of_binding] } },
            )),
            with(
                &root::SESSION,
                object! {
                    "properties": object! {
                        [session::KEEP_USER_AGENT]: unseen(),
                        [session::KEEP_COUNTRY]: unseen(),
                    },
                },
            ),
        ),
        wherever(
            "only sessions have tokens for several audiences",
            with(&root::SESSION, false.into()),
            object! {
                "properties": object! {
                    [root::SERVERS]: object! { "items": without_target(no_targets) },
                    [root::PATHS]: object! {
                        "items": with(
                            &path::INTEGRATION,
                            object! {
                                "if": of_kind(names_of(|kind| kind == Kind::HttpProxy)),
                                "then": without_target(no_targets),
                            },
                        ),
                    },
                },
            },
        ),
        wherever(
            "only sessions keep ID tokens",
            with(&root::SESSION, false.into()),
            no_id_token("Only sessions keep ID tokens: add \"session\"."),
        ),
        wherever(
            "only the scope openid brings ID tokens",
            object! {
                "allOf": list![
                    only_provider(&with_login, &[]),
                    with(
                        &root::AUTHORIZER,
                        object! {
                            "required": list![provider::SCOPE.name],
                            "properties": object! {
                                [provider::SCOPE]: object! { "type": "string", "not": object! { "pattern": "(^| )openid( |$)|^\\$" } }
                            },
                        },
                    ),
                ],
            },
            no_id_token("Logins bring no ID token: add \"openid\" to the authorizer's \"scope\"."),
        ),
        wherever(
            "login and callback need a redirect_uri, here or at the authorizer",
            only_provider(&with_login, &[provider::REDIRECT_URI.name, provider::CALLBACK_URI.name]),
            every_path(with(
                &path::INTEGRATION,
                object! {
                    "if": of_kind(with_address),
                    "then": having(&callback::REDIRECT_URI, object! { "type": "string" }),
                },
            )),
        ),
        wherever(
            "a login needs something to seal its state with",
            only_provider(&with_login, &[client::CLIENT_SECRET.name, provider::SEALING_KEY.name]),
            every_path(with(
                &path::INTEGRATION,
                refused(
                    of_kind(logins),
                    "The authorizer needs a client_secret or a sealing_key to seal the login state with.",
                ),
            )),
        ),
        wherever(
            "an authorization server needs something to seal codes with",
            only_provider(&with_login, &[client::CLIENT_SECRET.name, provider::SEALING_KEY.name]),
            with(
                &root::AUTHORIZATION_SERVER,
                absent("The authorizer needs a client_secret or a sealing_key to seal the codes of clients with."),
            ),
        ),
        wherever(
            "the sessions of an MCP server need something to bind them with",
            object! {
                "anyOf": list![
                    no_provider(),
                    only_provider(&with_login, &[client::CLIENT_SECRET.name, provider::SEALING_KEY.name]),
                ],
            },
            every_path(with(
                &path::MCP,
                refused(
                    object! {
                        "anyOf": list![
                            object! { "const": true },
                            object! { "type": "object", "properties": object! { [mcp::SESSION_KEY]: false } },
                        ],
                    },
                    "Nothing binds the sessions to their users: add a \"session_key\".",
                ),
            )),
        ),
        wherever(
            "a session needs an audience",
            only_provider(
                &with_login,
                &[authorizer::AUDIENCE.name, authorizer::AUDIENCE_CLAIM.name, introspection::INTROSPECTION.name],
            ),
            with(
                &root::SESSION,
                refused(
                    object! {
                        "type": "object",
                        "properties": object! { [session::CLAIMS_FROM]: object! { "const": "access_token" } },
                    },
                    "Sessions need the authorizer's audience: add the API's identifier there.",
                ),
            ),
        ),
        wherever(
            "the claims of an authorizer are of access tokens",
            having(&root::AUTHORIZER, having(&CLAIMS, object! { "type": "object", "minProperties": 1 })),
            with(
                &root::SESSION,
                with(
                    &session::CLAIMS_FROM,
                    refused(
                        object! { "const": session::CLAIMS_FROM.name_of(ClaimsFrom::IdToken) },
                        "The authorizer's \"claims\" are of access tokens: write them in the \"auth\" of each path.",
                    ),
                ),
            ),
        ),
    ]
}

/// Returns the schema of a config in which no profile is in an ID token.
fn no_id_token(message: &str) -> Json {
    let other = userinfo::SOURCE.name_of(ProfileSource::Userinfo);
    every_path(with(
        &path::INTEGRATION,
        object! {
            "if": of_kind(names_of(|kind| kind == Kind::Userinfo)),
            "then": with(&userinfo::SOURCE, refused(object! { "enum": list![other] }, message)),
        },
    ))
}

/// Returns the schema of an object of one of these types.
fn of_kind(names: Vec<&'static str>) -> Json {
    object! { "type": "object", "required": list![TYPE.name], "properties": object! { [TYPE]: object! { "enum": names } } }
}

/// Returns the schema of a config whose paths all fit `schema`.
fn every_path(schema: Json) -> Json {
    with(&root::PATHS, object! { "items": schema })
}

/// Returns the schema of a config whose only authorizer logs people in and lacks all of these keys.
fn only_provider(kinds: &[&'static str], lacks: &[&str]) -> Json {
    let by_domain = object! {
        "required": list![authorizer::TYPE.name, auth0::DOMAIN.name],
        "properties": object! {
            [authorizer::TYPE]: object! { "type": "string", "$ref": Form::Reference.pointer() },
        },
    };
    let by_kind = having(&authorizer::TYPE, object! { "enum": kinds });
    let absent_keys = lacks.iter().map(|key| ((*key).to_owned(), false.into())).collect();
    let provider = object! {
        "type": "object",
        "properties": Json::Object(absent_keys),
        "anyOf": list![by_kind, by_domain],
    };
    having(&root::AUTHORIZER, provider)
}
