//! The keys of authorizers, by their types.

#[cfg(not(target_os = "unknown"))]
use super::algorithm::algorithm_names;
use crate::algorithm::Algorithm;
#[cfg(not(target_os = "unknown"))]
use crate::config::claims::{CLAIMS, CLAIMS_WORDS, claim_values};
#[cfg(not(target_os = "unknown"))]
use crate::config::dpop::{self, DPOP};
use crate::config::form::Form;
#[cfg(not(target_os = "unknown"))]
use crate::config::grammar::{
    Change, Entry, Json, Section, Shape, Union, absent, having, list, object, refused, wherever, with,
};
use crate::config::key::declare::{choice, text, texts};
use crate::config::key::{Choice, Key, Text, Texts};
use crate::config::section::section;
#[cfg(not(target_os = "unknown"))]
use crate::config::{client, client::AuthMethod, introspection, provider, shared_secret::SECRET_MIN_BYTES};

/// How much the clocks of gateway and provider may differ, by default.
pub const CLOCK_SKEW_DEFAULT_SECS: u32 = 30;

/// A larger skew would keep tokens valid for longer than people expect of "expired".
pub(crate) const CLOCK_SKEW_MAX_SECS: u32 = 300;

/// How long a call to the provider may take, by default.
pub(crate) const TIMEOUT_DEFAULT_MS: u32 = 10_000;

/// The longest time that a call to the provider may be given. Work continues for at most 30 s after its client has hung up, and a
/// token request that is cut off then would cost the login.
pub(crate) const TIMEOUT_MAX_MS: u32 = 25_000;

/// The `aud` of Supabase's tokens for people who are logged in.
pub(crate) const SUPABASE_AUDIENCE: &str = "authenticated";

/// The algorithms that tokens may be signed with, by default.
pub(crate) const ALGORITHMS_DEFAULT: [Algorithm; 1] = [Algorithm::Rs256];

/// The same for Supabase, whose projects sign with either.
pub(crate) const SUPABASE_ALGORITHMS_DEFAULT: [Algorithm; 2] = [Algorithm::Es256, Algorithm::Rs256];

/// For how long an isolate uses the record of an API key in KV, in seconds, by default.
pub(crate) const KEY_CACHE_DEFAULT_SECS: u32 = 60;

/// An hour: whoever revokes a key waits for as long.
const KEY_CACHE_MAX_SECS: u32 = 60 * 60;

/// The header that an API key comes in, unless the config names another.
pub(crate) const KEY_HEADER_DEFAULT: &str = "X-API-Key";

/// A type of authorizer.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Auth0,
    Jwt,
    Supabase,
    Oidc,
    ApiKey,
}

impl Kind {
    /// Returns its name.
    #[cfg(not(target_os = "unknown"))]
    pub(crate) fn name(self) -> &'static str {
        TYPE.name_of(self)
    }
}

/// Every type by its name.
pub(crate) const KINDS: [(&str, Kind); 5] = [
    ("auth0", Kind::Auth0),
    ("jwt", Kind::Jwt),
    ("supabase", Kind::Supabase),
    ("oidc", Kind::Oidc),
    ("api_key", Kind::ApiKey),
];

/// The type of an authorizer.
pub(crate) const TYPE: Key<Choice<Kind>> = choice("type", &KINDS).required();

/// What `aud` must contain.
pub(crate) const AUDIENCE: Key<Text> = text("audience", Form::NotEmpty);

/// The JWKS itself.
pub(crate) const JWKS: Key<Text> = text("jwks", Form::Any);

/// The address of the JWKS.
pub(crate) const JWKS_URI: Key<Text> = text("jwks_uri", Form::HttpsUrl);

/// The algorithms that tokens may be signed with.
pub(crate) const ALGORITHMS: Key<Texts> = texts("algorithms", Form::Any);

#[cfg(not(target_os = "unknown"))]
const ISSUER_WORDS: &str = "The only `iss` that is accepted, compared character by character.";

#[cfg(not(target_os = "unknown"))]
const AUDIENCE_WORDS: &str = "What `aud` of a token must contain.";

#[cfg(not(target_os = "unknown"))]
const LOGIN_AUDIENCE_WORDS: &str = "The API that logins request access tokens for, and that tokens must be for. \
Without it, `aud` must contain `client_id`, as in ID \
                 tokens; `session` needs it, or `audience_claim`.";

#[cfg(not(target_os = "unknown"))]
const KEY_SET_WORDS: &str = "The JWKS itself: its JSON as one string, usually by reference.";

