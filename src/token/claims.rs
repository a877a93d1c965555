//! The rules for the claims of a token (RFC 7519 section 4.1).

use chrono::{DateTime, TimeDelta, Utc};
use jwt_compact::{Claims, TimeOptions};
use serde_json::{Map, Value};

use super::error::ClaimError;
use super::parts::Kind;
use crate::config::Authorizer;
use crate::excerpt::{shortened, shortened_name};
use crate::json::{self, ToText as _};

/// The year 33,658: after any real date, and well within the calendar.
const DATE_MAX_SECS: i64 = 1_000_000_000_000;

/// The rules for the claims.
#[derive(Debug, Clone, Copy)]
pub struct Expectations<'e> {
    /// The only `iss` that is trusted.
    pub issuer: &'e str,
    /// What `aud` must be or contain.
    pub audience: &'e str,
    /// How far the clocks may differ.
    pub clock_skew_secs: i64,
    /// What kind of token it must be.
    pub kind: Kind,
    /// Whether an expired token passes.
    pub expiry: Expiry,
}

impl<'e> Expectations<'e> {
    /// Returns the rules for access tokens of an authorizer.
    pub fn of_access_tokens(authorizer: &'e Authorizer) -> Self {
        let Authorizer { issuer, audience, clock_skew_secs, .. } = authorizer;
        Self { issuer, audience, clock_skew_secs: *clock_skew_secs, kind: Kind::Access, expiry: Expiry::Enforced }
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
}

impl VerifiedClaims {
    pub(super) fn check(
        claims: Map<String, Value>,
        expectations: &Expectations<'_>,
        now: i64,
    ) -> Result<Self, ClaimError> {
        let skew = expectations.clock_skew_secs;
        check_issuer(&claims, expectations.issuer)?;
        check_audience(&claims, expectations.audience)?;
        match expectations.kind {
            Kind::Access => check_unbound(&claims)?,
            kind => check_client(&claims, kind, expectations.audience)?,
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
        Ok(Self { claims, expires_at })
    }

    /// Returns when the token expires, in seconds since 1970, skew aside.
    pub fn expires_at(&self) -> i64 {
        self.expires_at
    }

    /// Returns when the token was issued, in seconds since 1970, if it says so.
    pub fn issued_at(&self) -> Option<i64> {
        numeric_date(&self.claims, "iat").ok().flatten()
    }

    /// Returns a claim by its whole name, or else by a path whose dots lead into objects; names may contain dots.
    ///
    /// If several names fit at a place, only the longest is tried, even if it leads nowhere. So nothing that a token has
    /// beside it changes the result.
    pub fn get(&self, path: &str) -> Option<&Value> {
        value_at(&self.claims, path)
    }

    /// Returns all claims.
    pub fn to_json(&self) -> Value {
        Value::Object(self.claims.clone())
    }

    /// Returns all claims, and keeps none.
    pub fn into_members(self) -> Map<String, Value> {
        self.claims
    }

    /// Returns a claim that is a string.
    pub fn text(&self, name: &str) -> Option<&str> {
        json::text(&self.claims, name)
    }
}

fn value_at<'v>(object: &'v Map<String, Value>, path: &str) -> Option<&'v Value> {
    let mut name = path;
    loop {
        if let Some(value) = object.get(name) {
            return match path.get(name.len() + 1..) {
                None => Some(value),
                Some(rest) => value_at(value.as_object()?, rest),
            };
        }
        name = name.rsplit_once('.')?.0;
    }
}

/// Checks that `iss` is the issuer, byte for byte.
///
/// # Errors
/// The actual issuer, or that it is missing or not a string.
pub fn check_issuer(claims: &Map<String, Value>, expected: &str) -> Result<(), ClaimError> {
    let issuer = claims.get("iss").ok_or(ClaimError::Missing { claim: "iss" })?;
    let actual = issuer.as_str().ok_or(ClaimError::WrongType { claim: "iss" })?;
    if actual == expected {
        return Ok(());
    }
    Err(ClaimError::Issuer { expected: expected.to_owned(), actual: shortened_name(actual) })
}

/// Checks that `aud` is the audience, or contains it.
///
/// # Errors
/// The actual audience, or that it is missing or of another type.
pub fn check_audience(claims: &Map<String, Value>, expected: &str) -> Result<(), ClaimError> {
    let wrong_type = ClaimError::WrongType { claim: "aud" };
    let contained = match claims.get("aud").ok_or(ClaimError::Missing { claim: "aud" })? {
        Value::String(audience) => audience == expected,
        Value::Array(audiences) if audiences.iter().all(Value::is_string) => {
            audiences.iter().any(|audience| audience.as_str() == Some(expected))
        }
        _ => return Err(wrong_type),
    };
    if contained {
        return Ok(());
    }
    let actual = claims.get("aud").map(|audience| shortened_name(&audience.to_text())).unwrap_or_default();
    Err(ClaimError::Audience { expected: expected.to_owned(), actual })
}

/// Checks the further claims of a token for a client (OpenID Connect Core sections 2 and 3.1.3.7). `azp`, if present, is the
/// client; an ID token needs it if it has several audiences, and always needs `sub` and `iat`.
fn check_client(claims: &Map<String, Value>, kind: Kind, client_id: &str) -> Result<(), ClaimError> {
    let missing = |claim| Err(ClaimError::Missing { claim });
    let party = claims.get("azp");
    if kind == Kind::Id {
        if json::text(claims, "sub").unwrap_or_default().is_empty() {
            return missing("sub");
        }
        if !claims.contains_key("iat") {
            return missing("iat");
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

/// Checks that a token is a bearer token: `cnf` must not bind it to a key or certificate (RFC 7800, RFC 8705, RFC 9449).
///
/// # Errors
/// That it is bound.
pub fn check_unbound(claims: &Map<String, Value>) -> Result<(), ClaimError> {
    if claims.contains_key("cnf") { Err(ClaimError::Bound) } else { Ok(()) }
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
