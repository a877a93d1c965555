//! The routes as lines of one text, in the order of their precedence, and the search among them.
//!
//! The order makes the lines a tree that needs no nodes: those of one host stand beside each other, and of these those whose patterns
//! begin alike, parameter names aside, by their next segment, so a node is a range of lines. A search begins at the lines of the host,
//! then at those of all names with another first label, then at those of every name; from each it goes down to the lines with the literal, then to
//! those with a parameter, then takes those that end there or have a wildcard there; it therefore meets
//! the patterns that match a path in their order of precedence, those without a wildcard and those with one each for
//! themselves. It visits only ranges whose prefix matches the path, each once and none below
//! [`MAX_SEGMENTS`](super::MAX_SEGMENTS): if no two patterns overlap, one range a segment, found by halving the one before, however
//! long the path; at worst, the prefixes of the config's own patterns that match this very path.
//!
//! A text costs no time to make into a tree, and little memory: thousands of routes are loaded by finding where their segments begin.
//!
//! It does **not** judge paths or patterns, and keeps of a route only its method and its index.

use std::cmp::Ordering;
use std::ops::{ControlFlow, Range};

use super::host;
use super::method::{Allow, Method, MethodRule};
use super::pattern::{Segment, is_wildcard, segments};
use super::segment::split_first;
use crate::split::split_last;

/// The ranks of the routes of a host by its name, by a star, and of every name; each is followed by that of those with a wildcard.
const OF_NAME: usize = 0;
const OF_STAR: usize = 2;
const OF_EVERY_NAME: usize = 4;

/// Checks whether routes of a rank have a wildcard.
pub(super) fn has_wildcard(rank: usize) -> bool {
    rank % 2 == 1
}

/// The routes in the order of their precedence.
#[derive(Debug, Default)]
pub(super) struct SortedRoutes {
    /// A line for each.
    text: String,
    /// Where the host of each route begins, then each segment of its pattern, and behind those where it ends.
    marks: Vec<usize>,
    /// Where the marks of each line begin.
    lines: Vec<usize>,
}

/// A route.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Line<'r> {
    /// The names that it answers under.
    pub host: &'r str,
    /// The text of its pattern.
    pub pattern: &'r str,
    /// The methods that it answers.
    pub rule: MethodRule,
    /// What it is called by.
    pub index: usize,
}

impl<'r> Line<'r> {
    /// Parses the first line of a text.
    fn parse(text: &'r str) -> Option<Self> {
        let mut words = text.split('\n').next()?.split(' ');
        let place = words.next()?;
        let host = place.split('/').next()?;
        let pattern = place.get(host.len()..)?;
        Some(Self { host, pattern, rule: MethodRule::parse(words.next()?)?, index: words.next()?.parse().ok()? })
    }

    /// Returns its rank for the requests that it matches.
    pub fn rank(&self) -> usize {
        let of_host = match self.host.as_bytes() {
            [] => OF_EVERY_NAME,
            [b'*', ..] => OF_STAR,
            _ => OF_NAME,
        };
        of_host + usize::from(is_wildcard(self.pattern))
    }

    /// Compares hosts, patterns, parameter names aside, and then methods.
    pub fn compare(&self, other: &Self) -> Ordering {
        // Most patterns begin alike, and what is the same text need not be taken apart: thousands are sorted in a fifth of the time.
        let pairs = self.pattern.bytes().zip(other.pattern.bytes());
        let same = pairs.take_while(|(own, other)| own == other).count();
        let from =
            self.pattern.get(..same).and_then(|same| split_last(same, b'/')).map_or(0, |(before, _)| before.len());
        let by_pattern = || self.segments(from).cmp(other.segments(from));
        Segment::of_host(self.host)
            .cmp(&Segment::of_host(other.host))
            .then_with(by_pattern)
            .then(self.rule.cmp(&other.rule))
    }

    /// Yields the segments behind an offset, and the end.
    fn segments(&self, from: usize) -> impl Iterator<Item = Segment<'r>> {
        segments(self.pattern.get(from..).unwrap_or_default()).chain([Segment::End])
    }
}

impl Ord for Line<'_> {
    fn cmp(&self, other: &Self) -> Ordering {
        self.compare(other).then(self.index.cmp(&other.index))
    }
}

