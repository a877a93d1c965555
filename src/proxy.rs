//! Forwarding rules (RFC 9110 section 7.6): the upstream's address, and which headers do not pass.

use crate::config::Server;
use crate::oauth::BINDING_COOKIE;

/// Headers that concern one connection (RFC 9110 section 7.6.1) or the gateway alone, and never reach an upstream.
///
/// `Upgrade` is not among them: a WebSocket handshake is passed on, and the runtime sends the header only then.
pub const DROPPED_REQUEST_HEADERS: [&str; 12] = [
    "connection",
    "keep-alive",
    "proxy-authenticate",
    "proxy-authorization",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "x-access-token",
    "x-refresh-token",
    "x-forwarded-for",
    "forwarded",
];

/// Headers of an upstream's answer that concern its connection alone, or that only the gateway's CORS rule may set.
pub const DROPPED_RESPONSE_HEADERS: [&str; 6] =
    ["connection", "keep-alive", "proxy-authenticate", "proxy-connection", "trailer", "upgrade"];

/// Headers by which an upstream would speak for the gateway's CORS rule.
pub const CORS_RESPONSE_HEADERS: [&str; 6] = [
    "access-control-allow-origin",
    "access-control-allow-credentials",
    "access-control-allow-methods",
    "access-control-allow-headers",
    "access-control-expose-headers",
    "access-control-max-age",
];

/// Gives the address of a request at the upstream: its base path, the forwarded path as it was matched, the query.
pub fn upstream_url(server: &Server, forwarded_path: &str, query: Option<&str>) -> String {
    let Server { origin, base_path, .. } = server;
    match query {
        Some(query) => format!("{origin}{base_path}{forwarded_path}?{query}"),
        None => format!("{origin}{base_path}{forwarded_path}"),
    }
}

/// Gives the headers that `Connection` names, lower-case: they are the connection's own too.
pub fn connection_options(header: Option<&str>) -> Vec<String> {
    let names = header.unwrap_or_default().split(',').map(|name| name.trim().to_ascii_lowercase());
    names.filter(|name| !name.is_empty() && name != "upgrade" && crate::config::is_token(name)).collect()
}

/// Gives the `Cookie` header without the gateway's own cookies; `None` where nothing is left.
pub fn forwarded_cookies(header: &str) -> Option<String> {
    let own = |pair: &str| {
        let name = pair.split('=').next().unwrap_or_default().trim();
        name == BINDING_COOKIE || name == BINDING_COOKIE.trim_start_matches("__Host-")
    };
    let kept: Vec<_> = header.split(';').map(str::trim).filter(|pair| !pair.is_empty() && !own(pair)).collect();
    (!kept.is_empty()).then(|| kept.join("; "))
}

/// Tells whether a client's header is one that only the gateway may send, in whatever spelling an upstream may fold
/// (`X_User_Id` and `X-User-Id` are one variable to CGI and its heirs).
pub fn is_asserted(name: &str, asserted: &[String]) -> bool {
    let folded = |c: u8| if c == b'_' { b'-' } else { c.to_ascii_lowercase() };
    asserted.iter().any(|own| own.len() == name.len() && own.bytes().map(folded).eq(name.bytes().map(folded)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_joined_without_a_second_reading() {
        let server = |base_path: &str| Server {
            alias: "api".into(),
            origin: "https://api.example".into(),
            base_path: base_path.into(),
            timeout_ms: 1,
        };
        let table = [
            ("", "/a", None, "https://api.example/a"),
            ("/v1", "/", None, "https://api.example/v1/"),
            ("/v1", "/a%2Fb/", Some("x=%20&y"), "https://api.example/v1/a%2Fb/?x=%20&y"),
            ("", "//evil.example/a", None, "https://api.example//evil.example/a"),
            ("", "/@evil.example", Some(""), "https://api.example/@evil.example?"),
        ];
        for (base, path, query, expected) in table {
            assert_eq!(upstream_url(&server(base), path, query), expected);
        }
    }

    #[test]
    fn the_gateways_own_cookies_stay_here() {
        assert_eq!(forwarded_cookies("a=1; __Host-bargate-login=x; b=2").as_deref(), Some("a=1; b=2"));
        assert_eq!(forwarded_cookies("bargate-login=x"), None);
        assert_eq!(forwarded_cookies("my-bargate-login=x; c").as_deref(), Some("my-bargate-login=x; c"));
    }

    #[test]
    fn a_header_that_the_gateway_asserts_is_known_in_every_spelling() {
        let asserted = ["x-user-id".to_owned()];
        for name in ["X-User-Id", "x_user_id", "X-USER_ID"] {
            assert!(is_asserted(name, &asserted), "{name}");
        }
        assert!(!is_asserted("x-user", &asserted));
    }

    #[test]
    fn what_connection_names_is_dropped_but_for_an_upgrade() {
        assert_eq!(connection_options(Some("keep-alive, X-Hop , Upgrade,,a b")), ["keep-alive", "x-hop"]);
        assert!(connection_options(None).is_empty());
    }
}
