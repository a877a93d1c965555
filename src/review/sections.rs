//! Sections of a config as they are written, for those who look at what they have in common.

use crate::config::ONLY_AUTHORIZER;
use crate::config::document::{Node, Value};
use crate::config::reader::Place;

/// Gives the name of the authorizer that a path's `auth` names.
pub fn named_authorizer<'n>(path: &'n Node<'_>) -> Option<&'n Node<'n>> {
    let auth = path.get("auth")?;
    if auth.as_text().is_some() { Some(auth) } else { auth.get("authorizer") }
}

/// Tells whether a path's `auth` names no authorizer, and so takes the first.
pub fn takes_first_authorizer(path: &Node<'_>) -> bool {
    path.get("auth").is_some_and(|auth| match &auth.value {
        Value::Bool(on) => *on,
        Value::Object(_) => auth.get("authorizer").is_none(),
        Value::Null | Value::Number(_) | Value::Text(_) | Value::Array(_) => false,
    })
}

/// Gives each value that a path maps to an upstream, with the keys that lead to it.
pub fn mapped_values<'n>(path: &'n Node<'_>) -> impl Iterator<Item = ([&'static str; 2], &'n Node<'n>)> {
    let lists = [["mapping", "headers"], ["mapping", "query"], ["request_headers", "set"]];
    lists.into_iter().flat_map(|keys| {
        let node = path.get(keys[0]).and_then(|node| node.get(keys[1]));
        node.map(Node::members).unwrap_or_default().iter().map(move |member| (keys, &member.node))
    })
}

/// Gives the items of a section; none where there is no such list.
pub fn items<'n, 's>(root: &'n Node<'s>, section: &str) -> &'n [Node<'s>] {
    root.get(section).map(Node::items).unwrap_or_default()
}

pub fn with_authorizer_place<R>(root: &Node<'_>, name: &str, run: impl FnOnce(&Place<'_>) -> R) -> R {
    let sole = root.get("authorizer").is_some() && name == ONLY_AUTHORIZER;
    let section = Place::Key(&Place::Root, "authorizers");
    let place = if sole { Place::Key(&Place::Root, "authorizer") } else { Place::Key(&section, name) };
    run(&place)
}

/// Gives where the name of each authorizer stands, in the order of [`authorizers`].
pub fn name_offsets(root: &Node<'_>) -> Vec<usize> {
    let sole = root.members().iter().filter(|member| member.key == "authorizer");
    let named = root.get("authorizers").map(Node::members).unwrap_or_default();
    sole.take(1).chain(named).map(|member| member.key_offset).collect()
}
