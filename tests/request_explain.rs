//! The way of a request, step by step: one request that passes everything, and in each row one thing that differs.

#![allow(clippy::expect_used, clippy::indexing_slicing, clippy::panic, clippy::unwrap_used)]

use std::rc::Rc;

use bargate::config::{Binding, Bindings, Dpop, Reference, UnknownBindings};
use bargate::explain::{Explanation, GivenProof, Signature, Sources};
use bargate::jwks::KeySet;
use bargate::text_file::TextFile;
use bargate::token::{key_digest, key_of};
use bargate::walk::{Known, Request, RequestText, Unusable, Way};
use serde_json::{Value, json};

const NOW: i64 = 1_767_225_600;

/// A config whose path asks for everything that a request can lack.
fn config() -> Value {
    json!({
        "servers": [{ "alias": "api", "url": "https://api.example/v1" }],
        "authorizer": {
            "type": "oidc", "issuer": "https://id.example/", "audience": "api", "client_id": "web", "client_secret": "0123456789abcdef0123456789abcdef",
            "redirect_uri": "https://gw.example/callback", "algorithms": ["EdDSA"]
        },
        "session": { "login_path": "/login", "after_login": "/" },
        "cors": { "allow_origins": ["https://app.example"], "allow_headers": ["x-own"] },
        "ip": { "deny": ["203.0.113.0/24"] },
        "paths": [
            { "method": "GET", "path": "/login", "integration": { "type": "oidc_login" } },
            { "method": "GET", "path": "/callback", "integration": { "type": "oidc_callback" } },
            {
                "method": "POST", "path": "/api/{.+}", "auth": { "scopes": ["write"], "claims": { "org": "acme" } },
                "ip": { "allow": ["192.0.2.0/24"] }, "rate_limit": { "limit": 60, "key": "sub" },
                "max_body_bytes": 10, "content_types": ["application/json"],
                "mapping": { "headers": { "x-user": "$request.jwt.sub", "x-plan": "gold" } },
                "integration": { "type": "http_proxy", "server": "api" }
            }
        ]
    })
}

/// The key set of the issuer.
const KEYS: &str =
    r#"{"keys": [{"kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]}"#;

fn file(config: &Value) -> TextFile {
    TextFile { name: "gateway.config.json".to_owned(), text: config.to_string() }
}

/// Returns a token with a signature that `Signature::Verified` stands for.
fn token(claims: &Value) -> String {
    let part = |value: &Value| bargate::encoding::base64url(value.to_string().as_bytes());
    format!("{}.{}.{}", part(&json!({ "alg": "EdDSA", "typ": "JWT" })), part(claims), "AA")
}

fn claims() -> Value {
    json!({ "iss": "https://id.example/", "aud": "api", "sub": "u|1", "iat": NOW, "exp": NOW + 600, "scope": "read write", "org": "acme" })
}

/// A request that passes everything.
#[derive(Clone)]
struct Sent {
    line: String,
    headers: Vec<String>,
    token: Option<String>,
    body_bytes: Option<u64>,
    from: Option<String>,
    session: bool,
    genuine: bool,
}

fn sent() -> Sent {
    Sent {
        line: "POST https://gw.example/api/a/b?x=1".to_owned(),
        headers: vec!["Origin: https://app.example".to_owned(), "Content-Type: application/json".to_owned()],
        token: Some(token(&claims())),
        body_bytes: Some(10),
        from: Some("192.0.2.7".to_owned()),
        session: false,
        genuine: true,
    }
}

fn way_with(config: &Value, bindings: &dyn Bindings, sent: &Sent) -> Value {
    let file = file(config);
    let known = Known::read(&file, bindings).unwrap();
    let text = RequestText {
        line: &sent.line,
        headers: &sent.headers,
        token: sent.token.as_deref(),
        body_bytes: sent.body_bytes,
        from: sent.from.as_deref(),
    };
    let mut request = Request::parse(&text).unwrap();
    if sent.session {
        request.add_session(&known).unwrap();
    }
    let signature = |_: &_, _, _: &[u8], _: &[u8]| if sent.genuine { Signature::Verified } else { Signature::Refused };
    let check = |authorizer: &str, token: &str, proof: Option<&GivenProof>, dpop: Option<&Rc<Dpop>>| {
        let mut sources = Sources::of_config(&file, bindings, Some(authorizer), None, None).unwrap();
        sources.rules.keys = Ok(KeySet::parse(KEYS).unwrap().into());
        sources.rules.dpop = dpop.cloned();
        Explanation::of_sent(token, proof, &sources.rules, NOW, &signature)
    };
    let way = Way::of(&known, &request, NOW, &check);
    assert!(!way.text().is_empty());
    way.json()
}

