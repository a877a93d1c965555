//! The tokens of a session: that of its login, and those for other targets.

use serde_json::{Map, Value};

use crate::config::{Authorizer, TokenTarget};
use crate::json::{self, ToText as _};
use crate::oauth::{TokenResponse, Unfit, unfit};
use crate::token::{Authentication, claimed_text};

/// A session holds tokens for so many targets, and in all so many bytes of them; those that came first make room.
const HELD_MAX: usize = 16;
const HELD_MAX_BYTES: usize = 64 * 1024;

/// A token that is not the one that was requested is requested again after this long.
const UNFIT_SECS: i64 = 60;

/// The tokens of a session. They have no `Debug`, because they are secrets.
#[derive(Clone)]
pub struct Tokens {
    /// The access token.
    pub access: String,
    /// The refresh token, if the provider gave one.
    pub refresh: Option<String>,
    /// Whose they are, by the ID token of the login.
    pub subject: Option<String>,
    /// The session at the provider, by the same.
    pub sid: Option<String>,
    /// The latest ID token that verified, if the config has a use for it.
    pub id_token: Option<String>,
    /// How the user was authenticated, by the ID token of the login: no renewal authenticates anyone.
    pub authentication: Authentication,
    /// What came of the requests for other targets, the latest first.
    pub held: Vec<Held>,
}

/// What a session holds for one target. It has no `Debug`, because it is a secret.
#[derive(Clone)]
pub struct Held {
    /// The target's text.
    pub target: String,
    /// The access token, or why there is none.
    pub token: Result<String, Unfit>,
    /// When it came.
    pub from: i64,
    /// When it expires; without a token, when the provider may be asked again.
    pub until: i64,
}

impl Held {
    fn to_json(&self) -> Value {
        let (access, unfit) = match &self.token {
            Ok(access) => (Some(access.as_str()), None),
            Err(unfit) => (None, Some(unfit)),
        };
        json::object(&mut [
            ("for", self.target.as_str().into()),
            ("access", access.into()),
            ("unfit", unfit.map(|unfit| unfit.reason.as_str()).into()),
            ("missing", unfit.map(|unfit| unfit.missing.as_str()).into()),
            ("from", self.from.into()),
            ("until", self.until.into()),
        ])
    }

    fn parse(value: &Value) -> Option<Self> {
        let members = value.as_object()?;
        let own = |key: &str| json::text(members, key).map(str::to_owned);
        let time = |key: &str| members.get(key).and_then(Value::as_i64);
        let token = match own("access") {
            Some(access) => Ok(access),
            None => Err(Unfit { reason: own("unfit")?, missing: own("missing")? }),
        };
        Some(Self { target: own("for")?, token, from: time("from")?, until: time("until")? })
    }

    fn bytes(&self) -> usize {
        self.target.len() + self.token.as_ref().map_or_else(|unfit| unfit.reason.len(), String::len)
    }
}

impl Tokens {
    /// Checks whether what the authorizer's issuer answered is for the same user. A provider may call a user otherwise to each target
    /// (RFC 9068 section 6), so an access token is compared with the one before for its own.
    pub fn are_followed_by(&self, target: Option<&str>, answer: &TokenResponse, authorizer: &Authorizer) -> bool {
        let id = self.subject.as_deref().map(|subject| (authorizer, subject));
        let before = match target {
            None => Some(&self.access),
            Some(target) => self.held_for(target).and_then(|held| held.token.as_ref().ok()),
        };
        answer.is_for(before.and_then(|before| claimed_text(before, "sub")).as_deref(), id)
    }

