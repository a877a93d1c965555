//! The path of a request and the patterns of routes: against a matcher that knows no tree.

use std::collections::BTreeSet;

use bargate::encoding::decode_percent_into;
use bargate::route::{Found, Guard, Host, Method, MethodRule, Pattern, PatternError, RouteSpec, RouteTable, parameter};

use super::text::{fields, text};

/// What is asked of a route whose line begins with this.
const GUARDED: char = '!';

/// How many routes a table has at most: enough for each to stand in the way of others.
const ROUTES_MAX: usize = 12;

struct Route {
    rule: MethodRule,
    pattern: Pattern,
    is_guarded: bool,
}

/// A path on the first line, a route on each further one: `GET /a/{b}`, with `!` before it if it asks for more than others.
pub fn check(bytes: &[u8]) {
    let Some(text) = text(bytes) else { return };
    let [path, lines] = fields(text);
    let routes: Vec<_> = lines.lines().take(ROUTES_MAX).filter_map(route).collect();
    let spec = |route: &Route| {
        let mut guard = Guard::new(true);
        if route.is_guarded {
            guard.demand("auth", "a token");
        }
        let (method, pattern) = (route.rule, route.pattern.clone());
        RouteSpec { method, host: Host::default(), pattern, encoded_slashes: false, guard }
    };
    let Ok(table) = RouteTable::build(routes.iter().map(spec).collect()) else { return };
    for method in ["GET", "HEAD", "POST", "OPTIONS", "BREW"] {
        match table.find(method, "", path) {
            Found::Route(found) => {
                assert_eq!(found.path, path, "what is matched is what is forwarded");
                assert!(path.ends_with(found.forward_path("")) && found.forward_path("").starts_with('/'));
                assert_unambiguous(path);
                assert_eq!(Some(found.index), best(&routes, method, path), "{method} {path}");
                assert_parameters(&found, path);
                assert_not_loosely_guarded(&routes, method, path, found.index);
            }
            Found::MethodNotAllowed(allow) => {
                assert!(Method::parse(method).is_none_or(|method| !allow.contains(method)));
                assert_eq!(best(&routes, method, path), None);
                assert_allowed(&table, &routes, path, |other| allow.contains(other));
            }
            Found::NotFound => {
                assert_eq!(best(&routes, method, path), None);
                assert_allowed(&table, &routes, path, |_| false);
            }
            Found::Ambiguous(_) => {}
        }
    }
}

/// Asserts that each method is allowed for which there is a route, and no other. With one that is not, a path with several readings may be
/// refused: to methods that no route has for it as it stands, that is another path.
fn assert_allowed(table: &RouteTable, routes: &[Route], path: &str, is_allowed: impl Fn(Method) -> bool) {
    for method in Method::ALL {
        let is_there = best(routes, method.as_str(), path).is_some();
        let is_refused = || matches!(table.find(method.as_str(), "", path), Found::Ambiguous(_));
        assert!(is_there == is_allowed(method) || is_there && is_refused(), "{method} {path}");
    }
}

/// Reads a route; a pattern that is one stays as it is once it has been written.
fn route(line: &str) -> Option<Route> {
    let (line, is_guarded) = line.strip_prefix(GUARDED).map_or((line, false), |line| (line, true));
    let (method, written) = line.split_once(' ')?;
    let pattern = Pattern::parse(written).ok()?;
    match Pattern::parse(pattern.as_str()) {
        Ok(again) => assert_eq!(again, pattern),
        // A star or a colon that was written encoded stands there as it is.
        Err(error) => assert!(matches!(error, PatternError::ForeignSyntax { .. }), "{error}: {pattern}"),
    }
    let names: Vec<_> = pattern.param_names().collect();
    assert_eq!(names.iter().collect::<BTreeSet<_>>().len(), names.len(), "no name is there twice");
    Some(Route { rule: MethodRule::parse(method)?, pattern, is_guarded })
}

/// Returns the segments of a path, decoded.
fn decoded(path: &str) -> Vec<Vec<u8>> {
    let decode = |segment: &str| {
        let mut bytes = Vec::new();
        // An invalid escape stays as it is.
        let _ = decode_percent_into(segment.as_bytes(), &mut bytes);
        bytes
    };
    path.split('/').skip(1).map(decode).collect()
}

