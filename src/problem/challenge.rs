//! The challenge of a failure: what is wrong with the credential, which scopes to request, and where the metadata is.

use crate::algorithm::Algorithm;
use crate::config::{Dpop, Requirements};
use crate::http::header::quoted;
use crate::token::Scheme;

/// What is wrong with the credential (RFC 6750 section 3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Challenge {
    /// Nothing: there is none.
    Bare,
    /// `invalid_token`, with its description.
    InvalidToken(&'static str),
    /// `insufficient_scope`.
    InsufficientScope,
    /// `insufficient_user_authentication`, with what is required (RFC 9470 section 3).
    InsufficientUserAuthentication,
    /// `invalid_dpop_proof` (RFC 9449 section 7.1).
    InvalidProof,
    /// `use_dpop_nonce` (RFC 9449 section 9).
    UseNonce,
}

/// By which schemes a path takes tokens, the one first to which the failure belongs (RFC 9449 section 7.2).
pub fn schemes(dpop: Option<&Dpop>, sent: Scheme) -> &'static [Scheme] {
    match (dpop, sent) {
        (None, _) => &[Scheme::Bearer],
        (Some(dpop), _) if dpop.is_required => &[Scheme::Dpop],
        (Some(_), Scheme::Bearer) => &[Scheme::Bearer, Scheme::Dpop],
        (Some(_), Scheme::Dpop) => &[Scheme::Dpop, Scheme::Bearer],
    }
}

impl Challenge {
    /// Returns the value of `WWW-Authenticate`, with the scopes that a path needs, `more`, which have spaces between them, and the address
    /// of its metadata (RFC 9728 section 5.1). The first of the schemes says what is wrong.
    pub fn to_text(
        self,
        schemes: &[Scheme],
        needed: Option<&Requirements>,
        more: &str,
        metadata_url: Option<&str>,
    ) -> String {
        let error = match self {
            Self::Bare => None,
            Self::InvalidToken(description) => Some(("invalid_token", description)),
            Self::InsufficientScope => Some(("insufficient_scope", "the token is not sufficient for this path")),
            Self::InsufficientUserAuthentication => {
                Some(("insufficient_user_authentication", "the login is not strong or recent enough for this path"))
            }
            Self::InvalidProof => Some(("invalid_dpop_proof", "the proof is not valid here")),
            Self::UseNonce => Some(("use_dpop_nonce", "the proof needs the nonce of DPoP-Nonce")),
        };
        let scope = Some(self.scope(needed, more)).filter(|scope| !scope.is_empty());
        let (error, description) = error.unzip();
        let steps_up = self == Self::InsufficientUserAuthentication;
        let authentication = needed.and_then(|needed| needed.authentication.as_ref()).filter(|_| steps_up);
        let mut text = String::new();
        for (place, scheme) in schemes.iter().enumerate() {
            // A challenge of its own begins with the name of its scheme (RFC 9110 section 11.6.1).
            text.push_str(if place > 0 { ", " } else { "" });
            text.push_str(scheme.as_str());
            let of_first = |value| if place == 0 { value } else { None };
            let mut joint = " ";
            // MCP clients search the whole text for `scope=` and `error=`, so no other value may contain either.
            for (name, value) in [
                ("error", of_first(error)),
                ("error_description", of_first(description)),
                ("scope", scope.as_deref()),
                ("acr_values", of_first(authentication.and_then(|needed| needed.acr_values.as_deref()))),
                ("max_age", of_first(authentication.and_then(|needed| needed.max_age.as_deref()))),
                ("algs", Some(Algorithm::ASYMMETRIC_NAMES).filter(|_| *scheme == Scheme::Dpop)),
                ("resource_metadata", metadata_url),
            ] {
                if let Some(value) = value {
                    // Commas separate parameters, but none follows the scheme.
                    text.push_str(joint);
                    text.push_str(name);
                    text.push('=');
                    text.push_str(&quoted(value));
                    joint = ", ";
                }
            }
        }
        text
    }

