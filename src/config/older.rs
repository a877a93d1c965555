//! What configs of the older JavaScript gateway leave unsaid.
//!
//! Everything that the config's own keys can express is written into the tree, so that no later step knows the difference.

use std::borrow::Cow;

use super::document::{Member, Node, Text, Value};
use super::reference::Reference;

/// The beginning of the names of Supabase's integrations.
const SUPABASE: &str = "supabase_";

/// Keys of a Supabase integration, and the bindings that they come from if it has none itself.
pub(super) const SUPABASE_BINDINGS: [(&str, &str); 2] =
    [("url", "$env.SUPABASE_URL"), ("key", "$secret.SUPABASE_SERVICE_ROLE_KEY")];

/// Adds to the integrations of paths what they take from bindings of fixed names, and takes off authorizers the callback's address
/// under its older name, if it also has the other one: in SAG it then had no effect, and need be neither valid nor known.
pub(super) fn fill_in(root: &mut Node<'_>) {
    if let Some(authorizer) = member(root, "authorizer") {
        drop_unused(authorizer);
    }
    if let Some(Value::Object(named)) = member(root, "authorizers").map(|node| &mut node.value) {
        named.iter_mut().for_each(|authorizer| drop_unused(&mut authorizer.node));
    }
    let Some(Value::Array(paths)) = member(root, "paths").map(|node| &mut node.value) else { return };
    for path in paths {
        let Some(integration) = member(path, "integration") else { continue };
        let is_supabase = member(integration, "type").is_some_and(|node| match &node.value {
            Value::Text(text) => text.value.as_deref().is_some_and(|kind| kind.starts_with(SUPABASE)),
            _ => false,
        });
        for (key, reference) in SUPABASE_BINDINGS.into_iter().filter(|_| is_supabase) {
            if member(integration, key).is_some() {
                continue;
            }
            let offset = integration.offset;
            if let Value::Object(members) = &mut integration.value {
                let value = Value::Text(Text::of_file(Cow::Borrowed(reference)));
                members.push(Member { key: Cow::Borrowed(key), key_offset: offset, node: Node { offset, value } });
            }
        }
    }
}

fn drop_unused(authorizer: &mut Node<'_>) {
    let Value::Object(members) = &mut authorizer.value else { return };
    if members.iter().any(|member| member.key == "redirect_uri") {
        // Text that is not valid in any config is still reported.
        let is_unchecked = |node: &Node<'_>| match &node.value {
            Value::Text(text) => !matches!(text.value.as_deref().and_then(Reference::parse), Some(Err(_))),
            _ => false,
        };
        members.retain(|member| member.key != "callback_uri" || !is_unchecked(&member.node));
    }
}

fn member<'n, 's>(node: &'n mut Node<'s>, key: &str) -> Option<&'n mut Node<'s>> {
    let Value::Object(members) = &mut node.value else { return None };
    members.iter_mut().find(|member| member.key == key).map(|member| &mut member.node)
}
