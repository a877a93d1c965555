//! What a path is there for.

use crate::config::document::Node;

/// What a path is there for, where that matters to a warning.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum RouteKind {
    /// The redirect to a login.
    Login,
    /// The way back from it.
    Callback,
    /// The exchange of a refresh token.
    Refresh,
    /// A profile.
    Userinfo,
    /// The end of a session.
    Logout,
    /// The provider ending sessions.
    BackchannelLogout,
    /// A step of a login by one-time password.
    Otp,
    /// The step of it that gives tokens.
    OtpVerify,
    /// The state of the gateway.
    Health,
    /// An upstream, a module or another Worker.
    Forwarding,
    /// An answer that stands in the config.
    Fixed,
}

impl RouteKind {
    /// Gives that of a path; `None` where its integration is not known.
    pub fn of(path: &Node<'_>) -> Option<Self> {
        let Some(integration) = path.get("integration") else { return Some(Self::Fixed) };
        let kind = integration.text("type")?;
        let of_provider = kind.strip_prefix("auth0_").or_else(|| kind.strip_prefix("oidc_"));
        Some(match (of_provider, kind) {
            (Some("login" | "callback_redirect"), _) => Self::Login,
            (Some("callback"), _) => Self::Callback,
            (Some("refresh"), _) => Self::Refresh,
            (Some("userinfo"), _) => Self::Userinfo,
            (Some("logout"), _) => Self::Logout,
            (Some("backchannel_logout"), _) => Self::BackchannelLogout,
            (_, "supabase_passwordless_verify") => Self::OtpVerify,
            (_, "supabase_passwordless_auth" | "supabase_passwordless_auth_alt") => Self::Otp,
            (_, "health") => Self::Health,
            (_, "http" | "http_proxy" | "service" | "service_binding") => Self::Forwarding,
            (_, "static" | "redirect") => Self::Fixed,
            _ => return None,
        })
    }

    /// Tells whether it asks a provider.
    pub fn needs_provider(self) -> bool {
        match self {
            Self::Login | Self::Callback | Self::Refresh | Self::Userinfo | Self::Logout | Self::BackchannelLogout => {
                true
            }
            Self::Otp | Self::OtpVerify | Self::Health | Self::Forwarding | Self::Fixed => false,
        }
    }

    /// Tells whether it is open by its nature: who calls it has no token yet, or shows another credential.
    pub fn is_open(self) -> bool {
        match self {
            Self::Login
            | Self::Callback
            | Self::Refresh
            | Self::Logout
            | Self::BackchannelLogout
            | Self::Otp
            | Self::OtpVerify
            | Self::Health => true,
            Self::Userinfo | Self::Forwarding | Self::Fixed => false,
        }
    }
}
