//! The life of a session: its cookie, who may use it, when it is renewed and when it ends.
//!
//! Decisions only. The edge stores, seals and requests sessions; what the provider's answers mean is
//! [`crate::oauth`]'s.

mod cache;
mod cookie;
mod csrf;
mod expiry;
mod index;
mod login_redirect;
mod mcp;
mod own_tokens;
mod record;
mod tokens;

pub use cache::{Known, SessionCache, SessionToken};
pub use cookie::{Presented, SessionCookie, presented};
pub use csrf::{RequestKind, is_from_own_pages, may_log_out};
pub use expiry::{Step, Term};
pub use index::{IndexRecord, index_subject};
pub use login_redirect::{LoginRedirect, login_redirect};
pub use mcp::{
    MCP_SESSION_PURPOSE, McpSession, check_mcp_origin, check_mcp_session_name, mcp_caller, mcp_session_binding,
    mcp_session_for_client,
};
pub use own_tokens::OwnTokens;
pub use record::{LoginClient, SessionRecord, TOKEN_CACHE_MAX_SECS, TokenState, revocable};
pub use tokens::{Held, Tokens};
