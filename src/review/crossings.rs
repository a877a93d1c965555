//! Pairs of routes that both match a request, although neither matches all that the other does, and the one that takes it requires
//! less: the author of the other may think that it guards requests that it does not get.
//!
//! If one pattern lies within the other, precedence is what people expect, and [`super::route_warnings`] handles such pairs. This
//! module walks the tree of all patterns against itself, so that it looks at what two patterns have in common once for all that
//! begin alike; if nothing below requires more than something on the other side, it does not look at all. Each host has a tree of its own.

use std::collections::{BTreeMap, HashMap};

use super::outline::OutlinedRoute;
use super::patterns::{common_host, common_pattern, example_paths, methods, shape};
use crate::config::path::keys;
use crate::route::{Found, Guard, Host, Method, MethodRule, Pattern, RouteTable};

/// Rules about bodies, which requests by GET or HEAD have none of.
pub(super) const BODY_RULES: [&str; 2] = [keys::CONTENT_TYPES.name, keys::MAX_BODY_BYTES.name];

/// How many pairs of nodes and of routes are looked at: no config that people write has as many, and a hostile one must not hold
/// up a build.
const PAIRS_MAX: usize = 4_000_000;

/// How many of them one search for the taker of what two patterns have in common counts as.
const PAIRS_OF_SEARCH: usize = 200;

/// How many pairs of guards are compared to save a look at two nodes.
const GUARDS_COMPARED_MAX: usize = 64;

/// A route that requires more, whose requests another one takes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Crossing {
    /// Index of the route that requires more.
    pub stricter: usize,
    /// The paths that both match, as a pattern.
    pub common: String,
}

/// Finds for each route that takes requests from a stricter one which that is; of several, one.
pub(super) fn crossings(routes: &[OutlinedRoute], table: &RouteTable) -> BTreeMap<usize, Crossing> {
    let mut walk = Walk::new(routes, table);
    walk.compare_all();
    walk.found
}

/// A prefix of patterns.
#[derive(Default)]
struct Node {
    literals: BTreeMap<String, usize>,
    parameter: Option<usize>,
    /// The routes whose pattern ends here.
    ends: Vec<usize>,
    /// Those that have a wildcard behind this.
    rests: Vec<usize>,
    /// The guards of all of them and of those below, each once.
    guards: Vec<usize>,
}

impl Node {
    fn children(&self) -> impl Iterator<Item = usize> {
        self.literals.values().copied().chain(self.parameter)
    }
}

/// How two prefixes relate to each other, that of a route which may take requests and that of a stricter one.
#[derive(Clone, Copy, Default)]
struct Shape {
    /// Whether the taker has a literal where the stricter one has a parameter, or more segments than its wildcard.
    taker_is_narrower: bool,
    /// The same the other way round.
    stricter_is_narrower: bool,
    /// Whether it was the taker that had the first such literal.
    taker_is_first: Option<bool>,
}

impl Shape {
    fn crosses(self) -> bool {
        self.taker_is_narrower && self.stricter_is_narrower
    }

    fn with_literal_of_taker(self) -> Self {
        Self { taker_is_narrower: true, taker_is_first: self.taker_is_first.or(Some(true)), ..self }
    }

    fn with_literal_of_stricter(self) -> Self {
        Self { stricter_is_narrower: true, taker_is_first: self.taker_is_first.or(Some(false)), ..self }
    }
}

struct Walk<'r> {
    routes: &'r [OutlinedRoute],
    table: &'r RouteTable,
    nodes: Vec<Node>,
    /// The node of each host, at which its tree begins.
    roots: BTreeMap<&'r Host, usize>,
    /// Each guard that a route has, once.
    guards: Vec<&'r Guard>,
    /// Which of them each route has.
    guard_of: Vec<usize>,
    /// Whether one of them requires more than another.
    asks_more: HashMap<(usize, usize), bool>,
    pairs: usize,
    found: BTreeMap<usize, Crossing>,
}

impl<'r> Walk<'r> {
    fn new(routes: &'r [OutlinedRoute], table: &'r RouteTable) -> Self {
        let mut walk = Self {
            routes,
            table,
            nodes: Vec::new(),
            roots: BTreeMap::new(),
            guards: Vec::new(),
            guard_of: Vec::new(),
            asks_more: HashMap::new(),
            pairs: 0,
            found: BTreeMap::new(),
        };
        walk.grow();
        walk
    }

