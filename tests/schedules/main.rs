//! Several audiences and one refresh token: whatever the order in which requests, objects and the provider act, and whichever object
//! restarts, no refresh token is used twice, and nobody gets a token for another audience.
//!
//! What each of them decides is the core's. A schedule is a list of choices among the steps that could come next.

#![allow(clippy::expect_used, clippy::indexing_slicing, clippy::panic, clippy::unwrap_used)]

mod clients;
mod sessions;

use bargate::config::TokenTarget;
use bargate::oauth::{Outcome, ProviderResponse};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

const NOW: i64 = 10_000;

/// What requests want: the token of the login, or one for an audience.
const TARGETS: [Option<&str>; 5] =
    [None, Some("audience\na\n\na"), Some("audience\nb\n\nb"), Some("audience\nc\n\nc"), Some("audience\nd\n\nd")];

fn audience(target: Option<&str>) -> &str {
    target.and_then(TokenTarget::parse).map_or("login", |target| target.audience)
}

/// A provider that rotates refresh tokens, and takes the second use of one for theft.
#[derive(Default)]
struct Provider {
    current: u32,
    is_revoked: bool,
    calls: usize,
    /// The audience that it refuses, without spending the refresh token.
    refused: Option<&'static str>,
    /// The audience for which it answers with a token for that of the login.
    ignored: Option<&'static str>,
    /// Whether it takes the last refresh token but one, too.
    overlaps: bool,
}

impl Provider {
    fn answer(&mut self, refresh_token: &str, target: Option<&str>) -> Outcome {
        let answer = |status, body| Ok(ProviderResponse { status, retry_after: None, body });
        self.calls += 1;
        let used: u32 = refresh_token.parse().unwrap();
        let is_valid = used == self.current || self.overlaps && used + 1 == self.current;
        if !is_valid || self.is_revoked {
            self.is_revoked = true;
            return answer(400, r#"{"error":"invalid_grant"}"#.into());
        }
        let audience = audience(target);
        if self.refused == Some(audience) {
            return answer(400, r#"{"error":"invalid_target"}"#.into());
        }
        self.current += 1;
        let audience = if self.ignored == Some(audience) { "login" } else { audience };
        let claims = URL_SAFE_NO_PAD.encode(format!(r#"{{"aud":"{audience}"}}"#));
        answer(200, format!(r#"{{"access_token":"h.{claims}.s","refresh_token":"{}","expires_in":600}}"#, self.current))
    }
}