fn way(change: impl FnOnce(&mut Sent)) -> Value {
    let mut sent = sent();
    change(&mut sent);
    way_with(&config(), &UnknownBindings, &sent)
}

/// Returns the name and the outcome of each step.
fn steps(way: &Value) -> Vec<String> {
    let steps = way["steps"].as_array().unwrap().iter();
    steps.map(|step| format!("{} {}", step["step"].as_str().unwrap(), step["outcome"].as_str().unwrap())).collect()
}

#[test]
fn a_request_that_passes_everything_goes_through_the_steps_in_their_order() {
    let way = way(|_| ());
    let expected = [
        "ip passed",
        "match passed",
        "cors passed",
        "ip passed",
        "auth passed",
        "access passed",
        "rate_limit unknown",
        "body passed",
        "mapping passed",
        "upstream passed",
    ];
    assert_eq!(steps(&way), expected);
    assert_eq!(way["outcome"]["kind"], "forwarded");
    assert_eq!(way["outcome"]["undecided"], json!(["rate_limit"]));
    assert_eq!(way["upstream"]["url"], "https://api.example/v1/a/b?x=1");
    let headers: Vec<_> = way["upstream"]["headers"]
        .as_array()
        .unwrap()
        .iter()
        .map(|header| {
            format!(
                "{}: {} ({})",
                header["name"].as_str().unwrap(),
                header["value"].as_str().unwrap(),
                header["from"].as_str().unwrap()
            )
        })
        .collect();
    for expected in [
        "content-type: application/json (client)",
        "x-forwarded-host: gw.example (gateway)",
        "x-forwarded-for: 192.0.2.7 (gateway)",
        "x-forwarded-prefix: /api (gateway)",
        "x-user: u|1 (mapping)",
        "x-plan: gold (config)",
        "content-length: 10 (client)",
    ] {
        assert!(headers.contains(&expected.to_owned()), "{expected}: {headers:?}");
    }
}

#[test]
fn what_differs_in_a_request_ends_its_way_at_the_step_that_sees_it() {
    let other = |name: &str, value: Value| {
        let mut claims = claims();
        claims[name] = value;
        Some(token(&claims))
    };
    let headers = |headers: &[&str]| headers.iter().map(|header| (*header).to_owned()).collect::<Vec<_>>();
    let json_body = "content-type: application/json";
    type Change = Box<dyn FnOnce(&mut Sent)>;
    let change = |change: Box<dyn FnOnce(&mut Sent)>| change;
    let table: Vec<(&str, Change, &str, Value, Value)> = vec![
        (
            "an address of the config's list",
            change(Box::new(|sent| sent.from = Some("203.0.113.1".into()))),
            "ip refused",
            json!(403),
            json!("ip_denied"),
        ),
        (
            "an address that the path has not",
            change(Box::new(|sent| sent.from = Some("198.51.100.1".into()))),
            "ip refused",
            json!(403),
            json!("ip_denied"),
        ),
        (
            "another path",
            change(Box::new(|sent| sent.line = "POST https://gw.example/other".into())),
            "match refused",
            json!(404),
            json!("route_not_found"),
        ),
        (
            "another method",
            change(Box::new(|sent| sent.line = "GET https://gw.example/api/a".into())),
            "match refused",
            json!(405),
            json!("method_not_allowed"),
        ),
        (
            "a path of two readings",
            change(Box::new(|sent| sent.line = "POST https://gw.example/api/a%2F..%2Fb".into())),
            "match refused",
            json!(400),
            json!("path_ambiguous"),
        ),
        (
            "a preflight",
            change(Box::new(move |sent| {
                sent.line = "OPTIONS https://gw.example/api/a".into();
                sent.headers.push("Access-Control-Request-Method: POST".into());
            })),
            "cors answered",
            json!(204),
            json!(null),
        ),
        ("no token", change(Box::new(|sent| sent.token = None)), "auth refused", json!(401), json!("token_missing")),
        (
            "no token, of a person",
            change(Box::new(|sent| {
                sent.token = None;
                sent.headers.push("Sec-Fetch-Mode: navigate".into());
            })),
            "auth refused",
            json!(401),
            json!("token_missing"),
        ),
        (
            "a token of another signature",
            change(Box::new(|sent| sent.genuine = false)),
            "auth refused",
            json!(401),
            json!("token_invalid"),
        ),
        (
            "an expired token",
            change(Box::new({
                let token = other("exp", json!(NOW - 60));
                |sent| sent.token = token
            })),
            "auth refused",
            json!(401),
            json!("token_expired"),
        ),
        (
            "a token without the scope",
            change(Box::new({
                let token = other("scope", json!("read"));
                |sent| sent.token = token
            })),
            "access refused",
            json!(403),
            json!("insufficient_scope"),
        ),
        (
            "a token without the claim",
            change(Box::new({
                let token = other("org", json!("else"));
                |sent| sent.token = token
            })),
            "access refused",
            json!(403),
            json!("insufficient_scope"),
        ),
        (
            "a larger body",
            change(Box::new(|sent| sent.body_bytes = Some(11))),
            "body refused",
            json!(413),
            json!("body_too_large"),
        ),
        (
            "a body of another type",
            change(Box::new({
                let headers = headers(&["content-type: text/html"]);
                |sent| sent.headers = headers
            })),
            "body refused",
            json!(415),
            json!("unsupported_media_type"),
        ),
        (
            "a session from another site",
            change(Box::new({
                let headers = headers(&[json_body, "origin: https://evil.example"]);
                |sent| {
                    (sent.token, sent.session, sent.headers) = (None, true, headers);
                }
            })),
            "csrf refused",
            json!(403),
            json!("csrf_rejected"),
        ),
        (
            "two cookies of a session",
            change(Box::new({
                let headers = headers(&[json_body, "cookie: __Host-bargate=x; __Host-bargate=y"]);
                |sent| {
                    (sent.token, sent.headers) = (None, headers);
                }
            })),
            "auth refused",
            json!(401),
            json!("session_invalid"),
        ),
    ];
    for (message, change, last, status, code) in table {
        let way = way(change);
        assert_eq!(steps(&way).last().map(String::as_str), Some(last), "{message}: {way:#}");
        assert_eq!((&way["outcome"]["status"], &way["outcome"]["code"]), (&status, &code), "{message}");
        assert_eq!(way["upstream"], Value::Null, "{message}");
    }
}

