//! `authorizer`, `authorizers` and `auth`: whose tokens are believed, and which of them open a path.

use super::form::Form;
use super::logins::rotation_grace;
use super::model::{Key, Section, Shape, Union, absent, allow, refused, wherever};
use super::tree::{Json, list, object};
use crate::algorithm::Algorithm;
use crate::config::authorizer::{
    ALGORITHMS_DEFAULT, CLOCK_SKEW_DEFAULT_SECS, CLOCK_SKEW_MAX_SECS, KINDS, Kind, SUPABASE_ALGORITHMS_DEFAULT,
    SUPABASE_AUDIENCE, TIMEOUT_DEFAULT_MS, TIMEOUT_MAX_MS,
};
use crate::config::provider::SCOPE_DEFAULT;
use crate::config::weak_secret::SECRET_MIN_BYTES;

/// Name of an authorizer among the `$defs`.
pub const AUTHORIZER: &str = "authorizer";

/// Gives the types of authorizers.
pub fn authorizer() -> Union {
    let about = "An issuer whose tokens are believed, and by which rules. Its `type` says which other keys it has.\n\n\
                 A token must be signed with a key of the issuer, be for the `audience`, and be valid at the time.";
    Union {
        name: AUTHORIZER,
        title: "authorizer",
        about: about.to_owned(),
        sections: vec![auth0(), oidc(), jwt(), supabase()],
    }
}

/// Gives the names of the types that log people in, and of those that do not.
pub fn kinds_by_login() -> (Vec<&'static str>, Vec<&'static str>) {
    let (with, without): (Vec<_>, Vec<_>) =
        KINDS.into_iter().partition(|(_, kind)| matches!(kind, Kind::Auth0 | Kind::Oidc));
    let names = |kinds: Vec<(&'static str, Kind)>| kinds.into_iter().map(|(name, _)| name).collect();
    (names(with), names(without))
}

fn kind(of: Kind, about: &str) -> Key {
    let names = KINDS.into_iter().filter(|(_, kind)| *kind == of).map(|(name, _)| name).collect::<Vec<_>>();
    let first = names.first().copied().unwrap_or_default();
    Key::new("type", Shape::Exactly(names), about).required().example(first)
}

fn auth0() -> Section {
    let about = "An Auth0 tenant. With `client_secret` and `redirect_uri` the gateway logs people in there, too.";
    Section::new("authorizer_auth0", "authorizer: auth0", about)
        .keys([
            kind(Kind::Auth0, "An Auth0 tenant."),
            Key::new(
                "domain",
                Shape::Text(Form::Domain),
                "The tenant's host alone, such as `tenant.eu.auth0.com`, or its custom domain. `http://host:port` is taken for \
                 loopback hosts.",
            )
            .required()
            .example("tenant.eu.auth0.com"),
            Key::new("issuer", Shape::Text(Form::HttpsUrl), ISSUER)
                .default_words("`https://{domain}/`")
                .example("https://login.example.com/"),
            login_audience(),
            key_set("jwks"),
            Key::new("jwks_uri", Shape::Text(Form::HttpsUrl), KEY_SET_URI)
                .default_words("`https://{domain}/.well-known/jwks.json`")
                .example("https://tenant.eu.auth0.com/.well-known/jwks.json"),
            algorithms(false, &ALGORITHMS_DEFAULT),
        ])
        .keys(common())
        .keys(login())
        .example(
            r#"{
                "authorizer": {
                    "type": "auth0",
                    "domain": "$env.AUTH0_DOMAIN",
                    "client_id": "$env.AUTH0_CLIENT_ID",
                    "client_secret": "$secret.AUTH0_CLIENT_SECRET",
                    "audience": "https://api.example.com",
                    "redirect_uri": "https://gateway.example.com/callback"
                },
                "paths": [
                    { "method": "GET", "path": "/login", "integration": { "type": "auth0_login" } },
                    { "method": "GET", "path": "/callback", "integration": { "type": "auth0_callback" } },
                    { "method": "GET", "path": "/private", "auth": true, "response": { "private": true } }
                ]
            }"#,
        )
}

