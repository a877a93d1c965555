//! Bytes as text: base64 (RFC 4648), percent-encoding (RFC 3986 section 2.1) and forms. Those two by ourselves, since the package for
//! them, with a table of its own, is a kibibyte of the Worker; the tests compare them.

mod form;
mod lossy;
mod percent;

pub use form::{FormText, form_pairs, form_value};
#[cfg(target_os = "unknown")]
pub use lossy::lossy_text;
pub use percent::{MalformedEscape, decode_percent_into, push_percent_encoded};

use base64::Engine as _;
use base64::engine::GeneralPurpose;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};

/// Returns bytes as base64url without padding.
pub fn base64url(bytes: &[u8]) -> String {
    encode(&URL_SAFE_NO_PAD, bytes)
}

/// Returns bytes as base64 with padding.
pub fn base64(bytes: &[u8]) -> String {
    encode(&STANDARD, bytes)
}

/// Returns the bytes of a base64url text without padding, of which each has one: stray bits at its end are refused.
pub fn base64url_bytes(text: &str) -> Option<Vec<u8>> {
    URL_SAFE_NO_PAD.decode(text).ok()
}

/// Returns bytes in the alphabet of an engine. [`base64::Engine::encode`] says in many words if its text is not UTF-8, which the Worker
/// would carry.
fn encode(engine: &GeneralPurpose, bytes: &[u8]) -> String {
    // There is room for all of it.
    let mut text = vec![0; bytes.len().div_ceil(3) * 4];
    let length = engine.encode_slice(bytes, &mut text).unwrap_or_default();
    text.truncate(length);
    String::from_utf8(text).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_refused_that_are_not_the_one_of_their_bytes() {
        let table = [
            ("", Some(&b""[..]), "nothing"),
            ("Zg", Some(b"f"), "a byte"),
            ("Zm8", Some(b"fo"), "two bytes"),
            ("-__-_w", Some(b"\xfb\xff\xfe\xff"), "the letters that base64 has others for"),
            ("+//+/w", None, "those others"),
            ("Zg==", None, "padding"),
            ("Zh", None, "a stray bit behind one byte"),
            ("Zm9", None, "a stray bit behind two bytes"),
            ("Z", None, "a letter alone, of bits that are not zero"),
            ("A", None, "a letter alone, of zeros"),
            ("Zm9vA", None, "a letter alone behind others"),
            ("Zm 9v", None, "a space"),
            ("Zm\u{e9}", None, "more than ASCII"),
        ];
        for (text, bytes, message) in table {
            assert_eq!(base64url_bytes(text).as_deref(), bytes, "{message}");
        }
    }

    #[test]
    fn bytes_are_encoded_as_the_engine_says() {
        let table: [(&[u8], &str, &str); 5] = [
            (b"", "", ""),
            (b"f", "Zg==", "Zg"),
            (b"fo", "Zm8=", "Zm8"),
            (b"foo", "Zm9v", "Zm9v"),
            (b"\xfb\xff\xfe\xff", "+//+/w==", "-__-_w"),
        ];
        for (bytes, standard, url_safe) in table {
            assert_eq!((&*base64(bytes), &*base64url(bytes)), (standard, url_safe));
        }
    }
}
