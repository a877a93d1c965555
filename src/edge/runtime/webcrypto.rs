//! WebCrypto: randomness, digests, key import and signature verification.

use std::cell::RefCell;

use js_sys::Promise;
use wasm_bindgen::JsValue;
use wasm_bindgen::prelude::wasm_bindgen;

use crate::algorithm::Algorithm;
use crate::edge::runtime::crossings::thrown_message;
use crate::edge::runtime::work::Awaited;
use crate::jwks::{Key, SigningKey};
use crate::oauth::random_text;
use crate::problem::Problem;

// An object names an algorithm for `importKey` (RFC 7518 section 3.1, RFC 8037, W3C Web Cryptography API);
// the salt of PSS is as long as its hash (RFC 7518 section 3.5).
#[wasm_bindgen(module = "/src/edge/runtime/webcrypto.js")]
extern "C" {
    #[wasm_bindgen(js_name = import_key)]
    fn import_jwk(jwk: &str, algorithm: &str) -> Promise;

    /// The bytes stay where they are, which WebCrypto reads within the call: copies are 0.7 µs of a verification's 15.
    #[wasm_bindgen(catch, js_name = verify)]
    fn verify_bytes(key: &JsValue, signature: &[u8], signed: &[u8]) -> Result<Promise, JsValue>;

    fn sign_text(jwk: &str, algorithm: &str, text: &str) -> Promise;

    fn digest_text(text: &str) -> Promise;

    #[wasm_bindgen(catch)]
    fn random(bytes: &mut [u8]) -> Result<(), JsValue>;
}

/// A public key that was imported for one algorithm.
#[derive(Clone)]
pub struct VerificationKey(JsValue);

/// WebCrypto refused; the text is its reason and never has key material.
#[derive(Debug)]
pub struct CryptoError(pub String);

impl From<JsValue> for CryptoError {
    fn from(error: JsValue) -> Self {
        Self(thrown_message(&error).unwrap_or_else(|| "refused".to_owned()))
    }
}

impl From<CryptoError> for JsValue {
    fn from(error: CryptoError) -> Self {
        error.0.into()
    }
}

impl From<CryptoError> for Problem {
    fn from(error: CryptoError) -> Self {
        Self::Internal(format!("WebCrypto: {}", error.0))
    }
}

/// Returns random bytes.
///
/// # Errors
/// If the runtime has none.
pub fn random_bytes<const N: usize>() -> Result<[u8; N], CryptoError> {
    let mut bytes = [0; N];
    random(&mut bytes)?;
    Ok(bytes)
}

/// Returns random bytes for the ids of a trace, which are no secrets: of a block that is drawn for many at once, since each draw is
/// a crossing.
pub fn trace_bytes() -> [u8; 24] {
    const BLOCK: usize = 42;
    thread_local! {
        static DRAWN: RefCell<Vec<[u8; 24]>> = const { RefCell::new(Vec::new()) };
    }
    DRAWN.with_borrow_mut(|drawn| {
        if drawn.is_empty()
            && let Ok(bytes) = random_bytes::<{ 24 * BLOCK }>()
        {
            drawn.extend(bytes.as_chunks().0);
        }
        drawn.pop().unwrap_or([1; 24])
    })
}

/// Returns 16 random bytes as text, which nobody can guess and no two draw alike.
///
/// # Errors
/// If the runtime has none.
pub fn fresh_text() -> Result<String, CryptoError> {
    Ok(random_text(&random_bytes::<16>()?))
}

/// Returns the SHA-256 of a text as base64url.
///
/// # Errors
/// If WebCrypto refuses.
pub fn digest(text: &str) -> impl Future<Output = Result<String, CryptoError>> {
    text_of(digest_text(text))
}

/// Waits for a text.
///
/// # Errors
/// If WebCrypto refuses.
pub async fn text_of(promise: Promise) -> Result<String, CryptoError> {
    Ok(Awaited::from(promise).await?.as_string().unwrap_or_default())
}

/// Imports a public key for one algorithm.
///
/// # Errors
/// If the key's numbers are none that the algorithm takes.
pub async fn import_key(key: &Key, algorithm: Algorithm) -> Result<VerificationKey, CryptoError> {
    Ok(VerificationKey(Awaited::from(import_jwk(key.jwk.expose(), algorithm.name())).await?))
}

/// Signs a text, and returns the signature as base64url.
///
/// # Errors
/// If the key's numbers do not fit its algorithm.
pub fn sign(key: &SigningKey, text: &str) -> impl Future<Output = Result<String, CryptoError>> {
    text_of(sign_text(key.jwk.expose(), key.algorithm.name(), text))
}

/// Verifies a signature.
///
/// # Errors
/// If WebCrypto cannot verify at all; a signature that is wrong is `false`.
pub async fn verify(key: &VerificationKey, signature: &[u8], signed: &[u8]) -> Result<bool, CryptoError> {
    Ok(Awaited::from(verify_bytes(&key.0, signature, signed)?).await?.is_truthy())
}
