//! `auth0_logout`: the end of a session here, of its refresh token, and of the session at the provider.

use crate::config::Session;
use crate::edge::gateway::Gateway;
use crate::edge::request::answer::Answer;
use crate::edge::request::context::RequestContext;
use crate::edge::runtime::timing::now_secs;
use crate::edge::session::lifecycle;
use crate::http::request::{RequestHead as _, query_parameter};
use crate::oauth::{logout_url, validate_return_to};
use crate::problem::Problem;
use crate::session::may_log_out;

/// Ends the session and redirects to the provider's logout.
///
/// # Errors
/// [`Problem::CsrfRejected`], [`Problem::ReturnToRejected`], and [`Problem::StoreUnavailable`] if the session lives on.
pub async fn run(gateway: &Gateway, cx: &RequestContext, session: &Session) -> Result<Answer, Problem> {
    let rules = &session.rules;
    if !may_log_out(cx, cx.url(), cx.cors(&gateway.config)) {
        return Err(Problem::CsrfRejected);
    }
    let origin = cx.origin();
    let return_to = query_parameter(cx.query(), "return_to");
    let return_to = match &return_to {
        Some(written) => validate_return_to(written, &origin, &rules.return_to_origins)?,
        None => rules.after_logout.clone(),
    };
    let return_to = if return_to.starts_with('/') { format!("{origin}{return_to}") } else { return_to };

    let id_token = lifecycle::end(gateway, cx, session).await?;
    let provider = &session.login.provider;
    let endpoints = gateway.application(provider).endpoints(cx).await?;
    let state = query_parameter(cx.query(), "state");
    let url = logout_url(provider, &endpoints, return_to, id_token.as_deref(), state.as_deref(), now_secs());
    Ok(Answer::redirect(303, url))
}
