//! Whether a config lets nobody in whom its description keeps out, for descriptions and requests of every kind.
//!
//! Each run takes other descriptions. What fails is printed as a row for [`found_before`], which every run checks as well.

use crate::config::{Access, Binding, Bindings, Config, Integration, Reference, load};
use crate::route::Found;
use proptest::prelude::*;

use super::vendor::ANY_METHOD;
use super::{Imported, Wishes, import};
use crate::authoring::Json;

/// Templates, as people and other gateways write them.
const TEMPLATES: [&str; 25] = [
    "/a",
    "/{x}",
    "/{y}",
    "/r-{x}",
    "/{x}.json",
    "/a/{x}",
    "/a/b{y}",
    "/{x}/b",
    "/{x}/{y}",
    "/a/b",
    "/a?b=c",
    "/{x}?b=c",
    "/a{?b}",
    "/a#b",
    "/b/../a",
    "/a/./b",
    "/{proxy+}",
    "/a/{proxy+}",
    "/{+x}",
    "/{x}/b/{proxy+}",
    "/a/b/{proxy+}",
    "/a/{x}/c/{proxy+}",
    "/{x}/b/{y}/d/{proxy+}",
    "/a/{proxy+}/c",
    "/{x}/{*path}",
];

/// The most templates of a description: those of few have more to do with each other.
const TEMPLATES_MAX: usize = 8;

const REQUESTS: [&str; 11] =
    ["/a", "/r-5", "/b", "/r-5.json", "/a.json", "/a/b", "/a/bc", "/a/b/c", "/d/b/c", "/d/e/f/g", "/a/b/c/d/e"];

const METHODS: [&str; 4] = ["get", "post", "head", ANY_METHOD];

/// The methods of requests.
const ASKED: [&str; 4] = ["get", "post", "head", "delete"];

const SCOPES: [&str; 3] = ["one", "two", "three"];

/// Whom a request is by: nobody, or somebody whose token has these scopes.
type Caller = Option<Vec<&'static str>>;

/// A credential that the gateway does not know: its name among the schemes.
type Other = Option<&'static str>;

/// Such a credential in the query.
const IN_QUERY: &str = "other";

/// Such credentials that no request with a key can show.
const NOT_BESIDE_KEYS: [&str; 3] = ["users", "basic", "certificate"];

/// A way in: whether it asks for a credential that the gateway does not know, whether for a key that it knows, and for which scopes of a
/// token.
type Way = (Other, bool, Caller);

/// The alternatives of a requirement. `None` is one that nobody understands.
type Security = Option<Vec<Way>>;

/// A template, a method of [`METHODS`], and what it asks for.
type Operation = (&'static str, &'static str, Security);

struct SomeValue;

impl Bindings for SomeValue {
    fn look_up(&self, reference: &Reference) -> Binding {
        Binding::Value(
            if reference.name.ends_with("URL") { "https://upstream.example" } else { "tenant.example" }.to_owned(),
        )
    }
}

fn securities() -> impl Strategy<Value = Security> {
    let scopes = proptest::sample::subsequence(SCOPES.to_vec(), 0..=3);
    let others = [IN_QUERY].into_iter().chain(NOT_BESIDE_KEYS).collect::<Vec<_>>();
    let keys = (proptest::option::weighted(0.2, proptest::sample::select(others)), prop::bool::weighted(0.3));
    let way = (keys, proptest::option::weighted(0.7, scopes)).prop_map(|((other, key), token)| (other, key, token));
    let alternatives = proptest::collection::vec(way, 0..4);
    proptest::option::weighted(0.9, alternatives)
}

/// Operations, each of another template or method.
fn operations() -> impl Strategy<Value = Vec<Operation>> {
    let templates = proptest::sample::subsequence(TEMPLATES.to_vec(), 1..=TEMPLATES_MAX);
    let place = (0..TEMPLATES_MAX, 0..METHODS.len());
    let operations = proptest::collection::btree_map(place, securities(), 1..12);
    (templates, operations).prop_map(|(templates, operations)| {
        let within = operations.into_iter().filter(|((template, _), _)| *template < templates.len());
        within.map(|((template, method), security)| (templates[template], METHODS[method], security)).collect()
    })
}

