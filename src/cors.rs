//! Cross-origin answers (Fetch standard, section 3.2): who may read, and the answer to a preflight.
//!
//! An origin that is not on the list gets the same answer without the headers that would let its page read it.

use crate::config::{AllowedOrigins, Config, Cors};
use crate::http::header::{Header, LAST_EVENT_ID, is_token, push};
use crate::http::request::RequestHead;
use crate::route::{Allow, Found, Match, Method, MethodRule};

/// What a preflight asks (Fetch standard, section 4.8).
#[derive(Debug, Clone, Copy)]
pub struct Preflight<'r> {
    /// `Origin`
    pub origin: &'r str,
    /// `Access-Control-Request-Method`
    pub method: &'r str,
    /// `Access-Control-Request-Headers`
    pub headers: Option<&'r str>,
    /// Whether it is for an MCP server.
    pub is_mcp: bool,
}

/// Returns what `Vary` must name on each answer, except preflights; `None` if the answer is the same for every origin.
pub fn vary(cors: &Cors) -> Option<&'static str> {
    match cors.origins {
        AllowedOrigins::Any => None,
        AllowedOrigins::Listed(_) => Some("Origin"),
    }
}

/// What a page may always read of a problem besides its body: the code, and when to try again.
const PROBLEM_HEADERS: &str = "x-problem-code, retry-after";

/// What a page may always read of an MCP server's answer: its session, and where to get a token.
const MCP_HEADERS: &str = "mcp-session-id, mcp-protocol-version, www-authenticate";

/// Checks whether every client of an MCP server sends a header, or may: `MCP-Protocol-Version`, `Mcp-Session-Id`, `Mcp-Param-Region`.
fn is_of_mcp(name: &str) -> bool {
    (name.starts_with("mcp-") || name == LAST_EVENT_ID) && is_token(name)
}

/// Returns the headers that let a page of `origin` read an answer, which may be a problem, or of an MCP server's path; none if it may not.
pub fn answer_headers(cors: &Cors, origin: Option<&str>, is_problem: bool, is_mcp: bool) -> Vec<Header> {
    let Some(allowed) = origin.and_then(|origin| allowed_origin(cors, origin)) else { return Vec::new() };
    let mut headers = Vec::new();
    push(&mut headers, "access-control-allow-origin", allowed.into());
    if cors.credentials {
        push(&mut headers, "access-control-allow-credentials", "true".into());
    }
    let mut exposed = cors.expose_headers.clone();
    for (also, names) in [(is_problem, PROBLEM_HEADERS), (is_mcp, MCP_HEADERS)] {
        if also {
            exposed.push_str(if exposed.is_empty() { "" } else { ", " });
            exposed.push_str(names);
        }
    }
    if !exposed.is_empty() {
        push(&mut headers, "access-control-expose-headers", exposed.into());
    }
    headers
}

/// What `Vary` must name on the answer to a preflight.
pub const PREFLIGHT_VARY: &str = "Origin, Access-Control-Request-Method, Access-Control-Request-Headers";

/// Returns the headers of a preflight's answer, for a path that has `route_methods` (as an `Allow` header names them).
///
/// The whole permission is withheld if origin, method or a header is not allowed.
pub fn preflight_headers(cors: &Cors, preflight: &Preflight<'_>, route_methods: &str) -> Vec<Header> {
    let mut headers = Vec::new();
    let Some(allowed) = allowed_origin(cors, preflight.origin) else { return headers };

    let methods = cors.methods.as_ref().map_or_else(|| route_methods.to_owned(), |methods| methods.join(", "));
    if !methods.split(',').any(|method| method.trim_start() == preflight.method) {
        return headers;
    }
    let requested: Vec<String> = preflight
        .headers
        .unwrap_or_default()
        .split(',')
        .map(|name| name.trim().to_ascii_lowercase())
        .filter(|name| !name.is_empty())
        .collect();
    let is_allowed = |name: &String| match &cors.headers {
        Some(names) => names.contains(name) || preflight.is_mcp && is_of_mcp(name),
        None => is_token(name),
    };
    if !requested.iter().all(is_allowed) {
        return headers;
    }
    // `*` in Access-Control-Allow-Headers covers neither Authorization nor requests with credentials, so names are named.
    let allow_headers = match &cors.headers {
        Some(names) if !preflight.is_mcp => names.join(", "),
        _ => requested.join(", "),
    };

    push(&mut headers, "access-control-allow-origin", allowed.into());
    if cors.credentials {
        push(&mut headers, "access-control-allow-credentials", "true".into());
    }
    push(&mut headers, "access-control-allow-methods", methods.into());
    if !allow_headers.is_empty() {
        push(&mut headers, "access-control-allow-headers", allow_headers.into());
    }
    push(&mut headers, "access-control-max-age", cors.max_age_secs.to_string().into());
    headers
}

