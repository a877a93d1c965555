//! The rules for the claims of a token (RFC 7519 section 4.1).

use std::rc::Rc;

use chrono::{DateTime, TimeDelta, Utc};
use jwt_compact::{Claims, TimeOptions};
use serde_json::{Map, Value};

use super::confirmation::bound_key;
use super::credentials::Scheme;
use super::error::{ClaimError, TokenError};
use super::parts::{Kind, Parts};
use super::values::{meets, unmet_claim, value_at};
use crate::algorithm::Algorithm;
use crate::config::{Authorizer, KeyRecord, Tenant};
use crate::excerpt::{shortened, shortened_name};
use crate::json::{self, ToText as _};

/// The year 33,658: after any real date, and well within the calendar.
const DATE_MAX_SECS: i64 = 1_000_000_000_000;

/// The claim that names the tenant of an issuer that has several (Microsoft Entra ID).
const TENANT_CLAIM: &str = "tid";

/// The rules for the claims.
#[derive(Debug, Clone, Copy)]
pub struct Expectations<'e> {
    /// The algorithms that it may be signed with.
    pub algorithms: &'e [Algorithm],
    /// The only `iss` that is trusted.
    pub issuer: &'e str,
    /// The tenants that are trusted instead, if the issuer has a placeholder for them.
    pub tenants: &'e [Tenant],
    /// What `aud` must be or contain.
    pub audience: &'e str,
    /// The claim of access tokens that must be or contain it as well; `aud` may then be missing.
    pub audience_claim: Option<&'e str>,
    /// Claims that access tokens must have.
    pub required: &'e [(String, Value)],
    /// How far the clocks may differ.
    pub clock_skew_secs: i64,
    /// What kind of token it must be.
    pub kind: Kind,
    /// Whether an expired token passes.
    pub expiry: Expiry,
    /// The scheme that an access token came by.
    pub scheme: Scheme,
}

impl<'e> Expectations<'e> {
    /// Returns the rules for access tokens of an authorizer.
    pub fn of_access_tokens(authorizer: &'e Authorizer) -> Self {
        Self {
            algorithms: &authorizer.algorithms,
            issuer: &authorizer.issuer,
            tenants: &authorizer.tenants,
            audience: &authorizer.audience,
            audience_claim: authorizer.audience_claim.as_deref(),
            required: &authorizer.claims,
            clock_skew_secs: authorizer.clock_skew_secs,
            kind: Kind::Access,
            expiry: Expiry::Enforced,
            scheme: Scheme::Bearer,
        }
    }
}

/// Whether an expired token passes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expiry {
    /// It does not.
    Enforced,
    /// It does: the refresh endpoint only needs to know whose token it was.
    Ignored,
    /// It does not, but one without an expiry does.
    Optional,
}

/// The claims of a token that passed its signature and every rule.
#[derive(Debug, Clone)]
pub struct VerifiedClaims {
    claims: Map<String, Value>,
    expires_at: i64,
    /// The SHA-256 of the API key that they are of, with its record, if they are of one.
    api_key: Option<(Box<str>, Rc<KeyRecord>)>,
}

impl VerifiedClaims {
    pub(super) fn check(
        claims: Map<String, Value>,
        expectations: &Expectations<'_>,
        now: i64,
    ) -> Result<Self, ClaimError> {
        let Expectations { audience, clock_skew_secs: skew, kind, .. } = *expectations;
        check_issuer(&claims, expectations.issuer, expectations.tenants)?;
        // Of the tokens for a client, the specifications say what they must have.
        let stand_in = expectations.audience_claim.filter(|_| kind == Kind::Access);
        check_audience(&claims, audience, stand_in.is_none())?;
        if let Some(claim) = stand_in {
            check_stand_in(&claims, claim, audience)?;
        }
        if kind == Kind::Access {
            check_required(&claims, expectations.required)?;
            check_binding(&claims, expectations.scheme)?;
        } else {
            check_client(&claims, kind, audience)?;
        }
        let expires_at = match numeric_date(&claims, "exp")? {
            None if expectations.expiry == Expiry::Optional => i64::MAX,
            expires_at => expires_at.ok_or(ClaimError::Missing { claim: "exp" })?,
        };
        for claim in ["nbf", "iat"] {
            check_begun(&claims, claim, skew, now)?;
        }
        if expectations.expiry != Expiry::Ignored {
            check_ahead(expires_at, skew, now)?;
        }
        Ok(Self { claims, expires_at, api_key: None })
    }

