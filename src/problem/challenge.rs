//! The challenge of a failure: what is wrong with the credential, which scopes to request, and where the metadata is.

use crate::config::Requirements;
use crate::http::header::quoted;

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
}

impl Challenge {
    /// Returns the value of `WWW-Authenticate`, with the scopes that a path needs and the address of its metadata (RFC 9728 section 5.1).
    pub fn to_text(self, needed: Option<&Requirements>, metadata_url: Option<&str>) -> String {
        let error = match self {
            Self::Bare => None,
            Self::InvalidToken(description) => Some(("invalid_token", description)),
            Self::InsufficientScope => Some(("insufficient_scope", "the token is not sufficient for this path")),
            Self::InsufficientUserAuthentication => {
                Some(("insufficient_user_authentication", "the login is not strong or recent enough for this path"))
            }
        };
        let scope = needed.map(|needed| self.scope(needed)).filter(|scope| !scope.is_empty());
        let (error, description) = error.unzip();
        let steps_up = self == Self::InsufficientUserAuthentication;
        let authentication = needed.and_then(|needed| needed.authentication.as_ref()).filter(|_| steps_up);
        let mut text = "Bearer".to_owned();
        // MCP clients search the whole text for `scope=` and `error=`, so no other value may contain either.
        for (name, value) in [
            ("error", error),
            ("error_description", description),
            ("scope", scope.as_deref()),
            ("acr_values", authentication.and_then(|needed| needed.acr_values.as_deref())),
            ("max_age", authentication.and_then(|needed| needed.max_age.as_deref())),
            ("resource_metadata", metadata_url),
        ] {
            if let Some(value) = value {
                // Commas separate parameters, but none follows the scheme (RFC 9110 section 11.6.1).
                text.push_str(if text.len() == "Bearer".len() { " " } else { ", " });
                text.push_str(name);
                text.push('=');
                text.push_str(&quoted(value));
            }
        }
        text
    }

    /// Returns the scopes to request for a path, with spaces between them.
    ///
    /// Before a login it is the first of `any_scopes`, because clients request all that they are told of. A token without one shows
    /// that its user may not have the first, and it is all of them.
    fn scope(self, needed: &Requirements) -> String {
        let alternatives = if self == Self::InsufficientScope { usize::MAX } else { 1 };
        let mut text = String::new();
        for scope in needed.scopes.iter().chain(needed.any_scopes.iter().take(alternatives)) {
            if !text.is_empty() {
                text.push(' ');
            }
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
            assert_eq!(challenge.to_text(needed.as_ref(), metadata_url), expected, "{message}");
        }
    }

    #[test]
    fn no_description_looks_like_a_parameter_to_those_who_search_the_text() {
        for kind in crate::problem::ProblemKind::ALL {
            let text = kind.challenge.map(|challenge| challenge.to_text(None, None)).unwrap_or_default();
            let values = text.split('"').skip(1).step_by(2);
            assert!(!values.into_iter().any(|value| value.contains('=')), "{text}");
        }
    }
}
