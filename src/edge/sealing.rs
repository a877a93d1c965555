//! Sealing: AES-256-GCM under a key derived by HKDF-SHA-256 (RFC 5869) from the client secret or the `sealing_key`.
//!
//! What is sealed travels through the browser as base64url of a random 12-byte IV, the ciphertext and its tag. The context
//! is authenticated and not sent: a text opens only in the context it was sealed in.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use js_sys::{Array, ArrayBuffer, Object, Uint8Array};
use wasm_bindgen::{JsCast as _, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::CryptoKey;

use super::host::object;
use super::webcrypto::{CryptoError, random_bytes, subtle};
use crate::secret::Secret;

/// Length of the IV in bytes (NIST SP 800-38D section 5.2.1.1).
const IV_BYTES: usize = 12;

/// Names the key's purpose in its derivation, so that one secret serves several without them meeting.
const KEY_INFO: &[u8] = b"bargate sealing v1";

/// A key that seals and opens.
pub struct SealingKey(CryptoKey);

impl SealingKey {
    /// Derives the key from a secret.
    ///
    /// # Errors
    /// Where WebCrypto refuses.
    pub async fn derive(secret: &Secret<String>) -> Result<Self, CryptoError> {
        let subtle = subtle()?;
        let raw = Uint8Array::from(secret.expose().as_bytes());
        let usages = Array::of1(&"deriveKey".into());
        let base = subtle.import_key_with_str("raw", &raw, "HKDF", false, &usages)?;
        let base: CryptoKey = JsFuture::from(base).await?.unchecked_into();
        let hkdf = object(&[
            ("name", "HKDF".into()),
            ("hash", "SHA-256".into()),
            ("salt", Uint8Array::new_with_length(0).into()),
            ("info", Uint8Array::from(KEY_INFO).into()),
        ])?;
        let aes = object(&[("name", "AES-GCM".into()), ("length", 256.into())])?;
        let usages = Array::of2(&"encrypt".into(), &"decrypt".into());
        let key = subtle.derive_key_with_object_and_object(&hkdf, &base, &aes, false, &usages)?;
        Ok(Self(JsFuture::from(key).await?.unchecked_into()))
    }

    /// Seals bytes in a context.
    ///
    /// # Errors
    /// Where WebCrypto refuses.
    pub async fn seal(&self, plain: &[u8], context: &[u8]) -> Result<String, CryptoError> {
        let iv: [u8; IV_BYTES] = random_bytes()?;
        let data = Uint8Array::from(plain);
        let sealed = subtle()?.encrypt_with_object_and_buffer_source(&parameters(&iv, context)?, &self.0, &data)?;
        let mut bytes = iv.to_vec();
        bytes.extend(bytes_of(JsFuture::from(sealed).await?));
        Ok(URL_SAFE_NO_PAD.encode(bytes))
    }

    /// Opens a text that was sealed in the same context; `None` where it was not, or was altered.
    pub async fn open(&self, sealed: &str, context: &[u8]) -> Option<Vec<u8>> {
        let bytes = URL_SAFE_NO_PAD.decode(sealed).ok()?;
        let (iv, data) = bytes.split_at_checked(IV_BYTES)?;
        let (parameters, data) = (parameters(iv, context).ok()?, Uint8Array::from(data));
        let plain = subtle().ok()?.decrypt_with_object_and_buffer_source(&parameters, &self.0, &data).ok()?;
        JsFuture::from(plain).await.ok().map(bytes_of)
    }
}

fn parameters(iv: &[u8], context: &[u8]) -> Result<Object, JsValue> {
    object(&[
        ("name", "AES-GCM".into()),
        ("iv", Uint8Array::from(iv).into()),
        ("additionalData", Uint8Array::from(context).into()),
    ])
}

fn bytes_of(buffer: JsValue) -> Vec<u8> {
    Uint8Array::new(&buffer.unchecked_into::<ArrayBuffer>()).to_vec()
}
