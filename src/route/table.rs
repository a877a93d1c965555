//! All routes of a gateway, and the route of a request.
//!
//! It does **not** keep what a route does: a match names the route by the index of its spec, and the caller keeps the rest.

use std::ops::ControlFlow;

use super::guard::Guard;
use super::host::Host;
use super::loose;
use super::method::{Allow, Method, MethodRule};
use super::pattern::{Pattern, Segment, literal_prefix, names, segments};
use super::reading::{Ambiguity, Readings};
use super::segment::split_first;
use super::sorted::{Line, SortedRoutes, has_wildcard, sorted};

/// What the table has to know of one route.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RouteSpec {
    /// The methods it answers.
    pub method: MethodRule,
    /// The names it answers under.
    pub host: Host,
    /// The paths it matches.
    pub pattern: Pattern,
    /// Whether a segment of its paths may have an encoded slash (`%2F`).
    pub encoded_slashes: bool,
    /// What it asks of requests.
    pub guard: Guard,
}

impl RouteSpec {
    /// Returns how messages call it, such as `GET /orders/{id}` or `GET api.example.com/orders/{id}`.
    pub fn name(&self) -> String {
        format!("{} {}{}", self.method, self.host.as_str(), self.pattern.as_str())
    }

    fn line(&self, index: usize) -> Line<'_> {
        Line { host: self.host.as_str(), pattern: self.pattern.as_str(), rule: self.method, index }
    }
}

/// Two routes that no request can tell apart: the same method and host, and the same pattern but for parameter names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Conflict {
    /// The index of the spec that came first.
    pub first: usize,
    /// The index of the spec that repeats it.
    pub second: usize,
}

/// The routes of a gateway, ready to be searched.
#[derive(Debug, Default)]
pub struct RouteTable {
    routes: SortedRoutes,
    /// What routes ask, by their index.
    terms: Vec<Terms>,
    /// The same routes, read loosely; `None` if that can lead no request past a guard.
    loose: Option<LooseRoutes>,
}

/// What routes of one index ask.
#[derive(Debug)]
struct Terms {
    encoded_slashes: bool,
    guard: Guard,
}

/// All routes by what is left of their patterns after a loose reading.
#[derive(Debug)]
enum LooseRoutes {
    /// Each pattern as it is written.
    AsWritten,
    /// Each called by its place among those that are written. A plain path can lead elsewhere, too.
    Folded(SortedRoutes),
}

impl LooseRoutes {
    /// Reads all patterns loosely.
    fn of(routes: &SortedRoutes) -> Self {
        if routes.lines(0..routes.len()).all(|(_, line)| loose::is_plain_pattern(line.pattern)) {
            return Self::AsWritten;
        }
        let folded =
            routes.lines(0..routes.len()).map(|(place, line)| (place, line, loose::fold_pattern(line.pattern)));
        let folded: Vec<_> = folded.collect();
        let lines = folded.iter().map(|(index, line, pattern)| Line { pattern, index: *index, ..*line });
        Self::Folded(SortedRoutes::of(sorted(lines.collect())))
    }

    /// Checks whether it matters how paths are read: some route requires more than another whose path is read loosely.
    fn matter(terms: &[Terms]) -> bool {
        // If no route asks more than this one, and this one not more than another, they all ask the same.
        let Some(first) = terms.iter().map(|terms| &terms.guard).find(|guard| guard.read_loosely) else { return false };
        let differs = |guard: &Guard| guard.asks_more_than(first) || guard.read_loosely && first.asks_more_than(guard);
        terms.iter().any(|terms| differs(&terms.guard))
    }
}

/// Routes that were checked and sorted before, as texts that need only be searched. Several may have one index.
#[derive(Debug, Clone, Copy)]
pub struct PreparedRoutes<T> {
    /// The routes as they are written.
    pub written: T,
    /// The same as they are read loosely; empty if that is no other way.
    pub folded: T,
}

