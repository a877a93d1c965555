//! The gateway's own tokens for upstreams: the request for one (RFC 6749 section 4.4, RFC 8693 section 2.1), what came of it, and
//! which of them are used again.

use std::rc::Rc;

use form_urlencoded::Serializer;

use super::Form;
use super::provider_response::{Grant, Outcome, read_tokens, refused};
use crate::config::{AuthMethod, UpstreamToken};
use crate::json::{self, ToText as _};
use crate::problem::{Problem, RetryAfter};
use crate::recent::Recent;
use crate::token::{TOKEN_MAX_BYTES, claimed_expiry};

/// An access token, among the types of tokens (RFC 8693 section 3).
const ACCESS_TOKEN_TYPE: &str = "urn:ietf:params:oauth:token-type:access_token";

/// A token is not used in its last minute: it must still be valid for an upstream that checks it a moment later.
const RENEW_BEFORE_SECS: i64 = 60;

/// A token that lives for less than four of these is used for three quarters of its life.
const RENEW_BEFORE_PART: i64 = 4;

/// How long a token is used if nothing says when it expires.
const LIFETIME_DEFAULT_SECS: i64 = 300;

/// The longest that a token is used, whatever the provider says.
const LIFETIME_MAX_SECS: i64 = 24 * 60 * 60;

/// If an upstream refuses a token, another is requested at most this often: an upstream that refuses all would bring as many token
/// requests as it gets requests.
const REFUSED_PAUSE_SECS: i64 = 10;

/// Most tokens in one half of the cache, and most bytes of them: one for each server, or for each of its callers.
const TOKENS_MAX: usize = 500;
const BYTES_MAX: usize = 2 * 1024 * 1024;

/// Returns the form that requests a token, at an endpoint that may take a secret by `only` one method; with a subject token it is
/// exchanged for one.
pub fn upstream_token_form(token: &UpstreamToken, only: Option<AuthMethod>, subject: Option<&str>) -> Form {
    let mut form = Serializer::new(String::new());
    match subject {
        None => form.append_pair("grant_type", "client_credentials"),
        Some(subject) => form.extend_pairs([
            ("grant_type", "urn:ietf:params:oauth:grant-type:token-exchange"),
            ("subject_token", subject),
            ("subject_token_type", ACCESS_TOKEN_TYPE),
            ("requested_token_type", ACCESS_TOKEN_TYPE),
        ]),
    };
    form.extend_pairs(&token.parameters);
    Form::new(&token.client, only, form)
}

/// A token that the provider issued. It has no `Debug`, because it is a secret.
#[derive(Clone)]
pub struct IssuedToken {
    /// The token.
    pub text: Rc<str>,
    /// Until when it is used, in seconds since 1970.
    pub until: i64,
}

/// Returns the token that came at `now` (seconds since 1970).
///
/// # Errors
/// What a client is told, which knows nothing of this token: never that its own credential is wrong.
pub fn parse_upstream_token(outcome: &Outcome, now: i64) -> Result<IssuedToken, Problem> {
    let unavailable = |reason: &str, retry_after: Option<&str>| {
        Problem::UpstreamTokenUnavailable(reason.to_owned(), RetryAfter::parse(retry_after))
    };
    let response = outcome.as_ref().map_err(|error| unavailable(&error.to_string(), None))?;
    let tokens = match response.status {
        // An empty ID token means nothing here, as in the answer to a refresh.
        200 | 201 => read_tokens(Grant::Refresh, &response.body),
        _ => Err(refused(response, "the token endpoint did not answer with tokens")),
    };
    let tokens = tokens.map_err(|problem| match problem {
        Problem::IdpRejected(error) => Problem::UpstreamTokenRefused(error),
        problem => {
            let reason = problem.reason().unwrap_or_else(|| problem.code().into());
            unavailable(&reason, response.retry_after.as_deref())
        }
    })?;
    let text = tokens.access_token();
    if text.len() > TOKEN_MAX_BYTES || !text.bytes().all(|b| b.is_ascii_graphic()) {
        return Err(unavailable("the token does not fit into a header", None));
    }
    let left = [tokens.expires_in(), claimed_expiry(text).map(|expiry| expiry.saturating_sub(now))];
    let left = left.into_iter().flatten().min().unwrap_or(LIFETIME_DEFAULT_SECS).min(LIFETIME_MAX_SECS);
    if left <= 0 {
        return Err(unavailable("the token has expired already", None));
    }
    Ok(IssuedToken { text: text.into(), until: now + left - RENEW_BEFORE_SECS.min(left / RENEW_BEFORE_PART) })
}

