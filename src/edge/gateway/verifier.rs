//! An authorizer at work: its rules, its keys, and the tokens that it has verified.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use crate::config::Authorizer;
use crate::edge::gateway::jwks_cache::{CachedJwks, JwksCache};
use crate::edge::runtime::invocation::Invocation;
use crate::edge::runtime::single_flight::SingleFlight;
use crate::edge::runtime::timing::now_secs;
use crate::edge::runtime::webcrypto;
use crate::problem::Problem;
use crate::token::{
    ASKED, Expectations, STORED_KEY, Scheme, SignatureVerified, TokenCache, TokenError, UnverifiedToken, Verdict,
    VerifiedClaims, cached_until,
};

/// An authorizer and what is remembered of it between requests.
pub struct Verifier {
    /// Its rules.
    pub authorizer: Rc<Authorizer>,
    /// Its keys.
    pub keys: JwksCache,
    /// Valid tokens of this authorizer only.
    tokens: RefCell<TokenCache>,
    /// Tokens that the issuer said are not valid; apart, so that made-up ones push no valid one out.
    refused: RefCell<TokenCache>,
    /// Questions about tokens that are with the issuer, by the token; or about keys that are with KV, by their digests.
    pub asking: SingleFlight,
    /// Whether the last login here asked for a refresh token and got none.
    pub withholds_refresh_tokens: Cell<bool>,
}

/// Why a token is not accepted.
pub enum VerifyError {
    /// The token's own fault.
    Token(Rc<TokenError>),
    /// The token names a key that may be younger than the keys, which cannot be fetched again so soon; it breaks no other rule.
    Early,
    /// The keys to tell cannot be had, or the issuer's word.
    Keys(Problem),
}

impl VerifyError {
    /// Returns the answer for an access token.
    pub fn into_problem(self) -> Problem {
        match self {
            Self::Token(error) => error.into(),
            Self::Early => early(),
            Self::Keys(problem) => problem,
        }
    }

    /// Returns the answer for a token of another kind, of whose own fault `refused` makes one.
    pub fn or(self, refused: fn(Rc<TokenError>) -> Problem) -> Problem {
        match self {
            Self::Token(error) => refused(error),
            Self::Early => early(),
            Self::Keys(problem) => problem,
        }
    }
}

/// Returns the answer for a token that is better sent again than replaced.
fn early() -> Problem {
    Problem::IdpUnavailable("the token's key may be younger than the key set".to_owned())
}

impl From<TokenError> for VerifyError {
    #[inline(never)]
    fn from(error: TokenError) -> Self {
        Rc::new(error).into()
    }
}

impl From<Rc<TokenError>> for VerifyError {
    fn from(error: Rc<TokenError>) -> Self {
        Self::Token(error)
    }
}

impl Verifier {
    /// Puts an authorizer to work, with the keys that are known of it.
    pub fn begin(authorizer: &Rc<Authorizer>, keys: Option<JwksCache>) -> Rc<Self> {
        let keys = keys.unwrap_or_else(|| JwksCache::new(authorizer));
        let (tokens, refused, asking) = Default::default();
        let withholds_refresh_tokens = Cell::default();
        Rc::new(Self { authorizer: Rc::clone(authorizer), keys, tokens, refused, asking, withholds_refresh_tokens })
    }

    /// Returns what the issuer said of a token at `now` or lately.
    pub fn introspected(&self, token: &str, now: i64) -> Option<Verdict> {
        self.remembered(token, ASKED, now)
    }

    /// Returns what KV said of the API key of a digest at `now` or lately.
    pub fn stored_key(&self, digest: &str, now: i64) -> Option<Verdict> {
        self.remembered(digest, STORED_KEY, now)
    }

    /// Remembers until `until` what KV said of the API key of a digest, in so many bytes.
    pub fn remember_key(&self, digest: &str, verdict: &Verdict, until: i64, bytes: usize) {
        let cache = if verdict.is_ok() { &self.tokens } else { &self.refused };
        cache.borrow_mut().insert(digest, verdict.clone(), STORED_KEY, until, bytes);
    }

    /// Forgets an API key that counted.
    pub fn forget_key(&self, digest: &str) {
        self.tokens.borrow_mut().remove(digest);
    }