#[cfg(not(target_os = "unknown"))]
impl PreparedRoutes<String> {
    /// Prepares routes, each with its index.
    pub fn of<'r>(routes: impl IntoIterator<Item = (&'r RouteSpec, usize)>) -> Self {
        let lines = routes.into_iter();
        let lines = lines.map(|(spec, index)| spec.line(index));
        let routes = SortedRoutes::of(sorted(lines.collect()));
        let folded = match LooseRoutes::of(&routes) {
            LooseRoutes::AsWritten => String::new(),
            LooseRoutes::Folded(folded) => folded.as_str().to_owned(),
        };
        Self { written: routes.as_str().to_owned(), folded }
    }
}

impl RouteTable {
    /// Builds the table; the order of the specs gives them their index and means nothing else.
    ///
    /// # Errors
    ///
    /// Every [`Conflict`], in the order of its second spec.
    pub fn build(specs: Vec<RouteSpec>) -> Result<Self, Vec<Conflict>> {
        let lines = specs.iter().enumerate();
        let lines = lines.map(|(index, spec)| spec.line(index));
        let lines = sorted(lines.collect());
        let conflicts = conflicts(&lines);
        if !conflicts.is_empty() {
            return Err(conflicts);
        }
        Ok(Self::of(SortedRoutes::of(lines), specs, None))
    }

    /// Takes routes that [`PreparedRoutes::of`] wrote, of which these are the first of each index; `None` if they are others.
    pub fn of_prepared(prepared: PreparedRoutes<&str>, specs: Vec<RouteSpec>) -> Option<Self> {
        let routes = SortedRoutes::parse(prepared.written.to_owned());
        let mut lines = specs.iter().enumerate();
        let are_there = lines.all(|(index, spec)| routes.has(&spec.line(index)));
        are_there.then(|| Self::of(routes, specs, Some(prepared.folded)))
    }

    fn of(routes: SortedRoutes, specs: Vec<RouteSpec>, folded: Option<&str>) -> Self {
        let terms = specs.into_iter().map(|spec| Terms { encoded_slashes: spec.encoded_slashes, guard: spec.guard });
        let terms: Vec<_> = terms.collect();
        let loose = LooseRoutes::matter(&terms).then(|| match folded {
            None => LooseRoutes::of(&routes),
            Some("") => LooseRoutes::AsWritten,
            Some(folded) => LooseRoutes::Folded(SortedRoutes::parse(folded.to_owned())),
        });
        Self { loose, terms, routes }
    }

    /// Finds the route for a request's method, its host, and its path, both as the WHATWG URL parser left them, not decoded. A route of
    /// that very host precedes one of a star, and that one of every name, whatever their paths.
    ///
    /// A path with nothing to decode, cut or merge costs one scan, one look-up a segment and no allocation. Otherwise it is
    /// looked up in both its readings (see [`Ambiguity::ReadingsDiffer`]), in time linear in its length; and if its route is
    /// read loosely, in the readings of [`super::loose`].
    #[must_use]
    pub fn find<'t, 'p>(&'t self, method: &str, host: &str, path: &'p str) -> Found<'t, 'p> {
        let method = Method::parse(method);
        let readings = match Readings::of(path) {
            Ok(readings) => readings,
            Err(ambiguity) => return Found::Ambiguous(ambiguity),
        };
        let found = self.routes.find(method, host, &readings.standing);
        let admits = |place: usize| {
            let terms = || self.routes.line(place).and_then(|line| self.terms.get(line.index));
            !readings.encoded_slash || terms().is_some_and(|terms| terms.encoded_slashes)
        };
        if found.is_some_and(|place| !admits(place)) {
            return Found::Ambiguous(Ambiguity::EncodedSlash);
        }
        if let Some(reduced) = &readings.reduced
            && self.routes.find(method, host, reduced) != found
        {
            return Found::Ambiguous(Ambiguity::ReadingsDiffer);
        }
        if let Some((place, line)) = found.and_then(|place| Some((place, self.routes.line(place)?))) {
            if self.is_stricter_elsewhere(method, host, &readings, place, &line) {
                return Found::Ambiguous(Ambiguity::StricterReading);
            }
            return Found::Route(matched(place, line, path));
        }
        let allow = self.routes.allow(host, &readings.standing, admits);
        if !allow.is_empty() {
            Found::MethodNotAllowed(allow)
        } else if readings.encoded_slash {
            Found::Ambiguous(Ambiguity::EncodedSlash)
        } else {
            Found::NotFound
        }
    }

