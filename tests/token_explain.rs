//! What `bargate token explain` does with its surroundings: standard input, terminals, and the address of a key set.

#![allow(clippy::expect_used, clippy::indexing_slicing, clippy::panic, clippy::unwrap_used)]

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{TcpListener, TcpStream};
use std::process::{Command, Output, Stdio};
use std::sync::mpsc;
use std::thread;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

const ISSUER: &str = "https://tenant.example/";

/// Runs the command away from any config, with `input` on standard input.
fn explain(input: &str, arguments: &[&str], variables: &[(&str, &str)]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_bargate"));
    command.args(["token", "explain", "--no-config", "--at", "1700000060"]).args(arguments);
    command.envs(variables.iter().copied());
    for proxy in ["http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"] {
        command.env_remove(proxy);
    }
    let mut child =
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("it starts");
    child.stdin.take().unwrap().write_all(input.as_bytes()).expect("it reads");
    child.wait_with_output().unwrap()
}

fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

/// Returns a token by npm `jose`, and the key set that it is by.
fn fixture() -> (String, Value) {
    let path = format!("{}/tests/fixtures/tokens/jose.json", env!("CARGO_MANIFEST_DIR"));
    let fixture: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    let signed = fixture["tokens"].as_array().unwrap().iter().find(|signed| signed["alg"] == "RS256").unwrap();
    (signed["token"].as_str().unwrap().to_owned(), fixture["jwks"].clone())
}

/// Returns a token that nobody signed, of a header and claims.
fn unsigned(header: &Value, claims: &Value) -> String {
    let encode = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    format!("{}.{}.AAAA", encode(header), encode(claims))
}

/// An HTTP server on this machine that tells each request it gets.
struct Server {
    origin: String,
    requests: mpsc::Receiver<String>,
}

impl Server {
    /// Serves what `answer` gives for a path: a status, headers and a body. Ends with the test.
    fn start(answer: impl Fn(&str, &str) -> (u16, String, String) + Send + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let origin = format!("http://{}", listener.local_addr().unwrap());
        let (sender, requests) = mpsc::channel();
        let own_origin = origin.clone();
        thread::spawn(move || {
            for stream in listener.incoming() {
                let mut stream = stream.unwrap();
                let request = read_head(&stream);
                let path = request.split(' ').nth(1).unwrap_or_default().to_owned();
                let _ = sender.send(request);
                let (status, headers, body) = answer(&own_origin, &path);
                let length = body.len();
                let head =
                    format!("HTTP/1.1 {status} Told\r\n{headers}content-length: {length}\r\nconnection: close\r\n\r\n");
                let _ = stream.write_all(format!("{head}{body}").as_bytes());
            }
        });
        Self { origin, requests }
    }

    /// Returns the requests so far.
    fn requests(&self) -> Vec<String> {
        self.requests.try_iter().collect()
    }
}

fn read_head(stream: &TcpStream) -> String {
    let lines = BufReader::new(stream).lines().map(Result::unwrap);
    lines.take_while(|line| !line.is_empty()).collect::<Vec<_>>().join("\n")
}

#[test]
fn the_token_is_read_from_standard_input_with_or_without_its_scheme() {
    let (token, _) = fixture();
    for input in [format!("{token}\n"), format!("  Bearer {token}\r\n\n"), format!("bearer\t{token}")] {
        let output = explain(&input, &["-", "--format", "json"], &[]);
        let report: Value = serde_json::from_str(&stdout(&output)).unwrap();
        assert_eq!(report["claims"]["iss"], ISSUER, "{input:?}");
        assert_eq!(report["verdict"], "undecided", "{input:?}");
        assert_eq!(output.status.code(), Some(2), "{input:?}");
    }
    for (input, expected) in [(" \n", "there is no token"), (&"x".repeat(1024 * 1024 + 1), "larger than 1 MiB")] {
        let output = explain(input, &["-"], &[]);
        assert_eq!(output.status.code(), Some(2), "{expected}");
        assert!(stderr(&output).contains(expected), "{}", stderr(&output));
    }
}

