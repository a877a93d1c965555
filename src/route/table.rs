//! All routes of a gateway, and the route of a request.
//!
//! It does **not** keep what a route does: a match names the route by the index of its spec, and the caller keeps the rest.

use super::guard::Guard;
use super::loose;
use super::method::{Allow, Method, MethodRule};
use super::pattern::{Pattern, Segment};
use super::reading::{Ambiguity, Readings};
use super::segment::split_first;
use super::trie::Node;

/// What the table has to know of one route.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RouteSpec {
    /// The methods it answers.
    pub method: MethodRule,
    /// The paths it matches.
    pub pattern: Pattern,
    /// Whether a segment of its paths may have an encoded slash (`%2F`).
    pub encoded_slashes: bool,
    /// What it asks of requests.
    pub guard: Guard,
}

impl RouteSpec {
    /// Returns how messages call it, such as `GET /orders/{id}`.
    pub fn name(&self) -> String {
        format!("{} {}", self.method, self.pattern.as_str())
    }
}

/// Two routes that no request can tell apart: the same method, and the same pattern but for parameter names.
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
    specs: Vec<RouteSpec>,
    root: Node,
    /// The same, read loosely; `None` if that can lead no request past a guard.
    loose: Option<LooseRoutes>,
}

/// All routes by what is left of their patterns after a loose reading.
#[derive(Debug)]
struct LooseRoutes {
    root: Node,
    /// Whether a plain path can lead elsewhere, because a pattern is read in another way than it is written.
    concerns_plain_paths: bool,
}

impl LooseRoutes {
    /// Prepares them if some route requires more than another whose path is read loosely.
    fn of(specs: &[RouteSpec]) -> Option<Self> {
        // If no route asks more than this one, and this one not more than another, they all ask the same.
        let first = &specs.iter().find(|spec| spec.guard.read_loosely)?.guard;
        let differs = |guard: &Guard| guard.asks_more_than(first) || guard.read_loosely && first.asks_more_than(guard);
        if !specs.iter().any(|spec| differs(&spec.guard)) {
            return None;
        }
        let mut root = Node::default();
        for (index, spec) in specs.iter().enumerate() {
            root.insert_loosely(&spec.pattern, spec.method, index);
        }
        let concerns_plain_paths = specs.iter().any(|spec| !spec.pattern.is_plain());
        Some(Self { root, concerns_plain_paths })
    }
}

impl RouteTable {
    /// Builds the table; the order of the specs gives them their index and means nothing else.
    ///
    /// # Errors
    ///
    /// Every [`Conflict`], in the order of its second spec.
    pub fn build(specs: Vec<RouteSpec>) -> Result<Self, Vec<Conflict>> {
        let mut root = Node::default();
        let mut conflicts = Vec::new();
        for (second, spec) in specs.iter().enumerate() {
            if let Err(first) = root.insert(&spec.pattern, spec.method, second) {
                conflicts.push(Conflict { first, second });
            }
        }
        if conflicts.is_empty() { Ok(Self { loose: LooseRoutes::of(&specs), specs, root }) } else { Err(conflicts) }
    }

    /// Finds the route for a request method and for a path as the WHATWG URL parser left it, not decoded.
    ///
    /// A path with nothing to decode, cut or merge costs one scan, one look-up a segment and no allocation. Otherwise it is
    /// looked up in both its readings (see [`Ambiguity::ReadingsDiffer`]), in time linear in its length; and if its route is
    /// read loosely, in the readings of [`super::loose`].
    #[must_use]
    pub fn find<'t, 'p>(&'t self, method: &str, path: &'p str) -> Found<'t, 'p> {
        let method = Method::parse(method);
        let readings = match Readings::of(path) {
            Ok(readings) => readings,
            Err(ambiguity) => return Found::Ambiguous(ambiguity),
        };
        let found = self.root.find(method, &readings.standing);
        let admits =
            |index: usize| !readings.encoded_slash || self.specs.get(index).is_some_and(|spec| spec.encoded_slashes);
        if found.is_some_and(|index| !admits(index)) {
            return Found::Ambiguous(Ambiguity::EncodedSlash);
        }
        if let Some(reduced) = &readings.reduced
            && self.root.find(method, reduced) != found
        {
            return Found::Ambiguous(Ambiguity::ReadingsDiffer);
        }
        if let Some((index, spec)) = found.and_then(|index| Some((index, self.specs.get(index)?))) {
            if self.is_stricter_elsewhere(method, &readings, index, spec) {
                return Found::Ambiguous(Ambiguity::StricterReading);
            }
            return Found::Route(Match { index, path, pattern: &spec.pattern });
        }
        let allow = self.root.allow(&readings.standing, admits);
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
        path: &Readings<'_>,
        index: usize,
        found: &RouteSpec,
    ) -> bool {
        let Some(loose) = self.loose.as_ref().filter(|_| found.guard.read_loosely) else { return false };
        let path = path.reduced.as_deref().unwrap_or(&path.standing);
        if loose::is_plain(path) && !loose.concerns_plain_paths {
            return false;
        }
        let asks_more = |index: usize| {
            let other = self.specs.get(index).filter(|spec| spec.guard.asks_more_than(&found.guard));
            // Of one pattern, the method decides.
            other.is_some_and(|spec| !spec.pattern.is_same(&found.pattern))
        };
        loose::any_reading(path, |reading| {
            let Some(reading) = reading else { return true };
            // A reading that gains or loses a last slash, its route may not match at all.
            let matches = reading.ends_with('/') == path.ends_with('/');
            let found = matches.then_some((index, found.pattern.is_wildcard()));
            loose.root.any_before(method, reading, found, &asks_more)
        })
    }

    /// Returns the spec at an index that a [`Match`] or a [`Conflict`] named.
    #[must_use]
    pub fn spec(&self, index: usize) -> Option<&RouteSpec> {
        self.specs.get(index)
    }

    /// Yields the indexes of all specs in the order of precedence.
    #[cfg(not(target_arch = "wasm32"))]
    pub(super) fn indexes(&self) -> impl Iterator<Item = usize> {
        self.root.routes()
    }

    /// Returns how many routes there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.specs.len()
    }

    /// Checks whether there are no routes.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.specs.is_empty()
    }
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
    /// The whole path of the request.
    pub path: &'p str,
    /// The pattern that matched it.
    pub pattern: &'t Pattern,
}

impl<'t, 'p> Match<'t, 'p> {
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
        let segments = self.pattern.segments().iter().filter_map(move |segment| {
            let (value, after) = split_first(rest?);
            rest = after;
            match segment {
                Segment::Parameter(name) => Some((&**name, value)),
                Segment::Literal(_) => None,
            }
        });
        let wildcard = self.pattern.wildcard_name().map(|name| (name, self.after_segments().unwrap_or_default()));
        segments.chain(wildcard)
    }

    /// Returns what follows the segments of the pattern and a slash.
    fn after_segments(&self) -> Option<&'p str> {
        let rest = self.path.strip_prefix('/');
        self.pattern.segments().iter().fold(rest, |rest, _| split_first(rest?).1)
    }
}
