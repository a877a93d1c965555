//! The headers of an answer that the gateway makes (`src/edge/request/answer.rs`). Cookies that it sets are not among them.

use super::progress::Walk;
use crate::answer::{Closing, ConfiguredHeaders, Sharing, push_transport_headers};
use crate::config::Path;
use crate::cors::{self, answer_headers};
use crate::http::header::{Header, push};
use crate::http::request::{RequestHead as _, is_request_id};

/// What an id is called that the gateway makes.
pub const FRESH_ID: &str = "<a fresh id>";

/// Which kind of answer it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Made {
    /// That of a path.
    Answer,
    /// That of a failure; a page has its policy.
    Problem(Option<&'static str>),
    /// That of a preflight.
    Preflight,
}

impl Walk<'_> {
    /// Returns the headers of an answer that has `headers` of its own, in the order of their names.
    pub(super) fn made(&self, headers: &[Header], made: Made) -> Vec<(String, String)> {
        let Self { known, request, .. } = *self;
        let path = self.index.and_then(|index| known.config.paths.get(index));
        let shown = self.index.and_then(|index| known.shown.paths.get(index));
        let rule = self.cors_rule(path).map(|(rule, _)| rule);
        let readable = rule.filter(|_| made != Made::Preflight);
        let is_problem = matches!(made, Made::Problem(_));
        let origin = readable.and_then(|_| request.header("origin"));
        let mut own = readable
            .map(|rule| answer_headers(rule, origin, is_problem, path.is_some_and(|path| path.mcp.is_some())))
            .unwrap_or_default();
        push_transport_headers(&mut own, request.url());
        push(&mut own, "x-request-id", self.id().to_owned().into());
        let configured = ConfiguredHeaders::of(&known.shown.headers);
        let vary = if made == Made::Preflight { Some(cors::PREFLIGHT_VARY) } else { rule.and_then(cors::vary) };
        let rules = shown.filter(|_| made == Made::Answer).map(|path| &path.response_headers);
        let sharing = if made == Made::Preflight { Sharing::Anyone } else { self.sharing(path) };
        let closing = Closing { own, rules, configured: Some(&configured), vary, sharing, keeps_challenges: false };
        let policy = match made {
            Made::Problem(policy) => policy,
            Made::Answer | Made::Preflight => None,
        };
        let changes = closing.of_made(headers, policy);
        let mut headers = changes.carried_out(&[]);
        headers.sort();
        headers
    }

    /// Returns the request's id in answers and logs.
    pub(super) fn id(&self) -> &str {
        self.request.header("x-request-id").filter(|id| is_request_id(id)).unwrap_or(FRESH_ID)
    }

    fn sharing(&self, path: Option<&Path>) -> Sharing {
        let optional = path.and_then(|path| path.access.as_ref()).is_some_and(|access| access.requirements.optional);
        match (self.has_session, optional && self.known.config.session.is_some()) {
            (true, _) => Sharing::Nobody,
            (false, true) => Sharing::ByCookie,
            (false, false) => Sharing::Anyone,
        }
    }
}
