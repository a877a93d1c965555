//! The `mcp` of a path: what the gateway does for a server of the Model Context Protocol behind it.

use super::document::{Node, Value};
use super::host_only::HostOnly;
use super::path::keys as path_keys;
use super::reader::{Findings, ObjectReader, Written, is_on};
use super::section::section;
use super::shared_secret::note_if_weak;
use crate::secret::Secret;

/// A path that leads to an MCP server by Streamable HTTP.
pub struct Mcp {
    /// What the ids of its sessions are bound to their users with.
    pub session_key: Secret<String>,
    /// Whether the client's access token stays with the gateway.
    pub keeps_token: bool,
}

/// A section as it is written.
#[derive(Clone)]
pub(crate) struct WrittenMcp<'n> {
    /// Its own key for sessions.
    pub session_key: Option<Written<'n>>,
    /// Whether the server gets the client's access token.
    pub forward_token: bool,
    /// The section.
    pub node: &'n Node<'n>,
    /// Where the server is said to get the token.
    pub forward_offset: HostOnly<Option<usize>>,
}

/// Reads the section of a path.
pub(super) fn read_mcp<'n>(entry: &mut ObjectReader<'n, '_>, findings: &mut Findings<'_>) -> Option<WrittenMcp<'n>> {
    let node = entry.node(&path_keys::MCP)?;
    let place = path_keys::MCP.at(entry.place());
    if !is_on(node, &place, findings) {
        return None;
    }
    let mut read = WrittenMcp { session_key: None, forward_token: false, node, forward_offset: HostOnly::default() };
    if let Value::Object(_) = &node.value {
        let mut object = ObjectReader::open(node, &place, findings)?;
        read.session_key = object.text(&SESSION_KEY, findings);
        if let Some(written) = &read.session_key {
            let help = "make one with `openssl rand -base64 48`";
            note_if_weak(written, help, &SESSION_KEY.at(&place), findings);
        }
        read.forward_token = object.boolean(&FORWARD_TOKEN, findings);
        read.forward_offset = HostOnly::of(|| object.node(&FORWARD_TOKEN).map(|node| node.offset));
        object.finish(findings);
    }
    Some(read)
}

section! {
    Section::new(
        "mcp",
        "mcp",
        "A server of the Model Context Protocol behind the path, by Streamable HTTP. `true` is enough if the authorizer that \
         people log in at has a `sealing_key` or a `client_secret`.\n\nA session (`Mcp-Session-Id`) is only for the user and the \
         resource that began it; with another's, an altered or an unknown id the answer is 404 `mcp_session_not_found`, and the server \
         does not see the request. Streams end with the login, as with `close_at_expiry`. The client's access token does not reach the \
         server. A page needs an origin in `cors`, which then covers the headers of the protocol. See [MCP \
         servers](recipes/mcp-servers.md).",
    )
        .example(
            r#"{
                    "servers": [{ "alias": "orders", "url": "$env.ORDERS_URL" }],
                    "authorizer": {
                        "type": "jwt",
                        "issuer": "https://id.example.com",
                        "jwks_uri": "https://id.example.com/jwks",
                        "audience": "https://mcp.example.com/orders"
                    },
                    "paths": [
                        {
                            "method": "ANY",
                            "path": "/orders",
                            "auth": { "scopes": ["read:orders"] },
                            "protected_resource": { "resource": "https://mcp.example.com/orders" },
                            "mcp": { "session_key": "$secret.MCP_SESSION_KEY" },
                            "integration": { "type": "http_proxy", "server": "orders" }
                        }
                    ]
                }"#,
        );

    SESSION_KEY: Text = text("session_key", SigningSecret), Hidden("binds sessions with another key"),
        "What the ids of sessions are bound to their users with, of at least 32 bytes, the same at all paths of a server. With another \
         key, clients begin their sessions again.",
        default_words("the `sealing_key`, or else the `client_secret`, of the authorizer that people log in at"),
        example("$secret.MCP_SESSION_KEY");
    FORWARD_TOKEN: Boolean = boolean("forward_token"), On("sends the server its clients' access tokens"),
        "Sends the server the client's access token. Only for a server that is itself the audience of the token and checks it: the \
         protocol forbids a server to use a token that was issued for another. It has no effect for a server with `authorization`, which gets the \
         gateway's own token.",
        example(true);
}