#[cfg(not(target_os = "unknown"))]
const KEY_SET_URI_WORDS: &str = "The address of the JWKS that verifies signatures, an https URL.";

#[cfg(not(target_os = "unknown"))]
const ALGORITHMS_WORDS: &str = "The algorithms that tokens may be signed with.";

#[cfg(not(target_os = "unknown"))]
const SHARED_ALGORITHMS_WORDS: &str = "The algorithms that tokens may be signed with. With a shared secret, only \
HS256, which is then the default.";

/// The keys of an authorizer of type `auth0`.
pub(crate) mod auth0 {
    use super::*;

    section! {
        of_kind(
            Kind::Auth0,
            "authorizer_auth0",
            "An Auth0 tenant.",
            "An Auth0 tenant. With `client_secret` and `redirect_uri`, the gateway also logs people in there.",
        )
            .conditions(client::auth_conditions())
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
            );

        DOMAIN: Text = text("domain", Domain).required(), Different("trusts another tenant"),
            "Only the tenant's host, such as `tenant.eu.auth0.com`, or its custom domain. `http://host:port` is \
             accepted for loopback hosts.",
            example("tenant.eu.auth0.com");
        ISSUER: Text = text("issuer", HttpsUrl), Different("trusts another issuer"),
            ISSUER_WORDS,
            default_words("`https://{domain}/`"), example("https://login.example.com/");
        AUDIENCE, Different("accepts tokens for another audience"),
            LOGIN_AUDIENCE_WORDS, example("https://api.example.com");
        JWKS, Hidden("trusts another key set"), KEY_SET_WORDS, example("$secret.KEY_SET");
        JWKS_URI, Different("trusts the keys at another address"),
            KEY_SET_URI_WORDS,
            default_words("`https://{domain}/.well-known/jwks.json`"),
            example("https://tenant.eu.auth0.com/.well-known/jwks.json");
        ALGORITHMS, Wider("accepts tokens signed with"),
            ALGORITHMS_WORDS,
            shape(algorithms(false)), default(names(&ALGORITHMS_DEFAULT)), example(list!["RS256"]);
        ..entries();
        ..client::entries_with_id();
        ..provider::entries();
    }
}

/// The keys of an authorizer of type `oidc`.
pub(crate) mod oidc {
    use super::*;

    section! {
        of_kind(
            Kind::Oidc,
            "authorizer_oidc",
            "Any OpenID Connect provider, by its issuer.",
            "Any OpenID Connect provider. Endpoints and JWKS come from its discovery document, whose `issuer` must equal \
             the one here. Without a `client_id`, nobody logs in there, and tokens must be for the `audience`: so are \
             issuers that only sign, such as GitHub Actions.",
        )
            .conditions(client::auth_conditions())
            .condition(client_condition())
            .conditions(tenant_conditions())
            .conditions(introspection::conditions())
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
            );

        ISSUER: Text = text("issuer", HttpsUrl).required(), Different("trusts another issuer"),
            "The only `iss` that is accepted, compared character by character. `{tenantid}` in it stands for each of \
             `tenants`.",
            example("https://id.example.com"), example("https://login.microsoftonline.com/{tenantid}/v2.0");
        DISCOVERY_URL: Text = text("discovery_url", HttpsUrl),
            Different("reads the endpoints and the address of the JWKS in another document"),
            "The address of the discovery document, if it is not at its usual place, as with Azure AD B2C.",
            default_words("`{issuer}/.well-known/openid-configuration`"),
            example("https://login.microsoftonline.com/organizations/v2.0/.well-known/openid-configuration");
        TENANTS: Texts = texts("tenants", TenantId), Wider("accepts tokens of the tenant"),
            "The ids of the tenants whose tokens are accepted, if the issuer has `{tenantid}`: Microsoft Entra ID for several \
             directories. `tid` of a token must be the same tenant.",
            shape(Shape::List(Box::new(Shape::Text(Form::TenantId)), 1)),
            example(list!["8eaef023-2b34-4da1-9baa-8bc8c9d6a490"]);
        AUDIENCE, Different("accepts tokens for another audience"),
            LOGIN_AUDIENCE_WORDS, example("https://api.example.com");
        ALGORITHMS, Wider("accepts tokens signed with"),
            ALGORITHMS_WORDS,
            shape(algorithms(false)), default(names(&ALGORITHMS_DEFAULT)), example(list!["RS256"]);
        ..entries();
        ..client::entries();
        ..provider::entries();
        ..introspection::entries();
    }
}

/// The keys of an authorizer of type `jwt`.
pub(crate) mod jwt {
    use super::*;