fn oidc() -> Section {
    let about = "Any OpenID Connect provider. Endpoints and key set come from `{issuer}/.well-known/openid-configuration`, whose \
                 `issuer` must equal the one here.";
    Section::new("authorizer_oidc", "authorizer: oidc", about)
        .keys([
            kind(Kind::Oidc, "Any OpenID Connect provider, by its issuer."),
            Key::new("issuer", Shape::Text(Form::HttpsUrl), ISSUER).required().example("https://id.example.com"),
            login_audience(),
            algorithms(false, &ALGORITHMS_DEFAULT),
        ])
        .keys(common())
        .keys(login())
        .example(
            r#"{
                "authorizer": {
                    "type": "oidc",
                    "issuer": "https://id.example.com",
                    "client_id": "$env.CLIENT_ID",
                    "audience": "https://api.example.com"
                },
                "paths": [{ "method": "GET", "path": "/private", "auth": true, "response": { "private": true } }]
            }"#,
        )
}

fn jwt() -> Section {
    let about = "An issuer of JWTs that logs nobody in here: a partner, a job, an older system. Exactly one of `secret`, `jwks` and \
                 `jwks_uri` says which signatures are believed.";
    Section::new("authorizer_jwt", "authorizer: jwt", about)
        .keys([
            kind(Kind::Jwt, "Any issuer of JWTs, by a shared secret or a key set."),
            Key::new("issuer", Shape::Text(Form::NotEmpty), ISSUER).required().example("partners"),
            Key::new("audience", Shape::Text(Form::NotEmpty), AUDIENCE).required().example("orders"),
            secret("secret"),
            key_set("jwks"),
            key_set_uri(),
            algorithms(true, &ALGORITHMS_DEFAULT),
            Key::new("algorithm", algorithm_names(true), "One algorithm, the older spelling of `algorithms`, which may not stand beside it.")
                .deprecated("Write `algorithms`, a list.")
                .example("HS256"),
        ])
        .keys(common())
        .condition(exactly_one_source("secret"))
        .condition(algorithms_by_source("secret"))
        .condition(wherever(
            "algorithm or algorithms, and not both",
            object! { "required": list!["algorithm"], "properties": object! { "algorithm": object! { "type": "string" } } },
            object! { "properties": object! { "algorithms": refused(object! {}, "There is an \"algorithm\", too: remove that.") } },
        ))
        .example(
            r#"{
                "authorizer": {
                    "type": "jwt",
                    "issuer": "partners",
                    "audience": "orders",
                    "secret": "$secret.PARTNERS_KEY",
                    "allow": ["symmetric_algorithm"]
                },
                "paths": [{ "method": "GET", "path": "/orders", "auth": true, "response": [] }]
            }"#,
        )
}

fn supabase() -> Section {
    let about =
        "A Supabase project. Exactly one of `jwt_secret`, `jwks` and `jwks_uri` says which signatures are believed.";
    Section::new("authorizer_supabase", "authorizer: supabase", about)
        .keys([
            kind(Kind::Supabase, "A Supabase project."),
            Key::new("issuer", Shape::Text(Form::NotEmpty), ISSUER)
                .required()
                .example("https://project.supabase.co/auth/v1"),
            Key::new("audience", Shape::Text(Form::NotEmpty), AUDIENCE)
                .default(SUPABASE_AUDIENCE)
                .example("authenticated"),
            secret("jwt_secret"),
            key_set("jwks"),
            key_set_uri(),
            algorithms(true, &SUPABASE_ALGORITHMS_DEFAULT),
        ])
        .keys(common())
        .condition(exactly_one_source("jwt_secret"))
        .condition(algorithms_by_source("jwt_secret"))
        .example(
            r#"{
                "authorizer": {
                    "type": "supabase",
                    "issuer": "https://project.supabase.co/auth/v1",
                    "jwks_uri": "https://project.supabase.co/auth/v1/.well-known/jwks.json"
                },
                "paths": [{ "method": "GET", "path": "/private", "auth": true, "response": { "private": true } }]
            }"#,
        )
}

const ISSUER: &str = "The only `iss` that is believed, compared character by character.";
const AUDIENCE: &str = "What `aud` of a token must contain.";
const KEY_SET_URI: &str = "The address of the key set that signatures are verified with, an https URL.";

