//! The keys of an authorizer of type `api_key`, and of the record of a key.

#[cfg(not(target_os = "unknown"))]
use crate::config::authorizer::keys::{Kind, of_kind};
#[cfg(not(target_os = "unknown"))]
use crate::config::claims::CLAIMS;
use crate::config::section::section;

/// For how long an isolate uses a record of KV, in seconds, by default.
pub(crate) const CACHE_DEFAULT_SECS: u32 = 60;

/// An hour: whoever revokes a key waits for as long.
const CACHE_MAX_SECS: u32 = 60 * 60;

/// The keys of an authorizer of type `api_key`.
pub(crate) mod authorizer {
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
            default(crate::config::api_key::HEADER_DEFAULT), example("X-Partner-Key");
        KV: Text = text("kv", NotEmpty), Different("takes the records of keys from another KV namespace"),
            "The KV binding with the records, each under the SHA-256 of its key in base64url.",
            example("API_KEYS");
        CACHE_SECONDS: Integer = integer("cache_seconds", 1..=CACHE_MAX_SECS, CACHE_DEFAULT_SECS),
            Larger("accepts keys longer after they were revoked"),
            "For how many seconds an isolate uses a record of KV without looking again. A key that was removed there is refused \
             everywhere after this and the minute for which KV itself keeps what it has read.",
            example(10_u32);
        KEYS: Value = value("keys"), Wider("accepts the key"),
            "The records of keys in the config. They come before those of KV.",
            shape(Shape::List(Box::new(Shape::Section("api_key")), 1)),
            example(list![object! { "sha256": "2CCiyGWlSOLMXuFDQnwXRLvOhbDn_TTpFRuMEqUhN7E", "owner": "acme" }]);
        ..[allow("this authorizer")];
    }
}

/// The keys of a record.
pub(crate) mod record {
    use super::*;

    section! {
        Section::new(
            "api_key",
            "api_key",
            "What a key opens, and whose it is. `bargate key new` makes the key and this.",
        )
            .example(
                r#"{
                        "authorizer": {
                            "type": "api_key",
                            "prefix": "acme_live",
                            "keys": [
                                {
                                    "sha256": "2CCiyGWlSOLMXuFDQnwXRLvOhbDn_TTpFRuMEqUhN7E",
                                    "owner": "acme",
                                    "name": "nightly import",
                                    "scopes": ["read:orders"],
                                    "claims": { "tenant": "acme" },
                                    "not_after": "2027-01-31T00:00:00Z",
                                    "ip": { "allow": ["192.0.2.0/24"] }
                                }
                            ]
                        },
                        "paths": [{ "method": "GET", "path": "/orders", "auth": true, "response": [] }]
                    }"#,
            );

        SHA256: Text = text("sha256", Digest).required(), Elsewhere,
            "The SHA-256 of the key, in base64url. Nobody can make the key of it.",
            example("2CCiyGWlSOLMXuFDQnwXRLvOhbDn_TTpFRuMEqUhN7E");
        OWNER: Text = text("owner", NotEmpty).required(), Elsewhere,
            "Whose key it is: the claim `sub`.",
            example("acme");
        NAME: Text = text("name", NotEmpty), Elsewhere,
            "What the owner uses it for, for people.",
            example("nightly import");
        SCOPES: Texts = texts("scopes", Scope), Elsewhere,
            "The scopes that it has: the claim `scope`.",
            example(list!["read:orders"]);
        CLAIMS, Elsewhere,
            "Other claims that it has, for `auth` and for mappings.",
            shape(Shape::map(Shape::Any)), example(object! { "tenant": "acme", "permissions": list!["read:orders"] });
        NOT_AFTER: Text = text("not_after", Date), Elsewhere,
            "The last second at which it is accepted, as a date of RFC 3339 in UTC.",
            default_words("no end"), example("2027-01-31T00:00:00Z");
        IP: Value = value("ip"), Elsewhere,
            "Where it may be used. From elsewhere it is refused as if it were not a key.",
            shape(Shape::Section("ip")), default_words("anywhere"), example(object! { "allow": list!["192.0.2.0/24"] });
    }
}
