//! Login: the authorization request with PKCE (RFC 7636), and the state that comes back with the browser.

use serde_json::{Map, Value};

use super::Form;
use super::provider_response::{ProviderResponse, refused};
use crate::config::provider::RESOURCE;
use crate::config::{Authorizer, Config, Endpoints, Provider, RequiredAuthentication};
use crate::encoding::{FormText, base64url};
use crate::excerpt::shortened_name;
use crate::http::header::seconds;
use crate::http::request::{query_parameter, with_query};
use crate::json::{self, ToText as _};
use crate::problem::Problem;
use crate::token::{AUTH_TIME, Authentication, ClaimError, Expectations, Kind, TokenError, VerifiedClaims};

/// A login may take this long: time enough for a second factor and a lost password.
pub const LOGIN_STATE_MAX_SECS: i64 = 60 * 60;

/// The longest value that one side chooses and the gateway passes to the other, in bytes: the longest are hints that are tokens.
const PASSED_MAX_BYTES: usize = 2_048;

/// How strongly the user is to be authenticated: a parameter of a login path and of authorization requests.
const ACR_VALUES: &str = "acr_values";

/// How recently the user is to have been authenticated: a parameter of the same.
const MAX_AGE: &str = "max_age";

/// Names what a sealed state is for, so that no other sealed text can take its place.
const STATE_PURPOSE: &str = "bargate login state v1";

/// Returns the address at which a login begins that leads to `return_to` and authenticates the user as required.
pub fn login_address(path: &str, return_to: Option<&str>, needed: Option<&RequiredAuthentication>) -> String {
    let mut query = FormText::default();
    query.extend_pairs(return_to.map(|return_to| ("return_to", return_to)));
    if let Some(needed) = needed {
        query.extend_pairs(needed.acr_values.as_deref().map(|values| (ACR_VALUES, values)));
        query.extend_pairs(needed.max_age.as_deref().map(|secs| (MAX_AGE, secs)));
    }
    let query = query.finish();
    if query.is_empty() { path.to_owned() } else { format!("{path}?{query}") }
}

/// Returns the authentication that the query of a login path asks for, if a path of the config requires exactly that. Anything else is a
/// client's own wish.
pub fn asked_authentication(config: &Config, query: Option<&str>) -> Option<RequiredAuthentication> {
    let [acr_values, max_age] = [ACR_VALUES, MAX_AGE].map(|name| query_parameter(query, name));
    let asked = RequiredAuthentication { acr_values, max_age };
    let mut required =
        config.paths.iter().filter_map(|path| path.access.as_ref()?.requirements.authentication.as_ref());
    required.any(|needed| *needed == asked).then_some(asked)
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
    /// How the user must have been authenticated, if a path requires it.
    pub authentication: Option<RequiredAuthentication>,
    /// When the login began, in seconds since 1970.
    pub issued_at: i64,
}

impl LoginState {
    /// Begins a login at `now` (seconds since 1970).
    pub fn begin(
        random: &LoginRandom,
        return_to: Option<String>,
        authentication: Option<RequiredAuthentication>,
        now: i64,
    ) -> Self {
        let (verifier, nonce) = (random_text(&random.verifier), random_text(&random.nonce));
        Self { verifier, nonce, return_to, authentication, issued_at: now }
    }

