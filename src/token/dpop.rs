//! Proofs of possession (RFC 9449): the checks of section 4.3, each by itself.
//!
//! Digests and signatures are made elsewhere; here they are arguments.

use serde_json::{Map, Value};

use super::claims::numeric_date;
use super::error::{ClaimError, ProofError, TokenError};
use super::parts::{JoseHeader, Kind, Parts};
use crate::address::Address;
use crate::algorithm::Algorithm;
use crate::config::Dpop;
use crate::encoding::push_percent_encoded;
use crate::excerpt::{shortened, shortened_name};
use crate::jwks::{Key, SkippedKey};

/// What a check of a proof returns. In a box, what is wrong costs the ways between the checks one pointer.
pub type Checked<T = ()> = Result<T, Box<ProofError>>;

/// A proof for a request, whose signature is not verified yet.
#[derive(Debug)]
pub struct UnverifiedProof {
    /// The algorithm of its signature.
    pub algorithm: Algorithm,
    /// Its key. The JSON of that is what its thumbprint is the digest of (RFC 7638 section 3).
    pub key: Key,
}

impl UnverifiedProof {
    /// Parses the proof for a request of `method` at `url`, which may be as old as `max_age_secs`, while the clocks differ by up to
    /// `skew`.
    ///
    /// # Errors
    /// The first rule that it breaks, of those for which nothing has to be computed.
    #[inline(never)]
    pub fn parse(text: &str, method: &str, url: &Address, max_age_secs: i64, skew: i64, now: i64) -> Checked<Self> {
        let (header, claims) = read(text)?;
        check_claims(&claims, method, url)?;
        check_age(&claims, max_age_secs, skew, now)?;
        let algorithm = check_header(&header)?;
        Ok(Self { algorithm, key: proof_key(&header, algorithm)? })
    }

    /// Returns what `edge/auth/dpop.js` needs to know what it comes to, a line each: the proof, its key and algorithm, the thumbprint of
    /// the key that the token is bound to, the token; for how many seconds the proof passes and a nonce counts, and the secret of
    /// nonces, which may be of several lines.
    pub fn lines(&self, text: &str, token: &str, bound: &str, dpop: &Dpop, skew: i64) -> String {
        let (secret, nonce_secs) = dpop.nonces.as_ref().map_or(("", 0), |(secret, secs)| (&**secret.expose(), *secs));
        let [valid_secs, nonce_secs] = [dpop.max_age_secs + skew, nonce_secs].map(|secs| secs.to_string());
        let (jwk, algorithm) = (self.key.jwk.expose(), self.algorithm.name());
        [text.trim(), jwk, algorithm, bound, token, &valid_secs, &nonce_secs, secret].join("\n")
    }
}

/// Reads header and claims.
fn read(text: &str) -> Checked<(JoseHeader, Map<String, Value>)> {
    let parts = split_proof(text)?;
    Ok((parts.header()?, parts.claims()?))
}

/// Checks the rules of the header besides that of its key, and returns the algorithm.
fn check_header(header: &JoseHeader) -> Checked<Algorithm> {
    header.check_kind(Kind::Proof)?;
    header.check_extensions()?;
    Ok(header.algorithm(&Algorithm::ASYMMETRIC)?)
}

/// Checks that the claims are for a request, and for a token.
fn check_claims(claims: &Map<String, Value>, method: &str, url: &Address) -> Checked {
    jti(claims)?;
    text_of(claims, "ath")?;
    check_method(claims, method)?;
    check_target(claims, url)
}

/// Returns what a proof has come to, by the word for it; `None` for another word.
pub fn proven(word: &str) -> Option<Checked> {
    Some(Err(Box::new(match word {
        "taken" => return Some(Ok(())),
        "key" => ProofError::OtherKey,
        "signature" => return Some(Err(TokenError::BadSignature.into())),
        "token" => ProofError::OtherToken,
        "nonce" => ProofError::Nonce,
        "used" => ProofError::Used,
        _ => return None,
    })))
}

