//! An OpenID provider that finds the reuse of refresh tokens.

use bargate::config::TokenTarget;
use bargate::oauth::{Outcome, ProviderResponse};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

/// What requests want: the token of the login, or one for an audience.
pub const TARGETS: [Option<&str>; 5] =
    [None, Some("audience\na\n\na"), Some("audience\nb\n\nb"), Some("audience\nc\n\nc"), Some("audience\nd\n\nd")];

/// For how long an access token is valid, in seconds.
pub const TOKEN_LIFE_SECS: i64 = 600;

pub fn audience(target: Option<&str>) -> &str {
    target.and_then(TokenTarget::parse).map_or("login", |target| target.audience)
}

/// How a provider is set.
#[derive(Clone, Copy)]
pub struct ProviderRules {
    /// Whether it replaces refresh tokens.
    pub rotates: bool,
    /// For how long it takes a refresh token that it replaced, in milliseconds. Auth0 calls it the overlap.
    pub overlap_ms: i64,
    /// Whether the end of one refresh token ends all of its login, as RFC 7009 section 2.1 recommends.
    pub revokes_family: bool,
    /// The audience that it refuses, without spending the refresh token.
    pub refused: Option<&'static str>,
    /// The audience for which it answers with a token for that of the login.
    pub ignored: Option<&'static str>,
}

/// Replaces refresh tokens, and takes none twice.
pub const STRICT: ProviderRules =
    ProviderRules { rotates: true, overlap_ms: 0, revokes_family: false, refused: None, ignored: None };

/// Takes the refresh token before for half a minute, as Bargate advises for Auth0.
pub const OVERLAPPING: ProviderRules = ProviderRules { overlap_ms: 30_000, ..STRICT };

#[derive(Clone, Hash, PartialEq, Eq)]
struct Issued {
    parent: Option<usize>,
    spent_at: Option<i64>,
    is_revoked: bool,
}

/// The provider, and the refresh tokens of one login: `r0`, and what took its place.
#[derive(Clone, Hash)]
pub struct Provider {
    issued: Vec<Issued>,
    /// Whether it has found a reuse, and revoked them all.
    pub found_reuse: bool,
    pub token_requests: u8,
}

/// How a provider takes a refresh token.
#[derive(PartialEq, Eq)]
pub enum Verdict {
    Valid,
    /// It was used before: somebody may have stolen it.
    Reused,
    Revoked,
}

impl Provider {
    pub fn new() -> Self {
        Self {
            issued: vec![Issued { parent: None, spent_at: None, is_revoked: false }],
            found_reuse: false,
            token_requests: 0,
        }
    }

    fn index(token: &str) -> usize {
        token[1..].parse().unwrap()
    }

    pub fn verdict(&self, rules: &ProviderRules, token: &str, now: i64) -> Verdict {
        let index = Self::index(token);
        let issued = &self.issued[index];
        if self.found_reuse || issued.is_revoked {
            return Verdict::Revoked;
        }
        // Only the refresh token before is taken once more: none whose successor was used.
        let mut children = self.issued.iter().filter(|child| child.parent == Some(index));
        match issued.spent_at {
            Some(spent_at) if now >= spent_at + rules.overlap_ms => Verdict::Reused,
            Some(_) if children.any(|child| child.spent_at.is_some()) => Verdict::Reused,
            _ => Verdict::Valid,
        }
    }

    /// Answers a token request.
    pub fn refresh(&mut self, rules: &ProviderRules, token: &str, target: Option<&str>, now: i64) -> Outcome {
        self.token_requests = self.token_requests.saturating_add(1);
        match self.verdict(rules, token, now) {
            Verdict::Valid => {}
            verdict => {
                self.found_reuse |= verdict == Verdict::Reused;
                return answer(400, r#"{"error":"invalid_grant"}"#.into());
            }
        }
        let audience = audience(target);
        if rules.refused == Some(audience) {
            return answer(400, r#"{"error":"invalid_target"}"#.into());
        }
        let audience = if rules.ignored == Some(audience) { "login" } else { audience };
        let claims = URL_SAFE_NO_PAD.encode(format!(r#"{{"aud":"{audience}","n":{}}}"#, self.issued.len()));
        let mut body = format!(r#"{{"access_token":"h.{claims}.s","expires_in":{TOKEN_LIFE_SECS}"#);
        if rules.rotates {
            let index = Self::index(token);
            self.issued[index].spent_at.get_or_insert(now);
            body += &format!(r#","refresh_token":"r{}""#, self.issued.len());
            self.issued.push(Issued { parent: Some(index), spent_at: None, is_revoked: false });
        }
        answer(200, body + "}")
    }

    pub fn revoke(&mut self, rules: &ProviderRules, token: &str) {
        if rules.revokes_family {
            self.issued.iter_mut().for_each(|issued| issued.is_revoked = true);
        } else {
            self.issued[Self::index(token)].is_revoked = true;
        }
    }

    /// Returns the refresh tokens that somebody could still use.
    pub fn usable(&self) -> Vec<String> {
        let usable = |issued: &Issued| !self.found_reuse && !issued.is_revoked && issued.spent_at.is_none();
        let tokens = self.issued.iter().enumerate().filter(|(_, issued)| usable(issued));
        tokens.map(|(index, _)| format!("r{index}")).collect()
    }

    /// Checks whether a refresh token is a replaced one.
    pub fn is_spent(&self, token: &str) -> bool {
        self.issued[Self::index(token)].spent_at.is_some()
    }
}

fn answer(status: u16, body: String) -> Outcome {
    Ok(ProviderResponse { status, retry_after: None, body })
}