/// Returns the headers of the answer to a CORS preflight of a path that has no own `OPTIONS` entry, by what the routes have for it;
/// `None` if the request is something else.
pub fn answered_preflight(config: &Config, request: &impl RequestHead, found: &Found<'_, '_>) -> Option<Vec<Header>> {
    if request.method() != Method::Options.as_str() {
        return None;
    }
    let allow = match found {
        Found::MethodNotAllowed(allow) => *allow,
        Found::Route(Match { rule, .. }) => (*rule == MethodRule::Any).then(Allow::every)?,
        Found::NotFound | Found::Ambiguous(_) => return None,
    };
    let origin = request.header("origin")?;
    let method = request.header("access-control-request-method")?;
    let headers = request.header("access-control-request-headers");
    let path_of = |method: &str| match config.routes.find(method, request.host(), request.path()) {
        Found::Route(meant) => config.paths.get(meant.index),
        _ => None,
    };
    // What is not listed, only a path may let in.
    let preflight_of = |rule: &Cors| {
        let is_mcp = rule.headers.is_some() && path_of(method).is_some_and(|path| path.mcp.is_some());
        Preflight { origin, method, headers, is_mcp }
    };
    let (allow, of_all) = (allow.to_string(), config.cors.as_ref());
    if !config.has_cors_of_paths {
        return of_all.map(|rule| preflight_headers(rule, &preflight_of(rule), &allow));
    }
    let rule_of = |method: &str| path_of(method).map(|path| path.cors.as_ref().or(of_all));
    let rule = rule_of(method).unwrap_or(of_all)?;
    let mut headers = preflight_headers(rule, &preflight_of(rule), &allow);
    // Of what is granted here a browser would ask no more, and it remembers origin and headers for other methods, too.
    let is_other = |of_method: Option<&Cors>| {
        of_method.is_none_or(|other| (&other.origins, &other.headers) != (&rule.origins, &rule.headers))
    };
    let differs = allow.split(',').any(|other| rule_of(other.trim_start()).is_some_and(is_other));
    for (name, granted) in &mut headers {
        if name == "access-control-allow-methods" {
            *granted = method.to_owned().into();
        } else if differs && name == "access-control-max-age" {
            *granted = "0".into();
        }
    }
    Some(headers)
}

/// Checks whether pages of an origin may read answers.
pub fn admits(cors: &Cors, origin: &str) -> bool {
    allowed_origin(cors, origin).is_some()
}

