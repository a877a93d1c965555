//! The form in which a client is told of a failure, and the headers that it brings.

use crate::config::Path;
use crate::http::header::{Header, push};
use crate::http::request::{RequestHead, is_navigation};
use crate::problem::Problem;
use crate::token::{Credentials, Scheme, credentials};

/// How a failure is answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProblemForm<'c> {
    /// By the way to this page of the config.
    Redirect(&'c str),
    /// By a page of the gateway.
    Page,
    /// As JSON (RFC 9457).
    Json,
}

impl<'c> ProblemForm<'c> {
    /// Returns the form for a request; `page` is the config's page for failures, if it has one.
    pub fn of(request: &impl RequestHead, page: Option<&'c str>) -> Self {
        if !is_navigation(request) {
            return Self::Json;
        }
        // A problem of that path itself gets a page here.
        page.filter(|page| *page != request.path()).map_or(Self::Page, Self::Redirect)
    }
}

/// Returns the headers that the failure of a request at a path of `origin` brings to its answer, whatever its body is.
pub fn problem_headers(
    problem: &Problem,
    path: Option<&Path>,
    request: &impl RequestHead,
    origin: &dyn Fn() -> String,
) -> Vec<Header> {
    let access = path.and_then(|path| path.access.as_ref());
    let resource = path.and_then(|path| path.protected_resource.as_ref());
    let metadata_url = resource.map(|resource| resource.metadata_url(&origin()));
    let mut headers = problem.headers();
    let dpop = access.and_then(|access| access.dpop.as_deref());
    let sent = || match credentials(request.header("authorization"), true) {
        Credentials::Dpop(_) => Scheme::Dpop,
        Credentials::Absent | Credentials::Malformed | Credentials::Bearer(_) => Scheme::Bearer,
    };
    let sent = dpop.map_or(Scheme::Bearer, |_| sent());
    if let Some(challenge) = problem.challenge(access, sent, metadata_url.as_deref()) {
        push(&mut headers, "www-authenticate", challenge.into());
    }
    headers
}
