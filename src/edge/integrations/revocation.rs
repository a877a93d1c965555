//! `auth0_revocation`: the end of a client's refresh token, and of what has taken its place (RFC 7009).

use crate::edge::auth::{grants, rotation};
use crate::edge::gateway::Gateway;
use crate::edge::gateway::application::Application;
use crate::edge::request::answer::Answer;
use crate::edge::request::body::read_body;
use crate::edge::request::context::RequestContext;
use crate::edge::runtime::webcrypto::digest;
use crate::oauth::{Ended, check_form, read_refresh, refresh_token_header};
use crate::problem::Problem;

/// Revokes the refresh token. What no client can have is as good as revoked.
///
/// # Errors
/// The answer to the client, by docs/refresh.md.
pub async fn run(gateway: &Gateway, cx: &RequestContext, application: Application) -> Result<Answer, Problem> {
    let body = if refresh_token_header(cx).is_empty() { read_body(cx).await? } else { None };
    let (refresh_token, _) = read_refresh(cx, body.as_deref(), "token", &[])?;
    let refresh_token = refresh_token.ok_or(Problem::RefreshTokenMissing)?;
    if gateway.config.gives_refresh_tokens() && check_form(&refresh_token).is_ok() {
        let name = digest(refresh_token.expose()).await?;
        let begun = grants::begin(gateway, cx, &[&name])?;
        let revoked = rotation::revoke(&application, cx, refresh_token).await;
        if begun {
            grants::end(gateway, cx, &[&name], Ended::by(None, false));
        }
        revoked?;
    }
    Ok(Answer::private_json("{}".to_owned()))
}
