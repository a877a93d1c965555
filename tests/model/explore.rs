//! Goes through every state that a world can come to, the nearest first, so that the first counter-example is a shortest one.
//!
//! States are told apart by 128 bits of a hash. All transitions are kept, because a run that never comes to rest is a cycle among them.

use std::collections::HashMap;
use std::fmt;
use std::time::{Duration, Instant};

use crate::world::{Action, REST, World};

/// What an exploration found.
pub struct Report {
    pub states: usize,
    pub transitions: usize,
    /// The most steps of a shortest way to a state.
    pub depth: usize,
    /// States in which nothing is left to do.
    pub rests: usize,
    pub took: Duration,
    pub violation: Option<Violation>,
}

/// A property that does not hold, and the shortest schedule that shows it.
pub struct Violation {
    pub property: &'static str,
    pub schedule: String,
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { states, transitions, depth, rests, took, .. } = self;
        write!(
            f,
            "{states} states, {transitions} transitions, depth {depth}, {rests} ends, {:.1} s",
            took.as_secs_f64()
        )
    }
}

/// Explores all that can come of a world, or until a property is violated.
pub fn explore(root: &World) -> Report {
    let begun = Instant::now();
    let mut search = Search { root, parents: vec![None], edges: Vec::new() };
    let mut ids = HashMap::from([(root.key(), 0_u32)]);
    let mut frontier = vec![(0_u32, root.clone())];
    let (mut depth, mut rests, mut violation) = (0, 0, None);
    'search: while !frontier.is_empty() {
        let mut next = Vec::new();
        for (id, world) in frontier {
            let actions = world.actions();
            if world.is_at_rest(&actions) {
                rests += 1;
                if let Some(property) = world.violation_at_rest() {
                    violation = Some(search.violation(property, id, None));
                    break 'search;
                }
            }
            for action in actions {
                let mut after = world.clone();
                after.take(&action);
                if let Some(property) = after.violation() {
                    violation = Some(search.violation(property, id, Some(action)));
                    break 'search;
                }
                let fresh = u32::try_from(search.parents.len()).unwrap();
                let known = *ids.entry(after.key()).or_insert(fresh);
                search.edges.push((id, known));
                if known == fresh {
                    search.parents.push(Some((id, action)));
                    next.push((fresh, after));
                }
            }
        }
        depth += usize::from(!next.is_empty());
        frontier = next;
    }
    if violation.is_none() {
        violation = search.cycle().map(|id| search.violation(REST, id, None));
    }
    let (states, transitions) = (search.parents.len(), search.edges.len());
    Report { states, transitions, depth, rests, took: begun.elapsed(), violation }
}

struct Search<'w> {
    root: &'w World,
    parents: Vec<Option<(u32, Action)>>,
    edges: Vec<(u32, u32)>,
}

impl Search<'_> {
    fn violation(&self, property: &'static str, mut id: u32, last: Option<Action>) -> Violation {
        let mut actions: Vec<Action> = last.into_iter().collect();
        while let Some((parent, action)) = &self.parents[id as usize] {
            actions.push(action.clone());
            id = *parent;
        }
        actions.reverse();
        Violation { property, schedule: schedule(self.root, &actions) }
    }

    /// Returns a state on a cycle, if there is one: what is left when states without a transition to them are taken away, again and
    /// again.
    fn cycle(&self) -> Option<u32> {
        let mut into = vec![0_u32; self.parents.len()];
        let mut starts = vec![0_usize; self.parents.len() + 1];
        for (from, to) in &self.edges {
            into[*to as usize] += 1;
            starts[*from as usize + 1] += 1;
        }
        for index in 1..starts.len() {
            starts[index] += starts[index - 1];
        }
        // Edges come in the order of the states that they leave.
        let mut free: Vec<u32> = (0..).zip(&into).filter(|(_, count)| **count == 0).map(|(id, _)| id).collect();
        let mut taken = 0;
        while let Some(id) = free.pop() {
            taken += 1;
            for (_, to) in &self.edges[starts[id as usize]..starts[id as usize + 1]] {
                into[*to as usize] -= 1;
                if into[*to as usize] == 0 {
                    free.push(*to);
                }
            }
        }
        if taken == self.parents.len() {
            return None;
        }
        (0..).zip(&into).find(|(_, count)| **count > 0).map(|(id, _)| id)
    }
}

/// Tells actions in words, a numbered line each, with what came of them.
pub fn schedule(root: &World, actions: &[Action]) -> String {
    let mut world = root.clone();
    world.notes = Some(Vec::new());
    let mut text = String::new();
    for (index, action) in actions.iter().enumerate() {
        text += &format!("{:>3}. {}\n", index + 1, world.tell(action));
        world.take(action);
        for note in world.notes.as_mut().unwrap().drain(..) {
            text += &format!("       {note}\n");
        }
    }
    text
}