#[test]
fn what_the_config_alone_does_not_decide_is_unknown_and_the_way_goes_on() {
    type Change = fn(&mut Sent);
    let table: [(&str, Change, &str); 6] = [
        (
            "a body in chunks",
            |sent| {
                sent.body_bytes = None;
                sent.headers.push("Transfer-Encoding: chunked".into());
            },
            "body",
        ),
        (
            "a cookie that is a session's by plain http alone",
            |sent| {
                (sent.token, sent.line) = (None, "POST /api/a".into());
                sent.headers.push(format!("Cookie: bargate={}", "A".repeat(43)));
            },
            "auth",
        ),
        ("no address", |sent| sent.from = None, "ip"),
        ("a session", |sent| (sent.token, sent.session) = (None, true), "auth"),
        ("the claims of a session", |sent| (sent.token, sent.session) = (None, true), "access"),
        (
            "a host that is not named",
            |sent| {
                (sent.token, sent.session, sent.line) = (None, true, "POST /api/a".into());
                sent.headers = vec!["Origin: https://gw.example".into(), "Content-Type: application/json".into()];
            },
            "csrf",
        ),
    ];
    for (message, change, step) in table {
        let way = way(change);
        let undecided = way["outcome"]["undecided"].as_array().unwrap();
        assert!(undecided.contains(&step.into()), "{message}: {way:#}");
        assert_eq!(way["outcome"]["kind"], "forwarded", "{message}");
    }
}

#[test]
fn no_secret_of_the_config_is_shown_wherever_it_decides() {
    type Change = fn(&mut Value);
    let table: [(&str, Change); 10] = [
        ("a scope", |config| config["paths"][2]["auth"]["scopes"] = json!(["$secret.KEY"])),
        ("one of several", |config| config["paths"][2]["auth"] = json!({ "any_scopes": ["$secret.KEY"] })),
        ("a permission", |config| config["paths"][2]["auth"] = json!({ "permissions": ["$secret.KEY"] })),
        ("a claim", |config| config["paths"][2]["auth"]["claims"]["org"] = json!("$secret.KEY")),
        ("how the user logged in", |config| config["paths"][2]["auth"]["acr_values"] = json!(["$secret.KEY"])),
        ("a scope of few letters", |config| config["paths"][2]["auth"]["scopes"] = json!(["$secret.FEW"])),
        ("a header", |config| config["paths"][2]["mapping"]["headers"]["x-key"] = json!("$secret.KEY")),
        ("a parameter", |config| config["paths"][2]["mapping"]["query"] = json!({ "k": "$secret.KEY" })),
        ("a type of body", |config| config["paths"][2]["content_types"] = json!(["$secret.TYPE"])),
        ("an upstream", |config| config["servers"][0]["url"] = json!("$secret.URL")),
    ];
    let secrets =
        [("KEY", "hush-quiet-42"), ("FEW", "hush"), ("TYPE", "application/hush"), ("URL", "https://hush.example/v1")];
    for (message, change) in table {
        let mut config = config();
        config["variables"] = json!({});
        change(&mut config);
        let way = way_with(&config, &Values(Box::leak(Box::new(secrets))), &sent()).to_string();
        assert!(!way.contains("hush"), "{message}: {way}");
        let named = secrets.iter().any(|(name, _)| way.contains(&format!("$secret.{name}")));
        assert!(named || message == "a claim", "{message}: {way}");
    }
}

