//! What a change of a value exposes, by what its key means.
//!
//! Values of bindings are not known here, so another reference counts as another value.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::LazyLock;

use serde_json::Value;

use super::change::Exposure;
use super::config::{Object, members, texts};
use super::networks::first_admitted;
use crate::address::Address;
use crate::config::grammar::{Change, Entry, Json};
use crate::config::rules::cache;
use crate::config::{ListedOrigin, Reference, schema};

/// The longest value that is shown, in characters.
const SHOWN_MAX_CHARS: usize = 100;

/// Headers of answers that can expose something if they are added; a final hyphen makes a prefix.
const OPENING_HEADERS: [&str; 13] = [
    "access-control-",
    "cache-control",
    "cdn-cache-control",
    "cloudflare-cdn-cache-control",
    "content-type",
    "cross-origin-resource-policy",
    "expires",
    "link",
    "location",
    "refresh",
    "service-worker-allowed",
    "set-cookie",
    "timing-allow-origin",
];

/// Headers of answers that protect their recipients; a final hyphen makes a prefix.
const PROTECTIVE_HEADERS: [&str; 17] = [
    "cache-control",
    "cdn-cache-control",
    "clear-site-data",
    "cloudflare-cdn-cache-control",
    "content-disposition",
    "content-security-policy",
    "cross-origin-",
    "expires",
    "origin-agent-cluster",
    "permissions-policy",
    "pragma",
    "referrer-policy",
    "strict-transport-security",
    "vary",
    "x-content-type-options",
    "x-frame-options",
    "x-permitted-cross-domain-policies",
];

/// The keys of each section, by its name.
static KEYS: LazyLock<HashMap<&str, Vec<Entry>>> =
    LazyLock::new(|| schema::sections().into_iter().map(|section| (section.name, section.keys)).collect());

/// Returns the keys of which no value exposes anything, as `section.key` with the reason; keys that several types share, once.
pub fn harmless_keys() -> Vec<(String, &'static str)> {
    let mut harmless = Vec::new();
    for section in schema::sections() {
        let place = match section.kinds().and_then(|_| section.name.split_once('_')) {
            Some((union, _)) => format!("{union}."),
            None if section.name == "config" => String::new(),
            None => format!("{}.", section.name),
        };
        for entry in &section.keys {
            if let Change::Harmless(reason) = entry.change {
                let key = (format!("{place}{}", entry.name), reason);
                if !harmless.contains(&key) {
                    harmless.push(key);
                }
            }
        }
    }
    harmless
}

/// Adds what the keys of a section that differ expose; `place` is its config path, which is empty at the top.
pub(super) fn compare_section(
    keys: &[Entry],
    place: &str,
    before: &Object,
    after: &Object,
    exposures: &mut Vec<Exposure>,
) {
    compare_keys(keys, place, before, after, false, &|_| true, exposures);
}

/// Does so with those keys of a section that `is_meant` names; a `fresh` section did not exist before.
pub(super) fn compare_keys(
    keys: &[Entry],
    place: &str,
    before: &Object,
    after: &Object,
    fresh: bool,
    is_meant: &dyn Fn(&str) -> bool,
    exposures: &mut Vec<Exposure>,
) {
    for entry in keys.iter().filter(|entry| is_meant(entry.name)) {
        let absent = entry.absent_as.as_ref().or(entry.default.as_ref()).map(Json::to_value);
        // A response may be `null`; elsewhere that is an error, and counts as absent.
        let says = |value: &&Value| !value.is_null() || matches!(entry.change, Change::Answer);
        let value = |object: &Object| object.get(entry.name).filter(says).cloned().or_else(|| absent.clone());
        let (before, after) = (value(before), value(after));
        if before != after {
            let place = if place.is_empty() { entry.name.to_owned() } else { format!("{place}.{}", entry.name) };
            KeyChange { entry, place: &place, fresh, exposures }.compare(before.as_ref(), after.as_ref());
        }
    }
}

/// A key that differs, and what is exposed so far.
struct KeyChange<'t> {
    entry: &'t Entry,
    place: &'t str,
    fresh: bool,
    exposures: &'t mut Vec<Exposure>,
}

