//! Refresh: reading the refresh token from a request, and the form of the token request with it (RFC 6749 section 6).

use serde_json::{Map, Value};

use super::Form;
use crate::config::{Endpoints, Provider, TokenTarget};
use crate::encoding::{form_pairs, form_value};
use crate::http::media_type::essence;
use crate::http::request::RequestHead;
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

/// The fields of a body. They have no `Debug`, because they contain secrets.
pub enum Fields<'b> {
    /// Those of an object.
    Json(Map<String, Value>),
    /// Those of a form.
    Form(&'b str),
}

impl<'b> Fields<'b> {
    /// Parses a body; `None` if it does not match its type.
    pub fn parse(kind: BodyKind, body: &'b str) -> Option<Self> {
        match kind {
            BodyKind::Json => json::parse_object(body.as_bytes()).map(Self::Json),
            BodyKind::Form => Some(Self::Form(body)),
        }
    }

    /// Returns a field, an empty text if it is absent (RFC 6749 section 3.2); `None` if it is not a text, or comes twice.
    pub fn get(&self, name: &str) -> Option<String> {
        match self {
            Self::Json(members) => match members.get(name) {
                None | Some(Value::Null) => Some(String::new()),
                Some(value) => value.as_str().map(str::to_owned),
            },
            Self::Form(body) => {
                let mut values = form_pairs(body).filter(|(key, _)| form_value(key) == name);
                let first = values.next().map_or_else(String::new, |(_, value)| form_value(value));
                values.next().is_none().then_some(first)
            }
        }
    }

    /// Returns the refresh token of a field, an empty one if there is none; `None` if a field is malformed, or the body is for another
    /// grant.
    pub fn refresh_token(&self, name: &str) -> Option<String> {
        if matches!(&*self.get("grant_type")?, "" | "refresh_token") { self.get(name) } else { None }
    }

    /// Returns which of `listed` targets is named, `None` inside if none is, and an error if it is not listed; `None` if a field is
    /// malformed.
    pub fn target<'l>(&self, listed: &'l [String]) -> Option<Result<Option<&'l str>, Problem>> {
        if listed.is_empty() {
            return Some(Ok(None));
        }
        let (audience, resource, scope) = (self.get("audience")?, self.get("resource")?, self.get("scope")?);
        if audience.is_empty() && resource.is_empty() {
            return Some(Ok(None));
        }
        for text in listed {
            if TokenTarget::parse(text).is_some_and(|target| target.is_named_by(&audience, &resource, &scope)) {
                return Some(Ok(Some(text)));
            }
        }
        Some(Err(Problem::TargetInvalid))
    }
}

/// Returns the refresh token of a request, from `X-Refresh-Token` or else from the field `name` of the body, and for which of `listed`
/// targets the body wants a token.
///
/// # Errors
/// [`Problem::UnsupportedMediaType`], [`Problem::BodyMalformed`], and [`Problem::TargetInvalid`] if the target is not listed.
pub fn read_refresh<'l>(
    request: &impl RequestHead,
    body: Option<&str>,
    name: &str,
    listed: &'l [String],
) -> Result<(Option<Secret<String>>, Option<&'l str>), Problem> {
    let (mut token, mut target) = (refresh_token_header(request).to_owned(), None);
    if let Some(body) = body {
        let kind = BodyKind::of(request)?;
        let read = || {
            let fields = Fields::parse(kind, body)?;
            Some((if token.is_empty() { fields.refresh_token(name)? } else { String::new() }, fields.target(listed)?))
        };
        let (of_body, named) = read().ok_or(Problem::BodyMalformed("not a refresh as JSON or a form"))?;
        token += &of_body;
        target = named?;
    }
    Ok(((!token.is_empty()).then(|| Secret::new(token)), target))
}

