//! The provider that people log in at, and the settings of a login.

use std::rc::Rc;

use super::authorizer::Authorizer;
use super::client::Client;
use super::provider::{Endpoints, RESOURCE, SCOPE};
use super::shared_secret::SECRET_MIN_BYTES;
use super::token_target::TokenTarget;
use crate::algorithm::Algorithm;
use crate::secret::Secret;

/// A client at an identity provider, and what it is for.
pub struct Provider {
    /// The authorizer of its tokens.
    pub authorizer: Rc<Authorizer>,
    /// The client.
    pub client: Client,
    /// Parameters that the config adds to every authorization request.
    pub parameters: Vec<(String, String)>,
    /// Resources that logins request besides, so that refreshes may request tokens for them (RFC 8707 section 2.2).
    pub login_resources: Vec<String>,
    /// Parameters of a login path that a client may choose.
    pub client_parameters: Vec<String>,
    /// Whether authorization requests are pushed, also if the provider does not require it (RFC 9126).
    pub pushes_requests: bool,
    /// Whether the provider posts its authorization responses (OAuth 2.0 Form Post Response Mode).
    pub posts_responses: bool,
    /// The revocation endpoint, if the config has one.
    pub revocation_endpoint: Option<String>,
    /// How long late duplicates of a refresh get the first answer; 0 disables that.
    pub rotation_grace_secs: u32,
    /// The algorithm of ID tokens and logout tokens, if it is not one of the authorizer's.
    pub id_token_algorithm: Option<Algorithm>,
    /// The provider's endpoints; `None` if its discovery document has them.
    pub endpoints: Option<Rc<Endpoints>>,
    /// Whether the config has other providers, so that this one must name its issuer in authorization responses (RFC 9207).
    pub is_one_of_several: bool,
}

impl Provider {
    /// Returns the config's value of a parameter of authorization requests. Some providers ignore the case of its name.
    pub fn parameter(&self, name: &str) -> Option<&str> {
        self.parameters.iter().find(|(own, _)| own.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    /// Returns the algorithms that ID tokens and logout tokens may be signed with.
    pub fn id_token_algorithms(&self) -> &[Algorithm] {
        self.id_token_algorithm.as_ref().map_or(&self.authorizer.algorithms, std::slice::from_ref)
    }

    /// Returns the resources that tokens are requested for, each as a parameter (RFC 8707 section 2).
    pub fn resources(&self) -> impl Iterator<Item = &(String, String)> {
        self.parameters.iter().filter(|(name, _)| name == RESOURCE.name)
    }

    /// Has logins request the resource that refreshes request later: the provider gives tokens only for what a login was for.
    pub(super) fn request_at_login(&mut self, target: &str) {
        let Some(target) = TokenTarget::parse(target).filter(|target| target.parameter == RESOURCE.name) else {
            return;
        };
        let value = target.value;
        if !self.resources().any(|(_, known)| known == value) && !self.login_resources.iter().any(|one| one == value) {
            self.login_resources.push(value.to_owned());
        }
        for scope in target.scope.split(' ').filter(|scope| !scope.is_empty()) {
            if !self.asks_for(scope)
                && let Some((_, scopes)) = self.parameters.iter_mut().find(|(name, _)| name == SCOPE.name)
            {
                scopes.push(' ');
                scopes.push_str(scope);
            }
        }
    }

    /// Checks whether logins request a scope.
    pub fn asks_for(&self, scope: &str) -> bool {
        self.parameter(SCOPE.name).is_some_and(|scopes| scopes.split(' ').any(|asked| asked == scope))
    }
}

/// A login that begins at the gateway.
pub struct Login {
    /// The provider.
    pub provider: Rc<Provider>,
    /// The secret that seals its state.
    pub sealing_secret: Secret<String>,
}

impl Login {
    /// Checks whether the secret that seals login states can be guessed. The provider chose it, so that is not an error.
    pub fn seals_weakly(&self) -> bool {
        self.sealing_secret.expose().len() < SECRET_MIN_BYTES
    }
}
