//! What nothing that is printed may show: values of secrets, credentials of the request, and what was made up.
//!
//! Every text of a way passes here once, at its end. What the steps say of a config comes from a reading without its secrets, and
//! what they say of what is sent from a request without its credentials; here is what any of them could still have taken over.

use serde_json::Value;

use crate::encoding::FormText;

/// What stands for a credential of the request until its text passes here: each way of encoding leaves it as it is.
pub const CREDENTIAL: &str = "bargate-value-of-the-client";

/// What stands for a claim that is not known here, likewise.
pub const CLAIM: &str = "bargate-value-of-a-claim";

/// A text of fewer bytes is replaced only where it is a word: it may be a part of other words by chance.
const PART_MIN_BYTES: usize = 8;

/// Texts that are not shown, each with what is shown in its place.
pub struct Hidden(Vec<(String, String)>);

impl Hidden {
    /// Returns what is not shown: texts of the config, each with its reference, and credentials of the request.
    pub fn of(texts: &[(String, String)], credentials: impl Iterator<Item = String>) -> Self {
        let mut hidden = Self(Vec::new());
        for (text, reference) in texts {
            hidden.add(text, reference);
        }
        for credential in credentials.filter(|credential| credential.len() >= PART_MIN_BYTES) {
            hidden.add(&credential, "<what the client sent>");
        }
        hidden.add(CREDENTIAL, "<what the client sent>");
        hidden.add(CLAIM, "<that claim, if it is there>");
        // Of two that begin alike, the longer one.
        hidden.0.sort_by(|(one, _), (other, _)| other.len().cmp(&one.len()).then_with(|| one.cmp(other)));
        hidden
    }

    /// Adds a text as it is, and as the parts of a request may have it.
    fn add(&mut self, text: &str, shown: &str) {
        let mut encoded = FormText::default();
        encoded.append_pair("", text);
        let form = encoded.finish();
        let form = form.strip_prefix('=').unwrap_or_default().to_owned();
        let percent = form.replace('+', "%20");
        for one in [text.to_owned(), text.replace('%', "%25"), text.to_ascii_lowercase(), form, percent] {
            if !one.is_empty() && one != shown && !self.0.iter().any(|(known, _)| *known == one) {
                self.0.push((one, shown.to_owned()));
            }
        }
    }

    /// Returns a text as it may be shown.
    pub fn show(&self, text: &str) -> String {
        let mut shown = String::with_capacity(text.len());
        let mut rest = text;
        while let Some(first) = rest.chars().next() {
            let before = text.strip_suffix(rest).and_then(|before| before.chars().next_back());
            let found = self.0.iter().find_map(|(hidden, instead)| {
                let behind = rest.strip_prefix(hidden.as_str())?;
                let is_word =
                    hidden.len() >= PART_MIN_BYTES || !(continues(before) || continues(behind.chars().next()));
                is_word.then_some((instead, behind))
            });
            rest = if let Some((instead, behind)) = found {
                shown.push_str(instead);
                behind
            } else {
                shown.push(first);
                rest.get(first.len_utf8()..).unwrap_or_default()
            };
        }
        shown
    }

    /// Rewrites each text of a value as it may be shown.
    pub fn rewrite_json(&self, value: &mut Value) {
        match value {
            Value::String(text) => *text = self.show(text),
            Value::Array(items) => items.iter_mut().for_each(|item| self.rewrite_json(item)),
            Value::Object(members) => members.values_mut().for_each(|member| self.rewrite_json(member)),
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }
}

/// Checks whether a word goes on with what is beside it.
fn continues(beside: Option<char>) -> bool {
    beside.is_some_and(char::is_alphanumeric)
}