fn login_audience() -> Key {
    let about = "The API that access tokens are asked for and must be for. Without it `aud` must contain `client_id`, as in ID \
                 tokens; `session` needs it.";
    Key::new("audience", Shape::Text(Form::NotEmpty), about).example("https://api.example.com")
}

fn secret(name: &'static str) -> Key {
    let about =
        format!("The secret that tokens are signed with (HS256), of at least {SECRET_MIN_BYTES} bytes; no public key.");
    Key::new(name, Shape::Text(Form::SigningSecret), about).example("$secret.SIGNING_KEY")
}

fn key_set(name: &'static str) -> Key {
    let about = "The key set itself: its JSON as one string, usually by reference.";
    Key::new(name, Shape::Text(Form::Any), about).example("$secret.KEY_SET")
}

fn key_set_uri() -> Key {
    Key::new("jwks_uri", Shape::Text(Form::HttpsUrl), KEY_SET_URI).example("https://id.example.com/jwks.json")
}

fn algorithm_names(shared_secret: bool) -> Shape {
    let names = Algorithm::NAMES.into_iter().filter(|(_, algorithm)| shared_secret || *algorithm != Algorithm::Hs256);
    Shape::Choice(names.map(|(name, _)| name).collect())
}

fn algorithms(shared_secret: bool, default: &[Algorithm]) -> Key {
    let names: Vec<_> = default.iter().map(|algorithm| algorithm.name()).collect();
    let about = match shared_secret {
        true => {
            "The algorithms that tokens may be signed with. With a shared secret that is HS256 alone, which is the default then."
        }
        false => "The algorithms that tokens may be signed with.",
    };
    Key::new("algorithms", Shape::List(Box::new(algorithm_names(shared_secret)), 1), about)
        .default(names)
        .example(list!["RS256"])
}

fn common() -> [Key; 3] {
    [
        Key::new(
            "clock_skew_seconds",
            Shape::Integer(0..=CLOCK_SKEW_MAX_SECS),
            "By how many seconds the clocks of gateway and issuer may differ.",
        )
        .default(CLOCK_SKEW_DEFAULT_SECS)
        .example(5_u64),
        Key::new(
            "timeout_ms",
            Shape::Integer(1..=TIMEOUT_MAX_MS),
            "How many milliseconds a whole call to the issuer may take, for its key set or at a login.",
        )
        .default(TIMEOUT_DEFAULT_MS)
        .example(5_000_u64),
        allow("this authorizer"),
    ]
}

/// Gives the keys of an application at a provider.
fn login() -> [Key; 7] {
    let callback = "The callback's public address, as the provider knows it, or a native application's. Login and callback paths need it here or \
         of their own.";
    [
        Key::new("client_id", Shape::Text(Form::NotEmpty), "The application at the provider.")
            .required()
            .example("$env.CLIENT_ID"),
        Key::new(
            "client_secret",
            Shape::Text(Form::NotEmpty),
            "The application's secret. Keep it out of the file, by reference. Without one a login relies on PKCE alone.",
        )
        .example("$secret.CLIENT_SECRET"),
        Key::new("redirect_uri", Shape::Text(Form::RedirectUri), callback).example("https://gateway.example.com/callback"),
        Key::new("callback_uri", Shape::Text(Form::Any), "An older name of `redirect_uri`; beside that it has no effect.")
            .deprecated("Write `redirect_uri`.")
            .example("https://gateway.example.com/callback"),
        Key::new(
            "scope",
            Shape::Text(Form::Any),
            "The scopes asked for at login, separated by spaces. `offline_access` brings a refresh token.",
        )
        .default(SCOPE_DEFAULT)
        .example("openid profile email offline_access"),
        rotation_grace(
            "How many seconds a late duplicate of a refresh gets the first one's answer, at the refresh path; 0 turns that off.",
        ),
        Key::new(
            "sealing_key",
            Shape::Text(Form::SigningSecret),
            "What the login state is sealed with, of at least 32 bytes. A login path needs this or `client_secret`.",
        )
        .default_words("`client_secret`")
        .example("$secret.SEALING_KEY"),
    ]
}

