//! `auth0_refresh`: a refresh token for new tokens, or the answer that a session's are valid.

use serde_json::{Map, Value};

use crate::edge::auth::grants;
use crate::edge::auth::rotation;
use crate::edge::auth::rotation::Requester;
use crate::edge::gateway::Gateway;
use crate::edge::gateway::access_tokens::asked_claims;
use crate::edge::gateway::application::Application;
use crate::edge::gateway::verifier::{Verifier, VerifyError};
use crate::edge::request::answer::Answer;
use crate::edge::request::body::read_body;
use crate::edge::request::context::RequestContext;
use crate::edge::runtime::timing::now_secs;
use crate::edge::runtime::webcrypto::digest;
use crate::edge::session::access;
use crate::http::request::RequestHead as _;
use crate::json::{self, ToText as _};
use crate::oauth::{Ended, check_form, expires_in, read_refresh, refresh_token_header};
use crate::problem::{Problem, ProviderError};
use crate::secret::Secret;
use crate::token::{ClaimError, Credentials, Expectations, Expiry, TokenError, bearer};

/// Uses the refresh token, unless the access token beside it is still valid: for one of `targets` if the client names it, for which no
/// token beside it counts. Without a refresh token it is the session's tokens that are renewed if they are due, if no other credential
/// has opened the path.
///
/// # Errors
/// The answer to the client, by the table of refresh outcomes in docs/refresh.md.
pub async fn run(
    gateway: &Gateway,
    cx: &RequestContext,
    application: Application,
    targets: &[String],
    is_opened: bool,
) -> Result<Answer, Problem> {
    grants::refuse_proof(cx)?;
    let verifier = &application.verifier;
    let reads_body = refresh_token_header(cx).is_empty() || !targets.is_empty();
    let body = if reads_body { read_body(cx).await? } else { None };
    let (refresh_token, target) = read_refresh(cx, body.as_deref(), "refresh_token", targets)?;
    let Some(refresh_token) = refresh_token else {
        if bearer(cx.header("authorization")) != Credentials::Absent {
            // A client with its own tokens gets its answer by those, whatever session its browser has.
            let seconds = still_valid(gateway, verifier, cx).await?.ok_or(Problem::RefreshTokenMissing)?;
            return Ok(token_still_valid(seconds));
        }
        if is_opened && cx.session_token.borrow().is_none() {
            // What opened the path is somebody else's.
            return Err(Problem::RefreshTokenMissing);
        }
        let session = access::token(gateway, cx).await?.ok_or(Problem::RefreshTokenMissing)?;
        let mut members = Map::new();
        // One that has expired on its way has no seconds left, and 0 is read as never.
        if let Some(seconds) = expires_in(session.until, now_secs()) {
            members.insert("expires_in".to_owned(), seconds.into());
        }
        return Ok(Answer::private_json(Value::Object(members).to_text()));
    };
    if !gateway.config.gives_refresh_tokens() {
        // A token request with one from elsewhere would lend it the application's secret.
        let reason = "logins end in sessions, and no client has a refresh token";
        return Err(Problem::RefreshTokenInvalid(ProviderError::of_gateway(reason)));
    }
    check_form(&refresh_token)?;
    if target.is_none()
        && let Some(seconds) = still_valid(gateway, verifier, cx).await?
    {
        return Ok(token_still_valid(seconds));
    }
    let name = digest(refresh_token.expose()).await?;
    let begun = grants::begin(gateway, cx, &[&name])?;
    let grace_secs = application.provider.rotation_grace_secs;
    let exchanged =
        rotation::exchange(gateway, &application, cx, refresh_token, Requester::Client, grace_secs, target).await;
    let tokens = exchanged.and_then(|exchanged| {
        // With tokens that are not given comes the refresh token that replaced the client's.
        exchanged.tokens_for(target, &mut |next| drop(cx.refresh_token.set(Secret::new(next.to_owned()))))
    });
    if begun {
        grants::end(gateway, cx, &[&name], Ended::by(tokens.as_ref().err(), false));
    }
    let tokens = tokens?;
    Ok(Answer::private_json(tokens.to_json(None)))
}

fn token_still_valid(seconds: i64) -> Answer {
    let body = json::object(&mut [
        ("code", "token_still_valid".into()),
        ("message", "The access token is still valid; nothing was exchanged.".into()),
        ("expires_in", seconds.into()),
    ]);
    Answer::private_json(body.to_text())
}

/// Returns for how many seconds the access token in `Authorization` is still valid; `None` if it has expired or is absent.
///
/// # Errors
/// 401 if it is not genuine.
async fn still_valid(gateway: &Gateway, verifier: &Verifier, cx: &RequestContext) -> Result<Option<i64>, Problem> {
    let token = match bearer(cx.header("authorization")) {
        Credentials::Absent | Credentials::Dpop(_) => return Ok(None),
        Credentials::Malformed => return Err(Problem::CredentialsMalformed),
        Credentials::Bearer(token) => token,
    };
    if let Some(asked) = asked_claims(gateway, cx, &verifier.authorizer, token) {
        return match asked.await {
            Ok(claims) => Ok(expires_in(claims.expires_at(), now_secs()).filter(|_| claims.get("exp").is_some())),
            // The provider says the same of one that has expired.
            Err(VerifyError::Token(error))
                if matches!(*error, TokenError::Inactive | TokenError::Claim(ClaimError::Expired { .. })) =>
            {
                Ok(None)
            }
            Err(failure) => Err(failure.into_problem()),
        };
    }
    let expectations = Expectations { expiry: Expiry::Ignored, ..Expectations::of_access_tokens(&verifier.authorizer) };
    let verified = verifier.verify(cx, token, &expectations).await;
    let (claims, _) = verified.map_err(VerifyError::into_problem)?;
    Ok(expires_in(claims.expires_at(), now_secs()))
}
