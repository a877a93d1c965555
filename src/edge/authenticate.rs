//! Authentication: from the `Authorization` header or the session to verified claims.

use std::rc::Rc;

use super::exchange::Exchange;
use super::gateway::Gateway;
use super::key_ring::{HeldKeys, KeyRing};
use super::session;
use super::timing::now_secs;
use super::webcrypto;
use crate::config::Auth0;
use crate::problem::Problem;
use crate::request::RequestHead as _;
use crate::token::{
    ClaimError, Credentials, Expectations, Expiry, SignatureVerified, TokenError, UnverifiedToken, VerifiedClaims,
    bearer,
};

/// Gives the claims of the request's bearer token, or else of its session. Waits for nothing where the token verified before.
///
/// # Errors
/// 401 where there is none or it is not to be believed; the provider's failure where the keys to tell cannot be had.
pub async fn authenticate(gateway: &Gateway, exchange: &Exchange) -> Result<Rc<VerifiedClaims>, Problem> {
    let header = exchange.header("authorization");
    match bearer(header.as_deref()) {
        Credentials::Bearer(token) => access_claims(gateway, exchange, token).await.map_err(VerifyError::into_problem),
        // What was sent as a token and is none never falls back to a session.
        Credentials::Malformed => Err(Problem::CredentialsMalformed),
        Credentials::Absent => session::claims(gateway, exchange).await,
    }
}

/// Gives the claims of an access token.
///
/// # Errors
/// Why it is not believed.
pub async fn access_claims(
    gateway: &Gateway,
    exchange: &Exchange,
    token: &str,
) -> Result<Rc<VerifiedClaims>, VerifyError> {
    let (auth0, keys) = authorizer(gateway).map_err(VerifyError::Keys)?;
    let now = now_secs();
    if keys.is_fresh(now) {
        let known = gateway.tokens.borrow_mut().get(token, keys.generation(), now);
        if let Some(claims) = known {
            return Ok(claims);
        }
    }
    let expectations = access_token_expectations(auth0);
    let (claims, generation) = verify(exchange, auth0, keys, token, &expectations, Expiry::Enforced).await?;
    let claims = Rc::new(claims);
    let good_until = claims.expires_at().saturating_add(auth0.clock_skew_secs);
    gateway.tokens.borrow_mut().insert(token, Rc::clone(&claims), generation, good_until);
    Ok(claims)
}

/// Gives the authorizer with its keys; a valid config has both wherever they are asked for.
///
/// # Errors
/// [`Problem::ConfigInvalid`] where there is none.
pub fn authorizer(gateway: &Gateway) -> Result<(&Auth0, &KeyRing), Problem> {
    gateway.config.authorizer.as_ref().zip(gateway.keys.as_ref()).ok_or(Problem::ConfigInvalid)
}

/// Gives what an access token is held against.
pub fn access_token_expectations(auth0: &Auth0) -> Expectations<'_> {
    Expectations { issuer: &auth0.issuer, audience: auth0.expected_audience(), clock_skew_secs: auth0.clock_skew_secs }
}

/// Gives what an ID token or a logout token is held against.
pub fn id_token_expectations(auth0: &Auth0) -> Expectations<'_> {
    Expectations { issuer: &auth0.issuer, audience: &auth0.client_id, clock_skew_secs: auth0.clock_skew_secs }
}

/// Why a token is not believed.
pub enum VerifyError {
    /// The token's own fault.
    Token(TokenError),
    /// The keys to tell cannot be had.
    Keys(Problem),
}

impl VerifyError {
    /// Gives the answer for an access token.
    pub fn into_problem(self) -> Problem {
        match self {
            Self::Token(error @ TokenError::Claim(ClaimError::Expired { .. })) => Problem::TokenExpired(error),
            Self::Token(error) => Problem::TokenInvalid(error),
            Self::Keys(problem) => problem,
        }
    }
}

impl From<TokenError> for VerifyError {
    fn from(error: TokenError) -> Self {
        Self::Token(error)
    }
}

/// Verifies a token and gives its claims with the generation of the keys that did.
///
/// # Errors
/// The first rule that it breaks, or that the keys cannot be had.
pub async fn verify(
    exchange: &Exchange,
    auth0: &Auth0,
    keys: &KeyRing,
    token: &str,
    expectations: &Expectations<'_>,
    expiry: Expiry,
) -> Result<(VerifiedClaims, u64), VerifyError> {
    let token = UnverifiedToken::parse(token, &auth0.algorithms)?;
    let mut held = keys.current(exchange, auth0).await.map_err(VerifyError::Keys)?;
    let mut outcome = verify_signature(&token, &held).await;
    // A key that is named and not there, or a signature by none of the keys where none is named: the set may have changed.
    let outdated = match outcome {
        Err(TokenError::NoKey { .. }) => true,
        Err(TokenError::BadSignature) => token.key_id().is_none(),
        _ => false,
    };
    if outdated && let Some(renewed) = keys.renewed(exchange, auth0, &held).await.map_err(VerifyError::Keys)? {
        held = renewed;
        outcome = verify_signature(&token, &held).await;
    }
    let proof = outcome?;
    let claims = token.into_verified(proof, expectations, expiry, now_secs())?;
    Ok((claims, held.generation))
}

async fn verify_signature(token: &UnverifiedToken<'_>, held: &HeldKeys) -> Result<SignatureVerified, TokenError> {
    let algorithm = token.algorithm();
    let candidates = held.set.select_keys(token.key_id(), algorithm);
    if candidates.is_empty() {
        return Err(token.no_key());
    }
    for index in candidates {
        // A key or signature whose numbers WebCrypto refuses has verified nothing.
        let Ok(key) = held.imported(index, algorithm).await else { continue };
        let verified = webcrypto::verify(&key, algorithm, token.signature(), token.signed_bytes()).await;
        if verified.is_ok_and(|verified| verified) {
            return Ok(SignatureVerified::attest());
        }
    }
    Err(TokenError::BadSignature)
}
