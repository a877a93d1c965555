//! The config that the gateway works by.

use std::fmt;
use std::rc::Rc;

use super::access::Access;
use super::api_key::key_prefix;
use super::authorizer::Authorizer;
use super::cors::Cors;
use super::headers::HeaderTexts;
use super::integration::{CallbackResponse, Integration, ProfileSource};
use super::introspection::Introspection;
use super::login::{Login, Provider};
use super::networks::Networks;
use super::otlp::Otlp;
use super::path::Path;
use super::session::{ClaimsFrom, Session};
use crate::route::RouteTable;

/// More token requests in a row than this many are more than one waits for.
const ROW_MAX: usize = 16;

/// A gateway config in which everything is known, checked and compiled.
///
/// Any text of it may be the value of a secret, so neither it nor its parts show one in `Debug`.
pub struct Config {
    /// The rule for other origins, on paths without their own; without one no CORS header is sent.
    pub cors: Option<Cors>,
    /// Whether a path has its own.
    pub has_cors_of_paths: bool,
    /// Whose tokens are accepted, in the order of the file.
    pub authorizers: Vec<Rc<Authorizer>>,
    /// What API keys begin with.
    pub key_prefixes: Vec<String>,
    /// How providers are asked about access tokens, each with the client that asks.
    pub introspections: Vec<(Rc<Provider>, Introspection)>,
    /// The path at which people begin a login.
    pub login_path: Option<String>,
    /// The provider that people log in at.
    pub provider: Option<Rc<Provider>>,
    /// The login there, if the provider has a secret that it can be sealed with.
    pub login: Option<Rc<Login>>,
    /// The sessions for browsers; without it every client holds its tokens itself.
    pub session: Option<Rc<Session>>,
    /// Where requests may come from; anywhere without it.
    pub networks: Option<Networks>,
    /// Headers that every answer gets.
    pub headers: HeaderTexts,
    /// Whether answers say how long their parts took.
    pub server_timing: bool,
    /// The path to which a navigation is redirected if it meets a problem; without one it gets a page of the gateway.
    pub problem_page: Option<String>,
    /// Whether failures have the codes of SAG, if it had any.
    pub older_codes: bool,
    /// The binding of the Analytics Engine dataset that each answer is written to.
    pub analytics: Option<String>,
    /// Whether events are written to it, too.
    pub counts_events: bool,
    /// Where spans and measurements are sent.
    pub otlp: Option<Otlp>,
    /// The paths, in the order of the file; behind them those that come from other sections.
    pub paths: Vec<Path>,
    /// Finds the index in `paths` for a request.
    pub routes: RouteTable,
    /// Whether requests with a session read its ID token: its claims are the session's, or in a profile.
    pub reads_id_tokens: bool,
    /// Whether a path lists sessions, so that they must be found by user.
    pub lists_sessions: bool,
    /// Lower-case names of the headers that a mapping of any path sets, or that API keys come in, in any order: no client may send them to
    /// an upstream.
    pub asserted_headers: Vec<String>,
}

impl Config {
    /// Checks whether people log in elsewhere than at an authorizer whose tokens open a path.
    pub fn logs_in_elsewhere(&self, access: &Access) -> bool {
        let is_of =
            |provider: &Rc<Provider>| access.authorizers().iter().any(|one| Rc::ptr_eq(one, &provider.authorizer));
        self.provider.as_ref().is_some_and(|provider| !is_of(provider))
    }

    /// Checks whether a text begins as the API keys of an authorizer do: nobody but the gateway is sent one.
    pub fn is_api_key(&self, text: &str) -> bool {
        self.key_prefixes.iter().any(|prefix| key_prefix(text) == Some(prefix))
    }

    /// Checks whether the claims of sessions are those of their ID tokens.
    fn has_sessions_by_id_token(&self) -> bool {
        self.session.as_deref().is_some_and(is_by_id_token)
    }

    /// Checks whether an ID token could be taken for an access token of an authorizer: sessions stand on ID tokens, which a logout puts
    /// into an address, and both kinds are for the client.
    pub fn takes_id_tokens(&self, authorizer: &Rc<Authorizer>) -> bool {
        let is_for_client = |provider: &Rc<Provider>| {
            Rc::ptr_eq(&provider.authorizer, authorizer) && provider.client.id == authorizer.audience
        };
        self.has_sessions_by_id_token()
            && authorizer.audience_claim.is_none()
            && self.provider.as_ref().is_some_and(is_for_client)
    }

    /// Checks whether the provider can end sessions here, so that they must be found by user.
    pub fn has_backchannel_logout(&self) -> bool {
        self.paths.iter().any(|path| matches!(path.integration, Integration::BackchannelLogout(_)))
    }

    /// Checks whether sessions keep the ID token of their login: requests may read it, and by it the logout of an OpenID provider knows
    /// whom to log out.
    pub fn keeps_id_tokens(&self) -> bool {
        let at_openid_provider = self.provider.as_ref().is_some_and(|provider| provider.endpoints.is_none());
        let logs_out = |path: &Path| matches!(path.integration, Integration::Logout(_));
        self.reads_id_tokens || at_openid_provider && self.paths.iter().any(logs_out)
    }

    /// Checks whether a client may have a refresh token of the application: if logins end only in sessions, none does.
    pub fn gives_refresh_tokens(&self) -> bool {
        let gives = |path: &Path| match &path.integration {
            Integration::Callback { response, .. } => !matches!(response, CallbackResponse::Session(_)),
            _ => false,
        };
        self.session.is_none() || self.paths.iter().any(gives)
    }

    /// Returns how many token requests may begin with one refresh token of a client's: for the login, and for each of `apis`.
    pub fn exchanges_max(&self) -> u32 {
        let apis = |path: &Path| match &path.integration {
            Integration::Refresh { targets, .. } => targets.len(),
            _ => 0,
        };
        u32::try_from(self.paths.iter().map(apis).sum::<usize>().min(ROW_MAX)).unwrap_or_default() + 1
    }
}

fn is_by_id_token(session: &Session) -> bool {
    session.rules.claims_from == ClaimsFrom::IdToken
}

/// Checks whether requests with a session read its ID token. It looks at every path: a config is asked this once.
pub(super) fn reads_id_tokens(session: Option<&Session>, paths: &[Path]) -> bool {
    let reads = |path: &Path| match path.integration {
        Integration::Userinfo { source, .. } => source != ProfileSource::Userinfo,
        _ => false,
    };
    session.is_some_and(is_by_id_token) || paths.iter().any(reads)
}

impl fmt::Debug for Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Config").field("paths", &self.paths.len()).finish_non_exhaustive()
    }
}