#[test]
fn the_address_of_the_key_set_is_asked_for_it_and_told_nothing_of_the_token() {
    let (token, keys) = fixture();
    let server = Server::start(move |origin, path| {
        let body = match path {
            "/keys" => keys.to_string(),
            _ => json!({
                "issuer": ISSUER,
                "authorization_endpoint": format!("{origin}/authorize"),
                "token_endpoint": format!("{origin}/token"),
                "jwks_uri": format!("{origin}/keys"),
            })
            .to_string(),
        };
        (200, String::new(), body)
    });
    let flags = ["-", "--issuer", ISSUER, "--audience", "https://api.example", "--jwks"];
    for (path, paths) in [("/keys", vec!["/keys"]), ("/discovery", vec!["/discovery", "/keys"])] {
        let address = format!("{}{path}", server.origin);
        let output = explain(&token, &[&flags[..], &[&address]].concat(), &[]);
        assert_eq!(output.status.code(), Some(0), "{}{}", stdout(&output), stderr(&output));
        let requests = server.requests();
        let asked: Vec<_> = requests.iter().map(|request| request.split(' ').nth(1).unwrap()).collect();
        assert_eq!(asked, paths);
        for request in requests {
            assert!(request.starts_with("GET "), "{request}");
            for part in token.split('.') {
                assert!(!request.contains(part), "{request}");
            }
            assert!(!request.to_lowercase().contains("authorization"), "{request}");
        }
    }
    let other = ["-", "--issuer", "https://evil.example/", "--jwks", &format!("{}/discovery", server.origin)];
    let output = explain(&token, &other, &[]);
    assert_eq!(output.status.code(), Some(2));
    let expected = format!("another issuer's: \"{ISSUER}\", expected \"https://evil.example/\"");
    assert!(stderr(&output).contains(&expected), "both issuers: {}", stderr(&output));
}

