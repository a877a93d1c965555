//! What a schema says of texts that mean more than their letters: which mistakes it sees, and which are for the parser alone.

use serde_json::{Value, json};

use crate::verdict::Schema;

/// What is said of a text.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Said {
    /// Both take it.
    Taken,
    /// Both refuse it.
    Refused,
    /// The parser alone refuses it.
    ByTheParser,
    /// The schema alone refuses it: the URL standard mends what nobody should write.
    BySchemaAlone,
}

use Said::{BySchemaAlone, ByTheParser, Refused, Taken};

fn assert_said(config: impl Fn(&str) -> Value, texts: &[(&str, Said)]) {
    let schema = Schema::new();
    for (text, expected) in texts {
        let verdict = schema.verdict(&config(text));
        let said = match (verdict.mistakes.is_empty(), verdict.passes) {
            (true, true) => Taken,
            (false, false) => Refused,
            (false, true) => ByTheParser,
            (true, false) => BySchemaAlone,
        };
        assert_eq!(said, *expected, "{text:?}: {:?} {:?}", verdict.mistakes, schema.refusals(&config(text)));
    }
}

#[test]
fn addresses_of_servers() {
    let config = |url: &str| json!({ "servers": [{ "alias": "api", "url": url }], "paths": [] });
    assert_said(
        config,
        &[
            ("https://api.example.com", Taken),
            ("http://api.example.com:8080/v1/", Taken),
            ("https://[2001:db8::1]/a@b", Taken),
            ("$env.API_URL", Taken),
            ("$secrets.API_URL", Taken),
            ("$env.API-URL", Refused),
            ("$Env.API_URL", Refused),
            ("api.example.com", Refused),
            ("ftp://api.example.com", Refused),
            ("https://", Refused),
            ("https://user:password@api.example.com", Refused),
            ("https://api.example.com/?x=1", Refused),
            ("https://api.example.com/#top", Refused),
            ("https://api.example.com:99999", ByTheParser),
            ("https:api.example.com", BySchemaAlone),
            (" https://api.example.com", BySchemaAlone),
            ("HTTPS://api.example.com", BySchemaAlone),
        ],
    );
}

#[test]
fn addresses_that_must_be_https() {
    let config = |url: &str| json!({ "protected_resource": { "documentation": url }, "paths": [] });
    assert_said(
        config,
        &[
            ("https://a.example/?x=1", Taken),
            ("http://localhost:8787/a", Taken),
            ("http://127.0.0.1", Taken),
            ("http://app.localhost/", Taken),
            ("http://[::1]:80/", Taken),
            ("http://a.example", Refused),
            ("http://localhost.example", Refused),
            ("https://a.example/#b", Refused),
            ("https://a b", Refused),
            ("https://a<b", ByTheParser),
        ],
    );
}

#[test]
fn addresses_of_callbacks() {
    let config = |url: &str| {
        json!({
            "authorizer": { "type": "auth0", "domain": "tenant.example", "client_id": "c", "redirect_uri": url },
            "paths": [],
        })
    };
    assert_said(
        config,
        &[
            ("https://a.example/callback?x=1", Taken),
            ("http://127.0.0.1:8787/callback", Taken),
            ("com.example.app:/callback", Taken),
            ("com.example.app://tenant.example/callback", Taken),
            ("$env.AUTH0_REDIRECT_URI", Taken),
            ("myapp:/callback", Refused),
            ("javascript:alert", Refused),
            ("http://a.example/callback", Refused),
            ("com.example.app:/callback#top", Refused),
            ("/callback", Refused),
            ("COM.example.app:/callback", BySchemaAlone),
        ],
    );
}

#[test]
fn prefixes_of_paths() {
    let config = |prefix: &str| {
        let integration = json!({ "type": "http", "server": "api", "strip_prefix": prefix });
        json!({
            "servers": [{ "alias": "api", "url": "https://api.example" }],
            "paths": [{ "method": "GET", "path": "/api/{id}", "integration": integration }],
        })
    };
    assert_said(
        config,
        &[
            ("/api", Taken),
            ("/%61pi", Taken),
            ("", Taken),
            ("$env.PREFIX", Taken),
            ("/other", ByTheParser),
            ("/api/{id}", Refused),
            ("/api/", Refused),
            ("/", Refused),
            ("api", Refused),
            ("/..", Refused),
        ],
    );
}

