//! Excerpts of texts that somebody else chose, for log lines.

/// Cuts a text that a client chose to the excerpt for a log line.
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
