//! Whether one list of networks admits an address that another refuses.

use std::collections::BTreeSet;

use serde_json::Value;

use super::config::texts;
use crate::config::Network;
use crate::config::networks::{ALLOW, DENY};

/// Addresses of one family, from the first to the last.
type Range = (u128, u128);

/// A network as it is written, and its addresses.
struct Written {
    text: String,
    v4: bool,
    range: Range,
}

/// The addresses of each family that an `ip` admits, and the references in it, whose networks are not known.
struct Admitted {
    /// Of IPv6, and of IPv4.
    families: [Vec<Range>; 2],
    allowed: BTreeSet<String>,
    denied: BTreeSet<String>,
}

/// Returns what the second `ip` admits and the first does not; `None` if that is nothing.
pub(super) fn first_admitted(before: &Value, after: &Value) -> Option<String> {
    let (was, is) = (Admitted::of(before), Admitted::of(after));
    if open(after) && !open(before) {
        return Some("every address that is not denied".to_owned());
    }
    let unknown = is.allowed.difference(&was.allowed).next();
    let unknown = unknown.filter(|_| !open(before)).or_else(|| was.denied.difference(&is.denied).next());
    if let Some(reference) = unknown {
        return Some(reference.clone());
    }
    for (v4, (was, is)) in [false, true].into_iter().zip(was.families.iter().zip(&is.families)) {
        let is_known = |(from, to): &Range| was.iter().any(|(first, last)| first <= from && to <= last);
        if is.iter().all(is_known) {
            continue;
        }
        let mut listed = networks(after.get(ALLOW.name)).1.into_iter();
        let added = listed.find(|network| network.v4 == v4 && !is_known(&network.range));
        return Some(added.map_or_else(|| "addresses that were refused".to_owned(), |network| network.text));
    }
    None
}

/// Checks whether every address that is not denied is admitted.
fn open(ip: &Value) -> bool {
    ip.get(ALLOW.name).is_none()
}

/// Returns the references in a list, and its networks.
fn networks(list: Option<&Value>) -> (BTreeSet<String>, Vec<Written>) {
    let (references, written): (Vec<_>, Vec<_>) = texts(list).into_iter().partition(|text| text.starts_with('$'));
    let read = |text: String| {
        let (v4, from, to) = Network::parse(&text)?.range();
        Some(Written { text, v4, range: (from, to) })
    };
    (references.into_iter().collect(), written.into_iter().filter_map(read).collect())
}

impl Admitted {
    fn of(ip: &Value) -> Self {
        let (allowed, allow) = networks(ip.get(ALLOW.name));
        let (denied, deny) = networks(ip.get(DENY.name));
        let families = [false, true].map(|v4| {
            let of_family = |list: &[Written]| {
                merged(list.iter().filter(|network| network.v4 == v4).map(|network| network.range).collect())
            };
            let all = vec![(0, u128::MAX)];
            let allow = if !open(ip) { of_family(&allow) } else { all };
            without(&allow, &of_family(&deny))
        });
        Self { families, allowed, denied }
    }
}

/// Sorts ranges, and merges those that touch.
fn merged(mut ranges: Vec<Range>) -> Vec<Range> {
    ranges.sort_unstable();
    let mut merged: Vec<Range> = Vec::new();
    for (from, to) in ranges {
        match merged.last_mut() {
            Some((_, end)) if from <= end.saturating_add(1) => *end = to.max(*end),
            _ => merged.push((from, to)),
        }
    }
    merged
}

/// Subtracts sorted ranges from others.
fn without(ranges: &[Range], taken: &[Range]) -> Vec<Range> {
    let mut left = Vec::new();
    for (from, to) in ranges {
        let mut start = Some(*from);
        for (first, last) in taken.iter().filter(|(first, last)| first <= to && last >= from) {
            if let Some(at) = start.filter(|at| at < first) {
                left.push((at, first - 1));
            }
            start = last.checked_add(1).filter(|next| next <= to);
        }
        left.extend(start.map(|start| (start, *to)));
    }
    left
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[rustfmt::skip] // One row a line.
    fn only_what_was_kept_out_counts() {
        let table = [
            (r#"{"allow": ["192.0.2.0/24"]}"#, r#"{"allow": ["0.0.0.0/0"]}"#, Some("0.0.0.0/0"), "every address"),
            (r#"{"allow": ["192.0.2.0/24"]}"#, r#"{"allow": ["192.0.2.0/25"]}"#, None, "fewer"),
            (r#"{"allow": ["192.0.2.0/25", "192.0.2.128/25"]}"#, r#"{"allow": ["192.0.2.0/24"]}"#, None, "in one block"),
            (r#"{"allow": ["192.0.2.1"]}"#, r#"{"allow": ["192.0.2.1/32"]}"#, None, "another spelling"),
            (r#"{"allow": ["192.0.2.0/24"]}"#, r#"{"deny": ["192.0.2.0/24"]}"#, Some("every address that is not denied"), "the list is gone"),
            (r#"{"allow": ["::/0"]}"#, r#"{"allow": ["0.0.0.0/0"]}"#, Some("0.0.0.0/0"), "the other family"),
            (r#"{"deny": ["192.0.2.0/24"]}"#, r#"{"deny": ["192.0.2.0/25"]}"#, Some("addresses that were refused"), "fewer are denied"),
            (r#"{"deny": ["192.0.2.0/24"]}"#, r#"{"deny": ["192.0.0.0/16"]}"#, None, "more are denied"),
            (r#"{"deny": ["192.0.2.0/24"]}"#, r#"{"allow": ["198.51.100.0/24"]}"#, None, "others alone are allowed"),
            (r#"{"deny": ["192.0.2.0/24"]}"#, r#"{"allow": ["192.0.2.7"]}"#, Some("192.0.2.7"), "one that was denied"),
            (r#"{"allow": ["0.0.0.0/0"], "deny": ["192.0.2.7"]}"#, r#"{"allow": ["0.0.0.0/0"]}"#, Some("0.0.0.0/0"), "the exception is gone"),
            (r#"{"allow": ["$env.A"]}"#, r#"{"allow": ["$env.B"]}"#, Some("$env.B"), "another variable"),
            (r#"{"deny": ["$env.A"]}"#, r#"{"deny": []}"#, Some("$env.A"), "a variable that was denied"),
            (r#"{"allow": ["$env.A"]}"#, r#"{"allow": []}"#, None, "nobody"),
        ];
        for (before, after, expected, message) in table {
            let [before, after] = [before, after].map(|text| serde_json::from_str(text).unwrap());
            assert_eq!(first_admitted(&before, &after).as_deref(), expected, "{message}");
        }
    }
}
