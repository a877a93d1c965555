//! The application at the provider at work: its settings, and the verifier of what the provider issues.

use std::rc::Rc;

use crate::config::{Endpoints, Provider};
use crate::edge::gateway::verifier::Verifier;
use crate::edge::runtime::invocation::Invocation;
use crate::problem::Problem;

/// The application at the provider that people log in at.
#[derive(Clone)]
pub struct Application {
    /// Its settings.
    pub provider: Rc<Provider>,
    /// The provider's authorizer at work.
    pub verifier: Rc<Verifier>,
}

impl Application {
    /// Returns the provider's addresses, from its discovery document if they stand there.
    ///
    /// # Errors
    /// The provider's failure if that document cannot be had.
    pub async fn endpoints(&self, invocation: &dyn Invocation) -> Result<Rc<Endpoints>, Problem> {
        if let Some(endpoints) = &self.provider.endpoints {
            return Ok(Rc::clone(endpoints));
        }
        let endpoints = self.verifier.keys.current(invocation).await?.endpoints.clone();
        endpoints.ok_or_else(|| Problem::IdpUnavailable("it was never discovered".to_owned()))
    }

    /// Returns how long one call to the provider may take.
    pub fn timeout_ms(&self) -> u32 {
        self.provider.authorizer.timeout_ms
    }
}
