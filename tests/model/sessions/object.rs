//! What the object of a session stores, and how it changes that by itself.

use bargate::config::{Authorizer, ClaimsFrom, KeySource, SessionRules};
use bargate::session::{LoginClient, SessionCookie, SessionRecord, Tokens};
use bargate::token::Authentication;

use super::{LIFE_SECS, Left, REVOCATION_RESTART_MS, SessionWorld, Settle, SettleAt};

pub(super) fn rules() -> SessionRules {
    SessionRules {
        cookie: "__Host-s".into(),
        claims_from: ClaimsFrom::AccessToken,
        idle_secs: LIFE_SECS,
        absolute_secs: LIFE_SECS,
        after_login: "/".into(),
        after_logout: "/".into(),
        return_to_origins: Vec::new(),
        rotation_grace_secs: 10,
        renew_before_secs: 60,
        keeps_user_agent: false,
        keeps_country: false,
    }
}

pub(super) fn authorizer() -> Authorizer {
    Authorizer {
        name: String::new(),
        issuer: String::new(),
        tenants: Vec::new(),
        audience: String::new(),
        audience_claim: None,
        claims: Vec::new(),
        keys: KeySource::Discovery(String::new()),
        algorithms: Vec::new(),
        clock_skew_secs: 0,
        timeout_ms: 1,
        dpop: None,
        is_supabase: false,
        logs_in: true,
    }
}

pub(super) fn cookie() -> SessionCookie {
    SessionCookie::from_random([1; 16], [2; 16])
}

/// Seals tokens under the cookie's key, and behind a space the refresh token for the gateway.
pub(super) fn sealed(key: &str, tokens: &Tokens) -> String {
    let text = tokens.to_json().replace(' ', "\u{1}");
    format!("{key}|{text} {}", tokens.refresh.as_deref().unwrap_or_default())
}

pub(super) fn login_tokens() -> Tokens {
    Tokens {
        access: "login".into(),
        refresh: Some("r0".into()),
        subject: None,
        sid: None,
        id_token: None,
        authentication: Authentication::default(),
        held: Vec::new(),
    }
}

#[expect(clippy::large_enum_variant, reason = "it lives for one step")]
pub(super) enum Opened {
    Nothing,
    AnothersKey,
    Tokens(SessionRecord, Tokens),
}

impl SessionWorld {
    pub(super) fn record(&self) -> Option<SessionRecord> {
        self.state.as_deref().and_then(SessionRecord::parse)
    }

    pub(super) fn opened(&self, key: &str) -> Opened {
        let Some(record) = self.record() else { return Opened::Nothing };
        let Some((sealed_under, text)) = record.sealed_tokens().split_once('|') else { return Opened::AnothersKey };
        if sealed_under != key {
            return Opened::AnothersKey;
        }
        let members: serde_json::Value = serde_json::from_str(&text.replace('\u{1}', " ")).unwrap();
        let tokens = Tokens::from_json(members.as_object().unwrap()).unwrap();
        Opened::Tokens(record, tokens)
    }

    /// `create` there; `false` if it was ended before it began.
    pub(super) fn create(&mut self, now: i64, token_until_ms: i64) -> bool {
        let now = now / 1000;
        let record = SessionRecord {
            used_at: now,
            idle_secs: LIFE_SECS,
            ends_at: now + LIFE_SECS,
            token_from: now,
            token_until: token_until_ms / 1000,
            sealed: sealed(&cookie().key(), &login_tokens()),
            began_at: Some(now),
            is_listed: false,
            client: LoginClient::default(),
        };
        if self.state.is_some() && !matches!(self.opened(&cookie().key()), Opened::Tokens(..)) {
            return false;
        }
        self.alarm = Some(record.ends_by() * 1000);
        self.state = Some(record.to_json());
        true
    }

    /// `leave` in `session.js`.
    pub(super) fn leave(&mut self, sealed: Option<String>, now: i64, sets_alarm: bool) {
        self.state = None;
        if let Some(sealed) = sealed {
            self.owe(sealed, now, sets_alarm);
        }
    }

    /// `owe` there.
    pub(super) fn owe(&mut self, sealed: String, now: i64, sets_alarm: bool) {
        let failures = self.left.as_ref().map_or(0, |left| left.failures);
        self.left = Some(Left { sealed: Some(sealed), failures });
        if sets_alarm {
            self.alarm = Some(now + REVOCATION_RESTART_MS);
        }
    }

    /// `settled` there, up to its first await.
    pub(super) fn begin_to_settle(&mut self, sealed: Option<String>) {
        let at = if sealed.is_some() { SettleAt::OnTheWay } else { SettleAt::Provider };
        self.settled += 1;
        self.settles.push(Settle { serial: self.settled, sealed, is_second: false, at });
    }

    pub(super) fn erase(&mut self) {
        (self.state, self.left, self.alarm) = (None, None, None);
    }
}