    /// Checks the claims of an ID token that verified when it came and was sealed since, as far as a change of the config can break
    /// them. They are a session's for as long as its access token is valid, until `expires_at` (seconds since 1970).
    ///
    /// # Errors
    /// The first rule that it breaks, or that it is not a set of claims.
    pub fn of_session(
        id_token: &str,
        expectations: &Expectations<'_>,
        expires_at: i64,
        now: i64,
    ) -> Result<Self, TokenError> {
        let expectations = Expectations { expiry: Expiry::Ignored, ..*expectations };
        let checked = Self::check(Parts::split(id_token)?.claims()?, &expectations, now).map_err(TokenError::Claim)?;
        Ok(Self { expires_at, ..checked })
    }

    /// Takes the claims of an API key by its record, which is found under its SHA-256.
    pub fn of_api_key(digest: &str, record: Rc<KeyRecord>) -> Self {
        let expires_at = record.not_after.map_or(i64::MAX, |last| last.saturating_add(1));
        Self { claims: record.claims.clone(), expires_at, api_key: Some((digest.into(), record)) }
    }

    /// Returns the SHA-256 of the API key that they are of, if they are of one.
    pub fn api_key(&self) -> Option<&str> {
        self.api_key.as_ref().map(|(digest, _)| &**digest)
    }

    /// Returns the record of that key.
    pub(super) fn key_record(&self) -> Option<&KeyRecord> {
        self.api_key.as_ref().map(|(_, record)| &**record)
    }

    /// Takes claims as if they had been verified: for the command line, which lets no request pass.
    #[cfg(not(target_os = "unknown"))]
    pub fn assumed(claims: Map<String, Value>) -> Self {
        let expires_at = numeric_date(&claims, "exp").ok().flatten().unwrap_or(i64::MAX);
        Self { claims, expires_at, api_key: None }
    }

    /// Returns when the token expires, in seconds since 1970, skew aside.
    pub fn expires_at(&self) -> i64 {
        self.expires_at
    }

    /// Returns a claim that is a date, in seconds since 1970.
    pub fn date(&self, claim: &'static str) -> Option<i64> {
        numeric_date(&self.claims, claim).ok().flatten()
    }

    /// Returns a claim by its name or path, as [`value_at`] finds it.
    pub fn get(&self, path: &str) -> Option<&Value> {
        value_at(&self.claims, path)
    }

    /// Returns the first of some required claims that is missing or has another value.
    pub fn unmet<'r>(&self, required: &'r [(String, Value)]) -> Option<&'r str> {
        unmet_claim(&self.claims, required)
    }

    /// Returns all claims.
    pub fn to_json(&self) -> Value {
        Value::Object(self.claims.clone())
    }

    /// Returns all claims, and keeps none.
    pub fn into_members(self) -> Map<String, Value> {
        self.claims
    }

    /// Returns the thumbprint of the key that the token is bound to.
    pub fn bound_key(&self) -> Option<&str> {
        bound_key(&self.claims).ok()
    }

    /// Returns a claim that is a string.
    pub fn text(&self, name: &str) -> Option<&str> {
        json::text(&self.claims, name)
    }
}