fn described(operations: &[Operation]) -> Json {
    let mut paths: Vec<(String, Json)> = Vec::new();
    for (template, method, security) in operations {
        let alternatives = security.iter().flatten().map(|(other, key, token)| {
            let mut schemes = Vec::new();
            schemes.extend(other.map(|other| (other.to_owned(), Json::Array(Vec::new()))));
            schemes.extend(key.then(|| ("key".to_owned(), Json::Array(Vec::new()))));
            let scopes = |scopes: &Vec<&str>| Json::Array(scopes.iter().map(|scope| Json::from(*scope)).collect());
            schemes.extend(token.as_ref().map(|token| ("token".to_owned(), scopes(token))));
            Json::Object(schemes)
        });
        let operation = match security {
            Some(_) => Json::object([("security", Json::Array(alternatives.collect()))]),
            None => Json::Array(Vec::new()),
        };
        let member = ((*method).to_owned(), operation);
        match paths.iter_mut().find(|(name, _)| name == template) {
            Some((_, Json::Object(members))) => members.push(member),
            _ => paths.push(((*template).to_owned(), Json::Object(vec![member]))),
        }
    }
    let schemes = r#"{
        "other": {"type": "apiKey", "in": "query", "name": "key"},
        "users": {"type": "apiKey", "in": "header", "name": "Authorization"},
        "basic": {"type": "http", "scheme": "basic"},
        "certificate": {"type": "mutualTLS"},
        "key": {"type": "apiKey", "in": "header", "name": "x-key"},
        "token": {"type": "http", "scheme": "bearer"}
    }"#;
    let schemes = serde_json::from_str(schemes).unwrap();
    Json::object([
        ("openapi", "3.1.0".into()),
        ("paths", Json::Object(paths)),
        ("components", Json::object([("securitySchemes", schemes)])),
    ])
}

/// Returns the segments of a template: without what is no part of a path, and with dots resolved.
fn segments(template: &str) -> Vec<&str> {
    let path = template.split(['?', '#']).next().unwrap_or_default().trim_end_matches('{');
    let mut segments = Vec::new();
    for segment in path.split('/').skip(1) {
        match segment {
            "." => {}
            ".." => drop(segments.pop()),
            segment => segments.push(segment),
        }
    }
    segments
}

fn is_rest(segment: &str) -> bool {
    segment.starts_with("{+") || segment.starts_with("{*") || segment.ends_with("+}")
}

/// Checks whether the segments of a template match those of a path.
fn matches(template: &[&str], path: &[&str]) -> bool {
    match (template, path) {
        ([], []) => true,
        ([first, rest @ ..], _) if is_rest(first) => (1..=path.len()).any(|taken| matches(rest, &path[taken..])),
        ([first, template @ ..], [text, path @ ..]) => {
            let fits = match (first.find('{'), first.find('}')) {
                (Some(open), Some(close)) => {
                    let (head, tail) = (&first[..open], &first[close + 1..]);
                    text.len() > head.len() + tail.len() && text.starts_with(head) && text.ends_with(tail)
                }
                _ => first == text,
            };
            fits && matches(template, path)
        }
        (_, _) => false,
    }
}

/// Checks whether one template is more specific than another that matches the same path: nowhere less, and somewhere more.
fn is_above(one: &[&str], other: &[&str]) -> bool {
    let rank = |segments: &[&str], at: usize| match segments.get(at) {
        Some(segment) if is_rest(segment) => 0,
        Some(segment) if segment.contains('{') => 1,
        Some(_) => 2,
        None => 3,
    };
    let rests = |segments: &[&str]| segments.iter().any(|segment| is_rest(segment));
    if rests(one) != rests(other) {
        return rests(other);
    }
    let ranks: Vec<_> = (0..one.len().max(other.len())).map(|at| (rank(one, at), rank(other, at))).collect();
    // Behind the end of a rest nothing counts.
    let until = ranks.iter().position(|(one, other)| *one == 0 || *other == 0).map_or(ranks.len(), |at| at + 1);
    let ranks = &ranks[..until];
    ranks.iter().all(|(one, other)| one >= other) && ranks.iter().any(|(one, other)| one > other)
}

/// Returns the requirements that the description may mean for a request: of its most specific operations.
fn asked<'o>(operations: &'o [Operation], method: &str, path: &str) -> Vec<&'o Security> {
    let path: Vec<&str> = path.split('/').skip(1).collect();
    let of_method = |template: &str, of: &str| {
        let named = |(one, at, _): &Operation| *one == template && *at == method;
        of == method || of == ANY_METHOD && !operations.iter().any(named)
    };
    let matching: Vec<_> = operations
        .iter()
        .filter(|(template, of, _)| of_method(template, of) && matches(&segments(template), &path))
        .map(|(template, _, security)| (segments(template), security))
        .collect();
    let meant = |(one, _): &&(Vec<&str>, &Security)| !matching.iter().any(|(other, _)| is_above(other, one));
    matching.iter().filter(meant).map(|(_, security)| *security).collect()
}