/// Returns the one proof of a `DPoP` header; several come with commas between them.
///
/// # Errors
/// That there is none, or more than one.
pub fn one_proof(header: Option<&str>) -> Checked<&str> {
    match header.map(str::trim) {
        None | Some("") => Err(ProofError::Missing.into()),
        Some(text) if text.as_bytes().contains(&b',') => Err(ProofError::Several.into()),
        Some(text) => Ok(text),
    }
}

/// Splits a proof into its parts.
///
/// # Errors
/// That it is too long, or has more or fewer.
pub fn split_proof(text: &str) -> Checked<Parts<'_>> {
    Parts::check_length(text)?;
    Ok(Parts::split(text)?)
}

/// Returns the key of a proof.
///
/// # Errors
/// Why it cannot be used.
pub fn proof_key(header: &JoseHeader, algorithm: Algorithm) -> Checked<Key> {
    let jwk = header.members().get("jwk").and_then(Value::as_object);
    let key = jwk.ok_or(SkippedKey::Malformed("kty")).and_then(Key::read_public);
    let key = key.and_then(|key| if key.fits(algorithm) { Ok(key) } else { Err(SkippedKey::Unsupported("alg")) });
    key.map_err(|reason| Box::new(ProofError::Key(reason)))
}

/// Checks that `jti` is a text.
///
/// # Errors
/// That it is missing, empty or not a string.
pub fn jti(claims: &Map<String, Value>) -> Checked {
    if text_of(claims, "jti")?.is_empty() { Err(ClaimError::Missing { claim: "jti" }.into()) } else { Ok(()) }
}

/// Checks that `htm` is the method of the request.
///
/// # Errors
/// What it is instead.
pub fn check_method(claims: &Map<String, Value>, method: &str) -> Checked {
    let actual = text_of(claims, "htm")?;
    if actual == method { Ok(()) } else { Err(ProofError::Request { claim: "htm", actual: shortened(actual) }.into()) }
}

/// Checks that `htu` is the address that the client called, query and fragment aside (RFC 9449 section 4.3, check 9).
///
/// # Errors
/// What it is instead.
pub fn check_target(claims: &Map<String, Value>, url: &Address) -> Checked {
    let written = text_of(claims, "htu")?;
    // What no URI has, parsers drop, or take for a slash.
    let is_uri = written.bytes().all(|b| b.is_ascii_graphic() && b != b'\\');
    let named = if is_uri { Address::parse(written) } else { None };
    // What a parser has written differs in what it says, a user before the host included.
    let is_same = named.is_some_and(|named| normalised(named.as_str()) == normalised(url.as_str()));
    if is_same { Ok(()) } else { Err(ProofError::Request { claim: "htu", actual: shortened_name(written) }.into()) }
}

/// Checks that a proof is as recent as it has to be.
///
/// # Errors
/// When it was made.
pub fn check_age(claims: &Map<String, Value>, max_age_secs: i64, skew: i64, now: i64) -> Checked {
    let at = numeric_date(claims, "iat")?.ok_or(ClaimError::Missing { claim: "iat" })?;
    if at > now + skew {
        return Err(ClaimError::NotYetValid { claim: "iat", at, now }.into());
    }
    if at < now - max_age_secs - skew { Err(ProofError::Old { at, now }.into()) } else { Ok(()) }
}

/// Checks that `ath` is the digest of the token: for the command line, as `edge/auth/dpop.js` for the gateway.
///
/// # Errors
/// That it is not.
#[cfg(not(target_os = "unknown"))]
pub fn check_token(claims: &Map<String, Value>, digest: &str) -> Checked {
    if text_of(claims, "ath")? == digest { Ok(()) } else { Err(ProofError::OtherToken.into()) }
}

