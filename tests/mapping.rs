//! What an upstream gets besides what the client sent: headers and query from request, claims and constants.

#![allow(clippy::expect_used, clippy::indexing_slicing, clippy::panic, clippy::unwrap_used)]

use bargate::algorithm::Algorithm;
use bargate::config::{Binding, Bindings, Mapping, Reference, load};
use bargate::http::request::RequestHead;
use bargate::mapping::{mapped_headers, mapped_query};
use bargate::token::{Expectations, Expiry, Kind, Scheme, SignatureVerified, UnverifiedToken, VerifiedClaims};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use proptest::collection::vec;
use proptest::prelude::*;
use serde_json::{Value, json};

/// A request with these headers and this query, for one path.
struct Head {
    query: Option<&'static str>,
    headers: Vec<(&'static str, &'static str)>,
}

/// A request for a path that matches a pattern.
struct Routed {
    pattern: &'static str,
    path: &'static str,
}

impl RequestHead for Routed {
    fn method(&self) -> &str {
        "PATCH"
    }

    fn path(&self) -> &str {
        self.path
    }

    fn query(&self) -> Option<&str> {
        None
    }

    fn host(&self) -> &str {
        "api.example.com:8443"
    }

    fn pattern(&self) -> &str {
        self.pattern
    }

    fn header(&self, _name: &str) -> Option<&str> {
        None
    }
}

impl RequestHead for Head {
    fn method(&self) -> &str {
        "GET"
    }

    fn path(&self) -> &str {
        "/"
    }

    fn query(&self) -> Option<&str> {
        self.query
    }

    fn header(&self, name: &str) -> Option<&str> {
        let known = self.headers.iter().find(|(known, _)| known.eq_ignore_ascii_case(name));
        known.map(|(_, value)| *value)
    }
}

struct OneSecret;

impl Bindings for OneSecret {
    fn look_up(&self, reference: &Reference) -> Binding {
        match reference.name.as_str() {
            "API_KEY" => Binding::Value("key ünd key".to_owned()),
            _ => Binding::Missing,
        }
    }
}

/// Reads a mapping, given as JSON text in the order of the file, as a path with `auth` has it.
fn mapping(mapping: &str) -> Mapping {
    let config = format!(
        r#"{{
            "authorizer": {{ "type": "auth0", "domain": "tenant.example", "client_id": "client" }},
            "variables": {{ "version": 2, "place": "file" }},
            "paths": [{{
                "method": "GET", "path": "/", "auth": true, "response": {{}},
                "variables": {{ "place": "path" }}, "mapping": {mapping}
            }}]
        }}"#
    );
    let mut config = load(&config, &OneSecret).unwrap();
    config.paths.remove(0).mapping
}

/// Returns claims by the one way there is: a token whose signature somebody answers for.
fn claims(members: &Value) -> VerifiedClaims {
    let mut claims = json!({ "iss": "i", "aud": "a", "exp": 100 });
    for (name, value) in members.as_object().unwrap() {
        claims[name] = value.clone();
    }
    let encode = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let token = format!("{}.{}.AAAA", encode(&json!({ "alg": "RS256" })), encode(&claims));
    let expectations = Expectations {
        algorithms: &[Algorithm::Rs256],
        issuer: "i",
        tenants: &[],
        audience: "a",
        audience_claim: None,
        required: &[],
        clock_skew_secs: 0,
        kind: Kind::Access,
        expiry: Expiry::Enforced,
        scheme: Scheme::Bearer,
    };
    let token = UnverifiedToken::parse(&token, expectations.algorithms).unwrap();
    token.into_verified(SignatureVerified::attest(None), &expectations, 0).unwrap()
}

/// Maps one source to a header and to a query parameter.
fn mapped(source: &Value, head: &Head, claims: Option<&VerifiedClaims>) -> (Option<String>, Option<String>) {
    let mapping = mapping(&json!({ "headers": { "X-To": source }, "query": { "to": source } }).to_string());
    let mut headers = mapped_headers(&mapping, head, claims);
    assert_eq!(headers.len(), 1, "each mapped header is named, with a value or without");
    let (name, header) = headers.remove(0);
    assert_eq!(name, "x-to", "names are in small letters");
    (header, mapped_query(&mapping, &Head { query: head.query, headers: head.headers.clone() }, claims))
}