/// Asserts that no server could split a path elsewhere, or go up in it.
fn assert_unambiguous(path: &str) {
    for segment in decoded(path) {
        let name = segment.split(|byte| *byte == b';').next().unwrap_or_default();
        assert!(![&b"."[..], b".."].contains(&name), "{path}");
        assert!(!segment.iter().any(|byte| matches!(byte, b'/' | b'\\' | 0..=0x1f | 0x7f)), "{path}");
    }
    assert!(path.starts_with('/') && !path.contains(['?', '#']));
}

/// The kinds of segments, the better first.
fn kind(segment: &str) -> u8 {
    match (segment.starts_with('{'), segment.ends_with("+}")) {
        (true, true) => 2,
        (true, false) => 1,
        _ => 0,
    }
}

fn matches(pattern: &str, segments: &[Vec<u8>]) -> bool {
    let parts: Vec<&str> = pattern.split('/').skip(1).collect();
    for (index, part) in parts.iter().enumerate() {
        let is_met = match (kind(part), segments.get(index)) {
            (2, _) => return true,
            (1, Some(segment)) => !segment.is_empty(),
            (_, Some(segment)) => decoded(&["/", part].concat())[0] == *segment,
            (_, None) => false,
        };
        if !is_met {
            return false;
        }
    }
    parts.len() == segments.len()
}

/// Returns how a route comes behind others that match, first by its pattern and then by its method; `None` if it does not answer.
fn rank(route: &Route, method: &str) -> Option<(bool, Vec<u8>, u8)> {
    let kinds: Vec<u8> = route.pattern.as_str().split('/').skip(1).map(kind).collect();
    let of_method = match route.rule.as_str() {
        own if own == method => 0,
        "GET" if method == "HEAD" => 1,
        "ANY" => 2,
        _ => return None,
    };
    Some((kinds.contains(&2), kinds, of_method))
}

/// Finds the best route by looking at each.
fn best(routes: &[Route], method: &str, path: &str) -> Option<usize> {
    best_of(routes, method, &decoded(path), |pattern| pattern.to_owned())
}

fn best_of(routes: &[Route], method: &str, segments: &[Vec<u8>], reading: fn(&str) -> String) -> Option<usize> {
    let mut matching: Vec<_> = (0..routes.len())
        .filter(|index| matches(&reading(routes[*index].pattern.as_str()), segments))
        .filter_map(|index| Some((rank(&routes[index], method)?, index)))
        .collect();
    matching.sort();
    // Of a literal and a parameter in one place the literal comes first, and of two patterns the longer.
    matching.into_iter().map(|(_, index)| index).next()
}

/// Asserts that each parameter has what the path has in its place.
fn assert_parameters(found: &bargate::route::Match<'_, '_>, path: &str) {
    for (name, value) in found.params() {
        assert!(path.contains(value));
        let given = parameter(found.pattern, path, name);
        let is_rest = found.pattern.contains(&format!("{{{name}+}}"));
        if is_rest {
            // Of a path that ends before its wildcard there is no rest.
            assert_eq!(given.unwrap_or_default(), value, "{name} of {path}");
        } else {
            let segment = decoded(&["/", value].concat()).remove(0);
            assert_eq!(given, String::from_utf8(segment).ok(), "{name} of {path}");
        }
        assert!(is_rest || !value.is_empty());
    }
}

/// Asserts that a server that ignores letter case, or a last slash, would not take the path for one that asks for more.
fn assert_not_loosely_guarded(routes: &[Route], method: &str, path: &str, found: usize) {
    if routes[found].is_guarded {
        return;
    }
    let readings: [fn(&str) -> String; 2] = [str::to_ascii_lowercase, without_slash];
    for reading in readings {
        let read = reading(path);
        // What is encoded is in lower case as well, once it is decoded.
        let segments: Vec<_> = decoded(&read).into_iter().map(|segment| segment.to_ascii_lowercase()).collect();
        let Some(other) = best_of(routes, method, &segments, reading) else { continue };
        let (other, own) = (&routes[other], &routes[found]);
        assert!(!other.is_guarded || shape(other) == shape(own), "{method} {path} may be {read}, {}", other.pattern);
    }
}

/// Returns a path or a pattern in lower case and without its last slash.
fn without_slash(text: &str) -> String {
    let text = text.to_ascii_lowercase();
    text.strip_suffix('/').filter(|text| !text.is_empty()).map_or(text.clone(), str::to_owned)
}

/// Returns the pattern of a route with its kinds of segments in the place of names.
fn shape(route: &Route) -> Vec<String> {
    let parts = route.pattern.as_str().split('/');
    parts.map(|part| if kind(part) > 0 { kind(part).to_string() } else { part.to_owned() }).collect()
}
