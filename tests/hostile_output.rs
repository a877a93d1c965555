//! Nothing that a file says acts on the terminal or the log that a command prints to: whatever stands in its texts and keys, in
//! its name, or in what a parser says of it.

#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used, clippy::indexing_slicing)]

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use serde_json::{Map, Value};

/// Texts that act: on a terminal, on who reads it, on the log of a CI system.
const HOSTILE: [&str; 5] = [
    "x\n::error file=a::forged\n##[error]forged\r\n::set-output name=a::b",
    "\u{1b}[2J\u{1b}]0;title\u{7}\u{9b}31m\u{7f}\u{8}",
    "a\u{202e}drowssap\u{2066}\u{200e}\u{61c}",
    "z\u{200b}\u{200d}\u{feff}\u{2060}\u{ad}\u{e0041}\u{2028}\u{2029}\u{85}",
    "::warning::##[command]",
];

/// What a raw character of a file could do.
fn acts(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{ad}' | '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
        || ('\u{e0000}'..='\u{e0fff}').contains(&c)
}

/// Stores what a command printed; `annotates` if a line may be an annotation of its own.
fn hold(output: &Output, annotates: bool, about: &str) {
    for (stream, bytes) in [("output", &output.stdout), ("errors", &output.stderr)] {
        let text = std::str::from_utf8(bytes).unwrap_or_else(|_| panic!("{about}: {stream} is no UTF-8"));
        for line in text.split('\n') {
            assert!(!line.contains(acts), "{about}: {stream}: {line:?}");
            assert!(!line.contains("##["), "{about}: {stream}: {line:?}");
            let names = ["::error file=", "::warning file="].iter().any(|begin| line.starts_with(begin));
            // A forged one has no place before its message.
            let own = annotates && names && line.split("::").nth(1).is_some_and(|head| head.contains(",line="));
            assert!(!line.trim_start().starts_with("::") || own, "{about}: {stream}: {line:?}");
        }
    }
    assert!(output.status.code().is_some_and(|status| status <= 2), "{about}: {:?}", output.status);
}

fn bargate(folder: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_bargate"))
        .args(arguments)
        .current_dir(folder)
        .stdin(Stdio::null())
        .output()
        .unwrap()
}

fn folder(name: &str) -> PathBuf {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir_all(&folder).unwrap();
    folder
}