impl KeyChange<'_> {
    fn expose(&mut self, what: impl Into<String>) {
        self.exposures.push(Exposure::Setting { place: self.place.to_owned(), what: what.into() });
    }

    fn expose_each(&mut self, words: &str, items: impl IntoIterator<Item = String>) {
        for item in items {
            self.expose(format!("{words} {item}"));
        }
    }

    fn compare(&mut self, before: Option<&Value>, after: Option<&Value>) {
        let in_place_of = |words: &str| format!("{words}: {} instead of {}", shown(after), shown(before));
        match self.entry.change {
            Change::Harmless(_) | Change::Elsewhere => {}
            Change::Within => self.compare_below(before, after, false),
            Change::Feature if is_on(after) => self.compare_below(before, after, !is_on(before)),
            Change::Feature => {}
            Change::Rule if before.is_some() && after.is_none() => {
                self.exposures.push(Exposure::RuleLost(self.entry.name.to_owned()));
            }
            Change::Guard(loss) if is_on(before) && !is_on(after) => self.expose(loss),
            Change::Rule | Change::Guard(_) => self.compare_below(before, after, !is_on(before)),
            Change::Different(words) if !self.fresh => self.expose(in_place_of(words)),
            Change::Handover(words, kept) if !self.fresh && after.and_then(Value::as_str) != Some(kept) => {
                self.expose(in_place_of(words));
            }
            Change::Destination(words) if after.is_some() => self.expose(in_place_of(words)),
            Change::Hidden(words) if !self.fresh => match [after, before].map(|value| reference(value?)) {
                [Some(after), Some(before)] => self.expose(format!("{words}: {after} instead of {before}")),
                _ => self.expose(words),
            },
            Change::Larger(words) if !self.fresh => {
                match (before.and_then(Value::as_u64), after.and_then(Value::as_u64)) {
                    (Some(before), Some(after)) if after <= before => {}
                    (None, _) if before.is_none() => {}
                    (Some(_), None) if after.is_none() => self.expose_loss(),
                    _ => self.expose(in_place_of(words)),
                }
            }
            Change::On(words) if after == Some(&Value::Bool(true)) => self.expose(words),
            Change::Off(words) if !self.fresh && before == Some(&Value::Bool(true)) => self.expose(words),
            Change::Wider(words) => self.expose_each(words, wider(&items(before), &items(after))),
            Change::Origins => self.compare_origins(&items(before), &items(after)),
            Change::WiderHeaders(words) => self.expose_each(words, wider(&header_names(before), &header_names(after))),
            Change::Narrower(words) if !self.fresh => self.expose_each(words, gone(before, after)),
            Change::Location(words) => {
                let (was, is) = (before.map(site), after.map(site));
                if is.as_ref().is_some_and(|site| *site != Site::Own) && was != is {
                    self.expose(in_place_of(words));
                }
            }
            Change::KeepsBody => {
                let keeps = |value: Option<&Value>| matches!(value.and_then(Value::as_u64), Some(307 | 308));
                if keeps(after) && !keeps(before) {
                    self.expose("sends request bodies on to its target");
                }
            }
            Change::Headers => self.compare_headers(before, after),
            Change::Removed => {
                self.expose_each("no longer removes", gone(before, after));
                let removed = wider(&header_names(before), &header_names(after)).into_iter();
                let removed = removed.filter(|name| is_among(&PROTECTIVE_HEADERS, name));
                self.expose_each("removes", removed);
            }
            Change::Sources => self.compare_sources(&by_lower_name(before), &by_lower_name(after)),
            Change::Parameters => self.compare_sources(&by_name(before), &by_name(after)),
            Change::Claims => self.expose_each("no longer requires", lost_claims(members(before), members(after))),
            Change::Networks => self.compare_networks(before, after),
            Change::MediaTypes => self.compare_media_types(before, after),
            Change::Cache => match (before, after) {
                (None, Some(kept)) if kept.get(cache::PER_USER.name) != Some(&Value::Bool(true)) => {
                    self.expose("shares cached answers among all users");
                }
                (Some(_), Some(_)) => self.compare_below(before, after, false),
                (_, _) => {}
            },
            Change::Answer => {
                let references = references(after).difference(&references(before)).cloned().collect::<Vec<_>>();
                self.expose_each("answers with", references);
            }
            Change::Different(_)
            | Change::Handover(..)
            | Change::Destination(_)
            | Change::Hidden(_)
            | Change::Larger(_)
            | Change::On(_)
            | Change::Off(_)
            | Change::Narrower(_) => {}
        }
    }

    fn expose_loss(&mut self) {
        self.exposures.push(Exposure::RuleLost(self.place.to_owned()));
    }

    fn compare_below(&mut self, before: Option<&Value>, after: Option<&Value>, fresh: bool) {
        let keys = self.entry.shape.section().and_then(|name| KEYS.get(name)).map(Vec::as_slice).unwrap_or_default();
        compare_keys(keys, self.place, members(before), members(after), fresh, &|_| true, self.exposures);
    }

    fn compare_headers(&mut self, before: Option<&Value>, after: Option<&Value>) {
        let (before, after) = (by_lower_name(before), by_lower_name(after));
        for name in before.keys().filter(|name| !after.contains_key(*name)) {
            self.expose(format!("no longer sends {name}"));
        }
        for (name, text) in &after {
            match before.get(name) {
                Some(was) if was == text => {}
                Some(_) => self.expose(format!("sends another {name}")),
                None if is_among(&OPENING_HEADERS, name) || !references(Some(text)).is_empty() => {
                    self.expose(format!("sends {name}"));
                }
                None if is_among(&PROTECTIVE_HEADERS, name) && protects_nobody(name, text) => {
                    self.expose(format!("sends {name} with a value that protects nobody, instead of any other"));
                }
                None => {}
            }
        }
    }

    fn compare_sources(&mut self, before: &BTreeMap<String, Value>, after: &BTreeMap<String, Value>) {
        for name in before.keys().filter(|name| !after.contains_key(*name)) {
            self.expose(format!("no longer sets {name}, so a client may set it"));
        }
        for (name, source) in after {
            let shown = source.as_str().filter(|text| text.starts_with('$')).unwrap_or("a text");
            match before.get(name) {
                Some(was) if was == source => {}
                Some(_) => self.expose(format!("sends another {name}, from {shown}")),
                None => self.expose(format!("sends {name}, from {shown}")),
            }
        }
    }

    /// Adds what added origins expose: their pages may read answers, and pass the CSRF rule if they have no `*`.
    fn compare_origins(&mut self, before: &BTreeSet<String>, after: &BTreeSet<String>) {
        let stars: Vec<_> = before.iter().filter_map(|origin| ListedOrigin::parse_starred(origin)).collect();
        for origin in wider(before, after) {
            let words = match (origin.contains('*'), stars.iter().any(|star| star.admits(&origin))) {
                (true, _) => "lets pages read answers:",
                (false, true) => "lets pages pass the CSRF rule:",
                (false, false) => "lets pages read answers and pass the CSRF rule:",
            };
            self.expose(format!("{words} {origin}"));
        }
    }

    fn compare_networks(&mut self, before: Option<&Value>, after: Option<&Value>) {
        match (before, after) {
            (Some(_), None) => self.expose_loss(),
            (Some(before), Some(after)) => {
                if let Some(what) = first_admitted(before, after) {
                    self.expose(format!("lets in {what}"));
                }
            }
            (None, _) => {}
        }
    }

    fn compare_media_types(&mut self, before: Option<&Value>, after: Option<&Value>) {
        let types = |value| texts(value).iter().map(|text| text.to_ascii_lowercase()).collect::<Vec<_>>();
        let (before, after) = (types(before), types(after));
        if before.is_empty() {
            return;
        }
        if after.is_empty() {
            return self.expose_loss();
        }
        let covers = |wide: &String, narrow: &String| {
            wide == narrow || wide.strip_suffix('*').is_some_and(|kind| narrow.starts_with(kind))
        };
        let wider = after.into_iter().filter(|kind| !before.iter().any(|known| covers(known, kind)));
        self.expose_each("accepts bodies of", wider);
    }
}

