//! The headers of one message, and what is changed of them.
//!
//! A message's own list stays with the runtime. What is read of it crosses once, as lines ([`HeaderList::parse`]); what is changed
//! crosses back as lines ([`HeaderList::changes`]). `src/edge/runtime/headers.js` prints the first and carries out the second.

use std::borrow::Cow;

use crate::http::header::Header;

/// Headers, by lower-case name.
#[derive(Clone, Default)]
pub struct HeaderList {
    headers: Vec<Header>,
    changes: String,
}

/// Says in the lines of changes that a value joins those that are there.
const ADD: &str = "+";
/// Says that all of a name go.
const REMOVE: &str = "-";

impl HeaderList {
    /// Parses names and values on alternating lines; no value holds a line break.
    pub fn parse<'l>(mut lines: impl Iterator<Item = &'l str>) -> Self {
        let mut headers = Vec::new();
        while let (Some(name), Some(value)) = (lines.next(), lines.next()) {
            headers.push((name.to_owned().into(), value.to_owned().into()));
        }
        Self { headers, changes: String::new() }
    }

    /// Returns the names, once for each value.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.headers.iter().map(|(name, _)| &**name)
    }

    /// Returns the values of a name.
    pub fn values(&self, name: &str) -> impl Iterator<Item = &str> {
        self.headers.iter().filter(move |(known, _)| known == name).map(|(_, value)| &**value)
    }

    /// Returns the value of a name, several of them joined by commas (RFC 9110 section 5.3).
    pub fn get(&self, name: &str) -> Option<Cow<'_, str>> {
        let mut values = self.values(name);
        let first = values.next()?;
        Some(values.fold(Cow::Borrowed(first), |joined, value| format!("{joined}, {value}").into()))
    }

    /// Sets a header in the place of those of its name.
    pub fn set(&mut self, name: Cow<'static, str>, value: Cow<'static, str>) {
        self.headers.retain(|(known, _)| *known != name);
        self.insert("", name, value);
    }

    /// Adds a value to those of a name.
    pub fn add(&mut self, name: Cow<'static, str>, value: Cow<'static, str>) {
        self.insert(ADD, name, value);
    }

    /// Removes all headers of a name.
    pub fn remove(&mut self, name: &str) {
        let before = self.headers.len();
        self.headers.retain(|(known, _)| known != name);
        if self.headers.len() < before {
            self.note(REMOVE, name, "");
        }
    }

    fn insert(&mut self, how: &str, name: Cow<'static, str>, value: Cow<'static, str>) {
        self.note(how, &name, &value);
        self.headers.push((name, value));
    }

    fn note(&mut self, how: &str, name: &str, value: &str) {
        debug_assert!(!value.contains('\n'), "a header value holds a line break");
        for part in [how, name, "\n", value, "\n"] {
            self.changes.push_str(part);
        }
    }

    /// Returns what was changed, in its order: a name and a value on alternating lines. Before the name `+` says that the value is
    /// added, `-` that all of the name are removed, and nothing that the value is set.
    pub fn changes(&self) -> &str {
        &self.changes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn changes_are_read_back_and_told_in_their_order() {
        let mut list = HeaderList::parse("vary\naccept\nset-cookie\na=1\nset-cookie\nb=2\netag\n".split('\n'));
        assert_eq!(list.get("set-cookie").as_deref(), Some("a=1, b=2"));
        assert_eq!((list.get("etag").as_deref(), list.get("age")), (Some(""), None));
        list.remove("set-cookie");
        list.remove("age");
        list.add("vary".into(), "origin".into());
        list.set("etag".into(), "\"e\"".into());
        assert_eq!(list.get("vary").as_deref(), Some("accept, origin"));
        assert_eq!(list.get("set-cookie"), None);
        assert_eq!(list.changes(), "-set-cookie\n\n+vary\norigin\netag\n\"e\"\n");
        assert_eq!(list.names().collect::<Vec<_>>(), ["vary", "vary", "etag"]);
    }
}