    /// Returns the bytes to seal.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut members = Map::new();
        let own = &mut [
            ("v", self.verifier.as_str().into()),
            ("n", self.nonce.as_str().into()),
            ("r", self.return_to.as_deref().into()),
            ("t", self.issued_at.into()),
        ];
        json::insert(&mut members, own);
        if let Some(RequiredAuthentication { acr_values, max_age }) = &self.authentication {
            json::insert(&mut members, &mut [("a", acr_values.as_deref().into()), ("m", max_age.as_deref().into())]);
        }
        Value::Object(members).to_text().into_bytes()
    }

    /// Reads the bytes of an opened seal at `now` (seconds since 1970).
    ///
    /// # Errors
    /// [`Problem::StateExpired`] past [`LOGIN_STATE_MAX_SECS`]; [`Problem::StateInvalid`] if the bytes are not a state.
    pub fn from_bytes(bytes: &[u8], now: i64) -> Result<Self, Problem> {
        let state = Self::parse(bytes).ok_or_else(|| Problem::StateInvalid("no login state inside".into()))?;
        if now.saturating_sub(state.issued_at) > LOGIN_STATE_MAX_SECS {
            return Err(Problem::StateExpired);
        }
        Ok(state)
    }

    fn parse(bytes: &[u8]) -> Option<Self> {
        let members = json::parse_object(bytes)?;
        let own = |key: &str| json::text(&members, key).map(str::to_owned);
        let issued_at = members.get("t").and_then(Value::as_i64)?;
        let authentication = RequiredAuthentication { acr_values: own("a"), max_age: own("m") };
        let authentication = authentication.asks_anything().then_some(authentication);
        Some(Self { verifier: own("v")?, nonce: own("n")?, return_to: own("r"), authentication, issued_at })
    }
}

/// Returns random bytes as text that is safe in a URL and a cookie.
pub fn random_text(bytes: &[u8]) -> String {
    base64url(bytes)
}

/// Returns the associated data of a sealed state: it opens only in the browser with this cookie and at this callback.
pub fn state_context(cookie: &str, redirect_uri: &str) -> Vec<u8> {
    [STATE_PURPOSE, cookie, redirect_uri].join("\n").into_bytes()
}

/// Returns the parameters of an authorization request, less the client's name (RFC 6749 section 4.1.1).
///
/// `challenge` is the SHA-256 of the state's verifier as base64url (RFC 7636 section 4.2); `passed` are parameters of the client's
/// own request, of which those go along that it may choose.
pub fn authorization_request(
    provider: &Provider,
    state: &LoginState,
    sealed_state: &str,
    challenge: &str,
    redirect_uri: &str,
    passed: Option<&str>,
) -> String {
    let mut query = FormText::default();
    query
        .append_pair("response_type", "code")
        .append_pair("redirect_uri", redirect_uri)
        .append_pair("state", sealed_state)
        .append_pair("nonce", &state.nonce)
        .append_pair("code_challenge", challenge)
        .append_pair("code_challenge_method", "S256");
    let needed = state.authentication.as_ref();
    // The config may ask for a more recent authentication by itself.
    let own = provider.parameter(MAX_AGE).map_or(u32::MAX, max_age_secs);
    let max_age =
        needed.filter(|needed| needed.max_age_secs() < Some(own)).and_then(|needed| needed.max_age.as_deref());
    let required = [(ACR_VALUES, needed.and_then(|needed| needed.acr_values.as_deref())), (MAX_AGE, max_age)];
    let is_required =
        |name: &str| required.iter().any(|(own, value)| value.is_some() && own.eq_ignore_ascii_case(name));
    query.extend_pairs(provider.parameters.iter().filter(|(name, _)| !is_required(name)));
    query.extend_pairs(required.iter().filter_map(|(name, value)| Some((*name, (*value)?))));
    query.extend_pairs(provider.login_resources.iter().map(|resource| (RESOURCE.name, resource)));
    if provider.posts_responses {
        query.append_pair("response_mode", "form_post");
    }
    // What the config says is not for a client to change.
    let is_free = |name: &&String| provider.parameter(name).is_none() && !is_required(name);
    for name in provider.client_parameters.iter().filter(is_free) {
        // The first of a name: a request with one twice is refused (RFC 6749 section 3.1).
        if let Some(value) = query_parameter(passed, name).filter(|value| value.len() <= PASSED_MAX_BYTES) {
            query.append_pair(name, &value);
        }
    }
    query.finish()
}

/// Returns the address of the provider's login for an authorization request.
pub fn authorization_url(provider: &Provider, endpoints: &Endpoints, request: String) -> String {
    let query = FormText::of(request).append_pair("client_id", &provider.client.id).finish();
    with_query(&endpoints.authorization, &query)
}

