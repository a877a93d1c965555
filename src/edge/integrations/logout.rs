//! `auth0_logout`: the end of a session here, of its refresh token, and of the session at the provider.

use crate::edge::gateway::Gateway;
use crate::edge::request::answer::Answer;
use crate::edge::request::exchange::Exchange;
use crate::edge::session;
use crate::http::request::{RequestHead as _, query_parameter};
use crate::oauth::{logout_url, validate_return_to};
use crate::problem::Problem;
use crate::session::{Risk, is_from_own_pages};

/// Ends the session and redirects to the provider's logout.
///
/// # Errors
/// [`Problem::CsrfRejected`], [`Problem::ReturnToRejected`], and [`Problem::StoreUnavailable`] where the session lives on.
pub async fn run(gateway: &Gateway, exchange: &Exchange) -> Result<Answer, Problem> {
    let issuer = gateway.login_issuer()?;
    let session = gateway.config.session.as_ref().ok_or(Problem::ConfigInvalid)?;
    let origin = exchange.origin();
    let own = match Risk::of(exchange) {
        Risk::Unsafe => is_from_own_pages(exchange, &origin, gateway.config.cors.as_ref(), Risk::Unsafe),
        Risk::Safe | Risk::WebSocket => is_followed_link(exchange),
    };
    if !own {
        return Err(Problem::CsrfRejected);
    }
    let return_to = query_parameter(exchange.query(), "return_to");
    let return_to = match &return_to {
        Some(written) => validate_return_to(written, &origin, &session.return_to_origins)?,
        None => session.after_logout.clone(),
    };
    let return_to = if return_to.starts_with('/') { format!("{origin}{return_to}") } else { return_to };

    session::end(gateway, exchange, session).await?;
    let endpoints = issuer.endpoints(exchange).await?;
    Ok(Answer::redirect(303, logout_url(issuer.provider()?, &endpoints, return_to)))
}

/// Tells whether a GET is that of a page of ours, and meant: a link or a picture on any site makes one, and so does a browser that
/// fetches ahead what nobody has asked for yet.
fn is_followed_link(exchange: &Exchange) -> bool {
    let says = |name: &str, wanted: &[&str]| exchange.header(name).is_none_or(|value| wanted.contains(&&*value));
    exchange.header("sec-fetch-site").is_some_and(|site| site == "same-origin")
        && says("sec-fetch-dest", &["document", "empty"])
        && exchange.header("sec-purpose").is_none()
}
