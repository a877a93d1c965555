//! A built-in config in the form that the gateway starts from means what its text means.

use bargate::config::{
    Access, Binding, Bindings, Config, Diagnostic, Integration, LocationPart, Mapping, Path, Prepared, Reference,
    Rules, Source, check, load, load_with,
};
use bargate::review::prepare;
use bargate::route::Found;
use serde_json::{Value, json};

use crate::bindings::FixtureBindings;
use crate::diagnostics::fixtures;

fn load_prepared(prepared: &Prepared<'_>, bindings: &dyn Bindings) -> Result<Config, Vec<Diagnostic>> {
    load_with(prepared.config, Some(prepared.routes), bindings)
}

/// How often each path of a fixture is repeated under other paths.
const COPIES: usize = 3;

/// Every valid config, and the same with each path that can be repeated several times under other paths.
fn sources() -> Vec<(String, String)> {
    let valid = ["valid", "unwarned", "warned"].into_iter().flat_map(fixtures);
    let valid = valid.filter(|(_, source)| load(source, &FixtureBindings).is_ok());
    valid
        .flat_map(|(name, source)| [(name.clone(), source.clone()), (format!("{name}, repeated"), repeated(&source))])
        .collect()
}

fn repeated(source: &str) -> String {
    let mut config: Value = serde_json::from_str(source).unwrap();
    let entries = config["paths"].as_array().unwrap().clone();
    for entry in entries {
        for copy in 0..COPIES {
            let mut entry = entry.clone();
            entry["path"] = format!("/Copy{copy}{}", entry["path"].as_str().unwrap()).into();
            config["paths"].as_array_mut().unwrap().push(entry);
            if load(&config.to_string(), &FixtureBindings).is_err() {
                config["paths"].as_array_mut().unwrap().pop();
            }
        }
    }
    config.to_string()
}

/// Requests for every path of a config, and some beside them.
fn requests(source: &str) -> Vec<(&'static str, String, String)> {
    let config: Value = serde_json::from_str(source).unwrap();
    let mut requests = Vec::new();
    for entry in config["paths"].as_array().unwrap() {
        let path: Vec<_> = entry["path"].as_str().unwrap().split('/').collect();
        let host = entry["host"].as_str().unwrap_or_default().replace('*', "x");
        let filled = |with: &str| {
            let pieces = path.iter().map(|piece| if piece.starts_with('{') { with } else { piece });
            pieces.collect::<Vec<_>>().join("/")
        };
        for path in
            [filled("x"), filled("x%2Fy"), filled("x/y"), filled("X").to_uppercase(), format!("{}/", filled("x"))]
        {
            requests.extend(["GET", "POST", "OPTIONS", "PURGE"].map(|method| (method, host.clone(), path.clone())));
        }
    }
    requests
}

/// Says where a request goes and what is done with it there.
fn decision(config: &Config, method: &str, host: &str, path: &str) -> String {
    match config.routes.find(method, host, path) {
        Found::Route(found) => {
            let params: Vec<_> = found.params().collect();
            let path = &config.paths[found.index];
            format!(
                "{} {} {} {params:?} {:?} {}",
                found.rule,
                found.host,
                found.pattern,
                found.literal_prefix(),
                described(config, path)
            )
        }
        other => format!("{other:?}"),
    }
}

