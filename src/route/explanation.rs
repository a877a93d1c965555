//! Why a route does not take a request, and in which order routes are asked, for people who list and try them.
//!
//! Whether a path matches is the search's to say: here it is asked again, for one route at a time.

use std::fmt;

use super::host::Host;
use super::method::{Method, MethodRule};
use super::pattern::{Pattern, Segment, is_wildcard, segments};
use super::reading::Readings;
use super::sorted::{Line, SortedRoutes, sorted};
use super::table::RouteTable;

/// Why a route does not take a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Passed {
    /// Its path has another segment at this place, counted from 1.
    Segment {
        /// Which segment.
        place: usize,
        /// What the route has there.
        expected: String,
        /// What the request has there.
        found: String,
    },
    /// The request's path continues after the end of the route's.
    TooLong,
    /// The request's path ends before the route's.
    TooShort,
    /// It answers only under other names.
    Host,
    /// It answers only another method.
    Method,
    /// It matches, and the route that takes the request comes first for this reason.
    Precedence(&'static str),
    /// It matches, and the path is refused before any route is asked.
    Refused,
}

impl fmt::Display for Passed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Segment { place, expected, found } => {
                write!(f, "segment {place} is \"{found}\", not \"{expected}\"")
            }
            Self::TooLong => f.write_str("the path has more segments"),
            Self::TooShort => f.write_str("the path has fewer segments"),
            Self::Host => f.write_str("another host"),
            Self::Method => f.write_str("another method"),
            Self::Precedence(reason) => write!(f, "matches too, but {reason}"),
            Self::Refused => f.write_str("matches, but the path is refused"),
        }
    }
}

/// Returns the indexes of routes in the order of their precedence: of those that match a request, the first takes it.
///
/// Routes that no request can tell apart stay in their order.
pub fn in_order_of_precedence<'r>(routes: impl IntoIterator<Item = (&'r Host, &'r Pattern, MethodRule)>) -> Vec<usize> {
    let lines = routes.into_iter().enumerate();
    let lines = lines.map(|(index, (host, pattern, rule))| Line {
        host: host.as_str(),
        pattern: pattern.as_str(),
        rule,
        index,
    });
    SortedRoutes::of(sorted(lines.collect())).in_order().map(|line| line.index).collect()
}

impl RouteTable {
    /// Returns for every route but `taker` why it does not take a request, in the order of precedence.
    #[must_use]
    pub fn passed(&self, taker: Option<usize>, method: &str, host: &str, path: &str) -> Vec<(usize, Passed)> {
        let method = Method::parse(method);
        let readings = Readings::of(path);
        let path = readings.as_ref().map_or(path, |readings| &readings.standing);
        let (takers, others): (Vec<_>, Vec<_>) = self.in_order().partition(|line| Some(line.index) == taker);
        let why = |line: &Line<'_>| (line.index, why_not(line, takers.first(), method, host, path));
        others.iter().map(why).collect()
    }
}

fn why_not(route: &Line<'_>, taker: Option<&Line<'_>>, method: Option<Method>, host: &str, path: &str) -> Passed {
    if SortedRoutes::of([*route]).find(method, host, path).is_some() {
        return taker.map_or(Passed::Refused, |taker| Passed::Precedence(why_first(taker, route)));
    }
    if SortedRoutes::of([Line { pattern: "/{.+}", rule: MethodRule::Any, ..*route }]).find(None, host, "/").is_none() {
        return Passed::Host;
    }
    let mut pieces = path.split('/').skip(1);
    let mut expected = segments(route.pattern).zip(route.pattern.split('/').skip(1)).enumerate();
    for (index, (segment, piece)) in expected.by_ref() {
        let matches = |found: &str| match segment {
            Segment::Literal(text) => found == text,
            Segment::Parameter => !found.is_empty(),
            Segment::Wildcard | Segment::End => true,
        };
        if segment == Segment::Wildcard {
            return Passed::Method;
        }
        match pieces.next() {
            None => return Passed::TooShort,
            Some(found) if !matches(found) => {
                return Passed::Segment { place: index + 1, expected: piece.to_owned(), found: found.to_owned() };
            }
            Some(_) => {}
        }
    }
    if pieces.next().is_some() { Passed::TooLong } else { Passed::Method }
}

