//! Reads the token: an argument or standard input, with or without its scheme.

use std::io::Read as _;

use crate::failure::Failure;

/// Most bytes read from standard input; no token is nearly as long.
const INPUT_MAX_BYTES: u64 = 1024 * 1024;

/// Returns the token of an argument; for `-`, that of standard input.
///
/// # Errors
/// That there is no token, or that standard input cannot be read.
pub fn read_token(argument: &str) -> Result<String, Failure> {
    let mut text = argument.to_owned();
    if argument == "-" {
        let mut bytes = Vec::new();
        let read = std::io::stdin().lock().take(INPUT_MAX_BYTES + 1).read_to_end(&mut bytes);
        read.map_err(|error| Failure::new(format!("<stdin>: cannot be read: {error}")))?;
        if bytes.len() as u64 > INPUT_MAX_BYTES {
            return Err(Failure::new(format!("<stdin>: is larger than {} MiB", INPUT_MAX_BYTES / (1024 * 1024))));
        }
        text = String::from_utf8_lossy(&bytes).into_owned();
    }
    let token = without_scheme(text.trim());
    if token.is_empty() { Err(Failure::new("there is no token")) } else { Ok(token.to_owned()) }
}

fn without_scheme(text: &str) -> &str {
    match text.split_once(char::is_whitespace) {
        Some((scheme, token)) if scheme.eq_ignore_ascii_case("bearer") => token.trim_start(),
        _ => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_comes_with_or_without_its_scheme() {
        let table = [
            (" a.b.c\n", Some("a.b.c"), "white space around it"),
            ("Bearer a.b.c", Some("a.b.c"), "the scheme before it"),
            ("bEARER \t a.b.c", Some("a.b.c"), "the scheme in any case"),
            ("Basic a.b.c", Some("Basic a.b.c"), "another scheme is a part of it"),
            ("Bearer", Some("Bearer"), "a scheme alone may be a token"),
            (" \n", None, "nothing"),
        ];
        for (text, expected, message) in table {
            assert_eq!(read_token(text).ok().as_deref(), expected, "{message}");
        }
    }
}
