//! Sessions of MCP's transport (Streamable HTTP): whose they are, so that nobody goes on with another's.
//!
//! The server names a session by a text of its own. A client knows it by that text with a code behind it (HMAC), which the gateway
//! makes of the text, the user and the resource. So every isolate can tell whose a session is, and nothing is stored. WebCrypto
//! computes the code; here is decided of what, and which requests pass.

use crate::config::{Cors, Path};
use crate::cors::admits;
use crate::http::request::RequestHead;
use crate::problem::Problem;
use crate::token::VerifiedClaims;

/// Names the purpose of the key that codes are made with.
pub const MCP_SESSION_PURPOSE: &str = "bargate mcp session v1";

/// The longest name of a server's, in bytes: a JWT has room, and a header with the code passes every proxy.
const NAME_MAX_BYTES: usize = 4096;

/// Length of a code: 32 bytes as base64url.
const CODE_CHARS: usize = 43;

/// What is between name and code; both may hold it.
const BETWEEN: char = '.';

/// A session as a client names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct McpSession<'s> {
    /// The server's name for it.
    pub name: &'s str,
    code: &'s str,
}

impl<'s> McpSession<'s> {
    /// Parses the header of a client.
    ///
    /// # Errors
    /// [`Problem::McpSessionNotFound`] if the gateway gave out no such text.
    pub fn parse(header: &'s str) -> Result<Self, Problem> {
        let parts = || {
            let (name, code) = header.split_at_checked(header.len().checked_sub(CODE_CHARS + 1)?)?;
            Some(Self { name, code: code.strip_prefix(BETWEEN)? })
        };
        parts().filter(|session| is_name(session.name)).ok_or(Problem::McpSessionNotFound("malformed"))
    }

    /// Checks that its code is `expected`, in a time that does not depend on where they differ.
    ///
    /// # Errors
    /// [`Problem::McpSessionNotFound`] if it is another.
    pub fn check(self, expected: &str) -> Result<(), Problem> {
        let pairs = self.code.bytes().zip(expected.bytes());
        let differing = pairs.fold(0, |differing, (one, other)| std::hint::black_box(differing | (one ^ other)));
        if differing == 0 && self.code.len() == expected.len() {
            Ok(())
        } else {
            Err(Problem::McpSessionNotFound("not of this user and resource"))
        }
    }
}

/// Returns a session's name for its client.
pub fn mcp_session_for_client(name: &str, code: &str) -> String {
    [name, code].join(".")
}

/// Returns what the code of a session is made of: the server's name for it, the user and the resource, none of which can
/// be taken for a part of another.
///
/// # Errors
/// Those of [`mcp_caller`].
pub fn mcp_session_binding(name: &str, claims: &VerifiedClaims, resource: &str) -> Result<String, Problem> {
    let [claim, who] = mcp_caller(claims)?;
    let parts = [name, claim, who, claims.text("iss").unwrap_or_default(), resource];
    Ok(parts.map(|part| [&part.len().to_string(), ":", part].concat()).concat())
}

/// Returns the claim that says who calls, and what it says. Without a user, a token is the client's own (RFC 9068 section 5).
///
/// # Errors
/// [`Problem::InsufficientScope`] if neither `sub` nor `client_id` says it: such callers cannot be told apart.
pub fn mcp_caller(claims: &VerifiedClaims) -> Result<[&str; 2], Problem> {
    let said = |claim| Some([claim, claims.text(claim).filter(|text| !text.is_empty())?]);
    ["sub", "client_id"].into_iter().find_map(said).ok_or_else(|| {
        let reason = "the token has neither sub nor client_id".to_owned();
        Problem::InsufficientScope(Box::new([reason, String::new()]))
    })
}

/// Checks what a server names a session by (2025-11-25, Session Management: visible ASCII).
///
/// # Errors
/// [`Problem::UpstreamUnreachable`] if no client could send that back.
pub fn check_mcp_session_name(name: &str) -> Result<(), Problem> {
    if is_name(name) {
        Ok(())
    } else {
        Err(Problem::UpstreamUnreachable("its Mcp-Session-Id cannot be passed on".to_owned()))
    }
}

fn is_name(text: &str) -> bool {
    (1..=NAME_MAX_BYTES).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_graphic())
}

