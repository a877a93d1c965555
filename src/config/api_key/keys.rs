//! The keys of the record of an API key.

#[cfg(not(target_os = "unknown"))]
use crate::config::claims::{CLAIMS, claim_values};
use crate::config::section::section;

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
        shape(claim_values()), example(object! { "tenant": "acme", "permissions": list!["read:orders"] });
    NOT_AFTER: Text = text("not_after", Date), Elsewhere,
        "The last second at which it is accepted, as a date of RFC 3339 in UTC.",
        default_words("no end"), example("2027-01-31T00:00:00Z");
    IP: Value = value("ip"), Elsewhere,
        "Where it may be used. From elsewhere it is refused as if it were not a key.",
        shape(Shape::Section("ip")), default_words("anywhere"), example(object! { "allow": list!["192.0.2.0/24"] });
}
