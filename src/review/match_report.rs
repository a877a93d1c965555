//! Which route takes a request, and why the others do not.

use super::outline::{Outline, OutlinedRoute, Upstream};
use crate::address::Address;
use crate::route::{Allow, Ambiguity, Found, Match, Passed, RouteTable};

/// The way of one request through the routes.
#[derive(Debug)]
pub struct MatchReport<'o> {
    /// The method that was asked about.
    pub method: String,
    /// The path as the gateway sees it, after the URL parser.
    pub path: String,
    /// What comes of it.
    pub outcome: Outcome<'o>,
    /// The other routes in the order of precedence, each with the reason why it does not take the request.
    pub passed: Vec<(&'o OutlinedRoute, Passed)>,
}

/// What comes of a request.
#[derive(Debug)]
pub enum Outcome<'o> {
    /// A route takes it.
    Route(Taken<'o>),
    /// 405: the path has these methods.
    MethodNotAllowed(Allow),
    /// 404.
    NotFound,
    /// 400: the path can be read in two ways.
    Ambiguous(Ambiguity),
}

/// A route that takes a request.
#[derive(Debug)]
pub struct Taken<'o> {
    /// The route.
    pub route: &'o OutlinedRoute,
    /// The parameters of its path, with what the request has for them.
    pub params: Vec<(String, String)>,
    /// The addresses that the upstream may be called at for it, each with the client's query; mapped parameters are not known here.
    pub calls: Vec<String>,
}

/// Explains a request such as `GET /a/b?x=1`; without a method it is `GET`.
///
/// # Errors
/// What is wrong with the request line, or with the routes.
pub fn explain_match<'o>(outline: &'o Outline, request: &str) -> Result<MatchReport<'o>, String> {
    let (method, target) = match request.trim().split_once(char::is_whitespace) {
        Some((method, target)) => (method, target.trim()),
        None => ("GET", request.trim()),
    };
    let url = if target.starts_with('/') { format!("https://gateway.invalid{target}") } else { target.to_owned() };
    let address = Address::parse(&url).filter(Address::is_http);
    let address = address.ok_or_else(|| format!("\"{target}\" is neither a path that begins with / nor a URL"))?;
    let path = address.path().to_owned();
    let host = if target.starts_with('/') { String::new() } else { address.host_and_port().to_owned() };

    let specs = outline.routes.iter().map(|route| route.spec.clone()).collect();
    let table =
        RouteTable::build(specs).map_err(|_| "two routes match the same requests: run `bargate check`".to_owned())?;
    let (outcome, taker) = match table.find(method, &host, &path) {
        Found::Route(found) => (taken(outline, &found, &address), Some(found.index)),
        Found::MethodNotAllowed(allow) => (Outcome::MethodNotAllowed(allow), None),
        Found::NotFound => (Outcome::NotFound, None),
        Found::Ambiguous(ambiguity) => (Outcome::Ambiguous(ambiguity), None),
    };
    let passed = table.passed(taker, method, &host, &path).into_iter();
    let passed = passed.filter_map(|(index, why)| Some((outline.routes.get(index)?, why))).collect();
    Ok(MatchReport { method: method.to_owned(), path, outcome, passed })
}

fn taken<'o>(outline: &'o Outline, found: &Match<'_, '_>, address: &Address) -> Outcome<'o> {
    let Some(route) = outline.routes.get(found.index) else { return Outcome::NotFound };
    let params = found.params().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
    Outcome::Route(Taken { route, params, calls: calls(route, found, address.query()) })
}