#[test]
fn of_the_names_that_fit_a_path_the_longest_is_meant() {
    let claims = claims(&json!({
        "kubernetes.io": { "namespace": "shop", "pod": { "name": "web", "node.name": "one" } },
        "https://app.example/claims": { "role": "admin", "x.y": "dotted" },
        "a.b": "flat",
        "a": { "b": "nested", "c": "below", "b.c": "both" },
        "d.e": { "other": "flat" },
        "d": { "e": { "f": "nested" } },
        "f.": "a dot at the end",
        "g": { "": { "h": "an empty name" } },
    }));
    let table = [
        ("kubernetes.io.namespace", Some("shop"), "below a name with a dot"),
        ("kubernetes.io.pod.name", Some("web"), "two steps below"),
        ("kubernetes.io.pod.node.name", Some("one"), "a name with a dot below one"),
        ("https://app.example/claims.role", Some("admin"), "below a name that is a URL"),
        ("https://app.example/claims.x.y", Some("dotted"), "a name with a dot below that"),
        ("a.b", Some("flat"), "the whole name before a nested one"),
        ("a.c", Some("below"), "a nested one where no longer name fits"),
        ("a.b.c", None, "the longer name alone, which is a text and leads nowhere"),
        ("d.e.other", Some("flat"), "the longer name"),
        ("d.e.f", None, "the longer name alone, whatever stands below the shorter one"),
        ("f.", Some("a dot at the end"), "a whole name"),
        ("g..h", Some("an empty name"), "an empty name between two dots"),
        ("a.none", None, "no such name"),
        ("none.b", None, "no such name to begin with"),
        ("", None, "no name"),
        (".", None, "no names"),
    ];
    for (path, expected, message) in table {
        assert_eq!(claims.get(path).and_then(Value::as_str), expected, "{message}: {path}");
        if !path.is_empty() {
            let source = json!(format!("$request.jwt.{path}"));
            let (header, _) = mapped(&source, &Head { query: None, headers: Vec::new() }, Some(&claims));
            assert_eq!(header.as_deref(), expected, "{message}: {path} in a header");
        }
    }
}

#[test]
fn each_source_gives_its_value_or_none() {
    let head = Head { query: None, headers: vec![("X-From", "from header"), ("x-twice", "one, two"), ("x-empty", "")] };
    let claims = claims(&json!({ "sub": "auth0|1", "org": { "id": 7 }, "https://app.example/role": "admin" }));
    let table = [
        (json!("plain text"), Some("plain text"), Some("to=plain+text"), "a text"),
        (
            json!("100%41"),
            Some("100%41"),
            Some("to=100%2541"),
            "a text with a percent sign, which stays as it was written",
        ),
        (json!(5), Some("5"), Some("to=5"), "a number"),
        (json!("$config.version"), Some("2"), Some("to=2"), "a variable of the file"),
        (json!("$config.place"), Some("path"), Some("to=path"), "a variable of the path before one of the file"),
        (json!("$secret.API_KEY"), Some("key %C3%BCnd key"), Some("to=key+%C3%BCnd+key"), "a secret"),
        (json!("$request.header.x-from"), Some("from header"), Some("to=from+header"), "a header"),
        (json!("$request.header.X-FROM"), Some("from header"), Some("to=from+header"), "a header in any case"),
        (json!("$request.header.x-twice"), Some("one, two"), Some("to=one%2C+two"), "a header sent twice"),
        (json!("$request.header.x-empty"), Some(""), Some("to="), "an empty header"),
        (json!("$request.header.x-none"), None, None, "no such header"),
        (json!("$request.query.none"), None, None, "no such parameter"),
        (json!("$request.jwt.sub"), Some("auth0|1"), Some("to=auth0%7C1"), "a claim"),
        (json!("$request.jwt.org.id"), Some("7"), Some("to=7"), "a claim in an object"),
        (
            json!("$request.jwt.https://app.example/role"),
            Some("admin"),
            Some("to=admin"),
            "a claim whose name has dots",
        ),
        (json!("$request.jwt.none"), None, None, "no such claim"),
    ];
    for (source, header, query, message) in table {
        let found = mapped(&source, &head, Some(&claims));
        assert_eq!(found, (header.map(str::to_owned), query.map(str::to_owned)), "{message}");
    }
    assert_eq!(mapped(&json!("$request.jwt.sub"), &head, None), (None, None), "no token");
}

