//! `auth0_backchannel_logout`: the provider ending sessions (OpenID Connect Back-Channel Logout 1.0).

use crate::edge::gateway::application::Application;
use crate::edge::request::answer::Answer;
use crate::edge::request::body::read_body;
use crate::edge::request::context::RequestContext;
use crate::edge::runtime::timing::now_secs;
use crate::edge::session::objects::spend;
use crate::http::request::query_parameter;
use crate::oauth::{BodyKind, logout_token_expectations, validate_logout_token};
use crate::objects::LogoutIndexAnswer;
use crate::problem::Problem;
use crate::session::index_subject;

/// Ends the sessions that a logout token names.
///
/// # Errors
/// 400 if it is not a logout token or was used before; 503 if a session could not be ended, so that the provider tries again.
pub async fn run(cx: &RequestContext, application: Application) -> Result<Answer, Problem> {
    let body = read_body(cx).await?;
    let token = match BodyKind::of(cx)? {
        BodyKind::Form => query_parameter(body.as_deref(), "logout_token"),
        BodyKind::Json => return Err(Problem::UnsupportedMediaType),
    };
    let token = token.ok_or(Problem::LogoutTokenRefused("there is none"))?;
    let expectations = logout_token_expectations(&application.provider);
    let verified = application.verifier.verify(cx, &token, &expectations).await;
    let (claims, _) = verified.map_err(|failure| failure.or(Problem::LogoutTokenInvalid))?;
    let logout = validate_logout_token(&claims, expectations.clock_skew_secs, now_secs())
        .map_err(Problem::LogoutTokenRefused)?;

    let index = index_subject(logout.claim, claims.text("iss").unwrap_or_default(), logout.value);
    match spend(application.timeout_ms(), cx, &index, logout.jti, logout.valid_until).await? {
        LogoutIndexAnswer::Done => Ok(Answer::private_json("{}".to_owned())),
        LogoutIndexAnswer::Replayed => Err(Problem::LogoutTokenRefused("it was used before")),
        LogoutIndexAnswer::Failed | LogoutIndexAnswer::Gone => {
            Err(Problem::StoreUnavailable("a session could not be ended".to_owned()))
        }
    }
}
