//! WebCrypto: randomness, key import and signature verification.

use js_sys::{Array, Object, Reflect, Uint8Array};
use wasm_bindgen::{JsCast as _, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{Crypto, CryptoKey, SubtleCrypto};

use super::host::{object, thrown_message};
use crate::config::Algorithm;
use crate::jwks::Key;

/// WebCrypto refused; the text is its reason and never holds key material.
#[derive(Debug)]
pub struct CryptoError(pub String);

impl From<JsValue> for CryptoError {
    fn from(error: JsValue) -> Self {
        Self(thrown_message(&error).unwrap_or_else(|| "refused".to_owned()))
    }
}

fn crypto() -> Result<Crypto, CryptoError> {
    Ok(Reflect::get(&js_sys::global(), &"crypto".into())?.unchecked_into())
}

/// Gives the runtime's `SubtleCrypto`.
///
/// # Errors
/// Where the runtime has none.
pub fn subtle() -> Result<SubtleCrypto, CryptoError> {
    Ok(crypto()?.subtle())
}

/// Gives random bytes.
///
/// # Errors
/// Where the runtime gives none.
pub fn random_bytes<const N: usize>() -> Result<[u8; N], CryptoError> {
    let mut bytes = [0; N];
    crypto()?.get_random_values_with_u8_array(&mut bytes)?;
    Ok(bytes)
}

/// Names the algorithm as `importKey` wants it (RFC 7518 section 3.1, W3C Web Cryptography API).
fn import_parameters(algorithm: Algorithm) -> Result<Object, JsValue> {
    let hashed = |name: &str, hash: &str| object(&[("name", name.into()), ("hash", hash.into())]);
    let curve = |name: &str| object(&[("name", "ECDSA".into()), ("namedCurve", name.into())]);
    match algorithm {
        Algorithm::Rs256 => hashed("RSASSA-PKCS1-v1_5", "SHA-256"),
        Algorithm::Rs384 => hashed("RSASSA-PKCS1-v1_5", "SHA-384"),
        Algorithm::Rs512 => hashed("RSASSA-PKCS1-v1_5", "SHA-512"),
        Algorithm::Ps256 => hashed("RSA-PSS", "SHA-256"),
        Algorithm::Ps384 => hashed("RSA-PSS", "SHA-384"),
        Algorithm::Ps512 => hashed("RSA-PSS", "SHA-512"),
        Algorithm::Es256 => curve("P-256"),
        Algorithm::Es384 => curve("P-384"),
        Algorithm::EdDsa => object(&[("name", "Ed25519".into())]),
    }
}

/// Names the algorithm as `verify` wants it; the salt of PSS is as long as its hash (RFC 7518 section 3.5).
fn verify_parameters(algorithm: Algorithm) -> Result<Object, JsValue> {
    let pss = |salt_bytes: u32| object(&[("name", "RSA-PSS".into()), ("saltLength", salt_bytes.into())]);
    let ecdsa = |hash: &str| object(&[("name", "ECDSA".into()), ("hash", hash.into())]);
    match algorithm {
        Algorithm::Rs256 | Algorithm::Rs384 | Algorithm::Rs512 => object(&[("name", "RSASSA-PKCS1-v1_5".into())]),
        Algorithm::Ps256 => pss(32),
        Algorithm::Ps384 => pss(48),
        Algorithm::Ps512 => pss(64),
        Algorithm::Es256 => ecdsa("SHA-256"),
        Algorithm::Es384 => ecdsa("SHA-384"),
        Algorithm::EdDsa => object(&[("name", "Ed25519".into())]),
    }
}

/// Imports a public key for one algorithm.
///
/// # Errors
/// Where the key's numbers are none that the algorithm takes.
pub async fn import_key(key: &Key, algorithm: Algorithm) -> Result<CryptoKey, CryptoError> {
    let jwk: Object = js_sys::JSON::parse(&key.jwk)?.unchecked_into();
    let usages = Array::of1(&"verify".into());
    let import = subtle()?.import_key_with_object("jwk", &jwk, &import_parameters(algorithm)?, false, &usages)?;
    Ok(JsFuture::from(import).await?.unchecked_into())
}

/// Verifies a signature.
///
/// # Errors
/// Where WebCrypto cannot verify at all; a signature that is wrong is `false`.
pub async fn verify(
    key: &CryptoKey,
    algorithm: Algorithm,
    signature: &[u8],
    signed: &[u8],
) -> Result<bool, CryptoError> {
    let (signature, signed) = (Uint8Array::from(signature), Uint8Array::from(signed));
    let parameters = verify_parameters(algorithm)?;
    let verified =
        subtle()?.verify_with_object_and_buffer_source_and_buffer_source(&parameters, key, &signature, &signed)?;
    Ok(JsFuture::from(verified).await?.is_truthy())
}
