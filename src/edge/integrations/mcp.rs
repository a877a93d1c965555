//! A path with `mcp`: what is done before its integration, and with the answer. Which session is whose is decided in
//! [`crate::session`].

use std::rc::Rc;

use crate::config::{Integration, Mcp, Path};
use crate::edge::gateway::Gateway;
use crate::edge::request::answer::Answer;
use crate::edge::request::context::{McpHeader, RequestContext};
use crate::edge::runtime::boxed::boxed;
use crate::edge::runtime::sealing::mac;
use crate::edge::session::watch;
use crate::http::header::MCP_SESSION;
use crate::http::request::RequestHead as _;
use crate::problem::Problem;
use crate::route::Match;
use crate::session::{
    MCP_SESSION_PURPOSE, McpSession, check_mcp_origin, check_mcp_session_name, mcp_session_binding,
    mcp_session_for_client,
};
use crate::token::VerifiedClaims;

/// Answers a request to an MCP server: in a session of the caller's, or in none.
///
/// # Errors
/// [`Problem::OriginDenied`]; [`Problem::McpSessionNotFound`] if the session is not the caller's; those of its integration.
pub async fn run(
    gateway: &Rc<Gateway>,
    cx: &Rc<RequestContext>,
    path: &Path,
    mcp: &Mcp,
    matched: &Match<'_, '_>,
    claims: Rc<VerifiedClaims>,
) -> Result<Answer, Problem> {
    check_mcp_origin(&**cx, path, &cx.origin(), cx.cors(&gateway.config))?;
    let resource = match &path.protected_resource {
        Some(resource) => resource.identifier(&cx.origin()),
        None => [&cx.origin(), cx.pattern()].concat(),
    };
    let code = async |name: &str| {
        let binding = mcp_session_binding(name, &claims, &resource)?;
        Ok::<_, Problem>(mac(mcp.session_key.expose(), MCP_SESSION_PURPOSE, &binding).await?)
    };
    let sent = cx.header(MCP_SESSION).map(McpSession::parse).transpose()?;
    if let Some(session) = sent {
        session.check(&code(session.name).await?)?;
        cx.mcp_session.replace(McpHeader::Sent(session.name.to_owned()));
    }
    let answer = boxed(super::run(gateway, cx, path, matched, Some(Rc::clone(&claims)))).await?;
    let Answer::Relayed(mut response) = answer else { return Ok(answer) };
    let given = match response.headers().get(MCP_SESSION).ok().flatten() {
        None => McpHeader::Absent,
        Some(name) => {
            check_mcp_session_name(&name)?;
            McpHeader::Given(mcp_session_for_client(&name, &code(&name).await?))
        }
    };
    if !matches!(path.integration, Integration::HttpProxy { .. }) {
        response = watch::close_at_expiry(gateway, cx, path, &response, &claims)?;
    }
    cx.mcp_session.replace(given);
    Ok(Answer::Relayed(response))
}
