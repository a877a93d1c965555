//! Where the links of the documents lead, within the project. Other sites are not asked.

use std::path::Path;

use super::markdown::Page;

/// Names each link that leads to no file, or to no heading of its page.
pub fn lost_links(root: &Path, pages: &[Page]) -> Vec<String> {
    let leads = |page: &Page, target: &str| -> bool {
        if target.contains("://") || target.starts_with("mailto:") {
            return true;
        }
        let (file, anchor) = target.split_once('#').map_or((target, None), |(file, anchor)| (file, Some(anchor)));
        let Some(name) = (if file.is_empty() { Some(page.name.clone()) } else { resolve(&page.name, file) }) else {
            return false;
        };
        let found = pages.iter().find(|page| page.name == name);
        match anchor {
            None => found.is_some() || root.join(name).exists(),
            Some(anchor) => found.is_some_and(|page| page.anchors.iter().any(|known| known == anchor)),
        }
    };
    let lost = |page: &Page| -> Vec<String> {
        let links = page.links.iter().filter(|(_, target)| !leads(page, target));
        links.map(|(line, target)| format!("{}:{line}: {target} leads nowhere", page.name)).collect()
    };
    pages.iter().flat_map(lost).collect()
}

/// Returns a file's path from the project's folder; nothing if it is outside.
fn resolve(page: &str, file: &str) -> Option<String> {
    let mut segments: Vec<&str> = page.split('/').collect();
    segments.pop();
    for segment in file.split('/') {
        match segment {
            "" | "." => {}
            ".." => drop(segments.pop()?),
            name => segments.push(name),
        }
    }
    Some(segments.join("/"))
}