#[test]
fn origins() {
    let config = |origin: &str| json!({ "cors": { "allow_origins": [origin] }, "paths": [] });
    assert_said(
        config,
        &[
            ("https://app.example.com", Taken),
            ("http://localhost:5173", Taken),
            ("*", Taken),
            ("$env.ORIGIN", Taken),
            ("https://app.example.com/", Refused),
            ("https://*.example.com", Taken),
            ("https://*.example.com:8443", Taken),
            ("http://*.localhost", Taken),
            ("http://localhost:*", Taken),
            ("http://[::1]:*", Taken),
            ("capacitor://localhost", Taken),
            ("ionic://localhost", Taken),
            ("tauri://localhost", Taken),
            ("app://.", Taken),
            ("chrome-extension://abcdefghijklmnop", Taken),
            ("moz-extension://01234567-89ab", Taken),
            ("https://*.com", Refused),
            ("https://*.com.", Refused),
            ("https://*", Refused),
            ("https://*:*", Refused),
            ("https://pre-*.example.com", Refused),
            ("https://*.*.example.com", Refused),
            ("https://a.*.example.com", Refused),
            ("https://*.example.com:*", Refused),
            ("chrome-extension://*", Refused),
            ("capacitor://*.example.com", Refused),
            ("capacitor://localhost/", Refused),
            ("file:///", Refused),
            ("wss://app.example.com", Refused),
            ("https://*.1.2", ByTheParser),
            ("http://localhost:80:*", Refused),
            ("https://App.example.com", Refused),
            ("app.example.com", Refused),
            ("null", Refused),
            ("", Refused),
            ("https://app.example.com:443", ByTheParser),
            ("https://1.2.3.4.5", ByTheParser),
        ],
    );
}

#[test]
fn domains() {
    let config =
        |domain: &str| json!({ "authorizer": { "type": "auth0", "domain": domain, "client_id": "c" }, "paths": [] });
    assert_said(
        config,
        &[
            ("tenant.eu.auth0.com", Taken),
            ("login.example:8443", Taken),
            ("http://127.0.0.1:9400", Taken),
            ("https://tenant.eu.auth0.com", Refused),
            ("tenant.eu.auth0.com/", Refused),
            ("http://tenant.eu.auth0.com", Refused),
            ("Tenant.eu.auth0.com", Refused),
            ("tenant eu", Refused),
            ("", Refused),
            ("tenant:443", ByTheParser),
        ],
    );
}

#[test]
fn patterns_of_paths() {
    let config = |path: &str| json!({ "paths": [{ "method": "GET", "path": path, "response": 1 }] });
    let longest = "/a".repeat(32);
    let too_long = "/a".repeat(33);
    assert_said(
        config,
        &[
            ("/", Taken),
            ("/a/", Taken),
            ("/a/{id}/b/{.+}", Taken),
            ("/{rest+}", Taken),
            ("/café/%C3%A9", Taken),
            ("/a:b/...", Taken),
            (&longest, Taken),
            ("$env.PATH", Taken),
            (&too_long, Refused),
            ("a", Refused),
            ("", Refused),
            ("https://a.example/b", Refused),
            ("/a//b", Refused),
            ("/{.+}/a", Refused),
            ("/{id", Refused),
            ("/a{id}", Refused),
            ("/{1}", Refused),
            ("/{}", Refused),
            ("/*", Refused),
            ("/**", Refused),
            ("/:id", Refused),
            ("/a?b", Refused),
            ("/a#b", Refused),
            ("/a;b", Refused),
            ("/a\\b", Refused),
            ("/a%2Fb", Refused),
            ("/a%5cb", Refused),
            ("/a%00", Refused),
            ("/a%zz", Refused),
            ("/../a", Refused),
            ("/a/%2e", Refused),
            ("/{id}/{id}", ByTheParser),
            (&format!("/{}", "a".repeat(2048)), ByTheParser),
        ],
    );
}

