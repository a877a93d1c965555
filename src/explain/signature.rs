//! Verifies signatures with `ring`, which lacks P-521, and `p521`; the gateway uses WebCrypto.

use crate::algorithm::Algorithm;
use crate::encoding::base64url_bytes;
use crate::json;
use crate::jwks::Key;
use p521::ecdsa::signature::Verifier as _;
use ring::hmac;
use ring::signature::{self, RsaParameters, RsaPublicKeyComponents, UnparsedPublicKey, VerificationAlgorithm};

/// Checks whether `signature` was made over `signed` with `key`; a key of another type verifies nothing.
pub fn is_by_key(key: &Key, algorithm: Algorithm, signed: &[u8], signature: &[u8]) -> bool {
    verify(key, algorithm, signed, signature).is_some()
}

fn verify(key: &Key, algorithm: Algorithm, signed: &[u8], signature: &[u8]) -> Option<()> {
    let numbers = json::parse_object(key.jwk.expose().as_bytes())?;
    let number = |name: &str| base64url_bytes(json::text(&numbers, name)?);
    let rsa = |parameters: &RsaParameters| {
        // Octets that add nothing do not belong there (RFC 7518 section 6.3.1.1), but WebCrypto takes the key.
        let whole = |name: &str| Some(number(name)?.into_iter().skip_while(|byte| *byte == 0).collect::<Vec<_>>());
        let key = RsaPublicKeyComponents { n: whole("n")?, e: whole("e")? };
        key.verify(parameters, signed, signature).ok()
    };
    let curve = |algorithm: &'static dyn VerificationAlgorithm, point: Vec<u8>| {
        UnparsedPublicKey::new(algorithm, point).verify(signed, signature).ok()
    };
    // Uncompressed (SEC 1 section 2.3.3).
    let point = || Some([vec![4], number("x")?, number("y")?].concat());
    match algorithm {
        Algorithm::Rs256 => rsa(&signature::RSA_PKCS1_2048_8192_SHA256),
        Algorithm::Rs384 => rsa(&signature::RSA_PKCS1_2048_8192_SHA384),
        Algorithm::Rs512 => rsa(&signature::RSA_PKCS1_2048_8192_SHA512),
        Algorithm::Ps256 => rsa(&signature::RSA_PSS_2048_8192_SHA256),
        Algorithm::Ps384 => rsa(&signature::RSA_PSS_2048_8192_SHA384),
        Algorithm::Ps512 => rsa(&signature::RSA_PSS_2048_8192_SHA512),
        Algorithm::Es256 => curve(&signature::ECDSA_P256_SHA256_FIXED, point()?),
        Algorithm::Es384 => curve(&signature::ECDSA_P384_SHA384_FIXED, point()?),
        Algorithm::Es512 => {
            let key = p521::ecdsa::VerifyingKey::from_sec1_bytes(&point()?).ok()?;
            key.verify(signed, &p521::ecdsa::Signature::from_slice(signature).ok()?).ok()
        }
        Algorithm::EdDsa => curve(&signature::ED25519, number("x")?),
        Algorithm::Hs256 => hmac::verify(&hmac::Key::new(hmac::HMAC_SHA256, &number("k")?), signed, signature).ok(),
    }
}