/// Checks that a request does not come from a page that may not call the path (2025-11-25, Security Warning: DNS rebinding). `called` is the
/// origin that its client called.
///
/// # Errors
/// [`Problem::OriginDenied`] if its `Origin` is neither the resource's own nor in the path's `cors`.
pub fn check_mcp_origin(
    request: &impl RequestHead,
    path: &Path,
    called: &str,
    cors: Option<&Cors>,
) -> Result<(), Problem> {
    let is_own = |origin: &str| match &path.protected_resource {
        Some(resource) => resource.origin(called) == origin,
        None => called == origin,
    };
    let may = |origin: &str| is_own(origin) || cors.is_some_and(|cors| admits(cors, origin));
    if request.header("origin").is_none_or(may) { Ok(()) } else { Err(Problem::OriginDenied) }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::config::{UnknownBindings, load};
    use crate::http::request::Head;

    const CODE: &str = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

    fn claims(claims: Value) -> VerifiedClaims {
        let Value::Object(claims) = claims else { panic!("an object") };
        VerifiedClaims::assumed(claims)
    }

    #[test]
    fn only_what_the_gateway_could_have_given_out_is_read() {
        let longest = "a".repeat(NAME_MAX_BYTES);
        let table = [
            ("a name and a code", format!("s1.{CODE}"), Some("s1")),
            ("a name with the sign between", format!("a.b.{CODE}"), Some("a.b")),
            (
                "a JWT",
                format!("{CODE}.{CODE}.{CODE}.{CODE}"),
                Some(
                    "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA.AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA.AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
                ),
            ),
            ("every visible sign", format!("!~,;\"'\\{{}}.{CODE}"), Some("!~,;\"'\\{}")),
            ("the longest name", format!("{longest}.{CODE}"), Some(longest.as_str())),
            ("nothing", String::new(), None),
            ("the server's own name", "s1".to_owned(), None),
            ("a UUID of the server's", "1868a90c-4a6f-4b3e-9d2a-6a1c0f9a7e55-1868a90c-4a6f".to_owned(), None),
            ("no name", format!(".{CODE}"), None),
            ("a code alone", CODE.to_owned(), None),
            ("half a code", format!("s1.{}", &CODE[1..]), None),
            ("a code that is too long", format!("s1.{CODE}A"), None),
            ("another sign between", format!("s1-{CODE}"), None),
            ("twice, as headers are joined", format!("s1.{CODE}, s1.{CODE}"), None),
            ("a space", format!("s 1.{CODE}"), None),
            ("a tab", format!("s\t1.{CODE}"), None),
            ("a control character", format!("s\u{1}.{CODE}"), None),
            ("DEL", format!("s\u{7f}.{CODE}"), None),
            ("beyond ASCII", format!("s\u{e9}.{CODE}"), None),
            ("beyond ASCII, where the code begins", format!("s1\u{20ac}{CODE}"), None),
            ("beyond ASCII in the code", format!("s1.\u{e9}{}", &CODE[2..]), Some("s1")),
            ("one byte too long", format!("a{longest}.{CODE}"), None),
        ];
        for (message, header, expected) in table {
            let read = McpSession::parse(&header);
            assert_eq!(read.as_ref().ok().map(|session| session.name), expected, "{message}");
            if let Ok(session) = read {
                let given = mcp_session_for_client(session.name, session.code);
                assert_eq!(given, header, "{message}: it is what the gateway would give out");
            }
        }
    }

    #[test]
    fn a_code_is_equal_only_whole() {
        let given = mcp_session_for_client("s1", CODE);
        let session = McpSession::parse(&given).unwrap();
        assert!(session.check(CODE).is_ok());
        for place in 0..CODE_CHARS {
            for sign in ["B", "a", "="] {
                let mut other = CODE.to_owned();
                other.replace_range(place..=place, sign);
                assert!(session.check(&other).is_err(), "{other}");
            }
        }
        for other in ["", "A", &CODE[1..], &format!("{CODE}A"), &CODE.to_lowercase()] {
            assert!(session.check(other).is_err(), "{other}");
        }
    }

    #[test]
    fn what_a_code_is_made_of_differs_by_each_part_and_no_part_reaches_into_another() {
        let of =
            |name: &str, members: Value, resource: &str| mcp_session_binding(name, &claims(members), resource).unwrap();
        let alice = json!({ "sub": "alice", "iss": "i" });
        let base = of("s1", alice.clone(), "https://a.example/mcp");
        assert_eq!(
            base,
            of("s1", json!({ "iss": "i", "sub": "alice", "client_id": "c", "exp": 1 }), "https://a.example/mcp")
        );
        let others = [
            ("another session", of("s2", alice.clone(), "https://a.example/mcp")),
            ("another user", of("s1", json!({ "sub": "bob", "iss": "i" }), "https://a.example/mcp")),
            ("letter case", of("s1", json!({ "sub": "Alice", "iss": "i" }), "https://a.example/mcp")),
            ("another issuer", of("s1", json!({ "sub": "alice", "iss": "j" }), "https://a.example/mcp")),
            ("no issuer", of("s1", json!({ "sub": "alice" }), "https://a.example/mcp")),
            ("another resource", of("s1", alice.clone(), "https://b.example/mcp")),
            ("a client of that name", of("s1", json!({ "client_id": "alice", "iss": "i" }), "https://a.example/mcp")),
            (
                "an end that is another's beginning",
                of("s1", json!({ "sub": "alic", "iss": "ei" }), "https://a.example/mcp"),
            ),
            ("a length in a text", of("s1", json!({ "sub": "alice1:i", "iss": "" }), "https://a.example/mcp")),
            (
                "a client, beside no user",
                of("s1", json!({ "sub": "", "client_id": "c", "iss": "i" }), "https://a.example/mcp"),
            ),
        ];
        for (message, other) in others {
            assert_ne!(base, other, "{message}");
        }
    }

    #[test]
    fn a_session_of_nobody_is_refused() {
        for (message, members) in [
            ("no claim", json!({})),
            ("a number", json!({ "sub": 7 })),
            ("no text", json!({ "sub": "", "client_id": "" })),
            ("an application in another claim", json!({ "azp": "c", "iss": "i" })),
        ] {
            let refused = mcp_session_binding("s1", &claims(members), "r");
            assert_eq!(refused.map_err(|problem| problem.code()), Err("insufficient_scope"), "{message}");
        }
    }

    #[test]
    fn a_server_names_a_session_by_visible_ascii() {
        for (name, is_taken) in
            [("s1", true), ("a.b", true), ("", false), ("s1, s2", false), ("\u{e9}", false), ("a b", false)]
        {
            let checked = check_mcp_session_name(name).map_err(|problem| problem.code());
            assert_eq!(checked, if is_taken { Ok(()) } else { Err("upstream_unreachable") }, "{name:?}");
        }
    }

    #[test]
    fn a_page_calls_only_from_an_origin_that_may_read() {
        let text = |cors: &str| {
            let own = r#""authorizer": { "type": "jwt", "issuer": "i", "audience": "a", "jwks_uri": "https://i.example/jwks" },
                "paths": [
                    { "method": "GET", "path": "/called", "auth": true, "response": 1 },
                    { "method": "GET", "path": "/named", "auth": true, "protected_resource": { "resource": "https://mcp.example/named" }, "response": 1 }
                ]"#;
            load(&["{", cors, own, "}"].concat(), &UnknownBindings).unwrap_or_else(|mistakes| panic!("{mistakes:?}"))
        };
        let listed = r#""cors": { "allow_origins": ["https://inspector.example", "https://*.pages.example"] },"#;
        let configs = [text(""), text(listed), text(r#""cors": { "allow_origins": ["*"] },"#)];
        let called = "https://gw.example";
        let table = [
            ("a program", None, [true; 3], [true; 3]),
            ("the page that was called", Some(called), [true; 3], [false, false, true]),
            ("a page of the resource", Some("https://mcp.example"), [false, false, true], [true; 3]),
            ("a listed page", Some("https://inspector.example"), [false, true, true], [false, true, true]),
            ("a page that a star lets in", Some("https://a.pages.example"), [false, true, true], [false, true, true]),
            ("another page", Some("https://evil.example"), [false, false, true], [false, false, true]),
            ("no origin", Some("null"), [false, false, true], [false, false, true]),
            ("an empty one", Some(""), [false, false, true], [false, false, true]),
            ("another scheme", Some("http://gw.example"), [false, false, true], [false, false, true]),
            ("two", Some("https://gw.example, https://evil.example"), [false, false, true], [false, false, true]),
        ];
        for (message, origin, at_called, at_named) in table {
            let request = Head("POST", origin.map(|origin| ("origin", origin)).into_iter().collect());
            for (path, expected) in [(0, at_called), (1, at_named)] {
                let passes = configs.each_ref().map(|config| {
                    check_mcp_origin(&request, &config.paths[path], called, config.cors.as_ref()).is_ok()
                });
                assert_eq!(passes, expected, "{message}, {path}");
            }
        }
    }
}