#[test]
fn an_address_that_gives_no_key_set_is_named_with_the_reason() {
    let (token, keys) = fixture();
    let server = Server::start(move |_, path| {
        let to = |status, headers: &str, body: String| (status, headers.to_owned(), body);
        match path {
            "/moved" => to(302, "location: /keys\r\n", String::new()),
            "/large" => to(200, "", format!("{{\"x\":\"{}\"}}", "x".repeat(64 * 1024))),
            "/page" => to(200, "", "<html>".to_owned()),
            "/empty" => to(200, "", "{\"keys\":[]}".to_owned()),
            "/padded" => to(200, "", r#"{"keys":[{"kty":"RSA","kid":"k1","n":"AAAA==","e":"AQAB"}]}"#.to_owned()),
            "/curve" => to(200, "", r#"{"keys":[{"kty":"EC","crv":"secp256k1"},{"kty":"oct","kid":"k2"}]}"#.to_owned()),
            "/keys" => to(200, "", keys.to_string()),
            _ => to(404, "", String::new()),
        }
    });
    let table = [
        ("/moved", "answered with status 302"),
        ("/missing", "answered with status 404"),
        ("/large", "larger than 65536 bytes"),
        ("/page", "the document is not a JWKS; it is a page, and a key set is JSON (RFC 7517): {\"keys\": [...]}"),
        ("/empty", "the key set has no usable key"),
        ("/padded", "the key set has no usable key: k1: its n is missing or malformed"),
        ("/curve", "the key set has no usable key: no kid: its crv is not supported; k2: its kty is not supported"),
    ];
    for (path, expected) in table {
        let address = format!("{}{path}", server.origin);
        let output = explain(&token, &["-", "--jwks", &address], &[]);
        assert_eq!((output.status.code(), stdout(&output)), (Some(2), String::new()), "{path}");
        assert_eq!(stderr(&output), format!("error: {address}: {expected}\n"));
        assert_eq!(server.requests().len(), 1, "{path}: a redirect is not followed");
    }
}

#[test]
fn nothing_that_a_token_says_reaches_the_terminal_but_what_prints() {
    let token = unsigned(
        &json!({ "alg": "\u{1b}[2J", "kid": "\u{9b}1A", "\u{7}": 1 }),
        &json!({ "iss": "a\r\u{1b}]0;x\u{7}", "aud": ["\u{202e}b", "\n\nAccepted"], "exp": "\u{8}", "\u{1b}c": "\u{7f}" }),
    );
    for format in ["text", "json"] {
        let output = explain(&token, &["-", "--format", format, "--issuer", "x", "--audience", "y"], &[]);
        assert_eq!(output.status.code(), Some(1));
        let printed = stdout(&output);
        let unprintable = |c: char| c != '\n' && (c.is_control() || c == '\u{202e}');
        assert!(!printed.contains(unprintable), "{format}: {printed:?}");
        assert!(!printed.lines().any(|line| line.starts_with("Accepted")), "{format}: {printed}");
        assert!(printed.contains("\\u009b1A") && printed.contains("\\u202eb"), "{format}: {printed}");
    }
    let coloured = stdout(&explain(&token, &["-"], &[("CLICOLOR_FORCE", "1")]));
    assert!(coloured.contains("\u{1b}["), "it is coloured where that is asked for");
    for sequence in coloured.split('\u{1b}').skip(1) {
        let end = sequence.find(|c: char| !matches!(c, '[' | ';' | '0'..='9'));
        assert_eq!(end.and_then(|end| sequence.chars().nth(end)), Some('m'), "a colour and no more: {sequence:?}");
    }
    let plain = stdout(&explain(&token, &["-"], &[("CLICOLOR_FORCE", "1"), ("NO_COLOR", "1")]));
    assert!(!plain.contains('\u{1b}'), "NO_COLOR is respected");
}

#[test]
fn a_file_that_is_no_key_set_is_told_for_what_it_is_and_nothing_is_fetched() {
    let (token, keys) = fixture();
    let server = Server::start(move |_, _| (200, String::new(), keys.to_string()));
    let key = fixture().1["keys"][0].clone();
    let mut secret = key.clone();
    secret["d"] = "AAAA".into();
    let discovery = json!({ "issuer": ISSUER, "jwks_uri": format!("{}/keys", server.origin) });
    let table = [
        (discovery.to_string(), format!("to fetch the key set that it names, give --jwks {}/keys", server.origin)),
        (key.to_string(), "it is one key (JWK): put it into a set, {\"keys\": [...]}".to_owned()),
        (secret.to_string(), "it is one key, and a secret one".to_owned()),
        (json!([key]).to_string(), "it is a list of keys: put it into a set".to_owned()),
        (json!({ "keys": key }).to_string(), "\"keys\" must be a list".to_owned()),
        (json!({ "a": "-----BEGIN CERTIFICATE-----" }).to_string(), "it holds certificates or keys in PEM".to_owned()),
        ("-----BEGIN PUBLIC KEY-----\n".to_owned(), "it is PEM".to_owned()),
    ];
    let folder = std::env::temp_dir().join(format!("bargate-jwks-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let file = folder.join("keys.json");
    for (document, expected) in table {
        std::fs::write(&file, &document).unwrap();
        let output = explain(&token, &["-", "--issuer", ISSUER, "--jwks", file.to_str().unwrap()], &[]);
        assert_eq!((output.status.code(), stdout(&output)), (Some(2), String::new()), "{expected}");
        assert!(stderr(&output).contains(&expected), "{expected}: {}", stderr(&output));
    }
    std::fs::remove_dir_all(&folder).unwrap();
    assert!(server.requests().is_empty(), "no file leads to a call");
}

#[test]
fn neither_the_token_nor_its_signature_is_told_again() {
    let (token, _) = fixture();
    for format in ["text", "json"] {
        let printed = stdout(&explain(&token, &["-", "--format", format], &[]));
        for part in token.split('.') {
            assert!(!printed.contains(part), "{format}: {printed}");
        }
    }
}
