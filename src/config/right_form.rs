//! What to write in place of a value of another form, and where a key belongs that is elsewhere: for keys whose form people guess wrongly.
//! Host only. Every other mistake has the help of whoever finds it.

use super::code::Code;
use super::place::Place;
use super::root;

/// The help for the missing key of an object: the form of the object's place, the key, and what to write.
const MISSING: [(&str, &str, &str); 7] = [
    (
        "authorization_server",
        "issuer",
        "write scheme and host of the gateway, as in \"issuer\": \"https://mcp.example.com\"",
    ),
    (
        "authorization_server",
        "redirect_uris",
        "list where clients get their codes, as in \"redirect_uris\": [\"http://127.0.0.1/callback\"]",
    ),
    (
        "authorizer",
        "prefix",
        "write what the keys begin with, as in \"prefix\": \"acme_live\"; `bargate key new` makes such keys",
    ),
    ("authorizer.keys[]", "sha256", KEYS),
    ("authorizer.keys[]", "owner", "write whose key it is, as in \"owner\": \"acme\""),
    ("authorizer.dpop", "mode", MODE),
    ("paths[].auth.dpop", "mode", MODE),
];

/// The help for a value of another type: the form of its place, and what to write.
const OTHER_TYPE: [(&str, &str); 11] = [
    (
        "authorization_server",
        "write { \"issuer\": \"https://mcp.example.com\", \"redirect_uris\": [\"http://127.0.0.1/callback\"] }; to have none, remove the key",
    ),
    ("authorization_server.redirect_uris[]", "write each address as a string, as in \"http://127.0.0.1/callback\""),
    ("authorizer.keys", KEYS),
    ("authorizer.keys[]", KEYS),
    ("authorizer.keys[].ip", NETWORKS),
    ("authorizer.dpop", MODES),
    ("paths[].auth[]", NAMES),
    ("paths[].auth.authorizer[]", NAMES),
    ("paths[].auth.dpop", MODES),
    ("paths[].ip", NETWORKS),
    ("ip", NETWORKS),
];

const KEYS: &str = "list what `bargate key new` prints, as in [{ \"sha256\": \"…\", \"owner\": \"acme\" }]; it has the SHA-256 of a key, and never the key";

const NAMES: &str = "write names of authorizers, as in \"auth\": [\"people\", \"partners\"]; what they all must have goes into an object, as in { \"authorizer\": [\"people\", \"partners\"], \"scopes\": [\"read:orders\"] }";

const MODE: &str = "write \"mode\": \"accept\" or \"mode\": \"require\"; or one of the two in place of the object";

const MODES: &str = "write \"accept\" or \"require\"";

const NETWORKS: &str = "write networks in a list, as in { \"allow\": [\"192.0.2.0/24\"] }";

/// The keys of the `auth` of a path that could be taken for keys of the path.
const OF_AUTH: [&str; 9] = [
    "acr_values",
    "any_scopes",
    "authorizer",
    "authorizers",
    "claims",
    "dpop",
    "max_age_seconds",
    "permissions",
    "scopes",
];

