//! `auth0_userinfo`: the profile of the access token's owner.

use std::rc::Rc;

use crate::edge::gateway::Gateway;
use crate::edge::gateway::application::Application;
use crate::edge::request::answer::Answer;
use crate::edge::request::context::RequestContext;
use crate::edge::runtime::http_client::Call;
use crate::edge::session::access;
use crate::http::request::RequestHead as _;
use crate::oauth::validate_profile;
use crate::problem::Problem;
use crate::token::{Credentials, VerifiedClaims, bare_token, bearer, claimed_text};

/// Asks the provider for the profile, with the token of `X-Access-Token`, else the bearer token, else that of the session.
///
/// # Errors
/// The answer to the client.
pub async fn run(
    gateway: &Gateway,
    cx: &RequestContext,
    application: &Application,
    claims: Option<&VerifiedClaims>,
) -> Result<Answer, Problem> {
    let own_header = cx.header("x-access-token");
    let authorization = cx.header("authorization");
    let credentials = match bare_token(own_header.as_deref()) {
        Credentials::Absent => bearer(authorization.as_deref()),
        given => given,
    };
    let (token, subject) = match credentials {
        Credentials::Bearer(token) => (Rc::from(token), None),
        Credentials::Malformed => return Err(Problem::CredentialsMalformed),
        Credentials::Absent => {
            let session = access::token(gateway, cx).await?.ok_or(Problem::AccessTokenMissing)?;
            (session.token, session.subject)
        }
    };
    // OpenID Connect speaks of the ID token's `sub`: that of the session's login, or of the token that opened the path if that
    // is one. At Auth0 the access token's is the same; elsewhere it may be a name of another kind.
    let provider = &application.provider;
    let at_auth0 = provider.endpoints.is_some();
    let subject = subject.map(|subject| subject.to_string());
    let subject = subject.or_else(|| claimed_text(&token, "sub").filter(|_| at_auth0));
    let subject =
        subject.as_deref().or_else(|| claims.filter(|_| provider.parameter("audience").is_none())?.text("sub"));
    let endpoints = application.endpoints(cx).await?;
    let url = endpoints.userinfo.as_deref().ok_or(Problem::IdpError("it has no userinfo endpoint", None))?;
    let (authorization, timeout_ms) = (format!("Bearer {token}"), application.timeout_ms());
    let call = Call { url, form: None, authorization: Some(&authorization), timeout_ms };
    validate_profile(&call.send().await?, subject).map(Answer::private_json)
}
