//! The gateway's checks of a token one by one; each is reported, whatever the others found.
//!
//! The rules are the core's. This module adds what each expects and finds. [`Explanation::refusal`] returns the failure that the
//! gateway would report, since it stops at the first.

use crate::algorithm::Algorithm;
use crate::token::{
    ClaimError, JoseHeader, Kind, Parts, Scheme, TOKEN_MAX_BYTES, TokenError, check_audience, check_begun,
    check_binding, check_expiry, check_issuer, check_key_issuer, check_required, check_stand_in, is_asked_about,
    numeric_date, value_at,
};
use serde_json::{Map, Value};

use super::check::{Check, Outcome, UNKNOWN, row, skip, written};
use super::key_checks::{CheckSignature, check_keys};
use super::proof_checks::{GivenProof, check_proof};
use super::rules::{Expected, NOT_AT_HAND, Rules};
use super::time::{self, described};

/// Why nothing is checked of a text that is not a signed token.
const NO_PARTS: &str = "it does not have the three parts of a signed token";

/// Why nothing of the header is checked.
const NO_HEADER: &str = "the header cannot be read";

/// Why nothing is checked of a token that the gateway asks the provider about.
const ASKED: &str = "the gateway asks the provider about this token (\"introspection\"), and this command sends it nowhere; the answer must \
                     have \"active\": true, and then these are checked";

/// Why no claim is checked.
const NO_CLAIMS: &str = "the claims cannot be read";

/// A token's header and claims, and the checks of it.
pub struct Explanation {
    /// Its header, if it can be read.
    pub header: Option<Map<String, Value>>,
    /// Its claims, if they can be read; they are not verified.
    pub claims: Option<Map<String, Value>>,
    /// The checks in the order in which the gateway makes them.
    pub checks: Vec<Check>,
}

/// The gateway's verdict on a token.
#[derive(Debug, PartialEq, Eq)]
pub enum Verdict<'e> {
    /// Every check passed.
    Accepted,
    /// It is refused, for this reason.
    Refused(&'e TokenError),
    /// No check failed, and some were skipped.
    Undecided,
}

impl Explanation {
    /// Checks a bearer token against `rules` at `now` (seconds since 1970), its signature by `check`.
    pub fn of(token: &str, rules: &Rules, now: i64, check: CheckSignature<'_>) -> Self {
        Self::of_sent(token, None, rules, now, check)
    }

    /// Does so with a token that is bound to a key, if it came with a proof, and checks that.
    pub fn of_sent(
        token: &str,
        proof: Option<&GivenProof>,
        rules: &Rules,
        now: i64,
        check: CheckSignature<'_>,
    ) -> Self {
        let Some(proof) = proof else { return Self::of_scheme(token, Scheme::Bearer, rules, now, check) };
        let mut explanation = Self::of_scheme(token, Scheme::Dpop, rules, now, check);
        let is_asked = rules.asked.is_some_and(|asked| is_asked_about(asked, token));
        let claims = explanation.claims.as_ref().ok_or(if is_asked { ASKED } else { NO_CLAIMS });
        let checks = check_proof(token, claims, proof, rules, now, check);
        explanation.checks.extend(checks);
        explanation
    }

    fn of_scheme(token: &str, scheme: Scheme, rules: &Rules, now: i64, check: CheckSignature<'_>) -> Self {
        if rules.asked.is_some_and(|asked| is_asked_about(asked, token)) {
            return Self::of_asked(token, scheme, rules, now);
        }
        let parts = Parts::split(token).map_err(|_| NO_PARTS);
        let header = parts.and_then(|parts| parts.header().map_err(|_| NO_HEADER));
        let claims = parts.and_then(|parts| parts.claims().map_err(|_| NO_CLAIMS));
        let mut checks = vec![check_form(token)];
        checks.extend(check_header(header.as_ref().map_err(|reason| *reason), rules));
        let keys = rules.keys.as_deref();
        let (of_keys, signer) = check_keys(token, header.as_ref().map_err(|reason| *reason), keys, check);
        checks.extend(of_keys);
        checks.push(check_kind(header.as_ref().map_err(|reason| *reason)));
        checks.push(check_payload(parts));
        let key_issuer = signer.and_then(|key| key.issuer.as_deref());
        checks.extend(check_claims(claims.as_ref().map_err(|reason| *reason), scheme, rules, key_issuer, now));
        if scheme == Scheme::Bearer && rules.dpop.as_ref().is_some_and(|dpop| dpop.is_required) {
            checks.push(row("scheme", Outcome::Fail(TokenError::WithoutProof), Scheme::Dpop.as_str(), scheme.as_str()));
        }
        // An encrypted token has a header too, which is shown although no rule reads it.
        let first = Parts { header: token.split('.').next().unwrap_or_default(), payload: "", signature: "" };
        let shown = header.ok().or_else(|| first.header().ok());
        Self { header: shown.map(|header| header.members().clone()), claims: claims.ok(), checks }
    }

