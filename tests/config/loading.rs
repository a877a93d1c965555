//! What a config that is right means.

use std::fs;

use bargate::algorithm::Algorithm;
use bargate::config::{
    AllowedOrigins, Binding, Bindings, CallbackResponse, Config, Integration, KeySource, Path, Reference,
    ReferenceKind, Source, check, load, references,
};

use bargate::route::Found;

use crate::bindings::{FixtureBindings, MARK};

fn file(path: &str) -> String {
    fs::read_to_string(format!("{}/{path}", env!("CARGO_MANIFEST_DIR"))).unwrap()
}

fn loaded(source: &str) -> Config {
    load(source, &FixtureBindings).unwrap_or_else(|mistakes| {
        let lines: String = mistakes.iter().map(|mistake| format!("{mistake}\n")).collect();
        panic!("{lines}")
    })
}

#[test]
fn the_config_of_the_article_loads_as_it_stands() {
    let source = file("tests/fixtures/configs/article.json");
    assert_eq!(check(&source), []);
    let config = loaded(&source);
    let auth0 = &config.authorizers[0];
    let provider = config.provider.as_ref().unwrap();
    assert_eq!(auth0.issuer, "https://qzx.eu.auth0.com/", "by default that of the domain");
    let KeySource::KeySet(jwks_uri) = &auth0.keys else { panic!("a key set's address") };
    assert_eq!(jwks_uri, "https://tenant.auth0.com/.well-known/jwks.json", "as it is written");
    assert_eq!(provider.parameter("scope"), Some("openid profile email"));
    assert_eq!(auth0.audience, "qzx-client-id", "without an audience the client");
    assert_eq!(auth0.algorithms, [Algorithm::Rs256], "by default RS256 alone");
    assert_eq!(auth0.clock_skew_secs, 30);
    assert_eq!(provider.endpoints.as_ref().unwrap().token, "https://qzx.eu.auth0.com/oauth/token");
    assert_eq!(provider.client.secret.as_ref().unwrap().expose(), "qzx-client-secret");
    assert_eq!(config.paths.len(), 3);
    assert_eq!(config.paths.iter().map(|path| path.access.is_some()).collect::<Vec<_>>(), [false, true, false]);
    let Integration::Callback {
        response: CallbackResponse::Json, redirect_uri, post_process: None, login: None, ..
    } = &config.paths[0].integration
    else {
        panic!("a callback")
    };
    assert_eq!(redirect_uri, "https://serverlessapigateway.com/api/auth0/callback", "the authorizer's");
    assert!(matches!(config.paths[1].integration, Integration::Userinfo { .. }));
    assert!(matches!(config.paths[2].integration, Integration::Refresh { .. }));
}

#[test]
fn the_config_of_the_demo_loads_and_asserts_the_headers_that_it_maps() {
    let source = file("gateway.config.json");
    assert_eq!(check(&source), []);
    let mut config = loaded(&source);
    config.asserted_headers.sort();
    assert_eq!(config.asserted_headers, ["x-user-id", "x-user-permissions"]);
    let AllowedOrigins::Listed(origins) = config.cors.unwrap().origins else { panic!("a list") };
    assert!(matches!(origins.as_slice(), [only] if only.is("https://qzx.example")));
}

