//! Refresh: reading the refresh token from a request, and the form of the token request with it (RFC 6749 section 6).

use serde_json::Value;

use super::Form;
use crate::config::{Endpoints, Provider, TokenTarget};
use crate::http::media_type::essence;
use crate::http::request::{RequestHead, query_parameter};
use crate::json;
use crate::problem::{Problem, ProviderError};
use crate::secret::Secret;
use crate::token::TOKEN_MAX_BYTES;

/// Largest body that is read, in bytes: a token of the largest size, and what is around it.
pub const BODY_MAX_BYTES: usize = TOKEN_MAX_BYTES + 1024;

/// The types of body that a token may come in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BodyKind {
    /// `application/json`
    Json,
    /// `application/x-www-form-urlencoded`
    Form,
}

impl BodyKind {
    /// Returns the kind of a request's body.
    ///
    /// # Errors
    /// [`Problem::UnsupportedMediaType`] for any other type.
    pub fn of(request: &impl RequestHead) -> Result<Self, Problem> {
        Self::from_content_type(request.header("content-type").unwrap_or_default())
    }

    /// Reads a `Content-Type`.
    ///
    /// # Errors
    /// [`Problem::UnsupportedMediaType`] for any other type.
    pub fn from_content_type(header: &str) -> Result<Self, Problem> {
        match essence(header).as_str() {
            "application/json" => Ok(Self::Json),
            "application/x-www-form-urlencoded" => Ok(Self::Form),
            _ => Err(Problem::UnsupportedMediaType),
        }
    }
}

/// Returns the refresh token of a body; `None` if it has none.
///
/// # Errors
/// [`Problem::BodyMalformed`] if the body does not match its type, or is for another grant.
pub fn read_refresh_body(kind: BodyKind, body: &str) -> Result<Option<Secret<String>>, Problem> {
    let (token, grant_type) = match kind {
        BodyKind::Json => {
            let members = json::parse_object(body.as_bytes()).ok_or(Problem::BodyMalformed("not a JSON object"))?;
            let field = |name: &str| match members.get(name) {
                None | Some(Value::Null) => Ok(None),
                Some(Value::String(text)) => Ok(Some(text.clone())),
                Some(_) => Err(Problem::BodyMalformed("a member is not a string")),
            };
            (field("refresh_token")?, field("grant_type")?)
        }
        BodyKind::Form => {
            let field = |name: &str| query_parameter(Some(body), name);
            (field("refresh_token"), field("grant_type"))
        }
    };
    if grant_type.is_some_and(|grant| grant != "refresh_token") {
        return Err(Problem::BodyMalformed("grant_type is not refresh_token"));
    }
    Ok(token.filter(|token| !token.is_empty()).map(Secret::new))
}

/// Checks that a text could be a refresh token (RFC 6749 appendix A.17): what no provider can have issued none is asked about.
///
/// # Errors
/// [`Problem::RefreshTokenInvalid`].
pub fn check_form(refresh_token: &Secret<String>) -> Result<(), Problem> {
    let printable = refresh_token.expose().bytes().all(|b| (b' '..=b'~').contains(&b));
    if printable {
        Ok(())
    } else {
        Err(Problem::RefreshTokenInvalid(ProviderError::of_gateway("it has not the form of one")))
    }
}

/// Returns the form of a token request with a refresh token, for a target if there is one.
pub fn refresh_form(
    provider: &Provider,
    endpoints: &Endpoints,
    refresh_token: &Secret<String>,
    target: Option<&TokenTarget<'_>>,
) -> Form {
    let fields = [("grant_type", "refresh_token"), ("refresh_token", refresh_token.expose().as_str())];
    Form::for_tokens(provider, endpoints, &fields, target)
}

/// Returns how many seconds a token that expires at `expires_at` is still valid at `now`; `None` once it has expired.
pub fn expires_in(expires_at: i64, now: i64) -> Option<i64> {
    Some(expires_at - now).filter(|seconds| *seconds > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refresh_token_is_read_from_json_and_form_and_nothing_else() {
        let read = |content_type: &str, body: &str| {
            let kind = BodyKind::from_content_type(content_type)?;
            Ok(read_refresh_body(kind, body)?.map(|token| token.expose().clone()))
        };
        type Row = (&'static str, &'static str, Result<Option<&'static str>, &'static str>, &'static str);
        let table: [Row; 10] = [
            ("application/json", r#"{"refresh_token":"r1"}"#, Ok(Some("r1")), "JSON"),
            (
                "Application/JSON; charset=utf-8",
                r#"{"refresh_token":"r1","x":1}"#,
                Ok(Some("r1")),
                "JSON with parameters",
            ),
            (
                "application/x-www-form-urlencoded",
                "grant_type=refresh_token&refresh_token=a%2Bb",
                Ok(Some("a+b")),
                "a form",
            ),
            ("application/json", "{}", Ok(None), "JSON without one"),
            ("application/json", r#"{"refresh_token":""}"#, Ok(None), "an empty one"),
            ("application/json", r#"{"refresh_token":1}"#, Err("body_malformed"), "a number"),
            ("application/json", "refresh_token=r1", Err("body_malformed"), "a form that says it is JSON"),
            ("application/json", r#"{"refresh_token":"a","refresh_token":"b"}"#, Err("body_malformed"), "two of them"),
            (
                "application/x-www-form-urlencoded",
                "grant_type=password&refresh_token=r",
                Err("body_malformed"),
                "another grant",
            ),
            ("text/plain", "r1", Err("unsupported_media_type"), "another type"),
        ];
        for (content_type, body, expected, message) in table {
            let given: Result<Option<String>, Problem> = read(content_type, body);
            let given = given.map_err(|problem| problem.code());
            assert_eq!(given, expected.map(|token| token.map(str::to_owned)), "{message}");
        }
    }
}
