//! A request's headers on their way to an upstream: what it believes is what the gateway says.

use bargate::address::Address;
use bargate::http::header::{HOP_BY_HOP_HEADERS, is_token, tokens};
use bargate::http::header_lines::HeaderLines;
use bargate::http::request::RequestHead;
use bargate::http::trace::Trace;
use bargate::proxy::{ClientHeaderNames, PassedOn, is_own_cookie};
use bargate::session::{McpSession, mcp_session_for_client};
use bargate::token::VerifiedClaims;
use serde_json::Map;

use super::example::{ORIGIN, with_config};
use super::text::{assert_value, fields, text};

const SESSION: &str = "__Host-bargate";
const ID: &str = "the-id-of-the-request";

struct Head<'h> {
    method: &'h str,
    url: &'h Address,
    sent: &'h HeaderLines,
}

impl RequestHead for Head<'_> {
    fn method(&self) -> &str {
        self.method
    }
    fn path(&self) -> &str {
        self.url.path()
    }
    fn query(&self) -> Option<&str> {
        self.url.query()
    }
    fn header(&self, name: &str) -> Option<&str> {
        self.sent.get(name)
    }
}

/// A method on the first line, a header on each further one.
pub fn check(bytes: &[u8]) {
    let Some(text) = text(bytes) else { return };
    let [method, lines] = fields(text);
    let sent = headers(lines);
    let printed: Vec<_> = sent.iter().flat_map(|(name, value)| [name.as_str(), value]).collect();
    let read = HeaderLines::new(printed.join("\n"));
    assert!(read.pairs().eq(sent.iter().map(|(name, value)| (&**name, &**value))), "what crosses is what was sent");
    let url = Address::parse(&[ORIGIN, "/a/b/c"].concat()).expect("an address");
    let trace = Trace::of(read.get("traceparent"), &[7; 24], true);
    let mut claims = Map::new();
    claims.insert("sub".to_owned(), "user".into());
    let claims = VerifiedClaims::assumed(claims);
    if let Some(header) = read.get("mcp-session-id") {
        assert_session(header);
    }
    let forwarded = with_config(|config| {
        let names = ClientHeaderNames::new(&config.asserted_headers);
        let request = Head { method, url: &url, sent: &read };
        let passed_on = PassedOn {
            request: &request,
            sent: &read,
            url: &url,
            id: ID,
            trace: &trace,
            path: &config.paths[0],
            prefix: "",
            names: &names,
            key_prefixes: &config.key_prefixes,
            session_cookie: Some(SESSION),
            session_token: Some("token-of-the-session"),
            claims: Some(&claims),
            mcp_session: None,
        };
        let pairs: Vec<_> = read.pairs().collect();
        passed_on.changes().carried_out(&pairs)
    });
    assert_asserted(&forwarded, &read, &trace);
    for (name, value) in &forwarded {
        assert_passes(name, value, method, &read);
    }
    assert_untouched(&forwarded, &sent, &read);
}

/// Whatever is read as a session of an MCP server is what the gateway would give out, and its name can be sent to the server.
fn assert_session(header: &str) {
    let Ok(session) = McpSession::parse(header) else { return };
    assert!(!session.name.is_empty() && session.name.bytes().all(|b| b.is_ascii_graphic()), "{header:?}");
    let code = &header[session.name.len() + 1..];
    assert_eq!(mcp_session_for_client(session.name, code), header);
    assert!(session.check(code).is_ok() && session.check("").is_err());
}

/// Reads headers as the runtime has them: one of each name, whose values it joins.
fn headers(lines: &str) -> Vec<(String, String)> {
    let mut headers: Vec<(String, String)> = Vec::new();
    for (name, value) in lines.split('\n').filter_map(header) {
        match headers.iter_mut().find(|(known, _)| *known == name) {
            Some((_, values)) => *values = [values, ", ", value].concat(),
            None => headers.push((name, value.to_owned())),
        }
    }
    headers
}

