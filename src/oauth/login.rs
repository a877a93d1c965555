//! Login: the authorization request with PKCE (RFC 7636), and the state that comes back with the browser.

use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use form_urlencoded::Serializer;
use serde_json::Value;

use super::Form;
use crate::config::{Authorizer, Endpoints, Provider};
use crate::encoding::encode;
use crate::excerpt::shortened_name;
use crate::http::request::{query_parameter, with_query};
use crate::json::{self, ToText as _};
use crate::problem::Problem;
use crate::token::{Expectations, Kind};

/// A login may take this long: time enough for a second factor and a lost password.
pub const LOGIN_STATE_MAX_SECS: i64 = 60 * 60;

/// Parameters of a login path that go to the provider as they came; they choose how to ask, never what is granted.
pub const PASSED_TO_PROVIDER: [&str; 8] =
    ["prompt", "login_hint", "screen_hint", "connection", "organization", "invitation", "ui_locales", "max_age"];

/// Names what a sealed state is for, so that no other sealed text can take its place.
const STATE_PURPOSE: &str = "bargate login state v1";

/// Returns the address at which a login begins that leads to `return_to`.
pub fn login_address(path: &str, return_to: Option<&str>) -> String {
    match return_to {
        Some(return_to) => {
            let query = Serializer::new(String::new()).append_pair("return_to", return_to).finish();
            format!("{path}?{query}")
        }
        None => path.to_owned(),
    }
}

/// Fresh randomness for one login.
pub struct LoginRandom {
    /// Becomes the PKCE code verifier.
    pub verifier: [u8; 32],
    /// Becomes the nonce of the ID token.
    pub nonce: [u8; 16],
}

/// What a login must still know when the browser comes back.
#[derive(Clone)]
pub struct LoginState {
    /// The PKCE code verifier.
    pub verifier: String,
    /// The nonce that the ID token must have.
    pub nonce: String,
    /// Where the application wants to go on.
    pub return_to: Option<String>,
    /// When the login began, in seconds since 1970.
    pub issued_at: i64,
}

impl LoginState {
    /// Begins a login at `now` (seconds since 1970).
    pub fn begin(random: &LoginRandom, return_to: Option<String>, now: i64) -> Self {
        Self { verifier: random_text(&random.verifier), nonce: random_text(&random.nonce), return_to, issued_at: now }
    }

    /// Returns the bytes to seal.
    pub fn to_bytes(&self) -> Vec<u8> {
        let members = &mut [
            ("v", self.verifier.as_str().into()),
            ("n", self.nonce.as_str().into()),
            ("r", self.return_to.as_deref().into()),
            ("t", self.issued_at.into()),
        ];
        json::object(members).to_text().into_bytes()
    }

    /// Reads the bytes of an opened seal at `now` (seconds since 1970).
    ///
    /// # Errors
    /// [`Problem::StateExpired`] past [`LOGIN_STATE_MAX_SECS`]; [`Problem::StateInvalid`] if the bytes are not a state.
    pub fn from_bytes(bytes: &[u8], now: i64) -> Result<Self, Problem> {
        let state = Self::parse(bytes).ok_or_else(|| Problem::StateInvalid("no login state inside".into()))?;
        if now - state.issued_at > LOGIN_STATE_MAX_SECS {
            return Err(Problem::StateExpired);
        }
        Ok(state)
    }

    fn parse(bytes: &[u8]) -> Option<Self> {
        let members = json::parse_object(bytes)?;
        let own = |key: &str| json::text(&members, key).map(str::to_owned);
        let issued_at = members.get("t").and_then(Value::as_i64)?;
        Some(Self { verifier: own("v")?, nonce: own("n")?, return_to: own("r"), issued_at })
    }
}

/// Returns random bytes as text that is safe in a URL and a cookie.
pub fn random_text(bytes: &[u8]) -> String {
    encode(&URL_SAFE_NO_PAD, bytes)
}

/// Returns the associated data of a sealed state: it opens only in the browser with this cookie and at this callback.
pub fn state_context(cookie: &str, redirect_uri: &str) -> Vec<u8> {
    [STATE_PURPOSE, cookie, redirect_uri].join("\n").into_bytes()
}

