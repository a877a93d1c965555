//! Percent-encoding (RFC 3986 section 2.1).

/// A `%` that two hex digits do not follow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MalformedEscape;

/// Percent-decodes a text once into `decoded`, replacing what that held; a malformed escape stays as it is.
///
/// # Errors
///
/// [`MalformedEscape`] for a `%` that two hex digits do not follow.
pub fn decode_percent_into(text: &[u8], decoded: &mut Vec<u8>) -> Result<(), MalformedEscape> {
    decoded.clear();
    let mut outcome = Ok(());
    let mut rest = text;
    while let [byte, after @ ..] = rest {
        rest = after;
        let mut byte = *byte;
        if byte == b'%' {
            match escaped(after) {
                Some((escaped, after)) => (byte, rest) = (escaped, after),
                None => outcome = Err(MalformedEscape),
            }
        }
        decoded.push(byte);
    }
    outcome
}

/// Appends a byte, percent-encoded.
pub fn push_percent_encoded(byte: u8, text: &mut String) {
    text.push('%');
    for nibble in [byte >> 4, byte & 0x0f] {
        text.push(char::from(if nibble < 10 { b'0' + nibble } else { b'A' + nibble - 10 }));
    }
}

/// Returns the byte of the first two hex digits of a text, and the rest.
fn escaped(text: &[u8]) -> Option<(u8, &[u8])> {
    let [high, low, after @ ..] = text else { return None };
    Some((hex_value(*high)? << 4 | hex_value(*low)?, after))
}

fn hex_value(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        b'A'..=b'F' => Some(digit - b'A' + 10),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_escape_without_two_hex_digits_is_malformed() {
        for text in ["%", "%4", "a%", "%zz", "%4g", "%u002f", "%%41"] {
            assert_eq!(decode_percent_into(text.as_bytes(), &mut Vec::new()), Err(MalformedEscape), "{text}");
        }
    }
}