    /// Takes over what the provider answered at `now`, and its `id_token` if that verified; a refresh token that was not rotated stays
    /// the one active, and so does an ID token that was not replaced. What came for a target is held for it, if it is that; a token
    /// whose life nobody states has that of `life_secs`.
    pub fn take_over(
        &mut self,
        target: Option<&str>,
        answer: &TokenResponse,
        id_token: Option<String>,
        now: i64,
        life_secs: i64,
    ) {
        self.take_over_refresh(answer);
        self.id_token = id_token.or(self.id_token.take());
        // The refresh token is alive, so no refusal has spent it.
        let asked_again = now.saturating_add(UNFIT_SECS);
        for held in &mut self.held {
            if held.token.is_err() {
                held.until = held.until.min(asked_again);
            }
        }
        let Some(target) = target else {
            answer.access_token().clone_into(&mut self.access);
            return;
        };
        let unfit = TokenTarget::parse(target).and_then(|target| unfit(&target, answer));
        let until = match unfit {
            Some(_) => asked_again,
            None => answer.until(now).unwrap_or_else(|| now.saturating_add(life_secs)),
        };
        let token = unfit.map_or_else(|| Ok(answer.access_token().to_owned()), Err);
        self.hold(Held { target: target.to_owned(), token, from: now, until }, now);
    }

    /// Takes over only the refresh token.
    pub fn take_over_refresh(&mut self, answer: &TokenResponse) {
        self.refresh = answer.refresh_token().map(str::to_owned).or(self.refresh.take());
    }

    /// Remembers at `now` that the provider gives no token for a target. It may have spent the refresh token with that, as oidc-provider
    /// does: until that has proved alive it is not asked for this target again.
    pub fn refuse(&mut self, target: &str, unfit: Unfit, now: i64) {
        self.hold(Held { target: target.to_owned(), token: Err(unfit), from: now, until: i64::MAX }, now);
    }

    fn hold(&mut self, held: Held, now: i64) {
        self.held.retain(|other| other.target != held.target && other.until > now);
        self.held.insert(0, held);
        let mut bytes = 0;
        let fits = |held: &&Held| {
            bytes += held.bytes();
            bytes <= HELD_MAX_BYTES
        };
        let fitting = self.held.iter().take(HELD_MAX).take_while(fits).count();
        self.held.truncate(fitting);
    }

    /// Returns what is held for a target.
    pub fn held_for(&self, target: &str) -> Option<&Held> {
        self.held.iter().find(|held| held.target == target)
    }

    /// Returns the text to seal.
    pub fn to_json(&self) -> String {
        Value::Object(self.members()).to_text()
    }

    /// Returns the members of that text.
    pub fn members(&self) -> Map<String, Value> {
        let mut members = Map::new();
        json::insert(
            &mut members,
            &mut [
                ("access", self.access.as_str().into()),
                ("refresh", self.refresh.as_deref().into()),
                ("subject", self.subject.as_deref().into()),
                ("sid", self.sid.as_deref().into()),
                ("id_token", self.id_token.as_deref().into()),
            ],
        );
        self.authentication.write(&mut members);
        if !self.held.is_empty() {
            let held = self.held.iter().map(Held::to_json).collect();
            json::insert(&mut members, &mut [("held", Value::Array(held))]);
        }
        members
    }

