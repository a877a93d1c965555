//! Forms and queries: `application/x-www-form-urlencoded` (URL standard, section 5).

use std::borrow::Borrow;

use super::lossy::lossy_text;
use super::percent::{decode_percent_into, push_percent_encoded};

/// A form, or a query, to which pairs are added.
#[derive(Default)]
pub struct FormText(String);

impl FormText {
    /// Begins with a text that may have pairs.
    pub fn of(text: String) -> Self {
        Self(text)
    }

    /// Adds a name and its value.
    pub fn append_pair(&mut self, name: &str, value: &str) -> &mut Self {
        if !self.0.is_empty() {
            self.0.push('&');
        }
        push_form_encoded(name, &mut self.0);
        self.0.push('=');
        push_form_encoded(value, &mut self.0);
        self
    }

    /// Adds names with their values.
    pub fn extend_pairs<N: AsRef<str>, V: AsRef<str>>(
        &mut self,
        pairs: impl IntoIterator<Item: Borrow<(N, V)>>,
    ) -> &mut Self {
        for pair in pairs {
            let (name, value) = pair.borrow();
            self.append_pair(name.as_ref(), value.as_ref());
        }
        self
    }

    /// Returns the text, and leaves an empty one.
    pub fn finish(&mut self) -> String {
        std::mem::take(&mut self.0)
    }
}

fn push_form_encoded(plain: &str, text: &mut String) {
    for byte in plain.bytes() {
        match byte {
            b' ' => text.push('+'),
            b'*' | b'-' | b'.' | b'_' => text.push(char::from(byte)),
            _ if byte.is_ascii_alphanumeric() => text.push(char::from(byte)),
            _ => push_percent_encoded(byte, text),
        }
    }
}

/// Returns the names and values of a form, as they are encoded.
pub fn form_pairs(text: &str) -> impl Iterator<Item = (&str, &str)> {
    text.split('&').filter(|pair| !pair.is_empty()).map(|pair| pair.split_once('=').unwrap_or((pair, "")))
}

/// Decodes a name or value of a form; what is not UTF-8 becomes U+FFFD.
pub fn form_value(encoded: &str) -> String {
    let spaced: Vec<_> = encoded.bytes().map(|byte| if byte == b'+' { b' ' } else { byte }).collect();
    let mut decoded = Vec::with_capacity(spaced.len());
    // A malformed escape stays as it is.
    let _ = decode_percent_into(&spaced, &mut decoded);
    lossy_text(&decoded)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn pairs_are_encoded_as_the_package_does(pairs: Vec<(String, String)>, before in "|a=b|a=b&") {
            let mut own = FormText::of(before.clone());
            own.extend_pairs(&pairs);
            let mut theirs = form_urlencoded::Serializer::new(before);
            prop_assert_eq!(own.finish(), theirs.extend_pairs(&pairs).finish());
        }

        #[test]
        fn pairs_are_decoded_as_the_package_does(text in "[ab&=+%0-9A-Fa-f]{0,12}|.{0,12}") {
            let own: Vec<_> = form_pairs(&text).map(|(name, value)| (form_value(name), form_value(value))).collect();
            let theirs: Vec<_> = form_urlencoded::parse(text.as_bytes()).into_owned().collect();
            prop_assert_eq!(own, theirs);
        }
    }
}
