//! Which route of the other config takes the requests of an added or removed route.

use super::change::Exposure;
use super::config::Config;
use super::route::{less_asked, other_sources};
use crate::review::outline::OutlinedRoute;
use crate::review::patterns::{common_host, common_pattern, example_of, methods};
use crate::route::{Found, Method, MethodRule, Pattern, RouteSpec, RouteTable};

/// Both configs, each with its route table.
pub(super) struct Takers<'c> {
    old: &'c Config<'c>,
    new: &'c Config<'c>,
    old_table: RouteTable,
    new_table: RouteTable,
}

impl<'c> Takers<'c> {
    pub fn new(old: &'c Config<'c>, new: &'c Config<'c>) -> Self {
        let table = |config: &Config<'_>| {
            let specs = config.outline.routes.iter().map(|route| route.spec.clone()).collect();
            RouteTable::build(specs).unwrap_or_default()
        };
        Self { old, new, old_table: table(old), new_table: table(new) }
    }

    /// Returns an exposure for each route from which an added one takes requests, if that required more.
    pub fn bypassed_by(&self, added: &OutlinedRoute) -> Vec<Exposure> {
        let taken = self.pairs(added, self.old).into_iter().filter(|(_, is)| std::ptr::eq(*is, added));
        let exposures = taken.flat_map(|(was, is)| {
            let (before, after) = (self.old.side(was), self.new.side(is));
            let bypassed = !less_asked(before, after).is_empty();
            let bypass = bypassed.then(|| Exposure::Bypass { route: was.spec.name() });
            bypass.into_iter().chain(other_sources(before, after))
        });
        exposures.collect()
    }

    /// Returns what the routes that take a removed route's requests no longer require of them.
    pub fn taken_over_from(&self, removed: &OutlinedRoute) -> Vec<Exposure> {
        let taken = self.pairs(removed, self.new).into_iter().filter(|(was, _)| std::ptr::eq(*was, removed));
        let losses = taken.flat_map(|(was, is)| {
            let (before, after) = (self.old.side(was), self.new.side(is));
            let losses = [less_asked(before, after), other_sources(before, after)].concat().into_iter();
            losses.map(|loss| Exposure::TakenOver { route: is.spec.name(), loss: Box::new(loss) })
        });
        losses.collect()
    }

    /// Returns each pair of routes, before and afterwards, that take a request which `route` shares with the other config.
    fn pairs(&self, route: &OutlinedRoute, other: &Config<'_>) -> Vec<(&'c OutlinedRoute, &'c OutlinedRoute)> {
        let mut methods = methods(route.spec.method);
        if route.spec.method == MethodRule::Exact(Method::Get) {
            methods.push(Method::Head);
        }
        let others = other.outline.routes.iter();
        let mut paths: Vec<(String, String)> =
            others.filter_map(|other| common_place(&route.spec, &other.spec)).collect();
        paths.sort();
        paths.dedup();
        let mut pairs: Vec<(&OutlinedRoute, &OutlinedRoute)> = Vec::new();
        for ((host, path), method) in paths.iter().flat_map(|path| methods.iter().map(move |method| (path, method))) {
            let was = taker(&self.old_table, self.old, *method, host, path);
            let is = taker(&self.new_table, self.new, *method, host, path);
            if let (Some(was), Some(is)) = (was, is)
                && !pairs.iter().any(|(one, other)| std::ptr::eq(*one, was) && std::ptr::eq(*other, is))
            {
                pairs.push((was, is));
            }
        }
        pairs
    }
}

fn taker<'c>(
    table: &RouteTable,
    config: &'c Config<'c>,
    method: Method,
    host: &str,
    path: &str,
) -> Option<&'c OutlinedRoute> {
    match table.find(method.as_str(), host, path) {
        Found::Route(taken) => config.outline.routes.get(taken.index),
        Found::MethodNotAllowed(_) | Found::NotFound | Found::Ambiguous(_) => None,
    }
}

/// Returns the most general host and path that two routes have in common.
fn common_place(one: &RouteSpec, other: &RouteSpec) -> Option<(String, String)> {
    Some((common_host(&one.host, &other.host)?.example(), common_path(&one.pattern, &other.pattern)?))
}

/// Returns the most general path that both patterns match; `None` if there is not one.
fn common_path(one: &Pattern, other: &Pattern) -> Option<String> {
    common_pattern(one, other).map(|pattern| example_of(&pattern))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_common_path_is_matched_by_both() {
        let table = [
            ("/a/{x}", "/{y}/b", Some("/a/b")),
            ("/a/{x}", "/{y}/{z}", Some("/a/~")),
            ("/a", "/b", None),
            ("/a", "/a/{x}", None),
            ("/a/{.+}", "/a", Some("/a")),
            ("/a/{.+}", "/{x}/b/{y}", Some("/a/b/~")),
            ("/{x}/b/{y}", "/a/{rest+}", Some("/a/b/~")),
            ("/{.+}", "/{all+}", Some("/~")),
            ("/{x}", "/", None),
            ("/{.+}", "/", Some("/")),
        ];
        for (one, other, expected) in table {
            let path = common_path(&Pattern::parse(one).unwrap(), &Pattern::parse(other).unwrap());
            assert_eq!(path.as_deref(), expected, "{one}, {other}");
        }
    }
}
