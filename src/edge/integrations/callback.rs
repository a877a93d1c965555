//! `auth0_callback`: the browser back from the provider, with a code or an error.

use crate::config::{CallbackResponse, Login};
use crate::edge::auth::grants;
use crate::edge::auth::token_requests::discard;
use crate::edge::gateway::application::Application;
use crate::edge::gateway::{Gateway, provider_failures};
use crate::edge::integrations::login::{STATE_KEY_PURPOSE, binding};
use crate::edge::request::answer::Answer;
use crate::edge::request::body::read_body;
use crate::edge::request::context::RequestContext;
use crate::edge::runtime::boxed::boxed;
use crate::edge::runtime::invocation::Invocation as _;
use crate::edge::runtime::log;
use crate::edge::runtime::object_client::is_bound;
use crate::edge::runtime::sealing::open;
use crate::edge::runtime::timing::now_secs;
use crate::edge::runtime::webcrypto::{digest, fresh_text};
use crate::edge::session::lifecycle;
use crate::edge::session::objects::spend;
use crate::http::header::NO_STORE;
use crate::http::request::{RequestHead as _, query_parameter};
use crate::oauth::{
    BodyKind, Ended, Grant, LOGIN_STATE_MAX_SECS, LoginState, TokenResponse, check_authentication,
    check_response_issuer, code_form, id_token_expectations, parse_authorization_error, parse_token_response,
    state_context, web_message_page,
};
use crate::objects::{Class, LogoutIndexAnswer};
use crate::problem::{Problem, ProviderError};
use crate::token::VerifiedClaims;

/// Hands over the tokens of a login, or keeps them in a session.
///
/// # Errors
/// The answer to the client; with a web message it is in the message.
pub async fn answer(
    gateway: &Gateway,
    cx: &RequestContext,
    response: &CallbackResponse,
    login: Result<CompletedLogin, Problem>,
) -> Result<Answer, Problem> {
    match response {
        CallbackResponse::Json => Ok(Answer::private_json(login?.to_json(cx))),
        CallbackResponse::WebMessage { target_origin } => {
            let message = login.map_or_else(
                |problem| cx.problem_to_log.get_or_init(|| problem).body(cx.id(), None, None),
                |login| login.to_json(cx),
            );
            web_message(&message, target_origin)
        }
        CallbackResponse::Session(session) => {
            let login = login?;
            let begun = lifecycle::begin(gateway, cx, session, &login.tokens, login.id_claims.as_ref());
            let begun = boxed(begun).await;
            begun.inspect_err(|_| login.discard(cx))?;
            Ok(Answer::redirect(302, cx.return_to().unwrap_or(&session.rules.after_login).to_owned()))
        }
    }
}

/// A login that came through.
pub struct CompletedLogin {
    application: Application,
    tokens: TokenResponse,
    /// The claims of its ID token, if there is one.
    pub id_claims: Option<VerifiedClaims>,
}

impl CompletedLogin {
    /// Revokes its refresh token, behind the answer: nobody has been given it.
    pub fn discard(&self, cx: &RequestContext) {
        discard(&self.application, cx, &self.tokens);
    }

    fn to_json(&self, cx: &RequestContext) -> String {
        self.tokens.to_json(cx.return_to())
    }
}

