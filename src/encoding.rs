//! Bytes as base64 (RFC 4648).

use base64::Engine as _;
use base64::engine::GeneralPurpose;

/// Returns bytes as base64 of an engine's alphabet. [`base64::Engine::encode`] says in many words if its text is not UTF-8, which the
/// Worker would carry.
pub fn encode(engine: &GeneralPurpose, bytes: &[u8]) -> String {
    // There is room for all of it.
    let mut text = vec![0; bytes.len().div_ceil(3) * 4];
    let length = engine.encode_slice(bytes, &mut text).unwrap_or_default();
    text.truncate(length);
    String::from_utf8(text).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};

    use super::*;

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
            assert_eq!(
                (encode(&STANDARD, bytes).as_str(), encode(&URL_SAFE_NO_PAD, bytes).as_str()),
                (standard, url_safe)
            );
        }
    }
}