/// Returns the help for a mistake at a place, which may be that keys are missing there.
pub(super) fn right_form(code: Code, place: &Place<'_>, keys: &[&str]) -> Option<&'static str> {
    match code {
        Code::MissingKey => {
            let form = form_of(place);
            let is_it = |(of, key, _): &&(&str, &str, &str)| form == *of && keys.contains(key);
            MISSING.iter().find(is_it).map(|(_, _, help)| *help)
        }
        Code::WrongType => {
            let form = form_of(place);
            OTHER_TYPE.iter().find(|(of, _)| form == *of).map(|(_, help)| *help)
        }
        _ => None,
    }
}

/// Returns where an unknown key of an object belongs.
pub(super) fn right_place(place: &Place<'_>, key: &str) -> Option<String> {
    let is_of_auth = OF_AUTH.contains(&key) && form_of(place) == "paths[]";
    is_of_auth.then(|| {
        let key = if key == "authorizers" { "authorizer" } else { key };
        format!("put it into \"auth\", as in \"auth\": {{ \"{key}\": … }}")
    })
}

/// Returns a place without the numbers of items, and that of an authorizer as if it were the only one.
fn form_of(place: &Place<'_>) -> String {
    match place {
        Place::Root => String::new(),
        Place::Key(Place::Root, key) => (*key).to_owned(),
        Place::Key(Place::Key(Place::Root, key), _) if *key == root::AUTHORIZERS.name => {
            root::AUTHORIZER.name.to_owned()
        }
        Place::Key(parent, key) => format!("{}.{key}", form_of(parent)),
        Place::Index(parent, _) => form_of(parent) + "[]",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::check;

    #[test]
    fn a_form_that_people_guess_wrongly_is_told_with_the_right_one() {
        let keys = |members: &str| {
            let members = if members.is_empty() { String::new() } else { format!(", {members}") };
            format!(
                r#""authorizer": {{ "type": "api_key"{members} }}, "paths": [{{ "method": "GET", "path": "/a", "auth": true, "response": 1 }}]"#
            )
        };
        let path = |members: &str| {
            format!(
                r#""authorizers": {{
                    "people": {{ "type": "oidc", "issuer": "https://id.example", "client_id": "c", "audience": "a" }},
                    "partners": {{ "type": "api_key", "prefix": "acme", "kv": "K" }}
                }},
                "paths": [{{ "method": "GET", "path": "/a", {members}, "response": 1 }}]"#
            )
        };
        let server = |value: &str| {
            format!(
                r#""authorizer": {{ "type": "oidc", "issuer": "https://id.example", "client_id": "c", "client_secret": "$secret.S", "audience": "a" }},
                "authorization_server": {value},
                "paths": [{{ "method": "GET", "path": "/a", "auth": true, "protected_resource": true, "response": 1 }}]"#
            )
        };
        let issuer = r#""issuer": "https://m.example""#;
        let whole = r#"write { "issuer": "https://mcp.example.com", "redirect_uris": ["#;
        let listed = "list what `bargate key new` prints";
        let modes = r#"write "accept" or "require""#;
        let names = r#"write names of authorizers, as in "auth": ["people", "partners"]"#;
        for (members, expected) in [
            (server("true"), whole),
            (server("false"), whole),
            (server(r#""https://m.example""#), whole),
            (server("[]"), whole),
            (server("{}"), "write scheme and host of the gateway"),
            (server(&format!("{{ {issuer} }}")), "list where clients get their codes"),
            (
                server(&format!(r#"{{ {issuer}, "redirect_uris": [{{ "uri": "http://127.0.0.1/cb" }}] }}"#)),
                "write each address as a string",
            ),
            (
                server(&format!(r#"{{ {issuer}, "redirect_uris": "http://127.0.0.1/cb" }}"#)),
                r#"put it into brackets: ["http://127.0.0.1/cb"]"#,
            ),
            (keys(r#""kv": "K""#), "write what the keys begin with"),
            (keys(r#""prefix": "acme", "keys": ["acme_x"]"#), listed),
            (keys(r#""prefix": "acme", "keys": "acme_x""#), listed),
            (keys(r#""prefix": "acme", "keys": { "acme": "acme_x" }"#), listed),
            (keys(r#""prefix": "acme", "keys": [{ "owner": "acme" }]"#), listed),
            (
                keys(r#""prefix": "acme", "keys": [{ "sha256": "2CCiyGWlSOLMXuFDQnwXRLvOhbDn_TTpFRuMEqUhN7E" }]"#),
                "write whose key it is",
            ),
            (path(r#""auth": [{ "authorizer": "people" }, "partners"]"#), names),
            (path(r#""auth": { "authorizer": ["people", { "partners": true }] }"#), names),
            (path(r#""auth": "people, partners""#), r#"write ["people", "partners"]"#),
            (path(r#""auth": { "dpop": {} }"#), r#"write "mode": "accept" or"#),
            (path(r#""auth": { "dpop": true }"#), modes),
            (path(r#""auth": { "dpop": ["require"] }"#), modes),
            (path(r#""auth": true, "dpop": "require""#), r#"put it into "auth", as in "auth": { "dpop": … }"#),
            (path(r#""auth": true, "scopes": ["a"]"#), r#"put it into "auth", as in "auth": { "scopes": … }"#),
            (path(r#""authorizers": ["people"]"#), r#"put it into "auth", as in "auth": { "authorizer": … }"#),
            (path(r#""auth": "partners", "ip": ["192.0.2.1"]"#), "write networks in a list"),
            (path(r#""auth": "partners", "ip": "192.0.2.1""#), "write networks in a list"),
            (path(r#""auth": "partners", "ip": null"#), "write networks in a list"),
            (format!(r#"{}, "ip": ["192.0.2.1"]"#, path(r#""auth": "partners""#)), "write networks in a list"),
            (keys(r#""prefix": "acme", "keys": [{ "ip": "192.0.2.1" }]"#), "list what `bargate key new` prints"),
            (
                keys(
                    r#""prefix": "acme", "keys": [{ "sha256": "2CCiyGWlSOLMXuFDQnwXRLvOhbDn_TTpFRuMEqUhN7E", "owner": "acme", "ip": "192.0.2.1" }]"#,
                ),
                "write networks in a list",
            ),
            (path(r#""auth": true"#).replace(r#""audience": "a""#, r#""audience": "a", "dpop": true"#), modes),
            (path(r#""auth": true"#).replace(r#""kv": "K""#, r#""keys": "acme_x""#), listed),
            (path(r#""auth": true"#).replace(r#""prefix": "acme", "#, ""), "write what the keys begin with"),
        ] {
            let found = check(&format!("{{ {members} }}"));
            let help = found.iter().find_map(|mistake| mistake.help.as_deref()).unwrap_or_default();
            assert!(help.starts_with(expected), "{members}: {help}");
            assert!(!found.iter().any(|mistake| mistake.to_string().contains("acme_x")), "{members}: no key is shown");
        }
    }

    #[test]
    fn a_name_of_ones_own_is_not_taken_for_a_key() {
        let path = |members: &str| {
            let members = if members.is_empty() { String::new() } else { format!(", {members}") };
            format!(
                r#""authorizer": {{ "type": "oidc", "issuer": "https://id.example", "client_id": "c", "audience": "a" }},
                "servers": [{{ "alias": "s", "url": "https://api.example" }}],
                "paths": [{{ "method": "GET", "path": "/a", "auth": true, "integration": {{ "type": "http_proxy", "server": "s" }}{members} }}]"#
            )
        };
        let claims =
            |claims: &str| path("").replace(r#""auth": true"#, &format!(r#""auth": {{ "claims": {claims} }}"#));
        let key = |members: &str| {
            format!(
                r#""authorizer": {{ "type": "api_key", "prefix": "acme", "keys": [{{ "sha256": "2CCiyGWlSOLMXuFDQnwXRLvOhbDn_TTpFRuMEqUhN7E", "owner": "acme", {members} }}] }},
                "paths": [{{ "method": "GET", "path": "/a", "auth": true, "response": 1 }}]"#
            )
        };
        let authorizers = |authorizers: &str| {
            format!(
                r#""authorizers": {{ {authorizers} }}, "paths": [{{ "method": "GET", "path": "/a", "auth": true, "response": 1 }}]"#
            )
        };
        for members in [
            path(r#""mapping": { "query": { "ip": true } }"#),
            path(r#""mapping": { "query": { "dpop": null } }"#),
            path(r#""mapping": { "query": { "keys": [{ "a": 1 }] } }"#),
            path(r#""mapping": { "headers": { "keys": ["a"] } }"#),
            path(r#""mapping": { "headers": { "authorization_server": false } }"#),
            path(r#""mapping": { "query": { "auth": ["a"] } }"#),
            path(r#""variables": { "keys": [], "ip": null, "dpop": {} }"#),
            format!(r#"{}, "variables": {{ "keys": {{}}, "ip": [], "authorization_server": null }}"#, claims("{}")),
            claims(r#"{ "keys": {} }"#),
            claims(r#"{ "ip": null, "dpop": null }"#),
            key(r#""claims": { "keys": {}, "ip": null, "dpop": {} }"#),
            authorizers(r#""ip": true"#),
            authorizers(r#""people.keys": [], "people.dpop": true"#),
            authorizers(
                r#""authorization_server": { "type": "jwt", "audience": "a", "jwks_uri": "https://id.example/jwks" }"#,
            ),
            authorizers(r#""people.keys[0]": { "type": "api_key", "prefix": "a", "kv": "K", "sha256": true }"#),
        ] {
            let found = check(&format!("{{ {members} }}"));
            assert!(!found.is_empty(), "{members}");
            let known = |help: &str| {
                OTHER_TYPE
                    .iter()
                    .map(|(_, help)| *help)
                    .chain(MISSING.map(|(.., help)| help))
                    .any(|known| known == help)
            };
            for mistake in found {
                assert!(!mistake.help.as_deref().is_some_and(known), "{mistake}: {:?}", mistake.help);
            }
        }
    }
}
