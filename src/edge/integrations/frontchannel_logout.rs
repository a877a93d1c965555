//! `auth0_frontchannel_logout`: a page of the provider ending the browser's session (OpenID Connect Front-Channel Logout 1.0).

use crate::address::Address;
use crate::config::Session;
use crate::edge::gateway::Gateway;
use crate::edge::request::answer::Answer;
use crate::edge::request::context::RequestContext;
use crate::edge::session::lifecycle;
use crate::http::header::NO_STORE;
use crate::http::request::RequestHead as _;
use crate::oauth::frontchannel_sid;
use crate::problem::Problem;

/// Ends the browser's session, if the provider means that one.
///
/// # Errors
/// [`Problem::CsrfRejected`] if anybody could have made the request, and [`Problem::StoreUnavailable`] if the session lives on.
pub async fn run(gateway: &Gateway, cx: &RequestContext, session: &Session) -> Result<Answer, Problem> {
    let authorizer = &session.login.provider.authorizer;
    let is_framed = cx.header("sec-fetch-dest").is_none_or(|dest| dest == "iframe" || dest == "frame");
    let sid = frontchannel_sid(cx.query(), authorizer).filter(|_| is_framed && cx.header("sec-purpose").is_none());
    lifecycle::end_at_provider(gateway, cx, session, sid.ok_or(Problem::CsrfRejected)?).await?;
    let framer = Address::parse(&authorizer.issuer).map_or_else(|| "'none'".to_owned(), |address| address.origin());
    let policy = ["default-src 'none'; frame-ancestors ", &framer].concat();
    Ok(Answer::page(200, vec![("cache-control".into(), NO_STORE.into())], policy.into(), String::new()))
}
