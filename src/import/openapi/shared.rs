//! Which entries of a config match the same requests, by the shapes of their paths, and which of them takes these.
//!
//! As in the gateway's order: what ends in a rest comes last, and from the left a literal segment comes first. If each of two
//! has a literal before the other, a description need not mean the same.

use std::collections::BTreeMap;

use super::template::{PARAMETER, REST};

/// Routes by their shapes.
#[derive(Default)]
pub struct Shapes<'s> {
    below: BTreeMap<&'s str, Shapes<'s>>,
    /// The routes whose shape ends here.
    routes: Vec<usize>,
}

/// Requests that a route shares with another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shared {
    /// The other route.
    pub other: usize,
    /// The shape of the requests.
    pub shape: String,
    /// Whether each of the two is more specific than the other somewhere.
    pub crossing: bool,
    /// Whether the other has a literal where this one has none, and ends in a rest.
    pub behind_literal: bool,
}

/// Which of two shapes has a literal where the other has none, and how far their common shape goes.
#[derive(Clone, Default)]
struct Way {
    shape: String,
    first_has_literal: bool,
    other_has_literal: bool,
}

impl Way {
    fn on(&self, segment: &str) -> Self {
        Self { shape: format!("{}/{segment}", self.shape), ..self.clone() }
    }

    /// Returns requests that a route of these further segments shares with one that ends in a rest here.
    fn before_rest(&self, segments: &[&str], other: usize) -> Shared {
        let shape = segments.iter().fold(self.shape.clone(), |shape, segment| shape + "/" + segment);
        // Of two rests the longer one is more specific by its length, and the other one by a literal before it.
        let crossing = self.other_has_literal && segments.last() == Some(&REST);
        Shared { other, shape, crossing, behind_literal: self.other_has_literal }
    }

    fn crosses(&self) -> bool {
        self.first_has_literal && self.other_has_literal
    }
}

impl<'s> Shapes<'s> {
    /// Adds the shape of a route.
    pub fn insert(&mut self, segments: &[&'s str], route: usize) {
        match segments {
            [] => self.routes.push(route),
            [first, rest @ ..] => self.below.entry(first).or_default().insert(rest, route),
        }
    }

    /// Returns the routes that share requests with one of these segments and are not more specific than it.
    pub fn sharing(&self, segments: &[&str]) -> Vec<Shared> {
        let mut found = Vec::new();
        self.collect(segments, &Way::default(), &mut found);
        found
    }

    /// Returns the routes that end in a rest, and before these segments end.
    pub fn rests_over(&self, segments: &[&str]) -> Vec<usize> {
        let [first, rest @ ..] = segments else { return Vec::new() };
        let here = self.below.get(REST).map(|end| end.routes.clone()).unwrap_or_default();
        let below = self.below.iter().filter(|(segment, _)| *segment == first || **segment == PARAMETER);
        here.into_iter().chain(below.flat_map(|(_, below)| below.rests_over(rest))).collect()
    }

    /// Returns the routes that match all requests of these segments, and end in no rest.
    pub fn over(&self, segments: &[&str]) -> Vec<usize> {
        let [first, rest @ ..] = segments else { return self.routes.clone() };
        let matches = |segment: &str| segment == *first || segment == PARAMETER && !first.is_empty();
        let below = self.below.iter().filter(|(segment, _)| matches(segment));
        below.flat_map(|(_, below)| below.over(rest)).collect()
    }

    fn collect(&self, segments: &[&str], way: &Way, found: &mut Vec<Shared>) {
        let [first, rest @ ..] = segments else {
            let ends = self.below.get(REST).map(|end| end.routes.as_slice()).unwrap_or_default();
            found.extend(ends.iter().map(|other| way.before_rest(segments, *other)));
            return self.add(way, found);
        };
        if *first == REST {
            return self.collect_rests(way, found);
        }
        for (segment, below) in &self.below {
            match (*first, *segment) {
                (_, REST) => found.extend(below.routes.iter().map(|other| way.before_rest(segments, *other))),
                (first, second) if first == second => below.collect(rest, &way.on(first), found),
                (PARAMETER, "") | ("", PARAMETER) => {}
                (PARAMETER, second) => {
                    below.collect(rest, &Way { other_has_literal: true, ..way.on(second) }, found);
                }
                (first, PARAMETER) => below.collect(rest, &Way { first_has_literal: true, ..way.on(first) }, found),
                (_, _) => {}
            }
        }
    }

    /// Adds, for a route that ends in a rest here, those that end in one here or below.
    fn collect_rests(&self, way: &Way, found: &mut Vec<Shared>) {
        for (segment, below) in &self.below {
            if *segment == REST {
                below.add(&way.on(REST), found);
            } else {
                // The longer one is the more specific one by its length.
                below.collect_rests(&Way { other_has_literal: true, ..way.on(segment) }, found);
            }
        }
    }

    fn add(&self, way: &Way, found: &mut Vec<Shared>) {
        if way.crosses() || !way.other_has_literal {
            let (shape, crossing) = (&way.shape, way.crosses());
            let shared =
                |other: &usize| Shared { other: *other, shape: shape.clone(), crossing, behind_literal: false };
            found.extend(self.routes.iter().map(shared));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shared_requests_are_those_that_both_match() {
        let shapes = ["/a/{}", "/{}/b", "/{}/{}", "/a/b", "/{.+}", "/a/{.+}", "/{}/b/{.+}", "/c"];
        let mut known = Shapes::default();
        for (index, shape) in shapes.iter().enumerate() {
            known.insert(&shape.split('/').skip(1).collect::<Vec<_>>(), index);
        }
        let table: [(&str, &[&str]); 6] = [
            (
                "/a/{}",
                &[
                    "/a/{} of /a/{}",
                    "/a/{} of /a/{.+}",
                    "/a/{} of /{.+}",
                    "/a/b of /{}/b, crossing",
                    "/a/b of /{}/b/{.+}",
                    "/a/{} of /{}/{}",
                ],
            ),
            ("/{}/{}", &["/{}/{} of /{}/{}", "/{}/{} of /{.+}", "/a/{} of /a/{.+}", "/{}/b of /{}/b/{.+}"]),
            ("/c", &["/c of /c", "/c of /{.+}"]),
            ("/{.+}", &["/{.+} of /{.+}"]),
            ("/a/{.+}", &["/a/{.+} of /a/{.+}", "/a/{.+} of /{.+}", "/a/b/{.+} of /{}/b/{.+}, crossing"]),
            ("/{}/b/{.+}", &["/{}/b/{.+} of /{}/b/{.+}", "/a/b/{.+} of /a/{.+}, crossing", "/{}/b/{.+} of /{.+}"]),
        ];
        for (shape, expected) in table {
            let found = known.sharing(&shape.split('/').skip(1).collect::<Vec<_>>());
            let shown = |shared: &Shared| {
                let crossing = if shared.crossing { ", crossing" } else { "" };
                format!("{} of {}{crossing}", shared.shape, shapes[shared.other])
            };
            let mut found: Vec<_> = found.iter().map(shown).collect();
            let mut expected: Vec<_> = expected.iter().map(|text| (*text).to_owned()).collect();
            found.sort();
            expected.sort();
            assert_eq!(found, expected, "{shape}");
        }
        assert_eq!(known.rests_over(&["a"]), [4]);
        assert_eq!(known.over(&["a", "b"]).len(), 4);
        assert_eq!(known.over(&["a"]).len(), 0);
    }
}