/// Returns the claims that are required before and not afterwards, or afterwards with other values, which are more.
pub(super) fn lost_claims(before: &Object, after: &Object) -> Vec<String> {
    let values = |value: &Value| value.as_array().cloned().unwrap_or_else(|| vec![value.clone()]);
    let is_kept = |name: &String, wider: &Value| {
        let wider = values(wider);
        after.get(name).is_some_and(|narrower| values(narrower).iter().all(|value| wider.contains(value)))
    };
    let lost = before.iter().filter(|(name, value)| !is_kept(name, value));
    lost.map(|(name, value)| format!("the claim {name} = {value}")).collect()
}

/// Checks whether a protective header has a value that protects nobody, and so only replaces one that does.
fn protects_nobody(name: &str, text: &Value) -> bool {
    let text = text.as_str().unwrap_or_default().trim().to_ascii_lowercase();
    let open: &[&str] = match name {
        "strict-transport-security" => return text.split(';').any(|part| part.trim().replace(' ', "") == "max-age=0"),
        // Browsers know these two values, and ignore any other.
        "x-frame-options" => return !["deny", "sameorigin"].contains(&text.as_str()),
        "x-content-type-options" => return text != "nosniff",
        "content-security-policy" => &["default-src *"],
        "content-disposition" => &["inline"],
        "origin-agent-cluster" => &["?0"],
        "referrer-policy" => &["unsafe-url", "no-referrer-when-downgrade"],
        "x-permitted-cross-domain-policies" => &["all"],
        _ if name.starts_with("cross-origin-") => &["unsafe-none", "cross-origin"],
        _ => &[],
    };
    text.is_empty() || open.contains(&text.trim_end_matches(';'))
}