    /// Checks whether a path, read loosely, leads to a route that asks more than the one that was found.
    fn is_stricter_elsewhere(
        &self,
        method: Option<Method>,
        host: &str,
        path: &Readings<'_>,
        place: usize,
        found: &Line<'_>,
    ) -> bool {
        let Some(loose) = &self.loose else { return false };
        let Some(guard) = self.guard(found).filter(|guard| guard.read_loosely) else { return false };
        let path = path.reduced.as_deref().unwrap_or(&path.standing);
        let routes = match loose {
            LooseRoutes::AsWritten if loose::is_plain(path) => return false,
            LooseRoutes::AsWritten => &self.routes,
            LooseRoutes::Folded(routes) => routes,
        };
        let asks_more = |place: usize| {
            let other =
                self.routes.line(place).filter(|other| self.guard(other).is_some_and(|own| own.asks_more_than(guard)));
            // Of one pattern, the method decides.
            other.is_some_and(|other| !is_same(other.pattern, found.pattern))
        };
        let written = |place: usize, line: &Line<'_>| match loose {
            LooseRoutes::AsWritten => place,
            LooseRoutes::Folded(_) => line.index,
        };
        loose::any_reading(path, |reading| {
            let Some(reading) = reading else { return true };
            // A reading that gains or loses a last slash, its route may not match at all.
            let matches = reading.ends_with('/') == path.ends_with('/');
            let found = matches.then_some((place, found.rank()));
            any_before(routes, method, host, reading, found, &written, &asks_more)
        })
    }

    fn guard(&self, line: &Line<'_>) -> Option<&Guard> {
        self.terms.get(line.index).map(|terms| &terms.guard)
    }

    /// Returns the route at a place that a [`Match`] named, for the path of that match.
    pub(super) fn at<'t, 'p>(&'t self, place: usize, path: &'p str) -> Option<Match<'t, 'p>> {
        Some(matched(place, self.routes.line(place)?, path))
    }

    /// Returns the pattern of the route at a place that a [`Match`] named.
    #[must_use]
    pub fn pattern(&self, place: usize) -> Option<&str> {
        self.routes.line(place).map(|line| line.pattern)
    }

    /// Yields all routes in the order of precedence.
    #[cfg(not(target_os = "unknown"))]
    pub(super) fn in_order(&self) -> impl Iterator<Item = Line<'_>> {
        self.routes.in_order()
    }

    /// Returns how many routes there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.routes.len()
    }

    /// Checks whether there are no routes.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.routes.len() == 0
    }
}

fn matched<'t, 'p>(place: usize, line: Line<'t>, path: &'p str) -> Match<'t, 'p> {
    let Line { host, pattern, rule, index } = line;
    Match { index, place, rule, path, host, pattern }
}