    fn grow(&mut self) {
        let mut known: HashMap<&Guard, usize> = HashMap::new();
        for (index, route) in self.routes.iter().enumerate() {
            let guard = *known.entry(&route.spec.guard).or_insert(self.guards.len());
            if guard == self.guards.len() {
                self.guards.push(&route.spec.guard);
            }
            self.guard_of.push(guard);
            let mut at = *self.roots.entry(&route.spec.host).or_insert(self.nodes.len());
            if at == self.nodes.len() {
                self.nodes.push(Node::default());
            }
            self.note_guard(at, guard);
            let segments = route.spec.pattern.as_str().split('/').skip(1);
            for segment in segments.filter(|segment| !segment.ends_with("+}")) {
                at = self.child(at, segment);
                self.note_guard(at, guard);
            }
            if let Some(node) = self.nodes.get_mut(at) {
                if route.spec.pattern.is_wildcard() { node.rests.push(index) } else { node.ends.push(index) }
            }
        }
    }

    fn compare_all(&mut self) {
        let roots: Vec<_> = self.roots.iter().map(|(host, root)| (*host, *root)).collect();
        for (_, root) in &roots {
            self.compare(*root, *root, Shape::default());
        }
        let pairs = roots.iter().flat_map(|one| roots.iter().map(move |other| (*one, *other)));
        for ((taking, taker), (host, stricter)) in
            pairs.filter(|((one, _), (other, _))| one != other && other.contains(one))
        {
            if !self.is_vain(taker, stricter) {
                self.compare_hosts(taking, host);
            }
        }
    }

    /// Finds the takers of a host that take requests from routes of another one, which it lies within: they come first, whatever the paths.
    fn compare_hosts(&mut self, taking: &Host, host: &Host) {
        let of = |host: &Host| {
            let routes = self.routes.iter().enumerate().filter(|(_, route)| route.spec.host == *host);
            routes.map(|(index, route)| (index, &route.spec.pattern)).collect::<Vec<_>>()
        };
        let (takers, stricter) = (of(taking), of(host));
        for ((taker, one), (stricter, other)) in
            takers.iter().flat_map(|one| stricter.iter().map(move |other| (one, other)))
        {
            if self.pairs > PAIRS_MAX {
                return;
            }
            // If it matches nothing else, precedence is what people expect.
            let common = common_pattern(one, other).and_then(|common| Pattern::parse(&common).ok());
            if common.is_some_and(|common| shape(&common) != shape(one)) {
                self.consider(*taker, *stricter);
            }
        }
    }

    fn child(&mut self, at: usize, segment: &str) -> usize {
        let fresh = self.nodes.len();
        let Some(node) = self.nodes.get_mut(at) else { return at };
        let child = match segment.starts_with('{') {
            true => *node.parameter.get_or_insert(fresh),
            false => *node.literals.entry(segment.to_owned()).or_insert(fresh),
        };
        if child == fresh {
            self.nodes.push(Node::default());
        }
        child
    }

    fn note_guard(&mut self, at: usize, guard: usize) {
        if let Some(node) = self.nodes.get_mut(at)
            && let Err(place) = node.guards.binary_search(&guard)
        {
            node.guards.insert(place, guard);
        }
    }

    fn asks_more(&mut self, stricter: usize, taker: usize) -> bool {
        let (Some(one), Some(other)) = (self.guards.get(stricter), self.guards.get(taker)) else { return false };
        *self.asks_more.entry((stricter, taker)).or_insert_with(|| one.asks_more_than(other))
    }

    /// Checks whether nothing need be looked for at two nodes and below.
    fn is_vain(&mut self, taker: usize, stricter: usize) -> bool {
        self.pairs += 1;
        if self.pairs > PAIRS_MAX {
            return true;
        }
        let guards = |node: usize| self.nodes.get(node).map(|node| node.guards.as_slice()).unwrap_or_default();
        let (takers, stricter) = (guards(taker), guards(stricter));
        // Of many routes some require more than others, and to compare them all would cost more than to look.
        if takers.len() * stricter.len() > GUARDS_COMPARED_MAX {
            return false;
        }
        let (takers, stricter) = (takers.to_vec(), stricter.to_vec());
        !stricter.iter().any(|stricter| takers.iter().any(|taker| self.asks_more(*stricter, *taker)))
    }