/// Returns every document in which one text or one key is another.
fn variants(document: &Value, hostile: &str) -> Vec<Value> {
    let mut made = Vec::new();
    match document {
        Value::String(text) => {
            made.push(hostile.into());
            // Behind what it was, so that what reads its beginning goes on.
            made.push(format!("{text}{hostile}").into());
        }
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                for variant in variants(item, hostile) {
                    let mut items = items.clone();
                    items[index] = variant;
                    made.push(items.into());
                }
            }
        }
        Value::Object(members) => {
            for (key, value) in members {
                for variant in variants(value, hostile) {
                    let mut members = members.clone();
                    members.insert(key.clone(), variant);
                    made.push(members.into());
                }
                for name in [hostile.to_owned(), format!("{key}{hostile}"), format!("x-{hostile}")] {
                    let mut renamed: Map<String, Value> = members.clone();
                    renamed.remove(key);
                    renamed.insert(name, value.clone());
                    made.push(renamed.into());
                }
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
    made
}

/// Returns a document in which every text that `is_meant` names has a hostile one behind it.
fn all_hostile(document: &Value, hostile: &str) -> Value {
    match document {
        Value::String(text) => format!("{text}{hostile}").into(),
        Value::Array(items) => items.iter().map(|item| all_hostile(item, hostile)).collect(),
        Value::Object(members) => {
            Value::Object(members.iter().map(|(key, value)| (key.clone(), all_hostile(value, hostile))).collect())
        }
        other => other.clone(),
    }
}

fn config() -> Value {
    serde_json::json!({
        "servers": [{ "alias": "api", "url": "https://api.example", "allow": ["plain_http_upstream"] }],
        "serviceBindings": [{ "alias": "guard", "binding": "GUARD" }],
        "services": [{ "alias": "greeting", "entrypoint": "services/greeting" }],
        "authorizers": {
            "users": { "type": "auth0", "domain": "$env.DOMAIN", "client_id": "c", "client_secret": "$secret.S", "audience": "a" },
            "partners": { "type": "jwt", "issuer": "i", "audience": "a", "jwks_uri": "https://k.example/", "algorithms": ["RS256"] },
        },
        "cors": { "allow_origins": ["https://app.example"], "expose_headers": ["x-a"] },
        "headers": { "x-b": "c" },
        "ip": { "deny": ["192.0.2.0/24"] },
        "variables": { "region": "eu" },
        "paths": [
            {
                "method": "GET", "path": "/a/{id}", "x-note": "n",
                "auth": { "authorizer": "partners", "scopes": ["s"], "any_scopes": ["t"], "permissions": ["p"], "claims": { "org": "o" }, "acr_values": ["v"] },
                "integration": { "type": "http_proxy", "server": "api" },
                "mapping": { "headers": { "x-user": "$request.jwt.sub" }, "query": { "q": "$config.region" } },
                "request_headers": { "remove": ["cookie"] },
                "rate_limit": { "binding": "LIMIT", "key": "ip" },
                "content_types": ["application/json"],
            },
            { "method": "GET", "path": "/r", "integration": { "type": "redirect", "location": "https://b.example/" } },
            { "method": "POST", "path": "/s", "integration": { "type": "service_binding", "binding": "guard", "function": "f" } },
            { "method": "GET", "path": "/t", "integration": { "type": "static", "body": "$secret.T", "headers": { "x-c": "d" } } },
        ],
    })
}

fn description() -> Value {
    serde_json::json!({
        "openapi": "3.1.0",
        "info": { "title": "t" },
        "servers": [{ "url": "https://{host}.example/", "variables": { "host": { "default": "a" } } }],
        "security": [{ "login": ["s"] }],
        "components": { "securitySchemes": {
            "login": { "type": "openIdConnect", "openIdConnectUrl": "https://id.example/.well-known/openid-configuration" },
            "key": { "type": "apiKey" },
        } },
        "paths": {
            "/a/{id}": { "get": { "operationId": "o", "summary": "s", "callbacks": { "c": {} } }, "x-vendor": 1 },
            "/b-{id}": { "get": { "security": [{ "key": [] }] } },
            "/c": { "$ref": "other.yaml#/c" },
            "/d?e=f": { "post": { "tags": ["t"], "servers": [{ "url": "https://e.example" }] } },
        },
        "webhooks": { "w": {} },
    })
}

#[test]
fn what_stands_in_a_config_acts_on_nothing() {
    let folder = folder("hostile-config");
    std::fs::write(folder.join("plain.json"), config().to_string()).unwrap();
    for (at, hostile) in HOSTILE.iter().enumerate() {
        // Every place with the first text, which breaks lines; the others in all places at once, for the time it takes.
        let mut documents = vec![all_hostile(&config(), hostile)];
        if at == 0 {
            documents.extend(variants(&config(), hostile));
        }
        for document in documents {
            // As it is, and with every character that may be so in the file itself.
            std::fs::write(folder.join("hostile.json"), format!("{document:#}")).unwrap();
            let about = format!("{document}");
            let run = |arguments: &[&str]| bargate(&folder, arguments);
            hold(&run(&["check", "hostile.json"]), false, &about);
            hold(&run(&["check", "hostile.json", "--format", "github"]), true, &about);
            hold(&run(&["routes", "hostile.json"]), false, &about);
            hold(&run(&["diff", "plain.json", "hostile.json"]), false, &about);
            if at > 0 {
                let json = [
                    run(&["check", "hostile.json", "--format", "json"]),
                    run(&["routes", "hostile.json", "--format", "json"]),
                    run(&["routes", "hostile.json", "--format", "json", "--match", "GET /a/b"]),
                    run(&["diff", "plain.json", "hostile.json", "--format", "json"]),
                ];
                for output in json {
                    hold(&output, false, &about);
                    let text = String::from_utf8(output.stdout).unwrap();
                    assert!(text.is_empty() || serde_json::from_str::<Value>(&text).is_ok(), "{about}: {text}");
                }
                hold(&run(&["routes", "hostile.json", "--match", "GET /a/b"]), false, &about);
                hold(&run(&["diff", "hostile.json", "plain.json"]), false, &about);
                hold(&run(&["token", "explain", "e30.e30.e30", "--config", "hostile.json"]), false, &about);
                let token = format!("authorization: Bearer {}.e30.AA", "eyJhbGciOiJSUzI1NiJ9");
                for line in ["GET /a/b", "GET /r", "POST /s", "GET /t"] {
                    let explain = [
                        "request",
                        "explain",
                        line,
                        "--config",
                        "hostile.json",
                        "--from",
                        "198.51.100.1",
                        "--header",
                        &token,
                    ];
                    hold(&run(&explain), false, &about);
                }
            }
        }
    }
}

#[test]
fn what_stands_raw_in_a_file_acts_on_nothing() {
    let folder = folder("hostile-raw");
    for hostile in HOSTILE {
        let texts = [
            format!("{{ \"a{hostile}\": 1 }}"),
            hostile.to_owned(),
            format!("{{ \"paths\": [], // {hostile}\n }}"),
            format!("{{ \"paths\": [{hostile}"),
            format!("[vars]\nA = \"{hostile}\n{hostile} = 1"),
        ];
        for text in texts {
            for name in ["a.json", "b.toml", "c.jsonc", "d.vars", "e.yaml"] {
                std::fs::write(folder.join(name), &text).unwrap();
            }
            std::fs::write(folder.join("plain.json"), r#"{"paths": []}"#).unwrap();
            let run = |arguments: &[&str]| bargate(&folder, arguments);
            hold(&run(&["check", "a.json"]), false, &text);
            hold(&run(&["check", "a.json", "--format", "github"]), true, &text);
            hold(&run(&["check", "plain.json", "--wrangler", "b.toml"]), false, &text);
            hold(&run(&["check", "plain.json", "--wrangler", "c.jsonc"]), false, &text);
            hold(&run(&["check", "plain.json", "--values", "d.vars"]), false, &text);
            hold(&run(&["routes", "a.json"]), false, &text);
            hold(&run(&["diff", "plain.json", "a.json"]), false, &text);
            hold(&run(&["import", "openapi", "a.json"]), false, &text);
            hold(&run(&["import", "openapi", "e.yaml"]), false, &text);
            hold(&run(&["token", "explain", "--no-config", "e30.e30.e30", "--jwks", "a.json"]), false, &text);
            hold(&run(&["token", "explain", "--no-config", &text]), false, &text);
        }
    }
}

#[cfg(unix)]
#[test]
fn the_name_of_a_file_acts_on_nothing() {
    let folder = folder("hostile-names");
    for hostile in ["::error::a\n::error::b.json", "\u{1b}[2J.json", "a\u{202e}nosj.txt", "--::\n::error::x"] {
        let mistakes = r#"{"paths": [{"method": "GET"}], "authorizer": {"type": "x"}}"#;
        std::fs::write(folder.join(hostile), mistakes).unwrap();
        let run = |arguments: &[&str]| bargate(&folder, arguments);
        hold(&run(&["check", hostile]), false, hostile);
        hold(&run(&["check", hostile, "--format", "github"]), true, hostile);
        hold(&run(&["check", hostile, "--format", "json"]), false, hostile);
        hold(&run(&["check", hostile, "--wrangler", hostile]), false, hostile);
        hold(&run(&["routes", hostile]), false, hostile);
        hold(&run(&["diff", hostile, hostile]), false, hostile);
        hold(&run(&["import", "openapi", hostile]), false, hostile);
        hold(&run(&["import", "openapi", "nothing", "--output", hostile]), false, hostile);
        hold(&run(&["schema", "--output", &format!("nowhere/{hostile}")]), false, hostile);
        hold(&run(&["token", "explain", "a.b.c", "--config", hostile]), false, hostile);
        let flags = ["init", "--tenant", "t.example", "--audience", "a", "--upstream", "https://u.example"];
        let output = ["--mode", "session", "--force", "--output", hostile];
        hold(&run(&[flags.as_slice(), output.as_slice()].concat()), false, hostile);
    }
}

#[test]
fn what_stands_in_a_description_acts_on_nothing() {
    let folder = folder("hostile-description");
    let mut taken = BTreeSet::new();
    for (at, hostile) in HOSTILE.iter().enumerate() {
        let mut documents = vec![all_hostile(&description(), hostile)];
        if at < 2 {
            documents.extend(variants(&description(), hostile));
        }
        for document in documents {
            std::fs::write(folder.join("hostile.json"), document.to_string()).unwrap();
            let output = bargate(&folder, &["import", "openapi", "hostile.json"]);
            hold(&output, false, &document.to_string());
            taken.insert(output.status.code());
        }
    }
    assert!(taken.contains(&Some(0)), "some are imported: {taken:?}");
}