/// Returns where an authorization request is pushed; `None` if the browser takes it along.
///
/// # Errors
/// [`Problem::IdpError`] if it is to be pushed, and the provider names no endpoint for that.
pub fn pushed_endpoint<'e>(provider: &Provider, endpoints: &'e Endpoints) -> Result<Option<&'e str>, Problem> {
    if !provider.pushes_requests && !endpoints.requires_pushed {
        return Ok(None);
    }
    let endpoint = endpoints.pushed.as_deref();
    endpoint
        .map(Some)
        .ok_or(Problem::IdpError("its discovery document lacks pushed_authorization_request_endpoint", None))
}

/// Returns the authorization request that stands for the pushed one (RFC 9126 section 4), by the answer to that.
///
/// # Errors
/// What the client is told.
pub fn parse_pushed_response(response: &ProviderResponse) -> Result<String, Problem> {
    match response.status {
        200 | 201 => {
            let members = json::parse_object(response.body.as_bytes()).unwrap_or_default();
            let uri = json::text(&members, "request_uri").filter(|uri| (1..=PASSED_MAX_BYTES).contains(&uri.len()));
            let malformed =
                || Problem::IdpError("the pushed request was answered without a request_uri", Some(response.status));
            Ok(FormText::default().append_pair("request_uri", uri.ok_or_else(malformed)?).finish())
        }
        _ => Err(refused(response, "the pushed request was not accepted")),
    }
}

/// Checks who sent the browser back, by the `iss` of its address (RFC 9207 section 2.4).
///
/// # Errors
/// [`Problem::StateInvalid`] if it is not the authorizer's, or is missing and `needed`.
pub fn check_response_issuer(iss: Option<&str>, authorizer: &Authorizer, needed: bool) -> Result<(), Problem> {
    match iss {
        Some(iss) if authorizer.accepts_issuer(iss) => Ok(()),
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
    Form::for_tokens(provider, endpoints, &fields, None)
}

/// Checks that an ID token says of the user's authentication what the login needs. A parameter in the address bar can be changed, and a
/// provider need not heed it.
///
/// # Errors
/// [`Problem::AuthenticationUnmet`] if it is not as a path requires; those of [`check_age`].
pub fn check_authentication(
    provider: &Provider,
    state: &LoginState,
    claims: &VerifiedClaims,
    now: i64,
) -> Result<(), Problem> {
    let skew = provider.authorizer.clock_skew_secs;
    let needed = state.authentication.as_ref();
    match needed.and_then(|needed| Authentication::of(claims).lacks(needed, state.issued_at, now, skew)) {
        Some(reason) => Err(Problem::AuthenticationUnmet(reason)),
        None => check_age(provider, state, claims),
    }
}

/// Returns how many seconds a `max_age` of the config allows; what is not a number asks for an authentication in this login.
fn max_age_secs(written: &str) -> u32 {
    seconds(written).unwrap_or(0)
}

/// Checks that the user was authenticated as recently as the config asks for with `max_age` (OpenID Connect Core section 3.1.2.1). That
/// counts from the beginning of the login, in which the user may have taken a while.
///
/// # Errors
/// [`Problem::IdTokenInvalid`] if the ID token says otherwise, or nothing.
fn check_age(provider: &Provider, state: &LoginState, claims: &VerifiedClaims) -> Result<(), Problem> {
    let Some(max_age) = provider.parameter(MAX_AGE) else { return Ok(()) };
    let secs = i64::from(max_age_secs(max_age)) + provider.authorizer.clock_skew_secs;
    if claims.date(AUTH_TIME).is_some_and(|at| at >= state.issued_at - secs) {
        return Ok(());
    }
    Err(Problem::IdTokenInvalid(TokenError::Claim(ClaimError::Required { claim: AUTH_TIME.to_owned() }).into()))
}

/// Checks whether a session's ID token is still one of this provider for this client: the config may have had others at the login.
pub fn is_own_id_token(provider: &Provider, id_token: &str, now: i64) -> bool {
    VerifiedClaims::of_session(id_token, &id_token_expectations(provider), 0, now).is_ok()
}

/// Returns the rules for an ID token (OpenID Connect Core section 3.1.3.7).
pub fn id_token_expectations(provider: &Provider) -> Expectations<'_> {
    let (algorithms, audience) = (provider.id_token_algorithms(), provider.client.id.as_str());
    Expectations { algorithms, audience, kind: Kind::Id, ..Expectations::of_access_tokens(&provider.authorizer) }
}

