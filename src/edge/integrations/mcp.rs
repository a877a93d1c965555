//! A path with `mcp`: what is done before its integration, and with the answer. Which session is whose is decided in
//! [`crate::session`].

use crate::config::{Mcp, Path};
use crate::edge::gateway::Gateway;
use crate::edge::request::answer::Answer;
use crate::edge::request::context::{McpHeader, RequestContext};
use crate::edge::runtime::boxed::{Boxed, boxed};
use crate::edge::runtime::sealing::mac;
use crate::http::header::MCP_SESSION;
use crate::http::request::RequestHead as _;
use crate::problem::Problem;
use crate::session::{
    MCP_SESSION_PURPOSE, McpSession, check_mcp_origin, check_mcp_session_name, mcp_caller, mcp_session_binding,
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

impl<'c> McpCall<'c> {
    /// Checks where the request comes from; returns what lets it into its session, if it is in one.
    ///
    /// # Errors
    /// [`Problem::OriginDenied`]; [`Problem::McpSessionNotFound`] if the session is not the caller's; those of [`mcp_caller`].
    pub fn admit(&self) -> Result<Option<Boxed<'c, Result<(), Problem>>>, Problem> {
        let Self { gateway, cx, path, .. } = *self;
        check_mcp_origin(cx, path, &cx.origin(), cx.cors(&gateway.config))?;
        mcp_caller(self.claims)?;
        let Some(sent) = cx.header(MCP_SESSION) else { return Ok(None) };
        let session = McpSession::parse(sent)?;
        Ok(Some(self.know(session.name.to_owned(), Some(session))))
    }

    /// Returns what gives an answer the client's name for its session, if it has one.
    ///
    /// # Errors
    /// [`Problem::UpstreamUnreachable`] if no client could send the server's name for it, or if the answer leads clients elsewhere: from there
    /// they would take where to log in.
    pub fn answered(&self, answer: &Answer) -> Result<Option<Boxed<'c, Result<(), Problem>>>, Problem> {
        self.cx.mcp_session.take();
        let Answer::Relayed(response) = answer else { return Ok(None) };
        if matches!(response.status(), 301..=303 | 307 | 308) {
            return Err(Problem::UpstreamUnreachable("it redirects, and MCP clients would follow".to_owned()));
        }
        let Some(name) = response.headers().get(MCP_SESSION).ok().flatten() else { return Ok(None) };
        check_mcp_session_name(&name)?;
        Ok(Some(self.know(name, None)))
    }

    /// Computes the code of a session by the server's name for it: checks that it is that of the client, if it `sent` one.
    fn know(&self, name: String, sent: Option<McpSession<'c>>) -> Boxed<'c, Result<(), Problem>> {
        let Self { cx, path, mcp, claims, .. } = *self;
        boxed(async move {
            let origin = cx.origin();
            let resource = match &path.protected_resource {
                Some(resource) => resource.identifier(&origin),
                None => [&origin, cx.path()].concat(),
            };
            let binding = mcp_session_binding(&name, claims, &resource)?;
            let code = mac(mcp.session_key.expose(), MCP_SESSION_PURPOSE, &binding).await?;
            cx.mcp_session.replace(match sent {
                Some(sent) => {
                    sent.check(&code)?;
                    McpHeader::Sent(name)
                }
                None => McpHeader::Given(mcp_session_for_client(&name, &code)),
            });
            Ok(())
        })
    }
}