/// Returns whether, for a method and a path that is read loosely, one of the routes that come before `found` or stand beside it
/// meets `condition`; `found` has its place as it is written, and its rank.
///
/// Whatever makes a path match another route is allowed at once here, so the route that it leads to under any selection of that
/// is among them.
fn any_before(
    routes: &SortedRoutes,
    method: Option<Method>,
    host: &str,
    path: &str,
    found: Option<(usize, usize)>,
    written: &dyn Fn(usize, &Line<'_>) -> usize,
    condition: &dyn Fn(usize) -> bool,
) -> bool {
    let path = path.strip_suffix('/').filter(|path| !path.is_empty()).unwrap_or(path);
    let (mut before, mut behind, mut reached) = (false, false, false);
    let _ = routes.visit(host, path, &mut |rank, leaf| {
        let mut is_met = false;
        let is_before = found.is_none_or(|(_, of)| rank < of || rank == of && !reached);
        for (place, line) in routes.lines(leaf) {
            let place = written(place, &line);
            is_met |= line.rule.answers(method) && condition(place);
            reached |= found.is_some_and(|(found, _)| found == place);
        }
        if is_before {
            before |= is_met
        } else {
            behind |= is_met
        }
        // Any route without a wildcard comes before one that has it.
        let over = before || reached && found.is_some_and(|(_, of)| !has_wildcard(of));
        if over { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    });
    before || behind && !reached
}

/// Checks whether two patterns match the same paths, whatever their parameters are called.
fn is_same(one: &str, other: &str) -> bool {
    segments(one).eq(segments(other))
}

/// Returns the conflicts of lines that are in order, by their second spec.
fn conflicts(lines: &[Line<'_>]) -> Vec<Conflict> {
    let mut conflicts: Vec<Conflict> = Vec::new();
    let mut first: Option<&Line<'_>> = None;
    for line in lines {
        match first.filter(|first| first.compare(line).is_eq()) {
            None => first = Some(line),
            Some(first) => {
                let (first, second) = (first.index, line.index);
                let after = conflicts.partition_point(|conflict| conflict.second < second);
                conflicts.insert(after, Conflict { first, second });
            }
        }
    }
    conflicts
}

/// What the table has for a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Found<'t, 'p> {
    /// The best route that matches both path and method.
    Route(Match<'t, 'p>),
    /// Some route matches the path, and none the method; these methods it has.
    MethodNotAllowed(Allow),
    /// No route matches the path.
    NotFound,
    /// The path is refused, whether or not a route matches it.
    Ambiguous(Ambiguity),
}

/// The route of a request, with the path that it matched.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Match<'t, 'p> {
    /// The index of the route's spec.
    pub index: usize,
    /// The place of the route in the table.
    pub place: usize,
    /// The methods that the route answers.
    pub rule: MethodRule,
    /// The whole path of the request.
    pub path: &'p str,
    /// The text of the host that the route has.
    pub host: &'t str,
    /// The text of the pattern that matched it.
    pub pattern: &'t str,
}

impl<'t, 'p> Match<'t, 'p> {
    /// Returns what [`super::Pattern::literal_prefix`] does of the pattern.
    #[must_use]
    pub fn literal_prefix(&self) -> Option<&'t str> {
        literal_prefix(self.pattern)
    }

    /// Returns the path to forward: the whole path, less as many segments as a prefix of the pattern has.
    ///
    /// The prefix is literal, so it is the path's own beginning, however that spells it. What is returned always begins with `/`,
    /// and can begin with `//`: append it to an origin and a base path as text. Resolved as a relative reference it would name
    /// another host (RFC 3986 section 4.2).
    #[must_use]
    pub fn forward_path(&self, prefix: &str) -> &'p str {
        let mut segments = prefix.bytes().filter(|byte| *byte == b'/');
        let behind = segments.try_fold(self.path, |path, _| {
            // The slash before the rest is forwarded with it.
            let end = path.bytes().skip(1).position(|byte| byte == b'/')?;
            path.get(end + 1..)
        });
        behind.unwrap_or("/")
    }

    /// Returns what a wildcard matched, without its first slash.
    #[must_use]
    pub fn rest(&self) -> &'p str {
        self.after_segments().unwrap_or_default()
    }

    /// Yields each named parameter with its value, not decoded; that of a wildcard is the rest without its first slash.
    pub fn params(&self) -> impl Iterator<Item = (&'t str, &'p str)> + use<'t, 'p> {
        let mut rest = self.path.strip_prefix('/');
        segments(self.pattern).zip(names(self.pattern)).filter_map(move |(segment, name)| {
            let value = if segment == Segment::Wildcard {
                rest.unwrap_or_default()
            } else {
                let (value, after) = split_first(rest?);
                rest = after;
                value
            };
            Some((name?, value))
        })
    }

    /// Returns what follows the segments of the pattern and a slash.
    fn after_segments(&self) -> Option<&'p str> {
        let mut segments = segments(self.pattern).filter(|segment| *segment != Segment::Wildcard);
        segments.try_fold(self.path.strip_prefix('/')?, |rest, _| split_first(rest).1)
    }
}