fn text_of<'m>(claims: &'m Map<String, Value>, claim: &'static str) -> Checked<&'m str> {
    Ok(claims.get(claim).ok_or(ClaimError::Missing { claim })?.as_str().ok_or(ClaimError::WrongType { claim })?)
}

/// Returns an address without query and fragment, in the spelling in which two are the same if they are one (RFC 3986 section 6.2.2): no
/// escape for what needs none, and the others in capitals. A parser has done the rest.
#[inline(never)]
fn normalised(url: &str) -> String {
    let mut text = String::with_capacity(url.len());
    let mut rest = url.as_bytes();
    while let [first, behind @ ..] = rest
        && !matches!(first, b'?' | b'#')
    {
        rest = behind;
        let escaped = match (first, behind) {
            (b'%', [high, low, behind @ ..]) => hex(*high).zip(hex(*low)).map(|(high, low)| (high << 4 | low, behind)),
            _ => None,
        };
        match escaped {
            Some((byte, behind)) => {
                rest = behind;
                let is_unreserved = byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~');
                if is_unreserved { text.push(char::from(byte)) } else { push_percent_encoded(byte, &mut text) }
            }
            None => text.push(char::from(*first)),
        }
    }
    text
}

fn hex(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        _ => matches!(digit | 0x20, b'a'..=b'f').then(|| (digit | 0x20) - b'a' + 10),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::encoding::{base64url, base64url_bytes};

    const NOW: i64 = 1_562_262_620;
    const MAX_AGE_SECS: i64 = 60;
    const SKEW_SECS: i64 = 30;

    /// The proof of RFC 9449 section 4.1, for a request to the token endpoint.
    const OF_TOKEN_REQUEST: &str = "eyJ0eXAiOiJkcG9wK2p3dCIsImFsZyI6IkVTMjU2IiwiandrIjp7Imt0eSI6IkVDIiwieCI6Imw4dEZyaHgtMzR0VjNoUklDUkRZOXpDa0RscEJoRjQyVVFVZldWQVdCRnMiLCJ5IjoiOVZFNGpmX09rX282NHpiVFRsY3VOSmFqSG10NnY5VERWclUwQ2R2R1JEQSIsImNydiI6IlAtMjU2In19.eyJqdGkiOiItQndDM0VTYzZhY2MybFRjIiwiaHRtIjoiUE9TVCIsImh0dSI6Imh0dHBzOi8vc2VydmVyLmV4YW1wbGUuY29tL3Rva2VuIiwiaWF0IjoxNTYyMjYyNjE2fQ.2-GxA6T8lP4vfrg8v-FdWP0A0zdrj8igiMLvqRMUvwnQg4PtFLbdLXiOSsX0x7NVY-FNyJK70nfbV37xRZT3Lg";

    /// That of section 7.1, for a request with a token.
    const OF_RESOURCE: &str = "eyJ0eXAiOiJkcG9wK2p3dCIsImFsZyI6IkVTMjU2IiwiandrIjp7Imt0eSI6IkVDIiwieCI6Imw4dEZyaHgtMzR0VjNoUklDUkRZOXpDa0RscEJoRjQyVVFVZldWQVdCRnMiLCJ5IjoiOVZFNGpmX09rX282NHpiVFRsY3VOSmFqSG10NnY5VERWclUwQ2R2R1JEQSIsImNydiI6IlAtMjU2In19.eyJqdGkiOiJlMWozVl9iS2ljOC1MQUVCIiwiaHRtIjoiR0VUIiwiaHR1IjoiaHR0cHM6Ly9yZXNvdXJjZS5leGFtcGxlLm9yZy9wcm90ZWN0ZWRyZXNvdXJjZSIsImlhdCI6MTU2MjI2MjYxOCwiYXRoIjoiZlVIeU8ycjJaM0RaNTNFc05yV0JiMHhXWG9hTnk1OUlpS0NBcWtzbVFFbyJ9.2oW9RP35yRqzhrtNP86L-Ey71EOptxRimPPToA1plemAgR6pxHF8y6-yqyVnmcw6Fy1dqd-jfxSYoMxhAJpLjA";

    /// The thumbprint of its key, and the token of that request with its digest (sections 6.1 and 7.1).
    const THUMBPRINT: &str = "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I";
    const TOKEN: &str = "Kz~8mXK1EalYznwH-LC-1fBAo.4Ljp~zsPE_NeO.gxU";
    const TOKEN_DIGEST: &str = "fUHyO2r2Z3DZ53EsNrWBb0xWXoaNy59IiKCAqksmQEo";

    fn address(url: &str) -> Address {
        Address::parse(url).unwrap()
    }

    fn parsed(text: &str, method: &str, url: &str) -> Checked<UnverifiedProof> {
        UnverifiedProof::parse(text, method, &address(url), MAX_AGE_SECS, SKEW_SECS, NOW)
    }

    fn sha256(text: &str) -> String {
        use sha2::{Digest as _, Sha256};
        base64url(&Sha256::digest(text))
    }

    #[test]
    fn the_proofs_of_the_rfc_are_taken_for_their_requests_and_by_their_key() {
        let lacks = ClaimError::Missing { claim: "ath" }.into();
        let of_token_request = parsed(OF_TOKEN_REQUEST, "POST", "https://server.example.com/token");
        assert_eq!(of_token_request.err(), Some(lacks), "a proof for the token endpoint is for no token");
        let table = [(OF_RESOURCE, "GET", "https://resource.example.org/protectedresource", "that of section 7.1")];
        for (text, method, url, expected) in table {
            let proof = parsed(text, method, url).unwrap();
            assert_eq!(proof.algorithm, Algorithm::Es256, "{expected}");
            assert_eq!(sha256(proof.key.jwk.expose()), THUMBPRINT, "what a thumbprint is the digest of");
            let (signed, signature) = text.rsplit_once('.').unwrap();
            let signature = base64url_bytes(signature).unwrap();
            let is_signed = crate::explain::is_by_key(&proof.key, proof.algorithm, signed.as_bytes(), &signature);
            assert!(is_signed, "{expected}");
        }
        assert_eq!(sha256(TOKEN), TOKEN_DIGEST);
        let claims = split_proof(OF_RESOURCE).unwrap().claims().unwrap();
        assert_eq!(check_token(&claims, TOKEN_DIGEST), Ok(()));
        assert_eq!(check_token(&claims, THUMBPRINT), Err(ProofError::OtherToken.into()));
    }

    #[test]
    fn a_thumbprint_is_that_of_the_rfc_for_keys_of_every_kind() {
        // RFC 7638 section 3.1, RFC 8037 appendix A.3; members that do not belong to the key are left out.
        let table = [
            (
                json!({"kty": "RSA", "n": "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw", "e": "AQAB", "alg": "RS256", "kid": "2011-04-29"}),
                Algorithm::Rs256,
                "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs",
            ),
            (
                json!({"kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo", "key_ops": ["verify"], "ext": true}),
                Algorithm::EdDsa,
                "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k",
            ),
        ];
        for (jwk, algorithm, expected) in table {
            let header = header(&json!({ "jwk": jwk }));
            assert_eq!(sha256(proof_key(&header, algorithm).unwrap().jwk.expose()), expected);
        }
    }

    fn header(change: &Value) -> JoseHeader {
        let text = base64url(change.to_string().as_bytes());
        Parts { header: &text, payload: "", signature: "" }.header().unwrap()
    }

    fn jwk() -> Value {
        json!({"kty": "EC", "crv": "P-256", "x": "l8tFrhx-34tV3hRICRDY9zCkDlpBhF42UQUfWVAWBFs", "y": "9VE4jf_Ok_o64zbTTlcuNJajHmt6v9TDVrU0CdvGRDA"})
    }

    /// A proof with members of its header and claims replaced; `null` removes.
    fn proof(header: Value, claims: Value) -> String {
        let changed = |mut baseline: Value, change: Value| {
            let members = baseline.as_object_mut().unwrap();
            for (name, value) in change.as_object().unwrap() {
                if value.is_null() {
                    members.remove(name);
                } else {
                    members.insert(name.clone(), value.clone());
                }
            }
            base64url(baseline.to_string().as_bytes())
        };
        let header = changed(json!({"typ": "dpop+jwt", "alg": "ES256", "jwk": jwk()}), header);
        let baseline = json!({"jti": "j", "htm": "GET", "htu": "https://gw.example/a", "iat": NOW, "ath": "h"});
        [header, changed(baseline, claims), base64url(b"signature")].join(".")
    }

    fn verdict(text: &str) -> Result<(), String> {
        parsed(text, "GET", "https://gw.example/a?b=1").map(|_| ()).map_err(|error| error.to_string())
    }

    #[test]
    fn a_proof_that_breaks_a_rule_of_its_header_is_refused_by_that_rule() {
        let with = |name: &str, value: Value| {
            let mut jwk = jwk();
            jwk[name] = value;
            json!({ "jwk": jwk })
        };
        let without = |name: &str| {
            let mut jwk = jwk();
            jwk.as_object_mut().unwrap().remove(name);
            json!({ "jwk": jwk })
        };
        let other_kind = Err("the proof: typ is that of another kind of token");
        let malformed = Err("the proof: the header is malformed");
        let private = Err("the proof: jwk cannot be used: its d is not supported");
        let secret = Err("the proof: jwk cannot be used: its k is not supported");
        let no_key = Err("the proof: jwk cannot be used: its kty is missing or malformed");
        let table: Vec<(Value, Result<(), &str>, &str)> = vec![
            (json!({}), Ok(()), "the baseline"),
            (json!({"typ": "application/dpop+jwt"}), Ok(()), "the whole media type"),
            (json!({"typ": "DPoP+JWT"}), Ok(()), "in capitals: a media type has no case"),
            (json!({"kid": "k", "x5t": "t", "extra": [1]}), Ok(()), "members that mean nothing here"),
            (json!({"typ": null}), other_kind, "no typ"),
            (json!({"typ": "JWT"}), other_kind, "a token's typ"),
            (json!({"typ": "at+jwt"}), other_kind, "an access token's"),
            (json!({"typ": "dpop+jwt2"}), other_kind, "one that begins alike"),
            (json!({"typ": "dp\u{43e}p+jwt"}), other_kind, "one that looks alike"),
            (json!({"typ": ["dpop+jwt"]}), other_kind, "a list"),
            (json!({"alg": null}), malformed, "no alg"),
            (json!({"alg": ["ES256"]}), malformed, "a list"),
            (json!({"alg": "none"}), Err("the proof: algorithm \"none\" is not allowed"), "no signature"),
            (json!({"alg": "HS256"}), Err("the proof: algorithm \"HS256\" is not allowed"), "a shared secret"),
            (json!({"alg": "es256"}), Err("the proof: algorithm \"es256\" is not allowed"), "another case"),
            (
                json!({"alg": "RS256"}),
                Err("the proof: jwk cannot be used: its alg is not supported"),
                "one that the key is not for",
            ),
            (
                with("alg", json!("ES384")),
                Err("the proof: jwk cannot be used: its alg is not supported"),
                "a key that is for another",
            ),
            (json!({"crit": ["b64"], "b64": false}), Err("the proof: a critical extension is not understood"), "crit"),
            (json!({"jwk": null}), no_key, "no key"),
            (json!({"jwk": "key"}), no_key, "a text"),
            (json!({"jwk": [jwk()]}), no_key, "a list of keys"),
            (json!({"jwk": {"keys": [jwk()]}}), no_key, "a key set"),
            (without("kty"), no_key, "a key without kty"),
            (without("x"), Err("the proof: jwk cannot be used: its x is missing or malformed"), "half a point"),
            (
                with("x", json!("AA")),
                Err("the proof: jwk cannot be used: its x is missing or malformed"),
                "a short coordinate",
            ),
            (
                with("crv", json!("P-521")),
                Err("the proof: jwk cannot be used: its x is missing or malformed"),
                "a curve",
            ),
            (
                with("crv", json!("secp256k1")),
                Err("the proof: jwk cannot be used: its crv is not supported"),
                "a curve that is not supported",
            ),
            (with("use", json!("enc")), Err("the proof: jwk cannot be used: for another use than signatures"), "use"),
            (with("d", json!("AA")), private, "a private part"),
            (with("d", json!(null)), private, "one that is null"),
            (with("k", json!("AA")), secret, "a secret"),
            (
                with("qi", json!(1)),
                Err("the proof: jwk cannot be used: its qi is not supported"),
                "a part of another kind of key",
            ),
            (json!({"jwk": {"kty": "oct", "k": "AA"}, "alg": "ES256"}), secret, "a shared secret for a key"),
            (
                json!({"jwk": {"kty": "RSA", "n": base64url(&[255; 128]), "e": "AQAB"}, "alg": "RS256"}),
                Err("the proof: jwk cannot be used: an RSA key of 1024 bits, not 2048 to 8192"),
                "a short RSA key",
            ),
        ];
        for (change, expected, message) in table {
            assert_eq!(verdict(&proof(change, json!({}))), expected.map_err(str::to_owned), "{message}");
        }
    }

    #[test]
    fn a_proof_that_breaks_a_rule_of_its_claims_is_refused_by_that_rule() {
        let (no, kind) = (
            |claim| format!("the proof: {claim} is missing"),
            |claim| format!("the proof: {claim} has the wrong type"),
        );
        let early = format!("the proof: iat is {}, the time is {NOW}", NOW + 31);
        let old = format!("the proof: iat is {}, the time is {NOW}", NOW - 91);
        let target = |actual: &str| format!("the proof: htu is \"{actual}\"");
        let table: Vec<(Value, Option<String>, &str)> = vec![
            (json!({"jti": null}), Some(no("jti")), "no jti"),
            (json!({"jti": ""}), Some(no("jti")), "an empty one"),
            (json!({"jti": 7}), Some(kind("jti")), "a number"),
            (json!({"jti": ["j"]}), Some(kind("jti")), "a list"),
            (json!({"htm": null}), Some(no("htm")), "no htm"),
            (json!({"htm": ["GET"]}), Some(kind("htm")), "a list of methods"),
            (json!({"htm": "POST"}), Some("the proof: htm is \"POST\"".to_owned()), "another method"),
            (json!({"htm": "get"}), Some("the proof: htm is \"get\"".to_owned()), "another case: methods have case"),
            (json!({"htm": "GET "}), Some("the proof: htm is \"GET \"".to_owned()), "a space behind it"),
            (json!({"htu": null}), Some(no("htu")), "no htu"),
            (json!({"htu": ["https://gw.example/a"]}), Some(kind("htu")), "a list of addresses"),
            (json!({"htu": "https://gw.example/b"}), Some(target("https://gw.example/b")), "another path"),
            (json!({"iat": null}), Some(no("iat")), "no iat"),
            (json!({"iat": NOW.to_string()}), Some(kind("iat")), "a text"),
            (json!({"iat": 1e300}), Some(kind("iat")), "no date"),
            (json!({"iat": NOW + 30}), None, "ahead by the skew"),
            (json!({"iat": NOW + 31}), Some(early), "ahead by more"),
            (json!({"iat": NOW - 90}), None, "as old as it may be"),
            (json!({"iat": NOW - 91}), Some(old), "older"),
            (json!({"iat": 0}), Some(format!("the proof: iat is 0, the time is {NOW}")), "as old as time"),
            (json!({"iat": i64::MIN}), Some(kind("iat")), "older than that"),
            (json!({"ath": null}), Some(no("ath")), "no ath"),
            (json!({"ath": 7}), Some(kind("ath")), "a number"),
            (json!({"sub": "u", "nonce": 7}), None, "claims that mean nothing here, and a nonce that is none"),
        ];
        for (change, expected, message) in table {
            assert_eq!(verdict(&proof(json!({}), change)).err(), expected, "{message}");
        }
    }

    #[test]
    fn what_is_no_proof_is_refused_by_its_form() {
        let whole = proof(json!({}), json!({}));
        let [header, claims, signature] = whole.split('.').collect::<Vec<_>>()[..] else { unreachable!() };
        let twice = |text: &str| base64url(text.as_bytes());
        let table = [
            (String::new(), "not three parts", "nothing"),
            ([header, claims].join("."), "not three parts", "no signature"),
            ([header, claims, signature, ""].join("."), "not three parts", "four parts"),
            ([header, "e30=", signature].join("."), "a part is not base64url", "padding"),
            (["", claims, signature].join("."), "the header is malformed", "no header"),
            ([header, "", signature].join("."), "the claims are malformed", "no claims"),
            ([header, "W10", signature].join("."), "the claims are malformed", "a list for claims"),
            (
                [&twice(r#"{"typ":"dpop+jwt","alg":"ES256","alg":"ES256"}"#), claims, signature].join("."),
                "the header is malformed",
                "a member of the header twice",
            ),
            (
                [header, &twice(r#"{"jti":"a","jti":"b"}"#), signature].join("."),
                "the claims are malformed",
                "a claim twice",
            ),
            ("x".repeat(16 * 1024 + 1), "16385 bytes, at most 16384 are read", "one that is too long"),
        ];
        for (text, expected, message) in table {
            assert_eq!(verdict(&text), Err(format!("the proof: {expected}")), "{message}");
        }
        let headers = [
            (None, Err(ProofError::Missing), "no header"),
            (Some(" "), Err(ProofError::Missing), "an empty one"),
            (Some(" a.b.c "), Ok("a.b.c"), "one"),
            (Some("a.b.c, a.b.c"), Err(ProofError::Several), "two, as the runtime joins them"),
            (Some("a.b.c,"), Err(ProofError::Several), "one, and an empty one"),
        ];
        for (header, expected, message) in headers {
            assert_eq!(one_proof(header), expected.map_err(Box::new), "{message}");
        }
    }

    #[test]
    fn an_address_is_the_called_one_however_either_side_spells_it() {
        let own = "https://gw.example/~a/b%2Fc";
        let table = [
            (own, own, true, "the same"),
            ("https://gw.example/%7Ea/b%2fc", own, true, "escapes that need not be, and small digits"),
            ("https://gw.example/~a/b%2Fc", "https://gw.example/%7ea/b%2fc", true, "the same the other way round"),
            ("HTTPS://GW.Example:443/~a/b%2Fc", own, true, "scheme, host and port"),
            ("https://gw.example/x/../~a/./b%2Fc", own, true, "dot segments"),
            ("https://gw.example/%61/%2e%2E/~a/b%2Fc", own, true, "dot segments in escapes"),
            ("https://gw.example/~a/b%2Fc?d=e#f", own, true, "a query and a fragment"),
            (own, "https://gw.example/~a/b%2Fc?d=e", true, "a query of the request"),
            ("https://gw.example", "https://gw.example/", true, "an empty path"),
            ("https://gw.example:8443/a", "https://gw.example:8443/a", true, "another port on both sides"),
            ("http://127.0.0.1:8787/a", "http://127.0.0.1:8787/a", true, "plain http on this machine"),
            ("https://xn--bcher-kva.example/a", "https://b\u{fc}cher.example/a", true, "an international host"),
            ("https://gw.example/~a/b/c", own, false, "an escaped slash is no slash"),
            ("https://gw.example/~a/b%252Fc", own, false, "nor an escape of one"),
            ("https://gw.example/~A/b%2Fc", own, false, "a path has case"),
            ("https://gw.example/~a/b%2Fc/", own, false, "a slash at the end"),
            ("https://gw.example//~a/b%2Fc", own, false, "an empty segment"),
            ("https://gw.example/~a", own, false, "a path above"),
            ("http://gw.example/~a/b%2Fc", own, false, "another scheme"),
            ("https://gw.example:8443/~a/b%2Fc", own, false, "another port"),
            ("https://gw.example.evil/~a/b%2Fc", own, false, "a host that begins alike"),
            ("https://evil-gw.example/~a/b%2Fc", own, false, "a host that ends alike"),
            ("https://gw.example./~a/b%2Fc", own, false, "a dot behind the host"),
            ("https://user@gw.example/~a/b%2Fc", own, false, "a user"),
            ("https://gw.example@evil.example/~a/b%2Fc", own, false, "a user that looks like the host"),
            ("https:\\\\gw.example\\~a\\b%2Fc", own, false, "backslashes, which parsers take for slashes"),
            (" https://gw.example/~a/b%2Fc", own, false, "a space before it"),
            ("https://gw.ex\tample/~a/b%2Fc", own, false, "a tab, which parsers drop"),
            ("https://gw.ex\u{430}mple/~a/b%2Fc", own, false, "a letter that looks alike"),
            ("/~a/b%2Fc", own, false, "a path alone"),
            ("//gw.example/~a/b%2Fc", own, false, "no scheme"),
            ("wss://gw.example/~a/b%2Fc", own, false, "another scheme's"),
            ("javascript:alert(1)", own, false, "no address of a server"),
            ("", own, false, "nothing"),
        ];
        for (named, called, expected, message) in table {
            let Value::Object(claims) = json!({ "htu": named }) else { unreachable!() };
            assert_eq!(check_target(&claims, &address(called)).is_ok(), expected, "{message}: {named}");
        }
    }

    #[test]
    fn a_path_is_normalised_where_escapes_are_well_formed_and_nowhere_else() {
        let table = [
            ("/%7e%41%2d%2E%5f%30", "/~A-._0"),
            ("/%2f%c3%a4%25%3B", "/%2F%C3%A4%25%3B"),
            ("/%zz%4%", "/%zz%4%"),
            ("/%257E", "/%257E"),
            ("/a?%41", "/a"),
            ("/a#%41?", "/a"),
        ];
        for (path, expected) in table {
            assert_eq!(normalised(path), expected, "{path}");
        }
    }

    #[test]
    fn what_is_asked_of_a_proof_follows_from_it_and_the_config() {
        let secret = "a\nb".to_owned();
        let with_nonces =
            Dpop { is_required: true, max_age_secs: 60, nonces: Some((crate::secret::Secret::new(secret), 300)) };
        let without = Dpop { nonces: None, ..with_nonces.clone() };
        let jwk = r#"{"crv":"P-256","kty":"EC","x":"l8tFrhx-34tV3hRICRDY9zCkDlpBhF42UQUfWVAWBFs","y":"9VE4jf_Ok_o64zbTTlcuNJajHmt6v9TDVrU0CdvGRDA"}"#;
        let proof = parsed(&proof(json!({}), json!({})), "GET", "https://gw.example/a").unwrap();
        for (dpop, rest) in [(&without, "90\n0\n"), (&with_nonces, "90\n300\na\nb")] {
            assert_eq!(proof.lines(" p ", "t", "k", dpop, 30), format!("p\n{jwk}\nES256\nk\nt\n{rest}"));
        }
        assert_eq!(proven("taken"), Some(Ok(())));
        assert_eq!(proven("used"), Some(Err(ProofError::Used.into())));
        for other in ["", "Taken", "taken ", "well"] {
            assert_eq!(proven(other), None, "{other}");
        }
    }
}