impl IssuedToken {
    /// Returns the token as other isolates read it.
    pub fn to_stored(&self) -> String {
        json::object(&mut [("token", (*self.text).into()), ("until", self.until.into())]).to_text()
    }
}

/// The tokens that an isolate has, by what they are for and whose they are; those used least recently go first.
pub struct IssuedTokens(Recent<Entry>);

struct Entry {
    token: IssuedToken,
    /// Whether an upstream has refused it.
    is_refused: bool,
    /// When an upstream last refused one, in seconds since 1970.
    refused_at: i64,
}

impl Default for IssuedTokens {
    fn default() -> Self {
        Self(Recent::new(TOKENS_MAX, BYTES_MAX))
    }
}

impl IssuedTokens {
    /// Returns the token of `key`, if it is used at `now`.
    pub fn get(&mut self, key: &str, now: i64) -> Option<Rc<str>> {
        let entry = self.0.get(key, |entry| !entry.is_refused && now < entry.token.until)?;
        Some(Rc::clone(&entry.token.text))
    }

    /// Caches a token.
    pub fn insert(&mut self, key: &str, token: IssuedToken) {
        let refused_at = self.0.get(key, |_| true).map_or(0, |before| before.refused_at);
        let bytes = key.len() + token.text.len();
        self.0.insert(key, Entry { token, is_refused: false, refused_at }, bytes);
    }

    /// Drops a token that an upstream refused at `now`; returns whether another may be had.
    pub fn refuse(&mut self, key: &str, text: &str, now: i64) -> bool {
        let Some(entry) = self.0.get(key, |entry| *entry.token.text == *text) else { return true };
        let may_renew = now - entry.refused_at >= REFUSED_PAUSE_SECS;
        if may_renew {
            let entry = Entry { token: entry.token.clone(), is_refused: true, refused_at: now };
            self.0.insert(key, entry, key.len() + text.len());
        }
        may_renew
    }

    /// Checks whether an upstream refused the last token of `key`, so that a stored one will not do.
    pub fn is_refused(&mut self, key: &str) -> bool {
        self.0.get(key, |entry| entry.is_refused).is_some()
    }
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;

    use super::*;
    use crate::config::{Client, TokenEndpoint, UpstreamGrant};
    use crate::oauth::{ProviderResponse, TransportError};
    use crate::secret::Secret;

    const NOW: i64 = 1_000_000;

