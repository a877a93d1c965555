//! Which paths require more than others, and whose paths are read loosely: a request for `/A` by a wildcard, if `/a` requires more.

use bargate::config::load;
use bargate::route::{Ambiguity, Found};
use serde_json::{Value, json};

use crate::bindings::FixtureBindings;

/// Checks whether `GET /A` is refused, by a config in which `/a` and the wildcard have these members besides.
fn is_refused(specific: &Value, wildcard: &Value) -> bool {
    is_refused_in(&json!({}), specific, wildcard)
}

/// Checks that of a config that has these members in place of its own, and these entries besides.
fn is_refused_in(config: &Value, specific: &Value, wildcard: &Value) -> bool {
    let entry = |path: &str, members: &Value| {
        let mut entry =
            json!({ "method": "GET", "path": path, "integration": { "type": "http_proxy", "server": "api" } });
        for (key, value) in members.as_object().unwrap() {
            entry[key] = value.clone();
        }
        entry
    };
    let mut whole = json!({
        "servers": [{ "alias": "api", "url": "https://a.example" }, { "alias": "strict", "url": "https://b.example", "strict_paths": true }],
        "services": [{ "alias": "module", "entrypoint": "a" }, { "alias": "strict", "entrypoint": "b", "strict_paths": true }],
        "serviceBindings": [{ "alias": "worker", "binding": "A" }, { "alias": "strict", "binding": "B", "strict_paths": true }],
        "authorizers": {
            "first": { "type": "jwt", "issuer": "https://a.example", "audience": "a", "jwks_uri": "https://a.example/jwks" },
            "other": { "type": "jwt", "issuer": "https://b.example", "audience": "b", "jwks_uri": "https://b.example/jwks" }
        },
        "paths": [entry("/a", specific), entry("/{.+}", wildcard)]
    });
    for (key, value) in config.as_object().unwrap() {
        match (whole.get_mut(key), value) {
            (Some(Value::Array(list)), Value::Array(more)) => list.extend(more.clone()),
            _ => whole[key] = value.clone(),
        }
    }
    let config = load(&whole.to_string(), &FixtureBindings).unwrap();
    assert!(matches!(config.routes.find("GET", "", "/a"), Found::Route(found) if found.index == 0), "{specific}");
    match config.routes.find("GET", "", "/A") {
        Found::Route(found) => {
            assert_eq!(found.index, 1);
            false
        }
        Found::Ambiguous(Ambiguity::StricterReading) => true,
        other => panic!("{specific}: {other:?}"),
    }
}

#[test]
#[rustfmt::skip] // One row a line.
fn each_key_that_restricts_makes_a_path_ask_for_more() {
    let proxy = |more: Value| {
        let mut integration = json!({ "type": "http_proxy", "server": "api" });
        integration.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        integration
    };
    let limit = |binding: &str| json!({ "rate_limit": { "binding": binding, "key": "ip" } });
    for (message, specific, wildcard, expected) in [
        ("nothing", json!({}), json!({}), false),
        ("auth", json!({ "auth": true }), json!({}), true),
        ("auth that is off", json!({ "auth": false }), json!({}), false),
        ("auth of both", json!({ "auth": true }), json!({ "auth": true }), false),
        ("the same authorizer in other words", json!({ "auth": "first" }), json!({ "auth": true }), false),
        ("less auth", json!({}), json!({ "auth": true }), false),
        ("optional auth, which refuses bad tokens", json!({ "auth": { "optional": true } }), json!({}), true),
        ("auth where it is optional", json!({ "auth": true }), json!({ "auth": { "optional": true } }), true),
        ("optional auth where it is asked for", json!({ "auth": { "optional": true } }), json!({ "auth": true }), false),
        ("another authorizer", json!({ "auth": "other" }), json!({ "auth": true }), true),
        ("scopes", json!({ "auth": { "scopes": ["a"] } }), json!({ "auth": true }), true),
        ("the same scopes", json!({ "auth": { "scopes": ["a"] } }), json!({ "auth": { "scopes": ["a"] } }), false),
        ("other scopes", json!({ "auth": { "scopes": ["a"] } }), json!({ "auth": { "scopes": ["b"] } }), true),
        ("no scopes", json!({ "auth": true }), json!({ "auth": { "scopes": ["b"] } }), false),
        ("any scopes", json!({ "auth": { "any_scopes": ["a"] } }), json!({ "auth": { "any_scopes": ["a", "b"] } }), true),
        ("a strength of the login", json!({ "auth": { "acr_values": ["1"] } }), json!({ "auth": true }), true),
        ("another strength", json!({ "auth": { "acr_values": ["1"] } }), json!({ "auth": { "acr_values": ["2"] } }), true),
        ("an age of the login", json!({ "auth": { "max_age_seconds": 60 } }), json!({ "auth": true }), true),
        ("a smaller age", json!({ "auth": { "max_age_seconds": 60 } }), json!({ "auth": { "max_age_seconds": 61 } }), true),
        ("a greater age", json!({ "auth": { "max_age_seconds": 61 } }), json!({ "auth": { "max_age_seconds": 60 } }), false),
        ("permissions", json!({ "auth": { "permissions": ["a"] } }), json!({ "auth": true }), true),
        ("claims", json!({ "auth": { "claims": { "org": "a" } } }), json!({ "auth": { "claims": { "org": "b" } } }), true),
        ("addresses", json!({ "ip": { "allow": ["192.0.2.1"] } }), json!({}), true),
        ("a rate limit", limit("A"), json!({}), true),
        ("another rate limit", limit("A"), limit("B"), true),
        ("the same rate limit", limit("A"), limit("A"), false),
        ("a size", json!({ "max_body_bytes": 10 }), json!({}), true),
        ("a smaller size", json!({ "max_body_bytes": 10 }), json!({ "max_body_bytes": 20 }), true),
        ("a larger size", json!({ "max_body_bytes": 20 }), json!({ "max_body_bytes": 10 }), false),
        ("types", json!({ "content_types": ["text/plain"] }), json!({}), true),
        ("fewer types", json!({ "content_types": ["a/b"] }), json!({ "content_types": ["a/b", "a/c"] }), true),
        ("a guard", json!({ "pre_process": { "binding": "worker", "function": "ask" } }), json!({}), true),
        ("sockets that end", json!({ "auth": true, "integration": proxy(json!({ "close_at_expiry": true })) }), json!({ "auth": true }), true),
        ("sessions of an MCP server", json!({ "auth": true, "mcp": { "session_key": "a key for sessions of thirty-two bytes" } }), json!({ "auth": true }), true),
        ("a refusal", json!({ "integration": { "type": "static", "status": 403 } }), json!({}), true),
        ("an answer", json!({ "integration": { "type": "static", "status": 200 } }), json!({}), false),
        ("another server", json!({ "integration": proxy(json!({ "server": "strict" })) }), json!({}), false),
        ("what is done on the way", json!({ "mapping": { "headers": { "x-a": "1" } }, "cache": { "ttl_seconds": 1 } }), json!({}), false),
    ] {
        assert_eq!(is_refused(&specific, &wildcard), expected, "{message}");
    }
}

