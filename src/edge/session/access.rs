//! From a request's cookie to an access token and its claims.

use std::rc::Rc;

use crate::config::{ClaimsFrom, Session};
use crate::edge::gateway::Gateway;
use crate::edge::gateway::access_tokens::{access_claims, asked_claims};
use crate::edge::gateway::verifier::VerifyError;
use crate::edge::request::context::RequestContext;
use crate::edge::runtime::timing::{now_ms, now_secs};
use crate::edge::session::cookie::{clear_cookie, presented_cookie};
use crate::edge::session::lifecycle::end;
use crate::edge::session::objects::ask_session;
use crate::oauth::id_token_expectations;
use crate::objects::{SessionAnswer, SessionMessage};
use crate::problem::Problem;
use crate::session::{Known, RequestKind, SessionCookie, SessionToken, is_from_own_pages};
use crate::token::{ClaimError, TokenError, VerifiedClaims};

/// Why a session has no claims that began before the config asked for them, and was renewed without an ID token.
const NO_ID_TOKEN: ClaimError = ClaimError::Missing { claim: "the ID token that \"claims_from\" needs" };

/// Returns the access token of the request's session, renewed if it was due; `None` if the request has none. Waits for
/// nothing if this isolate asked recently.
///
/// # Errors
/// 401 if the session has ended or the cookie is not one of ours, 403 if another site may have made the request, 503 if
/// neither store nor provider can say.
pub async fn token(gateway: &Gateway, cx: &RequestContext) -> Result<Option<SessionToken>, Problem> {
    if let Some(known) = &*cx.session_token.borrow() {
        return Ok(Some(known.clone()));
    }
    let Some(session) = &gateway.config.session else { return Ok(None) };
    let Some(cookie) = presented_cookie(session, cx)? else { return Ok(None) };
    let (kind, cors) = (RequestKind::of(cx), cx.cors(&gateway.config));
    if !is_from_own_pages(cx, cx.url(), cors, kind) {
        return Err(Problem::CsrfRejected);
    }
    let token = match gateway.sessions.borrow_mut().get(&cookie, now_ms()) {
        Some(Known::Token(token)) => Some(token),
        Some(Known::LoggedOut) => {
            clear_cookie(session, cx);
            return Err(Problem::SessionExpired("it was logged out here".into()));
        }
        Some(Known::Replaced) => return Err(Problem::SessionExpired("a login replaced it".into())),
        None => None,
    };
    let token = match token {
        Some(token) => token,
        None => access(gateway, cx, session, &cookie, None, None).await?,
    };
    cx.session_token.replace(Some(token.clone()));
    Ok(Some(token))
}

/// Has the upstream get the session's token for a target, if the request has a session and sends that of its login otherwise.
///
/// # Errors
/// Those of [`token`]; 502 if the provider gives none for the target, 403 if it gives one without a scope of it.
pub async fn use_token_for(gateway: &Gateway, cx: &RequestContext, target: &str) -> Result<(), Problem> {
    let Some(session) = gateway.config.session.as_ref().filter(|_| cx.session_token.borrow().is_some()) else {
        return Ok(());
    };
    let Some(cookie) = presented_cookie(session, cx)? else { return Ok(()) };
    let known = gateway.sessions.borrow_mut().get_for(&cookie, target, now_ms());
    let token = match known {
        Some(token) => token,
        None => access(gateway, cx, session, &cookie, None, Some(target)).await?,
    };
    cx.session_token.replace(Some(token));
    Ok(())
}

/// Asks the session for its token, for another than the one that was `rejected`, or for that of a target, and remembers it.
async fn access(
    gateway: &Gateway,
    cx: &RequestContext,
    session: &Session,
    cookie: &SessionCookie,
    rejected: Option<&str>,
    target: Option<&str>,
) -> Result<SessionToken, Problem> {
    // Counted from before the question: an answer may have been long on its way while the session ended.
    let asked_ms = now_ms();
    let (key, rejected, wanted) = (cookie.key(), rejected.map(str::to_owned), target.map(str::to_owned));
    let listed_as = gateway.config.lists_sessions.then(|| cookie.object_name());
    let id_token = gateway.config.reads_id_tokens;
    let message = SessionMessage::Access { key, rejected, silent: false, id_token, target: wanted, listed_as };
    let answer = ask_session(session.login.provider.authorizer.timeout_ms, cx, &cookie.object_name(), &message).await?;
    let replaced = matches!(answer, SessionAnswer::Ended { replaced: true, .. });
    let token = answer.into_token(asked_ms, target).inspect_err(|problem| {
        if !replaced && matches!(problem, Problem::SessionExpired(_) | Problem::SessionInvalid(_)) {
            clear_cookie(session, cx);
        }
    })?;
    gateway.sessions.borrow_mut().learn(cookie, target, &token, now_ms());
    Ok(token)
}