/// Returns what `X-Refresh-Token` has; an empty text if it is absent.
pub fn refresh_token_header(request: &impl RequestHead) -> &str {
    request.header("x-refresh-token").map(str::trim).unwrap_or_default()
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
    use crate::http::request::Head;
    use crate::oauth::login::tests::provider;

    #[test]
    fn a_refresh_token_is_read_from_json_and_form_and_nothing_else() {
        let read = |content_type: &str, body: &str| {
            let fields = Fields::parse(BodyKind::from_content_type(content_type)?, body);
            fields.and_then(|fields| fields.refresh_token("refresh_token")).ok_or(Problem::BodyMalformed(""))
        };
        type Row = (&'static str, &'static str, Result<&'static str, &'static str>, &'static str);
        let table: [Row; 12] = [
            ("application/json", r#"{"refresh_token":"r1"}"#, Ok("r1"), "JSON"),
            ("Application/JSON; charset=utf-8", r#"{"refresh_token":"r1","x":1}"#, Ok("r1"), "JSON with parameters"),
            ("application/x-www-form-urlencoded", "grant_type=refresh_token&refresh_token=a%2Bb", Ok("a+b"), "a form"),
            ("application/json", "{}", Ok(""), "JSON without one"),
            ("application/json", r#"{"refresh_token":""}"#, Ok(""), "an empty one"),
            ("application/json", r#"{"refresh_token":1}"#, Err("body_malformed"), "a number"),
            ("application/json", "refresh_token=r1", Err("body_malformed"), "a form that says it is JSON"),
            ("application/json", r#"{"refresh_token":"a","refresh_token":"b"}"#, Err("body_malformed"), "two of them"),
            (
                "application/x-www-form-urlencoded",
                "grant_type=password&refresh_token=r",
                Err("body_malformed"),
                "another grant",
            ),
            (
                "application/x-www-form-urlencoded",
                "refresh_token=a&refresh_token=b",
                Err("body_malformed"),
                "two of them in a form",
            ),
            ("application/x-www-form-urlencoded", "grant_type=&refresh_token=r1", Ok("r1"), "an empty grant"),
            ("text/plain", "r1", Err("unsupported_media_type"), "another type"),
        ];
        for (content_type, body, expected, message) in table {
            let given: Result<String, Problem> = read(content_type, body);
            let given = given.map_err(|problem| problem.code());
            assert_eq!(given, expected.map(str::to_owned), "{message}");
        }
    }

    #[test]
    fn a_refresh_is_read_from_the_header_or_else_from_the_body_which_alone_names_a_target() {
        let listed = ["audience\nb\n\nb".to_owned()];
        type Row = (
            &'static [(&'static str, &'static str)],
            Option<&'static str>,
            Result<(Option<&'static str>, bool), &'static str>,
            &'static str,
        );
        let table: [Row; 11] = [
            (&[], None, Ok((None, false)), "nothing"),
            (&[("x-refresh-token", " r1 ")], None, Ok((Some("r1"), false)), "the header"),
            (&[("x-refresh-token", " ")], None, Ok((None, false)), "an empty header"),
            (&[("content-type", "application/json")], Some(r#"{"t":"r2"}"#), Ok((Some("r2"), false)), "the body"),
            (
                &[("x-refresh-token", ""), ("content-type", "application/json")],
                Some(r#"{"t":"r2"}"#),
                Ok((Some("r2"), false)),
                "an empty header beside the body",
            ),
            (
                &[("x-refresh-token", "r1"), ("content-type", "application/json")],
                Some(r#"{"t":"r2","audience":"b"}"#),
                Ok((Some("r1"), true)),
                "the header counts, and the body names the target",
            ),
            (
                &[("content-type", "application/x-www-form-urlencoded")],
                Some("audience=b&t=r2"),
                Ok((Some("r2"), true)),
                "both in a form",
            ),
            (&[("content-type", "application/json")], Some("{}"), Ok((None, false)), "a body without one"),
            (&[("content-type", "application/json")], Some("t=r2"), Err("body_malformed"), "a body of another type"),
            (
                &[("content-type", "application/json")],
                Some(r#"{"t":"r2","audience":"c"}"#),
                Err("invalid_target"),
                "a target that is not listed",
            ),
            (&[("x-refresh-token", "r1")], Some("t=r2"), Err("unsupported_media_type"), "a body of no type"),
        ];
        for (headers, body, expected, message) in table {
            let given = read_refresh(&Head("POST", headers.to_vec()), body, "t", &listed);
            let given = given.map(|(token, target)| (token.map(|token| token.expose().clone()), target.is_some()));
            let expected = expected.map(|(token, targeted)| (token.map(str::to_owned), targeted));
            assert_eq!(given.map_err(|problem| problem.code()), expected, "{message}");
        }
    }

    #[test]
    fn no_provider_is_asked_about_what_cannot_be_a_refresh_token() {
        let table = [
            ("r1-._~+/=", true, "the usual characters"),
            ("a b", true, "a space is one of those that a token may have"),
            ("a\nb", false, "a line break"),
            ("a\u{7f}", false, "a control character"),
            ("\u{e9}", false, "beyond ASCII"),
        ];
        for (token, passes, message) in table {
            let given = check_form(&Secret::new(token.to_owned())).map_err(|problem| problem.code());
            assert_eq!(given, if passes { Ok(()) } else { Err("refresh_token_invalid") }, "{message}");
        }
    }

    #[test]
    fn a_token_request_has_the_refresh_token_and_the_target() {
        let (provider, endpoints) = (provider(&[]), Endpoints::of_auth0("https://idp.example"));
        let target = TokenTarget { parameter: "audience", value: "b", scope: "r", audience: "b" };
        let of = |target| refresh_form(&provider, &endpoints, &Secret::new("a+b".to_owned()), target).body;
        assert_eq!(of(None), "grant_type=refresh_token&refresh_token=a%2Bb&client_id=client");
        let expected = "grant_type=refresh_token&refresh_token=a%2Bb&audience=b&scope=r&client_id=client";
        assert_eq!(of(Some(&target)), expected);
    }

    #[test]
    fn a_token_is_valid_for_the_seconds_that_remain() {
        let table = [(61, Some(1), "a second"), (360, Some(300), "minutes"), (60, None, "none"), (0, None, "long ago")];
        for (expires_at, expected, message) in table {
            assert_eq!(expires_in(expires_at, 60), expected, "{message}");
        }
    }

    #[test]
    fn a_target_is_one_of_those_that_are_listed() {
        let listed: Vec<String> = [
            "audience\nhttps://a\nr w\nhttps://a",
            "audience\nhttps://a\nr\nhttps://a",
            "audience\nb\n\nb",
            "resource\nurn:c\n\nc",
            "resource\nurn:d\n\nurn:d",
        ]
        .map(str::to_owned)
        .to_vec();
        type Row = (&'static str, Result<Option<usize>, &'static str>, &'static str);
        let table: [Row; 22] = [
            ("", Ok(None), "none is named"),
            ("audience=&resource=&scope=r", Ok(None), "none is named, and a scope of the login"),
            ("audience=https%3A%2F%2Fa", Ok(Some(0)), "the first of an audience"),
            ("audience=https%3A%2F%2Fa&scope=w+r", Ok(Some(0)), "its scopes in another order"),
            ("audience=https%3A%2F%2Fa&scope=r", Ok(Some(1)), "that of a scope"),
            ("audience=https%3A%2F%2Fa&scope=w", Err("invalid_target"), "a scope of it that is not listed by itself"),
            ("audience=https%3A%2F%2Fa&scope=r+w+x", Err("invalid_target"), "a scope more"),
            ("audience=https%3A%2F%2Fa/", Err("invalid_target"), "another spelling"),
            ("audience=HTTPS%3A%2F%2Fa", Err("invalid_target"), "other letters"),
            ("audience=b", Ok(Some(2)), "one without scopes"),
            ("audience=b&scope=r", Err("invalid_target"), "a scope of one that has none"),
            ("audience=b&resource=b", Err("invalid_target"), "one that is not a resource"),
            ("resource=urn%3Ac", Ok(Some(3)), "a resource"),
            ("resource=urn%3Ac&audience=c", Ok(Some(3)), "with its audience"),
            ("resource=urn%3Ac&audience=b", Err("invalid_target"), "with that of another"),
            ("audience=c", Err("invalid_target"), "an audience that is only that of a resource"),
            ("resource=urn%3Ad&audience=urn%3Ad", Ok(Some(4)), "a resource that is its own audience"),
            ("resource=urn%3Ac&resource=urn%3Ad", Err("body_malformed"), "two resources"),
            ("audience=b&audience=b", Err("body_malformed"), "one twice"),
            ("audience=b%0A%0Ab", Err("invalid_target"), "one with lines"),
            ("audience=b%00", Err("invalid_target"), "a null byte"),
            ("audience=*", Err("invalid_target"), "a star"),
        ];
        let read = |kind, body: &str, listed: &[String]| {
            let target = Fields::parse(kind, body).and_then(|fields| fields.target(listed));
            let target = target.unwrap_or(Err(Problem::BodyMalformed("")));
            target.map(|target| target.map(str::to_owned)).map_err(|problem| problem.code())
        };
        for (body, expected, message) in table {
            let expected = expected.map(|index| index.map(|index| listed[index].clone()));
            assert_eq!(read(BodyKind::Form, body, &listed), expected, "{message}");
            let repeated = matches!(expected, Err("body_malformed"));
            if !repeated {
                let members: std::collections::BTreeMap<_, _> = form_urlencoded::parse(body.as_bytes()).collect();
                let body = serde_json::to_string(&members).unwrap();
                assert_eq!(read(BodyKind::Json, &body, &listed), expected, "{message}, as JSON");
            }
            assert_eq!(read(BodyKind::Form, body, &[]), Ok(None), "{message}, of no list");
        }
        for value in ["7", "true", r#"["b"]"#, "{}"] {
            for name in ["audience", "resource", "scope"] {
                let body = format!(r#"{{"{name}":{value}}}"#);
                assert_eq!(read(BodyKind::Json, &body, &listed), Err("body_malformed"), "{body}");
                assert_eq!(read(BodyKind::Json, &body, &[]), Ok(None), "{body}, of no list");
            }
        }
    }

    #[test]
    fn a_body_with_the_longest_token_is_read_and_not_one_of_twice_its_size() {
        let form = format!("grant_type=refresh_token&refresh_token={}", "a".repeat(TOKEN_MAX_BYTES));
        assert!((form.len()..2 * TOKEN_MAX_BYTES).contains(&BODY_MAX_BYTES), "{BODY_MAX_BYTES}");
    }
}
