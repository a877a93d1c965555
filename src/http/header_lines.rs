//! Headers on their way to the runtime and back: a message's own list stays there, what is read and changed of it crosses as lines.
//!
//! `src/edge/runtime/headers.js` prints the one and carries out the other. No name and no value holds a line break.

/// What is read of a message's headers: lower-case names and values on alternating lines.
///
/// Where lines end is looked for once, and not for each header that is asked for.
pub struct HeaderLines {
    text: String,
    /// Where each line ends.
    ends: Vec<usize>,
}

impl HeaderLines {
    /// Takes the lines over.
    pub fn new(text: String) -> Self {
        let mut next = 0;
        let ends = text.split('\n').map(|line| {
            next += line.len() + 1;
            next - 1
        });
        let ends = ends.collect();
        Self { text, ends }
    }

    /// Returns each name with its value.
    pub fn pairs(&self) -> impl Iterator<Item = (&str, &str)> {
        let mut start = 0;
        self.ends.chunks_exact(2).filter_map(move |ends| {
            let &[name, value] = ends else { return None };
            let start = std::mem::replace(&mut start, value + 1);
            Some((self.text.get(start..name)?, self.text.get(name + 1..value)?))
        })
    }

    /// Returns the first value of a name, in whatever case that is given.
    #[inline(never)]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.pairs().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    }
}

/// Returns each name of changes, with what is done to it before it, and its value.
fn changed(lines: &str) -> impl Iterator<Item = (&str, &str)> {
    let mut lines = lines.split('\n');
    std::iter::from_fn(move || Some((lines.next()?, lines.next()?)))
}

/// Says in the lines of changes that a value takes the place of those of its name; no name begins with that.
const SET: &str = "=";
/// Says that a value joins them.
const ADD: &str = "+";
/// Says that all of a name go.
const REMOVE: &str = "-";

/// What is changed of a message's headers, in its order: names and values on alternating lines, and before each name what is done.
#[derive(Clone)]
pub struct HeaderChanges(String);

/// Room for the changes to most messages, in bytes, which then does not grow while they are written.
const CHANGES_BYTES: usize = 512;

impl Default for HeaderChanges {
    fn default() -> Self {
        Self(String::with_capacity(CHANGES_BYTES))
    }
}

impl HeaderChanges {
    /// Sets a header in the place of those of its name; a cookie stands beside those that are there.
    pub fn set(&mut self, name: &str, value: &str) {
        self.push(if name == "set-cookie" { ADD } else { SET }, name, value);
    }

    /// Adds a value to those of a name.
    pub fn add(&mut self, name: &str, value: &str) {
        self.push(ADD, name, value);
    }

    /// Removes all headers of a name.
    pub fn remove(&mut self, name: &str) {
        self.push(REMOVE, name, "");
    }

    /// Returns the value that a header is set to.
    pub fn value_set(&self, name: &str) -> Option<&str> {
        changed(&self.0).find(|(change, _)| change.strip_prefix(SET) == Some(name)).map(|(_, value)| value)
    }

    /// Goes on with other changes.
    pub fn append(&mut self, others: &Self) {
        self.0.push_str(&others.0);
    }

    /// Returns the lines.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    #[inline(never)]
    fn push(&mut self, how: &str, name: &str, value: &str) {
        debug_assert!(!value.contains('\n'), "a header value holds a line break");
        for part in [how, name, "\n", value, "\n"] {
            self.0.push_str(part);
        }
    }
}

#[cfg(not(target_os = "unknown"))]
impl HeaderChanges {
    /// Carries out the changes, as `change` of `headers.js` does.
    pub fn carried_out(&self, headers: &[(&str, &str)]) -> Vec<(String, String)> {
        let mut headers: Vec<(String, String)> =
            headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        for (change, value) in changed(&self.0) {
            let (how, name) = change.split_at(usize::from(!change.is_empty()));
            if [SET, REMOVE].contains(&how) {
                headers.retain(|(known, _)| known != name);
            }
            if [SET, ADD].contains(&how) {
                headers.push((name.to_owned(), value.to_owned()));
            }
        }
        headers
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_read_by_name() {
        let text = "vary\naccept\netag\n\nset-cookie\na=1\nset-cookie\nb=2";
        for text in [text.to_owned(), format!("{text}\n")] {
            let lines = HeaderLines::new(text);
            let table = [("vary", Some("accept")), ("ETag", Some("")), ("set-cookie", Some("a=1")), ("accept", None)];
            for (name, value) in table {
                assert_eq!(lines.get(name), value, "{name}");
            }
            assert_eq!(lines.pairs().count(), 4);
        }
        assert_eq!(HeaderLines::new(String::new()).pairs().count(), 0, "none");
    }

    #[test]
    fn changes_are_told_in_their_order() {
        let mut changes = HeaderChanges::default();
        changes.remove("age");
        changes.add("vary", "origin");
        let mut more = HeaderChanges::default();
        more.set("etag", "\"e\"");
        more.set("set-cookie", "b=2");
        changes.append(&more);
        assert_eq!(changes.as_str(), "-age\n\n+vary\norigin\n=etag\n\"e\"\n+set-cookie\nb=2\n");
        let carried_out =
            changes.carried_out(&[("age", "1"), ("etag", "w"), ("set-cookie", "a=1"), ("vary", "accept")]);
        let lines: Vec<_> = carried_out.iter().map(|(name, value)| format!("{name}: {value}")).collect();
        assert_eq!(lines, ["set-cookie: a=1", "vary: accept", "vary: origin", "etag: \"e\"", "set-cookie: b=2"]);
    }
}