#[test]
fn no_credential_of_the_request_is_shown_wherever_it_is_passed_on() {
    let names = ["authorization", "cookie", "x-api-key", "x-access-token", "x-refresh-token", "proxy-authorization"];
    let mut config = config();
    config["paths"][2]["auth"] = json!({ "optional": true });
    for name in names {
        config["paths"][2]["mapping"]["headers"][format!("x-of-{name}")] = json!(format!("$request.header.{name}"));
        config["paths"][2]["mapping"]["query"][format!("of-{name}")] = json!(format!("$request.header.{name}"));
    }
    let values = [
        "Bearer hush-of-token",
        "a=hush%20/+; b=\"hush-of-cookie\"; hush",
        "hush-of-key",
        "hush",
        "hush more",
        "Basic hush",
    ];
    let line = "POST https://gw.example/api/hush-of-token?x=hush-of-key";
    for with_header in [true, false] {
        let mut sent = sent();
        line.clone_into(&mut sent.line);
        sent.token = None;
        let pairs = names.iter().zip(values).filter(|(name, _)| with_header || **name != "authorization");
        sent.headers.extend(pairs.map(|(name, value)| format!("{name}: {value}")));
        let way = way_with(&config, &UnknownBindings, &sent);
        let shown = way.to_string().replace("hush-of-token", if with_header { "hush" } else { "" });
        assert!(!shown.contains("hush"), "{way:#}");
        if !with_header {
            let cookie =
                way["upstream"]["headers"].as_array().unwrap().iter().find(|header| header["name"] == "cookie");
            let expected = "a=<what the client sent>; b=<what the client sent>; <what the client sent>";
            assert_eq!(cookie.map_or(&Value::Null, |cookie| &cookie["value"]), expected, "{way:#}");
            assert!(
                way["upstream"]["url"].as_str().unwrap().contains("of-x-api-key=<what the client sent>"),
                "{way:#}"
            );
        }
    }
}

#[test]
fn what_maps_a_claim_of_a_session_is_open_and_shown_to_be() {
    let mut config = config();
    config["paths"][2]["mapping"]["query"] = json!({ "u": "$request.jwt.sub" });
    let mut sent = sent();
    (sent.token, sent.session) = (None, true);
    let way = way_with(&config, &UnknownBindings, &sent);
    assert_eq!(way["upstream"]["url"], "https://api.example/v1/a/b?x=1&u=<that claim, if it is there>");
    assert!(steps(&way).contains(&"mapping unknown".to_owned()), "{way:#}");
}

#[test]
fn a_list_that_has_a_reference_without_a_value_leaves_its_step_open() {
    type Change = fn(&mut Value);
    let table: [(&str, Change); 3] = [
        ("mapping", |config| config["paths"][2]["request_headers"] = json!({ "remove": ["$env.NAME"] })),
        ("body", |config| config["paths"][2]["content_types"] = json!(["application/json", "$env.TYPE"])),
        ("response_headers", |config| config["paths"][2]["response_headers"] = json!({ "remove": ["$env.NAME"] })),
    ];
    for (step, change) in table {
        let mut config = config();
        change(&mut config);
        let way = way_with(&config, &UnknownBindings, &sent());
        assert!(steps(&way).contains(&format!("{step} unknown")), "{step}: {way:#}");
    }
}

#[test]
fn an_mcp_server_gets_its_own_name_of_a_session_and_no_token_and_whose_the_session_is_stays_open() {
    let mut config = config();
    config["paths"][2]["mcp"] = json!(true);
    let code = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
    let session = format!("mcp-session-id: s1.{code}");
    let table: [(&[&str], &str, Value, Value); 5] = [
        (&[], "mcp passed", json!(null), json!(null)),
        (&[&session, "last-event-id: e1"], "mcp unknown", json!("s1"), json!("e1")),
        (&["last-event-id: e1", "Mcp_Session_Id: s1"], "mcp passed", json!(null), json!(null)),
        (&["mcp-session-id: s1"], "mcp refused", json!(null), json!("mcp_session_not_found")),
        (&["origin: https://evil.example"], "mcp refused", json!(null), json!("origin_denied")),
    ];
    for (headers, step, session, end) in table {
        let mut sent = sent();
        sent.headers
            .retain(|header| !headers.iter().any(|own| own.starts_with("origin")) || !header.starts_with("Origin"));
        sent.headers.extend(headers.iter().map(|header| (*header).to_owned()));
        let way = way_with(&config, &UnknownBindings, &sent);
        assert!(steps(&way).contains(&step.to_owned()), "{headers:?}: {way:#}");
        if step == "mcp refused" {
            assert_eq!(way["outcome"]["code"], end, "{headers:?}: {way:#}");
            continue;
        }
        let given = way["upstream"]["headers"].as_array().unwrap();
        let value = |name: &str| {
            given.iter().find(|header| header["name"] == name).map_or(json!(null), |one| one["value"].clone())
        };
        assert_eq!([value("mcp-session-id"), value("last-event-id")], [session, end], "{headers:?}: {way:#}");
        assert_eq!([value("authorization"), value("mcp_session_id")], [json!(null), json!(null)], "{headers:?}");
    }
}