/// Returns the addresses that a route's upstream may be called at, as the gateway makes them.
fn calls(route: &OutlinedRoute, found: &Match<'_, '_>, query: Option<&str>) -> Vec<String> {
    let Some(Upstream { addresses, prefix }) = &route.upstream else { return Vec::new() };
    let query = query.map(|query| format!("?{query}")).unwrap_or_default();
    addresses.iter().map(|address| format!("{address}{}{query}", found.forward_path(prefix))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outline() -> Outline {
        Outline::of(
            r#"{"paths": [
                {"method": "ANY", "path": "/a/{.+}", "response": 1},
                {"method": "GET", "path": "/a/{id}", "response": 2},
                {"method": "ANY", "path": "/a/{id}", "response": 2},
                {"method": "POST", "path": "/a/b", "response": 3},
                {"method": "GET", "path": "/a/b", "response": 4},
                {"method": "GET", "path": "/a/b/{x}/c", "response": 5}
            ]}"#,
        )
    }

    #[test]
    fn each_route_that_does_not_take_a_request_says_why() {
        let outline = outline();
        let report = explain_match(&outline, "GET /a/x/../b?x=1").unwrap();
        assert_eq!(report.path, "/a/b", "as the URL parser leaves it");
        let Outcome::Route(taken) = report.outcome else { panic!("a route takes it") };
        assert_eq!(taken.route.index, Some(4));
        let reasons: Vec<_> =
            report.passed.iter().map(|(route, why)| (route.index.unwrap(), why.to_string())).collect();
        let expected = [
            (5, "the path has fewer segments"),
            (3, "another method"),
            (1, "matches too, but a literal segment comes before a parameter"),
            (2, "matches too, but a literal segment comes before a parameter"),
            (0, "matches too, but a path without a wildcard comes before one with it"),
        ];
        assert_eq!(reasons, expected.map(|(index, why)| (index, why.to_owned())));
    }

    #[test]
    fn the_address_that_will_be_called_is_told() {
        let outline = Outline::of(
            r#"{
                "servers": [
                    {"alias": "api", "urls": ["https://One.example/v1/", "$env.TWO"]},
                    {"alias": "own", "url": "https://own.example:443"}
                ],
                "paths": [
                    {"method": "ANY", "path": "/api/{.+}", "integration": {"type": "http", "server": "api"}},
                    {"method": "GET", "path": "/api/orders", "integration": {"type": "http_proxy", "server": "api"}},
                    {"method": "GET", "path": "/api/users/{id}", "integration": {"type": "http", "server": "own", "strip_prefix": "/api"}},
                    {"method": "ANY", "path": "/all/{.+}", "integration": {"type": "http", "server": "own", "strip_prefix": ""}},
                    {"method": "GET", "path": "/api/later", "integration": {"type": "http", "server": "own", "strip_prefix": "$env.PREFIX"}},
                    {"method": "GET", "path": "/fixed", "response": 1}
                ]
            }"#,
        );
        let table = [
            (
                "/api/x?a=%20",
                vec!["https://one.example/v1/x?a=%20", "$env.TWO/x?a=%20"],
                "less the prefix of a wildcard",
            ),
            ("/api", vec!["https://one.example/v1/", "$env.TWO/"], "with none of the rest"),
            (
                "/api/orders",
                vec!["https://one.example/v1/api/orders", "$env.TWO/api/orders"],
                "whole, without a wildcard",
            ),
            ("/api/users/%61", vec!["https://own.example/users/%61"], "less the prefix that is named, not decoded"),
            ("/all/x", vec!["https://own.example/all/x"], "whole, as it is asked for"),
            ("/api/later", vec![], "a prefix that nobody knows here"),
            ("/fixed", vec![], "no upstream"),
        ];
        for (path, expected, message) in table {
            let Outcome::Route(taken) = explain_match(&outline, path).unwrap().outcome else { panic!("{path}") };
            assert_eq!(taken.calls, expected, "{message}: {path}");
        }
    }

    #[test]
    fn what_no_route_takes_is_told_as_the_gateway_answers_it() {
        let outline = outline();
        let outcome = |request: &str| explain_match(&outline, request).unwrap().outcome;
        assert!(matches!(outcome("GET /b"), Outcome::NotFound));
        assert!(matches!(outcome("/b"), Outcome::NotFound), "GET without a word");
        assert!(matches!(outcome("GET /a/b%2fc"), Outcome::Ambiguous(Ambiguity::EncodedSlash)));
        assert!(matches!(outcome("GET https://gateway.example/a/z"), Outcome::Route(..)), "a whole URL");
        let guarded = Outline::of(
            r#"{"servers": [{"alias": "api", "url": "https://api.example"}], "authorizer": {"type": "auth0"}, "paths": [
                {"method": "GET", "path": "/a", "auth": true, "response": 1},
                {"method": "ANY", "path": "/{.+}", "integration": {"type": "http", "server": "api"}}
            ]}"#,
        );
        let report = explain_match(&guarded, "GET /A/").unwrap();
        assert!(matches!(report.outcome, Outcome::Ambiguous(Ambiguity::StricterReading)), "as the Worker does");
        assert!(explain_match(&outline, "GET a/b").is_err());
    }

    #[test]
    fn the_host_of_a_whole_url_decides() {
        let outline = Outline::of(
            r#"{"paths": [
                {"method": "GET", "host": "a.example", "path": "/x", "response": 1},
                {"method": "GET", "host": "*.example", "path": "/x", "response": 2},
                {"method": "GET", "path": "/x", "response": 3}
            ]}"#,
        );
        let of_name = "matches too, but a whole host comes before one with a star";
        let of_every = "matches too, but a path with a host comes before one of every name";
        let table = [
            ("GET https://A.example:8443/x", 0, [(1, of_name), (2, of_every)]),
            ("GET https://b.example/x", 1, [(0, "another host"), (2, of_every)]),
            ("GET /x", 2, [(0, "another host"), (1, "another host")]),
        ];
        for (request, expected, others) in table {
            let report = explain_match(&outline, request).unwrap();
            let Outcome::Route(taken) = report.outcome else { panic!("{request}") };
            assert_eq!(taken.route.index, Some(expected), "{request}");
            let passed: Vec<_> =
                report.passed.iter().map(|(route, why)| (route.index.unwrap(), why.to_string())).collect();
            assert_eq!(passed, others.map(|(index, why)| (index, why.to_owned())), "{request}");
        }
        let order: Vec<_> = outline.by_precedence().iter().map(|route| route.spec.name()).collect();
        assert_eq!(order, ["GET a.example/x", "GET *.example/x", "GET /x"]);
    }

    #[test]
    fn the_order_of_precedence_is_the_order_of_the_search() {
        let outline = Outline::of(
            r#"{"paths": [
                {"method": "ANY", "path": "/{.+}"}, {"method": "GET", "path": "/{x}/{.+}"}, {"method": "ANY", "path": "/a/{.+}"},
                {"method": "ANY", "path": "/a/{x}/{.+}"}, {"method": "GET", "path": "/a/{x}"}, {"method": "ANY", "path": "/a/{x}"},
                {"method": "GET", "path": "/{x}/b"}, {"method": "ANY", "path": "/a/b"}, {"method": "GET", "path": "/a/"},
                {"method": "GET", "path": "/a"}, {"method": "GET", "path": "/"}, {"method": "ANY", "path": "/{x}"}
            ]}"#,
        );
        for path in ["/", "/a", "/a/", "/a/b", "/a/c", "/c/b", "/c", "/a/b/c", "/c/d/e", "/a/b/", "/c/"] {
            for method in ["GET", "HEAD", "POST"] {
                let report = explain_match(&outline, &format!("{method} {path}")).unwrap();
                let Outcome::Route(Taken { route: taker, .. }) = report.outcome else {
                    panic!("{method} {path}: a wildcard takes all")
                };
                let ordered = outline.by_precedence();
                let place = |route: &OutlinedRoute| ordered.iter().position(|other| *other == route);
                for (route, why) in &report.passed {
                    if matches!(why, Passed::Precedence(_)) {
                        assert!(place(taker) < place(route), "{method} {path}: {:?} {:?}", taker.spec, route.spec);
                    }
                    assert_ne!(*why, Passed::Refused);
                }
            }
        }
    }
}