    section! {
        of_kind(
            Kind::Jwt,
            "authorizer_jwt",
            "Any issuer of JWTs, by a shared secret or a JWKS.",
            "An issuer of JWTs at which nobody logs in through the gateway: a partner, a job, an older system. Exactly \
             one of `secret`, `jwks` and `jwks_uri` says which signatures are valid.",
        )
            .condition(exactly_one_source(&SECRET))
            .condition(algorithms_by_source(&SECRET))
            .condition(wherever(
                "algorithm or algorithms, and not both",
                having(&ALGORITHM, object! { "type": "string" }),
                with(&ALGORITHMS, absent("There is an \"algorithm\", too: remove that.")),
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
            );

        ISSUER: Text = text("issuer", NotEmpty).required(), Different("trusts another issuer"),
            ISSUER_WORDS, example("partners");
        AUDIENCE: Text = text("audience", NotEmpty).required(), Different("accepts tokens for another audience"),
            AUDIENCE_WORDS,
            example("orders");
        SECRET: Text = text("secret", SigningSecret), Hidden("trusts another secret"),
            secret_words(), example("$secret.SIGNING_KEY");
        JWKS, Hidden("trusts another key set"), KEY_SET_WORDS, example("$secret.KEY_SET");
        JWKS_URI, Different("trusts the keys at another address"),
            KEY_SET_URI_WORDS, example("https://id.example.com/jwks.json");
        ALGORITHMS, Wider("accepts tokens signed with"),
            SHARED_ALGORITHMS_WORDS,
            shape(algorithms(true)), default(names(&ALGORITHMS_DEFAULT)), example(list!["RS256"]);
        ALGORITHM: Text = text("algorithm", Any), Elsewhere,
            "One algorithm: the older spelling of `algorithms`. Use only one of the two.",
            shape(algorithm_names(true)), deprecated("Write `algorithms`, a list."), example("HS256");
        ..entries();
    }
}

/// The keys of an authorizer of type `supabase`.
pub(crate) mod supabase {
    use super::*;

    section! {
        of_kind(
            Kind::Supabase,
            "authorizer_supabase",
            "A Supabase project.",
            "A Supabase project. Exactly one of `jwt_secret`, `jwks` and `jwks_uri` says which signatures are valid.",
        )
            .condition(exactly_one_source(&SECRET))
            .condition(algorithms_by_source(&SECRET))
            .example(
                r#"{
                        "authorizer": {
                            "type": "supabase",
                            "issuer": "https://project.supabase.co/auth/v1",
                            "jwks_uri": "https://project.supabase.co/auth/v1/.well-known/jwks.json"
                        },
                        "paths": [{ "method": "GET", "path": "/private", "auth": true, "response": { "private": true } }]
                    }"#,
            );

        ISSUER: Text = text("issuer", NotEmpty).required(), Different("trusts another issuer"),
            ISSUER_WORDS, example("https://project.supabase.co/auth/v1");
        AUDIENCE, Different("accepts tokens for another audience"),
            AUDIENCE_WORDS,
            default(SUPABASE_AUDIENCE), example("authenticated");
        SECRET: Text = text("jwt_secret", SigningSecret), Hidden("trusts another secret"),
            secret_words(), example("$secret.SIGNING_KEY");
        JWKS, Hidden("trusts another key set"), KEY_SET_WORDS, example("$secret.KEY_SET");
        JWKS_URI, Different("trusts the keys at another address"),
            KEY_SET_URI_WORDS, example("https://id.example.com/jwks.json");
        ALGORITHMS, Wider("accepts tokens signed with"),
            SHARED_ALGORITHMS_WORDS,
            shape(algorithms(true)), default(names(&SUPABASE_ALGORITHMS_DEFAULT)), example(list!["RS256"]);
        ..entries();
    }
}

/// The keys of an authorizer of type `api_key`.
pub(crate) mod api_key {
    use super::*;

    section! {
        of_kind(
            Kind::ApiKey,
            "authorizer_api_key",
            "API keys, which `bargate key new` makes.",
            "API keys, for partners and jobs that log in nowhere. A key comes in a header of its own, or as \
             `Authorization: Bearer`. The gateway has the SHA-256 of each, with a record of what it opens: in `keys`, or in KV.",
        )
            .condition(object! { "anyOf": list![present(&KV), present(&KEYS)] })
            .example(
                r#"{
                        "authorizers": {
                            "partners": { "type": "api_key", "prefix": "acme_live", "kv": "API_KEYS" }
                        },
                        "paths": [
                            { "method": "GET", "path": "/orders", "auth": { "authorizer": "partners", "scopes": ["read:orders"] }, "response": [] }
                        ]
                    }"#,
            );