/// A config for callers that are no browsers, with these records of keys.
fn config_of_callers(keys: &Value) -> Value {
    json!({
        "servers": [{ "alias": "api", "url": "https://api.example" }],
        "authorizers": {
            "people": {
                "type": "oidc", "issuer": "https://id.example/", "audience": "api", "client_id": "web", "algorithms": ["EdDSA"],
                "client_secret": "0123456789abcdef0123456789abcdef", "dpop": "accept"
            },
            "partners": { "type": "api_key", "prefix": "acme_live", "keys": keys },
            "testers": { "type": "api_key", "prefix": "acme_test", "kv": "KEYS", "header": "X-Test-Key" }
        },
        "authorization_server": { "issuer": "https://gw.example", "redirect_uris": ["http://127.0.0.1/cb"] },
        "paths": [
            { "method": "GET", "path": "/keys", "auth": "partners", "integration": { "type": "http_proxy", "server": "api" } },
            {
                "method": "GET", "path": "/either", "auth": { "authorizer": ["people", "partners", "testers"], "scopes": ["read"] },
                "integration": { "type": "http_proxy", "server": "api" }
            },
            { "method": "GET", "path": "/bound", "auth": { "authorizer": "people", "dpop": "require" }, "response": {} },
            { "method": "GET", "path": "/plain", "response": {} },
            { "method": "POST", "path": "/mcp", "auth": "people", "protected_resource": true, "mcp": true,
              "integration": { "type": "http_proxy", "server": "api" } }
        ]
    })
}