fn allowed_origin(cors: &Cors, origin: &str) -> Option<String> {
    match &cors.origins {
        AllowedOrigins::Any => Some("*".to_owned()),
        AllowedOrigins::Listed(origins) => {
            origins.iter().any(|listed| listed.admits(origin)).then(|| origin.to_owned())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{ListedOrigin, UnknownBindings, load};
    use crate::http::request::Head;

    fn listed() -> Cors {
        Cors {
            origins: AllowedOrigins::Listed(
                ["https://app.example", "capacitor://localhost", "https://*.pages.example", "http://localhost:*"]
                    .map(ListedOrigin::of)
                    .to_vec(),
            ),
            methods: None,
            headers: Some(vec!["authorization".into(), "content-type".into()]),
            names_headers: true,
            expose_headers: "x-request-id".into(),
            credentials: true,
            max_age_secs: 600,
        }
    }

    #[test]
    fn a_listed_origin_may_read_and_another_may_not() {
        let headers = answer_headers(&listed(), Some("https://app.example"), false, false);
        assert!(headers.contains(&("access-control-allow-origin".into(), "https://app.example".into())));
        assert!(headers.contains(&("access-control-allow-credentials".into(), "true".into())));
        for origin in [None, Some("https://evil.example"), Some("null"), Some("https://app.example.evil"), Some("*")] {
            assert_eq!(answer_headers(&listed(), origin, true, false), [], "{origin:?}");
        }
        assert_eq!(vary(&listed()), Some("Origin"));
    }

    #[test]
    fn of_a_problem_a_page_reads_the_code_and_when_to_try_again() {
        let table =
            [("x-request-id", "x-request-id, x-problem-code, retry-after"), ("", "x-problem-code, retry-after")];
        for (exposed, expected) in table {
            let cors = Cors { expose_headers: exposed.into(), ..listed() };
            let given = |is_problem| answer_headers(&cors, Some("https://app.example"), is_problem, false);
            let name = "access-control-expose-headers";
            assert!(given(true).contains(&(name.into(), expected.into())), "{exposed}");
            let others: Vec<_> = given(false).into_iter().filter(|(header, _)| header == name).collect();
            assert!(others.iter().all(|(_, value)| value == exposed), "{others:?}");
        }
    }

    #[test]
    fn a_star_is_one_label_or_the_port_and_the_origin_itself_is_answered() {
        let table = [
            ("capacitor://localhost", true, "an application's own scheme"),
            ("capacitor://localhost/", false, "more than that origin"),
            ("ionic://localhost", false, "another application's"),
            ("https://a.pages.example", true, "one label"),
            ("https://xn--4ca_-1.pages.example", true, "every sign of one"),
            ("https://a.b.pages.example", false, "two labels"),
            ("https://.pages.example", false, "an empty one"),
            ("https://pages.example", false, "none"),
            ("https://*.pages.example", false, "the star itself"),
            ("https://evilpages.example", false, "a domain that ends like it"),
            ("https://a.pages.example.evil.example", false, "one that begins like it"),
            ("https://evil.example/.pages.example", false, "a path"),
            ("https://evil.example#.pages.example", false, "a fragment"),
            ("https://evil.example:1@a.pages.example", false, "a host that stands as a user name"),
            ("https://A.pages.example", false, "another spelling"),
            ("https://é.pages.example", false, "beyond ASCII"),
            ("https://a.pages.example:8443", false, "another port"),
            ("http://a.pages.example", false, "another scheme"),
            ("http://localhost:5173", true, "any port"),
            ("http://localhost", true, "the scheme's own port"),
            ("http://localhost:", false, "an empty port"),
            ("http://localhost:5173.evil.example", false, "a port that goes on"),
            ("http://localhost:1@evil.example", false, "a password"),
            ("http://localhosts", false, "a host that begins like it"),
            ("https://localhost:5173", false, "a port of another scheme"),
            ("null", false, "no origin"),
        ];
        for (origin, is_allowed, message) in table {
            let headers = answer_headers(&listed(), Some(origin), false, false);
            let allowed = ("access-control-allow-origin".into(), origin.to_owned().into());
            assert_eq!(headers.contains(&allowed), is_allowed, "{message}: {origin}");
            assert_eq!(headers.is_empty(), !is_allowed, "{message}: {origin}");
        }
    }

    #[test]
    fn any_origin_is_answered_with_a_star_and_no_vary() {
        let cors = Cors { origins: AllowedOrigins::Any, credentials: false, ..listed() };
        let headers = answer_headers(&cors, Some("https://x.example"), false, false);
        assert_eq!(headers[0], ("access-control-allow-origin".into(), "*".into()));
        assert_eq!(vary(&cors), None);
    }

    #[test]
    fn for_an_mcp_server_a_page_sends_and_reads_what_the_protocol_has() {
        let own = "authorization, content-type";
        let table = [
            ("authorization,content-type", Some(own), Some(own), "what is listed"),
            ("Mcp-Session-Id", Some("mcp-session-id"), None, "the session"),
            ("authorization,Last-Event-ID", Some("authorization, last-event-id"), None, "beside what is listed"),
            (
                "mcp-protocol-version,mcp-param-region",
                Some("mcp-protocol-version, mcp-param-region"),
                None,
                "the version, a parameter of a tool",
            ),
            ("x-mcp", None, None, "a name that only looks like it"),
            ("mcp-session-id,x-other", None, None, "beside another"),
            ("mcp-a b", None, None, "no name of a header"),
            ("last-event-ids", None, None, "a longer name"),
        ];
        for (requested, at_server, elsewhere, message) in table {
            let granted = |is_mcp| {
                let asked =
                    Preflight { origin: "https://app.example", method: "POST", headers: Some(requested), is_mcp };
                let given = preflight_headers(&listed(), &asked, "POST");
                given.into_iter().find(|(name, _)| name == "access-control-allow-headers").map(|(_, value)| value)
            };
            assert_eq!(granted(true).as_deref(), at_server, "{message}");
            assert_eq!(granted(false).as_deref(), elsewhere, "{message}, at another path");
        }
        for (is_problem, expected) in [
            (false, "x-request-id, mcp-session-id, mcp-protocol-version, www-authenticate"),
            (true, "x-request-id, x-problem-code, retry-after, mcp-session-id, mcp-protocol-version, www-authenticate"),
        ] {
            let given = answer_headers(&listed(), Some("https://app.example"), is_problem, true);
            assert!(given.contains(&("access-control-expose-headers".into(), expected.into())), "{given:?}");
        }
    }

    #[test]
    fn a_preflight_is_allowed_only_whole() {
        let preflight = |origin, method, headers| {
            let asked = Preflight { origin, method, headers, is_mcp: false };
            let given = preflight_headers(&listed(), &asked, "GET, HEAD, POST");
            given.iter().any(|(name, _)| *name == "access-control-allow-origin")
        };
        let app = "https://app.example";
        assert!(preflight(app, "POST", None), "a method of the route");
        assert!(preflight(app, "POST", Some("Authorization,content-type")), "listed headers in any case");
        assert!(!preflight(app, "DELETE", None), "a method that the route has not");
        assert!(!preflight(app, "POST", Some("authorization, x-other")), "a header that is not listed");
        assert!(!preflight("https://evil.example", "POST", None), "an origin that is not listed");
    }

    #[test]
    fn every_header_is_allowed_by_name() {
        let cors = Cors { headers: None, ..listed() };
        let asked = Preflight {
            origin: "https://app.example",
            method: "GET",
            headers: Some("X-A, Authorization"),
            is_mcp: false,
        };
        let given = preflight_headers(&cors, &asked, "GET, HEAD");
        assert!(given.contains(&("access-control-allow-headers".into(), "x-a, authorization".into())), "{given:?}");
        let odd = Preflight { headers: Some("x-a\u{e9}"), ..asked };
        assert!(!preflight_headers(&cors, &odd, "GET").iter().any(|(name, _)| *name == "access-control-allow-headers"));
    }

    #[test]
    fn a_preflight_is_answered_by_the_rule_of_the_method_that_it_asks_for() {
        let app = r#"{ "allow_origins": ["https://app.example"] }"#;
        let partner = r#"{ "allow_origins": ["https://partner.example"] }"#;
        let longer = r#"{ "allow_origins": ["https://app.example"], "max_age": 60 }"#;
        let named = r#"{ "allow_origins": ["https://app.example"], "allow_headers": ["x-a"] }"#;
        let (of_app, of_partner) = ("https://app.example", "https://partner.example");
        let table: [(&[Entry], _, _, Option<[&str; 3]>, _); 13] = [
            (&[("GET", None), ("POST", None)], "POST", of_app, Some([of_app, "GET, HEAD, POST", "600"]), "one rule"),
            (&[("GET", None), ("POST", None)], "PUT", of_app, None, "a method that the path has not"),
            (&[("GET", None), ("POST", None)], "GET", of_partner, None, "an origin that may not"),
            (&[("ANY", None)], "PATCH", of_app, Some([of_app, EVERY, "600"]), "every method at once"),
            (&[("GET", None), ("POST", Some(partner))], "GET", of_app, Some([of_app, "GET", "0"]), "the rule of all"),
            (&[("GET", None), ("POST", Some(partner))], "HEAD", of_app, Some([of_app, "HEAD", "0"]), "HEAD is by GET"),
            (&[("GET", None), ("POST", Some(partner))], "POST", of_partner, Some([of_partner, "POST", "0"]), "its own"),
            (&[("GET", None), ("POST", Some(partner))], "POST", of_app, None, "an origin of another method"),
            (&[("GET", None), ("POST", Some(partner))], "GET", of_partner, None, "the same the other way round"),
            (
                &[("GET", None), ("POST", Some(app))],
                "GET",
                of_app,
                Some([of_app, "GET", "600"]),
                "two rules that are alike",
            ),
            (
                &[("GET", None), ("POST", Some(longer))],
                "POST",
                of_app,
                Some([of_app, "POST", "60"]),
                "alike but for the age",
            ),
            (&[("GET", None), ("POST", Some(named))], "POST", of_app, Some([of_app, "POST", "0"]), "other headers"),
            (&[("ANY", Some(partner))], "PUT", of_partner, Some([of_partner, "PUT", "600"]), "every method by its own"),
        ];
        for (paths, method, origin, expected, message) in table {
            let head = Head("OPTIONS", vec![("origin", origin), ("access-control-request-method", method)]);
            let given = answered(app, paths, &head).unwrap_or_else(|| panic!("{message}: not answered"));
            let value = |name: &str| given.iter().find(|(header, _)| header == name).map(|(_, value)| &**value);
            let shown = ["origin", "methods"].map(|of| value(&["access-control-allow-", of].concat()));
            let expected = expected.map_or([None; 3], |texts| texts.map(Some));
            assert_eq!([shown[0], shown[1], value("access-control-max-age")], expected, "{message}");
        }
    }

    #[test]
    fn a_page_may_send_keys_unless_the_config_says_which_headers_it_may_send() {
        let defaults = r#", "allow_headers": ["authorization", "content-type", "x-access-token", "x-refresh-token"]"#;
        for (allow_headers, at_the_top, at_the_path) in [
            ("", true, true),
            (defaults, false, false),
            (r#", "allow_headers": ["x-api-key"]"#, true, false),
            (r#", "allow_headers": ["*"]"#, true, true),
        ] {
            let rule = format!(r#"{{ "allow_origins": ["https://app.example"]{allow_headers} }}"#);
            for (cors, of_path, requested, granted) in [
                (rule.as_str(), String::new(), "x-api-key", at_the_top),
                (&rule, String::new(), "x-test-key", at_the_path),
                ("null", format!(r#", "cors": {rule}"#), "x-test-key", at_the_path),
            ] {
                let cors = if cors == "null" { String::new() } else { format!(r#""cors": {cors},"#) };
                let text = format!(
                    r#"{{ {cors}
                        "authorizers": {{
                            "partners": {{ "type": "api_key", "prefix": "acme", "kv": "K" }},
                            "testers": {{ "type": "api_key", "prefix": "test", "kv": "K", "header": "X-Test-Key" }}
                        }},
                        "paths": [{{ "method": "GET", "path": "/", "auth": ["partners", "testers"], "response": 1{of_path} }}]
                    }}"#
                );
                let config = load(&text, &UnknownBindings).unwrap();
                let sent = vec![
                    ("origin", "https://app.example"),
                    ("access-control-request-method", "GET"),
                    ("access-control-request-headers", requested),
                ];
                let head = Head("OPTIONS", sent);
                let given = answered_preflight(&config, &head, &config.routes.find("OPTIONS", "", "/")).unwrap();
                let is_granted = given.iter().any(|(name, _)| name == "access-control-allow-headers");
                assert_eq!(is_granted, granted, "{requested} {text}");
            }
        }
    }

    #[test]
    fn what_is_no_preflight_or_has_its_own_answer_is_left_to_the_routes() {
        let app = r#"{ "allow_origins": ["https://app.example"] }"#;
        let (origin, method) = (("origin", "https://app.example"), ("access-control-request-method", "GET"));
        let table: [(&str, &[Entry], _, bool, _); 7] = [
            ("OPTIONS", &[("GET", None)], vec![origin, method], true, "a preflight"),
            (
                "OPTIONS",
                &[("GET", None), ("OPTIONS", None)],
                vec![origin, method],
                false,
                "an OPTIONS entry of the path",
            ),
            ("OPTIONS", &[("ANY", None)], vec![origin, method], true, "an entry for every method is none of OPTIONS"),
            ("OPTIONS", &[("GET", None)], vec![method], false, "no origin"),
            ("OPTIONS", &[("GET", None)], vec![origin], false, "no method is asked for"),
            ("GET", &[("GET", None)], vec![origin, method], false, "another method"),
            ("POST", &[("GET", None)], vec![origin, method], false, "a method that the path has not"),
        ];
        for (sent, paths, headers, is_answered, message) in table {
            assert_eq!(answered(app, paths, &Head(sent, headers)).is_some(), is_answered, "{message}");
        }
    }

    /// A method of a path, and the rule of its entry, if it has its own.
    type Entry = (&'static str, Option<&'static str>);

    /// The methods of a path that takes all.
    const EVERY: &str = "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS";

    /// Returns the answer to `head` at `/`, which has these entries.
    fn answered(of_all: &str, paths: &[Entry], head: &Head<'_>) -> Option<Vec<Header>> {
        let entries = paths.iter().map(|(method, cors)| {
            let cors = cors.map(|cors| format!(r#", "cors": {cors}"#)).unwrap_or_default();
            format!(r#"{{ "method": "{method}", "path": "/", "response": 1{cors} }}"#)
        });
        let text = format!(r#"{{ "cors": {of_all}, "paths": [{}] }}"#, entries.collect::<Vec<_>>().join(","));
        let config = load(&text, &UnknownBindings).unwrap_or_else(|mistakes| panic!("{mistakes:?}"));
        answered_preflight(&config, head, &config.routes.find(head.method(), head.host(), head.path()))
    }
}