    fn remembered(&self, text: &str, generation: u64, now: i64) -> Option<Verdict> {
        let valid = self.tokens.borrow_mut().get(text, generation, now);
        valid.or_else(|| self.refused.borrow_mut().get(text, generation, now))
    }

    /// Caches what the issuer said of a token, in so many bytes, when it was asked at `asked_at`.
    pub fn cache_introspected(&self, token: &str, verdict: &Verdict, asked_at: i64, answer_bytes: usize) {
        let cache = if verdict.is_ok() { &self.tokens } else { &self.refused };
        cache.borrow_mut().insert(token, verdict.clone(), ASKED, cached_until(verdict, asked_at), answer_bytes);
    }

    /// Returns the claims of an access token that is verified here, as [`Scheme::of`] takes it. Waits for nothing if it was verified before.
    ///
    /// # Errors
    /// Why it is not accepted.
    pub async fn access_claims(
        &self,
        invocation: &dyn Invocation,
        credential: &str,
    ) -> Result<Rc<VerifiedClaims>, VerifyError> {
        let now = now_secs();
        if self.keys.is_fresh(now) {
            let known = self.tokens.borrow_mut().get(credential, self.keys.generation(), now);
            if let Some(verdict) = known {
                return Ok(verdict?);
            }
        }
        let (scheme, token) = Scheme::of(credential);
        let expectations = Expectations { scheme, ..Expectations::of_access_tokens(&self.authorizer) };
        let (claims, generation) = self.verify(invocation, token, &expectations).await?;
        let claims = Rc::new(claims);
        let valid_until = claims.expires_at().saturating_add(self.authorizer.clock_skew_secs);
        self.tokens.borrow_mut().insert(credential, Ok(Rc::clone(&claims)), generation, valid_until, 0);
        Ok(claims)
    }

    /// Verifies a token; returns its claims with the generation of the keys that verified it.
    ///
    /// # Errors
    /// The first rule that it breaks, or that the keys cannot be had.
    pub async fn verify(
        &self,
        invocation: &dyn Invocation,
        token: &str,
        expectations: &Expectations<'_>,
    ) -> Result<(VerifiedClaims, u64), VerifyError> {
        let token = UnverifiedToken::parse(token, expectations.algorithms)?;
        let mut held = self.keys.current(invocation).await.map_err(VerifyError::Keys)?;
        let proof = match verify_signature(&token, &held).await {
            Ok(proof) => proof,
            Err(error) => {
                // A named key is missing, or no key is named and none fits the signature: the JWKS may have changed. If none is named, the
                // token is as likely to be forged as to be signed with another.
                let issued_at = match (&error, token.key_id()) {
                    // Of what would not pass with any key, the set is not to blame.
                    (TokenError::NoKey { .. }, Some(_)) => {
                        token.claimed_issue(expectations, now_secs()).unwrap_or(i64::MIN)
                    }
                    (TokenError::KeyLeftOut { .. }, _)
                    | (TokenError::NoKey { .. } | TokenError::BadSignature, None) => i64::MIN,
                    _ => return Err(error.into()),
                };
                match self.keys.renewed(invocation, &held, issued_at).await.map_err(VerifyError::Keys)? {
                    Ok(renewed) => held = renewed,
                    Err(true) => return Err(VerifyError::Early),
                    Err(false) => return Err(error.into()),
                }
                verify_signature(&token, &held).await?
            }
        };
        let claims = token.into_verified(proof, expectations, now_secs())?;
        Ok((claims, held.generation))
    }
}

async fn verify_signature<'k>(
    token: &UnverifiedToken<'_>,
    held: &'k CachedJwks,
) -> Result<SignatureVerified<'k>, TokenError> {
    let algorithm = token.algorithm();
    let candidates = held.set.select_keys(token.key_id(), algorithm);
    if candidates.is_empty() {
        return Err(token.no_key(&held.set));
    }
    for index in candidates {
        // A key or signature whose numbers WebCrypto refuses has verified nothing.
        let Ok(key) = held.imported(index, algorithm).await else { continue };
        let verified = webcrypto::verify(&key, token.signature(), token.signed_bytes()).await;
        if verified.is_ok_and(|verified| verified) {
            let key = held.set.keys().get(index);
            return Ok(SignatureVerified::attest(key.and_then(|key| key.issuer.as_deref())));
        }
    }
    Err(TokenError::BadSignature)
}