/// Gives the schema by which one of the secret, the key set and its address must be there, and no other.
fn exactly_one_source(secret: &'static str) -> Json {
    let sources = [secret, "jwks", "jwks_uri"];
    let one = |present: &&str| {
        let state = |name: &&str| match name == present {
            true => ((*name).to_owned(), object! { "type": "string" }),
            false => {
                ((*name).to_owned(), absent("One key source says which signatures are believed: keep exactly one."))
            }
        };
        object! { "required": list![*present], "properties": Json::Object(sources.iter().map(state).collect()) }
    };
    object! { "oneOf": sources.iter().map(one).collect::<Vec<_>>() }
}

/// Gives the schema by which a shared secret goes with HS256 alone, and that with nothing else.
fn algorithms_by_source(secret: &'static str) -> Json {
    let shared = Algorithm::Hs256.name();
    // No editor is to offer the older spelling.
    let only = |names: Json| {
        let mut one = names.clone();
        one.set("doNotSuggest", true);
        object! { "properties": object! { "algorithm": one, "algorithms": object! { "items": names } } }
    };
    let public: Vec<_> = Algorithm::NAMES.into_iter().map(|(name, _)| name).filter(|name| *name != shared).collect();
    object! {
        "if": object! {
            "required": list![secret],
            "properties": Json::Object(vec![(secret.to_owned(), object! { "type": "string" })]),
        },
        "then": only(refused(object! { "enum": public }, "This needs a public key, and the authorizer has a shared secret.")),
        "else": only(refused(object! { "const": shared }, "This needs a shared secret, and the authorizer has none.")),
    }
}

/// Gives `auth` where it is an object.
pub fn access() -> Section {
    let names = |name, about: &str, example: &str| {
        Key::new(name, Shape::list(Shape::Text(Form::Scope)), about).example(list![example])
    };
    let about = "What a path's token must hold besides being valid.\n\n\
                 `true` in place of the object asks for a valid token of the first authorizer, a string for one of the authorizer of \
                 that name, and `false` for none. A token that is valid and not enough gets 403 `insufficient_scope`.";
    let claim = || vec![Shape::Text(Form::Any), Shape::Number, Shape::Boolean];
    let mut claims = claim();
    claims.push(Shape::list(Shape::Either(claim())));
    Section::new("access", "auth", about)
        .without_notes()
        .keys([
            Key::new("authorizer", Shape::Text(Form::Any), "The name of the authorizer, of those in `authorizers`.")
                .default_words("the first")
                .example("partners"),
            names("scopes", "The token must have all of these, in `scope` or `scp`.", "read:orders"),
            names("any_scopes", "The token must have one of these.", "admin"),
            names("permissions", "The token must have all of these, in the list `permissions`.", "read:orders"),
            Key::new(
                "claims",
                Shape::map(Shape::Either(claims)),
                "Claims and their values: the claim equals the value, or is a list that contains it; of several values, one is \
                 enough. Dots in a name lead into objects; of names that fit the longest is meant.",
            )
            .example(object! { "org_id": list!["org_1", "org_2"] }),
            Key::new(
                "optional",
                Shape::Boolean,
                "Lets a request without any credential go on without claims, and one whose session has ended or cannot be used; a bad \
                 token is refused as ever.",
            )
            .default(false)
            .example(true),
        ])
        .example(
            r#"{
                "authorizers": {
                    "people": { "type": "oidc", "issuer": "https://id.example.com", "client_id": "$env.CLIENT_ID" },
                    "partners": { "type": "jwt", "issuer": "partners", "audience": "orders", "jwks_uri": "https://partners.example.com/jwks.json" }
                },
                "paths": [
                    { "method": "GET", "path": "/profile", "auth": true, "integration": { "type": "oidc_userinfo" } },
                    { "method": "GET", "path": "/stock", "auth": "partners", "response": { "stock": [] } },
                    {
                        "method": "GET",
                        "path": "/orders",
                        "auth": { "authorizer": "people", "scopes": ["read:orders"], "claims": { "org_id": ["org_1", "org_2"] } },
                        "response": { "orders": [] }
                    }
                ]
            }"#,
        )
}
