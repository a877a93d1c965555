//! A path with `mcp`: what is done before its integration, and with the answer. Which session is whose is decided in
//! [`crate::session`].

use crate::config::{Integration, Mcp, Path};
use crate::edge::gateway::Gateway;
use crate::edge::request::answer::Answer;
use crate::edge::request::context::{McpHeader, RequestContext};
use crate::edge::runtime::boxed::{Boxed, boxed};
use crate::edge::runtime::sealing::mac;
use crate::edge::session::watch;
use crate::http::header::MCP_SESSION;
use crate::http::request::RequestHead as _;
use crate::problem::Problem;
use crate::session::{
    MCP_SESSION_PURPOSE, McpSession, check_mcp_origin, check_mcp_session_name, mcp_session_binding,
    mcp_session_for_client,
};
use crate::token::VerifiedClaims;

/// A request to an MCP server.
pub struct McpCall<'c> {
    /// The gateway.
    pub gateway: &'c Gateway,
    /// The request.
    pub cx: &'c RequestContext,
    /// The path that took it.
    pub path: &'c Path,
    /// What is done there.
    pub mcp: &'c Mcp,
    /// The claims of its token.
    pub claims: &'c VerifiedClaims,
}

impl McpCall<'_> {
    /// Lets the request in: in a session of the caller's, or in none.
    ///
    /// # Errors
    /// [`Problem::OriginDenied`]; [`Problem::McpSessionNotFound`] if the session is not the caller's.
    pub async fn admit(&self) -> Result<(), Problem> {
        let Self { gateway, cx, path, .. } = *self;
        check_mcp_origin(cx, path, &cx.origin(), cx.cors(&gateway.config))?;
        if let Some(sent) = cx.header(MCP_SESSION) {
            let session = McpSession::parse(sent)?;
            session.check(&self.code(session.name).await?)?;
            cx.mcp_session.replace(McpHeader::Sent(session.name.to_owned()));
        }
        Ok(())
    }

    /// Passes an answer on, with the client's name for its session, until the login is over.
    ///
    /// # Errors
    /// [`Problem::UpstreamUnreachable`] if no client could send the session's name; those of [`watch::close_at_expiry`].
    pub async fn finish(&self, answer: Answer) -> Result<Answer, Problem> {
        let Self { gateway, cx, path, claims, .. } = *self;
        cx.mcp_session.take();
        let Answer::Relayed(mut response) = answer else { return Ok(answer) };
        if let Some(name) = response.headers().get(MCP_SESSION).ok().flatten() {
            check_mcp_session_name(&name)?;
            let given = mcp_session_for_client(&name, &self.code(&name).await?);
            cx.mcp_session.replace(McpHeader::Given(given));
        }
        if !matches!(path.integration, Integration::HttpProxy { .. }) {
            response = watch::close_at_expiry(gateway, cx, path, &response, claims)?;
        }
        Ok(Answer::Relayed(response))
    }

    /// Computes the code behind a session's name.
    fn code<'s>(&'s self, name: &'s str) -> Boxed<'s, Result<String, Problem>> {
        boxed(async move {
            let Self { cx, path, mcp, claims, .. } = *self;
            let origin = cx.origin();
            let resource = match &path.protected_resource {
                Some(resource) => resource.identifier(&origin),
                None => [&origin, cx.pattern()].concat(),
            };
            let binding = mcp_session_binding(name, claims, &resource)?;
            Ok(mac(mcp.session_key.expose(), MCP_SESSION_PURPOSE, &binding).await?)
        })
    }
}