    /// Finds the takers at a node and below it that take requests from routes at another and below that.
    fn compare(&mut self, taker: usize, stricter: usize, shape: Shape) {
        if self.is_vain(taker, stricter) {
            return;
        }
        let (Some(one), Some(other)) = (self.nodes.get(taker), self.nodes.get(stricter)) else { return };
        let mut below = Vec::new();
        let (fewer, more) = match one.literals.len() < other.literals.len() {
            true => (&one.literals, &other.literals),
            false => (&other.literals, &one.literals),
        };
        for text in fewer.keys().filter(|text| more.contains_key(*text)) {
            below.extend(
                one.literals.get(text).copied().zip(other.literals.get(text).copied()).map(|pair| (pair, shape)),
            );
        }
        // No parameter is empty.
        let named = |node: &Node| {
            node.literals.iter().filter(|(text, _)| !text.is_empty()).map(|(_, child)| *child).collect::<Vec<_>>()
        };
        if let Some(parameter) = other.parameter {
            below.extend(named(one).into_iter().map(|child| ((child, parameter), shape.with_literal_of_taker())));
        }
        if let Some(parameter) = one.parameter {
            below.extend(named(other).into_iter().map(|child| ((parameter, child), shape.with_literal_of_stricter())));
        }
        below.extend(one.parameter.zip(other.parameter).map(|pair| (pair, shape)));

        let (ends, rests) = (one.ends.clone(), one.rests.clone());
        let (other_ends, other_rests) = (other.ends.clone(), other.rests.clone());
        let is_first = shape.taker_is_first == Some(true);
        for route in &ends {
            // Any route without a wildcard comes before one that has it, and matches less at the end.
            let taken = if shape.stricter_is_narrower { other_rests.as_slice() } else { &[] };
            let alike = if shape.crosses() && is_first { other_ends.as_slice() } else { &[] };
            taken.iter().chain(alike).for_each(|other| self.consider(*route, *other));
        }
        for route in rests.iter().filter(|_| shape.taker_is_narrower && is_first) {
            if shape.crosses() {
                other_rests.iter().for_each(|other| self.consider(*route, *other));
            }
            self.consider_stricter_below(*route, stricter);
        }
        for route in other_rests.iter().filter(|_| shape.stricter_is_narrower) {
            self.consider_takers_below(*route, taker, is_first);
        }
        for ((taker, stricter), shape) in below {
            self.compare(taker, stricter, shape);
        }
    }

    /// Looks among the wildcards below a node for one from which the wildcard of `taker` takes requests: those without come first.
    fn consider_stricter_below(&mut self, taker: usize, node: usize) {
        for child in self.children(node) {
            let guard = self.guard_of.get(taker).copied().unwrap_or_default();
            if self.found.contains_key(&taker) || !self.has_guard(child, &mut |walk, own| walk.asks_more(own, guard)) {
                continue;
            }
            let rests = self.nodes.get(child).map(|node| node.rests.clone()).unwrap_or_default();
            rests.iter().for_each(|other| self.consider(taker, *other));
            self.consider_stricter_below(taker, child);
        }
    }

    /// Looks below a node for routes that take requests from the wildcard of `stricter`; those with a wildcard if they come first.
    fn consider_takers_below(&mut self, stricter: usize, node: usize, wildcards_too: bool) {
        for child in self.children(node) {
            let guard = self.guard_of.get(stricter).copied().unwrap_or_default();
            if !self.has_guard(child, &mut |walk, own| walk.asks_more(guard, own)) {
                continue;
            }
            let Some(node) = self.nodes.get(child) else { continue };
            let rests = if wildcards_too { node.rests.as_slice() } else { &[] };
            let takers = [node.ends.as_slice(), rests].concat();
            takers.iter().for_each(|taker| self.consider(*taker, stricter));
            self.consider_takers_below(stricter, child, wildcards_too);
        }
    }

    fn children(&self, node: usize) -> Vec<usize> {
        self.nodes.get(node).map(|node| node.children().collect()).unwrap_or_default()
    }

    /// Checks whether a route at a node or below it has a guard that fits; no, once enough has been looked at.
    fn has_guard(&mut self, node: usize, fits: &mut dyn FnMut(&mut Self, usize) -> bool) -> bool {
        let count = self.nodes.get(node).map_or(0, |node| node.guards.len());
        (0..count).any(|place| {
            self.pairs += 1;
            let guard = self.nodes.get(node).and_then(|node| node.guards.get(place)).copied();
            self.pairs <= PAIRS_MAX && guard.is_some_and(|guard| fits(self, guard))
        })
    }

