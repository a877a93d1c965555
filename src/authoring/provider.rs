//! Identity providers in the commands that write a config: their names on the command line and in the config.

use crate::config::AuthorizerKind;
use crate::config::authorizer::keys::{auth0, oidc};

/// Whose tenant it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Provider {
    /// Auth0.
    Auth0,
    /// Another OpenID Connect provider, found by its discovery document.
    Oidc,
}

impl Provider {
    /// Returns the type of its authorizers.
    pub(crate) fn kind(self) -> AuthorizerKind {
        match self {
            Self::Auth0 => AuthorizerKind::Auth0,
            Self::Oidc => AuthorizerKind::Oidc,
        }
    }

    /// Returns the provider's word in types and paths.
    pub fn word(self) -> &'static str {
        self.kind().name()
    }

    /// Returns the key of an authorizer that names the tenant.
    pub fn tenant_key(self) -> &'static str {
        match self {
            Self::Auth0 => auth0::DOMAIN.name,
            Self::Oidc => oidc::ISSUER.name,
        }
    }

    /// Describes the value of that key.
    pub fn about_tenant(self) -> &'static str {
        match self {
            Self::Auth0 => "The tenant's host, without https://.",
            Self::Oidc => "The provider's issuer, exactly as in its discovery document.",
        }
    }

    /// Returns the name of the tenant's variable.
    pub fn tenant_variable(self) -> String {
        self.variable(&self.tenant_key().to_ascii_uppercase())
    }

    /// Returns the name of a variable of the provider.
    pub fn variable(self, name: &str) -> String {
        format!("{}_{name}", self.word().to_ascii_uppercase())
    }
}