impl PartialOrd for Line<'_> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// Brings lines into the order of precedence: by merging, because the sort of the standard library weighs more in the Worker.
pub(super) fn sorted(mut lines: Vec<Line<'_>>) -> Vec<Line<'_>> {
    if lines.len() < 2 {
        return lines;
    }
    let (mut merged, behind) = (Vec::with_capacity(lines.len()), sorted(lines.split_off(lines.len() / 2)));
    let (mut lines, mut behind) = (sorted(lines).into_iter().peekable(), behind.into_iter().peekable());
    while let Some((one, other)) = lines.peek().zip(behind.peek()) {
        merged.extend(if one < other { lines.next() } else { behind.next() });
    }
    merged.extend(lines);
    merged.extend(behind);
    merged
}

impl SortedRoutes {
    /// Takes lines that are in order.
    pub fn of<'r>(lines: impl IntoIterator<Item = Line<'r>>) -> Self {
        let mut text = String::new();
        for Line { host, pattern, rule, index } in lines {
            for word in [host, pattern, " ", rule.as_str(), " ", &index.to_string(), "\n"] {
                text.push_str(word);
            }
        }
        Self::parse(text)
    }

    /// Takes the text of lines that are in order.
    pub fn parse(text: String) -> Self {
        let (mut marks, mut lines) = (Vec::new(), Vec::new());
        let (mut begins, mut in_pattern) = (true, true);
        for (at, byte) in text.bytes().enumerate() {
            if begins {
                lines.push(marks.len());
                marks.push(at);
                in_pattern = true;
            }
            if in_pattern && matches!(byte, b'/' | b' ') {
                marks.push(at);
                in_pattern = byte == b'/';
            }
            begins = byte == b'\n';
        }
        Self { text, marks, lines }
    }

    /// Returns the text.
    #[cfg(not(target_os = "unknown"))]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Returns how many routes there are.
    pub fn len(&self) -> usize {
        self.lines.len()
    }

    /// Returns the route at a place.
    pub fn line(&self, place: usize) -> Option<Line<'_>> {
        self.line_at(*self.lines.get(place)?)
    }

    /// Returns the route whose marks begin here.
    fn line_at(&self, marks: usize) -> Option<Line<'_>> {
        Line::parse(self.text.get(*self.marks.get(marks)?..)?)
    }

    /// Checks whether it has this very route.
    pub fn has(&self, line: &Line<'_>) -> bool {
        let is_before = |marks: &usize| self.line_at(*marks).is_some_and(|found| found < *line);
        let place = self.lines.partition_point(is_before);
        self.line(place).as_ref() == Some(line)
    }

    /// Yields the routes at these places.
    pub fn lines(&self, places: Range<usize>) -> impl Iterator<Item = (usize, Line<'_>)> {
        places.filter_map(|place| Some((place, self.line(place)?)))
    }

    /// Finds the place of the best route for a method (`None` for one that no route can name), the host of a request and a path in its
    /// normal form.
    pub fn find(&self, method: Option<Method>, host: &str, path: &str) -> Option<usize> {
        let mut best = None;
        let _ = self.visit(host, path, &mut |rank, leaf| {
            best = self.better(best, rank, leaf, method);
            // What follows is of a worse rank, or behind this one.
            if best.is_some_and(|(rank, _)| !has_wildcard(rank)) {
                ControlFlow::Break(())
            } else {
                ControlFlow::Continue(())
            }
        });
        best.map(|(_, place)| place)
    }

    /// Collects the methods for which [`Self::find`] finds a route at a path and `admits` accepts its place.
    pub fn allow(&self, host: &str, path: &str, admits: impl Fn(usize) -> bool) -> Allow {
        let mut best = Method::ALL.map(|method| (method, None));
        let _ = self.visit(host, path, &mut |rank, leaf| {
            for (method, best) in &mut best {
                *best = self.better(*best, rank, leaf.clone(), Some(*method));
            }
            ControlFlow::Continue(())
        });
        let mut allow = Allow::default();
        for (method, best) in best {
            if best.is_some_and(|(_, place)| admits(place)) {
                allow.insert(MethodRule::Exact(method));
            }
        }
        allow
    }

    /// Returns the better of a route that was found, with its rank, and those of a pattern that was visited after it.
    fn better(
        &self,
        best: Option<(usize, usize)>,
        rank: usize,
        leaf: Range<usize>,
        method: Option<Method>,
    ) -> Option<(usize, usize)> {
        let is_worse = best.is_some_and(|(known, _)| known <= rank);
        if is_worse { best } else { self.select(leaf, method).map(|place| (rank, place)).or(best) }
    }

    /// Passes on the places of the routes of each pattern that matches the host and the path of a request, with their rank, of which
    /// the least is the best; of one rank the better ones first, until the visitor stops.
    pub fn visit(
        &self,
        host: &str,
        path: &str,
        show: &mut dyn FnMut(usize, Range<usize>) -> ControlFlow<()>,
    ) -> ControlFlow<()> {
        let path = path.strip_prefix('/');
        if self.has_hosts() {
            let name = host::name(host);
            self.visit_below(self.of_host(name), 1, path, OF_NAME, show)?;
            if let Some(starred) = host::starred(name) {
                self.visit_below(self.of_host(&starred), 1, path, OF_STAR, show)?;
            }
        }
        self.visit_below(self.of_host(""), 1, path, OF_EVERY_NAME, show)
    }

    /// Checks whether a route has a host: those come first.
    fn has_hosts(&self) -> bool {
        self.lines.first().is_some_and(|marks| self.segment(*marks) != Segment::End)
    }

    /// Returns the lines of a host.
    fn of_host(&self, host: &str) -> Range<usize> {
        self.below(&(0..self.len()), 0, Segment::of_host(host))
    }

    fn visit_below(
        &self,
        node: Range<usize>,
        depth: usize,
        rest: Option<&str>,
        rank: usize,
        show: &mut dyn FnMut(usize, Range<usize>) -> ControlFlow<()>,
    ) -> ControlFlow<()> {
        if node.is_empty() {
            return ControlFlow::Continue(());
        }
        match rest.map(split_first) {
            Some((segment, rest)) => {
                let literal = self.below(&node, depth, Segment::Literal(segment));
                self.visit_below(literal, depth + 1, rest, rank, show)?;
                if !segment.is_empty() {
                    let parameter = self.below(&node, depth, Segment::Parameter);
                    self.visit_below(parameter, depth + 1, rest, rank, show)?;
                }
            }
            None => {
                let ends = self.below(&node, depth, Segment::End);
                if !ends.is_empty() {
                    show(rank, ends)?;
                }
            }
        }
        let wildcards = self.below(&node, depth, Segment::Wildcard);
        if wildcards.is_empty() { ControlFlow::Continue(()) } else { show(rank + 1, wildcards) }
    }

    /// Returns the part of a range that has this segment next.
    fn below(&self, node: &Range<usize>, depth: usize, segment: Segment<'_>) -> Range<usize> {
        let start = self.first(node.clone(), depth, segment, Ordering::Equal);
        start..self.first(start..node.end, depth, segment, Ordering::Greater)
    }

    /// Returns the first place of a range whose segment is at least as much behind another one, as all that follow are; the range's end if
    /// none is.
    fn first(&self, range: Range<usize>, depth: usize, other: Segment<'_>, behind: Ordering) -> usize {
        let lines = self.lines.get(range.clone()).unwrap_or_default();
        let is_before = |marks: &usize| self.segment(marks + depth).cmp(&other) < behind;
        // Most ranges continue alike, or with literals only.
        match lines {
            [first, ..] if !is_before(first) => range.start,
            [.., last] if is_before(last) => range.end,
            _ => range.start + lines.partition_point(is_before),
        }
    }

    /// Returns the segment at a mark.
    fn segment(&self, mark: usize) -> Segment<'_> {
        match self.marks.get(mark..mark + 2) {
            Some(&[start, end]) => match self.text.get(start..end).unwrap_or_default() {
                piece if piece.starts_with(' ') => Segment::End,
                piece => piece.strip_prefix('/').map_or_else(|| Segment::of_host(piece), Segment::of),
            },
            _ => Segment::End,
        }
    }

    /// Selects the exact method, `GET` for `HEAD`, then `ANY`.
    fn select(&self, leaf: Range<usize>, method: Option<Method>) -> Option<usize> {
        let place = |rule| self.lines(leaf.clone()).find(|(_, line)| line.rule == rule).map(|(place, _)| place);
        let exact = method.and_then(|method| place(MethodRule::Exact(method)));
        let get = || match method {
            Some(Method::Head) => place(MethodRule::Exact(Method::Get)),
            _ => None,
        };
        exact.or_else(get).or_else(|| place(MethodRule::Any))
    }

    /// Yields every route in the order in which one takes a request before another, by their ranks.
    #[cfg(not(target_os = "unknown"))]
    pub fn in_order(&self) -> impl Iterator<Item = Line<'_>> {
        let mut lines: Vec<_> = self.lines(0..self.len()).map(|(_, line)| line).collect();
        lines.sort_by_key(Line::rank);
        lines.into_iter()
    }
}
