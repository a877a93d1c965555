//! An input as the texts that a check takes, and what checks of different kinds have in common.

use serde_json::{Map, Value};

/// A time that all checks take for the present, in seconds since 1970.
pub const NOW: i64 = 1_800_000_000;

/// Returns an input as text; `None` if it is not UTF-8, which the runtime has replaced before the gateway sees a text.
pub fn text(bytes: &[u8]) -> Option<&str> {
    std::str::from_utf8(bytes).ok()
}

/// Returns the lines of a text, the last of them with all that follows; those that it lacks are empty.
pub fn fields<const N: usize>(text: &str) -> [&str; N] {
    let mut lines = text.splitn(N, '\n');
    std::array::from_fn(|_| lines.next().unwrap_or_default())
}

/// Returns the members of a JSON object as `serde_json` reads it, which takes the last of several with one name.
pub fn members(text: &str) -> Option<Map<String, Value>> {
    serde_json::from_str(text).ok()
}

/// Checks whether a text looks like a token or a key, and like nothing else that anybody would write into a log line.
pub fn is_secret(text: &str) -> bool {
    let is_of_token = |b: u8| b.is_ascii_alphanumeric() || b"-._~+/=".contains(&b);
    text.len() >= 24 && text.bytes().all(is_of_token) && text.bytes().any(|b| b.is_ascii_uppercase())
}

/// Asserts that a text for the log does not show a secret.
pub fn assert_hidden(shown: &str, secret: &str) {
    assert!(!is_secret(secret) || !shown.contains(secret), "shown: {shown}");
}

/// Asserts that a header may be sent with this value.
pub fn assert_value(name: &str, value: &str) {
    assert!(value.bytes().all(|b| matches!(b, b' '..=b'~')), "{name}: {value:?}");
}