#[test]
fn a_caller_that_is_no_browser_is_treated_as_the_gateway_treats_it() {
    let key = |prefix: &str, seed: u8| key_of(prefix, &[seed; 64]).unwrap().expose().clone();
    let (known, ended, elsewhere, poor) =
        (key("acme_live", 1), key("acme_live", 2), key("acme_live", 3), key("acme_live", 4));
    let (unknown, test) = (key("acme_live", 5), key("acme_test", 6));
    let mut mistyped = known.clone();
    mistyped.replace_range(known.len() - 1.., if known.ends_with('0') { "1" } else { "0" });
    let config = config_of_callers(&json!([
        { "sha256": key_digest(&known), "owner": "acme", "scopes": ["read"] },
        { "sha256": key_digest(&ended), "owner": "acme", "not_after": "2025-12-31T23:59:59Z" },
        { "sha256": key_digest(&elsewhere), "owner": "acme", "ip": { "allow": ["198.51.100.0/24"] } },
        { "sha256": key_digest(&poor), "owner": "poor" }
    ]));
    // Ed25519, as the set of the issuer; its thumbprint is that of RFC 8037 appendix A.3.
    let jwk = json!({ "kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo" });
    let mut bound = claims();
    bound["cnf"] = json!({ "jkt": "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k" });
    let (plain, bound) = (token(&claims()), token(&bound));
    let proof = |method: &str, url: &str, of: &str| {
        let part = |value: &Value| bargate::encoding::base64url(value.to_string().as_bytes());
        let header = json!({ "alg": "EdDSA", "typ": "dpop+jwt", "jwk": jwk });
        let said = json!({ "jti": "1", "htm": method, "htu": url, "iat": NOW, "ath": key_digest(of) });
        format!("DPoP: {}.{}.{}", part(&header), part(&said), "AA")
    };
    let header = |name: &str, value: &str| format!("{name}: {value}");
    let (by_key, as_bearer, as_bound) = (
        |key: &str| vec![header("X-API-Key", key)],
        |token: &str| vec![header("Authorization", &format!("Bearer {token}"))],
        |token: &str, proof: String| vec![header("Authorization", &format!("DPoP {token}")), proof],
    );
    let at = |path: &str| format!("https://gw.example{path}");
    let table: Vec<(&str, &str, Vec<String>, &str, Value)> = vec![
        ("a key in its header", "GET /keys", by_key(&known), "forwarded", Value::Null),
        ("the same as a bearer token", "GET /keys", as_bearer(&known), "forwarded", Value::Null),
        ("nothing", "GET /keys", Vec::new(), "refused", json!("token_missing")),
        ("a key that the config has not", "GET /keys", by_key(&unknown), "refused", json!("token_invalid")),
        ("a typing error in a key", "GET /keys", by_key(&mistyped), "refused", json!("token_invalid")),
        ("a key that has ended", "GET /keys", by_key(&ended), "refused", json!("token_expired")),
        ("a key from elsewhere", "GET /keys", by_key(&elsewhere), "refused", json!("token_invalid")),
        ("a token where only keys open", "GET /keys", as_bearer(&plain), "refused", json!("token_invalid")),
        (
            "a key and a token",
            "GET /either",
            [by_key(&known), as_bearer(&plain)].concat(),
            "refused",
            json!("token_invalid"),
        ),
        ("a key among several authorizers", "GET /either", by_key(&known), "forwarded", Value::Null),
        ("a token there", "GET /either", as_bearer(&plain), "forwarded", Value::Null),
        ("a key without the scope", "GET /either", by_key(&poor), "refused", json!("insufficient_scope")),
        (
            "a key in the header of another authorizer",
            "GET /either",
            vec![header("X-Test-Key", &known)],
            "refused",
            json!("token_invalid"),
        ),
        (
            "a key of which KV has the record",
            "GET /either",
            vec![header("X-Test-Key", &test)],
            "forwarded",
            Value::Null,
        ),
        (
            "a key by the scheme of bound tokens",
            "GET /either",
            as_bound(&known, proof("GET", &at("/either"), &known)),
            "refused",
            json!("token_invalid"),
        ),
        ("a key on an open path", "GET /plain", by_key(&unknown), "answered", Value::Null),
        (
            "a bound token with its proof",
            "GET /bound",
            as_bound(&bound, proof("GET", &at("/bound"), &bound)),
            "answered",
            Value::Null,
        ),
        (
            "the same without a proof",
            "GET /bound",
            vec![header("Authorization", &format!("DPoP {bound}"))],
            "refused",
            json!("invalid_dpop_proof"),
        ),
        (
            "a proof for another path",
            "GET /bound",
            as_bound(&bound, proof("GET", &at("/either"), &bound)),
            "refused",
            json!("invalid_dpop_proof"),
        ),
        (
            "a proof for another method",
            "GET /bound",
            as_bound(&bound, proof("POST", &at("/bound"), &bound)),
            "refused",
            json!("invalid_dpop_proof"),
        ),
        (
            "a proof for another token",
            "GET /bound",
            as_bound(&bound, proof("GET", &at("/bound"), &plain)),
            "refused",
            json!("invalid_dpop_proof"),
        ),
        ("a bound token as a bearer token", "GET /bound", as_bearer(&bound), "refused", json!("token_invalid")),
        (
            "a bearer token where proofs are required",
            "GET /bound",
            as_bearer(&plain),
            "refused",
            json!("token_invalid"),
        ),
        (
            "a token that is not bound, with a proof",
            "GET /bound",
            as_bound(&plain, proof("GET", &at("/bound"), &plain)),
            "refused",
            json!("token_invalid"),
        ),
        ("a client at an MCP server", "POST /mcp", as_bearer(&plain), "forwarded", Value::Null),
        ("the same without a token", "POST /mcp", Vec::new(), "refused", json!("token_missing")),
        (
            "the metadata of the resource",
            "GET /.well-known/oauth-protected-resource/mcp",
            Vec::new(),
            "answered",
            Value::Null,
        ),
        (
            "that of the authorization server",
            "GET /.well-known/oauth-authorization-server",
            Vec::new(),
            "answered",
            Value::Null,
        ),
        ("its token endpoint", "POST /token", Vec::new(), "answered", Value::Null),
        ("the same by another method", "GET /token", Vec::new(), "refused", json!("method_not_allowed")),
    ];
    let mut different = Vec::new();
    let secrets = [&known, &ended, &elsewhere, &poor, &unknown, &mistyped, &test, &plain, &bound];
    for (message, line, headers, kind, code) in table {
        let line = line.replace(' ', " https://gw.example");
        let sent = Sent { line, headers, token: None, body_bytes: None, ..sent() };
        let way = way_with(&config, &UnknownBindings, &sent);
        let outcome = &way["outcome"];
        if (&outcome["kind"], &outcome["code"]) != (&json!(kind), &code) {
            different.push(format!("{message}: {outcome}"));
        }
        let shown = way.to_string();
        assert!(!secrets.iter().any(|secret| shown.contains(secret.as_str())), "{message}: {shown}");
    }
    assert_eq!(different, [""; 0], "what differs");
}