fn described(config: &Config, path: &Path) -> String {
    let answer = match &path.integration {
        Integration::HttpProxy { server, prefix, close_at_expiry, target } => {
            format!("{} {} {prefix:?} {close_at_expiry} {target:?}", server.addresses, server.timeout_ms)
        }
        Integration::ServiceBinding { binding, function } => format!("{binding} {function:?}"),
        Integration::Service(name) => name.clone(),
        Integration::Fixed(fixed) => format!("{} {:?} {:?}", fixed.status, fixed.headers, fixed.body),
        Integration::Redirect(redirect) => {
            let parts = redirect.location.iter().map(|part| match part {
                LocationPart::Text(text) => text.clone(),
                LocationPart::Parameter(name) => format!("{{{name}}}"),
                LocationPart::Rest => "{.+}".to_owned(),
            });
            format!("{} {}", redirect.status, parts.collect::<String>())
        }
        other => format!("{:?}", std::mem::discriminant(other)),
    };
    let access = path.access.as_ref().map(|access| {
        let Access { authorizer: _, several: _, requirements: of, dpop } = access;
        let names: Vec<_> = access.authorizers().iter().map(|authorizer| authorizer.name.as_str()).collect();
        let elsewhere = config.logs_in_elsewhere(access);
        format!(
            "{} {:?} {:?} {:?} {:?} {:?} {} {elsewhere} {dpop:?}",
            names.join(" "),
            of.scopes,
            of.any_scopes,
            of.permissions,
            of.claims,
            of.authentication,
            of.optional
        )
    });
    let Mapping { headers, query, remove } = &path.mapping;
    let sources = |list: &[(String, Source)]| {
        let text = |source: &Source| match source {
            Source::Text(text) => text.clone(),
            source => format!("{source:?}"),
        };
        list.iter().map(|(name, source)| format!("{name}={}", text(source))).collect::<Vec<_>>().join(" ")
    };
    let Rules { rate_limit, max_body_bytes, content_types, cache, networks } = &path.rules;
    let rate_limit = rate_limit
        .as_ref()
        .map(|limit| format!("{} {:?} {:?} {}", limit.binding, limit.max, limit.key, limit.period_secs));
    let cache = cache.as_ref().map(|cache| format!("{} {:?} {}", cache.ttl_secs, cache.vary, cache.per_user));
    let networks = networks.as_ref().map(|networks| networks.admit(Some("203.0.113.7")));
    let cors = path
        .cors
        .as_ref()
        .map(|cors| (&cors.origins, &cors.methods, &cors.headers, &cors.expose_headers, cors.max_age_secs));
    let pre_process = path.pre_process.as_ref().map(|rpc| format!("{} {}", rpc.binding, rpc.function));
    let (set, removed) = (&path.response_headers.set, &path.response_headers.remove);
    format!(
        "{answer} {access:?} {} {} {remove:?} {rate_limit:?} {max_body_bytes:?} {content_types:?} {cache:?} {networks:?} \
         {pre_process:?} {set:?} {removed:?} {cors:?}",
        sources(headers),
        sources(query)
    )
}

/// Says what a config means besides its paths.
fn whole(config: &Config) -> String {
    let mut asserted = config.asserted_headers.clone();
    asserted.sort();
    format!(
        "{:?} {:?} {:?} {} {} {} {} {:?} {:?} {} {}",
        config.login_path,
        config.problem_page,
        asserted,
        config.has_backchannel_logout(),
        config.keeps_id_tokens(),
        config.reads_id_tokens,
        config.gives_refresh_tokens(),
        config.analytics,
        config.otlp.as_ref().map(|otlp| otlp.0.expose()),
        config.login.is_some(),
        config.session.is_some(),
    )
}

#[test]
fn every_config_means_the_same_in_both_forms() {
    let (mut prepared_count, mut shared_count) = (0, 0);
    for (name, source) in sources() {
        let Some(text) = prepare(&source) else { continue };
        let prepared = Prepared::parse(&text).unwrap();
        let written = load(&source, &FixtureBindings).unwrap();
        let config =
            load_prepared(&prepared, &FixtureBindings).unwrap_or_else(|mistakes| panic!("{name}: {mistakes:?}"));
        assert_eq!(whole(&config), whole(&written), "{name}");
        assert_eq!(config.routes.len(), written.routes.len(), "{name}");
        for (method, host, path) in requests(&source) {
            let [expected, found] = [&written, &config].map(|config| decision(config, method, &host, &path));
            assert_eq!(found, expected, "{name}: {method} {host}{path}");
        }
        prepared_count += 1;
        shared_count += written.paths.len() - config.paths.len();
    }
    assert!(prepared_count > 60, "{prepared_count}: the fixtures can be prepared");
    assert!(shared_count > 100, "{shared_count}: routes share an entry");
}

#[test]
fn a_reference_without_a_value_is_missed_in_both_forms() {
    struct Nothing;
    impl Bindings for Nothing {
        fn look_up(&self, _: &Reference) -> Binding {
            Binding::Missing
        }
    }
    let entry = |path: &str| json!({ "method": "GET", "path": path, "response": "ok", "response_headers": { "set": { "x-a": "$env.A" } } });
    let source = json!({ "paths": [entry("/a"), entry("/b"), { "method": "GET", "path": "/c", "integration": { "type": "health" } }] });
    let source = source.to_string();
    assert_eq!(check(&source), []);
    let text = prepare(&source).unwrap();
    let prepared = Prepared::parse(&text).unwrap();
    let codes = |mistakes: Vec<Diagnostic>| mistakes.iter().map(|one| one.code).collect::<Vec<_>>();
    assert_eq!(codes(load_prepared(&prepared, &Nothing).unwrap_err()).len(), 1, "the entry that both share");
    assert_eq!(codes(load(&source, &Nothing).unwrap_err()).len(), 2, "what is reported is the text's");
}

