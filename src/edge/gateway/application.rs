//! The application at the provider at work: its settings, and the verifier of what the provider issues.

use std::rc::Rc;

use crate::config::{Endpoints, Provider};
use crate::edge::gateway::verifier::{Verifier, VerifyError};
use crate::edge::runtime::invocation::Invocation;
use crate::problem::Problem;
use crate::token::{Expectations, Expiry, Kind, VerifiedClaims};

/// The application at the provider that people log in at.
#[derive(Clone)]
pub struct Application {
    /// Its settings.
    pub provider: Rc<Provider>,
    /// The provider's authorizer at work.
    pub issuer: Rc<Verifier>,
}

impl Application {
    /// Returns the provider's addresses, from its discovery document if it has them.
    ///
    /// # Errors
    /// The provider's failure if that document cannot be had.
    pub async fn endpoints(&self, invocation: &dyn Invocation) -> Result<Rc<Endpoints>, Problem> {
        if let Some(endpoints) = &self.provider.endpoints {
            return Ok(Rc::clone(endpoints));
        }
        let endpoints = self.issuer.keys.current(invocation).await?.endpoints.clone();
        endpoints.ok_or_else(|| Problem::IdpUnavailable("its discovery document was never fetched".to_owned()))
    }

    /// Verifies an ID token or a logout token.
    ///
    /// # Errors
    /// Why it is not accepted.
    pub async fn verify(
        &self,
        invocation: &dyn Invocation,
        token: &str,
        kind: Kind,
    ) -> Result<VerifiedClaims, VerifyError> {
        let audience = &self.provider.client_id;
        let expectations = Expectations { audience, kind, ..self.issuer.access_token_expectations() };
        let expiry = if kind == Kind::Logout { Expiry::Optional } else { Expiry::Enforced };
        Ok(self.issuer.verify(invocation, token, &expectations, expiry).await?.0)
    }

    /// Returns how long one call to the provider may take.
    pub fn timeout_ms(&self) -> u32 {
        self.provider.authorizer.timeout_ms
    }
}