#[test]
fn a_claim_is_a_scalar_or_an_array_of_scalars_joined_by_a_space() {
    let table = [
        (json!("text"), Some("text"), "a string"),
        (json!(""), Some(""), "an empty string"),
        (json!(-1.5), Some("-1.5"), "a number"),
        (json!(9_007_199_254_740_993_u64), Some("9007199254740993"), "a number that no float holds"),
        (json!(1e17), None, "a float past those that are exact, which may be another number rounded"),
        (json!(true), Some("true"), "a boolean"),
        (json!(["a", "b:c"]), Some("a b:c"), "an array of strings"),
        (json!(["a", 1, false]), Some("a 1 false"), "an array of scalars"),
        (json!([]), Some(""), "an empty array"),
        (json!(["user admin"]), Some("user%20admin"), "one item with a space"),
        (json!([" a", "b%20c", "é"]), Some("%20a b%2520c %C3%A9"), "items with spaces, percent signs and more"),
        (json!(["a", ""]), None, "an array with an empty text"),
        (json!(null), None, "null"),
        (json!({ "a": 1 }), None, "an object"),
        (json!(["a", null]), None, "an array with null"),
        (json!(["a", { "b": 1 }]), None, "an array with an object"),
        (json!([["a"]]), None, "an array in an array"),
    ];
    let head = Head { query: None, headers: Vec::new() };
    for (claim, expected, message) in table {
        let claims = claims(&json!({ "claim": claim }));
        let (header, _) = mapped(&json!("$request.jwt.claim"), &head, Some(&claims));
        assert_eq!(header.as_deref(), expected, "{message}");
    }
}

#[test]
fn no_value_can_end_its_header_or_its_parameter() {
    let table = [
        ("a\r\nx-admin: 1", "a%0D%0Ax-admin: 1", "a line break"),
        ("a\nb", "a%0Ab", "a line feed alone"),
        ("a\0b", "a%00b", "a null character"),
        ("a\tb", "a%09b", "a tab"),
        ("\u{7f}", "%7F", "a delete"),
        (" a b ", "%20a b%20", "spaces around it"),
        ("  ", "%20%20", "spaces alone"),
        ("\ta\t", "%09a%09", "tabs around it"),
        ("é", "%C3%A9", "two bytes"),
        ("🎉", "%F0%9F%8E%89", "four bytes"),
        ("a%0Ab", "a%250Ab", "a percent sign, by which it would be read as a line feed"),
        ("%61dmin", "%2561dmin", "one by which it would be read as another name"),
        ("a, b; c=\"d\"", "a, b; c=\"d\"", "what a header may hold"),
    ];
    let head = Head { query: None, headers: Vec::new() };
    for (claim, expected, message) in table {
        let claims = claims(&json!({ "claim": claim }));
        let (header, query) = mapped(&json!("$request.jwt.claim"), &head, Some(&claims));
        let header = header.unwrap();
        assert_eq!(header, expected, "{message}");
        assert!(header.bytes().all(|byte| (b' '..=b'~').contains(&byte)), "{message}: visible ASCII");
        let query = query.unwrap();
        assert!(!query.contains(['&', ' ', '\r', '\n', '#']), "{message}: {query}");
        let parsed: Vec<_> = form_urlencoded::parse(query.as_bytes()).collect();
        assert_eq!(parsed, [("to".into(), claim.into())], "{message}: the upstream reads what the token says");
    }
    let claims = claims(&json!({ "claim": "a&admin=1#x" }));
    let (_, query) = mapped(&json!("$request.jwt.claim"), &head, Some(&claims));
    assert_eq!(query.as_deref(), Some("to=a%26admin%3D1%23x"), "no second parameter");
}

/// Decodes percent signs once.
fn decoded(text: &str) -> String {
    let query = text.replace('+', "%2B");
    form_urlencoded::parse(format!("x={}", query.replace('&', "%26")).as_bytes()).next().unwrap().1.into_owned()
}

/// Returns the items of a list as the documents say they are read.
fn items(list: &str) -> Vec<String> {
    list.split(' ').filter(|item| !item.is_empty()).map(decoded).collect()
}

/// Maps a claim, and gives the header as HTTP leaves it, and the parameter as it is parsed.
fn sent(claim: &Value) -> Option<(String, String)> {
    let head = Head { query: None, headers: Vec::new() };
    let claims = claims(&json!({ "claim": claim }));
    let (header, query) = mapped(&json!("$request.jwt.claim"), &head, Some(&claims));
    let parsed = query.map(|query| form_urlencoded::parse(query.as_bytes()).next().unwrap().1.into_owned());
    assert_eq!(header.is_some(), parsed.is_some(), "both or neither");
    Some((header?.trim_matches([' ', '\t']).to_owned(), parsed?))
}

