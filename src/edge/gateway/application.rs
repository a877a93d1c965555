//! The application at the provider at work: its settings, and the verifier of what the provider issues.

use std::rc::Rc;

use crate::config::{Client, Endpoints, Provider};
use crate::edge::gateway::verifier::Verifier;
use crate::edge::runtime::http_client::Call;
use crate::edge::runtime::invocation::Invocation;
use crate::edge::runtime::timing::now_secs;
use crate::edge::runtime::webcrypto::{CryptoError, fresh_text, sign};
use crate::oauth::{Form, Outcome, TransportError, client_assertion};
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
    /// Returns the provider's addresses, from its discovery document if it has them.
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

    /// Sends a form of the application's.
    ///
    /// # Errors
    /// If no whole answer came in time.
    pub async fn send(&self, url: &str, form: Form) -> Outcome {
        let form = self.signed(form).await?;
        let (authorization, timeout_ms) = (form.authorization.as_deref(), self.timeout_ms());
        Call { url, form: Some(&form.body), authorization, signed_answer: form.signed_answer, timeout_ms }.send().await
    }

    /// Returns a form with an assertion, if the client authenticates by one.
    ///
    /// # Errors
    /// If WebCrypto does not take its key.
    pub fn signed(&self, form: Form) -> impl Future<Output = Result<Form, TransportError>> {
        signed(&self.provider.client, &self.provider.authorizer.issuer, form)
    }

    /// Returns how long one call to the provider may take.
    pub fn timeout_ms(&self) -> u32 {
        self.provider.authorizer.timeout_ms
    }
}

/// Returns a form with an assertion for an issuer, if the client authenticates by one.
///
/// # Errors
/// If WebCrypto does not take its key.
pub async fn signed(client: &Client, issuer: &str, mut form: Form) -> Result<Form, TransportError> {
    if let Some(key) = &client.private_key {
        let failed = |error: CryptoError| TransportError::Unreachable(["private_key: ", &error.0].concat());
        let assertion = client_assertion(&client.id, issuer, key, &fresh_text().map_err(failed)?, now_secs());
        form.sign(&assertion, &sign(key, &assertion).await.map_err(failed)?);
    }
    Ok(form)
}