/// Checks that `iss` is the issuer, byte for byte; or that of one of its tenants, which `tid` names as well.
///
/// # Errors
/// The actual issuer, or that a claim is missing, not a string or another.
pub fn check_issuer(claims: &Map<String, Value>, expected: &str, tenants: &[Tenant]) -> Result<(), ClaimError> {
    let issuer = claims.get("iss").ok_or(ClaimError::Missing { claim: "iss" })?;
    let actual = issuer.as_str().ok_or(ClaimError::WrongType { claim: "iss" })?;
    let tenant = tenants.iter().find(|tenant| tenant.issuer == actual);
    match tenant {
        Some(tenant) if json::text(claims, TENANT_CLAIM) == Some(&tenant.id) => Ok(()),
        Some(_) => Err(ClaimError::Required { claim: TENANT_CLAIM.to_owned() }),
        None if tenants.is_empty() && actual == expected => Ok(()),
        None => Err(ClaimError::Issuer { expected: expected.to_owned(), actual: shortened_name(actual) }),
    }
}

/// Checks that a key may sign a token of this `iss`. The keys of an issuer with tenants may be of one tenant each, or of the issuer as it
/// is written here, and then of all.
///
/// # Errors
/// Those of [`check_issuer`].
pub fn check_key_issuer(
    claims: &Map<String, Value>,
    of_key: Option<&str>,
    issuer: &str,
    tenants: &[Tenant],
) -> Result<(), ClaimError> {
    match of_key.filter(|of_key| !tenants.is_empty() && *of_key != issuer) {
        Some(of_key) => check_issuer(claims, of_key, &[]),
        None => Ok(()),
    }
}

/// Checks that `aud` is the audience, or contains it; one that is not needed may be missing.
///
/// # Errors
/// The actual audience, or that it is missing or of another type.
pub fn check_audience(claims: &Map<String, Value>, expected: &str, is_needed: bool) -> Result<(), ClaimError> {
    let contained = match claims.get("aud") {
        None if is_needed => return Err(ClaimError::Missing { claim: "aud" }),
        None => true,
        Some(Value::String(audience)) => audience == expected,
        Some(Value::Array(audiences)) if audiences.iter().all(Value::is_string) => {
            audiences.iter().any(|audience| audience.as_str() == Some(expected))
        }
        Some(_) => return Err(ClaimError::WrongType { claim: "aud" }),
    };
    if contained { Ok(()) } else { Err(other_audience(claims, "aud", expected)) }
}

/// Checks that the claim that stands for `aud` is the audience, or contains it.
///
/// # Errors
/// What the claim is instead.
pub fn check_stand_in(claims: &Map<String, Value>, claim: &str, expected: &str) -> Result<(), ClaimError> {
    let met = value_at(claims, claim).is_some_and(|value| meets(value, &expected.into()));
    if met { Ok(()) } else { Err(other_audience(claims, claim, expected)) }
}

fn other_audience(claims: &Map<String, Value>, claim: &str, expected: &str) -> ClaimError {
    let actual = value_at(claims, claim).map_or_else(|| "missing".to_owned(), |value| shortened_name(&value.to_text()));
    ClaimError::Audience { claim: claim.to_owned(), expected: expected.to_owned(), actual }
}

/// Checks that required claims have the required values.
///
/// # Errors
/// The first that has another, or is missing.
pub fn check_required(claims: &Map<String, Value>, required: &[(String, Value)]) -> Result<(), ClaimError> {
    let unmet = unmet_claim(claims, required);
    unmet.map_or(Ok(()), |claim| Err(ClaimError::Required { claim: claim.to_owned() }))
}

/// Checks the further claims of a token for a client (OpenID Connect Core sections 2 and 3.1.3.7). `azp`, if present, is the
/// client; an ID token needs it if it has several audiences, and always needs `sub` and `iat`. An answer about a token needs `iat`
/// (RFC 9701 section 5).
fn check_client(claims: &Map<String, Value>, kind: Kind, client_id: &str) -> Result<(), ClaimError> {
    let missing = |claim| Err(ClaimError::Missing { claim });
    let party = claims.get("azp");
    if matches!(kind, Kind::Id | Kind::Introspection) && !claims.contains_key("iat") {
        return missing("iat");
    }
    if kind == Kind::Id {
        if json::text(claims, "sub").unwrap_or_default().is_empty() {
            return missing("sub");
        }
        let audiences = claims.get("aud").and_then(Value::as_array);
        if party.is_none() && audiences.is_some_and(|audiences| audiences.len() > 1) {
            return missing("azp");
        }
    }
    let Some(party) = party else { return Ok(()) };
    let actual = party.as_str().ok_or(ClaimError::WrongType { claim: "azp" })?;
    if actual == client_id {
        return Ok(());
    }
    Err(ClaimError::AuthorizedParty { expected: client_id.to_owned(), actual: shortened(actual) })
}