/// A text of signs that mean something on the way.
fn text() -> impl Strategy<Value = String> {
    "[ %20a,;=\"+&\t\r\né]{0,6}"
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(2_000) })]

    #[test]
    fn a_text_is_read_as_what_the_token_says(claim in text()) {
        let (header, parameter) = sent(&json!(claim)).unwrap();
        prop_assert_eq!(decoded(&header), claim.as_str());
        prop_assert_eq!(parameter, claim);
    }

    #[test]
    fn a_list_is_read_as_what_the_token_says(claim in vec(text(), 0..4)) {
        match sent(&json!(claim)) {
            None => prop_assert!(claim.iter().any(String::is_empty)),
            Some((header, parameter)) => {
                prop_assert_eq!(items(&header), claim.clone());
                prop_assert_eq!(items(&parameter), claim);
            }
        }
    }

    #[test]
    fn a_number_is_read_as_what_the_token_says(claim in any::<f64>().prop_filter("JSON has none other", |float| float.is_finite())) {
        match sent(&json!(claim)) {
            None => prop_assert!(claim.abs() > 9_007_199_254_740_991.0),
            Some((header, _)) => prop_assert_eq!(header.parse::<f64>().unwrap(), claim),
        }
    }
}

#[test]
fn claims_of_different_types_can_be_the_same_text() {
    for (one, other) in [
        (json!("1"), json!(1)),
        (json!("true"), json!(true)),
        (json!("user admin"), json!(["user", "admin"])),
        (json!(["1", "true"]), json!([1, true])),
        (json!(""), json!([])),
    ] {
        assert_eq!(sent(&one), sent(&other), "{one} and {other}");
    }
    let (text, list) = (json!("user%20admin"), json!(["user admin"]));
    let ((text_header, text_parameter), (list_header, list_parameter)) = (sent(&text).unwrap(), sent(&list).unwrap());
    assert_ne!(text_header, list_header, "in a header a text is encoded");
    assert_eq!(text_parameter, list_parameter, "in a query it is what it is");
}

