//! A built-in config in the form that the gateway starts from.
//!
//! The build has checked the config. What is left to do at each start is kept small: routes that differ only in method and
//! path are one entry of `paths`, and which request takes which of them is said by lines that are already sorted. So a
//! start reads what the config says, and not how often it says so.
//!
//! It is read by the rules of every config, and its references are resolved as in any. A form that another build wrote is not read.

#[cfg(not(target_arch = "wasm32"))]
use std::collections::HashMap;
#[cfg(not(target_arch = "wasm32"))]
use std::ops::Range;

#[cfg(not(target_arch = "wasm32"))]
use serde::de::IgnoredAny;

#[cfg(not(target_arch = "wasm32"))]
use super::{
    Settings, WrittenAnswer, WrittenConfig, WrittenPath, document::Node, path::keys, reference::collect_references,
    routes_as_compiled, without_mark,
};
#[cfg(not(target_arch = "wasm32"))]
use crate::route::Pattern;
use crate::route::PreparedRoutes;

/// What the form begins with. Its number is that of the form: a build that writes another one counts up.
const BEGINNING: &str = concat!("bargate ", env!("CARGO_PKG_VERSION"), " prepared 1 ");

/// A config in this form.
pub struct Prepared<'p> {
    /// The config, with the first of all entries that differ only in method and path.
    pub config: &'p str,
    /// The routes of all entries, each with the index of its first.
    pub routes: PreparedRoutes<&'p str>,
}

impl<'p> Prepared<'p> {
    /// Parses the form; `None` if the text has another, or was cut.
    pub fn parse(text: &'p str) -> Option<Self> {
        let (lengths, parts) = text.strip_prefix(BEGINNING)?.split_once('\n')?;
        let (config, routes) = lengths.split_once(' ')?;
        let (config, parts) = parts.split_at_checked(config.parse().ok()?)?;
        let (written, folded) = parts.split_at_checked(routes.parse().ok()?)?;
        Some(Self { config, routes: PreparedRoutes { written, folded } })
    }
}

/// Writes a config in this form; `None` if it has mistakes, or rules that need every entry.
#[cfg(not(target_arch = "wasm32"))]
pub fn prepare(source: &str) -> Option<String> {
    let source = without_mark(source);
    let config = WrittenConfig::parse(source).ok()?;
    let (tree, mistakes) = config.read();
    let tree = tree.filter(|tree| mistakes.is_empty() && tree.protected_resources().next().is_none())?;
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
#[cfg(not(target_arch = "wasm32"))]
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
            ) && collect_references(integration.node).is_empty()
        }
        None => false,
    }
}

/// Returns the text of an entry without the values of its method and its path.
#[cfg(not(target_arch = "wasm32"))]
fn without_route(source: &str, entry: &Node<'_>, span: Range<usize>) -> Option<String> {
    let (mut text, mut from) = (String::new(), span.start);
    for member in entry.members().iter().filter(|member| [keys::METHOD.name, keys::PATH.name].contains(&&*member.key)) {
        text.push_str(source.get(from..member.node.offset)?);
        from = self::span(source, &member.node)?.end;
    }
    text.push_str(source.get(from..span.end)?);
    Some(text)
}

/// Returns where the text of a value is.
#[cfg(not(target_arch = "wasm32"))]
fn span(source: &str, node: &Node<'_>) -> Option<Range<usize>> {
    let mut values = serde_json::Deserializer::from_str(source.get(node.offset..)?).into_iter::<IgnoredAny>();
    values.next()?.ok()?;
    Some(node.offset..node.offset + values.byte_offset())
}