/// Lets a request go on without a session, if its own has ended or cannot be used at present; the log says why.
///
/// # Errors
/// [`Problem::CsrfRejected`] if another site may have made the request: it is not to be carried out.
pub fn do_without(cx: &RequestContext, problem: Problem) -> Result<(), Problem> {
    // No upstream is sent a token that did not verify.
    cx.session_token.replace(None);
    match problem {
        Problem::CsrfRejected => return Err(problem),
        Problem::TokenMissing => {}
        problem => drop(cx.problem_to_log.set(problem)),
    }
    Ok(())
}

/// Returns the claims of the token of the request's session. One that is not valid is renewed: its key may have been withdrawn.
///
/// # Errors
/// Those of [`token`]; 503 if the renewed token is not valid either; the session stays. Only one whose claims break a rule, and will
/// break it after each renewal, ends the session: then a login may help, and nothing else does.
pub async fn claims(gateway: &Gateway, cx: &RequestContext) -> Result<Rc<VerifiedClaims>, Problem> {
    let Some(session) = &gateway.config.session else { return Err(Problem::TokenMissing) };
    let rejected = token(gateway, cx).await?.ok_or(Problem::TokenMissing)?;
    let failure = match claims_of(gateway, cx, session, &rejected).await {
        Ok(claims) => return Ok(claims),
        Err(failure) => failure,
    };
    let cookie = presented_cookie(session, cx)?.ok_or(Problem::TokenMissing)?;
    let failure = match failure {
        VerifyError::Keys(problem) => return Err(problem),
        failure => {
            let renewed = access(gateway, cx, session, &cookie, Some(&rejected.token), None).await?;
            if renewed.token == rejected.token {
                failure
            } else {
                let verified = claims_of(gateway, cx, session, &renewed).await;
                cx.session_token.replace(Some(renewed));
                match verified {
                    Ok(claims) => return Ok(claims),
                    Err(failure) => failure,
                }
            }
        }
    };
    gateway.sessions.borrow_mut().forget(&cookie);
    match failure {
        failure @ (VerifyError::Early | VerifyError::Keys(_)) => Err(failure.into_problem()),
        VerifyError::Token(error) if error.is_lasting() => {
            end(gateway, cx, session).await?;
            Err(Problem::SessionExpired(error.to_string().into()))
        }
        VerifyError::Token(error) => Err(Problem::IdpUnavailable(format!("the session's token: {error}"))),
    }
}

/// Returns the claims of a session by its tokens.
async fn claims_of(
    gateway: &Gateway,
    cx: &RequestContext,
    session: &Session,
    token: &SessionToken,
) -> Result<Rc<VerifiedClaims>, VerifyError> {
    let provider = &session.login.provider;
    if session.rules.claims_from == ClaimsFrom::AccessToken {
        return access_claims(gateway, cx, &provider.authorizer, &token.token).await;
    }
    // Whom the access token is for is the upstream's business, but the provider may have withdrawn it.
    if let Some(asked) = asked_claims(gateway, cx, &provider.authorizer, &token.token)
        && let Err(failure) = asked.await
    {
        match failure {
            VerifyError::Early => {}
            VerifyError::Token(error) if !matches!(*error, TokenError::Inactive) => {}
            failure => return Err(failure),
        }
    }
    let id_token = token.id_token.as_deref().ok_or(TokenError::Claim(NO_ID_TOKEN))?;
    let claims = VerifiedClaims::of_session(id_token, &id_token_expectations(provider), token.until, now_secs())?;
    Ok(Rc::new(claims))
}