    /// Parses an opened text; `None` if it is malformed. An empty member counts as absent.
    pub fn from_json(members: &Map<String, Value>) -> Option<Self> {
        let own = |key: &str| json::text(members, key).filter(|text| !text.is_empty()).map(str::to_owned);
        Some(Self {
            access: own("access")?,
            refresh: own("refresh"),
            subject: own("subject"),
            sid: own("sid"),
            id_token: own("id_token"),
            authentication: Authentication::read(members),
            held: members.get("held").and_then(Value::as_array).into_iter().flatten().filter_map(Held::parse).collect(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::KeySource;
    use crate::oauth::{Grant, ProviderResponse, parse_token_response};

    const ORDERS: &str = "audience\norders\n\norders";
    const STOCK: &str = "audience\nstock\n\nstock";

    fn tokens() -> Tokens {
        let (refresh, subject, sid, id_token) = (Some("r1".into()), None, None, None);
        Tokens {
            access: "login".into(),
            refresh,
            subject,
            sid,
            id_token,
            authentication: Authentication::default(),
            held: Vec::new(),
        }
    }

    fn answer(body: &str) -> TokenResponse {
        let answer = ProviderResponse { status: 200, retry_after: None, body: body.into() };
        parse_token_response(Grant::Refresh, &answer).ok().unwrap()
    }

    fn unfit_of(tokens: &Tokens, target: &str) -> Option<i64> {
        tokens.held_for(target).and_then(|held| held.token.is_err().then_some(held.until))
    }

    #[test]
    fn a_session_without_a_refresh_token_is_one_with_an_empty_one() {
        let tokens = |text: &str| Tokens::from_json(&json::parse_object(text.as_bytes()).unwrap());
        let refresh = |text: &str| tokens(text).unwrap().refresh;
        assert_eq!(refresh(r#"{"access":"a","refresh":"r"}"#).as_deref(), Some("r"));
        for text in [r#"{"access":"a","refresh":""}"#, r#"{"access":"a","refresh":null}"#, r#"{"access":"a"}"#] {
            assert_eq!(refresh(text), None, "{text}");
        }
        assert!(tokens(r#"{"access":"","refresh":"r"}"#).is_none(), "without an access token there is no session");
    }

    #[test]
    fn a_session_keeps_its_id_token_until_another_verified_and_was_good_before_it_had_one() {
        let stored = |text: &str| Tokens::from_json(&json::parse_object(text.as_bytes()).unwrap()).unwrap();
        let before = stored(r#"{"access":"a","refresh":"r","subject":"u","sid":null}"#);
        assert_eq!(before.id_token, None, "one that was stored by an older build");
        let body = r#"{"access_token":"b","id_token":"i2"}"#.to_owned();
        let answer = ProviderResponse { status: 200, retry_after: None, body };
        let answer = parse_token_response(Grant::Refresh, &answer).ok().unwrap();
        let mut first = before;
        first.take_over(None, &answer, Some("i1".into()), 0, 60);
        assert_eq!((first.access.as_str(), first.id_token.as_deref()), ("b", Some("i1")));
        let mut kept = stored(&first.to_json());
        kept.take_over(None, &answer, None, 0, 60);
        assert_eq!(kept.id_token.as_deref(), Some("i1"), "one that did not verify takes no place");
    }

    #[test]
    fn a_session_keeps_how_its_login_authenticated_the_user_whatever_a_renewal_brings() {
        let stored = |text: &str| Tokens::from_json(&json::parse_object(text.as_bytes()).unwrap()).unwrap();
        let before = stored(r#"{"access":"a","refresh":"r"}"#);
        assert_eq!(before.authentication, Authentication::default(), "one that was stored by an older build");
        let mut login = stored(r#"{"access":"a","refresh":"r","acr":"1","auth_time":7}"#);
        login.take_over(None, &answer(r#"{"access_token":"b","id_token":"i2"}"#), Some("i2".into()), 0, 60);
        let renewed = stored(&login.to_json());
        assert_eq!(renewed.authentication, Authentication { acr: Some("1".into()), time: Some(7) });
    }

    #[test]
    fn what_comes_for_a_target_leaves_the_token_of_the_login_and_replaces_the_refresh_token() {
        let mut tokens = tokens();
        tokens.take_over(
            Some(ORDERS),
            &answer(r#"{"access_token":"o","refresh_token":"r2","expires_in":50}"#),
            None,
            100,
            600,
        );
        tokens.take_over(Some(STOCK), &answer(r#"{"access_token":"s"}"#), None, 110, 600);
        assert_eq!((tokens.access.as_str(), tokens.refresh.as_deref()), ("login", Some("r2")));
        let held =
            |target| tokens.held_for(target).map(|held| (held.token.clone().ok().unwrap(), held.from, held.until));
        assert_eq!(held(ORDERS), Some(("o".into(), 100, 150)));
        assert_eq!(held(STOCK), Some(("s".into(), 110, 710)), "of which nobody states the life");
        assert!(
            tokens.held_for("audience\norders\nread\norders").is_none(),
            "the same audience with a scope is another"
        );
        let stored = Tokens::from_json(&json::parse_object(tokens.to_json().as_bytes()).unwrap()).unwrap();
        assert_eq!(stored.to_json(), tokens.to_json(), "what is stored comes back");
    }

    #[test]
    fn a_token_for_another_is_not_held_and_its_refresh_token_is() {
        let mut tokens = tokens();
        // {"aud":"login"}
        let body = r#"{"access_token":"h.eyJhdWQiOiJsb2dpbiJ9.s","refresh_token":"r2","expires_in":500}"#;
        tokens.take_over(Some(ORDERS), &answer(body), None, 100, 600);
        assert_eq!(tokens.refresh.as_deref(), Some("r2"));
        assert_eq!(unfit_of(&tokens, ORDERS), Some(160), "and it is requested again after a minute");
        assert!(!tokens.to_json().contains("eyJhdWQi"), "nothing keeps it");
        let stored = Tokens::from_json(&json::parse_object(tokens.to_json().as_bytes()).unwrap()).unwrap();
        assert_eq!(stored.to_json(), tokens.to_json(), "the reason comes back");
    }

    #[test]
    fn a_user_may_have_another_name_at_each_target_and_keeps_it_there() {
        // {"sub":"app"}, {"aud":"orders","sub":"o"} and {"aud":"orders","sub":"p"}
        let [app, orders, other] =
            ["eyJzdWIiOiJhcHAifQ", "eyJhdWQiOiJvcmRlcnMiLCJzdWIiOiJvIn0", "eyJhdWQiOiJvcmRlcnMiLCJzdWIiOiJwIn0"];
        let token = |claims: &str| answer(&format!(r#"{{"access_token":"h.{claims}.s","expires_in":500}}"#));
        let mut tokens = Tokens { access: format!("h.{app}.s"), subject: None, ..tokens() };
        let authorizer = Authorizer {
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
        };
        let follows = |tokens: &Tokens, target, claims| tokens.are_followed_by(target, &token(claims), &authorizer);
        assert!(follows(&tokens, None, app) && !follows(&tokens, None, other), "the token of the login");
        assert!(follows(&tokens, Some(ORDERS), orders), "the first for a target");
        tokens.take_over(Some(ORDERS), &token(orders), None, 100, 600);
        assert!(follows(&tokens, Some(ORDERS), orders) && !follows(&tokens, Some(ORDERS), other), "a later one");
    }

    #[test]
    fn a_refusal_may_have_spent_the_refresh_token_and_holds_until_that_has_proved_alive() {
        let mut tokens = tokens();
        let target = TokenTarget::parse(ORDERS).unwrap();
        tokens.refuse(ORDERS, Unfit::refused(&target, &crate::problem::ProviderError::default()), 100);
        assert_eq!(unfit_of(&tokens, ORDERS), Some(i64::MAX));
        tokens.take_over(Some(STOCK), &answer(r#"{"access_token":"s","refresh_token":"r2"}"#), None, 5_000, 600);
        assert_eq!(unfit_of(&tokens, ORDERS), Some(5_060), "then it is asked for again, a minute later");
        tokens.take_over(None, &answer(r#"{"access_token":"l2"}"#), None, 5_030, 600);
        assert_eq!(unfit_of(&tokens, ORDERS), Some(5_060), "which no other success delays");
    }

    #[test]
    fn no_more_is_held_than_fits_and_what_came_first_makes_room() {
        let mut tokens = tokens();
        let hold = |tokens: &mut Tokens, index: usize, bytes: usize, now: i64| {
            let body = format!(r#"{{"access_token":"{}","expires_in":100}}"#, "a".repeat(bytes));
            tokens.take_over(Some(&format!("audience\n{index}\n\n{index}")), &answer(&body), None, now, 600);
        };
        let held = |tokens: &Tokens| tokens.held.len();
        for index in 0..40 {
            hold(&mut tokens, index, 10, 0);
        }
        assert_eq!(held(&tokens), HELD_MAX, "in number");
        assert!(tokens.held_for("audience\n39\n\n39").is_some() && tokens.held_for("audience\n23\n\n23").is_none());
        for index in 0..HELD_MAX {
            hold(&mut tokens, index, 16_000, 0);
        }
        assert_eq!(held(&tokens), 4, "in bytes");
        hold(&mut tokens, 7, 10, 100);
        assert_eq!(held(&tokens), 1, "and what has expired goes first");
    }
}
