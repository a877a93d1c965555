//! Whether a config lets nobody in whom its description keeps out, for descriptions and requests of every kind.

use bargate::config::{Access, Binding, Bindings, Config, Integration, Reference, load};
use bargate::route::Found;
use proptest::prelude::*;

use super::{Imported, Wishes, import};
use crate::ordered_json::Json;

/// Templates, and requests that they match.
const TEMPLATES: [&str; 8] = ["/a", "/r-5", "/{x}", "/{y}", "/r-{x}", "/{x}.json", "/a/{x}", "/a/b{y}"];

const REQUESTS: [&str; 7] = ["/a", "/r-5", "/b", "/r-5.json", "/a.json", "/a/b", "/a/bc"];

const METHODS: [&str; 3] = ["get", "post", "head"];

const SCOPES: [&str; 3] = ["one", "two", "three"];

/// Whom a request is by: nobody, or somebody whose token has these scopes.
type Caller = Option<Vec<&'static str>>;

/// The alternatives of a requirement; those with a key ask for what no token shows.
type Security = Vec<(bool, Caller)>;

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
    proptest::collection::vec((prop::bool::weighted(0.1), proptest::option::weighted(0.8, scopes)), 0..4)
}

/// Operations by template and method.
fn operations() -> impl Strategy<Value = Vec<((usize, usize), Security)>> {
    let place = (0..TEMPLATES.len(), 0..METHODS.len());
    proptest::collection::btree_map(place, securities(), 1..12).prop_map(|map| map.into_iter().collect())
}

fn described(operations: &[((usize, usize), Security)]) -> Json {
    let mut paths: Vec<(String, Json)> = Vec::new();
    for ((template, method), security) in operations {
        let alternatives = security.iter().map(|(key, token)| {
            let mut schemes = Vec::new();
            schemes.extend(key.then(|| ("key".to_owned(), Json::Array(Vec::new()))));
            let scopes = |scopes: &Vec<&str>| Json::Array(scopes.iter().map(|scope| Json::from(*scope)).collect());
            schemes.extend(token.as_ref().map(|token| ("token".to_owned(), scopes(token))));
            Json::Object(schemes)
        });
        let operation = Json::object([("security", Json::Array(alternatives.collect()))]);
        let member = (METHODS[*method].to_owned(), operation);
        match paths.iter_mut().find(|(name, _)| name == TEMPLATES[*template]) {
            Some((_, Json::Object(members))) => members.push(member),
            _ => paths.push((TEMPLATES[*template].to_owned(), Json::Object(vec![member]))),
        }
    }
    let schemes = r#"{"key": {"type": "apiKey"}, "token": {"type": "http", "scheme": "bearer"}}"#;
    let schemes = serde_json::from_str(schemes).unwrap();
    Json::object([
        ("openapi", "3.1.0".into()),
        ("paths", Json::Object(paths)),
        ("components", Json::object([("securitySchemes", schemes)])),
    ])
}

/// Tells whether a template matches a path.
fn matches(template: &str, path: &str) -> bool {
    let (template, path): (Vec<_>, Vec<_>) = (template.split('/').collect(), path.split('/').collect());
    template.len() == path.len()
        && template.iter().zip(&path).all(|(segment, text)| match (segment.find('{'), segment.find('}')) {
            (Some(open), Some(close)) => {
                let (head, tail) = (&segment[..open], &segment[close + 1..]);
                text.len() > head.len() + tail.len() && text.starts_with(head) && text.ends_with(tail)
            }
            _ => segment == text,
        })
}

/// Tells whether the description lets the caller in: nobody knows the key, and a token stands for one where that alone is asked.
fn description_lets_in(security: &Security, caller: &Caller) -> bool {
    let by_key_alone = security.iter().all(|(key, token)| *key && token.is_none());
    security.is_empty()
        || by_key_alone && caller.is_some()
        || security.iter().any(|(key, token)| match (token, caller) {
            (None, _) => !key,
            (Some(_), None) => false,
            (Some(needed), Some(has)) => needed.iter().all(|scope| has.contains(scope)),
        })
}

fn gateway_lets_in(access: Option<&Access>, caller: &Caller) -> bool {
    let Some(access) = access else { return true };
    let Some(has) = caller else { return access.optional };
    let has = |scope: &String| has.contains(&scope.as_str());
    access.scopes.iter().all(has) && (access.any_scopes.is_empty() || access.any_scopes.iter().any(has))
}

/// Gives what the gateway asks of a request that it forwards.
fn forwarded<'c>(config: &'c Config, method: &str, path: &str) -> Option<Option<&'c Access>> {
    let Found::Route(found) = config.routes.find(method, path) else { return None };
    let path = &config.paths[found.index];
    matches!(path.integration, Integration::HttpProxy { .. }).then_some(path.access.as_ref())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1024, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn nobody_is_let_in_whom_the_description_keeps_out(operations in operations()) {
        let Imported::Config { config, .. } = import(&described(&operations), &Wishes::default(), "test") else {
            return Ok(());
        };
        let loaded = load(&config, &SomeValue).map_err(|mistakes| TestCaseError::fail(format!("{mistakes:?}")))?;
        for (request, method) in REQUESTS.iter().flat_map(|request| METHODS.map(|method| (request, method))) {
            let Some(access) = forwarded(&loaded, &method.to_ascii_uppercase(), request) else { continue };
            // A path without parameters comes before those with some.
            let literal = operations.iter().any(|((template, _), _)| TEMPLATES[*template] == *request);
            let asked: Vec<_> = operations
                .iter()
                .filter(|((template, of_method), _)| {
                    let template = TEMPLATES[*template];
                    METHODS[*of_method] == method && if literal { template == *request } else { matches(template, request) }
                })
                .collect();
            for caller in [None, Some(vec![]), Some(vec!["one"]), Some(vec!["two", "three"]), Some(SCOPES.to_vec())] {
                for (_, security) in &asked {
                    prop_assert!(
                        !gateway_lets_in(access, &caller) || description_lets_in(security, &caller),
                        "{method} {request} by {caller:?}, {security:?}:\n{config}"
                    );
                }
            }
        }
    }
}
