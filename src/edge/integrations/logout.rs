//! `auth0_logout`: the end of a session here, of its refresh token, and of the session at the provider.

use wasm_bindgen::JsValue;
use wasm_bindgen_futures::future_to_promise;

use crate::edge::answer::Answer;
use crate::edge::authenticate::authorizer;
use crate::edge::exchange::Exchange;
use crate::edge::gateway::Gateway;
use crate::edge::{provider, session};
use crate::oauth::{logout_url, validate_return_to};
use crate::problem::Problem;
use crate::request::{RequestHead as _, query_parameter};
use crate::session::{Risk, is_from_own_pages};

/// Ends the session and redirects to the provider's logout.
///
/// # Errors
/// [`Problem::CsrfRejected`], [`Problem::ReturnToRejected`], and [`Problem::StoreUnavailable`] where the session lives on.
pub async fn run(gateway: &Gateway, exchange: &Exchange) -> Result<Answer, Problem> {
    let (auth0, _) = authorizer(gateway)?;
    let session = gateway.config.session.as_ref().ok_or(Problem::ConfigInvalid)?;
    let origin = exchange.origin();
    let own = match Risk::of(exchange) {
        Risk::Unsafe => is_from_own_pages(exchange, &origin, gateway.config.cors.as_ref(), Risk::Unsafe),
        // A link or picture on any site makes a GET, so here the browser must say that it was a page of ours.
        Risk::Safe | Risk::WebSocket => exchange.header("sec-fetch-site").is_some_and(|site| site == "same-origin"),
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

    if let Some(refresh_token) = session::end(gateway, exchange, session).await? {
        let auth0 = auth0.clone();
        exchange.keep_alive(&future_to_promise(async move {
            provider::revoke(&auth0, &refresh_token).await;
            Ok(JsValue::UNDEFINED)
        }));
    }
    Ok(Answer::redirect(303, logout_url(auth0, &return_to)))
}
