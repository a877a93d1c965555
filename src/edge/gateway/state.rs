//! The gateway active: its config at work, and what it remembers between requests.
//!
//! What is shared between requests are settled values.

use std::cell::RefCell;
use std::rc::Rc;

use js_sys::Array;

use crate::answer::ConfiguredHeaders;
use crate::config::{Authorizer, Config, Provider};
use crate::edge::gateway::application::Application;
use crate::edge::gateway::verifier::Verifier;
use crate::edge::runtime::single_flight::SingleFlight;
use crate::edge::runtime::timing::now_ms;
use crate::oauth::Attempts;
use crate::proxy::ClientHeaderNames;
use crate::route::KnownRoutes;
use crate::session::{OwnTokens, SessionCache};

/// A gateway whose config is valid, and what it remembers between requests.
pub struct Gateway {
    /// The config.
    pub config: Config,
    /// What is known of the names of clients' headers.
    pub client_header_names: ClientHeaderNames,
    /// The config's own headers of answers.
    pub headers: ConfiguredHeaders,
    /// The routes that were found before.
    pub known_routes: RefCell<KnownRoutes>,
    /// What is kept of answers of the config, by place (`request/answer.rs`).
    pub known_answers: Array,
    /// The verifiers of its authorizers, in the order of the config.
    pub verifiers: Vec<Rc<Verifier>>,
    /// Access tokens of sessions, by cookie.
    pub sessions: RefCell<SessionCache>,
    /// Token requests of refresh tokens, by the token's SHA-256, if no Durable Object makes them.
    pub refreshes: SingleFlight,
    /// The gateway's own tokens for upstreams.
    pub own_tokens: RefCell<OwnTokens>,
    /// Requests for such tokens, by what tells them apart.
    pub token_requests: SingleFlight,
    /// Grants of clients that the provider refused, and codes that were used.
    pub attempts: RefCell<Attempts>,
}

impl Gateway {
    /// Returns the verifier of an authorizer; one that is not the config's begins with nothing known.
    pub fn verifier(&self, authorizer: &Rc<Authorizer>) -> Rc<Verifier> {
        let known = self.verifiers.iter().find(|verifier| Rc::ptr_eq(&verifier.authorizer, authorizer));
        known.cloned().unwrap_or_else(|| Verifier::begin(authorizer, None))
    }

    /// Returns the application of a provider at work.
    pub fn application(&self, provider: &Rc<Provider>) -> Application {
        Application { provider: Rc::clone(provider), verifier: self.verifier(&provider.authorizer) }
    }

    /// Returns the time in milliseconds since 1970 if the config has a use for how long something takes from here: each look at the
    /// clock is a crossing.
    pub fn begin_measuring(&self) -> Option<f64> {
        let Config { server_timing, analytics, otlp, .. } = &self.config;
        (*server_timing || analytics.is_some() || otlp.is_some()).then(now_ms)
    }

    /// Activates a config. What `previous` has started or knows of the same provider stays: a change of the config
    /// must not split a token request, nor drop the keys.
    pub fn new(config: Config, previous: Option<&Self>) -> Self {
        let verifiers: Vec<_> = config
            .authorizers
            .iter()
            .map(|authorizer| {
                let mut known = previous.into_iter().flat_map(|previous| &previous.verifiers);
                Verifier::begin(authorizer, known.find_map(|verifier| verifier.keys.serving(authorizer)))
            })
            .collect();
        let issuer = |config: &Config| config.provider.as_ref().map(|provider| provider.authorizer.issuer.clone());
        let same = previous.filter(|previous| issuer(&previous.config) == issuer(&config));
        let refreshes = same.map(|previous| previous.refreshes.clone());
        Self {
            headers: ConfiguredHeaders::of(&config.headers),
            client_header_names: ClientHeaderNames::new(&config.asserted_headers),
            known_routes: RefCell::default(),
            known_answers: Array::new(),
            verifiers,
            refreshes: refreshes.unwrap_or_default(),
            own_tokens: RefCell::default(),
            token_requests: SingleFlight::default(),
            attempts: RefCell::default(),
            config,
            sessions: RefCell::default(),
        }
    }
}