        PREFIX: Text = text("prefix", KeyPrefix).required(), Different("accepts keys with another prefix"),
            "What each key begins with, before an underscore: small letters, digits and single underscores between them. No token of \
             another authorizer begins so.",
            example("acme_live");
        HEADER: Text = text("header", HeaderName), Different("takes keys from another header"),
            "The header that a key may come in. No upstream gets it from a client, on any path.",
            default(KEY_HEADER_DEFAULT), example("X-Partner-Key");
        KV: Text = text("kv", NotEmpty), Different("takes the records of keys from another KV namespace"),
            "The KV binding with the records, each under the SHA-256 of its key in base64url.",
            example("API_KEYS");
        CACHE_SECONDS: Integer = integer("cache_seconds", 1..=KEY_CACHE_MAX_SECS, KEY_CACHE_DEFAULT_SECS),
            Larger("accepts keys longer after they were revoked"),
            "For how many seconds an isolate uses a record of KV without looking again. A key that was removed there is refused \
             everywhere after this and the minute for which KV itself keeps what it has read.",
            example(10_u32);
        KEYS: Value = value("keys"), Wider("accepts the key"),
            "The records of keys in the config. They come before those of KV.",
            shape(Shape::list(Shape::Section("api_key"))),
            example(list![object! { "sha256": "2CCiyGWlSOLMXuFDQnwXRLvOhbDn_TTpFRuMEqUhN7E", "owner": "acme" }]);
        ..[allow("this authorizer")];
    }
}

section! {
    entries;

    AUDIENCE_CLAIM: Text = text("audience_claim", NotEmpty), Different("accepts tokens by another claim for the audience"),
        "The claim of access tokens that stands for `aud`, if they have none: it must be or contain what `aud` would have to. \
         An `aud` that is there is checked as well. Dots in the name lead into objects.",
        default_words("none: tokens without `aud` are refused"), example("client_id");
    CLAIMS, Claims, format!("What each access token must have. {CLAIMS_WORDS}"),
        shape(claim_values()), example(object! { "token_use": "access" });
    CLOCK_SKEW_SECONDS: Integer = integer("clock_skew_seconds", 0..=CLOCK_SKEW_MAX_SECS, CLOCK_SKEW_DEFAULT_SECS),
        Larger("takes tokens longer after their end"),
        "By how many seconds the clocks of gateway and issuer may differ.",
        example(5_u32);
    TIMEOUT_MS: Integer = integer("timeout_ms", 1..=TIMEOUT_MAX_MS, TIMEOUT_DEFAULT_MS),
        Harmless("it limits how long the gateway waits for a response"),
        "How many milliseconds a whole call to the issuer may take, for its JWKS or at a login.",
        example(5_000_u32);
    DPOP, Elsewhere,
        "How tokens are taken that are bound to a key (RFC 9449), on paths that do not say: `accept`, `require`, or an object. \
         See [dpop](#dpop).",
        shape(dpop::shape()), default_words("a token that is bound to a key is refused"), example("accept");
    ..[allow("this authorizer")];
}

/// Returns the description of authorizers.
#[cfg(not(target_os = "unknown"))]
pub(crate) fn union() -> Union {
    let about = "An issuer whose tokens are accepted, and the rules for them. Its `type` says which other keys it has.\n\n\
                 A token must be signed with a key of the issuer, be for the `audience`, and be valid at the time. \
                 API keys are not signed: the gateway knows each.";
    Union {
        name: "authorizer",
        title: "authorizer",
        about: about.to_owned(),
        sections: vec![auth0::section(), oidc::section(), jwt::section(), supabase::section(), api_key::section()],
    }
}