    /// Checks what can be checked of a token without its issuer.
    fn of_asked(token: &str, scheme: Scheme, rules: &Rules, now: i64) -> Self {
        let length = outcome(Parts::check_length(token));
        let expected = format!("at most {TOKEN_MAX_BYTES} bytes");
        let mut checks = vec![
            row("form", length, expected, format!("{} bytes", token.len())),
            row("active", skip(ASKED), "true", UNKNOWN),
        ];
        checks.extend(check_claims(Err(ASKED), scheme, rules, None, now));
        Self { header: None, claims: None, checks }
    }

    /// Returns the failure at which the gateway stops.
    pub fn refusal(&self) -> Option<&TokenError> {
        let failures = || {
            self.checks.iter().filter_map(|check| match &check.outcome {
                Outcome::Fail(error) => Some(error),
                Outcome::Pass | Outcome::Skip(_) => None,
            })
        };
        // The gateway reports an expiry only if every other check passes, because then a refresh helps.
        let expired = |error: &&TokenError| matches!(error, TokenError::Claim(ClaimError::Expired { .. }));
        failures().find(|error| !expired(error)).or_else(|| failures().next())
    }

    /// Returns the gateway's verdict on the token.
    pub fn verdict(&self) -> Verdict<'_> {
        match self.refusal() {
            Some(error) => Verdict::Refused(error),
            None if self.checks.iter().all(|check| check.outcome == Outcome::Pass) => Verdict::Accepted,
            None => Verdict::Undecided,
        }
    }
}

fn outcome<T>(result: Result<T, TokenError>) -> Outcome {
    result.map_or_else(Outcome::Fail, |_| Outcome::Pass)
}

fn check_form(token: &str) -> Check {
    let count = token.split('.').count();
    let mut found = format!("{count} {}, {} bytes", if count == 1 { "part" } else { "parts" }, token.len());
    let form = Parts::check_length(token).and_then(|()| Parts::split(token)).and_then(|parts| {
        let signature = parts.signature().map_err(|error| (error, "the signature is not base64url"));
        let read = signature.and_then(|_| match parts.header() {
            Err(error @ TokenError::NotBase64Url) => Err((error, "the header is not base64url")),
            Err(error) => Err((error, "the header is not a JSON object, or has a duplicate key")),
            Ok(_) => Ok(()),
        });
        read.map_err(|(error, what)| {
            found = format!("{found}; {what}");
            error
        })
    });
    let expected = format!("3 parts in base64url, the first a JSON object; at most {TOKEN_MAX_BYTES} bytes");
    row("form", outcome(form), expected, found)
}

fn check_header(header: Result<&JoseHeader, &str>, rules: &Rules) -> Vec<Check> {
    let allowed = match &rules.algorithms {
        Ok(allowed) => allowed.iter().map(|algorithm| algorithm.name()).collect::<Vec<_>>().join(" or "),
        Err(_) => "an algorithm that the authorizer allows".to_owned(),
    };
    let check = |name, expected: &str, rule: &dyn Fn(&JoseHeader) -> Outcome| match header {
        Ok(header) => row(name, rule(header), expected, written(header.members(), name)),
        Err(reason) => row(name, skip(reason), expected, UNKNOWN),
    };
    vec![
        check("alg", &allowed, &|header| check_algorithm(header, rules)),
        check("crit", "absent", &|header| outcome(header.check_extensions())),
        check("cty", "absent", &|header| outcome(header.check_content_type())),
    ]
}

fn check_kind(header: Result<&JoseHeader, &str>) -> Check {
    let expected = "absent, JWT or at+jwt, and not another kind of token";
    match header {
        Ok(header) => row("typ", outcome(header.check_kind(Kind::Access)), expected, written(header.members(), "typ")),
        Err(reason) => row("typ", skip(reason), expected, UNKNOWN),
    }
}

fn check_algorithm(header: &JoseHeader, rules: &Rules) -> Outcome {
    let every: Vec<_> = Algorithm::NAMES.iter().map(|(_, algorithm)| *algorithm).collect();
    match (&rules.algorithms, header.algorithm(&every)) {
        (Ok(allowed), _) => outcome(header.algorithm(allowed)),
        // No authorizer can allow an unknown algorithm.
        (Err(_), Err(error)) => Outcome::Fail(error),
        (Err(reason), Ok(_)) => Outcome::Skip(reason.clone()),
    }
}

fn check_payload(parts: Result<Parts<'_>, &str>) -> Check {
    let (outcome, found) = match parts.map(|parts| parts.claims()) {
        Err(reason) => (skip(reason), UNKNOWN),
        Ok(Ok(_)) => (Outcome::Pass, "a JSON object"),
        Ok(Err(error @ TokenError::NotBase64Url)) => (Outcome::Fail(error), "not base64url"),
        Ok(Err(error)) => (Outcome::Fail(error), "not a JSON object, or one with a duplicate key"),
    };
    row("claims", outcome, "a JSON object without duplicate keys", found)
}