/// Checks whether a section that switches something on is present.
fn is_on(value: Option<&Value>) -> bool {
    value.is_some_and(|value| *value != Value::Bool(false))
}

/// Returns a value as it is printed.
fn shown(value: Option<&Value>) -> String {
    let Some(value) = value else { return "none".to_owned() };
    let text = value.to_string();
    match text.char_indices().nth(SHOWN_MAX_CHARS) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text,
    }
}

/// Returns the items of a list, objects as they are printed, or the words of a text.
fn items(value: Option<&Value>) -> BTreeSet<String> {
    match value {
        Some(Value::String(text)) => text.split_whitespace().map(str::to_owned).collect(),
        Some(Value::Array(items)) if items.iter().any(Value::is_object) => items.iter().map(Value::to_string).collect(),
        value => texts(value).into_iter().collect(),
    }
}

/// Returns the names of headers in a list.
fn header_names(value: Option<&Value>) -> BTreeSet<String> {
    items(value).into_iter().map(|name| name.to_ascii_lowercase()).collect()
}

/// Returns the items that are added; nothing is, if `*` was listed before.
fn wider(before: &BTreeSet<String>, after: &BTreeSet<String>) -> Vec<String> {
    if before.contains("*") { Vec::new() } else { after.difference(before).cloned().collect() }
}

/// Returns the headers that were listed before and are not afterwards.
fn gone(before: Option<&Value>, after: Option<&Value>) -> Vec<String> {
    header_names(before).difference(&header_names(after)).cloned().collect()
}

/// Whose site a URL names.
#[derive(PartialEq, Eq)]
enum Site {
    /// The gateway's.
    Own,
    /// An origin's, or a reference's.
    Other(String),
}

fn site(value: &Value) -> Site {
    let text = value.as_str().unwrap_or_default();
    match Address::parse(text) {
        Some(address) if address.is_http() => Site::Other(address.origin()),
        None if text.starts_with('/') && !text.starts_with("//") => Site::Own,
        _ => Site::Other(text.to_owned()),
    }
}

/// Returns the references in a value.
fn references(value: Option<&Value>) -> BTreeSet<String> {
    match value {
        Some(Value::Array(items)) => items.iter().flat_map(|item| references(Some(item))).collect(),
        Some(Value::Object(members)) => members.values().flat_map(|value| references(Some(value))).collect(),
        value => value.and_then(reference).into_iter().map(str::to_owned).collect(),
    }
}

/// Returns a text that is a reference.
fn reference(value: &Value) -> Option<&str> {
    value.as_str().filter(|text| matches!(Reference::parse(text), Some(Ok(_))))
}

fn by_name(value: Option<&Value>) -> BTreeMap<String, Value> {
    members(value).iter().map(|(name, value)| (name.clone(), value.clone())).collect()
}

fn by_lower_name(value: Option<&Value>) -> BTreeMap<String, Value> {
    by_name(value).into_iter().map(|(name, value)| (name.to_ascii_lowercase(), value)).collect()
}

/// Checks whether a name is listed, or begins with a listed prefix, which ends in a hyphen.
fn is_among(listed: &[&str], name: &str) -> bool {
    listed.iter().any(|known| *known == name || known.ends_with('-') && name.starts_with(known))
}