/// Checks that a token is one of its scheme: `cnf` binds a bearer token to no key or certificate (RFC 7800, RFC 8705), and any other to
/// one key (RFC 9449 section 6.1).
///
/// # Errors
/// What it is instead.
pub fn check_binding(claims: &Map<String, Value>, scheme: Scheme) -> Result<(), ClaimError> {
    match scheme {
        Scheme::Bearer if claims.contains_key("cnf") => Err(ClaimError::Bound),
        Scheme::Bearer => Ok(()),
        Scheme::Dpop => bound_key(claims).map(|_| ()),
    }
}

/// Checks that `exp` is present and in the future.
///
/// # Errors
/// When the token expired, or that it does not say when.
pub fn check_expiry(claims: &Map<String, Value>, skew: i64, now: i64) -> Result<(), ClaimError> {
    check_ahead(numeric_date(claims, "exp")?.ok_or(ClaimError::Missing { claim: "exp" })?, skew, now)
}

/// Checks that `nbf` or `iat`, if present, is not in the future.
///
/// # Errors
/// When it begins, or that it is not a date.
pub fn check_begun(claims: &Map<String, Value>, claim: &'static str, skew: i64, now: i64) -> Result<(), ClaimError> {
    let Some(at) = numeric_date(claims, claim)? else { return Ok(()) };
    let mut rule = Claims::empty();
    rule.not_before = Some(date(at));
    let begun = rule.validate_maturity(&time_options(skew, now)).is_ok();
    if begun { Ok(()) } else { Err(ClaimError::NotYetValid { claim, at, now }) }
}

/// Checks that an expiry is in the future, by jwt-compact's rule.
///
/// In jwt-compact an expiration is the last valid second, in RFC 7519 section 4.1.4 the first invalid one.
fn check_ahead(exp: i64, skew: i64, now: i64) -> Result<(), ClaimError> {
    let mut rule = Claims::empty();
    rule.expiration = Some(date(exp.saturating_sub(1)));
    let ahead = rule.validate_expiration(&time_options(skew, now)).is_ok();
    if ahead { Ok(()) } else { Err(ClaimError::Expired { at: exp, now }) }
}

fn time_options(skew: i64, now: i64) -> TimeOptions<impl Fn() -> DateTime<Utc>> {
    TimeOptions::new(TimeDelta::seconds(skew), move || date(now))
}

/// Returns a date; one after the calendar's end becomes the end, minus the largest skew.
fn date(seconds: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(seconds.clamp(-DATE_MAX_SECS, DATE_MAX_SECS), 0).unwrap_or_default()
}

/// Returns a NumericDate (RFC 7519 section 2) in whole seconds, if the claim is present; a fraction is dropped.
///
/// # Errors
/// That it is not a number, or not a date.
pub fn numeric_date(claims: &Map<String, Value>, claim: &'static str) -> Result<Option<i64>, ClaimError> {
    /// Beyond this a float cannot represent every whole number, and no date is that far away.
    const SECONDS_MAX: f64 = 9_007_199_254_740_992.0;
    let Some(value) = claims.get(claim) else { return Ok(None) };
    let seconds = value.as_f64().filter(|seconds| seconds.abs() < SECONDS_MAX);
    #[expect(clippy::cast_possible_truncation, reason = "the bound above keeps it exact")]
    seconds.map(|seconds| Some(seconds.floor() as i64)).ok_or(ClaimError::WrongType { claim })
}
