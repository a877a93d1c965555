//! Sealing: AES-256-GCM under a key derived by HKDF-SHA-256 (RFC 5869) from a secret, by WebCrypto.
//!
//! A sealed text is base64url of a random 12-byte IV (NIST SP 800-38D section 5.2.1.1), the ciphertext and its tag. The purpose
//! goes into the key, so that one secret serves several without them meeting; the context is authenticated and not part of
//! the text, which opens only in the context it was sealed in.

use js_sys::{Promise, Uint8Array};
use wasm_bindgen::prelude::wasm_bindgen;

use crate::edge::runtime::webcrypto::{CryptoError, text_of};
use crate::edge::runtime::work::Awaited;

// A derivation costs some microseconds, and what is sealed is rare: logins, renewals, a session that is asked.
#[wasm_bindgen(module = "/src/edge/runtime/sealing.js")]
extern "C" {
    #[wasm_bindgen(js_name = seal)]
    fn seal_bytes(secret: Uint8Array, purpose: &str, context: Uint8Array, plain: Uint8Array) -> Promise;

    fn mac_text(secret: &str, purpose: &str, text: &str) -> Promise;

    #[wasm_bindgen(js_name = open)]
    fn open_text(secret: Uint8Array, purpose: &str, context: Uint8Array, text: &str) -> Promise;
}

/// Returns a code of a text (HMAC-SHA-256, RFC 2104) as base64url, under a key for a purpose.
///
/// # Errors
/// If WebCrypto refuses.
pub fn mac(secret: &str, purpose: &str, text: &str) -> impl Future<Output = Result<String, CryptoError>> {
    text_of(mac_text(secret, purpose, text))
}

/// Seals bytes.
///
/// # Errors
/// If WebCrypto refuses.
pub fn seal(
    secret: &[u8],
    purpose: &str,
    context: &[u8],
    plain: &[u8],
) -> impl Future<Output = Result<String, CryptoError>> {
    text_of(seal_bytes(secret.into(), purpose, context.into(), plain.into()))
}

/// Opens a text that was sealed under the same secret for the same purpose and context; `None` if it was not, or was
/// altered.
///
/// # Errors
/// If WebCrypto refuses to derive the key.
pub async fn open(secret: &[u8], purpose: &str, context: &[u8], sealed: &str) -> Result<Option<Vec<u8>>, CryptoError> {
    let plain = Awaited::from(open_text(secret.into(), purpose, context.into(), sealed)).await?;
    Ok((!plain.is_undefined()).then(|| Uint8Array::new(&plain).to_vec()))
}