/// Reads a header as the runtime has it: its name in lower case, its value without spaces around it.
fn header(line: &str) -> Option<(String, &str)> {
    let (name, value) = line.split_once(':')?;
    let value = value.trim_matches([' ', '\t']);
    let is_sent = is_token(name) && !value.contains(['\r', '\n', '\0']);
    is_sent.then(|| (name.to_ascii_lowercase(), value))
}

/// What the gateway says of a request stands there once, whatever the client said.
fn assert_asserted(forwarded: &[(String, String)], sent: &HeaderLines, trace: &Trace) {
    let values = |name: &str| -> Vec<&str> {
        forwarded.iter().filter(|(own, _)| own == name).map(|(_, value)| value.as_str()).collect()
    };
    assert_eq!(values("x-forwarded-proto"), ["https"]);
    assert_eq!(values("x-forwarded-host"), ["gateway.example"]);
    assert_eq!(values("x-forwarded-for"), sent.get("cf-connecting-ip").into_iter().collect::<Vec<_>>());
    assert_eq!(values("x-request-id"), [ID]);
    assert_eq!(values("authorization"), ["Bearer token-of-the-session"]);
    assert_eq!(values("traceparent"), [&trace.traceparent]);
    assert_eq!(values("x-claim"), ["user"]);
    assert_eq!(values("x-fixed"), ["fixed"]);
    assert!(values("x-header").len() <= 1 && values("x-removed").is_empty());
    assert!(trace.continued || values("tracestate").is_empty());
    for value in values("x-header") {
        assert_value("x-header", value);
    }
}

/// Returns a name as those servers read it that tell no signs apart.
fn folded(name: &str) -> String {
    name.chars().map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' }).collect()
}

/// Asserts that a header may reach an upstream, however it reads names: many make an underscore of a hyphen, or of any sign.
fn assert_passes(name: &str, value: &str, method: &str, sent: &HeaderLines) {
    let folded = folded(name);
    let own =
        ["x-forwarded-for", "x-forwarded-host", "x-forwarded-proto", "x-request-id", "authorization", "traceparent"];
    assert!(
        !own.contains(&&*folded) || own.contains(&name) || folded == "authorization" || folded == "traceparent",
        "{name} is read as {folded}"
    );
    let is_stopped = folded.contains("forwarded") && !own.contains(&name) && !name.starts_with("cf-")
        || HOP_BY_HOP_HEADERS.contains(&name)
        || ["x-access-token", "x-refresh-token", "x-real-ip", "x-original-url", "x-http-method-override", "proxy"]
            .contains(&&*folded);
    assert!(!is_stopped, "{name}: {value}");
    assert!(name != "upgrade" || method == "GET");
    if name == "cookie" {
        for part in value.split([';', ',']) {
            let cookie = part.split('=').next().unwrap_or_default().trim();
            assert!(!is_own_cookie(cookie, Some(SESSION)), "{value}");
        }
    }
    let is_of_connection = tokens(sent.get("connection").unwrap_or_default()).any(|own| own.eq_ignore_ascii_case(name));
    let is_kept = name == "upgrade" || name.starts_with("content-") || name.starts_with("cf-");
    let is_set = ["x-claim", "x-fixed", "x-header", "x-id", "x-query", "cookie"].contains(&name) || own.contains(&name);
    assert!(!is_of_connection || is_kept || is_set, "{name} is of the connection alone");
}

/// Headers that no rule names stay as they are.
fn assert_untouched(forwarded: &[(String, String)], sent: &[(String, String)], read: &HeaderLines) {
    let connection = folded(read.get("connection").unwrap_or_default());
    for name in ["accept", "content-type", "range", "x-other"] {
        if connection.contains(name) {
            continue;
        }
        let before = sent.iter().filter(|(own, _)| own == name).map(|(_, value)| value.as_str());
        let after = forwarded.iter().filter(|(own, _)| own == name).map(|(_, value)| value.as_str());
        assert!(before.eq(after), "{name}");
    }
}