#[test]
fn an_unused_callback_uri_is_not_judged() {
    struct Nothing;
    impl Bindings for Nothing {
        fn look_up(&self, _: &Reference) -> Binding {
            Binding::Missing
        }
    }
    const CALLBACK: &str = r#"{ "method": "GET", "path": "/", "integration": { "type": "auth0_callback" } }"#;
    let authorizer = |uris: &str| {
        format!(r#"{{ "type": "auth0", "domain": "a.example", "client_id": "c", "client_secret": "s", {uris} }}"#)
    };
    let good = r#""redirect_uri": "https://gateway.example/callback""#;
    for (unused, message) in
        [("$env.GONE", "a missing binding"), ("nowhere", "no URL"), ("http://a.example", "plain http")]
    {
        let authorizer = authorizer(&format!(r#"{good}, "callback_uri": "{unused}""#));
        for source in [
            format!(r#"{{ "paths": [{CALLBACK}], "authorizer": {authorizer} }}"#),
            format!(r#"{{ "paths": [{CALLBACK}], "authorizers": {{ "users": {authorizer} }} }}"#),
        ] {
            let config = load(&source, &Nothing).unwrap_or_else(|mistakes| panic!("{message}: {mistakes:?}"));
            let Integration::Callback { redirect_uri, .. } = &config.paths[0].integration else { panic!("a callback") };
            assert_eq!(redirect_uri, "https://gateway.example/callback", "{message}");
            assert_eq!(references(&source), [], "{message}: nothing is asked for");
        }
    }
    let mistakes = |uris: &str| {
        let source = format!(r#"{{ "paths": [], "authorizer": {} }}"#, authorizer(uris));
        load(&source, &Nothing).map(|_| ()).map_err(|mistakes| mistakes[0].code.as_str())
    };
    assert_eq!(mistakes(r#""callback_uri": "nowhere""#), Err("invalid_url"), "alone it counts");
    assert_eq!(mistakes(r#""redirect_uri": "nowhere", "callback_uri": "https://a.example""#), Err("invalid_url"));
    assert_eq!(mistakes(&format!(r#"{good}, "callback_uri": 5"#)), Err("wrong_type"));
}

#[test]
fn the_bindings_that_a_config_refers_to_are_each_told_once() {
    let source = r#"{
        "x-note": "$env.OWN", "title": "$env.TITLE",
        "servers": [{ "alias": "a", "url": "$env.URL", "x-note": ["$env.OWN"] }],
        "paths": [{ "method": "GET", "path": "/", "response": ["$env.URL", "$secret.URL", "$secrets.URL", "x $env.NO"],
          "mapping": { "headers": { "x-key": "$secret.KEY" } } }]
    }"#;
    let env = |name: &str| Reference { kind: ReferenceKind::Env, name: name.to_owned() };
    let secret = |name: &str| Reference { kind: ReferenceKind::Secret, name: name.to_owned() };
    let mut expected = vec![env("TITLE"), env("URL"), secret("KEY"), secret("URL")];
    expected.sort();
    for (source, message) in [(source.to_owned(), "as it is"), (format!("\u{feff}{source}"), "with a byte order mark")]
    {
        assert_eq!(references(&source), expected, "{message}");
    }
    assert_eq!(references("{"), [], "not JSON");
}

#[test]
fn the_older_spelling_of_a_secret_is_a_secret() {
    struct OnlySecrets;
    impl Bindings for OnlySecrets {
        fn look_up(&self, reference: &Reference) -> Binding {
            assert_eq!(reference.kind, ReferenceKind::Secret);
            Binding::Value(format!("the whole value of the secret {}", reference.name))
        }
    }
    let source = r#"{ "authorizer": {
        "type": "auth0", "domain": "a.example", "client_id": "c", "redirect_uri": "https://gateway.example/callback",
        "client_secret": "$secrets.ONE", "sealing_key": "$secret.TWO" },
        "paths": [{ "method": "GET", "path": "/", "integration": { "type": "auth0_login" } }] }"#;
    let config = load(source, &OnlySecrets).unwrap();
    let Integration::Login { login, .. } = &config.paths[0].integration else { panic!("a login") };
    assert_eq!(login.provider.client.secret.as_ref().unwrap().expose(), "the whole value of the secret ONE");
    assert_eq!(login.sealing_secret.expose(), "the whole value of the secret TWO");
}

#[test]
fn a_value_of_a_binding_is_text_and_never_read_again() {
    struct Hostile;
    impl Bindings for Hostile {
        fn look_up(&self, _: &Reference) -> Binding {
            Binding::Value("$secret.OTHER\"}, {\"".to_owned())
        }
    }
    let source = r#"{ "variables": { "a": "$env.A" }, "paths": [{ "method": "GET", "path": "/", "response": "$env.A",
        "mapping": { "headers": { "x-a": "$env.A", "x-b": "$config.a" } } }] }"#;
    let config = load(source, &Hostile).unwrap();
    let text = Source::Text("$secret.OTHER\"}, {\"".to_owned());
    let expected = [("x-a".to_owned(), text.clone()), ("x-b".to_owned(), text)];
    assert_eq!(config.paths[0].mapping.headers, expected);
    let Integration::Fixed(fixed) = &config.paths[0].integration else { panic!("a fixed answer") };
    assert_eq!(fixed.body.as_deref(), Some(r#""$secret.OTHER\"}, {\"""#));
}

#[test]
fn debug_shows_no_value_of_a_binding_wherever_it_was_put() {
    let source = r#"{
        "title": "$secret.API_KEY",
        "servers": [{ "alias": "$secret.ALIAS", "url": "$secret.URL" }],
        "variables": { "key": "$secret.API_KEY" },
        "authorizer": {
            "type": "auth0", "domain": "$secret.DOMAIN", "client_id": "$secret.CLIENT_ID",
            "client_secret": "$secret.CLIENT_SECRET", "sealing_key": "$secret.SEALING_KEY",
            "audience": "$secret.API_KEY", "scope": "$secret.API_KEY", "issuer": "$secret.URL",
            "jwks_uri": "$secret.URL", "redirect_uri": "$secret.URL"
        },
        "cors": { "allow_origins": ["$secret.ORIGIN"], "allow_headers": ["$secret.HEADER"], "expose_headers": ["$secret.HEADER"] },
        "paths": [
            { "method": "GET", "path": "$secret.PATH", "response": { "key": "$secret.API_KEY" } },
            { "method": "GET", "path": "/a", "integration": { "type": "http_proxy", "server": "$secret.ALIAS" },
              "mapping": { "headers": { "x-a": "$secret.API_KEY", "x-b": "$config.key" }, "query": { "a": "$secret.API_KEY" } } },
            { "method": "GET", "path": "/b", "integration": { "type": "auth0_login", "return_to": ["$secret.ORIGIN"] } },
            { "method": "GET", "path": "/c", "integration": {
              "type": "auth0_callback", "response": "web_message", "target_origin": "$secret.ORIGIN" } }
        ]
    }"#;
    let config = loaded(source);
    for shown in [format!("{config:?}"), format!("{config:#?}")] {
        assert!(!shown.contains(MARK), "{shown}");
    }
}

#[test]
fn keys_of_the_user_are_ignored_where_keys_are_known_and_mean_what_they_say_where_keys_are_free() {
    let source = r#"{
        "x-": 1, "x-any": { "x-y": ["$env.MISSING", "$nothing"], "a": 1, "a": 2 },
        "servers": [{ "alias": "a", "url": "https://a.example", "x-team": null }],
        "variables": { "x-version": "$env.VERSION" },
        "paths": [{ "method": "GET", "path": "/", "x-owner": {}, "integration": { "type": "http", "server": "a", "x-z": [] },
          "x-note": "$env.MISSING", "mapping": { "headers": { "x-version": "$config.x-version" }, "query": { "x-a": "$env.VERSION" } } }]
    }"#;
    let config = loaded(source);
    let text = || Source::Text("2".to_owned());
    assert_eq!(config.paths[0].mapping.headers, [("x-version".to_owned(), text())]);
    assert_eq!(config.paths[0].mapping.query, [("x-a".to_owned(), text())]);
    assert_eq!(config.asserted_headers, ["x-version"]);
}

#[test]
fn a_null_is_a_value_where_it_is_an_answer() {
    let config = loaded(r#"{ "paths": [{ "method": "GET", "path": "/", "response": null }] }"#);
    let Integration::Fixed(fixed) = &config.paths[0].integration else { panic!("a fixed answer") };
    assert_eq!(fixed.body.as_deref(), Some("null"));
}

#[test]
fn the_variables_of_a_path_come_before_those_of_the_file() {
    let source = r#"{ "variables": { "a": "file", "b": 1.5, "c": true }, "paths": [
        { "method": "GET", "path": "/", "response": {}, "variables": { "a": "path" },
          "mapping": { "query": { "a": "$config.a", "b": "$config.b", "c": "$config.c", "d": "plain", "e": 7 } } } ] }"#;
    let query = &loaded(source).paths[0].mapping.query;
    let texts: Vec<_> = query.iter().map(|(name, source)| (name.as_str(), source.clone())).collect();
    let text = |text: &str| Source::Text(text.to_owned());
    assert_eq!(
        texts,
        [("a", text("path")), ("b", text("1.5")), ("c", text("true")), ("d", text("plain")), ("e", text("7"))]
    );
}

#[test]
fn addresses_are_kept_as_they_will_be_used() {
    let source = r#"{ "servers": [
        { "alias": "plain", "url": "https://API.example:443" },
        { "alias": "based", "url": "http://api.example:8080/v1/" }
      ], "paths": [
        { "method": "GET", "path": "/plain", "integration": { "type": "http_proxy", "server": "plain" } },
        { "method": "GET", "path": "/based", "integration": { "type": "http_proxy", "server": "based" } }
      ],
      "authorizer": { "type": "auth0", "domain": "tenant.example", "client_id": "c", "issuer": "https://login.example" } }"#;
    let config = loaded(source);
    let first = |index: usize| match &config.paths[index].integration {
        Integration::HttpProxy { server, .. } => (&*server.targets.first.origin, &*server.targets.first.base_path),
        _ => panic!("an upstream"),
    };
    assert_eq!([first(0), first(1)], [("https://api.example", ""), ("http://api.example:8080", "/v1")]);
    assert_eq!(config.authorizers[0].issuer, "https://login.example", "an issuer is compared as it is written");
}

#[test]
fn a_session_has_a_default_for_everything() {
    let source = |session: &str| {
        format!(
            r#"{{
                "authorizer": {{ "type": "auth0", "domain": "t.example", "client_id": "c", "client_secret": "s", "audience": "a",
                  "redirect_uri": "https://gw.example/callback" }},
                "session": {session},
                "paths": [
                    {{ "method": "GET", "path": "/spa/login", "integration": {{ "type": "auth0_login" }} }},
                    {{ "method": "GET", "path": "/login", "integration": {{ "type": "auth0_login" }} }},
                    {{ "method": "GET", "path": "/callback", "integration": {{ "type": "auth0_callback" }} }},
                    {{ "method": "POST", "path": "/logout", "integration": {{ "type": "auth0_userinfo" }} }}
                ]
            }}"#
        )
    };
    for key in ["after_login", "after_logout"] {
        for unsendable in ["/café", "/日本", "https://app.example/日本", "/a b", "/a\\tb"] {
            let section = format!(r#"{{ "{key}": "{unsendable}", "return_to": ["https://app.example"] }}"#);
            let codes: Vec<_> = check(&source(&section)).iter().map(|mistake| mistake.code.as_str()).collect();
            assert_eq!(codes, ["invalid_url"], "{key}: {unsendable}");
        }
    }
    let config = loaded(&source("{}"));
    assert!(matches!(
        config.paths[2].integration,
        Integration::Callback { response: CallbackResponse::Session(_), .. }
    ));
    let session = config.session.unwrap();
    assert_eq!(
        (session.rules.cookie.as_str(), session.login_path.as_str()),
        ("__Host-bargate", "/spa/login"),
        "the first login"
    );
    assert_eq!((session.rules.idle_secs, session.rules.absolute_secs), (3 * 86_400, 30 * 86_400));
    assert_eq!((session.rules.rotation_grace_secs, session.rules.renew_before_secs), (10, 60));
    assert_eq!((session.rules.after_login.as_str(), session.rules.after_logout.as_str()), ("/", "/"));
    assert!(session.rules.return_to_origins.is_empty());

    let session = loaded(&source(
        r#"{ "cookie": "__Host-app", "idle_seconds": 60, "absolute_seconds": 600, "login_path": "/login", "after_login": "/home?x=1",
             "after_logout": "https://app.example/bye", "return_to": ["https://app.example"], "rotation_grace_seconds": 0,
             "renew_before_seconds": 0 }"#,
    ));
    let session = session.session.unwrap();
    assert_eq!((session.rules.cookie.as_str(), session.login_path.as_str()), ("__Host-app", "/login"));
    assert_eq!((session.rules.idle_secs, session.rules.absolute_secs), (60, 600));
    assert_eq!((session.rules.rotation_grace_secs, session.rules.renew_before_secs), (0, 0));
    assert_eq!(
        (session.rules.after_login.as_str(), session.rules.after_logout.as_str()),
        ("/home?x=1", "https://app.example/bye")
    );
    assert_eq!(session.rules.return_to_origins, ["https://app.example"]);
}

#[test]
fn problems_lead_to_an_open_path_that_shows_something_and_leads_no_further() {
    let table = [
        ("/sorry", true, "a fixed answer"),
        ("/site/sorry", true, "an upstream's page"),
        ("/site/other", false, "a path that no entry has as it stands"),
        ("/site/{.+}", false, "a pattern"),
        ("/both", false, "a path whose GET leads on, whatever its other methods do"),
        ("/private", false, "a path that wants a token"),
        ("/form", false, "a path without GET"),
        ("/moved", false, "a redirect"),
        ("/login", false, "a login"),
        ("/callback", false, "a callback"),
        ("/nowhere", false, "a path that is none"),
        ("/site/a/../b", false, "a path that browsers write otherwise"),
        ("/site/\u{e9}", false, "another such path"),
        ("/sorry?x=1", false, "a query"),
        ("/sorry#x", false, "a fragment"),
        ("//site.example/sorry", false, "another host"),
        ("/\\site.example/sorry", false, "the same to a browser"),
        ("https://site.example/sorry", false, "another origin"),
        ("sorry", false, "no path"),
        ("", false, "nothing"),
    ];
    for (page, expected, message) in table {
        let source = format!(
            r#"{{
                "servers": [{{ "alias": "site", "url": "https://site.example" }}],
                "authorizer": {{ "type": "auth0", "domain": "tenant.example.com", "client_id": "c", "audience": "a",
                  "client_secret": "a client secret of thirty-two by", "redirect_uri": "https://gw.example/callback" }},
                "problem_page": {},
                "paths": [
                    {{ "method": "GET", "path": "/sorry", "response": {{}} }},
                    {{ "method": "ANY", "path": "/site/{{.+}}", "integration": {{ "type": "http_proxy", "server": "site" }} }},
                    {{ "method": "GET", "path": "/site/sorry", "integration": {{ "type": "http_proxy", "server": "site" }} }},
                    {{ "method": "ANY", "path": "/both", "response": {{}} }},
                    {{ "method": "GET", "path": "/both", "integration": {{ "type": "redirect", "location": "/sorry" }} }},
                    {{ "method": "GET", "path": "/private", "auth": true, "response": {{}} }},
                    {{ "method": "POST", "path": "/form", "response": {{}} }},
                    {{ "method": "GET", "path": "/moved", "integration": {{ "type": "redirect", "location": "/sorry" }} }},
                    {{ "method": "GET", "path": "/login", "integration": {{ "type": "auth0_login" }} }},
                    {{ "method": "GET", "path": "/callback", "integration": {{ "type": "auth0_callback" }} }}
                ]
            }}"#,
            serde_json::Value::from(page)
        );
        let codes: Vec<_> = check(&source).iter().map(|mistake| mistake.code.as_str()).collect();
        let mistakes: &[&str] = if expected { &[] } else { &["invalid_problem_page"] };
        assert_eq!(codes, mistakes, "{message}: {page}");
    }
}