#[test]
fn the_query_of_the_client_is_left_as_it_came_where_nothing_is_mapped() {
    let none = mapping(r#"{ "headers": { "x-a": "1" } }"#);
    for query in [None, Some(""), Some("a=1&a=2"), Some("%zz&&=&a=b=c&d+e=%20"), Some("a&b&")] {
        let head = Head { query, headers: Vec::new() };
        assert_eq!(mapped_query(&none, &head, None).as_deref(), query, "{query:?}");
    }
}

#[test]
fn a_mapped_parameter_takes_the_place_of_each_of_its_name_that_the_client_sent() {
    let user = mapping(r#"{ "query": { "user": "$request.jwt.sub", "a b": "fixed" } }"#);
    let claims = claims(&json!({ "sub": "u1" }));
    let table = [
        (None, "user=u1&a+b=fixed", "no query"),
        (Some(""), "user=u1&a+b=fixed", "an empty query"),
        (Some("x=1&y=%20"), "x=1&y=%20&user=u1&a+b=fixed", "others stay as they came"),
        (Some("user=evil"), "user=u1&a+b=fixed", "its own name"),
        (Some("user=evil&x=1&user=worse"), "x=1&user=u1&a+b=fixed", "its own name twice"),
        (Some("us%65r=evil&%75ser"), "user=u1&a+b=fixed", "its own name, encoded"),
        (Some("user&x"), "x&user=u1&a+b=fixed", "its own name without a value"),
        (Some("a+b=1&a%20b=2&a%2Bb=3"), "a%2Bb=3&user=u1&a+b=fixed", "a name with a space, in both spellings"),
        (Some("USER=evil&user[]=evil"), "USER=evil&user[]=evil&user=u1&a+b=fixed", "other names stay"),
        (Some("&&x=1&&"), "x=1&user=u1&a+b=fixed", "empty pairs go"),
    ];
    for (query, expected, message) in table {
        let head = Head { query, headers: Vec::new() };
        assert_eq!(mapped_query(&user, &head, Some(&claims)).as_deref(), Some(expected), "{message}");
    }
}

#[test]
fn a_parameter_whose_source_has_no_value_is_not_the_clients_to_send() {
    let user = mapping(r#"{ "query": { "user": "$request.jwt.none" } }"#);
    let claims = claims(&json!({}));
    for (query, expected) in [(Some("user=evil"), None), (Some("user=evil&x=1"), Some("x=1")), (None, None)] {
        let head = Head { query, headers: Vec::new() };
        assert_eq!(mapped_query(&user, &head, Some(&claims)).as_deref(), expected, "{query:?}");
    }
}

#[test]
fn a_parameter_may_be_renamed_and_is_decoded_once() {
    let renamed =
        mapping(r#"{ "query": { "q": "$request.query.search" }, "headers": { "x-search": "$request.query.search" } }"#);
    let head = Head { query: Some("search=a%2526b+c&search=second"), headers: Vec::new() };
    assert_eq!(mapped_query(&renamed, &head, None).as_deref(), Some("search=a%2526b+c&search=second&q=a%2526b+c"));
    assert_eq!(mapped_headers(&renamed, &head, None), [("x-search", Some("a%2526b c".to_owned()))]);
}

#[test]
fn every_mapped_header_is_named_in_the_order_of_the_file_so_that_the_clients_own_can_be_dropped() {
    let headers =
        mapping(r#"{ "headers": { "X-User": "$request.jwt.sub", "x-none": "$request.jwt.none", "X-A": "1" } }"#);
    let claims = claims(&json!({ "sub": "u1" }));
    let head = Head { query: None, headers: vec![("x-user", "evil"), ("x-none", "evil")] };
    let mapped = mapped_headers(&headers, &head, Some(&claims));
    assert_eq!(mapped, [("x-user", Some("u1".to_owned())), ("x-none", None), ("x-a", Some("1".to_owned()))]);
    assert!(mapped_headers(&Mapping::default(), &head, Some(&claims)).is_empty(), "no mapping");
}

/// Maps one source of a request for a path with a pattern to a header and to a query parameter.
fn mapped_of_path(source: &str, pattern: &'static str, path: &'static str) -> (Option<String>, Option<String>) {
    let config = json!({
        "paths": [{
            "method": "PATCH", "path": pattern, "response": {},
            "mapping": { "headers": { "x-to": source }, "query": { "to": source } }
        }]
    });
    let mut config = load(&config.to_string(), &OneSecret).unwrap();
    let (mapping, request) = (config.paths.remove(0).mapping, Routed { pattern, path });
    let mut headers = mapped_headers(&mapping, &request, None);
    (headers.remove(0).1, mapped_query(&mapping, &request, None))
}

#[test]
fn a_parameter_of_the_path_is_its_segment_decoded_and_of_a_wildcard_the_rest_as_it_was_sent() {
    let table = [
        ("id", "/orders/{id}", "/orders/17", Some("17"), Some("to=17"), "a segment"),
        ("id", "/{shop}/{id}/x", "/a/b/x", Some("b"), Some("to=b"), "one of several"),
        ("shop", "/{shop}/{id}/x", "/a/b/x", Some("a"), Some("to=a"), "the first of them"),
        ("id", "/{id}", "/a%20b", Some("a b"), Some("to=a+b"), "one that is encoded"),
        ("id", "/{id}", "/%C3%A9", Some("%C3%A9"), Some("to=%C3%A9"), "one of other letters"),
        ("id", "/{id}", "/%25C3", Some("%25C3"), Some("to=%25C3"), "one with a percent sign"),
        ("id", "/{id}", "/a%2Fb", Some("a/b"), Some("to=a%2Fb"), "one with an encoded slash"),
        ("id", "/{id}", "/%0D%0Ax-evil:%201", Some("%0D%0Ax-evil: 1"), Some("to=%0D%0Ax-evil%3A+1"), "a line break"),
        ("id", "/{id}", "/%FF", None, None, "one that is no UTF-8"),
        ("id", "/{id}", "/a%2", None, None, "one whose escape is cut"),
        ("rest", "/files/{rest+}", "/files/a/b%20c", Some("a/b%2520c"), Some("to=a%2Fb%2520c"), "a wildcard"),
        ("rest", "/files/{rest+}", "/files", None, None, "a wildcard of nothing"),
        ("rest", "/files/{rest+}", "/files/", Some(""), Some("to="), "a wildcard of an empty segment"),
        ("id", "/{id}/{rest+}", "/a/b/c", Some("a"), Some("to=a"), "a parameter before a wildcard"),
    ];
    for (name, pattern, path, header, query, message) in table {
        let found = mapped_of_path(&format!("$request.path.{name}"), pattern, path);
        assert_eq!((found.0.as_deref(), found.1.as_deref()), (header, query), "{message}");
    }
}

#[test]
fn the_method_and_the_host_of_a_request_can_be_mapped() {
    let mapped = |source| mapped_of_path(source, "/", "/");
    assert_eq!(mapped("$request.method"), (Some("PATCH".into()), Some("to=PATCH".into())));
    let host = (Some("api.example.com:8443".into()), Some("to=api.example.com%3A8443".into()));
    assert_eq!(mapped("$request.url.host"), host);
}
