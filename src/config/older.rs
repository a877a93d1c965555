//! What configs of the older JavaScript gateway leave unsaid.
//!
//! Everything that the config's own keys can express is written into the tree, so that no later step knows the difference.

use std::borrow::Cow;

use super::document::{Member, Node, Text, Value};
use super::integration::keys::{TYPE, supabase};
use super::key::Key;
use super::path::keys::INTEGRATION;
use super::provider::{CALLBACK_URI, REDIRECT_URI};
use super::reference::Reference;
use super::root::{AUTHORIZER, AUTHORIZERS, PATHS};

/// Adds to the integrations of paths what they take from bindings of fixed names, and takes off authorizers the callback's address
/// under its older name, if it also has the other one: in SAG it then had no effect, and need be neither valid nor known.
pub(super) fn fill_in(root: &mut Node<'_>) {
    if let Some(authorizer) = member(root, &AUTHORIZER) {
        drop_unused(authorizer);
    }
    if let Some(Value::Object(named)) = member(root, &AUTHORIZERS).map(|node| &mut node.value) {
        named.iter_mut().for_each(|authorizer| drop_unused(&mut authorizer.node));
    }
    let Some(Value::Array(paths)) = member(root, &PATHS).map(|node| &mut node.value) else { return };
    for path in paths {
        let Some(integration) = member(path, &INTEGRATION) else { continue };
        let is_supabase = member(integration, &TYPE).is_some_and(|node| match &node.value {
            Value::Text(text) => text.value.as_deref().is_some_and(|kind| kind.starts_with(supabase::PREFIX)),
            _ => false,
        });
        for (key, reference) in supabase::BINDINGS.into_iter().filter(|_| is_supabase) {
            let offset = integration.offset;
            if let Value::Object(members) = &mut integration.value
                && members.iter().all(|member| member.key != key)
            {
                let value = Value::Text(Text::of_file(Cow::Borrowed(reference)));
                members.push(Member { key: Cow::Borrowed(key), key_offset: offset, node: Node { offset, value } });
            }
        }
    }
}

fn drop_unused(authorizer: &mut Node<'_>) {
    let Value::Object(members) = &mut authorizer.value else { return };
    if members.iter().any(|member| member.key == REDIRECT_URI.name) {
        // Text that is not valid in any config is still reported.
        let is_unchecked = |node: &Node<'_>| match &node.value {
            Value::Text(text) => !matches!(text.value.as_deref().and_then(Reference::parse), Some(Err(_))),
            _ => false,
        };
        members.retain(|member| member.key != CALLBACK_URI.name || !is_unchecked(&member.node));
    }
}

fn member<'n, 's, S>(node: &'n mut Node<'s>, key: &Key<S>) -> Option<&'n mut Node<'s>> {
    let Value::Object(members) = &mut node.value else { return None };
    members.iter_mut().find(|member| member.key == key.name).map(|member| &mut member.node)
}
