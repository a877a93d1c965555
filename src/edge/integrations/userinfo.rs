//! `auth0_userinfo`: the profile of the access token's owner.

use std::rc::Rc;

use serde_json::{Map, Value};

use crate::config::ProfileSource;
use crate::edge::gateway::application::Application;
use crate::edge::gateway::{Gateway, provider_failures};
use crate::edge::request::answer::Answer;
use crate::edge::request::context::RequestContext;
use crate::edge::runtime::http_client::Call;
use crate::edge::runtime::timing::now_secs;
use crate::edge::session::access;
use crate::http::request::RequestHead as _;
use crate::json::ToText as _;
use crate::oauth::{
    Userinfo, id_token_profile, is_own_id_token, parse_userinfo, userinfo_expectations, validate_profile,
};
use crate::problem::{Problem, ProviderError};
use crate::token::{Credentials, KeyError, TokenError, VerifiedClaims, bare_token, bearer, claimed_text};

/// Answers with the profile by the token of `X-Access-Token`, else the bearer token, else the session, whose profile may be in its
/// ID token.
///
/// # Errors
/// The answer to the client.
pub async fn run(
    gateway: &Gateway,
    cx: &RequestContext,
    application: Application,
    source: ProfileSource,
    claims: Option<&VerifiedClaims>,
) -> Result<Answer, Problem> {
    let credentials = match bare_token(cx.header("x-access-token")) {
        Credentials::Absent => bearer(cx.header("authorization")),
        given => given,
    };
    let (token, session) = match credentials {
        // A client that mistakes one for a token shows it to nobody else.
        Credentials::Bearer(token) if gateway.config.is_api_key(token) => {
            return Err(TokenError::ApiKey(KeyError::Elsewhere).into());
        }
        Credentials::Bearer(token) => (Rc::from(token), None),
        Credentials::Malformed => return Err(Problem::CredentialsMalformed),
        // What opened the path is somebody else's.
        _ if claims.is_some() && cx.session_token.borrow().is_none() => return Err(Problem::AccessTokenMissing),
        Credentials::Absent | Credentials::Dpop(_) => {
            let session = access::token(gateway, cx).await?.ok_or(Problem::AccessTokenMissing)?;
            (Rc::clone(&session.token), Some(session))
        }
    };
    let id_token = session.as_ref().and_then(|session| session.id_token.as_deref());
    let is_own = |id_token: &&str| is_own_id_token(&application.provider, id_token, now_secs());
    let id_token = id_token.filter(|_| source != ProfileSource::Userinfo).filter(is_own);
    let id_profile = id_token.and_then(id_token_profile);
    let profile = if source == ProfileSource::IdToken && session.is_some() {
        let reason = "the session has no ID token: it began before the config had a use for one";
        id_profile.ok_or_else(|| Problem::ProfileUnavailable(ProviderError::of_gateway(reason)))?
    } else {
        // OpenID Connect speaks of the ID token's `sub`: that of the session's login, or of the token that opened the path if that
        // is one. At Auth0 the access token's is the same; elsewhere it may be a name of another kind.
        let provider = &application.provider;
        let of_token = if provider.endpoints.is_some() { claimed_text(&token, "sub") } else { None };
        let of_claims =
            claims.filter(|_| provider.parameter("audience").is_none()).and_then(|claims| claims.text("sub"));
        let subject = session.as_ref().and_then(|session| session.subject.as_deref());
        let subject = subject.or(of_token.as_deref()).or(of_claims);
        let userinfo = ask_userinfo(cx, &application, &token, session.is_some()).await?;
        validate_profile(userinfo, subject, id_profile)?
    };
    Ok(Answer::private_json(Value::Object(profile).to_text()))
}

/// Asks the userinfo endpoint, and verifies what it has signed.
async fn ask_userinfo(
    cx: &RequestContext,
    application: &Application,
    token: &str,
    of_session: bool,
) -> Result<Map<String, Value>, Problem> {
    let endpoints = application.endpoints(cx).await?;
    let url = endpoints.userinfo.as_deref().ok_or(Problem::IdpError("it has no userinfo endpoint", None))?;
    let (authorization, timeout_ms) = (["Bearer ", token].concat(), application.timeout_ms());
    let call = Call { url, form: None, authorization: Some(&authorization), signed_answer: false, timeout_ms };
    let response = call.send().await.map_err(Problem::from).inspect_err(provider_failures::note)?;
    match parse_userinfo(&response, of_session).inspect_err(provider_failures::note)? {
        Userinfo::Claims(claims) => Ok(claims),
        Userinfo::Signed(signed) => {
            let expectations = userinfo_expectations(&application.provider);
            let verified = application.verifier.verify(cx, signed, &expectations).await;
            let (claims, _) = verified.map_err(|failure| failure.or(Problem::ProfileInvalid))?;
            Ok(claims.into_members())
        }
    }
}