/// Checks the claims of a token that is signed by a key of `key_issuer`.
fn check_claims(
    claims: Result<&Map<String, Value>, &str>,
    scheme: Scheme,
    rules: &Rules,
    key_issuer: Option<&str>,
    now: i64,
) -> Vec<Check> {
    type Rule<'r> = &'r dyn Fn(&Map<String, Value>) -> Result<(), ClaimError>;
    type TextRule<'r> = &'r dyn Fn(&Map<String, Value>, &str) -> Result<(), ClaimError>;
    let check = |name: &str, rule: Result<Rule<'_>, &String>, expected: String| match claims {
        Err(reason) => row(name.to_owned(), skip(reason), expected, UNKNOWN),
        Ok(claims) => {
            let outcome = match rule {
                Ok(rule) => outcome(rule(claims).map_err(TokenError::Claim)),
                Err(reason) => skip(reason),
            };
            row(name.to_owned(), outcome, expected, found(claims, name, now))
        }
    };
    let text = |name: &str, expected: &Result<Expected, String>, rule: TextRule<'_>, rest: &str| match expected {
        Ok(Expected { value, shown }) => check(name, Ok(&|claims| rule(claims, value)), format!("{shown}{rest}")),
        Err(reason) => check(name, Err(reason), "the authorizer's".to_owned()),
    };
    let by_itself = ", by itself or in a list";
    let mut checks = vec![match &rules.tenants {
        Ok(tenants) if tenants.is_empty() => {
            text("iss", &rules.issuer, &|claims, issuer| check_issuer(claims, issuer, tenants), "")
        }
        Ok(tenants) => {
            let ids: Vec<_> = tenants.iter().map(|tenant| tenant.id.as_str()).collect();
            let rest = format!(", for one of the tenants {}; and tid is the same", ids.join(", "));
            let rule: TextRule<'_> = &|claims, issuer| {
                check_key_issuer(claims, key_issuer, issuer, tenants)?;
                check_issuer(claims, issuer, tenants)
            };
            let mut issuer = text("iss", &rules.issuer, rule, &rest);
            issuer.found +=
                &claims.map_or_else(|_| String::new(), |claims| format!("; tid {}", written(claims, "tid")));
            if let Some(key_issuer) = key_issuer {
                issuer.found += &format!("; by a key of {}", Value::from(key_issuer));
            }
            issuer
        }
        Err(reason) => check("iss", Err(reason), "the authorizer's".to_owned()),
    }];
    checks.push(match &rules.audience_claim {
        None => text("aud", &rules.audience, &|claims, audience| check_audience(claims, audience, true), by_itself),
        Some(_) => {
            let rest = format!("{by_itself}, or absent");
            text("aud", &rules.audience, &|claims, audience| check_audience(claims, audience, false), &rest)
        }
    });
    checks.extend(rules.audience_claim.as_ref().map(|claim| match claim {
        Ok(claim) => {
            text(claim, &rules.audience, &|claims, audience| check_stand_in(claims, claim, audience), by_itself)
        }
        Err(reason) => check("audience_claim", Err(reason), "the claim for the audience".to_owned()),
    }));
    let unknown = NOT_AT_HAND.to_owned();
    checks.extend(rules.required.iter().map(|(required, shown)| {
        let (claim, value) = required;
        let is_known = !alternatives(value).contains(&Value::Null);
        let rule: Rule<'_> = &|claims| check_required(claims, std::slice::from_ref(required));
        let shown: Vec<_> = alternatives(shown).iter().map(Value::to_string).collect();
        check(claim, is_known.then_some(rule).ok_or(&unknown), format!("{}{by_itself}", shown.join(" or ")))
    }));
    let skew = rules.clock_skew_secs;
    let at = |seconds: i64| time::utc(seconds).unwrap_or_else(|| seconds.to_string());
    let earliest = format!("later than {} (now minus {skew} s)", at(now.saturating_sub(skew)));
    let latest = format!("absent, or at most {} (now plus {skew} s)", at(now.saturating_add(skew)));
    let binding = match scheme {
        Scheme::Bearer => "absent: a bearer token is bound to nothing",
        Scheme::Dpop => "the thumbprint of a key, as jkt, and nothing else",
    };
    checks.extend([
        check("cnf", Ok(&|claims| check_binding(claims, scheme)), binding.to_owned()),
        check("exp", Ok(&|claims| check_expiry(claims, skew, now)), earliest),
        check("nbf", Ok(&|claims| check_begun(claims, "nbf", skew, now)), latest.clone()),
        check("iat", Ok(&|claims| check_begun(claims, "iat", skew, now)), latest),
    ]);
    checks
}

/// Returns the values of which a required claim may have any.
fn alternatives(value: &Value) -> &[Value] {
    value.as_array().map_or(std::slice::from_ref(value), Vec::as_slice)
}

/// Returns a claim; one of the three that are checked as times, with its date.
fn found(claims: &Map<String, Value>, name: &str, now: i64) -> String {
    let date = ["exp", "nbf", "iat"].into_iter().find(|date| *date == name).map(|date| numeric_date(claims, date));
    match date {
        Some(Ok(Some(seconds))) => described(seconds, now),
        Some(Ok(None) | Err(_)) | None => value_at(claims, name).map_or_else(|| "absent".to_owned(), Value::to_string),
    }
}