/// Exchanges the code.
///
/// # Errors
/// The answer to the client.
pub async fn log_in(
    gateway: &Gateway,
    cx: &RequestContext,
    application: Application,
    begun: Option<&Login>,
    redirect_uri: &str,
) -> Result<CompletedLogin, Problem> {
    grants::refuse_proof(cx)?;
    let provider = &application.provider;
    let posted = if provider.posts_responses { Some(read_form(cx).await?) } else { None };
    let parameter = |name: &str| query_parameter(posted.as_deref().or(cx.query()), name);
    if let Some(login) = begun {
        let state = boxed(open_state(cx, login, parameter("state"), redirect_uri)).await?;
        cx.login_state.get_or_init(|| state);
    }
    let state = cx.login_state.get();
    let endpoints = application.endpoints(cx).await?;
    let names_itself = provider.is_one_of_several || endpoints.names_itself;
    check_response_issuer(parameter("iss").as_deref(), &provider.authorizer, names_itself)?;
    if let Some(error) = parameter("error") {
        // Without a state to go by, anybody could have written the description, and it stays out of the log.
        let description = parameter("error_description").filter(|_| state.is_some());
        return Err(parse_authorization_error(&error, description.as_deref()));
    }
    let code = parameter("code").filter(|code| !code.is_empty()).ok_or(Problem::CodeMissing)?;
    // A code is good once, so it is not spent before there are keys to check what comes back.
    application.verifier.keys.current(cx).await?;
    let verifier = state.map(|state| state.verifier.as_str());
    let form = code_form(provider, &endpoints, &code, redirect_uri, verifier);
    let login = state.map(|state| state.nonce.as_str());
    // A code may be of any length.
    let code_name = digest(&code).await?;
    let names = [code_name.as_str(), login.unwrap_or(&code_name)];
    if !grants::begin(gateway, cx, &names)? {
        return Err(used_before());
    }
    let answer = application.send(&endpoints.token, form).await;
    let tokens = answer.map_err(Problem::from).and_then(|answer| parse_token_response(Grant::Code, &answer));
    grants::end(gateway, cx, &names, Ended::by(tokens.as_ref().err(), true));
    let tokens = tokens.inspect_err(provider_failures::note)?;
    let is_withheld = tokens.refresh_token().is_none() && provider.asks_for("offline_access");
    // Once, until a login brings one: each further login would say the same.
    if !application.verifier.withholds_refresh_tokens.replace(is_withheld) && is_withheld {
        let words = "the login asked for offline_access, and no refresh token came: a provider may want \
                     \"login_parameters\": {\"prompt\": \"consent\"}";
        log::warn("refresh_token_not_given", words);
    }
    let checked = async {
        if let Some(login) = login.filter(|_| is_bound(Class::LogoutIndex, cx.env())) {
            let until = now_secs() + LOGIN_STATE_MAX_SECS;
            if spend(application.timeout_ms(), cx, login, "login", until).await? == LogoutIndexAnswer::Replayed {
                return Err(used_before());
            }
        }
        verify_id_token(cx, &application, &tokens, state).await
    };
    let id_claims = boxed(checked).await.inspect_err(|_| discard(&application, cx, &tokens))?;
    Ok(CompletedLogin { application, tokens, id_claims })
}

/// Reads the authorization response that a page of the provider posts (OAuth 2.0 Form Post Response Mode); without a body, it is
/// empty, whatever the address says.
async fn read_form(cx: &RequestContext) -> Result<String, Problem> {
    let Some(body) = read_body(cx).await? else { return Ok(String::new()) };
    match BodyKind::of(cx)? {
        BodyKind::Form => Ok(body),
        BodyKind::Json => Err(Problem::UnsupportedMediaType),
    }
}

/// Returns the problem of a code, or its state, that was used before (RFC 6749 section 4.1.2, RFC 9700 section 4.2.4).
fn used_before() -> Problem {
    Problem::CodeInvalid(ProviderError::of_gateway("it, or the state beside it, was used before"))
}

async fn open_state(
    cx: &RequestContext,
    login: &Login,
    sealed: Option<String>,
    redirect_uri: &str,
) -> Result<LoginState, Problem> {
    let sealed = sealed.ok_or_else(|| Problem::StateInvalid("no state parameter".into()))?;
    let binding = binding(cx).ok_or_else(|| Problem::StateInvalid("this browser has no login cookie".into()))?;
    let context = state_context(&binding, redirect_uri);
    let opened = open(login.sealing_secret.expose().as_bytes(), STATE_KEY_PURPOSE, &context, &sealed).await?;
    let bytes = opened.ok_or_else(|| Problem::StateInvalid("altered, or from another browser or callback".into()))?;
    LoginState::from_bytes(&bytes, now_secs())
}

/// Verifies the ID token (OpenID Connect Core section 3.1.3.7). A login with the scope `openid` must bring one, and so must one with a
/// `max_age`, which nothing else answers, or with a requirement of a path.
async fn verify_id_token(
    cx: &RequestContext,
    application: &Application,
    tokens: &TokenResponse,
    state: Option<&LoginState>,
) -> Result<Option<VerifiedClaims>, Problem> {
    let Some(id_token) = tokens.id_token() else {
        let provider = &application.provider;
        let steps_up = state.is_some_and(|state| state.authentication.is_some());
        return if steps_up || provider.asks_for("openid") || provider.parameter("max_age").is_some() {
            Err(Problem::IdpError("no ID token came with the tokens", Some(200)))
        } else {
            Ok(None)
        };
    };
    let expectations = id_token_expectations(&application.provider);
    let verified = application.verifier.verify(cx, id_token.expose(), &expectations).await;
    let (claims, _) = verified.map_err(|failure| failure.or(Problem::IdTokenInvalid))?;
    if let Some(state) = state {
        if claims.text("nonce") != Some(&state.nonce) {
            return Err(Problem::NonceMismatch);
        }
        check_authentication(&application.provider, state, &claims, now_secs())?;
    }
    Ok(Some(claims))
}

fn web_message(message: &str, target_origin: &str) -> Result<Answer, Problem> {
    let nonce = fresh_text()?;
    let (page, policy) = web_message_page(message, target_origin, &nonce);
    let headers = vec![("cache-control".into(), NO_STORE.into())];
    Ok(Answer::page(200, headers, policy.into(), page))
}
