//! The tree of patterns, by segment, and the search in it.
//!
//! Each node is a prefix of patterns, without parameter names, so only one path leads to it. A search goes
//! down the literal child first, then the parameter child, then takes the wildcard that ends at the node; it therefore meets
//! the patterns that match a path in their order of precedence, those without a wildcard and those with one each for
//! themselves. It visits only nodes whose prefix matches the path, each once and none below
//! [`MAX_SEGMENTS`](super::MAX_SEGMENTS): if no two patterns overlap, one node a segment, however many routes there are and
//! however long the path; at worst, the prefixes of the config's own patterns that match this very path.
//!
//! It does **not** judge paths or patterns, and keeps of a route only its method and its index.

use std::ops::ControlFlow;

use super::limits::MAX_PATTERN_BYTES;
use super::loose::fold_literal;
use super::method::{Allow, Method, MethodRule};
use super::pattern::{Pattern, Segment};
use super::segment::split_first;
use crate::places::Places;

/// A prefix of patterns, and what continues or ends there.
#[derive(Debug, Default)]
pub(super) struct Node {
    /// The places of the literals' children.
    literals: Places<'static>,
    children: Vec<Node>,
    parameter: Option<Box<Node>>,
    ends: Leaf,
    wildcards: Leaf,
}

impl Node {
    /// Adds a route below this node, which is the root.
    ///
    /// # Errors
    ///
    /// The index of the route that has the same method and the same pattern, without parameter names.
    pub(super) fn insert(&mut self, pattern: &Pattern, rule: MethodRule, index: usize) -> Result<(), usize> {
        self.leaf(pattern, false).insert(rule, index)
    }

    /// Adds a route below this node, which is the root of a tree for paths as [`super::loose`] reads them.
    pub(super) fn insert_loosely(&mut self, pattern: &Pattern, rule: MethodRule, index: usize) {
        self.leaf(pattern, true).routes.push((rule, index));
    }

    fn leaf(&mut self, pattern: &Pattern, loosely: bool) -> &mut Leaf {
        let (mut node, mut first) = (self, true);
        for segment in pattern.segments() {
            node = match segment {
                // A last slash says nothing, unless it is all there is.
                Segment::Literal(text) if loosely && text.is_empty() && !first => node,
                Segment::Literal(text) => {
                    let text = if loosely { fold_literal(text) } else { text.to_string() };
                    let fresh = node.children.len();
                    let place = node.literals.add(text.into(), fresh).unwrap_or_else(|| {
                        node.children.push(Self::default());
                        fresh
                    });
                    // It is there by now.
                    let Some(child) = node.children.get_mut(place) else { break };
                    child
                }
                Segment::Parameter(_) => node.parameter.get_or_insert_default(),
            };
            first = false;
        }
        if pattern.is_wildcard() { &mut node.wildcards } else { &mut node.ends }
    }

    /// Finds the best route for a method (`None` for one that no route can name) and a path in its normal form.
    pub(super) fn find(&self, method: Option<Method>, path: &str) -> Option<usize> {
        let mut exact = None;
        let mut wildcard = None;
        let _ = self.visit(path.strip_prefix('/'), &mut |ending, leaf| {
            match ending {
                Ending::Exact => exact = leaf.select(method),
                Ending::Wildcard if wildcard.is_none() => wildcard = leaf.select(method),
                Ending::Wildcard => {}
            }
            if exact.is_some() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        });
        exact.or(wildcard)
    }

    /// Collects the methods for which [`Self::find`] finds a route at a path and `admits` accepts it.
    pub(super) fn allow(&self, path: &str, admits: impl Fn(usize) -> bool) -> Allow {
        let mut best = Method::ALL.map(|method| (method, None, None));
        let _ = self.visit(path.strip_prefix('/'), &mut |ending, leaf| {
            for (method, exact, wildcard) in &mut best {
                let slot = match ending {
                    Ending::Exact => exact,
                    Ending::Wildcard => wildcard,
                };
                if slot.is_none() {
                    *slot = leaf.select(Some(*method));
                }
            }
            ControlFlow::Continue(())
        });
        let mut allow = Allow::default();
        for (method, exact, wildcard) in best {
            if exact.or(wildcard).is_some_and(&admits) {
                allow.insert(MethodRule::Exact(method));
            }
        }
        allow
    }