    /// Returns the scopes to request for a path, with spaces between them.
    ///
    /// Before a login it is the first of `any_scopes`, because clients request all that they are told of. A token without one shows
    /// that its user may not have the first, and it is all of them.
    fn scope(self, needed: Option<&Requirements>, more: &str) -> String {
        let (all, any) = needed.map(|needed| (&*needed.scopes, &*needed.any_scopes)).unwrap_or_default();
        let alternatives = if self == Self::InsufficientScope { any.len() } else { any.len().min(1) };
        let mut text = all.join(" ");
        for scope in [more].into_iter().chain(any.get(..alternatives).unwrap_or_default().iter().map(String::as_str)) {
            let joint = if text.is_empty() || scope.is_empty() { "" } else { " " };
            text.push_str(joint);
            text.push_str(scope);
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::RequiredAuthentication;

    #[test]
    fn a_challenge_names_the_scopes_to_request_and_the_metadata() {
        let needing = |scopes: &[&str], any_scopes: &[&str]| {
            let owned = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
            Requirements { scopes: owned(scopes), any_scopes: owned(any_scopes), ..Requirements::default() }
        };
        let steps_up = Challenge::InsufficientUserAuthentication;
        let strictly = |acr_values: Option<&str>, max_age: Option<&str>| {
            let [acr_values, max_age] = [acr_values, max_age].map(|text| text.map(str::to_owned));
            let authentication = RequiredAuthentication { acr_values, max_age };
            Some(Requirements { authentication: Some(authentication), ..needing(&["a"], &[]) })
        };
        let (bare, invalid, narrow) = (Challenge::Bare, Challenge::InvalidToken("old"), Challenge::InsufficientScope);
        let (open, both) = (None, Some(needing(&["a", "b"], &["c", "d"])));
        let (url, nowhere) = (Some("https://x.example/m"), None);
        let table = [
            (bare, open.clone(), nowhere, "Bearer", "nothing to say"),
            (bare, Some(needing(&[], &[])), nowhere, "Bearer", "a path that needs no scope"),
            (bare, both.clone(), nowhere, r#"Bearer scope="a b c""#, "one of those of which one is enough"),
            (bare, Some(needing(&[], &["c", "d"])), nowhere, r#"Bearer scope="c""#, "that one alone"),
            (bare, open, url, r#"Bearer resource_metadata="https://x.example/m""#, "the metadata of an open path"),
            (
                invalid,
                both.clone(),
                url,
                r#"Bearer error="invalid_token", error_description="old", scope="a b c", resource_metadata="https://x.example/m""#,
                "all of it",
            ),
            (
                narrow,
                both,
                nowhere,
                r#"Bearer error="insufficient_scope", error_description="the token is not sufficient for this path", scope="a b c d""#,
                "all of those of which one is enough, when a token has none",
            ),
            (
                steps_up,
                strictly(Some("urn:a 2"), Some("300")),
                nowhere,
                r#"Bearer error="insufficient_user_authentication", error_description="the login is not strong or recent enough for this path", scope="a", acr_values="urn:a 2", max_age="300""#,
                "how to log in",
            ),
            (
                steps_up,
                strictly(None, Some("300")),
                nowhere,
                r#"Bearer error="insufficient_user_authentication", error_description="the login is not strong or recent enough for this path", scope="a", max_age="300""#,
                "how recently",
            ),
            (bare, strictly(Some("2"), None), nowhere, r#"Bearer scope="a""#, "that only where it is what is missing"),
            (bare, None, Some("a\"b\\"), r#"Bearer resource_metadata="a\"b\\""#, "a host with quotes"),
        ];
        for (challenge, needed, metadata_url, expected, message) in table {
            assert_eq!(challenge.to_text(&[Scheme::Bearer], needed.as_ref(), "", metadata_url), expected, "{message}");
        }
    }

    #[test]
    fn each_scheme_that_a_path_takes_is_challenged_and_the_one_that_was_used_says_what_is_wrong() {
        let path = |is_required| Dpop { is_required, max_age_secs: 60, nonces: None };
        let (accepting, requiring) = (path(false), path(true));
        let algs = r#"algs="ES256 EdDSA Ed25519 PS256 RS256 ES384 ES512 PS384 PS512 RS384 RS512""#;
        let invalid = r#"error="invalid_token", error_description="old""#;
        let (bearer, dpop) = (Scheme::Bearer, Scheme::Dpop);
        let old = Challenge::InvalidToken("old");
        let table = [
            (Challenge::Bare, None, bearer, "Bearer".to_owned(), "no proofs"),
            (
                Challenge::Bare,
                Some(&accepting),
                bearer,
                format!("Bearer, DPoP {algs}"),
                "nothing sent (RFC 9449, section 7.1)",
            ),
            (
                Challenge::Bare,
                Some(&requiring),
                bearer,
                format!("DPoP {algs}"),
                "nothing sent where proofs are required",
            ),
            (old, Some(&accepting), bearer, format!("Bearer {invalid}, DPoP {algs}"), "a bearer token"),
            (old, Some(&accepting), dpop, format!("DPoP {invalid}, {algs}, Bearer"), "a bound one"),
            (
                old,
                Some(&requiring),
                bearer,
                format!("DPoP {invalid}, {algs}"),
                "a bearer token where proofs are required",
            ),
            (
                Challenge::InvalidProof,
                Some(&requiring),
                dpop,
                format!(r#"DPoP error="invalid_dpop_proof", error_description="the proof is not valid here", {algs}"#),
                "a proof",
            ),
            (
                Challenge::UseNonce,
                Some(&requiring),
                dpop,
                format!(
                    r#"DPoP error="use_dpop_nonce", error_description="the proof needs the nonce of DPoP-Nonce", {algs}"#
                ),
                "a nonce",
            ),
        ];
        for (challenge, rule, sent, expected, message) in table {
            assert_eq!(challenge.to_text(schemes(rule, sent), None, "", None), expected, "{message}");
        }
        let needed = Requirements { scopes: vec!["a".to_owned()], ..Requirements::default() };
        let text = Challenge::InsufficientScope.to_text(
            schemes(Some(&accepting), dpop),
            Some(&needed),
            "c d",
            Some("https://m"),
        );
        assert_eq!(text.matches(r#"scope="a c d""#).count(), 2, "{text}");
        assert_eq!(text.matches(r#"resource_metadata="https://m""#).count(), 2, "{text}");
        assert_eq!(text.matches("error=").count(), 1, "{text}");
    }

    #[test]
    fn no_description_looks_like_a_parameter_to_those_who_search_the_text() {
        for kind in crate::problem::ProblemKind::ALL {
            let text = kind
                .challenge
                .map(|challenge| challenge.to_text(&[Scheme::Dpop, Scheme::Bearer], None, "", None))
                .unwrap_or_default();
            let values = text.split('"').skip(1).step_by(2);
            assert!(!values.into_iter().any(|value| value.contains('=')), "{text}");
        }
    }
}
