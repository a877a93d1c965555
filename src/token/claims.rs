//! The rules that the claims of a token must keep (RFC 7519 section 4.1).

use chrono::{DateTime, TimeDelta, Utc};
use jwt_compact::{Claims, TimeOptions};
use serde_json::{Map, Value};

use super::error::ClaimError;
use super::parts::Kind;
use crate::config::Authorizer;
use crate::excerpt::{shortened, shortened_name};
use crate::json::{self, ToText as _};

/// The year 33,658, far past any real date and well inside the calendar.
const DATE_MAX_SECS: i64 = 1_000_000_000_000;

/// What the claims are held against.
#[derive(Debug, Clone, Copy)]
pub struct Expectations<'e> {
    /// The only `iss` that is believed.
    pub issuer: &'e str,
    /// What `aud` must be or contain.
    pub audience: &'e str,
    /// How far the clocks may differ.
    pub clock_skew_secs: i64,
    /// What kind of token it must be.
    pub kind: Kind,
    /// Whether it passes once it has expired.
    pub expiry: Expiry,
}

impl<'e> Expectations<'e> {
    /// Returns what access tokens of an authorizer are held against.
    pub fn of_access_tokens(authorizer: &'e Authorizer) -> Self {
        let Authorizer { issuer, audience, clock_skew_secs, .. } = authorizer;
        Self { issuer, audience, clock_skew_secs: *clock_skew_secs, kind: Kind::Access, expiry: Expiry::Enforced }
    }
}

/// Whether a token that has expired passes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expiry {
    /// It does not.
    Enforced,
    /// It does: the refresh endpoint wants to know whose the token was, not whether it still holds.
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

    /// Returns when the token was issued, in seconds since 1970, where it says so.
    pub fn issued_at(&self) -> Option<i64> {
        numeric_date(&self.claims, "iat").ok().flatten()
    }

    /// Returns a claim by its whole name, or else by a path whose dots lead into objects; names may have dots themselves.
    ///
    /// Of the names that fit at a place the longest is meant, and no other is tried where it leads nowhere: what a token has
    /// beside it changes nothing.
    pub fn get(&self, path: &str) -> Option<&Value> {
        value_at(&self.claims, path)
    }

    /// Returns all of them.
    pub fn to_json(&self) -> Value {
        Value::Object(self.claims.clone())
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
/// Who it is instead, or that it is missing or no string.
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
/// Whom it names instead, or that it is missing or of another type.
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

/// Checks what a token for a client must say besides (OpenID Connect Core sections 2 and 3.1.3.7): `azp`, where it has one, is the
/// client; an ID token has it where it is for several, and says whose it is and since when.
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

/// Checks that a token is its bearer's: none that `cnf` binds to a key or certificate (RFC 7800, RFC 8705, RFC 9449).
///
/// # Errors
/// That it is bound.
pub fn check_unbound(claims: &Map<String, Value>) -> Result<(), ClaimError> {
    if claims.contains_key("cnf") { Err(ClaimError::Bound) } else { Ok(()) }
}

/// Checks that `exp` is there and ahead.
///
/// # Errors
/// When the token expired, or that it does not say when.
pub fn check_expiry(claims: &Map<String, Value>, skew: i64, now: i64) -> Result<(), ClaimError> {
    check_ahead(numeric_date(claims, "exp")?.ok_or(ClaimError::Missing { claim: "exp" })?, skew, now)
}

/// Checks that `nbf` or `iat`, where it is there, is not ahead.
///
/// # Errors
/// When it will be, or that it is no date.
pub fn check_begun(claims: &Map<String, Value>, claim: &'static str, skew: i64, now: i64) -> Result<(), ClaimError> {
    let Some(at) = numeric_date(claims, claim)? else { return Ok(()) };
    let mut rule = Claims::empty();
    rule.not_before = Some(date(at));
    let begun = rule.validate_maturity(&time_options(skew, now)).is_ok();
    if begun { Ok(()) } else { Err(ClaimError::NotYetValid { claim, at, now }) }
}

/// Checks that an expiry is ahead, by jwt-compact's rule.
///
/// To jwt-compact an expiration is the last second that is good, to RFC 7519 section 4.1.4 the first that is not.
fn check_ahead(exp: i64, skew: i64, now: i64) -> Result<(), ClaimError> {
    let mut rule = Claims::empty();
    rule.expiration = Some(date(exp.saturating_sub(1)));
    let ahead = rule.validate_expiration(&time_options(skew, now)).is_ok();
    if ahead { Ok(()) } else { Err(ClaimError::Expired { at: exp, now }) }
}

fn time_options(skew: i64, now: i64) -> TimeOptions<impl Fn() -> DateTime<Utc>> {
    TimeOptions::new(TimeDelta::seconds(skew), move || date(now))
}

/// Returns a date; one past the calendar's end becomes the end, less what a skew can add.
fn date(seconds: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(seconds.clamp(-DATE_MAX_SECS, DATE_MAX_SECS), 0).unwrap_or_default()
}

/// Returns a NumericDate (RFC 7519 section 2) in whole seconds, where the claim is there; a fraction is dropped.
///
/// # Errors
/// That it is no number, or no date.
pub fn numeric_date(claims: &Map<String, Value>, claim: &'static str) -> Result<Option<i64>, ClaimError> {
    /// Past this a float no longer holds every whole number, and no date is that far away.
    const SECONDS_MAX: f64 = 9_007_199_254_740_992.0;
    let Some(value) = claims.get(claim) else { return Ok(None) };
    let seconds = value.as_f64().filter(|seconds| seconds.abs() < SECONDS_MAX);
    #[expect(clippy::cast_possible_truncation, reason = "the bound above keeps it exact")]
    seconds.map(|seconds| Some(seconds.floor() as i64)).ok_or(ClaimError::WrongType { claim })
}