#[cfg(test)]
pub(super) mod tests {
    use std::rc::Rc;

    use super::*;
    use crate::config::{Client, KeySource, UnknownBindings, load};

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
            dpop: None,
            is_supabase: false,
            logs_in: true,
        };
        let parameters = parameters.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        Provider {
            authorizer: Rc::new(authorizer),
            client: Client {
                id: "client".to_owned(),
                secret: None,
                auth_method: None,
                raw_secret: false,
                private_key: None,
            },
            revocation_endpoint: None,
            parameters: parameters.collect(),
            login_resources: Vec::new(),
            pushes_requests: false,
            posts_responses: false,
            client_parameters: ["prompt", "login_hint", "max_age"].map(str::to_owned).to_vec(),
            rotation_grace_secs: 0,
            id_token_algorithm: None,
            endpoints: None,
            is_one_of_several: false,
        }
    }

    fn required(acr_values: &str, max_age_secs: Option<u32>) -> Option<RequiredAuthentication> {
        let acr_values = Some(acr_values.to_owned()).filter(|values| !values.is_empty());
        let max_age = max_age_secs.map(|secs| secs.to_string());
        Some(RequiredAuthentication { acr_values, max_age }).filter(RequiredAuthentication::asks_anything)
    }

    fn begun(authentication: Option<RequiredAuthentication>, issued_at: i64) -> LoginState {
        LoginState { verifier: "v".into(), nonce: "n".into(), return_to: None, authentication, issued_at }
    }

    #[test]
    fn a_client_chooses_how_to_ask_where_the_config_does_not() {
        let state = begun(None, 0);
        let request = |provider: &Provider, passed| {
            authorization_request(provider, &state, "s", "c", "https://gw.example/cb", Some(passed))
        };
        let own = "response_type=code&redirect_uri=https%3A%2F%2Fgw.example%2Fcb&state=s&nonce=n&code_challenge=c\
                   &code_challenge_method=S256";
        let longest = format!("login_hint={}", "a".repeat(PASSED_MAX_BYTES));
        let table: [(&[_], _, _, _); 9] = [
            (&[("scope", "openid a")], "", "&scope=openid+a", "nothing"),
            (&[("scope", "openid")], "prompt=login&prompt=none", "&scope=openid&prompt=login", "the first of a name"),
            (&[], &longest, &format!("&{longest}"), "the longest"),
            (&[], &format!("{longest}a&max_age=1"), "&max_age=1", "one that is longer, beside another"),
            (
                &[("scope", "openid")],
                "ui_locales=de&scope=admin&state=x&acr_values=1",
                "&scope=openid",
                "nothing of these",
            ),
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
    fn a_request_asks_for_the_authentication_that_a_path_requires_whatever_else_asks() {
        let asked = |parameters: &[(&str, &str)], passed, authentication| {
            let state = begun(authentication, 0);
            let request = authorization_request(&provider(parameters), &state, "s", "c", "https://gw.example", passed);
            request.split_once("S256").unwrap().1.to_owned()
        };
        let table: [(&[_], _, _, _, _); 9] = [
            (&[], None, required("a b", Some(60)), "&acr_values=a+b&max_age=60", "both"),
            (&[], None, required("a", None), "&acr_values=a", "the strength"),
            (
                &[],
                Some("max_age=1&prompt=login"),
                required("a", None),
                "&acr_values=a&prompt=login&max_age=1",
                "a client's wish beside",
            ),
            (
                &[],
                Some("max_age=1&acr_values=b"),
                required("a", Some(60)),
                "&acr_values=a&max_age=60",
                "no wish of a client",
            ),
            (
                &[("acr_values", "b"), ("MAX_AGE", "61")],
                None,
                required("a", Some(60)),
                "&acr_values=a&max_age=60",
                "not the config's own",
            ),
            (&[("max_age", "60")], None, required("a", Some(60)), "&max_age=60&acr_values=a", "the same age once"),
            (&[("max_age", "59")], None, required("", Some(60)), "&max_age=59", "a smaller age of the config"),
            (&[("max_age", "1h")], None, required("", Some(60)), "&max_age=1h", "one that asks for this login"),
            (&[("acr_values", "b")], None, None, "&acr_values=b", "the config's, if no path requires any"),
        ];
        for (parameters, passed, authentication, expected, message) in table {
            assert_eq!(asked(parameters, passed, authentication), expected, "{message}");
        }
    }

    #[test]
    fn a_request_goes_with_the_clients_name_to_the_browser_or_to_the_endpoint_for_it() {
        let auth0 = Endpoints::of_auth0("https://idp.example");
        let client = provider(&[]);
        let location = authorization_url(&client, &auth0, "a=b".to_owned());
        assert_eq!(location, "https://idp.example/authorize?a=b&client_id=client");
        let without = Endpoints { pushed: None, ..auth0.clone() };
        let requiring = Endpoints { requires_pushed: true, ..auth0.clone() };
        let strict = Endpoints { pushed: None, ..requiring.clone() };
        let pushing = Provider { pushes_requests: true, ..provider(&[]) };
        let table = [
            (&client, &auth0, Ok(None), "nobody asks for it"),
            (&client, &without, Ok(None), "there is no endpoint, and nobody asks for it"),
            (&client, &requiring, Ok(auth0.pushed.as_deref()), "the provider requires it"),
            (&pushing, &auth0, Ok(auth0.pushed.as_deref()), "the config asks for it"),
            (&pushing, &without, Err("idp_error"), "the config asks for it, and there is no endpoint"),
            (&client, &strict, Err("idp_error"), "the provider requires it, and names no endpoint"),
        ];
        for (provider, endpoints, expected, message) in table {
            let found = pushed_endpoint(provider, endpoints).map_err(|problem| problem.code());
            assert_eq!(found, expected, "{message}");
        }
    }

    #[test]
    fn a_pushed_request_is_answered_by_its_name_or_by_what_the_contract_says() {
        let parse = |status, body: &str| {
            parse_pushed_response(&ProviderResponse { status, retry_after: Some("7".into()), body: body.into() })
        };
        let longest = format!(r#"{{"request_uri":"{}"}}"#, "a".repeat(PASSED_MAX_BYTES));
        let longer = format!(r#"{{"request_uri":"{}"}}"#, "a".repeat(PASSED_MAX_BYTES + 1));
        for status in [200, 201] {
            let request =
                parse(status, r#"{"request_uri":"urn:x&client_id=evil#","expires_in":60,"client_id":"evil"}"#);
            assert_eq!(request.ok().unwrap(), "request_uri=urn%3Ax%26client_id%3Devil%23", "{status}");
            assert!(parse(status, &longest).is_ok(), "{status}");
            for body in ["", "[]", "{}", r#"{"request_uri":""}"#, r#"{"request_uri":1}"#, &longer] {
                assert_eq!(parse(status, body).err().unwrap().code(), "idp_error", "{status} {body}");
            }
        }
        let table = [
            (400, "idp_rejected"),
            (401, "idp_rejected"),
            (413, "idp_rejected"),
            (429, "idp_rate_limited"),
            (302, "idp_error"),
            (204, "idp_error"),
            (500, "idp_error"),
        ];
        for (status, code) in table {
            assert_eq!(parse(status, r#"{"request_uri":"urn:x"}"#).err().unwrap().code(), code, "{status}");
        }
        let reason = parse(401, r#"{"error":"invalid_client"}"#).err().unwrap().reason().unwrap().into_owned();
        assert_eq!(reason, "401 invalid_client:  (see token_endpoint_auth_method and client_secret)");
    }

    #[test]
    fn a_state_comes_back_as_it_was_until_it_is_too_old() {
        let random = LoginRandom { verifier: [7; 32], nonce: [8; 16] };
        let state = LoginState::begin(&random, Some("/home".into()), None, 1_000);
        let bytes = state.to_bytes();
        let opened = LoginState::from_bytes(&bytes, 1_000 + LOGIN_STATE_MAX_SECS).unwrap();
        assert_eq!((opened.verifier, opened.nonce), (state.verifier, state.nonce));
        assert_eq!(opened.return_to.as_deref(), Some("/home"));
        let late = LoginState::from_bytes(&bytes, 1_001 + LOGIN_STATE_MAX_SECS);
        assert!(matches!(late, Err(Problem::StateExpired)));
        for asked in [None, required("a b", Some(60)), required("a", None), required("", Some(u32::MAX))] {
            let bytes = LoginState::begin(&random, None, asked.clone(), 1_000).to_bytes();
            assert_eq!(LoginState::from_bytes(&bytes, 1_000).unwrap().authentication, asked);
        }
        assert!(matches!(LoginState::from_bytes(b"{}", 0), Err(Problem::StateInvalid(_))));
    }

    #[test]
    fn a_user_was_authenticated_as_recently_as_the_config_asks() {
        let state = begun(None, 1_000);
        let other = Some("the claim auth_time has another value");
        let table = [
            (None, 0, "", None, "it does not ask"),
            (Some("60"), 0, r#","auth_time":940"#, None, "as long ago as may be"),
            (Some("60"), 0, r#","auth_time":939"#, other, "a second longer ago"),
            (Some("60"), 0, r#","auth_time":1500"#, None, "in the course of the login"),
            (Some("60"), 0, "", other, "the provider does not say when"),
            (Some("60"), 0, r#","auth_time":"1000""#, other, "a text"),
            (Some("0"), 0, r#","auth_time":999"#, other, "before the login, though it asks for one"),
            (Some("1h"), 0, r#","auth_time":999"#, other, "no number: as 0"),
            (Some("99999999999"), 0, r#","auth_time":0"#, None, "more than there are seconds"),
            (Some("60"), 30, r#","auth_time":910"#, None, "as long ago as clocks may differ besides"),
            (Some("60"), 30, r#","auth_time":909"#, other, "a second longer ago than that"),
        ];
        for (max_age, skew, auth_time, expected, message) in table {
            let mut client = provider(max_age.map(|age| ("max_age", age)).as_slice());
            Rc::get_mut(&mut client.authorizer).unwrap().clock_skew_secs = skew;
            let claims = format!(
                r#"{{"iss":"https://idp.example/","aud":"client","sub":"u","exp":9000,"iat":1000{auth_time}}}"#
            );
            let token = ["h.", &random_text(claims.as_bytes()), ".s"].concat();
            let claims = VerifiedClaims::of_session(&token, &id_token_expectations(&client), 0, 1_500).unwrap();
            let refused = check_authentication(&client, &state, &claims, 1_500).err();
            assert_eq!(refused.as_ref().and_then(Problem::reason).as_deref(), expected, "{message}");
        }
    }

    #[test]
    fn a_provider_is_not_believed_to_have_done_what_its_id_token_does_not_say() {
        let unmet = "unmet_authentication_requirements";
        let table = [
            (required("a b", None), r#","acr":"b""#, None, "one of those asked for"),
            (required("a b", None), r#","acr":"c""#, Some(unmet), "another"),
            (required("a b", None), "", Some(unmet), "it does not say how strongly"),
            (required("", Some(60)), r#","auth_time":940"#, None, "as long ago as may be, when the login began"),
            (required("", Some(60)), r#","auth_time":939"#, Some(unmet), "a second longer ago"),
            (required("", Some(60)), r#","auth_time":1500"#, None, "in the course of the login"),
            (required("", Some(60)), r#","auth_time":1501"#, Some(unmet), "in the future"),
            (required("", Some(60)), "", Some(unmet), "it does not say when"),
            (required("a", Some(60)), r#","acr":"a","auth_time":930"#, Some(unmet), "strongly, and too long ago"),
            (required("a", Some(60)), r#","acr":"b","auth_time":950"#, Some(unmet), "recently, and not strongly"),
            (
                required("a", Some(2_000)),
                r#","acr":"a","auth_time":950"#,
                Some("id_token_invalid"),
                "earlier than the config asks",
            ),
        ];
        let client = Provider { parameters: vec![("max_age".into(), "0".into())], ..provider(&[]) };
        for (authentication, said, expected, message) in table {
            let client = if expected == Some("id_token_invalid") { &client } else { &provider(&[]) };
            let claims =
                format!(r#"{{"iss":"https://idp.example/","aud":"client","sub":"u","exp":9000,"iat":1000{said}}}"#);
            let token = ["h.", &random_text(claims.as_bytes()), ".s"].concat();
            let claims = VerifiedClaims::of_session(&token, &id_token_expectations(client), 0, 1_500).unwrap();
            let refused = check_authentication(client, &begun(authentication, 1_000), &claims, 1_500).err();
            assert_eq!(refused.as_ref().map(Problem::code), expected, "{message}");
        }
    }

    #[test]
    fn a_login_takes_from_its_query_what_a_path_requires_and_nothing_like_it() {
        let config = load(
            r#"{
                "authorizer": { "type": "jwt", "issuer": "i", "audience": "a", "jwks_uri": "https://i.example/jwks" },
                "paths": [
                    { "method": "GET", "path": "/a", "auth": { "acr_values": ["urn:a", "b"], "max_age_seconds": 300 }, "response": 1 },
                    { "method": "GET", "path": "/b", "auth": { "acr_values": ["b"] }, "response": 1 },
                    { "method": "GET", "path": "/c", "auth": { "max_age_seconds": 60 }, "response": 1 },
                    { "method": "GET", "path": "/d", "auth": true, "response": 1 }
                ]
            }"#,
            &UnknownBindings,
        );
        let config = config.unwrap_or_else(|mistakes| panic!("{mistakes:?}"));
        let table = [
            ("acr_values=urn%3Aa+b&max_age=300", required("urn:a b", Some(300)), "both, as the challenge has them"),
            ("return_to=%2F&max_age=60", required("", Some(60)), "an age"),
            ("acr_values=b", required("b", None), "a strength"),
            ("acr_values=b&acr_values=c", required("b", None), "the first of a name"),
            ("acr_values=b+urn%3Aa&max_age=300", None, "in another order"),
            ("acr_values=urn%3Aa+b", None, "without the age"),
            ("acr_values=c", None, "one that no path requires"),
            ("acr_values=b&max_age=60", None, "of two paths"),
            ("acr_values=&max_age=60", None, "an empty one"),
            ("max_age=61", None, "another age"),
            ("max_age=-60", None, "no age"),
            ("max_age=060", None, "an age in another spelling"),
            ("acr_values=b&max_age=", None, "a strength and an empty age"),
            ("", None, "nothing"),
        ];
        for (query, expected, message) in table {
            assert_eq!(asked_authentication(&config, Some(query)), expected, "{message}");
        }
        assert_eq!(asked_authentication(&config, None), None);
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

    #[test]
    fn a_code_goes_with_its_redirect_uri_and_the_verifier_if_there_is_one() {
        let (provider, endpoints) = (provider(&[]), Endpoints::of_auth0("https://idp.example"));
        let of = |verifier| code_form(&provider, &endpoints, "c+1", "https://gw.example/cb", verifier).body;
        let own = "grant_type=authorization_code&code=c%2B1&redirect_uri=https%3A%2F%2Fgw.example%2Fcb";
        assert_eq!(of(None), format!("{own}&client_id=client"));
        assert_eq!(of(Some("v")), format!("{own}&code_verifier=v&client_id=client"));
    }
}