#[test]
fn the_end_of_a_session_is_what_the_path_makes_of_it() {
    let table: [(Value, &[&str], &str); 3] = [
        (json!(true), &[], "401 session_expired"),
        (json!({ "optional": true }), &[], "goes on without a user"),
        (json!(true), &["Sec-Fetch-Mode: navigate"], "302 to the login"),
    ];
    for (auth, headers, expected) in table {
        let mut config = config();
        config["paths"][2]["auth"] = auth;
        config["paths"][2]["method"] = json!("ANY");
        let mut sent = sent();
        (sent.token, sent.session, sent.line) = (None, true, "GET https://gw.example/api/a".to_owned());
        sent.headers.extend(headers.iter().map(|header| (*header).to_owned()));
        let way = way_with(&config, &UnknownBindings, &sent);
        assert!(way["steps"].to_string().contains(expected), "{expected}: {way:#}");
    }
}

#[test]
fn a_user_without_a_sub_is_counted_by_address() {
    let mut claims = claims();
    claims.as_object_mut().unwrap().remove("sub");
    let way = way(|sent| sent.token = Some(token(&claims)));
    let limit = way["steps"].as_array().unwrap().iter().find(|step| step["step"] == "rate_limit");
    assert!(limit.is_none_or(|step| step["details"]["by"].as_str().unwrap().starts_with("address")), "{way:#}");
}

#[test]
fn a_header_host_is_the_host_and_no_header_that_is_passed_on() {
    let way = way(|sent| {
        sent.line = "POST /api/a".to_owned();
        sent.headers.push("Host: Gw.example".to_owned());
    });
    let headers = way["upstream"]["headers"].as_array().unwrap();
    assert!(headers.iter().all(|header| header["name"] != "host"), "{way:#}");
    assert!(headers.iter().any(|header| header["name"] == "x-forwarded-host" && header["value"] == "gw.example"));
}

#[test]
fn a_handshake_that_the_runtime_does_not_make_is_not_passed_on() {
    for (value, is_sent) in [("h2c", false), ("websocket", true)] {
        let mut config = config();
        config["paths"][2]["method"] = json!("ANY");
        let mut sent = sent();
        sent.line = "GET https://gw.example/api/a".to_owned();
        sent.headers.push(format!("Upgrade: {value}"));
        let way = way_with(&config, &UnknownBindings, &sent);
        let headers = way["upstream"]["headers"].as_array().unwrap();
        assert_eq!(headers.iter().any(|header| header["name"] == "upgrade"), is_sent, "{value}: {way:#}");
    }
}