#[test]
fn entries_are_shared_unless_another_part_of_the_config_depends_on_their_path() {
    let shared = |entries: [Value; 2]| {
        let mut paths = vec![json!({ "method": "GET", "path": "/problem", "response": "ok" })];
        paths.extend(entries);
        let servers = json!([{ "alias": "api", "url": "https://api.example" }]);
        let config = json!({ "servers": servers, "problem_page": "/problem", "paths": paths });
        let text = prepare(&config.to_string()).unwrap();
        load_prepared(&Prepared::parse(&text).unwrap(), &FixtureBindings).unwrap().paths.len() - 1
    };
    let entry = |method: &str, path: &str, rest: Value| {
        let mut entry = rest;
        (entry["method"], entry["path"]) = (method.into(), path.into());
        entry
    };
    let response = || json!({ "response": "ok" });
    let proxy = |more: Value| json!({ "integration": { "type": "http_proxy", "server": "api" }, "mapping": more });
    for (message, one, other, expected) in [
        ("the same answer", response(), response(), 1),
        (
            "under a host",
            json!({ "host": "a.example", "response": "ok" }),
            json!({ "host": "*.example", "response": "ok" }),
            1,
        ),
        ("another answer", response(), json!({ "response": "no" }), 2),
        ("the same upstream", proxy(json!({})), proxy(json!({})), 1),
        ("another mapping", proxy(json!({})), proxy(json!({ "headers": { "x-a": "b" } })), 2),
        (
            "the same reference",
            proxy(json!({ "headers": { "x-a": "$env.VARIABLE" } })),
            proxy(json!({ "headers": { "x-a": "$env.VARIABLE" } })),
            1,
        ),
        (
            "a path that others may name",
            json!({ "integration": { "type": "health" } }),
            json!({ "integration": { "type": "health" } }),
            2,
        ),
    ] {
        assert_eq!(shared([entry("GET", "/a", one), entry("ANY", "/B/{.+}", other)]), expected, "{message}");
    }
}

#[test]
fn what_needs_every_entry_is_not_prepared() {
    let path = |path: &str| json!({ "method": "GET", "path": path, "response": "ok" });
    let mistake = json!({ "paths": [{ "method": "GET", "path": "/a" }] });
    assert!(prepare(&mistake.to_string()).is_none(), "a mistake");
    let authorizer =
        json!({ "type": "jwt", "issuer": "https://a.example", "audience": "b", "secret": "$secret.CLIENT_SECRET" });
    for (message, config) in [
        ("no path", json!({ "paths": [] })),
        ("a path that is not known yet", json!({ "paths": [path("$env.PATH")] })),
        ("a problem page that is not known yet", json!({ "paths": [path("/a")], "problem_page": "$env.PAGE" })),
        (
            "metadata of paths",
            json!({ "paths": [path("/a")], "protected_resource": { "resource": "https://a.example" }, "authorizer": authorizer }),
        ),
    ] {
        let source = config.to_string();
        assert_eq!(check(&source), [], "{message}");
        assert!(prepare(&source).is_none(), "{message}");
    }
}

#[test]
fn another_form_is_not_read() {
    let text = prepare(r#"{ "paths": [{ "method": "GET", "path": "/é", "response": "ok" }] }"#).unwrap();
    assert!(Prepared::parse(&text).is_some());
    let (line, parts) = text.split_once('\n').unwrap();
    for (message, other) in [
        ("nothing", String::new()),
        ("a config's text", r#"{ "paths": [] }"#.to_owned()),
        ("another number", text.replacen("prepared 1", "prepared 2", 1)),
        ("another version", text.replacen(env!("CARGO_PKG_VERSION"), "99.0.0", 1)),
        ("cut off within the config", text[..line.len() + 20].to_owned()),
        ("no lengths", format!("{}\n{parts}", line.rsplit_once(' ').unwrap().0)),
    ] {
        assert!(Prepared::parse(&other).is_none(), "{message}");
    }
    for (message, other) in [
        ("routes of another config", text.replace("/%C3%A9 GET", "/%C3%A8 GET")),
        ("no routes", text.replace("/%C3%A9 GET 0\n", "")),
    ] {
        assert_ne!(other, text, "{message}");
        let read = Prepared::parse(&other).map(|prepared| load_prepared(&prepared, &FixtureBindings).is_ok());
        assert_ne!(read, Some(true), "{message}");
    }
}