/// Returns why one of two routes that match a request precedes the other.
fn why_first(first: &Line<'_>, other: &Line<'_>) -> &'static str {
    if first.host != other.host {
        return match other.host {
            "" => "a path with a host comes before one of every name",
            _ => "a whole host comes before one with a star",
        };
    }
    let (first, other) = (first.pattern, other.pattern);
    if is_wildcard(first) != is_wildcard(other) {
        return "a path without a wildcard comes before one with it";
    }
    let is_literal = |segment: &Segment<'_>| matches!(segment, Segment::Literal(_));
    let mut pairs = segments(first).zip(segments(other));
    if pairs.any(|(first, other)| is_literal(&first) && !is_literal(&other)) {
        "a literal segment comes before a parameter"
    } else if segments(first).count() != segments(other).count() {
        "the longer path comes first"
    } else {
        "its own method comes before ANY"
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Found, Guard, RouteSpec};
    use super::*;

    fn table(patterns: &[(&str, &str)]) -> RouteTable {
        let specs = patterns.iter().map(|(method, pattern)| RouteSpec {
            method: MethodRule::parse(method).unwrap(),
            host: Host::default(),
            pattern: Pattern::parse(pattern).unwrap(),
            encoded_slashes: false,
            guard: Guard::default(),
        });
        RouteTable::build(specs.collect()).unwrap()
    }

    /// Returns why the only route of a table does not take a request, or that it does.
    fn reason(pattern: &str, path: &str) -> String {
        let table = table(&[("GET", pattern)]);
        let taker = match table.find("GET", "", path) {
            Found::Route(found) => Some(found.index),
            Found::MethodNotAllowed(_) | Found::NotFound | Found::Ambiguous(_) => None,
        };
        table.passed(taker, "GET", "", path).first().map_or_else(|| "taken".to_owned(), |(_, why)| why.to_string())
    }

    #[test]
    fn the_reason_names_the_segment_at_which_a_path_leaves_a_pattern() {
        let fewer = "the path has fewer segments";
        let more = "the path has more segments";
        for (pattern, path, expected) in [
            ("/", "/", "taken"),
            ("/", "/a", "segment 1 is \"a\", not \"\""),
            ("/", "//", more),
            ("/a", "/a/", more),
            ("/a/", "/a", fewer),
            ("/a/", "/a/b", "segment 2 is \"b\", not \"\""),
            ("/a/", "/a//", more),
            ("/{x}", "/", "segment 1 is \"\", not \"{x}\""),
            ("/{x}", "/a/b", more),
            ("/a/{x}/b", "/a//b", "segment 2 is \"\", not \"{x}\""),
            ("/a/{x}/b", "/a/x", fewer),
            ("/a/{x}/b", "/a/x/c", "segment 3 is \"c\", not \"b\""),
            ("/a/{.+}", "/", "segment 1 is \"\", not \"a\""),
            ("/a/b/{.+}", "/a", fewer),
            ("/a/{.+}", "/a", "taken"),
            ("/caf\u{e9}/{id}", "/caf%c3%a9/7", "taken"),
            ("/caf\u{e9}/{id}", "/caf%c3%a9/", "segment 2 is \"\", not \"{id}\""),
            ("/caf\u{e9}", "/cafe", "segment 1 is \"cafe\", not \"caf%C3%A9\""),
            ("/%61/%7e", "/a/~", "taken"),
            ("/a/b%20c", "/a/b%2fc", "segment 2 is \"b%2Fc\", not \"b%20c\""),
            ("/{x}", "/%zz", "matches, but the path is refused"),
        ] {
            assert_eq!(reason(pattern, path), expected, "{pattern} {path}");
        }
    }

    #[test]
    fn a_route_that_matches_says_what_comes_before_it() {
        let wildcard = "a path without a wildcard comes before one with it";
        let literal = "a literal segment comes before a parameter";
        let longer = "the longer path comes first";
        let method = "its own method comes before ANY";
        for (taker, other, path, expected) in [
            ("/a/{x}", "/a/{.+}", "/a/b", wildcard),
            ("/a/b", "/a/{x}", "/a/b", literal),
            ("/a/b/{.+}", "/a/{.+}", "/a/b", literal),
            ("/a/{x}/{.+}", "/a/{.+}", "/a/b", longer),
            ("/{x}/b/{.+}", "/{.+}", "/a/b", longer),
            ("/a/{x}", "/a/{y}", "/a/b", method),
        ] {
            let table = table(&[("ANY", other), ("GET", taker)]);
            let passed = table.passed(Some(1), "GET", "", path);
            assert_eq!(passed, [(0, Passed::Precedence(expected))], "{taker} {other}");
        }
        let table = table(&[("ANY", "/a/{x}"), ("POST", "/a/b")]);
        assert_eq!(table.passed(Some(0), "GET", "", "/a/b"), [(1, Passed::Method)]);
    }
}
