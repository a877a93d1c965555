//! What is stored of a session, and what its age means.
//!
//! Times are seconds since 1970. The tokens are sealed under the half of the cookie that is stored nowhere; only the times
//! can be read without it. The refresh token is there once more, sealed for the gateway, which revokes it when the session ends.

use serde_json::{Map, Value};

use super::tokens::Held;
use crate::config::SessionRules;
use crate::json::{self, ToText as _};
use crate::oauth::TokenResponse;

/// An isolate uses a token for this long without asking the session again, so that a logout is seen everywhere within it.
pub const TOKEN_CACHE_MAX_SECS: i64 = 15;

/// If a renewal fails while the token is still valid, the session is asked again after this long.
const RENEWAL_RETRY_SECS: i64 = 5;

/// A token that a requester does not accept is renewed, unless it came within this time.
const REJECT_AFTER_SECS: i64 = 10;

/// A time that is further in the future is from before the clock was set back; the machines that an object moves between differ by less.
const SKEW_MAX_SECS: i64 = 60;

/// A request moves the end of an idle session only once in so many parts of the idle time: each move is a write.
const TOUCHES_PER_IDLE: i64 = 20;

/// What is stored of a session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionRecord {
    /// When it was last used, to within a part of the idle time.
    pub used_at: i64,
    /// After how long without a use it ends.
    pub idle_secs: i64,
    /// When it ends however much it is used.
    pub ends_at: i64,
    /// When the access token came.
    pub token_from: i64,
    /// When the access token expires.
    pub token_until: i64,
    /// The tokens, sealed; behind a space the refresh token, sealed for the gateway: what ends by time is revoked without a cookie.
    pub sealed: String,
    /// When it began; `None` if an older build began it.
    pub began_at: Option<i64>,
    /// Whether the index of its user has it.
    pub is_listed: bool,
    /// What began it.
    pub client: LoginClient,
}

/// What the config lets be kept of the client that logged in.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LoginClient {
    /// Its `User-Agent`, shortened.
    pub user_agent: Option<String>,
    /// Its country.
    pub country: Option<String>,
}

impl LoginClient {
    /// Adds what there is to the members of an object.
    pub fn insert_into(&self, members: &mut Map<String, Value>) {
        for (name, value) in [("user_agent", &self.user_agent), ("country", &self.country)] {
            if let Some(value) = value {
                members.insert(name.to_owned(), value.as_str().into());
            }
        }
    }

    /// Reads what an object has of it.
    pub fn from_json(members: &Map<String, Value>) -> Self {
        let own = |name: &str| json::text(members, name).map(str::to_owned);
        Self { user_agent: own("user_agent"), country: own("country") }
    }
}

/// The state of a session's access token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TokenState {
    /// It may be used for this many seconds without asking again.
    Fresh(i64),
    /// It is valid and is to be renewed; if that fails, it may be used for this many seconds without asking again.
    Due(i64),
    /// It has expired.
    Expired,
}

impl SessionRecord {
    /// Checks whether the session has ended at `now`.
    pub fn has_ended(&self, now: i64) -> bool {
        now >= self.ends_by()
    }

    /// Returns when the session ends unless it is used before.
    pub fn ends_by(&self) -> i64 {
        self.ends_at.min(self.used_at.saturating_add(self.idle_secs))
    }

    /// Records a use at `now`, with the active idle time; returns whether that is worth storing.
    pub fn touch(&mut self, rules: &SessionRules, now: i64) -> bool {
        let apart = (rules.idle_secs / TOUCHES_PER_IDLE).max(1);
        let since = now.saturating_sub(self.used_at);
        let worth_it = since >= apart || since < -SKEW_MAX_SECS.max(apart);
        if worth_it {
            (self.used_at, self.idle_secs) = (now, rules.idle_secs);
        }
        worth_it
    }

    /// Checks whether a token that a requester rejects at `now` is worth renewing: one that has just arrived is not, because the
    /// next would be no better.
    pub fn may_be_rejected(&self, now: i64) -> bool {
        let since = now.saturating_sub(self.token_from);
        !(-SKEW_MAX_SECS..REJECT_AFTER_SECS).contains(&since)
    }

    /// Takes over the times of the tokens that arrived at `now`. If the provider states none, they have the life of those
    /// before.
    pub fn renew(&mut self, answer: &TokenResponse, now: i64) {
        let life = self.token_until.saturating_sub(self.token_from);
        self.token_from = now;
        self.token_until = answer.until(now).unwrap_or_else(|| now.saturating_add(life));
    }

