//! The types of provider in the config that an import makes.

use super::starting_point::{Asked, StartingPoint};
use crate::config::authorizer::keys::{auth0, oidc};
use crate::config::{AuthorizerKind, Diagnostic};

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

    /// Returns why no config with this provider may have an answer; `None` if one may.
    pub fn mistake(self, asked: Asked, answer: &str) -> Option<Diagnostic> {
        StartingPoint::of(self.word()).next()?.mistake(asked, answer)
    }

    /// Returns the name of a variable of the provider.
    pub fn variable(self, name: &str) -> String {
        format!("{}_{name}", self.word().to_ascii_uppercase())
    }
}