/// Returns the address of the provider's login (RFC 6749 section 4.1.1).
///
/// `challenge` is the SHA-256 of the state's verifier as base64url (RFC 7636 section 4.2); `passed` are parameters of the client's
/// own request, of which those in [`PASSED_TO_PROVIDER`] go along.
pub fn authorize_url(
    provider: &Provider,
    endpoints: &Endpoints,
    state: &LoginState,
    sealed_state: &str,
    challenge: &str,
    redirect_uri: &str,
    passed: Option<&str>,
) -> String {
    let mut query = Serializer::new(String::new());
    query
        .append_pair("response_type", "code")
        .append_pair("client_id", &provider.client_id)
        .append_pair("redirect_uri", redirect_uri)
        .append_pair("state", sealed_state)
        .append_pair("nonce", &state.nonce)
        .append_pair("code_challenge", challenge)
        .append_pair("code_challenge_method", "S256")
        .extend_pairs(&provider.parameters);
    // What the config says is not for a client to change.
    for name in PASSED_TO_PROVIDER.into_iter().filter(|name| provider.parameter(name).is_none()) {
        // The first of a name: a request with one twice is refused (RFC 6749 section 3.1).
        if let Some(value) = query_parameter(passed, name) {
            query.append_pair(name, &value);
        }
    }
    with_query(&endpoints.authorization, &query.finish())
}

/// Checks who sent the browser back, by the `iss` of its address (RFC 9207 section 2.4).
///
/// # Errors
/// [`Problem::StateInvalid`] if it is not the authorizer's, or is missing and `needed`.
pub fn check_response_issuer(iss: Option<&str>, authorizer: &Authorizer, needed: bool) -> Result<(), Problem> {
    match iss {
        Some(iss) if authorizer.issuers().contains(&iss) => Ok(()),
        None if !needed => Ok(()),
        _ => {
            let found = iss.map_or_else(|| "missing".to_owned(), |iss| format!("\"{}\"", shortened_name(iss)));
            Err(Problem::StateInvalid(format!("iss is {found}, expected \"{}\"", authorizer.issuer).into()))
        }
    }
}

/// Returns the form of a token request with a code (RFC 6749 section 4.1.3).
pub fn code_form(
    provider: &Provider,
    endpoints: &Endpoints,
    code: &str,
    redirect_uri: &str,
    verifier: Option<&str>,
) -> Form {
    let mut fields = vec![("grant_type", "authorization_code"), ("code", code), ("redirect_uri", redirect_uri)];
    fields.extend(verifier.map(|verifier| ("code_verifier", verifier)));
    Form::for_tokens(provider, endpoints, &fields)
}

/// Returns the rules for an ID token (OpenID Connect Core section 3.1.3.7).
pub fn id_token_expectations(provider: &Provider) -> Expectations<'_> {
    let (algorithms, audience) = (provider.id_token_algorithms(), provider.client_id.as_str());
    Expectations { algorithms, audience, kind: Kind::Id, ..Expectations::of_access_tokens(&provider.authorizer) }
}

#[cfg(test)]
pub(super) mod tests {
    use std::rc::Rc;

    use super::*;
    use crate::config::KeySource;

    /// Returns a client without a secret.
    pub fn provider(parameters: &[(&str, &str)]) -> Provider {
        let authorizer = Authorizer {
            name: "default".to_owned(),
            issuer: "https://idp.example/".to_owned(),
            tenants: Vec::new(),
            audience: "client".to_owned(),
            audience_claim: None,
            claims: Vec::new(),
            keys: KeySource::KeySet("https://idp.example/jwks".to_owned()),
            algorithms: Vec::new(),
            clock_skew_secs: 0,
            timeout_ms: 1,
            is_supabase: false,
            logs_in: true,
        };
        let parameters = parameters.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        Provider {
            authorizer: Rc::new(authorizer),
            client_id: "client".to_owned(),
            client_secret: None,
            auth_method: None,
            raw_client_secret: false,
            private_key: None,
            revocation_endpoint: None,
            parameters: parameters.collect(),
            rotation_grace_secs: 0,
            id_token_algorithm: None,
            endpoints: None,
            is_one_of_several: false,
        }
    }