/// The values of a deployment.
struct Values(&'static [(&'static str, &'static str)]);

impl Bindings for Values {
    fn look_up(&self, reference: &Reference) -> Binding {
        let found = self.0.iter().find(|(name, _)| *name == reference.name);
        found.map_or(Binding::Unknown, |(_, value)| Binding::Value((*value).to_owned()))
    }
}

#[test]
fn a_reference_without_a_value_is_shown_as_it_is_written_and_what_depends_on_it_is_unknown() {
    let mut config = config();
    config["servers"][0]["url"] = json!("$env.API_URL");
    config["cors"]["allow_origins"] = json!(["$env.APP"]);
    config["paths"][2]["auth"]["claims"]["org"] = json!("$env.ORG");
    config["paths"][2]["ip"]["allow"] = json!(["$env.NETWORK"]);
    config["variables"] = json!({ "key": "$secret.KEY" });
    config["paths"][2]["mapping"]["headers"]["x-key"] = json!("$config.key");
    let way = way_with(&config, &UnknownBindings, &sent());
    assert_eq!(way["upstream"]["url"], "$env.API_URL/a/b?x=1");
    assert_eq!(way["outcome"]["undecided"], json!(["cors", "ip", "access", "rate_limit"]));
    assert_eq!(way["unknown"], json!(["$env.API_URL", "$env.APP", "$env.NETWORK", "$env.ORG", "$secret.KEY"]));
    let values = Values(&[
        ("API_URL", "https://api.example"),
        ("APP", "https://app.example"),
        ("ORG", "acme"),
        ("NETWORK", "192.0.2.0/24"),
        ("KEY", "very secret"),
    ]);
    let way = way_with(&config, &values, &sent());
    assert_eq!(way["outcome"]["undecided"], json!(["rate_limit"]), "{way:#}");
    assert_eq!(way["upstream"]["url"], "https://api.example/a/b?x=1");
    assert!(!way.to_string().contains("very secret"), "a secret is never shown");
    assert!(way.to_string().contains("$secret.KEY"), "but its reference is");
}

#[test]
fn a_request_that_no_client_can_send_is_refused_in_one_line() {
    let long = "x".repeat(1024 * 1024);
    let table: [(&str, &[&str], &str, &str); 20] = [
        ("FOO /", &[], "runtime refuses the method", "a method that nobody knows"),
        ("get /", &[], "runtime refuses the method", "a method in small letters"),
        ("GET /a|b", &[], "runtime refuses | in", "a sign that must be encoded"),
        ("GET /{id}", &[], "runtime refuses { in", "the pattern of a path"),
        ("GET /", &["content-length: 12345678901234567890123"], "refuses the content-length", "a huge length"),
        ("GET /", &["content-length: x"], "refuses the content-length", "no length"),
        ("GET https://a.example/", &["host: b.example"], "not the host of the address", "two hosts"),
        ("GET https://a.example/", &["host: a.example/x"], "not the host of the address", "more than a host"),
        ("", &[], "is neither a path", "nothing"),
        ("GET T /x", &[], "is neither a path", "a method of two words"),
        ("G(T /x", &[], "is no method", "a sign that no method has"),
        ("GET x", &[], "is neither a path", "no path"),
        ("GET ftp://x/", &[], "is neither a path", "another scheme"),
        ("GET https://u:p@x/", &[], "user name", "a password"),
        ("GET \u{1b}[2J", &[], "is neither a path", "what controls a terminal"),
        ("GET /", &["no colon"], "has no colon", "a header without its value"),
        ("GET /", &["a b: c"], "is no name of a header", "a name of two words"),
        ("GET /", &["a\n: c"], "is no name of a header", "a name with a line break"),
        ("GET /", &["a: b\r\nc: d"], "has control characters", "a value with a line break"),
        ("GET /", &[": c"], "is no name of a header", "no name"),
    ];
    let parse =
        |line: &str, headers: &[String]| Request::parse(&RequestText { line, headers, ..RequestText::default() }).err();
    for (line, headers, expected, message) in table {
        let headers: Vec<_> = headers.iter().map(|header| (*header).to_owned()).collect();
        let error = parse(line, &headers).unwrap_or_default();
        assert!(error.contains(expected), "{message}: {error}");
    }
    assert!(parse(&format!("GET /{long}"), &[]).unwrap().contains("bytes"), "a huge address");
    assert!(parse("GET /", &[format!("a: {long}")]).unwrap().contains("bytes"), "huge headers");
    let more = [
        RequestText { from: Some("here"), ..RequestText::default() },
        RequestText { token: Some("t"), headers: &["authorization: x".to_owned()], ..RequestText::default() },
    ];
    for text in more {
        assert!(Request::parse(&RequestText { line: "GET /", ..text }).is_err());
    }
    assert!(
        parse("GET /x HTTP/1.1", &["a;".to_owned()]).is_none(),
        "a line as HTTP has it, and an empty header as curl has it"
    );
}

#[test]
fn rubbish_for_a_token_is_refused_as_the_gateway_refuses_it() {
    let tokens = [
        "x".to_owned(),
        "..".to_owned(),
        "a.b.c".to_owned(),
        "x".repeat(100_000),
        format!("{}.e30.AA", "e30"),
        "\u{e9}.b.c".to_owned(),
        token(&json!([])),
        token(&json!({ "iss": { "a": "\u{1b}[2J" } })),
    ];
    for text in tokens {
        let way = way(|sent| sent.token = Some(text.clone()));
        let code = way["outcome"]["code"].as_str();
        assert!(matches!(code, Some("token_invalid")), "{}: {way:#}", text.chars().take(40).collect::<String>());
    }
}

#[test]
fn a_config_that_cannot_be_explained_says_why() {
    let read =
        |text: &str| Known::read(&TextFile { name: "c".to_owned(), text: text.to_owned() }, &UnknownBindings).err();
    assert!(matches!(read("{"), Some(Unusable::Mistakes(first)) if first.starts_with("c:")));
    let typed = r#"{"paths": [{"method": "GET", "path": "/", "integration": {"type": "$env.TYPE"}}]}"#;
    assert_eq!(read(typed), Some(Unusable::NeedsValue("$env.TYPE".to_owned())));
}

#[test]
fn every_example_is_explained_without_any_value() {
    for entry in std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/examples/providers")).unwrap() {
        let path = entry.unwrap().path();
        let file = TextFile { name: path.display().to_string(), text: std::fs::read_to_string(&path).unwrap() };
        assert_eq!(Known::read(&file, &UnknownBindings).err(), None, "{}", file.name);
    }
}