#[test]
fn addresses_of_redirects() {
    let config = |location: &str| json!({ "paths": [{ "method": "GET", "path": "/a/{id}", "integration": { "type": "redirect", "location": location } }] });
    assert_said(
        config,
        &[
            ("/b/{id}?from=a", Taken),
            ("https://new.example", Taken),
            ("https://new.example/{id}", Taken),
            ("https://new.example?x=1", Taken),
            ("//new.example", Refused),
            ("b", Refused),
            ("https://{id}.example/", Refused),
            ("https://new.example{id}", Refused),
            ("/b/{id", Refused),
            ("/b/id}", Refused),
            ("/b\\c", Refused),
            ("ftp://new.example/", Refused),
            ("/%C3%BCber/a%20b?q={id}#{id}", Taken),
            ("/\u{fc}ber", Refused),
            ("/a b", Refused),
            ("https://b\u{fc}cher.example/x", Refused),
            ("/b/{other}", ByTheParser),
            ("/b/{.+}", ByTheParser),
        ],
    );
}

#[test]
fn destinations_of_a_login() {
    let config = |text: &str| {
        json!({
            "authorizer": { "type": "auth0", "domain": "t.example", "client_id": "c", "client_secret": "s", "audience": "a",
                            "redirect_uri": "https://g.example/callback" },
            "session": { "after_login": text, "return_to": ["https://app.example"] },
            "paths": [{ "method": "GET", "path": "/login", "integration": { "type": "auth0_login" } }],
        })
    };
    assert_said(
        config,
        &[
            ("/home?x=1", Taken),
            ("https://app.example/home", Taken),
            ("home", Refused),
            ("//app.example", Refused),
            ("/a\\b", Refused),
            ("/a b", Refused),
            ("/\u{fc}ber", Refused),
            ("https://app.example/\u{fc}ber", Refused),
            ("https://other.example/", ByTheParser),
        ],
    );
}

#[test]
fn networks() {
    let config = |network: &str| json!({ "ip": { "deny": [network] }, "paths": [] });
    assert_said(
        config,
        &[
            ("192.0.2.1", Taken),
            ("192.0.2.0/24", Taken),
            ("2001:db8::/32", Taken),
            ("::ffff:192.0.2.1", Taken),
            ("localhost", Refused),
            ("192.0.2.0/", Refused),
            ("192.0.2.0/+8", Refused),
            ("", Refused),
            ("192.0.2.1/24", ByTheParser),
            ("192.0.2", ByTheParser),
            ("192.0.2.0/33", ByTheParser),
        ],
    );
}

#[test]
fn references_within_texts() {
    let texts = |refused: Said| {
        [
            ("$secret.KEY", Taken),
            ("US$ 5 in $env and $request", Taken),
            ("Bearer $secret.KEY", refused),
            ("$5 or $env.PRICE", refused),
            ("a $secrets.KEY b", refused),
        ]
    };
    assert_said(|text| json!({ "headers": { "x-a": text }, "paths": [] }), &texts(Refused));
    assert_said(|text| json!({ "variables": { "a": text }, "paths": [] }), &texts(Refused));
    assert_said(
        |text| {
            json!({
                "servers": [{ "alias": "a", "url": "https://a.example" }],
                "paths": [{ "method": "GET", "path": "/", "mapping": { "headers": { "x-a": format!("a{text}") } },
                            "integration": { "type": "http_proxy", "server": "a" } }]
            })
        },
        &[("5$", Taken), (" $env.", Taken), (" $secret.KEY", Refused), ("$env.HOST", Refused)],
    );
    assert_said(
        |text| json!({ "servers": [{ "alias": "a", "url": format!("https://{text}") }], "paths": [] }),
        &[("a.example", Taken), ("$env.HOST", Refused), ("a.example/$secret.KEY", Refused)],
    );
    // Words for people, and bodies, may speak of references.
    assert_said(|text| json!({ "title": text, "description": text, "paths": [] }), &texts(Taken));
    let body = |text: &str| json!({ "paths": [{ "method": "GET", "path": "/", "response": [text, { "a": text }] }] });
    assert_said(body, &texts(Taken));
}

#[test]
fn references_that_are_misspelt() {
    let config = |text: &str| json!({ "title": text, "paths": [{ "method": "GET", "path": "/", "response": [text] }] });
    assert_said(
        config,
        &[
            ("$5.00", Taken),
            ("about $env.NAME", Taken),
            ("$secret.NAME", Taken),
            ("$secret.", Refused),
            ("$env.1A", Refused),
            ("$env.A ", Refused),
            ("$secert.NAME", ByTheParser),
        ],
    );
}
