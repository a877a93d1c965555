//! What becomes of a request's headers on its way to an upstream or a service.

use super::client_headers::{ClientHeaderNames, ClientHeaders};
use super::cookies::forwarded_cookies;
use crate::address::Address;
use crate::config::{Path, key_prefix};
use crate::http::header::{LAST_EVENT_ID, MCP_SESSION, tokens};
use crate::http::header_lines::{HeaderChanges, HeaderLines};
use crate::http::request::RequestHead;
use crate::http::trace::Trace;
use crate::mapping::mapped_headers;
use crate::route::Method;
use crate::token::VerifiedClaims;

/// A request that is passed on, with what the headers of the next one depend on.
pub struct PassedOn<'r, R> {
    /// The request.
    pub request: &'r R,
    /// All of its headers.
    pub sent: &'r HeaderLines,
    /// The address that the client called.
    pub url: &'r Address,
    /// Its id.
    pub id: &'r str,
    /// Its place in a trace.
    pub trace: &'r Trace,
    /// The path that took it.
    pub path: &'r Path,
    /// The beginning that its path loses.
    pub prefix: &'r str,
    /// What is known of the names of clients' headers.
    pub names: &'r ClientHeaderNames,
    /// What API keys begin with.
    pub key_prefixes: &'r [String],
    /// The name of the session's cookie, if there are sessions.
    pub session_cookie: Option<&'r str>,
    /// The access token of its session, if it has one.
    pub session_token: Option<&'r str>,
    /// The claims of its user, if it has one.
    pub claims: Option<&'r VerifiedClaims>,
    /// The session at an MCP server that it is in, by the server's name.
    pub mcp_session: Option<&'r str>,
}

impl<R: RequestHead> PassedOn<'_, R> {
    /// Returns the changes to its headers.
    pub fn changes(&self) -> HeaderChanges {
        let Self { request, sent, url, path, trace, .. } = *self;
        let removed = &path.mapping.remove;
        let mut also = Vec::new();
        // A cached answer for everyone must not depend on the requester.
        let anonymous = path.rules.cache.as_ref().is_some_and(|cache| !cache.per_user);
        let no_cookies = anonymous || removed.iter().any(|name| name == "cookie");
        if anonymous || sent.get("authorization").is_some_and(|value| holds_api_key(value, self.key_prefixes)) {
            also.push("authorization");
        }
        // It was for this gateway, and is used.
        if path.takes_proofs() {
            also.push("dpop");
        }
        let mut session_token = self.session_token;
        if let Some(mcp) = &path.mcp {
            also.push(MCP_SESSION);
            // An event is of a session, and without one nothing says whose it is.
            if self.mcp_session.is_none() {
                also.push(LAST_EVENT_ID);
            }
            if mcp.keeps_token {
                also.push("authorization");
                // One that was requested for the server is not the client's.
                session_token = session_token.filter(|_| path.integration.has_token_target());
            }
        }
        if !trace.continued {
            also.push("tracestate");
        }
        let mut cookies = None;
        if no_cookies {
            also.push("cookie");
        } else if let Some(whole) = sent.get("cookie") {
            match forwarded_cookies(whole, self.session_cookie) {
                Some(kept) if kept == whole => {}
                Some(kept) => cookies = Some(kept),
                None => also.push("cookie"),
            }
        }
        let is_get = request.method() == Method::Get.as_str();
        let mut changes = HeaderChanges::default();
        ClientHeaders { sent, is_get, names: self.names, mapping: &path.mapping }.drop(&also, &mut changes);
        // A header that the config removes is not sent, no matter who set it.
        let mut set = |name: &str, value: Option<&str>| {
            if let Some(value) = value.filter(|_| !removed.iter().any(|removed| removed == name)) {
                changes.set(name, value);
            }
        };
        set("x-request-id", Some(self.id));
        set("x-forwarded-proto", Some(url.scheme()));
        set("x-forwarded-host", Some(url.host_and_port()));
        set("x-forwarded-prefix", Some(self.prefix).filter(|prefix| !prefix.is_empty()));
        set("x-forwarded-for", sent.get("cf-connecting-ip"));
        set("traceparent", Some(&trace.traceparent));
        set("cookie", cookies.as_deref());
        set(MCP_SESSION, self.mcp_session);
        if let Some(token) = session_token {
            set("authorization", Some(&["Bearer ", token].concat()));
        }
        for (name, value) in mapped_headers(&path.mapping, request, self.claims) {
            if let Some(value) = value {
                changes.set(name, &value);
            }
        }
        changes
    }
}

