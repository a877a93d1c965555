//! Writes a config in the form of [`crate::config::Prepared`], from which the gateway starts.

use std::collections::HashMap;
use std::ops::Range;

use serde::de::IgnoredAny;

use crate::config::document::Node;
use crate::config::path::keys;
use crate::config::prepared::BEGINNING;
use crate::config::{
    ConfigTree, Settings, WrittenAnswer, WrittenConfig, WrittenPath, routes_as_compiled, walk_references,
};
use crate::route::{Pattern, PreparedRoutes};

/// Writes a config in this form; `None` if it has mistakes, or rules that need every entry.
pub fn prepare(source: &str) -> Option<String> {
    let config = WrittenConfig::parse(source).ok()?;
    let source = config.source;
    let (tree, mistakes) = config.read();
    let has_own_paths =
        |tree: &ConfigTree<'_>| tree.protected_resources().next().is_some() || tree.authorization_server.is_some();
    let tree = tree.filter(|tree| mistakes.is_empty() && !has_own_paths(tree))?;
    let problem_page = match tree.problem_page {
        Some(written) => Some(written.in_file()?),
        None => None,
    };
    let specs = routes_as_compiled(&tree);
    if specs.len() != tree.paths.len() {
        return None;
    }
    let (mut shared, mut entries, mut indexes) = (HashMap::new(), Vec::new(), Vec::new());
    for path in &tree.paths {
        let span = span(source, path.node)?;
        let text = source.get(span.clone())?;
        let stands_alone = !may_be_shared(path) || path.pattern.as_ref().map(Pattern::as_str) == problem_page;
        let name = if stands_alone { path.index.to_string() } else { without_route(source, path.node, span)? };
        let index = *shared.entry(name).or_insert(entries.len());
        if index == entries.len() {
            entries.push(text);
        }
        indexes.push(index);
    }
    let (first, last) = (span(source, tree.paths.first()?.node)?, span(source, tree.paths.last()?.node)?);
    let config = [source.get(..first.start)?, &entries.join(","), source.get(last.end..)?].concat();
    let PreparedRoutes { written, folded } = PreparedRoutes::of(specs.iter().map(|(_, spec)| spec).zip(indexes));
    Some(format!("{BEGINNING}{} {}\n{config}{written}{folded}", config.len(), written.len()))
}

/// Checks whether nothing else in a config depends on the path of an entry, nor what it means on a reference in its integration.
fn may_be_shared(path: &WrittenPath<'_>) -> bool {
    match &path.answer {
        Some(WrittenAnswer::Response(_)) => true,
        Some(WrittenAnswer::Integration(integration)) => {
            matches!(
                integration.settings,
                Settings::HttpProxy { .. }
                    | Settings::ServiceBinding(_)
                    | Settings::Service(_)
                    | Settings::Fixed(_)
                    | Settings::Redirect(_)
            ) && !holds_reference(integration.node)
        }
        None => false,
    }
}

/// Checks whether a part of a config holds a reference.
fn holds_reference(node: &Node<'_>) -> bool {
    let mut holds = false;
    walk_references(node, &mut |_, _, _| holds = true);
    holds
}

/// Returns the text of an entry without the values of its method, its host and its path.
fn without_route(source: &str, entry: &Node<'_>, span: Range<usize>) -> Option<String> {
    let (mut text, mut from) = (String::new(), span.start);
    for member in entry
        .members()
        .iter()
        .filter(|member| [keys::METHOD.name, keys::HOST.name, keys::PATH.name].contains(&&*member.key))
    {
        text.push_str(source.get(from..member.node.offset)?);
        from = self::span(source, &member.node)?.end;
    }
    text.push_str(source.get(from..span.end)?);
    Some(text)
}

/// Returns where the text of a value is.
fn span(source: &str, node: &Node<'_>) -> Option<Range<usize>> {
    let mut values = serde_json::Deserializer::from_str(source.get(node.offset..)?).into_iter::<IgnoredAny>();
    values.next()?.ok()?;
    Some(node.offset..node.offset + values.byte_offset())
}
