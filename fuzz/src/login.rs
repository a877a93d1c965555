//! What a browser brings to a login and to a refresh: the state, where to return, and a body with a refresh token.

use bargate::address::Address;
use bargate::http::request::RequestHead;
use bargate::oauth::{
    BodyKind, Fields, LOGIN_STATE_MAX_SECS, LoginState, RETURN_TO_MAX_BYTES, check_form, read_refresh,
    validate_return_to,
};
use bargate::problem::Problem;
use bargate::secret::Secret;
use serde_json::Value;

use super::example::ORIGIN;
use super::text::{NOW, fields, members, text};

/// A login state that was opened comes back as it was, and is of the last hour.
pub fn check_state(bytes: &[u8]) {
    let Ok(state) = LoginState::from_bytes(bytes, NOW) else { return };
    assert!(NOW.saturating_sub(state.issued_at) <= LOGIN_STATE_MAX_SECS);
    let again = LoginState::from_bytes(&state.to_bytes(), NOW).expect("what is sealed can be read");
    assert_eq!(again.to_bytes(), state.to_bytes());
    assert_eq!((&again.verifier, &again.nonce, &again.return_to), (&state.verifier, &state.nonce, &state.return_to));
    assert_eq!((&again.authentication, again.issued_at), (&state.authentication, state.issued_at));
    let read: Value = serde_json::from_slice(bytes).expect("a state is JSON");
    assert_eq!((read["v"].as_str(), read["n"].as_str()), (Some(&*state.verifier), Some(&*state.nonce)));
}

/// Where a browser is sent after its login is ours, or an origin of the list.
pub fn check_return_to(bytes: &[u8]) {
    let Some(text) = text(bytes) else { return };
    let allowed = ["https://app.example".to_owned(), "http://localhost:5173".to_owned()];
    let Ok(accepted) = validate_return_to(text, ORIGIN, &allowed) else { return };
    let base = url::Url::parse(ORIGIN).expect("an origin");
    for url in [base.join(text).expect("an address"), base.join(&accepted).expect("an address")] {
        let origin = url.origin().ascii_serialization();
        assert!(origin == ORIGIN || allowed.contains(&origin), "{text:?} leads to {url}");
        assert!(url.username().is_empty() && url.password().is_none());
        assert_eq!(url.as_str(), base.join(&accepted).expect("an address").as_str(), "as it is and as it is written");
    }
    assert!(
        accepted.is_ascii() && !accepted.contains(|c: char| c.is_control() || c == '\\' || c == ' '),
        "{accepted:?}"
    );
    assert!(!accepted.starts_with("//") && accepted.len() <= RETURN_TO_MAX_BYTES + 64);
    assert_eq!(validate_return_to(&accepted, ORIGIN, &allowed).ok(), Some(accepted.clone()));
    assert!(Address::parse(&accepted).is_some() || accepted.starts_with('/'));
}

/// A request with these two headers.
struct Head<'t> {
    content_type: &'t str,
    refresh_token: &'t str,
}

impl RequestHead for Head<'_> {
    fn method(&self) -> &str {
        "POST"
    }
    fn path(&self) -> &str {
        "/refresh"
    }
    fn query(&self) -> Option<&str> {
        None
    }
    fn header(&self, name: &str) -> Option<&str> {
        let value = match name {
            "content-type" => self.content_type,
            "x-refresh-token" => self.refresh_token,
            _ => "",
        };
        Some(value).filter(|value| !value.is_empty())
    }
}

/// `Content-Type`, `X-Refresh-Token` and a body: what is taken for the refresh token is what one of them says.
pub fn check_refresh_request(bytes: &[u8]) {
    let Some(text) = text(bytes) else { return };
    let [content_type, refresh_token, body] = fields(text);
    let head = Head { content_type, refresh_token };
    let listed = ["audience\nhttps://api.example\nread write\nhttps://api.example".to_owned()];
    let kind = BodyKind::from_content_type(content_type).ok();
    match read_refresh(&head, Some(body), "refresh_token", &listed) {
        Ok((token, target)) => {
            let kind = kind.expect("a kind of body");
            let named = |name: &str| named(kind, body, name);
            let expected =
                if refresh_token.trim().is_empty() { named("refresh_token") } else { refresh_token.trim().to_owned() };
            assert_eq!(token.as_ref().map(Secret::expose).cloned().unwrap_or_default(), expected);
            assert!(target.is_none() || named("audience") == "https://api.example" && named("resource").is_empty());
            if let Some(token) = token {
                let is_printable = token.expose().bytes().all(|b| matches!(b, b' '..=b'~'));
                assert_eq!(check_form(&token).is_ok(), is_printable);
            }
        }
        Err(problem) => assert!(matches!(
            problem,
            Problem::UnsupportedMediaType | Problem::BodyMalformed(_) | Problem::TargetInvalid
        )),
    }
    if let Some(fields) = kind.and_then(|kind| Fields::parse(kind, body)) {
        for name in ["grant_type", "refresh_token", "audience"] {
            let value = fields.get(name);
            assert!(value.is_none() || value.as_deref() == Some(&*named(kind.expect("a kind"), body, name)));
        }
    }
}

/// Returns what a body says of a name by another reading; nothing if it is null or missing.
fn named(kind: BodyKind, body: &str, name: &str) -> String {
    match kind {
        BodyKind::Json => {
            let value = members(body).expect("an object").get(name).cloned().unwrap_or_default();
            value.as_str().unwrap_or_default().to_owned()
        }
        BodyKind::Form => {
            let mut pairs = url::form_urlencoded::parse(body.as_bytes()).into_owned().filter(|(own, _)| own == name);
            let value = pairs.next().map(|(_, value)| value).unwrap_or_default();
            assert!(pairs.next().is_none(), "a parameter is there once");
            value
        }
    }
}