#[test]
#[rustfmt::skip] // One row a line.
fn the_pages_that_may_use_the_cookie_are_a_demand_of_the_path() {
    let rule = |origin: &str| json!({ "allow_origins": [origin] });
    let [partner, other] = ["https://partner.example", "https://other.example"].map(rule);
    let auth = |cors: Option<&Value>| cors.map_or(json!({ "auth": true }), |cors| json!({ "auth": true, "cors": cors }));
    let none = json!({ "allow_origins": [] });
    let session = |cors: Option<&Value>| {
        let mut config = json!({
            "authorizers": { "only": {
                "type": "auth0", "domain": "tenant.eu.auth0.com", "client_id": "client",
                "client_secret": "$secret.CLIENT_SECRET", "audience": "https://api.example",
                "redirect_uri": "https://gateway.example/callback"
            } },
            "session": {},
            "paths": [
                { "method": "GET", "path": "/login", "integration": { "type": "auth0_login" } },
                { "method": "GET", "path": "/callback", "integration": { "type": "auth0_callback" } }
            ]
        });
        if let Some(cors) = cors {
            config["cors"] = cors.clone();
        }
        config
    };
    let without = json!({ "cors": partner });
    for (message, config, specific, wildcard, expected) in [
        ("the rule of all for both", session(Some(&partner)), auth(None), auth(None), false),
        ("none for one", session(Some(&partner)), auth(Some(&none)), auth(None), true),
        ("none for one, and no rule of all", session(None), auth(Some(&none)), auth(None), true),
        ("the rule of all, beside a looser one", session(Some(&none)), auth(None), auth(Some(&partner)), true),
        ("no rule, beside a looser one", session(None), auth(None), auth(Some(&partner)), true),
        ("an own rule of each", session(None), auth(Some(&partner)), auth(Some(&other)), true),
        ("the same own rule of each", session(None), auth(Some(&partner)), auth(Some(&partner)), false),
        ("an own rule that is that of all", session(Some(&partner)), auth(Some(&partner)), auth(None), false),
        ("an own rule of what the cookie does not open", session(Some(&partner)), json!({ "cors": none }), auth(None), false),
        ("the same pages, and another age", session(Some(&json!({ "allow_origins": ["https://partner.example"], "max_age": 1 }))), auth(Some(&partner)), auth(None), false),
        ("the same pages with cookies", session(Some(&json!({ "allow_origins": ["https://partner.example"], "allow_credentials": true }))), auth(Some(&partner)), auth(None), true),
        ("no session", without, auth(Some(&none)), auth(None), false),
    ] {
        assert_eq!(is_refused_in(&config, &specific, &wildcard), expected, "{message}");
    }
}

#[test]
#[rustfmt::skip] // One row a line.
fn the_path_of_a_request_is_read_loosely_by_whom_it_goes_to() {
    for (message, integration, expected) in [
        ("an upstream", json!({ "type": "http", "server": "api" }), true),
        ("a strict upstream", json!({ "type": "http", "server": "strict" }), false),
        ("another Worker", json!({ "type": "service_binding", "binding": "worker" }), true),
        ("a function of it", json!({ "type": "service_binding", "binding": "worker", "function": "list" }), true),
        ("a strict Worker", json!({ "type": "service_binding", "binding": "strict" }), false),
        ("a module", json!({ "type": "service", "binding": "module" }), true),
        ("a strict module", json!({ "type": "service", "binding": "strict" }), false),
        ("nobody: a fixed answer", json!({ "type": "static", "body": "a" }), false),
        ("nobody: a redirect", json!({ "type": "redirect", "location": "/b" }), false),
        ("nobody: the state of the gateway", json!({ "type": "health" }), false),
    ] {
        assert_eq!(is_refused(&json!({ "auth": true }), &json!({ "integration": integration })), expected, "{message}");
    }
}