/// Checks whether an API key with one of these prefixes is in a value of `Authorization`, under whatever scheme and on whatever path.
pub fn holds_api_key(value: &str, prefixes: &[String]) -> bool {
    let is_one = |word: &str| key_prefix(word).is_some_and(|prefix| prefixes.iter().any(|of| of == prefix));
    !prefixes.is_empty() && tokens(value).any(is_one)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{UnknownBindings, load};
    use crate::http::request::Head;

    #[test]
    fn an_upstream_gets_what_is_the_clients_and_none_of_the_gateways_own_cookies() {
        let whole = "a=1; b = 2";
        let mixed = "a=1; __Host-s=secret; b=2";
        let per_user = r#", "auth": true, "cache": { "ttl_seconds": 60, "per_user": true }"#;
        let anonymous = r#", "cache": { "ttl_seconds": 60 }"#;
        let removing = r#", "request_headers": { "remove": ["cookie"] }"#;
        let another = r#", "request_headers": { "remove": ["x-own"] }"#;
        let table = [
            ("", whole, Some(whole), true, "cookies of the client's, as they were written"),
            ("", mixed, Some("a=1; b=2"), true, "without the session's"),
            ("", "__Host-s=secret", None, true, "none, if there is no other"),
            (another, whole, Some(whole), true, "all, if the path removes something else"),
            (removing, whole, None, true, "none, if the path removes them"),
            (removing, mixed, None, true, "none of any kind"),
            (anonymous, whole, None, false, "no user's, where the answer is for all"),
            (anonymous, mixed, None, false, "nor the session's there"),
            (per_user, whole, Some(whole), true, "each user's, where the answer is for one"),
            (per_user, mixed, Some("a=1; b=2"), true, "without the session's there"),
        ];
        for (path, cookie, expected, authorized, message) in table {
            let sent = [("accept", "a"), ("authorization", "Bearer t"), ("cookie", cookie)];
            let changes = changes(path, &sent, true);
            // A text that is set has lost whatever bytes are no UTF-8.
            assert!(expected != Some(whole) || changes.value_set("cookie").is_none(), "{message}");
            let given = changes.carried_out(&sent);
            assert_eq!(value(&given, "cookie"), expected, "{message}");
            assert_eq!(value(&given, "authorization").is_some(), authorized, "{message}: its token");
            assert_eq!(value(&given, "accept"), Some("a"), "{message}");
        }
    }

    #[test]
    fn an_upstream_learns_from_the_gateway_whose_request_it_is() {
        let sent = [
            ("x-forwarded-for", "1.2.3.4"),
            ("cf-connecting-ip", "192.0.2.1"),
            ("tracestate", "s"),
            ("upgrade", "websocket"),
        ];
        let sent_on = |path: &str, continued| changes(path, &sent, continued).carried_out(&sent);
        let given = sent_on("", true);
        let table = [
            ("x-request-id", Some("id")),
            ("x-forwarded-proto", Some("https")),
            ("x-forwarded-host", Some("gw.example:8443")),
            ("x-forwarded-for", Some("192.0.2.1")),
            ("x-forwarded-prefix", None),
            ("traceparent", Some("00-a-b-01")),
            ("tracestate", Some("s")),
            ("upgrade", Some("websocket")),
        ];
        for (name, expected) in table {
            assert_eq!(value(&given, name), expected, "{name}");
        }
        assert_eq!(value(&sent_on("", false), "tracestate"), None, "the state of a trace that does not go on");
        let removing = r#", "request_headers": { "remove": ["x-request-id"] }"#;
        assert_eq!(value(&sent_on(removing, true), "x-request-id"), None, "what the path removes is not set");
    }

    #[test]
    fn an_mcp_server_gets_its_own_name_of_a_session_and_no_token_of_a_client() {
        let key = r#""session_key": "a key for sessions of thirty-two bytes""#;
        let kept = [r#", "auth": true, "mcp": {"#, key, "}"].concat();
        let forwarded = [r#", "auth": true, "mcp": { "forward_token": true, "#, key, "}"].concat();
        let plain = r#", "auth": true"#;
        let table = [
            (plain, None, [Some("of-client"), Some("e1"), Some("Bearer t"), Some("x")], "a path without it"),
            (&kept, None, [None, None, None, None], "no session"),
            (&kept, Some("s1"), [Some("s1"), Some("e1"), None, None], "a session"),
            (
                &forwarded,
                Some("s1"),
                [Some("s1"), Some("e1"), Some("Bearer t"), None],
                "the token, where the config says so",
            ),
        ];
        let names = ["mcp-session-id", "last-event-id", "authorization", "mcp_session_id"];
        let sent = [(names[0], "of-client"), (names[1], "e1"), (names[2], "Bearer t"), (names[3], "x")];
        for (path, session, expected, message) in table {
            let given = changes_in(path, &sent, true, session).carried_out(&sent);
            assert_eq!(names.map(|name| value(&given, name)), expected, "{message}");
        }
    }

    fn value<'h>(headers: &'h [(String, String)], name: &str) -> Option<&'h str> {
        headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// Returns the changes to the headers of a GET, whose path has members of `path` in the config.
    fn changes(path: &str, sent: &[(&str, &str)], continued: bool) -> HeaderChanges {
        changes_in(path, sent, continued, None)
    }

    /// Returns the same for a request that is in a session of an MCP server.
    fn changes_in(path: &str, sent: &[(&str, &str)], continued: bool, mcp_session: Option<&str>) -> HeaderChanges {
        let text = [
            r#"{
                "servers": [{ "alias": "api", "url": "https://api.example" }],
                "authorizer": { "type": "jwt", "issuer": "i", "audience": "a", "jwks_uri": "https://i.example/jwks" },
                "paths": [{ "method": "GET", "path": "/", "integration": { "type": "http", "server": "api" }"#,
            path,
            "}] }",
        ];
        let config = load(&text.concat(), &UnknownBindings).unwrap_or_else(|mistakes| panic!("{mistakes:?}"));
        let lines = sent.iter().flat_map(|(name, value)| [*name, *value]).collect::<Vec<_>>().join("\n");
        let request = PassedOn {
            request: &Head("GET", sent.to_vec()),
            sent: &HeaderLines::new(lines),
            url: &Address::parse("https://gw.example:8443/").unwrap(),
            id: "id",
            trace: &Trace { traceparent: "00-a-b-01".into(), continued },
            path: &config.paths[0],
            prefix: "",
            names: &ClientHeaderNames::new(&[]),
            key_prefixes: &config.key_prefixes,
            session_cookie: Some("__Host-s"),
            session_token: None,
            claims: None,
            mcp_session,
        };
        request.changes()
    }
}