/// What a request shows.
#[derive(Debug)]
enum Shown {
    /// A token with these scopes, or nothing.
    Token(Caller),
    /// A key of the gateway's with these scopes.
    Key(Vec<&'static str>),
}

/// Checks whether the description lets the caller in: nobody knows the other credential, and a token, but no key, stands for one if that alone
/// is asked. A key that no requirement of the description names by itself is like that, too.
fn description_lets_in(security: &Security, knows_keys: bool, shown: &Shown) -> bool {
    let Some(security) = security else { return false };
    let is_unknown = |(other, key, token): &Way| (other.is_some() || *key && !knows_keys) && token.is_none();
    let by_others_alone = security.iter().all(|way| is_unknown(way) && !(way.1 && knows_keys));
    let shows_a_token = matches!(shown, Shown::Token(Some(_)));
    security.is_empty()
        || by_others_alone && shows_a_token
        || security.iter().any(|(other, key, token)| match (token, shown) {
            (None, _) if other.is_none() && !key => true,
            (None, Shown::Key(_)) => *key && knows_keys && other.is_none_or(|other| other == IN_QUERY),
            (Some(needed), Shown::Token(Some(has))) => {
                !(*key && knows_keys) && needed.iter().all(|scope| has.contains(scope))
            }
            _ => false,
        })
}

fn gateway_lets_in(access: Option<&Access>, shown: &Shown) -> bool {
    let Some(access) = access else { return true };
    let needed = &access.requirements;
    let (has, by_key) = match shown {
        Shown::Token(None) => return needed.optional,
        Shown::Token(Some(has)) => (has, false),
        Shown::Key(has) => (has, true),
    };
    let has = |scope: &String| has.contains(&scope.as_str());
    access.authorizers().iter().any(|one| one.api_keys().is_some() == by_key)
        && needed.scopes.iter().all(has)
        && (needed.any_scopes.is_empty() || needed.any_scopes.iter().any(has))
}

/// Returns what the gateway asks of a request that it forwards.
fn forwarded<'c>(config: &'c Config, method: &str, path: &str) -> Option<Option<&'c Access>> {
    let Found::Route(found) = config.routes.find(method, "", path) else { return None };
    let path = &config.paths[found.index];
    matches!(path.integration, Integration::HttpProxy { .. }).then_some(path.access.as_ref())
}

/// Checks that the config made of a description lets nobody in whom the description keeps out.
fn check(operations: &[Operation]) -> Result<(), String> {
    let Imported::Config { config, notes, .. } = import(&described(operations), &Wishes::default(), "test") else {
        return Ok(());
    };
    let loaded = load(&config, &SomeValue).map_err(|mistakes| format!("{mistakes:?}"))?;
    let ways = || operations.iter().flat_map(|(_, _, security)| security.iter().flatten());
    let knows_keys = ways().any(|way| matches!(way, (None, true, None)));
    for (request, method) in REQUESTS.iter().flat_map(|request| ASKED.map(|method| (request, method))) {
        let Some(access) = forwarded(&loaded, &method.to_ascii_uppercase(), request) else { continue };
        let asked = asked(operations, method, request);
        let tokens = [None, Some(vec![]), Some(vec!["one"]), Some(vec!["two", "three"]), Some(SCOPES.to_vec())];
        let keys = [vec![], SCOPES.to_vec()];
        for caller in tokens.into_iter().map(Shown::Token).chain(keys.into_iter().map(Shown::Key)) {
            let lets_in = |security: &&Security| description_lets_in(security, knows_keys, &caller);
            if gateway_lets_in(access, &caller)
                && let Some(security) = asked.iter().find(|security| !lets_in(security))
            {
                return Err(format!("{method} {request} by {caller:?}, {security:?}:\n{config}\n{notes:#?}"));
            }
        }
    }
    Ok(())
}

/// Descriptions of which a config was once more open than they are.
fn found_before() -> [(&'static str, Vec<Operation>); 5] {
    let a_token_or_none = || Some(vec![(None, false, Some(vec![])), (None, false, None)]);
    [
        (
            "a blocked rest that a longer one comes before",
            vec![("/{x}/b/{proxy+}", ANY_METHOD, None), ("/a/{x}/c/{proxy+}", "get", Some(vec![]))],
        ),
        (
            "a blocked method of one of two rests, of which the longer one is behind a parameter",
            vec![
                ("/a/{proxy+}", "get", None),
                ("/a/{proxy+}", ANY_METHOD, a_token_or_none()),
                ("/{x}/b/{proxy+}", ANY_METHOD, Some(vec![])),
            ],
        ),
        (
            "a blocked rest where two longer ones meet further down",
            vec![
                ("/a/b/{proxy+}", "get", None),
                ("/a/{x}/c/{proxy+}", ANY_METHOD, a_token_or_none()),
                ("/{x}/b/{y}/d/{proxy+}", ANY_METHOD, Some(vec![])),
            ],
        ),
        (
            "a key and a user at once, where a key is enough elsewhere",
            vec![
                ("/a", "get", Some(vec![(None, true, None)])),
                ("/a/b", "get", Some(vec![(Some("users"), true, None)])),
            ],
        ),
        (
            "a key where a client certificate may be meant",
            vec![
                ("/a/{x}", "get", Some(vec![(Some("certificate"), false, None)])),
                ("/{x}/b", "get", Some(vec![(None, true, None)])),
            ],
        ),
    ]
}

#[test]
fn what_was_found_before_stays_mended() {
    for (message, operations) in found_before() {
        check(&operations).unwrap_or_else(|fault| panic!("{message}: {fault}"));
    }
}

/// Takes at least 2048 descriptions, or as many as `PROPTEST_CASES` says.
fn config() -> ProptestConfig {
    let common = ProptestConfig::default();
    ProptestConfig { cases: common.cases.max(2048), failure_persistence: None, ..common }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn nobody_is_let_in_whom_the_description_keeps_out(operations in operations()) {
        check(&operations).map_err(TestCaseError::fail)?;
    }
}
