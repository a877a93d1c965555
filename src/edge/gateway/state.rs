//! The gateway active: its config at work, and what it remembers between requests.
//!
//! What is shared between requests are settled values.

use std::cell::RefCell;
use std::rc::Rc;

use crate::config::{Authorizer, BINDING_COOKIE, Config, Provider};
use crate::edge::gateway::application::Application;
use crate::edge::gateway::verifier::Verifier;
use crate::edge::runtime::host::{configured, header_lines};
use crate::edge::runtime::single_flight::SingleFlight;
use crate::http::cookie::name_on;
use crate::http::header::HOP_BY_HOP_HEADERS;
use crate::oauth::{Attempts, Outcome};
use crate::proxy::{CORS_RESPONSE_HEADERS, DROPPED_REQUEST_HEADERS, DROPPED_RESPONSE_HEADERS};
use crate::session::SessionCache;

/// A gateway whose config is valid, and what it remembers between requests.
pub struct Gateway {
    /// The config.
    pub config: Config,
    /// What no client's request brings to an upstream, one name a line, with `-` for `_`.
    pub dropped_request_headers: String,
    /// The cookies that only the gateway sets, one name a line.
    pub own_cookies: String,
    /// The config's own headers of answers, as they cross.
    pub headers: String,
    /// What no upstream's answer brings to a client, one name a line.
    pub dropped_response_headers: String,
    /// The authorizers at work, in the order of the config.
    pub issuers: Vec<Rc<Verifier>>,
    /// Access tokens of sessions, by cookie.
    pub sessions: RefCell<SessionCache>,
    /// Token requests of refresh tokens, by the token's SHA-256, if no Durable Object makes them.
    pub refreshes: SingleFlight<(Rc<Outcome>, bool)>,
    /// Grants of clients that the provider refused, and codes that were used.
    pub attempts: RefCell<Attempts>,
}

impl Gateway {
    /// Returns an authorizer at work; one that is not the config's begins with nothing known.
    pub fn issuer(&self, authorizer: &Rc<Authorizer>) -> Rc<Verifier> {
        let known = self.issuers.iter().find(|issuer| Rc::ptr_eq(&issuer.authorizer, authorizer));
        known.cloned().unwrap_or_else(|| Verifier::begin(authorizer, None))
    }

    /// Returns the application of a provider at work.
    pub fn application(&self, provider: &Rc<Provider>) -> Application {
        Application { provider: Rc::clone(provider), issuer: self.issuer(&provider.authorizer) }
    }

    /// Activates a config. What `previous` has started or knows of the same provider stays: a change of the config
    /// must not split a token request, nor drop the keys.
    pub fn new(config: Config, previous: Option<&Self>) -> Self {
        let issuers: Vec<_> = config
            .authorizers
            .iter()
            .map(|authorizer| {
                let mut known = previous.into_iter().flat_map(|previous| &previous.issuers);
                Verifier::begin(authorizer, known.find_map(|issuer| issuer.keys.serving(authorizer)))
            })
            .collect();
        let issuer = |config: &Config| config.provider.as_ref().map(|provider| provider.authorizer.issuer.clone());
        let same = previous.filter(|previous| issuer(&previous.config) == issuer(&config));
        let refreshes = same.map(|previous| previous.refreshes.clone());
        // In a name of the config's a `*` is a sign like others.
        let asserted = config.asserted_headers.iter().map(|name| name.replace('*', "-"));
        let dropped = HOP_BY_HOP_HEADERS.iter().chain(&[DROPPED_REQUEST_HEADERS]).map(|names| (*names).to_owned());
        let of_cors = if config.cors.is_some() { CORS_RESPONSE_HEADERS.as_slice() } else { &[] };
        let own_cookies = config.session.iter().map(|session| session.rules.cookie.as_str()).chain([BINDING_COOKIE]);
        let own_cookies: Vec<&str> = own_cookies.flat_map(|name| [name, name_on(name, true)]).collect();
        Self {
            own_cookies: own_cookies.join("\n"),
            headers: header_lines(&configured(&config.headers).collect::<Vec<_>>()),
            dropped_request_headers: dropped.chain(asserted).collect::<Vec<_>>().join("\n"),
            dropped_response_headers: [DROPPED_RESPONSE_HEADERS.as_slice(), of_cors].concat().join("\n"),
            issuers,
            refreshes: refreshes.unwrap_or_default(),
            attempts: RefCell::default(),
            config,
            sessions: RefCell::default(),
        }
    }
}