    fn wanted(parameters: &[(&'static str, &str)]) -> UpstreamToken {
        UpstreamToken {
            grant: UpstreamGrant::ClientCredentials,
            client: Client {
                id: "own".to_owned(),
                secret: Some(Secret::new("s e".to_owned())),
                auth_method: None,
                raw_secret: false,
                private_key: None,
            },
            endpoint: TokenEndpoint::Known("https://idp.example/token".to_owned(), None),
            issuer: "https://idp.example/token".to_owned(),
            timeout_ms: 1,
            parameters: parameters.iter().map(|(name, value)| (*name, (*value).to_owned())).collect(),
            name: String::new(),
        }
    }

    fn answer(status: u16, body: &str) -> Outcome {
        Ok(ProviderResponse { status, retry_after: Some("7".into()), body: body.into() })
    }

    fn used_for(body: &str) -> Result<i64, &'static str> {
        let parsed = parse_upstream_token(&answer(200, body), NOW);
        parsed.map(|token| token.until - NOW).map_err(|problem| problem.code())
    }

    #[test]
    fn a_form_asks_for_what_the_config_names_and_nothing_else() {
        let parameters =
            [("audience", "https://b.example"), ("resource", "urn:b"), ("resource", "urn:c"), ("scope", "r w")];
        let named = "audience=https%3A%2F%2Fb.example&resource=urn%3Ab&resource=urn%3Ac&scope=r+w";
        let form = upstream_token_form(&wanted(&parameters), Some(AuthMethod::Post), None);
        let expected = format!("grant_type=client_credentials&{named}&client_id=own&client_secret=s+e");
        assert_eq!((form.body, form.authorization), (expected, None));
        let form = upstream_token_form(&wanted(&[("scope", "r")]), None, Some("a.b&c"));
        let kind = "urn%3Aietf%3Aparams%3Aoauth%3Atoken-type%3Aaccess_token";
        let expected = format!(
            "grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Atoken-exchange&subject_token=a.b%26c\
             &subject_token_type={kind}&requested_token_type={kind}&scope=r&client_id=own"
        );
        assert_eq!(form.body, expected);
        assert!(form.authorization.is_some_and(|header| header.starts_with("Basic ")), "by Basic, as registered");
    }

    #[test]
    fn a_token_is_used_until_shortly_before_it_expires() {
        let jwt = |exp: i64| {
            let payload = URL_SAFE_NO_PAD.encode(format!(r#"{{"exp":{exp}}}"#));
            format!("{}.{payload}.c2ln", URL_SAFE_NO_PAD.encode(r#"{"alg":"none"}"#))
        };
        let with = |token: &str, rest: &str| format!(r#"{{"access_token":"{token}"{rest}}}"#);
        let table = [
            (with("opaque", r#","expires_in":3600"#), Ok(3540), "less a minute"),
            (with("opaque", r#","expires_in":80"#), Ok(60), "less a quarter, if that is shorter"),
            (with("opaque", r#","expires_in":1"#), Ok(1), "the shortest"),
            (with("opaque", ""), Ok(240), "nothing says when it expires"),
            (with("opaque", r#","expires_in":0"#), Ok(240), "nothing that could be"),
            (with("opaque", r#","expires_in":"3600""#), Ok(240), "a text"),
            (with("opaque", r#","expires_in":9223372036854775807"#), Ok(86_340), "longer than anything lives"),
            (with(&jwt(NOW + 600), ""), Ok(540), "its own claim"),
            (with(&jwt(NOW + 600), r#","expires_in":3600"#), Ok(540), "the earlier of both"),
            (with(&jwt(NOW + 3600), r#","expires_in":600"#), Ok(540), "the earlier of both, the other way round"),
            (with(&jwt(NOW), r#","expires_in":600"#), Err("upstream_token_unavailable"), "one that has expired"),
            (with(&jwt(-1), ""), Err("upstream_token_unavailable"), "one from before time"),
        ];
        for (body, expected, message) in table {
            assert_eq!(used_for(&body), expected, "{message}");
        }
    }

    #[test]
    fn whatever_keeps_the_provider_from_a_token_is_never_said_to_be_the_clients_fault() {
        let refused = (502, "upstream_token_refused", None);
        let away = |secs| (503, "upstream_token_unavailable", Some(secs));
        // The answer, what the client gets (status, code, Retry-After), and what is tested.
        type Row = (Outcome, (u16, &'static str, Option<&'static str>), &'static str);
        let table: [Row; 22] = [
            (answer(400, r#"{"error":"invalid_client"}"#), refused, "the client is refused"),
            (answer(401, r#"{"error":"invalid_client"}"#), refused, "the same by 401"),
            (answer(403, r#"{"error":"unauthorized_client"}"#), refused, "a grant that the client may not use"),
            (answer(400, r#"{"error":"invalid_grant"}"#), refused, "a subject token that it does not take"),
            (answer(400, r#"{"error":"invalid_target"}"#), refused, "an audience that it does not know"),
            (answer(404, ""), refused, "no such endpoint"),
            (answer(429, ""), away("7"), "too many calls"),
            (answer(500, r#"{"error":"invalid_client"}"#), away("7"), "a failure, whatever it says"),
            (answer(503, ""), away("7"), "a failure that says until when"),
            (answer(302, ""), away("7"), "a redirect, which is not followed"),
            (answer(204, ""), away("7"), "nothing"),
            (answer(200, ""), away("7"), "an empty body"),
            (answer(200, "[]"), away("7"), "no object"),
            (answer(200, r#"{"access_token":""}"#), away("7"), "an empty token"),
            (answer(200, r#"{"access_token":"a","access_token":"b"}"#), away("7"), "two tokens"),
            (answer(200, r#"{"access_token":"a","token_type":"DPoP"}"#), away("7"), "a token that is bound to a key"),
            (answer(200, r#"{"access_token":"a","token_type":"N_A"}"#), away("7"), "not an access token (RFC 8693)"),
            (answer(200, r#"{"access_token":"a\r\nx: y"}"#), away("5"), "a token that would split the header"),
            (answer(200, r#"{"access_token":"é"}"#), away("5"), "a token with other characters"),
            (answer(200, &format!(r#"{{"access_token":"{}"}}"#, "a".repeat(16_385))), away("5"), "a huge token"),
            (Err(TransportError::Timeout), away("5"), "too slow"),
            (Err(TransportError::Unreachable("x".into())), away("5"), "away"),
        ];
        for (outcome, expected, message) in &table {
            let problem = parse_upstream_token(outcome, NOW).map(|_| ()).unwrap_err();
            let headers = problem.headers();
            let retry_after = headers.iter().find(|(name, _)| name == "retry-after").map(|(_, value)| &**value);
            assert_eq!((problem.status(), problem.code(), retry_after), *expected, "{message}");
            assert_eq!(problem.challenge(None, None), None, "{message}: no challenge");
        }
    }

    #[test]
    fn a_refused_token_is_replaced_once_in_a_while() {
        let mut tokens = IssuedTokens::default();
        let token = |text: &str| IssuedToken { text: text.into(), until: NOW + 100 };
        assert!(tokens.refuse("k", "a", NOW), "one that is not cached");
        tokens.insert("k", token("a"));
        assert_eq!(tokens.get("k", NOW + 99).as_deref(), Some("a"), "a second before its end");
        assert_eq!(tokens.get("k", NOW + 100), None, "then");
        assert_eq!(tokens.get("other", NOW), None, "another's");
        assert!(tokens.refuse("k", "before", NOW) && !tokens.is_refused("k"), "one that another took the place of");
        assert!(tokens.refuse("k", "a", NOW), "for the first time");
        assert_eq!((tokens.get("k", NOW), tokens.is_refused("k")), (None, true), "it is dropped");
        tokens.insert("k", token("b"));
        assert_eq!((tokens.get("k", NOW).as_deref(), tokens.is_refused("k")), (Some("b"), false));
        assert!(!tokens.refuse("k", "b", NOW + 9), "too soon: it may be the upstream that is wrong");
        assert_eq!(tokens.get("k", NOW + 9).as_deref(), Some("b"), "it stays");
        assert!(tokens.refuse("k", "b", NOW + 10), "later");
    }

    #[test]
    fn the_tokens_of_any_number_of_callers_are_bounded() {
        let mut tokens = IssuedTokens::default();
        for caller in 0..10 * TOKENS_MAX {
            tokens.insert(&caller.to_string(), IssuedToken { text: "t".into(), until: NOW + 100 });
        }
        let cached = (0..10 * TOKENS_MAX).filter(|caller| tokens.get(&caller.to_string(), NOW).is_some()).count();
        assert!(cached <= 2 * TOKENS_MAX, "{cached}");
    }
}
