//! What others wrote, as far as a log line or a message should hold it.

/// Cuts a text that a client chose to what a log line should hold of it.
pub fn shortened(text: &str) -> String {
    printable(text, 64)
}

/// Cuts the name of an issuer, or names of audiences: two that differ at their ends only must not look the same.
pub fn shortened_name(text: &str) -> String {
    printable(text, 200)
}

fn printable(text: &str, max_chars: usize) -> String {
    text.chars().filter(|c| !c.is_control()).take(max_chars).collect()
}