    /// Returns whether, for a method and a path that is read loosely, one of the routes that come before `found` or stand beside it
    /// meets `condition`; `found` has its index, and whether its pattern has a wildcard.
    ///
    /// Whatever makes a path match another route is allowed at once here, so the route that it leads to under any selection of that
    /// is among them.
    pub(super) fn any_before(
        &self,
        method: Option<Method>,
        path: &str,
        found: Option<(usize, bool)>,
        condition: &dyn Fn(usize) -> bool,
    ) -> bool {
        let path = path.strip_suffix('/').filter(|path| !path.is_empty()).unwrap_or(path);
        let (mut exact, mut wildcard, mut reached) = (false, false, false);
        let _ = self.visit(path.strip_prefix('/'), &mut |ending, leaf| {
            let is_met = leaf.routes.iter().any(|(rule, index)| rule.answers(method) && condition(*index));
            match ending {
                Ending::Exact => exact |= is_met,
                Ending::Wildcard => wildcard |= is_met && !reached,
            }
            reached |= found.is_some_and(|(found, _)| leaf.routes.iter().any(|(_, index)| *index == found));
            // Any route without a wildcard comes before one that has it.
            let over = exact || reached && found.is_some_and(|(_, is_wildcard)| !is_wildcard);
            if over { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        });
        exact || wildcard && found.is_none_or(|(_, is_wildcard)| is_wildcard || !reached)
    }

    /// Passes on every leaf that matches the rest of a path, the better of each ending first, until the visitor stops.
    fn visit(&self, rest: Option<&str>, show: &mut dyn FnMut(Ending, &Leaf) -> ControlFlow<()>) -> ControlFlow<()> {
        match rest {
            Some(rest) => {
                let (segment, rest) = split_first(rest);
                for node in self.below(segment).into_iter().flatten() {
                    node.visit(rest, show)?;
                }
            }
            None if self.ends.is_empty() => {}
            None => show(Ending::Exact, &self.ends)?,
        }
        if self.wildcards.is_empty() { ControlFlow::Continue(()) } else { show(Ending::Wildcard, &self.wildcards) }
    }

    /// Returns the nodes that a segment of a path leads to, in their order of precedence.
    fn below(&self, segment: &str) -> [Option<&Self>; 2] {
        // No literal is longer than a pattern: a hostile segment is not worth hashing.
        let literal = if segment.len() <= MAX_PATTERN_BYTES { self.literals.get(segment) } else { None };
        let literal = literal.and_then(|place| self.children.get(place));
        [literal, self.parameter.as_deref().filter(|_| !segment.is_empty())]
    }
}

/// The description of the tree.
#[cfg(not(target_arch = "wasm32"))]
impl Node {
    /// Adds a route below this node, which is the root, though another may have its method and its pattern.
    pub(super) fn insert_again(&mut self, pattern: &Pattern, rule: MethodRule, index: usize) {
        self.leaf(pattern, false).routes.push((rule, index));
    }

    /// Returns how many segments of a path some pattern matches before they part.
    pub(super) fn depth(&self, rest: Option<&str>) -> usize {
        let Some((segment, rest)) = rest.map(split_first) else { return 0 };
        let below = self.below(segment).into_iter().flatten();
        below.map(|node| 1 + node.depth(rest)).max().unwrap_or_default()
    }

    /// Yields every route in the order in which a search that matches all of them meets it: first those without a wildcard.
    pub(super) fn routes(&self) -> impl Iterator<Item = usize> {
        let leaves = |leaf: fn(&Self) -> &Leaf| {
            let mut routes = Vec::new();
            self.collect(leaf, &mut routes);
            routes.into_iter()
        };
        leaves(|node| &node.ends).chain(leaves(|node| &node.wildcards))
    }

    fn collect(&self, leaf: fn(&Self) -> &Leaf, routes: &mut Vec<usize>) {
        let mut literals: Vec<_> = self.literals.iter().collect();
        literals.sort_unstable();
        let parameter = self.parameter.as_deref();
        for node in literals.into_iter().filter_map(|(_, place)| self.children.get(place)).chain(parameter) {
            node.collect(leaf, routes);
        }
        let mut own: Vec<_> = leaf(self).routes.iter().collect();
        own.sort_by_key(|(rule, _)| *rule);
        routes.extend(own.into_iter().map(|(_, index)| index));
    }
}

/// How the patterns of a leaf end.
#[derive(Debug, Clone, Copy)]
enum Ending {
    Exact,
    Wildcard,
}

/// The routes of one pattern, by method: at most one each, so never more than eight.
#[derive(Debug, Default)]
struct Leaf {
    routes: Vec<(MethodRule, usize)>,
}

impl Leaf {
    fn is_empty(&self) -> bool {
        self.routes.is_empty()
    }

    fn insert(&mut self, rule: MethodRule, index: usize) -> Result<(), usize> {
        if let Some(first) = self.get(rule) {
            return Err(first);
        }
        self.routes.push((rule, index));
        Ok(())
    }

    fn get(&self, rule: MethodRule) -> Option<usize> {
        self.routes.iter().find(|(own, _)| *own == rule).map(|(_, index)| *index)
    }

    /// Selects the exact method, `GET` for `HEAD`, then `ANY`.
    fn select(&self, method: Option<Method>) -> Option<usize> {
        let exact = method.and_then(|method| self.get(MethodRule::Exact(method)));
        let get = || match method {
            Some(Method::Head) => self.get(MethodRule::Exact(Method::Get)),
            _ => None,
        };
        exact.or_else(get).or_else(|| self.get(MethodRule::Any))
    }
}