#[test]
fn a_path_that_others_name_is_told_in_the_spelling_of_addresses() {
    let source = |named: &str| {
        format!(
            r#"{{
                "authorizer": {{ "type": "auth0", "domain": "tenant.example.com", "client_id": "c", "audience": "a",
                  "client_secret": "a client secret of thirty-two by", "redirect_uri": "https://gw.example/callback" }},
                "session": {{ "login_path": "{named}/login" }},
                "problem_page": "{named}/sorry",
                "paths": [
                    {{ "method": "GET", "path": "/café/sorry", "response": {{}} }},
                    {{ "method": "GET", "path": "/café/login", "integration": {{ "type": "auth0_login" }} }},
                    {{ "method": "GET", "path": "/callback", "integration": {{ "type": "auth0_callback" }} }}
                ]
            }}"#
        )
    };
    for named in ["/café", "/caf%c3%a9"] {
        let mut helps: Vec<_> =
            check(&source(named)).into_iter().map(|mistake| mistake.help.unwrap_or_default()).collect();
        helps.sort();
        let expected = ["login", "sorry"].map(|page| format!(r#"write "/caf%C3%A9/{page}", as in addresses"#));
        assert_eq!(helps, expected, "{named}");
    }
    let config = loaded(&source("/caf%C3%A9"));
    assert_eq!(config.problem_page.as_deref(), Some("/caf%C3%A9/sorry"));
}

#[test]
fn logins_request_resources_only_of_paths_that_a_session_opens() {
    let proxied = |path: &str, auth: &str, resource: &str| {
        format!(
            r#"{{ "method": "GET", "path": "{path}", "auth": {auth}, "integration": {{ "type": "http_proxy", "server": "api", "resource": "{resource}", "scope": "{}" }} }}"#,
            resource.replace(':', ".")
        )
    };
    let source = file("tests/fixtures/configs/unwarned/unused_target.json");
    let (head, _) = source.split_once(r#"    { "method": "GET", "path": "/a""#).unwrap();
    let paths = [
        proxied("/a", r#"["people", "partners"]"#, "urn:a"),
        proxied("/b", "true", "urn:b"),
        proxied("/c", r#"{ "authorizer": "machines", "optional": true }"#, "urn:c"),
        proxied("/d", r#"["machines", "partners"]"#, "urn:d"),
        proxied("/e", r#"{ "authorizer": "people", "optional": true }"#, "urn:e"),
    ];
    let config = loaded(&format!("{head}{}]}}", paths.join(",")));
    let provider = &config.login.as_ref().unwrap().provider;
    assert_eq!(provider.login_resources, ["urn:a", "urn:b", "urn:e"]);
    assert_eq!(provider.parameter("scope"), Some("openid offline_access urn.a urn.b urn.e"));
}

#[test]
fn each_resource_is_described_by_the_paths_that_belong_to_it() {
    let config = loaded(
        r#"{
            "authorizers": {
                "whole": { "type": "jwt", "issuer": "https://a.example/", "audience": "a", "secret": "0123456789abcdef0123456789abcdef" },
                "mcp": { "type": "jwt", "issuer": "https://b.example/", "audience": "b", "secret": "0123456789abcdef0123456789abcdef" },
                "twin": { "type": "jwt", "issuer": "https://b.example/", "audience": "c", "secret": "0123456789abcdef0123456789abcdef" },
                "named": { "type": "jwt", "issuer": "name", "audience": "d", "secret": "0123456789abcdef0123456789abcdef" },
                "idle": { "type": "jwt", "issuer": "https://idle.example/", "audience": "e", "secret": "0123456789abcdef0123456789abcdef" }
            },
            "protected_resource": true,
            "paths": [
                { "method": "GET", "path": "/", "auth": { "scopes": ["top"] }, "response": 1 },
                { "method": "GET", "path": "/mcpx", "auth": { "scopes": ["top", "x"] }, "response": 1 },
                { "method": "GET", "path": "/{any}/mcp", "auth": "named", "response": 1 },
                { "method": "POST", "path": "/mcp/", "auth": { "authorizer": "mcp", "scopes": ["m"] }, "protected_resource": true, "response": 1 },
                { "method": "GET", "path": "/mcp", "auth": { "authorizer": "twin", "any_scopes": ["n", "m"] }, "response": 1 },
                { "method": "GET", "path": "/mcp/open", "response": 1 },
                { "method": "GET", "path": "/mcp/deep/{.+}", "auth": { "authorizer": "named", "scopes": ["hidden"] },
                  "protected_resource": { "resource": "https://Deep.example/mcp/deep?v=1", "scopes": ["d"], "name": "Deep" }, "response": 1 },
                { "method": "GET", "path": "/mcp/deep/{id}/more", "auth": "mcp", "response": 1 },
                { "method": "GET", "path": "/none", "auth": "mcp", "protected_resource": { "scopes": [] }, "response": 1 }
            ]
        }"#,
    );
    let of = |index: usize| {
        let resource = config.paths[index].protected_resource.as_ref().unwrap();
        (resource.metadata_url("https://x.example"), resource.to_json("https://x.example"))
    };
    let address = |path: &str| format!("https://x.example/.well-known/oauth-protected-resource{path}");
    let whole = r#"{"authorization_servers":["https://a.example/","https://b.example/","https://idle.example/"],"bearer_methods_supported":["header"],"resource":"https://x.example","scopes_supported":["top","x"]}"#;
    let mcp = r#"{"authorization_servers":["https://b.example/"],"bearer_methods_supported":["header"],"resource":"https://x.example/mcp","scopes_supported":["m","n"]}"#;
    let deep = r#"{"authorization_servers":["https://b.example/"],"bearer_methods_supported":["header"],"resource":"https://Deep.example/mcp/deep?v=1","resource_name":"Deep","scopes_supported":["d"]}"#;
    let none = r#"{"authorization_servers":["https://b.example/"],"bearer_methods_supported":["header"],"resource":"https://x.example/none"}"#;
    let table = [
        (0, "", whole, "the gateway's own"),
        (1, "", whole, "a path that only begins with the same letters"),
        (2, "", whole, "a path with a parameter"),
        (3, "/mcp", mcp, "the path at which it begins"),
        (4, "/mcp", mcp, "the same path, of another method"),
        (5, "/mcp", mcp, "an open path below"),
        (6, "/mcp/deep", deep, "a resource within another"),
        (7, "/mcp/deep", deep, "a path below that"),
        (8, "/none", none, "one that names no scopes"),
    ];
    for (index, path, expected, message) in table {
        assert_eq!(of(index), (address(path), expected.to_owned()), "{message}");
    }
    for (index, resource) in ["", "/mcp", "/mcp/deep", "/none"].into_iter().enumerate() {
        let path = address(resource).replace("https://x.example", "");
        let Found::Route(found) = config.routes.find("GET", "", &path) else { panic!("{path} is served") };
        assert_eq!((found.index, found.pattern), (9 + index, path.as_str()));
    }
}

#[test]
fn a_path_belongs_to_no_resource_if_none_contains_it() {
    let config = loaded(
        r#"{
            "authorizer": { "type": "jwt", "issuer": "i", "audience": "a", "secret": "0123456789abcdef0123456789abcdef" },
            "paths": [
                { "method": "GET", "path": "/a", "auth": true, "protected_resource": true, "response": 1 },
                { "method": "GET", "path": "/b", "auth": true, "response": 1 },
                { "method": "GET", "path": "/{.+}", "auth": true, "response": 1 }
            ]
        }"#,
    );
    let described: Vec<_> = config.paths.iter().map(|path| path.protected_resource.is_some()).collect();
    assert_eq!(described, [true, false, false, false], "and the metadata itself is of no resource");
    let whole = loaded(
        r#"{
            "authorizer": { "type": "jwt", "issuer": "i", "audience": "a", "secret": "0123456789abcdef0123456789abcdef" },
            "protected_resource": { "resource": "https://a.example/v1" },
            "paths": [
                { "method": "GET", "path": "/a", "auth": true, "protected_resource": { "resource": "https://a.example" }, "response": 1 },
                { "method": "GET", "path": "/v1/b", "auth": true, "response": 1 }
            ]
        }"#,
    );
    let resource = |path: &Path| path.protected_resource.as_ref()?.resource.clone();
    let found: Vec<_> = whole.paths.iter().take(2).filter_map(resource).collect();
    assert_eq!(found, ["https://a.example"; 2], "that of a path comes before the gateway's own, whatever its path");
}