/// Returns the names of the types that log people in, and of those that do not.
#[cfg(not(target_os = "unknown"))]
pub(crate) fn kinds_by_login() -> (Vec<&'static str>, Vec<&'static str>) {
    let (with, without): (Vec<_>, Vec<_>) =
        KINDS.into_iter().partition(|(_, kind)| matches!(kind, Kind::Auth0 | Kind::Oidc));
    let names = |kinds: Vec<(&'static str, Kind)>| kinds.into_iter().map(|(name, _)| name).collect();
    (names(with), names(without))
}

/// Begins the section of one type.
#[cfg(not(target_os = "unknown"))]
fn of_kind(of: Kind, name: &'static str, kind_about: &str, about: &str) -> Section {
    let kind = TYPE.entry(Change::Elsewhere, kind_about).shape(Shape::Exactly(vec![of.name()])).example(of.name());
    Section::new(name, format!("authorizer: {}", of.name()), about).key(kind)
}

/// Returns the schema by which a client that may be absent takes its keys along, and tokens are for an audience then.
#[cfg(not(target_os = "unknown"))]
fn client_condition() -> Json {
    let useless = |entry: Entry| (entry.name.to_owned(), absent("It has no effect without a client_id."));
    let others = client::entries().into_iter().chain(provider::entries());
    let others = others.filter(|entry| entry.name != client::CLIENT_ID.name).map(useless);
    wherever(
        "without a client nobody logs in",
        object! { "properties": object! { [client::CLIENT_ID]: false } },
        object! { "required": list![AUDIENCE.name], "properties": Json::Object(others.collect()) },
    )
}

/// Returns the schemas by which an issuer of several tenants lists them, and says where its document is.
#[cfg(not(target_os = "unknown"))]
fn tenant_conditions() -> [Json; 3] {
    let of_several = || object! { "type": "string", "pattern": "^[^{]*\\{tenantid\\}" };
    let of_one = object! { "type": "string", "not": object! { "pattern": "^[^{]*\\{tenantid\\}|^\\$" } };
    let with_issuer =
        |issuer: Json| object! { "required": list!["issuer"], "properties": object! { "issuer": issuer } };
    let useless = "The issuer has no {tenantid}: write the one of the discovery document, or remove this.";
    [
        wherever(
            "an issuer of several tenants lists them",
            with_issuer(of_several()),
            object! { "required": list!["tenants", "discovery_url"] },
        ),
        wherever(
            "an assertion is for one issuer",
            with_issuer(of_several()),
            with(
                &client::TOKEN_ENDPOINT_AUTH_METHOD,
                refused(
                    object! { "const": client::TOKEN_ENDPOINT_AUTH_METHOD.name_of(AuthMethod::PrivateKeyJwt) },
                    "An assertion is for one issuer, and this one stands for several tenants: use a client_secret.",
                ),
            ),
        ),
        wherever(
            "only an issuer of several tenants lists them",
            with_issuer(of_one),
            object! { "properties": object! { "tenants": absent(useless) } },
        ),
    ]
}

#[cfg(not(target_os = "unknown"))]
fn secret_words() -> String {
    format!("The secret that tokens are signed with (HS256), of at least {SECRET_MIN_BYTES} bytes; no public key.")
}

#[cfg(not(target_os = "unknown"))]
fn algorithms(shared_secret: bool) -> Shape {
    Shape::List(Box::new(algorithm_names(shared_secret)), 1)
}

#[cfg(not(target_os = "unknown"))]
fn names(algorithms: &[Algorithm]) -> Json {
    algorithms.iter().map(|algorithm| algorithm.name()).collect::<Vec<_>>().into()
}

/// Returns the schema that requires exactly one of the secret, the JWKS and its address.
#[cfg(not(target_os = "unknown"))]
fn exactly_one_source(secret: &Key<Text>) -> Json {
    let sources = [secret.name, JWKS.name, JWKS_URI.name];
    let one = |present: &&str| {
        let state = |name: &&str| match name == present {
            true => ((*name).to_owned(), object! { "type": "string" }),
            false => ((*name).to_owned(), absent("One key source says which signatures are valid: keep exactly one.")),
        };
        object! { "required": list![*present], "properties": Json::Object(sources.iter().map(state).collect()) }
    };
    object! { "oneOf": sources.iter().map(one).collect::<Vec<_>>() }
}

/// Returns the schema by which a shared secret needs HS256, and HS256 a shared secret.
#[cfg(not(target_os = "unknown"))]
fn algorithms_by_source(secret: &Key<Text>) -> Json {
    let shared = Algorithm::Hs256.name();
    // No editor is to offer the older spelling.
    let only = |names: Json| {
        let mut one = names.clone();
        one.set("doNotSuggest", true);
        object! { "properties": object! { [jwt::ALGORITHM]: one, [ALGORITHMS]: object! { "items": names } } }
    };
    let public: Vec<_> = Algorithm::NAMES.into_iter().map(|(name, _)| name).filter(|name| *name != shared).collect();
    object! {
        "if": having(secret, object! { "type": "string" }),
        "then": only(refused(object! { "enum": public }, "This needs a public key, and the authorizer has a shared secret.")),
        "else": only(refused(object! { "const": shared }, "This needs a shared secret, and the authorizer has none.")),
    }
}