    /// Returns the state of the access token at `now`.
    pub fn token_state(&self, rules: &SessionRules, now: i64) -> TokenState {
        self.state_of(self.token_from, self.token_until, rules, now)
    }

    /// Returns the state at `now` of what the session holds for a target.
    pub fn held_state(&self, held: Option<&Held>, rules: &SessionRules, now: i64) -> TokenState {
        held.map_or(TokenState::Expired, |held| self.state_of(held.from, held.until, rules, now))
    }

    fn state_of(&self, from: i64, until: i64, rules: &SessionRules, now: i64) -> TokenState {
        let left = until.saturating_sub(now);
        if left <= 0 {
            return TokenState::Expired;
        }
        // By a clock that is behind the one that stored it, a token may come after its end.
        let life = until.saturating_sub(from).max(0);
        // A token that lives no longer than that would be renewed by every request.
        let renew_before = if life > rules.renew_before_secs { rules.renew_before_secs } else { life / 2 };
        // Nobody knows how much is left of one that came in the future.
        let fresh = if from.saturating_sub(now) > SKEW_MAX_SECS { 0 } else { left - renew_before };
        // A session that is used must not seem idle because nobody asks it, nor be used past its end.
        let unasked = TOKEN_CACHE_MAX_SECS.min((rules.idle_secs / 2).max(1)).min(self.ends_at.saturating_sub(now));
        if fresh > 0 {
            return TokenState::Fresh(fresh.min(unasked));
        }
        TokenState::Due(left.min(RENEWAL_RETRY_SECS).min(unasked))
    }

    /// Returns the tokens, sealed under the cookie's half.
    pub fn sealed_tokens(&self) -> &str {
        self.sealed.split(' ').next().unwrap_or_default()
    }

    /// Returns the refresh token, sealed for the gateway, if there is one.
    pub fn revocable(&self) -> Option<String> {
        revocable(&self.sealed)
    }

    /// Returns what a list says of it.
    pub fn description(&self) -> Map<String, Value> {
        let mut members = Map::new();
        let times = &mut [
            ("began_at", self.began_at.into()),
            ("used_at", self.used_at.into()),
            ("ends_at", self.ends_by().into()),
        ];
        json::insert(&mut members, times);
        self.client.insert_into(&mut members);
        members
    }

    /// Returns the text to keep.
    pub fn to_json(&self) -> String {
        let mut members = Map::new();
        let own = &mut [
            ("used_at", self.used_at.into()),
            ("idle_secs", self.idle_secs.into()),
            ("ends_at", self.ends_at.into()),
            ("token_from", self.token_from.into()),
            ("token_until", self.token_until.into()),
            ("sealed", self.sealed.as_str().into()),
            ("began_at", self.began_at.into()),
            ("listed", self.is_listed.into()),
        ];
        json::insert(&mut members, own);
        self.client.insert_into(&mut members);
        Value::Object(members).to_text()
    }

    /// Parses a stored text; `None` if it is malformed.
    pub fn parse(text: &str) -> Option<Self> {
        let members = json::parse_object(text.as_bytes())?;
        let time = |key: &str| members.get(key).and_then(Value::as_i64);
        Some(Self {
            used_at: time("used_at")?,
            idle_secs: time("idle_secs")?,
            ends_at: time("ends_at")?,
            token_from: time("token_from")?,
            token_until: time("token_until")?,
            sealed: json::text(&members, "sealed")?.to_owned(),
            began_at: time("began_at"),
            is_listed: members.get("listed") == Some(&Value::Bool(true)),
            client: LoginClient::from_json(&members),
        })
    }
}