    fn consider(&mut self, taker: usize, stricter: usize) {
        self.pairs += 1;
        if self.pairs <= PAIRS_MAX
            && !self.found.contains_key(&taker)
            && let Some(common) = self.paths_taken(taker, stricter)
        {
            self.found.insert(taker, Crossing { stricter, common });
        }
    }

    /// Returns the pattern of the paths that both routes match, if requests for them go to `taker` and `stricter` requires more.
    fn paths_taken(&mut self, taker: usize, stricter: usize) -> Option<String> {
        let index = taker;
        let guard = |route: usize| self.guard_of.get(route).copied();
        let guards = guard(stricter).zip(guard(taker))?;
        if !self.asks_more(guards.0, guards.1) {
            return None;
        }
        self.pairs += PAIRS_OF_SEARCH;
        let (taker, stricter) = (&self.routes.get(taker)?.spec, &self.routes.get(stricter)?.spec);
        let shared_host = common_host(&taker.host, &stricter.host)?;
        let host = shared_host.example();
        let common = common_pattern(&taker.pattern, &stricter.pattern)?;
        let answers = |rule: MethodRule, method: Method| {
            methods(rule).contains(&method) || (rule, method) == (MethodRule::Exact(Method::Get), Method::Head)
        };
        // What a preflight gets to see, a page could not see otherwise.
        let shared = Method::ALL.into_iter().filter(|method| {
            *method != Method::Options && answers(taker.method, *method) && answers(stricter.method, *method)
        });
        let paths = example_paths(&common);
        // Another route may exist for exactly these paths.
        let mut taken =
            shared.flat_map(|method| paths.iter().map(move |path| (method, path))).filter(|(method, path)| {
                let bodiless = matches!(method, Method::Get | Method::Head);
                (!bodiless || stricter.guard.without(&BODY_RULES).asks_more_than(&taker.guard))
                    && matches!(self.table.find(method.as_str(), &host, path), Found::Route(found) if found.index == index)
            });
        taken.next().is_some().then(|| [shared_host.as_str(), &common].concat())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::review::outline::Outline;

    /// Returns what is found in a config of these routes, each of a method, a path and whether it needs a token.
    fn found(routes: &[(&str, &str, bool)]) -> Vec<String> {
        let entry = |(method, path, auth): &(&str, &str, bool)| {
            format!(r#"{{"method": "{method}", "path": "{path}", "auth": {auth}, "response": 1}}"#)
        };
        found_in(&routes.iter().map(entry).collect::<Vec<_>>())
    }

    fn found_in(entries: &[String]) -> Vec<String> {
        let source = format!(
            r#"{{"authorizer": {{"type": "jwt", "issuer": "https://a.example/", "audience": "b", "jwks_uri": "https://a.example/jwks"}}, "paths": [{}]}}"#,
            entries.join(",")
        );
        let outline = Outline::of(&source);
        assert_eq!(outline.routes.len(), entries.len());
        let table = RouteTable::build(outline.routes.iter().map(|route| route.spec.clone()).collect()).unwrap();
        let found = crossings(&outline.routes, &table);
        let path = |index: usize| outline.routes[index].spec.pattern.to_string();
        found.iter().map(|(taker, one)| format!("{} {} {}", path(*taker), one.common, path(one.stricter))).collect()
    }

    #[test]
    #[rustfmt::skip] // One row a line.
    fn a_route_that_takes_requests_which_another_guards_is_found() {
        const AUTH: bool = true;
        const OPEN: bool = false;
        type Row<'r> = (&'r str, &'r [(&'r str, &'r str, bool)], &'r [&'r str]);
        let table: [Row<'_>; 17] = [
            ("two wildcards", &[("ANY", "/{version}/admin/{.+}", AUTH), ("ANY", "/v1/{.+}", OPEN)], &["/v1/{.+} /v1/admin/{.+} /{version}/admin/{.+}"]),
            ("the other is open", &[("ANY", "/{version}/admin/{.+}", OPEN), ("ANY", "/v1/{.+}", AUTH)], &[]),
            ("both ask the same", &[("ANY", "/{version}/admin/{.+}", AUTH), ("ANY", "/v1/{.+}", AUTH)], &[]),
            ("no wildcard", &[("GET", "/{a}/b", AUTH), ("GET", "/a/{b}", OPEN)], &["/a/{b} /a/b /{a}/b"]),
            ("the guarded one comes first", &[("GET", "/a/{b}", AUTH), ("GET", "/{a}/b", OPEN)], &[]),
            ("other methods", &[("POST", "/{a}/b", AUTH), ("GET", "/a/{b}", OPEN)], &[]),
            ("a method of all", &[("ANY", "/{a}/b", AUTH), ("DELETE", "/a/{b}", OPEN)], &["/a/{b} /a/b /{a}/b"]),
            ("HEAD, which GET answers", &[("HEAD", "/{a}/b", AUTH), ("GET", "/a/{b}", OPEN)], &["/a/{b} /a/b /{a}/b"]),
            ("no path in common", &[("GET", "/{a}/b/{.+}", AUTH), ("GET", "/a/c/{.+}", OPEN), ("GET", "/a/{b}", OPEN)], &["/a/{b} /a/b /{a}/b/{.+}"]),
            ("no wildcard comes before one", &[("GET", "/a/{.+}", AUTH), ("GET", "/{x}/b", OPEN)], &["/{x}/b /a/b /a/{.+}"]),
            ("within the other", &[("GET", "/{x}/{y}", AUTH), ("GET", "/a/{y}", OPEN), ("GET", "/{x}/{.+}", OPEN)], &[]),
            ("an entry of their own for all they share", &[("ANY", "/{v}/admin/{.+}", AUTH), ("ANY", "/v1/{.+}", OPEN), ("ANY", "/v1/admin/{.+}", AUTH)], &[]),
            ("an entry for some of it", &[("ANY", "/{v}/admin/{.+}", AUTH), ("ANY", "/v1/{.+}", OPEN), ("ANY", "/v1/admin/{id}", AUTH)], &["/v1/{.+} /v1/admin/{.+} /{v}/admin/{.+}"]),
            ("an entry for one method of it", &[("ANY", "/{a}/b", AUTH), ("ANY", "/a/{b}", OPEN), ("GET", "/a/b", AUTH)], &["/a/{b} /a/b /{a}/b"]),
            ("far below a wildcard", &[("GET", "/{a}/x/y/{.+}", AUTH), ("GET", "/a/{.+}", OPEN)], &["/a/{.+} /a/x/y/{.+} /{a}/x/y/{.+}"]),
            ("a parameter is not empty", &[("GET", "/{a}/{b}/c", AUTH), ("GET", "/a/", OPEN)], &[]),
            ("both names twice", &[("GET", "/{x}/{y}/b", AUTH), ("GET", "/a/{x}/{y}", OPEN)], &["/a/{x}/{y} /a/{x}/b /{x}/{y}/b"]),
        ];
        for (message, routes, expected) in table {
            assert_eq!(found(routes), expected, "{message}");
            let reversed: Vec<_> = routes.iter().rev().copied().collect();
            assert_eq!(found(&reversed).len(), expected.len(), "{message}, in another order");
        }
    }

    #[test]
    fn what_a_host_takes_from_others_that_contain_it_is_found() {
        let route = |place: &str, auth: bool| {
            let (host, path) = place.split_at(place.find('/').unwrap());
            let host = if host.is_empty() { String::new() } else { format!(r#""host": "{host}", "#) };
            format!(r#"{{"method": "GET", {host}"path": "{path}", "auth": {auth}, "response": 1}}"#)
        };
        let table: [(&str, &str, &str, &[&str]); 7] = [
            ("a wildcard", "a.example/{.+}", "/admin", &["/{.+} a.example/admin /admin"]),
            (
                "a wildcard from a star",
                "a.example/{.+}",
                "*.example/admin/{x}",
                &["/{.+} a.example/admin/{x} /admin/{x}"],
            ),
            ("a star", "*.example/{x}", "/admin", &["/{x} *.example/admin /admin"]),
            ("the same path, which is meant", "a.example/admin", "/admin", &[]),
            ("a part of the path, which is meant", "a.example/admin/x", "/admin/{.+}", &[]),
            ("another host", "a.example/{.+}", "b.example/admin", &[]),
            ("a host within it, which comes first", "/{.+}", "a.example/admin", &[]),
        ];
        for (message, open, guarded, expected) in table {
            assert_eq!(found_in(&[route(open, false), route(guarded, true)]), expected, "{message}");
        }
    }

    #[test]
    fn the_way_does_not_miss_what_comparing_all_pairs_finds() {
        let segments = ["", "/a", "/b", "/{x}"];
        let mut paths: Vec<String> = Vec::new();
        for (one, other) in segments.iter().flat_map(|one| segments.iter().map(move |other| (one, other))) {
            for end in ["", "/c", "/{y}", "/{.+}"] {
                let path = format!("{one}{}{end}", other.replace('x', "z"));
                if !path.is_empty() && !paths.contains(&path) {
                    paths.push(path);
                }
            }
        }
        assert!(paths.len() > 40, "{}", paths.len());
        let mut pairs = 0;
        for (open, guarded) in paths.iter().flat_map(|one| paths.iter().map(move |other| (one, other))) {
            let (open, guarded) = (open.as_str(), guarded.as_str());
            if open == guarded || open.replace('z', "x") == guarded.replace('z', "x") {
                continue;
            }
            // One path of those that both match, and one that only each of them matches.
            let table = |path: &str| {
                let source = format!(r#"{{"paths": [{{"method": "GET", "path": "{path}", "response": 1}}]}}"#);
                let outline = Outline::of(&source);
                RouteTable::build(outline.routes.into_iter().map(|route| route.spec).collect()).unwrap()
            };
            let (ones, others) = (table(open), table(guarded));
            let is_taken = |table: &RouteTable, path: &str| matches!(table.find("GET", "", path), Found::Route(_));
            let samples = samples();
            let alone = |one: &RouteTable, other: &RouteTable| {
                samples.iter().any(|path| is_taken(one, path) && !is_taken(other, path))
            };
            let source = [("GET", open, false), ("GET", guarded, true)];
            let both = RouteTable::build(
                [open, guarded]
                    .iter()
                    .map(|path| {
                        Outline::of(&format!(r#"{{"paths": [{{"method": "GET", "path": "{path}", "response": 1}}]}}"#))
                            .routes
                            .remove(0)
                            .spec
                    })
                    .collect(),
            );
            let Ok(both) = both else { continue };
            let is_open = |path: &str| matches!(both.find("GET", "", path), Found::Route(found) if found.index == 0);
            let shared = samples.iter().any(|path| is_taken(&ones, path) && is_taken(&others, path) && is_open(path));
            let expected = shared && alone(&ones, &others) && alone(&others, &ones);
            assert_eq!(!found(&source).is_empty(), expected, "{open}, and {guarded} with a token");
            pairs += usize::from(expected);
        }
        assert!(pairs > 20, "{pairs} pairs");
    }

    /// Returns paths of up to four segments.
    fn samples() -> Vec<String> {
        let mut samples = vec![String::new()];
        let mut all = Vec::new();
        for _ in 0..4 {
            samples = samples
                .iter()
                .flat_map(|path| ["a", "b", "c", "d"].map(|segment| format!("{path}/{segment}")))
                .collect();
            all.extend(samples.iter().cloned());
        }
        all
    }

    #[test]
    fn ten_thousand_routes_are_compared_in_few_steps() {
        let mut shapes: Vec<(&str, Vec<String>)> = Vec::new();
        let entry = |path: String, auth: bool| {
            format!(r#"{{"method": "GET", "path": "{path}", "auth": {auth}, "response": 1}}"#)
        };
        let many = |route: &dyn Fn(usize) -> (String, bool)| {
            (0..10_000).map(route).map(|(path, auth)| entry(path, auth)).collect()
        };
        shapes.push(("apart", many(&|number| (format!("/r{number}/{{id}}"), number % 2 == 0))));
        shapes.push(("below one", many(&|number| (format!("/api/r{number}/{{id}}/x"), number % 2 == 0))));
        shapes.push((
            "behind parameters",
            many(&|number| match number % 2 {
                0 => (format!("/{{tenant}}/r{number}/{{.+}}"), true),
                _ => (format!("/t{number}/x{number}/{{.+}}"), false),
            }),
        ));
        for (message, entries) in shapes {
            let source = format!(r#"{{"paths": [{}]}}"#, entries.join(","));
            let outline = Outline::of(&source);
            let table = RouteTable::build(outline.routes.iter().map(|route| route.spec.clone()).collect()).unwrap();
            let mut walk = Walk::new(&outline.routes, &table);
            walk.compare_all();
            assert!(walk.pairs < 60_000, "{message}: {} pairs", walk.pairs);
            assert!(walk.found.is_empty(), "{message}");
        }
    }
}
