//! What to do about a failed check, if its cause can be guessed.

use crate::algorithm::{Algorithm, KeyFamily};
use crate::jwks::SkippedKey;
use crate::token::{ClaimError, KeyError, ProofError, TokenError};
use serde_json::{Map, Value};

use super::check::{Check, Outcome};
use super::checks::Explanation;
use super::kind::Kind;
use super::rules::Sources;

/// Returns advice for a failed check; `None` if its row needs no more.
pub fn advice(check: &Check, explanation: &Explanation, kind: Kind, sources: &Sources) -> Option<String> {
    let Outcome::Fail(error) = &check.outcome else { return None };
    let claims = explanation.claims.as_ref();
    let has_secret =
        sources.rules.keys.as_ref().is_ok_and(|set| set.keys().iter().any(|key| key.family() == KeyFamily::Secret));
    let advice = match error {
        TokenError::NotThreeParts => return Some(of_kind(kind).to_owned()),
        TokenError::NotBase64Url | TokenError::MalformedHeader | TokenError::MalformedClaims => {
            "copy the whole token, and nothing else"
        }
        TokenError::TooLong { .. } => "remove claims that it does not need, such as custom claims or permissions",
        TokenError::AlgorithmNotAllowed { actual } => match actual.as_str() {
            "HS256" if !has_secret => {
                "the gateway accepts HS256 only with a \"secret\"; at Auth0, set the API's signing algorithm to RS256"
            }
            none if none.eq_ignore_ascii_case("none") => "a token without a signature proves nothing",
            known if Algorithm::parse(known).is_some() => {
                "if the issuer signs with it, add it to the authorizer's \"algorithms\""
            }
            _ => "the gateway does not know this algorithm: let the issuer sign with another, such as RS256",
        },
        TokenError::ApiKey(KeyError::Malformed) => "copy the whole key, and nothing else",
        TokenError::ApiKey(KeyError::Checksum) => "copy the key again: a sign of it is wrong",
        TokenError::ApiKey(KeyError::Unknown) => "it was revoked, or is of another environment",
        TokenError::ApiKey(KeyError::Address | KeyError::Elsewhere) => return None,
        TokenError::Claim(ClaimError::Expired { .. }) if kind == Kind::ApiKey => {
            "make its owner another, by `bargate key new`"
        }
        TokenError::CriticalExtension | TokenError::ContentType | TokenError::Inactive => return None,
        TokenError::OtherKind => "this is a logout token, or another kind that no path accepts: send the access token",
        TokenError::NoKey { kid: Some(_) } if check.name == "kid" => {
            "the token is from another issuer, or the key set is older than the key: fetch the set again"
        }
        TokenError::NoKey { .. } | TokenError::KeyLeftOut { .. } => {
            "the set must have the issuer's signing key, with the kid of the token"
        }
        TokenError::BadSignature => "the token was changed or cut off, or another issuer's key has this kid",
        TokenError::Claim(ClaimError::Issuer { .. }) => return Some(on_issuer(claims, sources).to_owned()),
        TokenError::Claim(ClaimError::Audience { claim, .. }) if claim == "aud" => {
            return Some(on_audience(claims, sources).to_owned());
        }
        TokenError::Claim(ClaimError::Missing { claim: "aud" }) => return without_audience(claims),
        TokenError::Claim(ClaimError::Bound) => {
            "the gateway takes it with a proof of its key (\"dpop\": give --proof), and nothing that is bound to a certificate"
        }
        TokenError::Claim(ClaimError::OtherBinding) => "of what binds tokens, the gateway checks only jkt, alone",
        TokenError::WithoutProof => "let the client bind its tokens to a key, and give --proof",
        TokenError::Proof(error) => return of_proof(error).map(str::to_owned),
        TokenError::Claim(ClaimError::Expired { .. }) => "get another token, by a refresh or a login",
        TokenError::Claim(ClaimError::NotYetValid { .. }) => "the clock of the issuer or of the gateway is wrong",
        TokenError::Claim(
            ClaimError::Audience { .. }
            | ClaimError::Missing { .. }
            | ClaimError::Required { .. }
            | ClaimError::WrongType { .. }
            | ClaimError::AuthorizedParty { .. }
            | ClaimError::TokenType { .. },
        ) => return None,
    };
    Some(advice.to_owned())
}