/// Returns what of a sealed text is for the revocation of the refresh token, if there is one.
pub fn revocable(sealed: &str) -> Option<String> {
    sealed.split_once(' ').map(|(_, refresh)| refresh.to_owned())
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;

    use super::*;
    use crate::config::ClaimsFrom;
    use crate::oauth::{Grant, ProviderResponse, parse_token_response};

    fn rules() -> SessionRules {
        SessionRules {
            cookie: "__Host-s".into(),
            claims_from: ClaimsFrom::AccessToken,
            idle_secs: 1_000,
            absolute_secs: 10_000,
            after_login: "/".into(),
            after_logout: "/".into(),
            return_to_origins: Vec::new(),
            rotation_grace_secs: 10,
            renew_before_secs: 60,
            keeps_user_agent: false,
            keeps_country: false,
        }
    }

    fn record() -> SessionRecord {
        SessionRecord {
            used_at: 0,
            idle_secs: 1_000,
            ends_at: 10_000,
            token_from: 0,
            token_until: 600,
            sealed: "s r".into(),
            began_at: Some(0),
            is_listed: false,
            client: LoginClient::default(),
        }
    }

    #[test]
    fn a_token_is_fresh_then_due_then_expired() {
        let state = |now| record().token_state(&rules(), now);
        let table = [
            (0, TokenState::Fresh(15), "just come"),
            (530, TokenState::Fresh(10), "no longer than until it is due"),
            (539, TokenState::Fresh(1), "a second before"),
            (540, TokenState::Due(5), "under a minute left"),
            (598, TokenState::Due(2), "no longer than it holds"),
            (600, TokenState::Expired, "at its end"),
        ];
        for (now, expected, message) in table {
            assert_eq!(state(now), expected, "{message}");
        }
    }

    #[test]
    fn a_token_that_lives_no_longer_than_its_renewal_takes_is_renewed_at_half_of_it() {
        let short = SessionRecord { token_until: 60, ..record() };
        assert_eq!(short.token_state(&rules(), 0), TokenState::Fresh(15));
        assert_eq!(short.token_state(&rules(), 29), TokenState::Fresh(1));
        assert_eq!(short.token_state(&rules(), 30), TokenState::Due(5));
    }

    #[test]
    fn a_token_that_came_before_the_clock_was_set_back_is_renewed() {
        let hour = 3600;
        let ahead = SessionRecord { token_from: hour, token_until: hour + 600, used_at: hour, ..record() };
        assert_eq!(ahead.token_state(&rules(), 0), TokenState::Due(5), "it may have expired");
        assert!(ahead.may_be_rejected(0), "who does not accept it gets another");
        let mut used = ahead.clone();
        assert!(used.touch(&rules(), 0) && used.ends_by() == 1_000, "nor does the session outlive its idle time");
        let apart = SessionRecord { token_from: 30, token_until: 630, used_at: 30, ..record() };
        assert_eq!(
            apart.token_state(&rules(), 0),
            TokenState::Fresh(15),
            "a machine whose clock is ahead of another's"
        );
        assert!(!apart.may_be_rejected(0) && !apart.clone().touch(&rules(), 0));
    }

    #[test]
    fn no_time_that_is_stored_makes_a_token_outlive_its_end() {
        // A clock that was set back: the token came later than now, or even than its end.
        let ahead = SessionRecord { token_from: 100, token_until: 98, ..record() };
        assert_eq!(ahead.token_state(&rules(), 95), TokenState::Fresh(3));
        for time in [i64::MIN, -1, 0, 1, i64::MAX] {
            for other in [i64::MIN, i64::MAX] {
                let record =
                    SessionRecord { used_at: time, ends_at: other, token_from: time, token_until: other, ..record() };
                assert_eq!(record.token_state(&rules(), 50) == TokenState::Expired, other < 50, "{time} {other}");
                assert_eq!(record.may_be_rejected(50), time <= 40 || time == i64::MAX, "{time}");
                assert_eq!(record.clone().touch(&rules(), 50), time <= 0 || time == i64::MAX, "{time}");
            }
        }
    }

    #[test]
    fn a_session_ends_when_idle_and_at_its_absolute_end() {
        let mut record = record();
        assert!(!record.has_ended(999) && record.has_ended(1_000), "idle");
        assert!(!record.touch(&rules(), 49), "not worth a write");
        assert!(record.touch(&rules(), 50), "a twentieth of the idle time later");
        assert!(!record.has_ended(1_049) && record.has_ended(1_050));
        assert!(!record.touch(&rules(), 99) && record.touch(&rules(), 100), "and so on from there");
        record.used_at = 9_999;
        assert!(record.has_ended(10_000), "absolute, however much it is used");
        assert!(record.touch(&SessionRules { idle_secs: 60, ..rules() }, 10_100));
        assert_eq!(record.idle_secs, 60, "as the config has it");
    }

    #[test]
    fn a_token_holds_as_long_as_its_answer_and_it_itself_say() {
        let claims = URL_SAFE_NO_PAD.encode(r#"{"exp":1100}"#);
        let until = |body: String| {
            let answer = ProviderResponse { status: 200, retry_after: None, body };
            let answer = parse_token_response(Grant::Refresh, &answer).ok().unwrap();
            let mut renewed = record();
            renewed.renew(&answer, 1_000);
            (answer.until(1_000), renewed.token_from, renewed.token_until)
        };
        let table = [
            (
                format!(r#"{{"access_token":"h.{claims}.s","expires_in":50}}"#),
                Some(1_050),
                1_050,
                "the answer is sooner",
            ),
            (format!(r#"{{"access_token":"h.{claims}.s","expires_in":500}}"#), Some(1_100), 1_100, "the token is"),
            (format!(r#"{{"access_token":"h.{claims}.s"}}"#), Some(1_100), 1_100, "the token alone says it"),
            (r#"{"access_token":"opaque","expires_in":50}"#.into(), Some(1_050), 1_050, "the answer alone does"),
            (r#"{"access_token":"opaque"}"#.into(), None, 1_600, "neither does: as long as the one before"),
        ];
        for (body, expected, renewed, message) in table {
            assert_eq!(until(body), (expected, 1_000, renewed), "{message}");
        }
        let opaque = ProviderResponse { status: 200, retry_after: None, body: r#"{"access_token":"a"}"#.into() };
        let mut later = SessionRecord { token_from: 100, token_until: 400, ..record() };
        later.renew(&parse_token_response(Grant::Refresh, &opaque).ok().unwrap(), 1_000);
        assert_eq!(later.token_until, 1_300, "the life of the one before, whenever it came");
    }

    #[test]
    fn a_session_that_is_used_does_not_end_for_want_of_being_asked() {
        let brief = SessionRules { idle_secs: 8, ..rules() };
        assert_eq!(record().token_state(&brief, 0), TokenState::Fresh(4));
        assert_eq!(record().token_state(&SessionRules { idle_secs: 1, ..rules() }, 0), TokenState::Fresh(1));
        let last = SessionRecord { ends_at: 7, ..record() };
        assert_eq!(last.token_state(&rules(), 0), TokenState::Fresh(7), "nor past its end");
        assert_eq!(last.token_state(&rules(), 3), TokenState::Fresh(4), "the nearer it is");
    }

    #[test]
    fn a_list_says_when_a_session_began_and_was_used_and_what_was_kept_of_its_client() {
        let said = |record: SessionRecord| Value::Object(record.description()).to_text();
        assert_eq!(
            said(record()),
            r#"{"began_at":0,"ends_at":1000,"used_at":0}"#,
            "no more than that, if not asked to"
        );
        let client = LoginClient { user_agent: Some("a browser".into()), country: Some("NZ".into()) };
        let last = SessionRecord { used_at: 9_500, began_at: None, client, ..record() };
        let expected = r#"{"began_at":null,"country":"NZ","ends_at":10000,"used_at":9500,"user_agent":"a browser"}"#;
        assert_eq!(said(last), expected, "it ends at the latest at its absolute end");
    }

    #[test]
    fn a_record_comes_back_as_it_was() {
        assert_eq!(SessionRecord::parse(&record().to_json()), Some(record()));
        let client = LoginClient { user_agent: Some("a browser".into()), country: Some("NZ".into()) };
        let listed = SessionRecord { is_listed: true, client, ..record() };
        assert_eq!(SessionRecord::parse(&listed.to_json()), Some(listed));
        let older = r#"{"ends_at":10000,"idle_secs":1000,"sealed":"s r","token_from":0,"token_until":600,"used_at":0}"#;
        let expected = SessionRecord { began_at: None, ..record() };
        assert_eq!(SessionRecord::parse(older), Some(expected), "of an older build");
        assert_eq!(SessionRecord::parse("{}"), None);
        assert_eq!((record().sealed_tokens(), record().revocable().as_deref()), ("s", Some("r")));
        let without = SessionRecord { sealed: "s".into(), ..record() };
        assert_eq!((without.sealed_tokens(), without.revocable()), ("s", None), "no refresh token");
    }

    #[test]
    fn a_token_that_has_just_come_is_not_renewed_because_somebody_rejects_it() {
        let came = SessionRecord { token_from: 100, ..record() };
        let table = [(100, false, "at once"), (109, false, "a second before"), (110, true, "after a while")];
        for (now, expected, message) in table {
            assert_eq!(came.may_be_rejected(now), expected, "{message}");
        }
    }
}