    #[test]
    fn a_client_chooses_how_to_ask_where_the_config_does_not() {
        let endpoints = Endpoints::of_auth0("https://idp.example");
        let state = LoginState { verifier: "v".into(), nonce: "n".into(), return_to: None, issued_at: 0 };
        let request = |provider: &Provider, passed| {
            authorize_url(provider, &endpoints, &state, "s", "c", "https://gw.example/cb", Some(passed))
        };
        let own = "https://idp.example/authorize?response_type=code&client_id=client\
                   &redirect_uri=https%3A%2F%2Fgw.example%2Fcb&state=s&nonce=n&code_challenge=c&code_challenge_method=S256";
        let table: [(&[_], _, _, _); 7] = [
            (&[("scope", "openid a")], "", "&scope=openid+a", "nothing"),
            (&[("scope", "openid")], "prompt=login&prompt=none", "&scope=openid&prompt=login", "the first of a name"),
            (&[("scope", "openid")], "scope=admin&state=x&acr_values=1", "&scope=openid", "nothing of these"),
            (&[("prompt", "consent")], "prompt=none&max_age=1", "&prompt=consent&max_age=1", "one, beside another"),
            (&[("prompt", "")], "prompt=none", "&prompt=", "one that the config leaves empty"),
            (&[("Prompt", "login")], "prompt=none", "&Prompt=login", "one that the config has in other letters"),
            (
                &[("prompt", "login")],
                "%70rompt=none&Prompt=none&+prompt=none",
                "&prompt=login",
                "one in another spelling",
            ),
        ];
        for (parameters, passed, expected, message) in table {
            assert_eq!(request(&provider(parameters), passed), format!("{own}{expected}"), "{message}");
        }
    }

    #[test]
    fn a_state_comes_back_as_it_was_until_it_is_too_old() {
        let random = LoginRandom { verifier: [7; 32], nonce: [8; 16] };
        let state = LoginState::begin(&random, Some("/home".into()), 1_000);
        let bytes = state.to_bytes();
        let opened = LoginState::from_bytes(&bytes, 1_000 + LOGIN_STATE_MAX_SECS).unwrap();
        assert_eq!((opened.verifier, opened.nonce), (state.verifier, state.nonce));
        assert_eq!(opened.return_to.as_deref(), Some("/home"));
        let late = LoginState::from_bytes(&bytes, 1_001 + LOGIN_STATE_MAX_SECS);
        assert!(matches!(late, Err(Problem::StateExpired)));
        assert!(matches!(LoginState::from_bytes(b"{}", 0), Err(Problem::StateInvalid(_))));
    }

    #[test]
    fn whoever_sends_the_browser_back_must_be_the_provider() {
        let table = [
            (Some("https://idp.example/"), true, true, "the provider"),
            (Some("https://idp.example/"), false, true, "the provider, unasked"),
            (Some("https://idp.example"), false, false, "without its slash"),
            (Some("https://evil.example/"), false, false, "another, unasked"),
            (Some(""), false, false, "nobody"),
            (None, true, false, "not said, though announced"),
            (None, false, true, "not said"),
        ];
        let authorizer = &provider(&[]).authorizer;
        for (iss, needed, taken, message) in table {
            assert_eq!(check_response_issuer(iss, authorizer, needed).is_ok(), taken, "{message}");
        }
        let reason = |iss| check_response_issuer(iss, authorizer, true).unwrap_err().reason();
        let both = r#"iss is "https://evil.example/", expected "https://idp.example/""#;
        assert_eq!(reason(Some("https://evil.example/")).as_deref(), Some(both), "both are named");
        let missing = r#"iss is missing, expected "https://idp.example/""#;
        assert_eq!(reason(None).as_deref(), Some(missing));
    }

    #[test]
    fn the_context_differs_by_browser_and_by_callback() {
        let base = state_context("a", "https://x/cb");
        assert_ne!(base, state_context("b", "https://x/cb"), "another browser");
        assert_ne!(base, state_context("a", "https://x/other"), "another callback");
    }
}
