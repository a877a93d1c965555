//! The provider that people log in at, and what a login takes.

use std::rc::Rc;

use super::authorizer::Authorizer;
use super::provider::{AuthMethod, Endpoints, SCOPE};
use super::shared_secret::SECRET_MIN_BYTES;
use crate::jwks::SigningKey;
use crate::secret::Secret;

/// An application at an identity provider.
pub struct Provider {
    /// Whose tokens it gives.
    pub authorizer: Rc<Authorizer>,
    /// The application at the provider.
    pub client_id: String,
    /// The application's secret; without one the code exchange relies on PKCE alone.
    pub client_secret: Option<Secret<String>>,
    /// How it authenticates, if the config says so.
    pub auth_method: Option<AuthMethod>,
    /// Whether Basic has its name and its secret unencoded.
    pub raw_client_secret: bool,
    /// What it signs with; only an application that authenticates by `private_key_jwt` has one.
    pub private_key: Option<Rc<SigningKey>>,
    /// What every authorization request says by the config, by the names of its parameters.
    pub parameters: Vec<(String, String)>,
    /// Where refresh tokens are revoked, if the config says so.
    pub revocation_endpoint: Option<String>,
    /// How long a late duplicate of a refresh gets the first one's answer; 0 turns that off.
    pub rotation_grace_secs: u32,
    /// The provider's addresses; `None` if they stand in its discovery document.
    pub endpoints: Option<Rc<Endpoints>>,
    /// Whether the config has others, so that it must name itself when it sends a browser back (RFC 9207).
    pub is_one_of_several: bool,
}

impl Provider {
    /// Returns the value that the config gives a parameter of authorization requests.
    pub fn parameter(&self, name: &str) -> Option<&str> {
        self.parameters.iter().find(|(own, _)| own == name).map(|(_, value)| value.as_str())
    }

    /// Checks whether logins ask for a scope.
    pub fn asks_for(&self, scope: &str) -> bool {
        self.parameter(SCOPE.name).is_some_and(|scopes| scopes.split(' ').any(|asked| asked == scope))
    }
}

/// A login that begins at the gateway.
pub struct Login {
    /// Where people log in.
    pub provider: Rc<Provider>,
    /// What its state is sealed with.
    pub sealing_secret: Secret<String>,
}

impl Login {
    /// Checks whether login states are sealed with a secret that can be found by trying: the provider chose it, so it is no mistake.
    pub fn seals_weakly(&self) -> bool {
        self.sealing_secret.expose().len() < SECRET_MIN_BYTES
    }
}
