//! What to write in place of a value of another form, and where a key belongs that is elsewhere: for keys whose form people guess wrongly.
//! Host only. Every other mistake has the help of whoever finds it.

use super::code::Code;

/// The help for the missing key of an object: the end of the object's place, the key, and what to write.
const MISSING: [(&str, &str, &str); 6] = [
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
        "",
        "prefix",
        "write what the keys begin with, as in \"prefix\": \"acme_live\"; `bargate key new` makes such keys",
    ),
    (".keys[]", "sha256", KEYS),
    (".keys[]", "owner", "write whose key it is, as in \"owner\": \"acme\""),
    ("dpop", "mode", "write \"mode\": \"accept\" or \"mode\": \"require\"; or one of the two in place of the object"),
];

/// The help for a value of another type: the end of its place, and what to write.
const OTHER_TYPE: [(&str, &str); 9] = [
    (
        "authorization_server",
        "write { \"issuer\": \"https://mcp.example.com\", \"redirect_uris\": [\"http://127.0.0.1/callback\"] }; to have none, remove the key",
    ),
    ("authorization_server.redirect_uris[]", "write each address as a string, as in \"http://127.0.0.1/callback\""),
    (".keys", KEYS),
    (".keys[]", KEYS),
    (".auth[]", NAMES),
    (".auth.authorizer[]", NAMES),
    (".dpop", "write \"accept\" or \"require\""),
    (".ip", NETWORKS),
    ("ip", NETWORKS),
];

const KEYS: &str = "list what `bargate key new` prints, as in [{ \"sha256\": \"…\", \"owner\": \"acme\" }]; it has the SHA-256 of a key, and never the key";

const NAMES: &str = "write names of authorizers, as in \"auth\": [\"people\", \"partners\"]; what they all must have goes into an object, as in { \"authorizer\": [\"people\", \"partners\"], \"scopes\": [\"read:orders\"] }";

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
pub(super) fn right_form(code: Code, path: &str, keys: &[&str]) -> Option<&'static str> {
    let place = without_indices(path);
    match code {
        Code::MissingKey => {
            let is_it = |(end, key, _): &&(&str, &str, &str)| place.ends_with(end) && keys.contains(key);
            MISSING.iter().find(is_it).map(|(_, _, help)| *help)
        }
        Code::WrongType => {
            let is_it = |(end, _): &&(&str, &str)| place == *end || end.starts_with('.') && place.ends_with(end);
            OTHER_TYPE.iter().find(is_it).map(|(_, help)| *help)
        }
        _ => None,
    }
}

/// Returns where an unknown key of an object belongs.
pub(super) fn right_place(path: &str, key: &str) -> Option<String> {
    let is_of_auth = without_indices(path) == "paths[]" && OF_AUTH.contains(&key);
    is_of_auth.then(|| {
        let key = if key == "authorizers" { "authorizer" } else { key };
        format!("put it into \"auth\", as in \"auth\": {{ \"{key}\": … }}")
    })
}

/// Returns a place without the numbers of items.
fn without_indices(path: &str) -> String {
    let mut place = String::with_capacity(path.len());
    let mut in_brackets = false;
    for c in path.chars() {
        in_brackets &= c != ']';
        if !in_brackets {
            place.push(c);
        }
        in_brackets |= c == '[';
    }
    place
}

#[cfg(test)]
mod tests {
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
            (path(r#""auth": { "dpop": true }"#), r#"write "accept" or "require""#),
            (path(r#""auth": { "dpop": ["require"] }"#), r#"write "accept" or "require""#),
            (path(r#""auth": true, "dpop": "require""#), r#"put it into "auth", as in "auth": { "dpop": … }"#),
            (path(r#""auth": true, "scopes": ["a"]"#), r#"put it into "auth", as in "auth": { "scopes": … }"#),
            (path(r#""authorizers": ["people"]"#), r#"put it into "auth", as in "auth": { "authorizer": … }"#),
            (path(r#""auth": "partners", "ip": ["192.0.2.1"]"#), "write networks in a list"),
            (path(r#""auth": "partners", "ip": "192.0.2.1""#), "write networks in a list"),
        ] {
            let found = check(&format!("{{ {members} }}"));
            let help = found.iter().find_map(|mistake| mistake.help.as_deref()).unwrap_or_default();
            assert!(help.starts_with(expected), "{members}: {help}");
            assert!(!found.iter().any(|mistake| mistake.to_string().contains("acme_x")), "{members}: no key is shown");
        }
    }
}