fn of_proof(error: &ProofError) -> Option<&'static str> {
    match error {
        ProofError::Missing => Some("send the proof in the header DPoP"),
        ProofError::Several => Some("send one DPoP header"),
        ProofError::Key(SkippedKey::Unsupported("d")) => {
            Some("the key is known to whoever saw this proof: make another, and send its public part")
        }
        ProofError::Request { claim: "htu", .. } => Some("sign the address that the client calls, without its query"),
        ProofError::Old { .. } => {
            Some("make a proof for each request; else the clock of the client or of the gateway is wrong")
        }
        ProofError::OtherKey => Some("sign with the key that the token was requested with"),
        ProofError::Nonce => Some("take the nonce of DPoP-Nonce, which each answer may replace"),
        ProofError::Token(_)
        | ProofError::Key(_)
        | ProofError::Request { .. }
        | ProofError::OtherToken
        | ProofError::Used => None,
    }
}

fn of_kind(kind: Kind) -> &'static str {
    match kind {
        Kind::Encrypted => {
            "this is an encrypted token (JWE), which only its issuer can read. Auth0 issues one as the access token of a \
             login without an API: send \"audience\" with the login"
        }
        Kind::Opaque => {
            "this is an opaque token, or not a token. Auth0 issues one as the access token of a login without an API: send \
             \"audience\" with the login. Refresh tokens and codes are opaque as well. If another provider's access tokens are, \
             \"introspection\" of its authorizer asks about them"
        }
        Kind::Signed | Kind::ApiKey | Kind::Unknown => "copy the whole token, and nothing else",
    }
}

fn on_issuer(claims: Option<&Map<String, Value>>, sources: &Sources) -> &'static str {
    let expected = sources.rules.issuer.as_ref().map_or("", |expected| expected.value.as_str());
    let found = claims.and_then(|claims| claims.get("iss")).and_then(Value::as_str).unwrap_or_default();
    if found.trim_end_matches('/') == expected.trim_end_matches('/') {
        "they differ by the slash at the end, and the gateway compares them byte for byte"
    } else {
        "a tenant issues tokens under the domain of the login, and a custom domain is another issuer"
    }
}

/// Returns which claim may stand for a missing `aud`, if the token has one of those that do.
fn without_audience(claims: Option<&Map<String, Value>>) -> Option<String> {
    let claim =
        ["client_id", "azp"].into_iter().find(|claim| claims.is_some_and(|claims| claims.contains_key(*claim)))?;
    Some(format!(
        "if the issuer's access tokens never have one, let {claim} stand for it: \"audience_claim\": \"{claim}\""
    ))
}

fn on_audience(claims: Option<&Map<String, Value>>, sources: &Sources) -> &'static str {
    let audiences = match claims.and_then(|claims| claims.get("aud")) {
        Some(Value::Array(items)) => items.iter().filter_map(Value::as_str).collect(),
        Some(Value::String(audience)) => vec![audience.as_str()],
        _ => Vec::new(),
    };
    let is_application = |audience: &&str| Some(*audience) == sources.client_id.as_deref();
    if audiences.iter().any(is_application) {
        "this is an ID token, which is for the client: send the access token"
    } else if !audiences.is_empty() && audiences.iter().all(|audience| audience.ends_with("/userinfo")) {
        "its login was without an API: send \"audience\" with the login"
    } else {
        "the token is for another API, or the authorizer's \"audience\" is not the API's identifier"
    }
}
