//! Every failure, and the answer it gets: status, code, headers, body (RFC 9457).
//!
//! The answer is fixed text, with nothing from a request, the provider or a secret. The reason for the log is
//! what the variant carries.

mod challenge;
mod failure;
mod kind;
mod older;
mod page;
mod refusal;

use crate::config::Access;
use crate::http::header::{Header, NO_STORE, push, quoted};
use crate::json::{self, ToText as _};
use crate::token::Scheme;
pub use challenge::Challenge;
pub use failure::{Problem, ProviderError, RetryAfter};
pub use kind::ProblemKind;
pub use page::{FORM_POLICY, PAGE_POLICY, WayOn, page_of};

/// The header that has the code, for clients that hand a body on without reading it. No upstream can send it.
pub const CODE_HEADER: &str = "x-problem-code";

impl Problem {
    /// Returns the status of the answer.
    pub fn status(&self) -> u16 {
        self.kind().status
    }

    /// Returns the stable name of the failure.
    pub fn code(&self) -> &'static str {
        self.kind().code
    }

    /// Returns the headers that this failure adds to the answer, whatever its body is, besides its challenge.
    pub fn headers(&self) -> Vec<Header> {
        let mut headers = Vec::new();
        push(&mut headers, "cache-control", NO_STORE.into());
        push(&mut headers, CODE_HEADER, self.code().into());
        if let Self::MethodNotAllowed(allow) = self {
            push(&mut headers, "allow", allow.to_string().into());
        }
        if let Some(RetryAfter(seconds)) = self.retry_after() {
            push(&mut headers, "retry-after", seconds.to_string().into());
        }
        // draft-ietf-httpapi-ratelimit-headers-10.
        if let Self::RateLimited { wait_secs, policy: Some((max, period_secs)) } = self {
            push(&mut headers, "ratelimit-policy", format!("\"path\";q={max};w={period_secs}").into());
            push(&mut headers, "ratelimit", format!("\"path\";r=0;t={wait_secs}").into());
        }
        headers
    }

    /// Returns the value of `WWW-Authenticate`, with the scopes that a path with `access` needs and the address of its metadata. `sent` is
    /// the scheme by which a token came, if one did. Without a user, it also says in which headers the path takes API keys.
    pub fn challenge(&self, access: Option<&Access>, sent: Scheme, metadata_url: Option<&str>) -> Option<String> {
        let challenge = self.kind().challenge?;
        let needed = access.map(|access| &access.requirements);
        let schemes = challenge::schemes(access.and_then(|access| access.dpop.as_deref()), sent);
        let (needed, more) = match self {
            Self::ScopeNotGiven(missing) => (None, &**missing),
            // A client that requests only what is missing would lose what it has.
            Self::InsufficientScope(said) if said.iter().all(|text| !text.is_empty()) => {
                let [_, held] = &**said;
                (needed, &**held)
            }
            _ => (needed, ""),
        };
        let mut text = challenge.to_text(schemes, needed, more, metadata_url);
        let mut headers: Vec<&str> = Vec::new();
        for keys in
            access.map(Access::authorizers).unwrap_or_default().iter().filter_map(|authorizer| authorizer.api_keys())
        {
            if self.status() == 401 && !headers.contains(&keys.header_name.as_str()) {
                headers.push(&keys.header_name);
                text.push_str(", ApiKey header=");
                text.push_str(&quoted(&keys.header));
            }
        }
        Some(text)
    }

    /// Returns when to try again.
    fn retry_after(&self) -> Option<RetryAfter> {
        match self {
            Self::RateLimited { wait_secs, .. } => Some(RetryAfter::from_secs(*wait_secs)),
            Self::IdpRateLimited(retry_after) => Some(*retry_after),
            _ => self.kind().retry.then(RetryAfter::default),
        }
    }

    /// Returns the body for a client of an authorization server (RFC 6749 section 5.2).
    pub fn oauth_body(&self) -> String {
        let error = match (self, self.status()) {
            (Self::ClientRefused(said), _) => &*said.error,
            (_, 429 | 503 | 504) => "temporarily_unavailable",
            (_, 500..) => "server_error",
            _ => "invalid_request",
        };
        json::object(&mut [("error", error.into()), ("error_description", self.detail().into())]).to_text()
    }

    /// Returns the body as JSON, with a refresh token for a client whose own is used. An older code takes the place of `code`, which is
    /// then beside it.
    pub fn body(&self, request_id: &str, older_code: Option<&str>, refresh_token: Option<&str>) -> String {
        let ProblemKind { status, code, title, .. } = *self.kind();
        // Without an older code the same member is written twice, and is once in the object.
        let beside = if older_code.is_some() { "bargate_code" } else { "code" };
        let members = &mut [
            ("type", format!("urn:bargate:problem:{code}").into()),
            ("title", title.into()),
            ("status", status.into()),
            ("detail", self.detail().into()),
            ("code", older_code.unwrap_or(code).into()),
            (beside, code.into()),
            ("request_id", request_id.into()),
            ("error", title.into()),
        ];
        json::with_text(json::object(members), "refresh_token", refresh_token).to_text()
    }
}
